#!/usr/bin/python3
"""Goal:   a name that is needed all the time is looked up again without anybody waiting for it (dns.prefetch), one that is not needed is left
        alone, and what changed in the DNS is seen soon.
Method: a scripted server that takes its time and counts queries; records that live a few seconds; a request every tenth of a second.
        A request that waited was evaluated more than once."""

import time

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report

TTL_S, PREFETCH_S = 4, 4
DELAY_S = 0.2  # the resolver does not ask twice for that
LASTING_S = 14
GOOD, CHANGED = "v=spf1 ip4:192.0.2.1 -all", "v=spf1 -all"


def zone(record):
    return {name: [["TXT", record]] for name in ("hot.example", "idle.example")}


def spf(daemon, domain):
    return daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "x.invalid", "--from", f"a@{domain}")["spf"]["result"]


def ask_on(daemon, dns):
    """Asks for LASTING_S; the record changes in the middle. Returns how long after that it was seen."""
    start, seen = time.monotonic(), None
    while time.monotonic() - start < LASTING_S:
        result = spf(daemon, "hot.example")
        if dns.zone["hot.example"][0][1] == GOOD and time.monotonic() - start > LASTING_S / 3:
            dns.zone = zone(CHANGED)
            changed = time.monotonic()
        if result == "fail" and seen is None:
            seen = time.monotonic() - changed
        time.sleep(0.1)
    return seen


def run(prefetch_s):
    dns = DnsServer(zone(GOOD))
    dns.ttl, dns.delay_s = TTL_S, DELAY_S
    settings = f"min-ttl = 1\n\tmax-ttl = {TTL_S}\n\tprefetch = {prefetch_s}"
    with Daemon(dns, dns=settings) as daemon:
        spf(daemon, "idle.example")
        seen = ask_on(daemon, dns)
        counters = daemon.ask("status")["counters"]
    dns.stop()
    waited = counters["passes_total"] - counters["requests_check_sender_total"]
    print(f"prefetch {prefetch_s}: {waited} waited, {dns.queries('hot.example', 'TXT')} queries, "
          f"{counters['dns_prefetches_total']} of them ahead, the change was seen after {seen} s")
    return dns, counters, waited, seen


def main():
    report = Report("dns_prefetch")
    dns, counters, waited, seen = run(PREFETCH_S)
    report.check("nobody waits but the first for each name", waited == 2, str(waited))
    report.check("it is looked up again", counters["dns_prefetches_total"] >= 2, str(counters["dns_prefetches_total"]))
    report.check("and no more than that", dns.queries("hot.example", "TXT") == 1 + counters["dns_prefetches_total"],
                 str(dns.queries("hot.example", "TXT")))
    report.check("what is idle is not", dns.queries("idle.example", "TXT") == 1, str(dns.queries("idle.example", "TXT")))
    report.check("a change is seen", seen is not None and seen < TTL_S + PREFETCH_S + 2, str(seen))
    _, counters, waited, _ = run(0)
    report.check("without it some wait", waited >= 4, str(waited))
    report.check("and nothing is asked ahead", counters["dns_prefetches_total"] == 0, str(counters["dns_prefetches_total"]))
    report.finish()


main()
