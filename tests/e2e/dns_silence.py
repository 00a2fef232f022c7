#!/usr/bin/python3
"""Goal:   DNS that answers nothing gives temperror within the deadline, and others are served meanwhile.
Method: some names of the scripted zone are never answered. Requests for them run in the background while requests for
        others are timed."""

import concurrent.futures
import json
import time

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS, PASS_ENVELOPE

DNS_TIMEOUT_MS = 2000
DEADLINE_MS = 1500
MARGIN_S = 1.5  # for a machine that does much else
SILENT_REQUESTS = 16

ZONE = {
    **PASS,
    "silent.example": [["*", "TIMEOUT"]],
    "_dmarc.silent.example": [["*", "TIMEOUT"]],
    "s1._domainkey.silent.example": [["*", "TIMEOUT"]],
}

MESSAGE = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=silent.example; s=s1;\r\n"
    b" h=from; bh=g3zLYH4xKxcPrHOD18z9YfpQcnk/GaJedfustWU5uGs=; b=YWJj\r\n"
    b"From: a@silent.example\r\n\r\ntest\r\n"
)
SILENT_ENVELOPE = ["--ip", "192.0.2.1", "--helo", "mail.pass.example", "--from", "a@silent.example"]


def timed(function, *arguments, **options):
    start = time.monotonic()
    return function(*arguments, **options), time.monotonic() - start


def silent_spf(daemon):
    return timed(daemon.ask, "spf", *SILENT_ENVELOPE)


def check_others(report, daemon, pending):
    """Requests for other names, while the pending ones wait."""
    slowest = 0
    for _ in range(10):
        answer, took = timed(daemon.ask, "spf", *PASS_ENVELOPE)
        report.check("others get their verdict", answer["spf"]["result"] == "pass", str(answer["spf"]))
        slowest = max(slowest, took)
    report.check("others do not wait", slowest < 1.0, f"{slowest:.2f} s")
    report.check("the silent ones are still waiting then", not all(future.done() for future in pending))


def check_silent(report, pending):
    for future in pending:
        answer, took = future.result()
        report.check("silence is temperror", answer["spf"]["result"] == "temperror", str(answer["spf"]))
        report.check("within dns.timeout", took < DNS_TIMEOUT_MS / 1000 + MARGIN_S, f"{took:.2f} s")


def check_deadline(report, daemon):
    (status, output, error), took = timed(
        daemon.assay, "check", "--json", "--timeout", str(DEADLINE_MS), *SILENT_ENVELOPE, "-", stdin=MESSAGE
    )
    report.check("a verdict before the request's own deadline", status == 0, f"status {status} {error.strip()}")
    report.check("in time", took < DEADLINE_MS / 1000 + MARGIN_S, f"{took:.2f} s")
    verdict = json.loads(output)
    for method, result in (("spf", verdict["spf"]), ("dkim", verdict["dkim"][0]), ("dmarc", verdict["dmarc"])):
        report.check(f"{method} is temperror", result["result"] == "temperror", str(result))


def main():
    report = Report("dns_silence")
    dns = DnsServer(ZONE)
    with Daemon(dns, timeout_ms=DNS_TIMEOUT_MS) as daemon:
        daemon.ask("spf", *PASS_ENVELOPE)
        with concurrent.futures.ThreadPoolExecutor(SILENT_REQUESTS) as pool:
            pending = [pool.submit(silent_spf, daemon) for _ in range(SILENT_REQUESTS)]
            time.sleep(0.1)
            check_others(report, daemon, pending)
            check_silent(report, pending)
        check_deadline(report, daemon)
        dns.silent = True
        answer = daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "x.example", "--from", "a@new.example")
        report.check("no DNS at all is temperror", answer["spf"]["result"] == "temperror", str(answer["spf"]))
        dns.silent = False
        answer = daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "x.example", "--from", "a@other.example")
        report.check("and it recovers", answer["spf"]["result"] == "none", str(answer["spf"]))
    dns.stop()
    report.finish()


main()
