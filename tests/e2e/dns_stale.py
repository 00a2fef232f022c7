#!/usr/bin/python3
"""Goal:   with dns.serve-stale an answer past its lifetime serves while no newer one can be had, no longer than that, and a newer one
        takes its place as soon as there is one (RFC 8767); without it, and of names never seen, silence stays a temporary error.
Method: a scripted server whose records live a second falls silent, comes back with other records, and falls silent again."""

import time

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report

DNS_TIMEOUT_MS = 400
STALE_S = 4
PAST_S = 2.2  # past a lifetime of 1 s, with the second that the resolver's clock may be behind
SETTINGS = f"min-ttl = 1\n\tmax-ttl = 1\n\tfailure-ttl = 1\n\tbreaker-time = 200\n\tserve-stale = "
GOOD, CHANGED = "v=spf1 ip4:192.0.2.1 -all", "v=spf1 -all"


def spf(daemon, domain):
    start = time.monotonic()
    answer = daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "x.invalid", "--from", f"a@{domain}")["spf"]
    return answer["result"], time.monotonic() - start


def zone(record):
    return {name: [["TXT", record]] for name in ("seen.example", "unseen.example")}


def check(report, what, daemon, domain, expected):
    result, took = spf(daemon, domain)
    report.check(what, result == expected, f"{result} after {took:.2f} s")
    report.check(f"{what}: in time", took < 2, f"{took:.2f} s")


def check_stale(report, dns):
    with Daemon(dns, timeout_ms=DNS_TIMEOUT_MS, dns=SETTINGS + str(STALE_S)) as daemon:
        check(report, "the server answers", daemon, "seen.example", "pass")
        dns.silent = True
        time.sleep(PAST_S)
        for _ in range(3):
            check(report, "its last answer serves", daemon, "seen.example", "pass")
        check(report, "there is none of other names", daemon, "unseen.example", "temperror")
        stale = daemon.ask("status")["counters"]["answer_cache_stale_total"]
        report.check("counted", stale >= 1, str(stale))
        dns.silent, dns.zone = False, zone(CHANGED)
        deadline = time.monotonic() + 10
        while spf(daemon, "seen.example")[0] != "fail" and time.monotonic() < deadline:
            time.sleep(0.1)
        check(report, "a new answer is taken", daemon, "seen.example", "fail")
        dns.silent = True
        time.sleep(1 + STALE_S + 1)
        check(report, "no answer serves for ever", daemon, "seen.example", "temperror")


def check_off(report, dns):
    with Daemon(dns, timeout_ms=DNS_TIMEOUT_MS, dns=SETTINGS + "0") as daemon:
        check(report, "the server answers again", daemon, "seen.example", "pass")
        dns.silent = True
        time.sleep(PAST_S)
        check(report, "off by default: silence is temperror", daemon, "seen.example", "temperror")


def main():
    report = Report("dns_stale")
    dns = DnsServer(zone(GOOD))
    dns.ttl = 1
    check_stale(report, dns)
    dns.silent, dns.zone = False, zone(GOOD)
    check_off(report, dns)
    dns.stop()
    report.finish()


main()
