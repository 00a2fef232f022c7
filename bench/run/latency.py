"""Latency against load, from when each request was due (open loop, random distances), with warm caches and with some cold names.

Load is told in parts of what the shard's core can do: the CPU time of a message in a closed loop, measured in the same round.
The load generator does not sleep, so that how late it is woken is no latency of the daemon's; at AIM_LOAD it is measured with one that
does as well: what sleeps has to be woken, which costs the daemon too. With cold names it sleeps, for their name server has the same core.
How late timers are on the machine while nothing else runs is measured beside each round, on the daemon's core."""

from nameserver import Gate
from rig import Daemon, say

LOADS = (10, 20, 30, 40, 50, 60, 70, 80, 90)
PERCENTILES = ("p50", "p99", "p99.9")
AIM_LOAD = 70
COLD_PERCENT, COLD_DELAY_S = 5, 0.02
CONNECTIONS, IN_FLIGHT = 32, 256
WARM_UP_S = 1  # the load generator is late in its first tenths of a second, and catches up


class Latency:
    def __init__(self, rig, values, corpus, daemon, nsd):
        self.rounds = 1 if rig.quick else 3
        self._rig, self._values, self._corpus, self._daemon = rig, values, corpus, daemon
        self._seconds = 1 if rig.quick else 2
        self._gate = Gate(nsd, COLD_DELAY_S)
        self._cold = Daemon(rig, "delayed", self._gate.forward() + " max-queries-per-domain = 65536")
        rig.bench(rig.core_load, "check", "-s", self._cold.url, "-w", 0, "-d", 0.1, corpus)

    def _note(self, name, histogram):
        for percentile in PERCENTILES:
            if percentile in histogram:
                self._values.note(f"{name}.{percentile}", histogram[percentile] / 1e3)

    def _open(self, name, daemon, rate, seconds, *arguments):
        found = self._rig.bench(self._rig.core_load, "check", "-s", daemon.url, "-c", CONNECTIONS, "-i", IN_FLIGHT, "-r", round(rate),
                                "--poisson", "--allow-temporary", "-w", WARM_UP_S, "-d", seconds, "--server-pid", daemon.pid, *arguments, self._corpus)
        self._note(name, found["latency_ns"])
        self._note(f"{name}.unseen", found["cold_latency_ns"])
        self._values.note(f"{name}.core", found["server_core_share"])
        self._values.note(f"{name}.rate", found["replies_per_second"])
        self._values.note(f"{name}.wrong", found["mismatches"] + found["unanswered"] + found["deferred"])
        refused, answered = (sum(found[of]["count"] for of in names) for names in (("refused_latency_ns",), ("latency_ns", "cold_latency_ns")))
        self._values.note(f"{name}.refused", 100 * refused / max(1, refused + answered))

    def _idle(self):
        self._note("idle", self._rig.bench(self._rig.core_server, "idle", "-d", 1 if self._rig.quick else 3)["latency_ns"])

    def one_round(self, _):
        closed = self._rig.bench(self._rig.core_load, "check", "-s", self._daemon.url, "-w", 0.2, "-d", self._seconds, "--server-pid",
                                 self._daemon.pid, self._corpus)
        capacity = 1e6 / closed["server_cpu_us"]
        self._values.note("capacity", capacity)
        self._idle()
        loads = LOADS[::2] + (AIM_LOAD,) if self._rig.quick else LOADS
        for load in sorted(set(loads)):
            seconds = self._seconds * (2 if load == AIM_LOAD else 1)
            self._open(f"load.{load}", self._daemon, capacity * load / 100, seconds, "--no-sleep")
        rate = capacity * AIM_LOAD / 100
        self._open("sleeping", self._daemon, rate, 2 * self._seconds)
        self._open("cold5", self._cold, rate, 2 * self._seconds, "--cold", COLD_PERCENT)
        values = self._values
        say(f"   {AIM_LOAD} % of {capacity:,.0f} a second: p99 {values.text(f'load.{AIM_LOAD}.p99', 0)}, p99.9 "
            f"{values.text(f'load.{AIM_LOAD}.p99.9', 0)} us; with unseen senders {values.text('cold5.p99', 0)}; an idle timer "
            f"{values.text('idle.p99', 0)}, {values.text('idle.p99.9', 0)}")

    def close(self):
        self._cold.__exit__(None, None, None)
        self._gate.__exit__(None, None, None)
