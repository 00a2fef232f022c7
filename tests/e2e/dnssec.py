#!/usr/bin/python3
"""Goal:   with dns.dnssec and a trust anchor, answers that fail validation are temporary errors, never a pass; properly
        signed ones and unsigned ones are used; without validation nothing is refused.
Method: two zones signed with keys made here (ldnsutils), one of them changed after signing, served by NSD on loopback;
        the daemon forwards to it."""

import os
import shutil
import tempfile

from lib import nsd as name_server
from lib.daemon import Daemon
from lib.report import Report, skip

NAME = "dnssec"
ZONES = ("good.test", "forged.test", "plain.test")
SIGNED = ZONES[:2]


def zone_text(name):
    return (
        f"$ORIGIN {name}.\n$TTL 300\n@ IN SOA ns host 1 3600 600 86400 300\n@ IN NS ns\nns IN A 127.0.0.1\n"
        '@ IN TXT "v=spf1 ip4:192.0.2.1 -all"\n'
    )


def make_zones(directory):
    """Writes NAME.zone for each zone, and anchors; returns nothing."""
    with open(os.path.join(directory, "anchors"), "w", encoding="ascii") as anchors:
        for name in ZONES:
            with open(os.path.join(directory, name), "w", encoding="ascii") as file:
                file.write(zone_text(name))
            if name not in SIGNED:
                shutil.copy(os.path.join(directory, name), os.path.join(directory, name + ".zone"))
                continue
            anchors.write(name_server.sign(directory, name, name))
    path = os.path.join(directory, "forged.test.zone")
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(text.replace("ip4:192.0.2.1", "ip4:192.0.2.2"))


def result(daemon, domain, ip="192.0.2.1"):
    return daemon.ask("spf", "--ip", ip, "--helo", "mail.invalid", "--from", "a@" + domain)["spf"]


def check(report, directory, nsd):
    validating = f'dnssec = true\n\ttrust-anchor-file = "{directory}/anchors"'
    with Daemon(nsd, dns=validating) as daemon:
        good, plain = result(daemon, "good.test"), result(daemon, "plain.test")
        report.check("signed answers are used", good["result"] == "pass", str(good))
        report.check("unsigned answers are used", plain["result"] == "pass", str(plain))
        none = result(daemon, "nothing.good.test")
        report.check("a signed denial is an answer", none["result"] == "none", str(none))
        for ip in ("192.0.2.1", "192.0.2.2"):
            forged = result(daemon, "forged.test", ip)
            report.check("a changed answer is a temporary error", forged["result"] == "temperror", str(forged))
            report.check("and the reason says so", "DNSSEC" in forged["reason"], forged["reason"])
    with Daemon(nsd, dns="dnssec = false") as daemon:
        forged = result(daemon, "forged.test", "192.0.2.2")
        report.check("without validation it is used", forged["result"] == "pass", str(forged))


def main():
    tool = name_server.missing_tool()
    if tool:
        skip(NAME, f"{tool} is not installed")
    report = Report(NAME)
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        os.chmod(directory, 0o755)
        make_zones(directory)
        nsd = name_server.Nsd(directory, {zone: zone + ".zone" for zone in ZONES})
        try:
            check(report, directory, nsd)
        finally:
            nsd.stop()
    report.finish()


main()
