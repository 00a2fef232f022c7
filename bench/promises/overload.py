"""Three times what a shard can do, in open loop, for a minute: who is answered, when, with how much memory, and when all is
well again."""

import threading
import time

from rig import MIB, Daemon, Row, Watch, ms, sp

TIMES = 3
P99_MS = 50
RECOVERY_S = 1
AFTER = 4  # what is left of the load when it is over: a quarter of capacity
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
    """Requests a second if the core were the shard's alone, which others may keep it from, and the part of it that it got."""
    result = rig.bench(rig.core_load, "check", "-s", daemon.url, "-d", 1 if rig.quick else 5, "--server-pid", daemon.pid,
                       corpus)
    return 1e6 / result["server_cpu_us"], result["server_core_share"]


def open_load(rig, daemon, corpus, rate, seconds, warmup_s):
    return rig.bench(rig.core_load, "check", "-s", daemon.url, "-c", 64, "-i", 512, "-r", round(rate), "-w", warmup_s,
                     "-d", seconds, "--allow-temporary", "--server-pid", daemon.pid, corpus)


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
        over = open_load(rig, daemon, corpus, TIMES * can, seconds, 0.5)
        ended = time.monotonic()
        after = open_load(rig, daemon, corpus, can / AFTER, 1 if rig.quick else 3, 0)
        probe.end()
        watch.end()
    recovered_s = max(probe.last_bad() - ended, 0) + latest_ms(over) / 1e3
    conditions = (f"capacity {can:,.0f} a second of a core; the shard had {share:.2f} of it before and "
                  f"{over['server_core_share']:.2f} in the overload")
    return answered_rows(seconds, conditions, over) + [
        memory_row(warm, watch),
        Row("overload: recovery", f"{RECOVERY_S} s",
            f"{recovered_s:.2f} s until nothing small waits for {SLOW_MS} ms; from the end on at a quarter of capacity: "
            f"{after['refused']} refused, p99 {ms(after['latency_ns']['p99']):.1f} ms", recovered_s <= RECOVERY_S),
    ]


def memory_row(warm, watch):
    grown = watch.rss_most() - warm
    return Row("overload: memory", f"{2 * OCTETS_HELD // MIB} MiB (twice limits.octets-held) above the warm daemon",
               f"{grown / MIB:.0f} MiB above {warm / MIB:.0f}; octets held at most {watch.most('octets_held') / MIB:.0f} "
               f"MiB, {watch.most('requests_in_flight')} requests in flight", grown <= 2 * OCTETS_HELD)


def answered_rows(seconds, conditions, over):
    latency, refused = over["latency_ns"], over["refused_latency_ns"]
    return [
        Row(f"overload, {seconds} s at {TIMES} times capacity: unanswered", "0",
            f"{over['unanswered']} of {latency['count'] + refused['count']:,} ({over['mismatches']} wrong, "
            f"{over['connections_lost']} connections lost): {latency['count']:,} verdicts, {refused['count']:,} OVERLOADED; "
            + conditions, over["unanswered"] == over["mismatches"] == over["connections_lost"] == 0),
        Row("overload: p99 of accepted requests, from when each was due", f"{P99_MS} ms",
            f"{ms(latency['p99']):.1f} ms (p50 {ms(latency['p50']):.1f}, most {ms(latency['max']):.1f}); of refused ones "
            f"{ms(refused.get('p99', 0)):.1f}", ms(latency["p99"]) <= P99_MS),
    ]
