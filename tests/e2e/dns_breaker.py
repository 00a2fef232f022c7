#!/usr/bin/python3
"""Goal:   a domain whose servers are silent is not waited for by every message that names it, is asked again now and then, and is back
        soon after its servers are; its neighbours below the same public suffix are asked for as ever.
Method: a scripted server that is silent for one zone, or for all of them, and counts the queries it gets."""

import time

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.pipeline import Pipeline
from lib.report import Report
from lib.wire import check_sender

DNS_TIMEOUT_MS = 500
FAILURES = 3
SETTINGS = f"breaker-failures = {FAILURES}\n\tbreaker-time = 1000"
SPF = "v=spf1 ip4:192.0.2.1 -all"
AT_ONCE_S = 0.4  # below dns.timeout; with the time of a process
RECOVERY_S = 10
PAUSE_S = 0.02  # there are a thousand names


def zone(state):
    """dead.co.uk, in that state, and others that answer."""
    value = {"alive": ["TXT", SPF], "dead": ["*", "TIMEOUT"]}[state]
    return {f"{label}dead.co.uk": [value] for label in ["", *[f"n{number}." for number in range(1000)]]} | {
        f"other{number}.co.uk": [["TXT", SPF]] for number in range(100)
    }


def spf(daemon, domain):
    """Over a connection of this process: to start one for each takes as long as what is measured, under sanitizers."""
    time.sleep(PAUSE_S)
    with Pipeline(daemon.ipc) as pipeline:
        start = time.monotonic()
        request = check_sender("x", client_ip="192.0.2.1", helo="x.invalid", mail_from=f"a@{domain}")
        answer = pipeline.ask_all([request])[0].verdict["spf"]
        return answer, time.monotonic() - start


def counters(daemon):
    return daemon.ask("status")["counters"]


def check_opens(report, daemon, names):
    for _ in range(FAILURES):
        answer, _ = spf(daemon, next(names))
        report.check("silence is temperror", answer["result"] == "temperror", str(answer))
    start, asked = time.monotonic(), 0
    slow = []
    while time.monotonic() - start < 3:
        answer, took = spf(daemon, next(names))
        asked += 1
        report.check("and stays temperror", answer["result"] == "temperror", str(answer))
        if took > AT_ONCE_S:
            slow.append(round(took, 2))
        else:
            report.check("in words", "servers of this domain do not answer" in answer["reason"], str(answer))
    report.check("many are told at once", asked > 20, str(asked))
    report.check("only probes wait", len(slow) <= 5, f"{slow} of {asked}")
    print(f"{asked} requests in 3 s, of which waited: {slow}")


def check_others(report, daemon, first, count):
    for number in range(first, first + count):
        answer, took = spf(daemon, f"other{number}.co.uk")
        report.check("others are asked for", answer["result"] == "pass", f"{took:.2f} s {answer}")


def check_recovery(report, daemon, dns, names):
    dns.zone = zone("alive")
    start = time.monotonic()
    answer = {"result": None}
    while answer["result"] != "pass" and time.monotonic() - start < RECOVERY_S:
        answer, _ = spf(daemon, next(names))
    took = time.monotonic() - start
    report.check("it is back", answer["result"] == "pass", f"{took:.1f} s {answer}")
    for _ in range(20):
        answer, _ = spf(daemon, next(names))
        report.check("with all its names", answer["result"] == "pass", str(answer))
    print(f"back after {took:.1f} s")


def main():
    report = Report("dns_breaker")
    dns = DnsServer(zone("dead"))
    names = iter([f"n{number}.dead.co.uk" for number in range(1000)])
    with Daemon(dns, timeout_ms=DNS_TIMEOUT_MS, dns=SETTINGS, extra="shards = 1") as daemon:
        check_opens(report, daemon, names)
        check_others(report, daemon, 0, 20)
        seen = counters(daemon)
        report.check("one breaker", seen["dns_breakers_opened_total"] == 1, str(seen["dns_breakers_opened_total"]))
        report.check("probes", 2 <= seen["dns_breaker_probes_total"] <= 6, str(seen["dns_breaker_probes_total"]))
        report.check("not asked", seen["dns_silent_total"] > 20, str(seen["dns_silent_total"]))
        check_recovery(report, daemon, dns, names)
        seen = counters(daemon)
        report.check("it has closed", seen["dns_breakers_closed_total"] == 1, str(seen["dns_breakers_closed_total"]))
    dns.stop()
    report.finish()


main()
