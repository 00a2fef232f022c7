#!/usr/bin/python3
"""Goal:   the demonstration shows what it says: one message of each kind, without any DNS but its zone file.
Method: a daemon with the demonstration's own configuration and zone; its messages, and a name that is not there."""

import os

from lib.daemon import SOURCE, Daemon
from lib.report import Report

DEMO = os.path.join(SOURCE, "deploy", "demo")

# Message, envelope; results of SPF, of each signature, of DMARC; what DMARC asks for.
MESSAGES = [
    ("1-statement.eml", ["192.0.2.10", "mail.bank.example", "bounces@mail.bank.example"],
     "pass", ["pass"], "pass", "none"),
    ("2-newsletter.eml", ["198.51.100.7", "lists.hobby.example", "list-owner@hobby.example"],
     "pass", ["fail"], "fail", "quarantine"),
    ("3-spoof.eml", ["203.0.113.66", "host66.evil.example", "update@evil.example"], "pass", [], "fail", "reject"),
    ("4-ed25519.eml", ["198.51.100.7", "lists.hobby.example", "sales@modern.example"],
     "softfail", ["pass"], "pass", "none"),
    ("5-letter.eml", ["198.51.100.25", "mail.hobby.example", "me@hobby.example"], "pass", [], "none", "none"),
]


def configuration(ipc):
    with open(os.path.join(DEMO, "assayd.conf.in"), encoding="utf-8") as file:
        template = file.read()
    return template.replace("@SOCKET@", ipc).replace("@ZONE@", os.path.join(os.path.abspath(DEMO), "demo.zone"))


def check_message(report, daemon, name, envelope, spf, dkim, dmarc, disposition):
    ip, helo, sender = envelope
    verdict = daemon.ask("check", "--ip", ip, "--helo", helo, "--from", sender, os.path.join(DEMO, name))
    got = (verdict["spf"]["result"], [entry["result"] for entry in verdict["dkim"]], verdict["dmarc"]["result"],
           verdict["dmarc"]["disposition"])
    report.check(name, got == (spf, dkim, dmarc, disposition), str(got))


def main():
    report = Report("demo")
    with Daemon(None, text=configuration) as daemon:
        for message in MESSAGES:
            check_message(report, daemon, *message)
        verdict = daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "x.test", "--from", "a@not-there.example.org")
        report.check("other names do not exist", verdict["spf"]["result"] == "none", str(verdict["spf"]))
    report.finish()


main()
