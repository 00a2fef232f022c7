#!/usr/bin/python3
"""Goal:   a message with eight forged Authentication-Results fields among others, from which a milter removes what the
verdict names, has none of them left and all the others (LESSONS row 13, CVE-2022-48521; RFC 8601 section 5); duplicated
header fields are named (LESSONS row 11).
Method: `assay check --json` on that message; the removals are carried out one by one, as a milter does it, and the
result is checked again: nothing is left to remove."""

import re

from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS, PASS_ENVELOPE

NAME = "Authentication-Results"
OURS = [
    b"Authentication-Results: mx.example.org; dmarc=pass header.from=bank.example\r\n",
    b"authentication-results: MX.Example.ORG; dmarc=pass\r\n",
    b'Authentication-Results: "mx.example.org"; dmarc=pass\r\n',
    b"Authentication-Results: (a (b)) mx.example.org (c) 1 (d); dmarc=pass\r\n",
    b"Authentication-Results:\r\n\tmx.example.org\r\n\t; dmarc=pass\r\n",
    b"Authentication-Results : mx.example.org/7; dmarc=pass\r\n",
    b"Authentication-Results: old.example.net; dmarc=pass\r\n",
    b"Authentication-Results: other.example ((; mx.example.org; dmarc=pass\r\n",
]
THEIRS = [
    b"Authentication-Results: mx.example.org.evil.example; dmarc=pass\r\n",
    b"Authentication-Results: other.example; dkim=pass header.b=a/b (mx.example.org)\r\n",
    b"X-Authentication-Results: mx.example.org; dmarc=pass\r\n",
]
BODY = b"\r\n" + OURS[0]
MESSAGE = (OURS[0] + THEIRS[0] + OURS[1] + OURS[2] + b"From: a@pass.example\r\nTo: b@example.org\r\n" + OURS[3] + OURS[4]
           + THEIRS[1] + THEIRS[2] + OURS[5] + b"Subject: one\r\n" + OURS[6] + OURS[7] + b"subject: two\r\n" + BODY)
# Each of the eight counted from the top, the last one first.
POSITIONS = [10, 9, 8, 6, 5, 4, 3, 1]
EXTRA = 'own-authserv-ids = {"old.example.net", ".farm.example.net"}'


def remove(message, name, index):
    """What is left of the message without its index-th field of that name."""
    header, body = message.split(b"\r\n\r\n", 1)
    fields = re.findall(rb"[^\r\n]+(?:\r\n[ \t][^\r\n]*)*", header)
    same = [i for i, field in enumerate(fields) if field.split(b":")[0].strip().lower() == name.lower().encode()]
    del fields[same[index - 1]]
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def check_forged(report, daemon):
    verdict = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=MESSAGE)
    deletions = verdict["delete_fields"]
    report.check("the eight, and no other", [d["index"] for d in deletions] == POSITIONS, str(deletions))
    report.check("by name", all(d["name"] == NAME for d in deletions), str(deletions))
    left = MESSAGE
    for deletion in deletions:
        left = remove(left, deletion["name"], deletion["index"])
    report.check("removed in order, none of them is left", not any(field in left.split(b"\r\n\r\n")[0] for field in OURS),
                 left.decode())
    report.check("the others are", all(field in left for field in THEIRS), left.decode())
    again = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=left)
    report.check("nothing more to remove", again["delete_fields"] == [], str(again["delete_fields"]))
    report.check("the same result", again["dmarc"]["result"] == verdict["dmarc"]["result"] == "pass", str(again["dmarc"]))


def check_other_id(report, daemon):
    """The id of the request counts, and what the configuration lists beside it."""
    verdict = daemon.ask("check", "--authserv-id", "other.example", "-", stdin=MESSAGE)
    indices = [deletion["index"] for deletion in verdict["delete_fields"]]
    report.check("--authserv-id", indices == [10, 9, 7], str(indices))
    farm = b"Authentication-Results: a.b.farm.example.net; dmarc=pass\r\nFrom: a@pass.example\r\n\r\n"
    verdict = daemon.ask("check", "-", stdin=farm)
    report.check("every name below", [d["index"] for d in verdict["delete_fields"]] == [1], str(verdict["delete_fields"]))


def check_many(report, daemon):
    """Replies around and above what the daemon packs at once (REPLY_OCTETS_USUAL)."""
    for count in (120, 125, 130, 135, 140, 300):
        message = THEIRS[0] + OURS[0] * count + b"From: a@pass.example\r\n\r\n"
        verdict = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=message)
        indices = [deletion["index"] for deletion in verdict["delete_fields"]]
        report.check(f"all of {count}", indices == list(range(count + 1, 1, -1)), str(indices))
        report.check(f"the rest of a verdict with {count}", verdict["dmarc"]["result"] == "pass", str(verdict["dmarc"]))


def check_duplicates(report, daemon):
    verdict = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=MESSAGE)
    report.check("two Subject fields are named", verdict["flags"]["duplicate_fields"] == ["Subject"], str(verdict["flags"]))
    verdict = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=b"From: a@pass.example\r\nfrom: b@evil.example\r\n\r\n")
    report.check("two From fields are", verdict["flags"]["duplicate_fields"] == ["From"], str(verdict["flags"]))
    report.check("and are no pass", verdict["dmarc"]["result"] == "permerror", str(verdict["dmarc"]))
    verdict = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=b"From: a@pass.example\r\nSubject: x\r\n\r\n")
    report.check("else none", verdict["flags"]["duplicate_fields"] == [] and verdict["delete_fields"] == [], str(verdict))


def check_received_spf(report, daemon, dns):
    """RFC 7208 section 9.1: ours by name or nobody's go; the field is written where that is configured."""
    fields = [b"Received-SPF: pass receiver=mx.example.org\r\n", b"Received-SPF: pass receiver=other.example\r\n",
              b"Received-SPF: pass (mx.example.org: yes)\r\n", b"Authentication-Results: mx.example.org; none\r\n"]
    message = b"".join(fields) + b"From: a@pass.example\r\n\r\n"
    verdict = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=message)
    named = [(deletion["name"], deletion["index"]) for deletion in verdict["delete_fields"]]
    report.check("Received-SPF", named == [(NAME, 1), ("Received-SPF", 3), ("Received-SPF", 1)], str(named))
    left = message
    for name, index in named:
        left = remove(left, name, index)
    report.check("only another's is left", left == fields[1] + b"From: a@pass.example\r\n\r\n", left.decode())
    report.check("not written", verdict["received_spf"] is None, str(verdict["received_spf"]))
    with Daemon(dns, extra="spf { received-spf = true }") as writing:
        verdict = writing.ask("check", *PASS_ENVELOPE, "-", stdin=message)
        expected = ('pass receiver=mx.example.org; client-ip=192.0.2.1; identity=mailfrom; envelope-from="a@pass.example"; '
                    'helo=mail.pass.example; mechanism="ip4:192.0.2.0/24";')
        report.check("written", verdict["received_spf"] == expected, str(verdict["received_spf"]))
        _, output, _ = writing.assay("spf", *PASS_ENVELOPE)
        report.check("in words", b"Received-SPF: pass\n" in output, output.decode())


def check_words(report, daemon):
    status, output, _ = daemon.assay("check", *PASS_ENVELOPE, "-", stdin=MESSAGE)
    text = " ".join(output.decode().split())
    report.check("in words", status == 0 and f"remove {NAME} 10, 9, 8, 6, 5, 4, 3, 1 " in text, text)
    report.check("duplicates in words", "more than one field Subject" in text, text)
    counters = daemon.ask("status")["counters"]
    report.check("counted", counters["forged_fields_total"] >= 16, str(counters["forged_fields_total"]))


def check_configuration(report, dns):
    for extra in ('own-authserv-ids = {""}', 'own-authserv-ids = {"a", "."}'):
        try:
            with Daemon(dns, extra=extra):
                report.check(f"{extra} is refused", False)
        except DaemonError as error:
            report.check(f"{extra} is refused", "own-authserv-ids" in str(error), str(error))


def main():
    report = Report("forged_fields")
    dns = DnsServer(PASS)
    with Daemon(dns, extra=EXTRA) as daemon:
        check_forged(report, daemon)
        check_other_id(report, daemon)
        check_many(report, daemon)
        check_duplicates(report, daemon)
        check_received_spf(report, daemon, dns)
        check_words(report, daemon)
    check_configuration(report, dns)
    dns.stop()
    report.finish()


main()
