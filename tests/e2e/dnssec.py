#!/usr/bin/python3
"""Goal:   with dns.dnssec and a trust anchor, answers that fail validation are temporary errors, never a pass; properly
        signed ones and unsigned ones are used; without validation nothing is refused.
Method: two zones signed with keys made here (ldnsutils), one of them changed after signing, served by NSD on loopback;
        the daemon forwards to it."""

import os
import shutil
import subprocess
import tempfile
import time

from lib.daemon import Daemon
from lib.report import Report, skip

NAME = "dnssec"
ZONES = ("good.test", "forged.test", "plain.test")
SIGNED = ZONES[:2]
START_S = 10


def run(directory, *command):
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


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
            key = run(directory, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name)
            run(directory, "ldns-signzone", "-f", name + ".zone", name, key)
            with open(os.path.join(directory, key + ".ds"), encoding="ascii") as file:
                anchors.write(file.read())
    path = os.path.join(directory, "forged.test.zone")
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(text.replace("ip4:192.0.2.1", "ip4:192.0.2.2"))


def free_port():
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nsd:
    def __init__(self, directory):
        self.port = free_port()
        config = os.path.join(directory, "nsd.conf")
        zones = "".join(f'zone:\n name: {zone}\n zonefile: {zone}.zone\n' for zone in ZONES)
        with open(config, "w", encoding="ascii") as file:
            file.write(
                f'server:\n ip-address: 127.0.0.1@{self.port}\n username: ""\n zonesdir: "{directory}"\n'
                f' database: ""\n pidfile: "{directory}/nsd.pid"\n xfrdfile: "{directory}/xfrd"\n'
                f' zonelistfile: "{directory}/zone.list"\n xfrdir: "{directory}"\n server-count: 1\n'
                f' logfile: "{directory}/nsd.log"\nremote-control:\n control-enable: no\n{zones}'
            )
        self.process = subprocess.Popen(["nsd", "-d", "-c", config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        while time.monotonic() < end and not os.path.exists(f"{directory}/nsd.pid"):
            time.sleep(0.05)
        time.sleep(0.3)

    def forward(self):
        return f"127.0.0.1@{self.port}"

    def stop(self):
        self.process.terminate()
        self.process.wait(START_S)


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
    for tool in ("nsd", "ldns-keygen", "ldns-signzone"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            skip(NAME, f"{tool} is not installed")
    os.environ["PATH"] += ":/usr/sbin"
    report = Report(NAME)
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        os.chmod(directory, 0o755)
        make_zones(directory)
        nsd = Nsd(directory)
        try:
            check(report, directory, nsd)
        finally:
            nsd.stop()
    report.finish()


main()
