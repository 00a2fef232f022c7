#!/usr/bin/python3
"""Goal:   the example MTA of docs/examples has fewer than 60 lines of code and does with messages what it should.
Method: it is run over good, forged, large and malformed messages, with the daemon there and away."""

import os
import subprocess

from lib.daemon import CLIENTS, SOURCE, Daemon
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

MTA = os.path.join(CLIENTS, "docs", "examples", "mta")
MINE = b"Authentication-Results: mx.example.org; spf=pass\r\n"


def mta(urls, text, ip="192.0.2.1", sender="a@pass.example"):
    done = subprocess.run([MTA, urls, ip, "mail.pass.example", sender], input=text, capture_output=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout.decode().replace("\r\n", "\n").splitlines(), done.stderr.decode()


def main():
    report = Report("example")
    with open(os.path.join(SOURCE, "docs", "examples", "mta.c"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    report.check("under 60 lines", len(lines) < 60, str(len(lines)))
    dns = DnsServer(PASS)
    message = b"From: a@pass.example\r\nSubject: x\r\n\r\nhello\r\n"
    with Daemon(dns) as daemon:
        for what, text in [("small", message), ("large, as digests", message + b"x" * 70 + b"\r\n" * 20000)]:
            status, output, error = mta(daemon.ipc, text)
            report.check(f"{what}: taken", status == 0 and output[-1] == "250 2.0.0 Ok", f"{output} {error}")
            report.check(f"{what}: field", output[0].startswith("insert Authentication-Results: mx.example.org;"), str(output))
        status, output, _ = mta(daemon.ipc, MINE + message)
        report.check("a forged field goes", output[0] == "delete Authentication-Results 1", str(output))
        status, output, _ = mta(daemon.ipc, message, ip="198.51.100.9")
        report.check("a forged author is rejected", output[-1] == "550 5.7.1 Rejected by the DMARC policy of pass.example",
                     str(output))
        status, output, _ = mta(f"ipc:///tmp/assay-nobody {daemon.ipc}", message)
        report.check("the second server is asked", output[-1] == "250 2.0.0 Ok", str(output))
        counters = daemon.ask("status")["counters"]
        report.check("the large one went as digests", counters["requests_check_digest_total"] == 1)
    status, output, error = mta("ipc:///tmp/assay-nobody", message)
    report.check("no server: deferred", status == 0 and output == ["451 4.3.0 Mail cannot be authenticated now, try again later"],
                 f"{output} {error}")
    status, output, error = mta("nonsense", message)
    report.check("a bad URL is told", status == 1 and "no URL" in error, error)
    dns.stop()
    report.finish()


main()
