#!/usr/bin/python3
"""Goal:   the assay command keeps INTERFACE.md: exit statuses, keys and their order, several files, words for people.
Method: it is run against a daemon, against nobody, and with wrong usage."""

import json
import os
import subprocess

from lib.daemon import ASSAY, SHARDS, Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS, PASS_ENVELOPE

MESSAGE = b"From: a@pass.example\nTo: b@example.org\n\nbody\n"
PUNYCODE = "a\u202eb".encode("punycode").decode()
# What an author domain reads as, STANDARDS S9.
READ_AS = {
    "pass.example": None,
    "xn--bcher-kva.example": {"name": "b\u00fccher.example", "mixes_scripts": False},
    "xn--pypal-4ve.example": {"name": "p\u0430ypal.example", "mixes_scripts": True},
    f"xn--{PUNYCODE}.example": {"name": None, "mixes_scripts": False},
}
UNSIGNED_NONE = b"From: a@unknown.example\n\nbody\n"

KEYS = {
    "": ["authentication_results", "spf", "dkim", "arc", "dmarc"],
    "spf": ["result", "domain", "scope", "explanation", "reason"],
    "arc": ["result", "instance", "reason"],
    "dmarc": ["result", "from_domain", "policy_domain", "organizational_domain", "policy", "disposition",
              "spf_aligned", "dkim_aligned", "testing", "reason"],
}

WRONG_USAGE = [
    [], ["nonsense"], ["check"], ["check", "--ip", "x", "f"], ["check", "--nonsense", "f"], ["spf"],
    ["spf", "--ip", "192.0.2.1", "--helo", "x"], ["spf", "--ip", "192.0.2.1", "--helo", "x", "--from", "", "more"],
    ["status", "more"], ["tls-policy"], ["status", "-s", "nonsense"],
]


def run(*arguments):
    done = subprocess.run([ASSAY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr


def check_usage(report):
    for arguments in WRONG_USAGE:
        status, output, error = run(*arguments)
        report.check(f"assay {' '.join(arguments)}: status 2", status == 2 and error and not output, f"{status} {error}")
    for arguments in (["--help"], ["check", "--help"], ["spf", "-h"], ["status", "--help"], ["--version"]):
        status, output, error = run(*arguments)
        report.check(f"assay {' '.join(arguments)}: status 0", status == 0 and output and not error)


def check_nobody(report):
    for url in ("ipc:///tmp/assay-nobody/sock", free_tcp_url()):
        for command in (["status"], ["spf", *PASS_ENVELOPE], ["check", __file__]):
            status, output, error = run(command[0], "-s", url, *command[1:])
            report.check(f"{command[0]} without a server: status 3", status == 3 and error.count(b"\n") == 1 and not output)


def check_keys(report, daemon):
    verdict = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=MESSAGE)
    for part, keys in KEYS.items():
        value = verdict[part] if part else verdict
        report.check(f"keys of {part or 'the object'}", list(value)[:len(keys)] == keys, str(list(value)))
    report.check("no signature: an empty list", verdict["dkim"] == [])
    report.check("one line", "\n" not in verdict["authentication_results"], verdict["authentication_results"])
    report.check("the default authserv-id", verdict["authentication_results"].startswith("mx.example.org;"))
    named = daemon.ask("check", "--authserv-id", "other.example", "-", stdin=MESSAGE)
    report.check("--authserv-id", named["authentication_results"].startswith("other.example;"))
    report.check("without --ip there is no SPF", named["spf"] is None, str(named["spf"]))
    sender = daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "mail.pass.example", "--from", "<>")
    report.check("the null sender: HELO", (sender["spf"]["scope"], sender["spf"]["result"]) == ("helo", "pass"),
                 str(sender))


def check_files(report, daemon):
    paths = []
    for name, message in (("one", MESSAGE), ("two", UNSIGNED_NONE)):
        paths.append(os.path.join(daemon.directory, name))
        with open(paths[-1], "wb") as file:
            file.write(message)
    status, output, error = daemon.assay("check", "--json", *PASS_ENVELOPE, paths[0], "/nonexistent", paths[1])
    verdicts = [json.loads(line) for line in output.splitlines()]
    report.check("an unreadable file: status 3", status == 3 and "/nonexistent" in error and error.count("\n") == 1,
                 f"{status} {error}")
    report.check("the others in order", [verdict["dmarc"]["from_domain"] for verdict in verdicts] ==
                 ["pass.example", "unknown.example"], str(output))
    status, output, _ = daemon.assay("check", *PASS_ENVELOPE, *paths)
    report.check("words for people", status == 0 and b"GENUINE" in output and b"UNPROVEN" in output, output.decode())
    report.check("no colour without a terminal", b"\033" not in output)


def check_ulabels(report, daemon):
    for domain, expected in READ_AS.items():
        message = f"From: a@{domain}\n\nbody\n".encode()
        verdict = daemon.ask("check", "-", stdin=message)
        report.check(f"{domain} as it reads", verdict["dmarc"]["from_domain_unicode"] == expected, str(verdict["dmarc"]))
        _, output, _ = daemon.assay("check", "-", stdin=message)
        told = "" if not expected else f"reads {expected['name']}\n" if expected["name"] else "cannot be shown safely"
        report.check(f"{domain} in words", told in output.decode() and "\u202e" not in output.decode(), output.decode())


def check_status(report, daemon):
    answer = daemon.ask("status")
    report.check("status", answer["version"] and daemon.ipc in answer["listeners"] and answer["shards"] == SHARDS, str(answer))
    status, output, _ = daemon.assay("status")
    report.check("status in words", status == 0 and b"SERVING" in output, output.decode())
    status, output, error = daemon.assay("tls-policy", "pass.example")
    report.check("tls-policy has an answer", status == 0 and b"mta-sts" in output and not error, error)


def main():
    report = Report("command")
    check_usage(report)
    check_nobody(report)
    dns = DnsServer(PASS)
    with Daemon(dns) as daemon:
        check_keys(report, daemon)
        check_files(report, daemon)
        check_ulabels(report, daemon)
        check_status(report, daemon)
    dns.stop()
    report.finish()


main()
