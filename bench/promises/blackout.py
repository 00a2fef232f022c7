"""The name server falls silent under load, and comes back: verdicts in time, no storm of questions, no growth."""

import threading
import time

from nameserver import Gate, Nsd
from rig import MIB, Daemon, Row, Watch, ms

RATE = 500          # messages a second
COLD_PERCENT = 20   # of senders that nobody has seen
DEADLINE_MS = 4000
SETTLE_S = 15


def spans(quick):
    """Seconds of load before, during and after."""
    return (3, 5, 4) if quick else (10, 30, 15)


def load(rig, daemon, gate, corpus, before, dark, after):
    """Returns what the load generator says; seconds of `gate` count from the load's beginning."""
    process = rig.bench_start(rig.core_load, "check", "-s", daemon.url, "-c", 32, "-i", 512, "-r", RATE, "--messages", 400,
                              "--cold", COLD_PERCENT, "--deadline", DEADLINE_MS, "--allow-temporary", "-w", 0.5,
                              "-d", before + dark + after - 2, "--server-pid", daemon.pid, corpus)
    gate.begin()
    timers = [threading.Timer(before, setattr, (gate, "silent", True)),
              threading.Timer(before + dark, setattr, (gate, "silent", False))]
    for timer in timers:
        timer.start()
    result = rig.bench_end(process)
    for timer in timers:
        timer.join()
    return result


def waiting_in(counters):
    return counters["requests_in_flight"] + counters["dns_lookups_in_flight"]


def settle(daemon):
    """Seconds until nothing is under way, SETTLE_S at most: a look-up that nobody waits for goes on for as long as libunbound tries."""
    start = time.monotonic()
    while waiting_in(daemon.counters()) and time.monotonic() - start < SETTLE_S:
        time.sleep(0.1)
    return time.monotonic() - start


def measure(rig):
    corpus = rig.corpus("mixed")
    before, dark, after = spans(rig.quick)
    with Nsd(rig, corpus, rig.port) as nsd, Gate(nsd) as gate, Daemon(rig, "blackout", gate.forward()) as daemon:
        rig.bench(rig.core_load, "check", "-s", daemon.url, "-w", 0, "-d", 1, corpus)
        watch = Watch(daemon)
        result = load(rig, daemon, gate, corpus, before, dark, after)
        took = settle(daemon)
        left, rss = daemon.counters(), daemon.memory()
        watch.end()
    return rows(result, gate, watch, left, rss, took, (before, dark, after))


def rows(result, gate, watch, left, rss, took, times):
    before, dark, after = times
    back = before + dark
    usual, _ = gate.rate(before // 2, before)
    during, during_most = gate.rate(before + 1, back)
    return_mean, return_most = gate.rate(back, back + min(after, 5) - 2)
    slowest = ms(max(result["latency_ns"]["max"], result["cold_latency_ns"]["max"]))
    grown = watch.rss_most(back - 1) - watch.rss_most(0, before)
    waiting = waiting_in(left)
    return [
        Row(f"DNS black-out of {dark} s, {RATE} messages a second, {COLD_PERCENT} % of unseen senders: verdicts",
            f"every one within its deadline of {DEADLINE_MS} ms",
            f"{result['unanswered']} unanswered, {result['mismatches']} wrong, {result['refused']} refused, "
            f"{result['deferred']:,} of {result['checked']:,} with a temperror; the slowest {slowest:.0f} ms; warm ones "
            f"p99 {ms(result['latency_ns']['p99']):.1f} ms",
            result["unanswered"] == result["mismatches"] == result["refused"] == 0 and slowest <= DEADLINE_MS),
        Row("black-out: queries a second at the name server", "no storm when it ends: no second above the busiest before that",
            f"before {usual:.0f}, during {during:.0f} (most {during_most}), after {return_mean:.0f} (most {return_most})",
            return_most <= during_most),
        Row("black-out: growth", "what waits is over with it; memory stays",
            f"{waiting} requests and look-ups left {took:.1f} s after the last reply; RSS {grown / MIB:+.1f} MiB, "
            f"{rss / MIB:.0f} MiB at the end (answers: {left['answer_cache_bytes'] / MIB:.1f} MiB); at most {watch.most('requests_in_flight'):,} requests and "
            f"{watch.most('dns_lookups_in_flight'):,} look-ups in flight",
            waiting == 0),
    ]
