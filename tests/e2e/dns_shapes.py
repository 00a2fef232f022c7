#!/usr/bin/python3
"""Goal:   answers of every shape that zones in the field have reach the evaluators whole: large ones over TCP, long
        aliases, many strings (LESSONS rows 3 and 20).
Method: a scripted server that truncates over UDP what is larger than the resolver's EDNS size."""

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report

NOISE = [["TXT", f"verification-{i}=" + "x" * 180] for i in range(50)]
HUGE = [["TXT", f"verification-{i}=" + "x" * 230] for i in range(240)]
SPF = "v=spf1 ip4:192.0.2.1 -all"


def aliases(name, length, target):
    """A chain of so many aliases from `name` to `target`."""
    names = [name] + [f"a{i}.{name}" for i in range(1, length)] + [target]
    return {names[i]: [["CNAME", names[i + 1]]] for i in range(length)}


ZONE = {
    "many.example": [*NOISE, ["TXT", SPF]],
    "huge.example": [*HUGE, ["TXT", SPF]],
    "strings.example": [["TXT", [c for c in SPF]]],
    "target.example": [["TXT", SPF]],
    **aliases("alias1.example", 1, "target.example"),
    **aliases("alias8.example", 8, "target.example"),
    **aliases("alias12.example", 12, "target.example"),
    **aliases("nowhere.example", 3, "missing.example"),
    "loop.example": [["CNAME", "pool.example"]],
    "pool.example": [["CNAME", "loop.example"]],
}

EXPECTED = {
    "many.example": ("pass",),
    "huge.example": ("pass",),
    "strings.example": ("pass",),
    "alias1.example": ("pass",),
    "alias8.example": ("pass",),
    "alias12.example": ("temperror",),  # longer than is followed: never a fail, never a pass
    "nowhere.example": ("none",),
    "loop.example": ("temperror",),
}


def main():
    report = Report("dns_shapes")
    dns = DnsServer(ZONE)
    with Daemon(dns) as daemon:
        for domain, results in EXPECTED.items():
            answer = daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "mail.invalid", "--from", "a@" + domain)["spf"]
            report.check(domain, answer["result"] in results, str(answer))
        counted = daemon.ask("status")["counters"]
        counted = counted if isinstance(counted, dict) else {c["name"]: c["value"] for c in counted}
        passes = sum(results == ("pass",) for results in EXPECTED.values())
        report.check("reasons are counted by kind", counted.get('reasons_total{code="spf-match"}') == passes, str(
            {name: value for name, value in counted.items() if name.startswith("reasons_total")}))
    dns.stop()
    report.finish()


main()
