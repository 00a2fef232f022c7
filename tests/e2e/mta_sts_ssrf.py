#!/usr/bin/python3
"""Goal:   a stranger's mta-sts.<domain> leads the daemon to no address that is not public, by whatever record, mixture,
        change between two look-ups or redirect; and to a private one only where that is configured.
Method: each domain's policy host has addresses of one kind; a web server listens on loopback, and any connection to it is
        counted. The daemon's sockets can reach loopback alone here, so a public address is only seen to be tried."""

import os
import tempfile
import threading
import time

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.httpsserver import HttpsServer, Site, policy
from lib.pipeline import ask_policy
from lib.report import Report

REFUSED = {
    "loopback": [["A", "127.0.0.1"]],
    "loopback-other": [["A", "127.9.8.7"]],
    "this-network": [["A", "0.0.0.0"]],
    "private-10": [["A", "10.0.0.1"]],
    "private-172": [["A", "172.16.0.1"]],
    "private-192": [["A", "192.168.0.1"]],
    "cgnat": [["A", "100.64.0.1"]],
    "link-local": [["A", "169.254.1.1"]],
    "metadata": [["A", "169.254.169.254"]],
    "multicast": [["A", "224.0.0.1"]],
    "broadcast": [["A", "255.255.255.255"]],
    "loopback-v6": [["AAAA", "::1"]],
    "unspecified-v6": [["AAAA", "::"]],
    "mapped-loopback": [["AAAA", "::ffff:127.0.0.1"]],
    "mapped-public": [["AAAA", "::ffff:8.8.8.8"]],
    "compatible": [["AAAA", "::127.0.0.1"]],
    "unique-local": [["AAAA", "fd00:ec2::254"]],
    "link-local-v6": [["AAAA", "fe80::1"]],
    "6to4-loopback": [["AAAA", "2002:7f00:1::"]],
    "teredo": [["AAAA", "2001:0:7f00:1::1"]],
    "nat64-loopback": [["AAAA", "64:ff9b::127.0.0.1"]],
    "nat64-metadata": [["AAAA", "64:ff9b::169.254.169.254"]],
    "both-private": [["A", "127.0.0.1"], ["A", "10.0.0.1"], ["AAAA", "::1"]],
    "by-alias": [["CNAME", "mta-sts.loopback.example"]],
}


def zone():
    made = {"_mta-sts.redirected.example": [["TXT", "v=STSv1; id=1"]], "mta-sts.redirected.example": [["A", "127.0.0.1"]]}
    for name, records in REFUSED.items():
        made[f"_mta-sts.{name}.example"] = [["TXT", "v=STSv1; id=1"]]
        made[f"mta-sts.{name}.example"] = records
    return made


def check_refused(report, daemon, web):
    for name in REFUSED:
        got = ask_policy(daemon, f"{name}.example")["mta_sts"]
        report.check(f"{name} is refused", got["result"] == "temperror" and got["code"] == "mta-sts-address-refused", str(got))
    report.check("nobody connected", web.connections == 0, str(web.connections))


def check_allowed(report, daemon, web):
    for name in ("loopback", "both-private", "by-alias"):
        got = ask_policy(daemon, f"{name}.example")["mta_sts"]
        report.check(f"{name} is taken where configured", got["result"] == "policy", str(got))
    web.sites["mta-sts.redirected.example"] = Site("", status=302, headers=[f"Location: https://127.0.0.1:{web.port}/"])
    before = web.connections
    got = ask_policy(daemon, "redirected.example")["mta_sts"]
    report.check("a redirect is not followed", "redirects are not followed" in got["reason"], str(got))
    report.check("one connection, to the first server", web.connections == before + 1)


def check_rebinding(report, daemon, dns, web):
    """The name changes its address all the time; what is looked up is what is judged, and where the daemon connects to."""
    stop = threading.Event()

    def turn():
        while not stop.is_set():
            for address in ("127.0.0.1", "192.0.2.1"):
                dns.zone["mta-sts.rebound.example"] = [["A", address]]
                time.sleep(0.001)

    dns.zone["mta-sts.rebound.example"] = [["A", "192.0.2.1"]]
    threading.Thread(target=turn, daemon=True).start()
    for i in range(20):
        dns.zone["_mta-sts.rebound.example"] = [["TXT", f"v=STSv1; id={i}"]]
        ask_policy(daemon, "rebound.example", purge=True)
    stop.set()
    report.check("no rebinding", web.connections == 0, str(web.connections))
    report.check("no stray socket", daemon.ask("status")["counters"]["policy_strays_total"] == 0)


def main():
    report = Report("mta_sts_ssrf")
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        sites = {f"mta-sts.{name}.example": Site(policy()) for name in REFUSED}
        web = HttpsServer(directory, {**sites, "mta-sts.rebound.example": Site(policy())})
        dns = DnsServer(zone())
        dns.ttl = 0
        allowed = web.configuration()
        refused = allowed.replace("allow-private-addresses = true", "")
        environment = {"https_proxy": f"http://127.0.0.1:{web.port}", "HTTPS_PROXY": f"http://127.0.0.1:{web.port}",
                       "ALL_PROXY": f"http://127.0.0.1:{web.port}"}
        os.environ.update(environment)
        with Daemon(dns, extra=refused, dns="min-ttl = 0 prefetch = 0") as daemon:
            check_refused(report, daemon, web)
            check_rebinding(report, daemon, dns, web)
        with Daemon(dns, extra=allowed) as daemon:
            check_allowed(report, daemon, web)
        dns.stop()
        web.stop()
    report.finish()


main()
