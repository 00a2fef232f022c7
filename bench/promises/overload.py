"""Three times what a shard can do, in open loop, for a minute: who is answered, when, with how much memory, and when all is well
again."""

import threading
import time

from rig import MIB, Daemon, Row, Watch, ms, sp

TIMES = 3
P99_MS = 50
RECOVERY_S = 1
OCTETS_HELD = 256 * MIB
SLOW_MS = 20  # a single small request that takes so long has met a queue
PROBE_EVERY_S = 0.005


class Probe:
    """A client that asks one thing after another, all the time."""

    def __init__(self, url):
        self.seen = []  # (when, whether it was refused or slow)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url,), daemon=True)
        self._thread.start()

    def _run(self, url):
        with sp.Peer(url) as peer:
            while not self._over.wait(PROBE_EVERY_S):
                start = time.monotonic()
                refused = sp.SENDER_VERDICT not in peer.ask(sp.check_sender("probe.cold.test"))
                now = time.monotonic()
                self.seen.append((now, refused or 1e3 * (now - start) > SLOW_MS))

    def end(self):
        self._over.set()
        self._thread.join()

    def last_bad(self):
        """When it was refused or slow for the last time; 0: never."""
        return max((when for when, bad in self.seen if bad), default=0)


def capacity(rig, daemon, corpus):
    result = rig.bench(rig.core_load, "check", "-s", daemon.url, "-d", 1 if rig.quick else 5, "--server-pid", daemon.pid, corpus)
    return result["replies_per_second"], result["server_core_share"]


def latest_ms(result):
    """The longest that any request of the run had to wait."""
    return ms(max(result[name].get("max", 0) for name in ("latency_ns", "refused_latency_ns")))


def measure(rig):
    corpus = rig.corpus("mixed")
    seconds = 5 if rig.quick else 60
    extra = f"limits {{ octets-held = {OCTETS_HELD} }}"
    with Daemon(rig, "overload", f'zone-file = "{corpus}/all.zone"', extra=extra) as daemon:
        can, share = capacity(rig, daemon, corpus)
        warm = daemon.memory()
        watch, probe = Watch(daemon), Probe(daemon.url)
        over = rig.bench(rig.core_load, "check", "-s", daemon.url, "-c", 64, "-i", 512, "-r", round(TIMES * can), "--allow-temporary",
                         "-w", 0.5, "-d", seconds, "--server-pid", daemon.pid, corpus)
        ended = time.monotonic()
        after = rig.bench(rig.core_load, "check", "-s", daemon.url, "-c", 64, "-i", 512, "-r", round(can / 2), "--allow-temporary",
                          "-w", 0, "-d", 1 if rig.quick else 3, corpus)
        probe.end()
        watch.end()
    return rows(can, share, warm, seconds, over, after, watch, max(probe.last_bad() - ended, 0) + latest_ms(over) / 1e3)


def rows(can, share, warm, seconds, over, after, watch, recovered_s):
    latency, grown = over["latency_ns"], watch.rss_most() - warm
    accepted, refused = latency["count"], over["refused_latency_ns"]["count"]
    offered = accepted + refused
    return [
        Row(f"overload, {seconds} s at {TIMES} times capacity: unanswered", "0",
            f"{over['unanswered']} of {offered:,} ({over['mismatches']} wrong, {over['connections_lost']} connections lost); capacity "
            f"{can:,.0f} a second with {share:.2f} of the core, {over['server_core_share']:.2f} in the overload; {accepted:,} verdicts, {refused:,} OVERLOADED",
            over["unanswered"] == over["mismatches"] == over["connections_lost"] == 0),
        Row("overload: p99 of accepted requests, from when each was due", f"{P99_MS} ms",
            f"{ms(latency['p99']):.1f} ms (p50 {ms(latency['p50']):.1f}, most {ms(latency['max']):.1f}); of refused ones "
            f"{ms(over['refused_latency_ns'].get('p99', 0)):.1f}", ms(latency["p99"]) <= P99_MS),
        Row("overload: memory", f"{2 * OCTETS_HELD // MIB} MiB (twice limits.octets-held) above the warm daemon",
            f"{grown / MIB:.0f} MiB above {warm / MIB:.0f}; octets held at most {watch.most('octets_held') / MIB:.0f} MiB, "
            f"{watch.most('requests_in_flight')} requests in flight", grown <= 2 * OCTETS_HELD),
        Row("overload: recovery", f"{RECOVERY_S} s",
            f"{recovered_s:.2f} s until nothing small waits for {SLOW_MS} ms; from the end on at half of capacity: "
            f"{after['refused']} refused, p99 {ms(after['latency_ns']['p99']):.1f} ms", recovered_s <= RECOVERY_S),
    ]
