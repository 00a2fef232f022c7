#!/usr/bin/python3
"""Goal:   without forwarders the daemon finds its answers itself, from the root servers of its hints file down.
Method: a root, a top-level domain and a sender's zone, each a server of its own on loopback; SPF needs all three.
        Run with --count N it prints the queries that N unseen senders cost, with and without qname minimisation: the
        measurement behind the default in docs/decisions.md."""

import os
import sys
import tempfile

from lib import authority
from lib.daemon import Daemon
from lib.report import Report, skip

NAME = "recursion"


def sender(domain):
    return {
        domain: [["TXT", "v=spf1 include:_spf." + domain + " -all"]],
        "_spf." + domain: [["TXT", "v=spf1 ip4:192.0.2.1 -all"]],
        "s1._domainkey." + domain: [["TXT", "v=DKIM1; p="]],
        "_dmarc." + domain: [["TXT", "v=DMARC1; p=reject"]],
    }


def message(domain):
    return (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1;\r\n"
        " h=from; bh=g3zLYH4xKxcPrHOD18z9YfpQcnk/GaJedfustWU5uGs=; b=YWJj\r\n"
        f"From: a@{domain}\r\n\r\ntest\r\n"
    ).encode()


class NoForwarder:
    def forward(self):
        return ""


def run(domains, qname_minimisation):
    """The verdicts for one message of each domain, and the queries per server that they cost."""
    servers = authority.world({domain: sender(domain) for domain in domains})
    verdicts = []
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".hints") as hints:
            hints.write(authority.ROOT_HINTS)
            hints.flush()
            words = f'root-hints = "{hints.name}"\n\tqname-minimisation = {"true" if qname_minimisation else "false"}'
            daemon = Daemon(NoForwarder(), dns=words)
            try:
                for domain in domains:
                    verdicts.append(daemon.ask("check", "--ip", "192.0.2.1", "--helo", "mail." + domain,
                                               "--from", "a@" + domain, "-", stdin=message(domain)))
            finally:
                daemon.stop()
    finally:
        for server in servers:
            server.stop()
    return verdicts, [sum(server.queries.values()) for server in servers], servers


def count(number):
    domains = [f"d{i}.example" for i in range(number)]
    for minimise in (True, False, True, False):
        _, queries, servers = run(domains, minimise)
        print(f"qname-minimisation {'on ' if minimise else 'off'}: root {queries[0]}, top level {queries[1]}, "
              f"senders {queries[2]}: {sum(queries) / number:.2f} queries a message")
    for server in servers[1:]:
        print(server.address, [key for key, _ in sorted(server.queries.items()) if "d0." in key[0]])


def main():
    report = Report(NAME)
    try:
        for minimise in (True, False):
            verdicts, queries, _ = run(["bank.example"], minimise)
            verdict = verdicts[0]
            report.check("spf passes", verdict["spf"]["result"] == "pass", str(verdict["spf"]))
            report.check("the key is found revoked", "revoked" in verdict["dkim"][0]["reason"], str(verdict["dkim"]))
            report.check("dmarc passes", verdict["dmarc"]["result"] == "pass", str(verdict["dmarc"]))
            report.check("each server was asked", all(queries), str(queries))
    except (PermissionError, OSError) as error:
        skip(NAME, f"port 53 on loopback: {error}")
    report.finish()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--count":
        count(int(sys.argv[2]))
    else:
        os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
        main()
