#!/usr/bin/python3
"""Goal:   good signatures by short RSA keys are counted, those by longer ones and bad ones are not (LESSONS row 7).
Method: one message for each kind of key; the counter before and after."""

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.signer import RsaKey, signature_field

DOMAIN = "keys.example"
BODY = b"hello\r\n"
SHORT, LONG = RsaKey(), RsaKey(2048)
FROM = f"From: a@{DOMAIN}"
KEYS = {"short": SHORT, "long": LONG}


def message(selector, good=True):
    return (signature_field(KEYS[selector], DOMAIN, selector, FROM, BODY, good) + FROM + "\r\n\r\n").encode() + BODY


def main():
    report = Report("dkim_keys")
    dns = DnsServer({f"{selector}._domainkey.{DOMAIN}": [["TXT", key.record()]] for selector, key in KEYS.items()})
    with Daemon(dns) as daemon:
        for selector, good, expected in (("long", True, 0), ("short", False, 0), ("short", True, 1), ("short", True, 2)):
            verdict = daemon.ask("check", "-", stdin=message(selector, good))
            word = "pass" if good else "fail"
            report.check(f"{selector}: {word}", verdict["dkim"][0]["result"] == word, str(verdict["dkim"]))
            count = daemon.ask("status")["counters"]["dkim_rsa_below_2048_total"]
            report.check(f"{selector}, {word}: counted", count == expected, str(count))
    dns.stop()
    report.finish()


main()
