#!/usr/bin/python3
"""Goal:   a thousand policies wanted at once stay within the connections that are configured, in all and to one address; what
        is beyond mta-sts.max-waiting is refused and counted; checks of messages go on meanwhile.
Method: as many domains with policies on one web server, asked for over a few connections; the server counts its own, the daemon
        too; a client checks messages all the time, and how long that takes is printed, not judged: everything here shares
        the machine's cores."""

import os
import tempfile
import threading

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.httpsserver import HttpsServer, Site, policy
from lib.pipeline import Pipeline
from lib.report import Report
from lib.wire import check_message, tls_policy

DOMAINS = 1000
CONNECTIONS = 24
ADDRESS_CONNECTIONS = 16
DEADLINE_MS = 240000
PAUSE_S = 0.003  # between two checks: the server needs the core, too
TEXT = b"From: a@none.example\r\nSubject: x\r\n\r\n" + b"hello\r\n" * 500


def write_zone(path, domains):
    """As local data of the daemon: thousands of questions at once are too many for a name server in Python."""
    with open(path, "w", encoding="ascii") as file:
        file.write("$TTL 300\nexample. SOA ns.example. host.example. 1 3600 600 86400 300\n"
                   'none.example. TXT "v=spf1 -all"\n')
        for at, domain in enumerate(domains):
            file.write(f'_mta-sts.{domain}. TXT "v=STSv1; id=1"\nmta-sts.{domain}. A 127.0.0.{at % 2 + 1}\n'
                       f"{domain}. MX 10 mx.example.\n")


def percentiles(seconds):
    seconds = sorted(seconds)
    return ", ".join(f"p{p} {seconds[min(len(seconds) - 1, len(seconds) * p // 100)] * 1e6:.0f} us" for p in (50, 99))


class Checker:
    """Checks messages one after another until stop()."""

    def __init__(self, daemon):
        self.seconds, self.results = [], set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(daemon.ipc,))
        self._thread.start()

    def _run(self, url):
        with Pipeline(url) as pipeline:
            while not self._stopping.wait(PAUSE_S):
                reply = pipeline.ask_all([check_message("m", TEXT, client_ip="192.0.2.1", mail_from="a@none.example")])[0]
                self.seconds.append(reply.seconds)
                self.results.add(reply.verdict.get("error", reply.verdict.get("spf", {}).get("result")))

    def stop(self):
        self._stopping.set()
        self._thread.join()


def ask_all(daemon, domains, deadline_ms):
    with Pipeline(daemon.ipc, window=len(domains)) as pipeline:
        return [reply.verdict for reply in
                pipeline.ask_all([tls_policy(domain, domain, deadline_ms=deadline_ms) for domain in domains])]


def counter(daemon, name):
    return daemon.ask("status")["counters"][name]


def check_thousand(report, daemon, web, domains):
    before = Checker(daemon)
    threading.Event().wait(1)
    before.stop()
    during = Checker(daemon)
    answers = ask_all(daemon, domains, DEADLINE_MS)
    during.stop()
    wrong = [answer for answer in answers if answer.get("mta_sts", {}).get("result") != "policy"]
    report.check("each domain has its policy", not wrong, str(wrong[:3]))
    report.check("each was fetched once", sum(web.requests.values()) == len(domains), str(sum(web.requests.values())))
    most = counter(daemon, "policy_connections_most")
    report.check("no more connections than configured", most <= CONNECTIONS, str(most))
    report.check("the bound was reached", most == CONNECTIONS, str(most))
    # A thread of the server learns late that its connection is closed: it sees more than there are.
    report.check("nor did the server see many more", web.open_most <= 2 * CONNECTIONS, str(web.open_most))
    report.check("no more to one address than configured", max(web.address_most.values()) <= 2 * ADDRESS_CONNECTIONS,
                 str(dict(web.address_most)))
    report.check("messages were checked meanwhile", during.results == {"fail"} and len(during.seconds) > 10,
                 f"{during.results} {len(during.seconds)}")
    print(f"mta_sts_bulk: a message check before: {percentiles(before.seconds)} ({len(before.seconds)}); "
          f"during {len(domains)} fetches: {percentiles(during.seconds)} ({len(during.seconds)})", flush=True)


def check_address(report, daemon, web, domains):
    """All at one address: its bound holds, though there would be connections left."""
    answers = ask_all(daemon, domains, DEADLINE_MS)
    report.check("all served", all(answer["mta_sts"]["result"] == "policy" for answer in answers))
    most = counter(daemon, "policy_connections_most")
    report.check("the bound of an address", most == 5, str(most))


def check_waiting(report, daemon, web, domains):
    """Five connections, twenty that may wait: the rest is told so at once, and not remembered as a failure."""
    answers = ask_all(daemon, domains, DEADLINE_MS)
    refused = [answer for answer in answers if "max-waiting" in answer["mta_sts"]["reason"]]
    served = [answer for answer in answers if answer["mta_sts"]["result"] == "policy"]
    report.check("some are refused", len(refused) > 0 and len(refused) + len(served) == len(domains),
                 f"{len(refused)} refused, {len(served)} served")
    report.check("they are counted", counter(daemon, "over_policy_fetches_waiting_total") == len(refused))
    report.check("and had later", ask_all(daemon, [refused[0]["domain"]], DEADLINE_MS)[0]["mta_sts"]["result"] == "policy")


def check_cache_size(report, daemon, domains):
    """A megabyte holds some of the policies; the others are fetched when they are needed again."""
    for at in range(0, len(domains), 20):
        ask_all(daemon, domains[at:at + 20], DEADLINE_MS)
    held = counter(daemon, "policies_bytes")
    report.check("no more octets than configured", held <= 1 << 20, str(held))
    report.check("some were dropped, and counted", counter(daemon, "policies_dropped_total") > 0)
    report.check("the first is had again", ask_all(daemon, domains[:1], DEADLINE_MS)[0]["mta_sts"]["result"] == "policy")


def main():
    report = Report("mta_sts_bulk")
    domains = [f"d{at}.example" for at in range(DOMAINS)]
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        web = HttpsServer(directory, {f"mta-sts.{domain}": Site(policy()) for domain in domains}, address="", shared=50)
        zone_path = os.path.join(directory, "zone")
        write_zone(zone_path, domains)
        dns = DnsServer()
        options = {"timeout_ms": 20000, "dns": f'zone-file = "{zone_path}"'}
        bounds = f"max-connections = {CONNECTIONS} max-connections-per-address = {ADDRESS_CONNECTIONS}"
        with Daemon(dns, extra=web.configuration(bounds), **options) as daemon:
            check_thousand(report, daemon, web, domains)
        one_address = [domain for at, domain in enumerate(domains[:60]) if at % 2]
        with Daemon(dns, extra=web.configuration("max-connections = 64 max-connections-per-address = 5"), **options) as daemon:
            check_address(report, daemon, web, one_address)
        with Daemon(dns, extra=web.configuration("max-connections = 5 max-waiting = 20"), **options) as daemon:
            check_waiting(report, daemon, web, domains[:80])
        for site in web.sites.values():
            site.body = policy(more="x: " + "a" * 60000).encode()
        with Daemon(dns, extra=web.configuration("cache-size = 1048576"), **options) as daemon:
            check_cache_size(report, daemon, domains[:60])
        dns.stop()
        web.stop()
    report.finish()


main()
