#!/usr/bin/python3
"""Goal:   with dmarc.shadow-rfc7489 the RFC 7489 result stands beside the real one, is counted, and changes nothing else;
without it there is none; a list that is no list stops the start.
Method: the same messages are checked by two daemons, one with the shadow and a list of its own, one without."""

import os
import tempfile

from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report

LIST = "com\nexample\nhost.example\n"
ZONE = {
    "_dmarc.pct.example": [["TXT", "v=DMARC1; p=reject; pct=50"]],
    "_dmarc.same.example": [["TXT", "v=DMARC1; p=reject"]],
    # A private suffix without psd=y: one organization for the tree walk, two for the list.
    "_dmarc.host.example": [["TXT", "v=DMARC1; p=reject"]],
    "a.host.example": [["TXT", "v=spf1 ip4:192.0.2.1 -all"]],
    "b.host.example": [["TXT", "v=spf1 -all"]],
    "_dmarc.b.host.example": [["TXT", "v=DMARC1; p=reject"]],
    # A record at a subdomain that is an organization of its own, as the walk has it.
    "_dmarc.own.stop.example": [["TXT", "v=DMARC1; p=quarantine; psd=n"]],
    "_dmarc.stop.example": [["TXT", "v=DMARC1; p=reject"]],
}
ENVELOPE = ["--ip", "192.0.2.1", "--helo", "mail.a.host.example", "--from", "x@a.host.example"]
CASES = {
    "none": ("none.example", {"result": "none", "organizational_domain": "none.example", "policy_domain": None,
                              "policy": None, "pct": None, "disposition": "none", "disposition_unsampled": "none",
                              "differs": False}),
    "the same": ("same.example", {"result": "fail", "organizational_domain": "same.example",
                                  "policy_domain": "same.example", "policy": "reject", "pct": 100,
                                  "disposition": "reject", "disposition_unsampled": "reject", "differs": False}),
    "pct": ("pct.example", {"result": "fail", "organizational_domain": "pct.example", "policy_domain": "pct.example",
                            "policy": "reject", "pct": 50, "disposition": "reject",
                            "disposition_unsampled": "quarantine", "differs": True}),
    "a private suffix": ("b.host.example", {"result": "fail", "organizational_domain": "b.host.example",
                                            "policy_domain": "b.host.example", "policy": "reject", "pct": 100,
                                            "disposition": "reject", "disposition_unsampled": "reject",
                                            "differs": True}),
    "a question of its own": ("deep.own.stop.example", {"result": "fail", "organizational_domain": "stop.example",
                                                        "policy_domain": "stop.example", "policy": "reject",
                                                        "pct": 100, "disposition": "reject",
                                                        "disposition_unsampled": "reject", "differs": True}),
}


def message(domain):
    return f"From: x@{domain}\r\nSubject: y\r\n\r\nbody\r\n".encode()


def check_cases(report, shadow, plain):
    for name, (domain, expected) in CASES.items():
        verdict = shadow.ask("check", *ENVELOPE, "-", stdin=message(domain))
        report.check(name, verdict["dmarc"]["shadow"] == expected, str(verdict["dmarc"]["shadow"]))
        without = plain.ask("check", *ENVELOPE, "-", stdin=message(domain))
        report.check(f"{name}: none when it is off", without["dmarc"]["shadow"] is None, str(without["dmarc"]))
        verdict["dmarc"]["shadow"] = None
        report.check(f"{name}: nothing else changes", verdict == without, f"{verdict} {without}")
    no_author = shadow.ask("check", *ENVELOPE, "-", stdin=b"Subject: y\r\n\r\n")
    report.check("no author, no shadow", no_author["dmarc"]["shadow"] is None, str(no_author["dmarc"]))


def check_counters(report, shadow, plain):
    differing = sum(expected["differs"] for _, expected in CASES.values())
    counters = shadow.ask("status")["counters"]
    report.check("counted", (counters["dmarc_shadow_same_total"], counters["dmarc_shadow_differs_total"]) ==
                 (len(CASES) - differing, differing), str(counters))
    counters = plain.ask("status")["counters"]
    report.check("not counted", counters["dmarc_shadow_same_total"] + counters["dmarc_shadow_differs_total"] == 0)


def check_words(report, shadow):
    _, output, _ = shadow.assay("check", *ENVELOPE, "-", stdin=message("pct.example"))
    report.check("one line in words", b"RFC 7489 differs: fail, reject for 50 %, else quarantine\n" in output,
                 output.decode())
    _, output, _ = shadow.assay("check", *ENVELOPE, "-", stdin=message("same.example"))
    report.check("none when it is the same", b"7489" not in output, output.decode())


def check_configuration(report, dns, directory):
    for path in ("/nonexistent/list", "/bin/true", directory):
        try:
            with Daemon(dns, extra=f'dmarc {{\n\tpublic-suffix-list = "{path}"\n}}'):
                report.check(f"{path} is refused", False)
        except DaemonError as error:
            report.check(f"{path} is refused", "public-suffix-list" in str(error) and path in str(error), str(error))
    with Daemon(dns, extra="dmarc { shadow-rfc7489 = true }") as daemon:
        verdict = daemon.ask("check", *ENVELOPE, "-", stdin=message("a.b.co.uk"))
        report.check("the system's list", verdict["dmarc"]["shadow"]["organizational_domain"] == "b.co.uk", str(verdict))
        report.check("and says which", any("public suffix list:" in line for line in daemon.lines), str(daemon.lines))


def main():
    report = Report("dmarc_shadow")
    dns = DnsServer(ZONE)
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        path = os.path.join(directory, "list")
        with open(path, "w", encoding="utf-8") as file:
            file.write(LIST)
        extra = f'dmarc {{\n\tshadow-rfc7489 = true\n\tpublic-suffix-list = "{path}"\n}}'
        with Daemon(dns, extra=extra) as shadow, Daemon(dns) as plain:
            check_cases(report, shadow, plain)
            check_counters(report, shadow, plain)
            check_words(report, shadow)
        check_configuration(report, dns, directory)
    dns.stop()
    report.finish()


main()
