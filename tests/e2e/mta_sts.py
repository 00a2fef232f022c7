#!/usr/bin/python3
"""Goal:   a policy is taken exactly when RFC 8461 says so, from a real web server; it is kept while its domain's record or
        server fails, over restarts too, until it is purged or expires; nobody else waits for a fetch.
Method: one HTTPS server with a private CA on loopback, whose hosts each have a certificate and an answer of their own; a
        scripted DNS server; the daemon trusts the CA."""

import os
import signal
import tempfile
import threading
import time

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.httpsserver import HttpsServer, Site, policy
from lib.pipeline import Pipeline, ask_policy
from lib.report import Report
from lib.wire import check_sender, tls_policy

SIZE_MAX = 65536
DRAIN_MS = 2000
DRAIN_FETCH_S = 15


def padded(octets):
    """A policy of so many octets."""
    text = policy(more="x: ")
    return text + "a" * (octets - len(text))


# domain: (site, mta_sts.result, mode or the start of the reason)
FETCHES = {
    "enforce.example": (Site(policy()), "policy", "enforce"),
    "testing.example": (Site(policy("testing")), "policy", "testing"),
    "none.example": (Site(policy("none", mx=())), "policy", "none"),
    "charset.example": (Site(policy(), content_type="Text/Plain; charset=utf-8"), "policy", "enforce"),
    "wildcard.example": (Site(policy(), certificate="wildcard"), "policy", "enforce"),
    "largest.example": (Site(padded(SIZE_MAX)), "policy", "enforce"),
    "chunked.example": (Site(policy(), chunked=True), "policy", "enforce"),
    "capped.example": (Site(policy(max_age=99999999)), "policy", "enforce"),
    "expired.example": (Site(policy(), certificate="expired"), "temperror", "expired"),
    "future.example": (Site(policy(), certificate="future"), "temperror", "not yet valid"),
    "wrong-name.example": (Site(policy(), certificate="wrong-name"), "temperror", "ostname"),
    "cn-only.example": (Site(policy(), certificate="cn-only"), "temperror", "ostname"),
    "partial.example": (Site(policy(), certificate="partial-wildcard"), "temperror", "ostname"),
    "self-signed.example": (Site(policy(), certificate="self-signed"), "temperror", "self-signed certificate"),
    "untrusted.example": (Site(policy(), certificate="untrusted"), "temperror", "unable to get local issuer certificate"),
    "no-tls.example": (Site(policy(), certificate="none"), "temperror", ""),
    "redirect.example": (Site(policy(), status=301, headers=["Location: https://mta-sts.enforce.example/"]), "temperror",
                         "status 301: redirects are not followed"),
    "see-other.example": (Site(policy(), status=307, headers=["Location: /other"]), "temperror", "status 307"),
    "accepted.example": (Site(policy(), status=202), "temperror", "status 202"),
    "missing.example": (Site(policy(), status=404), "temperror", "status 404"),
    "broken.example": (Site(policy(), status=500), "temperror", "status 500"),
    "html.example": (Site(policy(), content_type="text/html"), "invalid", "media type"),
    "untyped.example": (Site(policy(), content_type=None), "invalid", "media type"),
    "larger.example": (Site(padded(SIZE_MAX + 1)), "invalid", "larger than 64 KiB"),
    "endless.example": (Site(padded(40 * SIZE_MAX), chunked=True), "invalid", "larger than 64 KiB"),
    "headers.example": (Site(policy(), headers=[f"X-{i}: {'a' * 200}" for i in range(100)]), "invalid", "larger"),
    "empty.example": (Site(""), "invalid", "empty"),
    "no-policy.example": (Site("hello\n"), "invalid", "no colon"),
    "no-mx.example": (Site(policy(mx=())), "invalid", "no mx"),
    "slow.example": (Site(policy(), pace_s=0.2), "temperror", ""),
}
RECORDS = {
    "absent.example": ([], "none", "no record"),
    "twice.example": (["v=STSv1; id=1", "v=STSv1; id=2"], "invalid", "more than one"),
    "grammar.example": (["v=STSv1; id=1-"], "invalid", "grammar"),
    "unrelated.example": (["hello"], "none", "other TXT"),
}


def zone_of(domain, policy_id="1", records=None):
    texts = [f"v=STSv1; id={policy_id}"] if records is None else records
    return {f"_mta-sts.{domain}": [["TXT", text] for text in texts], f"mta-sts.{domain}": [["A", "127.0.0.1"]],
            domain: [["MX", [10, "mx.example"]]]}


def ask(daemon, domain, **options):
    return ask_policy(daemon, domain, **options)


def ask_until(daemon, domain, wanted, **options):
    """The answer that is wanted, or the last one: records live for a second or two, in more than one cache."""
    end = time.monotonic() + 10
    while True:
        got = ask(daemon, domain, **options)["mta_sts"]
        if wanted(got) or time.monotonic() > end:
            return got
        time.sleep(0.1)


def counters(daemon):
    return {counter: value for counter, value in daemon.ask("status")["counters"].items()}


# ---- what is fetched ----

def check_fetches(report, daemon, web):
    with Pipeline(daemon.ipc) as pipeline:
        replies = pipeline.ask_all([tls_policy(domain, domain, deadline_ms=20000) for domain in FETCHES])
    for domain, reply in zip(FETCHES, replies):
        _, result, detail = FETCHES[domain]
        got = reply.verdict["mta_sts"]
        report.check(f"{domain}: {result}", got["result"] == result, str(got))
        report.check(f"{domain}: {detail}", detail in (got["mode"] if result == "policy" else got["reason"]), str(got))
    for domain in ("expired", "wrong-name", "cn-only", "partial", "self-signed", "untrusted", "future"):
        report.check(f"{domain}: nothing was sent to it", web.requests[f"mta-sts.{domain}.example"] == 0)
    report.check("max_age is cut", ask(daemon, "capped.example")["mta_sts"]["max_age"] == 31557600)
    request = web.last_request.lower()
    for field in (b"cookie", b"authorization", b"accept-encoding", b"referer"):
        report.check(f"no {field.decode()} is sent", field not in request, str(request))


def check_records(report, daemon):
    for domain, (_, result, detail) in RECORDS.items():
        got = ask(daemon, domain)["mta_sts"]
        report.check(f"{domain}: {result}", got["result"] == result and detail in got["reason"], str(got))


def check_answer(report, daemon):
    got = ask(daemon, "enforce.example", mx_host="MX.example")
    report.check("the host matches", got["mx_match"] is True, str(got))
    report.check("the value for Postfix", got["postfix"] == "secure match=mx.example servername=hostname", got["postfix"])
    report.check("with attributes", got["postfix_tlsrpt"].startswith(got["postfix"] + " policy_type=sts policy_domain=enforce.example"),
                 got["postfix_tlsrpt"])
    report.check("another host does not", ask(daemon, "enforce.example", mx_host="mx.other")["mx_match"] is False)
    report.check("testing asks Postfix for nothing", ask(daemon, "testing.example")["postfix"] == "")


def check_once(report, daemon, web):
    """A policy that is kept, and a failure that is remembered, are not fetched again."""
    before = dict(web.hellos)
    for domain in FETCHES:
        ask(daemon, domain)
    report.check("nothing is fetched twice", dict(web.hellos) == before, f"{before} {dict(web.hellos)}")


# ---- what is kept ----

def check_kept(report, daemon, web, dns):
    domain, host = "kept.example", "mta-sts.kept.example"
    web.sites[host] = Site(policy(mx=("mx1.example",)))
    dns.zone.update(zone_of(domain, "first"))
    report.check("fetched", ask(daemon, domain)["mta_sts"]["id"] == "first")
    for records in (["v=STSv1; id=first", "v=STSv1; id=x"], [], ["v=STSv1; id="]):
        dns.zone.update(zone_of(domain, records=records))
        time.sleep(2.2)
        got = ask_until(daemon, domain, lambda got: got["code"] == "mta-sts-kept")
        report.check(f"kept while the records are {records}", got["result"] == "policy" and got["id"] == "first" and
                     got["code"] == "mta-sts-kept", str(got))
    web.sites[host] = Site(policy(mx=("mx2.example",)))
    dns.zone.update(zone_of(domain, "second"))
    got = ask_until(daemon, domain, lambda got: got["id"] == "second")
    report.check("a changed id is fetched", got["id"] == "second" and got["mx"] == ["mx2.example"], str(got))
    web.sites[host] = Site(policy(), certificate="expired")
    dns.zone.update(zone_of(domain, "third"))
    got = ask_until(daemon, domain, lambda got: "has expired" in got["reason"])
    report.check("kept while the new one cannot be trusted", got["id"] == "second" and "has expired" in got["reason"], str(got))
    web.stop()
    dns.zone.update(zone_of(domain, "fourth"))
    got = ask_until(daemon, domain, lambda got: "certificate" not in got["reason"])
    report.check("kept while the server is dead", got["id"] == "second" and got["code"] == "mta-sts-kept-fetch-failed" and "onnect" in got["reason"], str(got))
    return domain


def check_restarted(report, daemon, web, dns, domain):
    """The web server is still dead."""
    dns.zone.update(zone_of(domain, records=[]))
    got = ask(daemon, domain)["mta_sts"]
    report.check("it survives a restart", got["result"] == "policy" and got["id"] == "second" and got["mode"] == "enforce", str(got))
    report.check("so do the others", ask(daemon, "testing.example")["mta_sts"]["mode"] == "testing")
    got = daemon.ask("tls-policy", "--purge", domain)
    report.check("purged", got.get("purged") is True and got["mta_sts"]["result"] == "none", str(got))
    report.check("there is nothing left to purge", not ask(daemon, domain, purge=True)["purged"])
    web.start()
    web.sites[f"mta-sts.{domain}"] = Site(policy("testing"))
    dns.zone.update(zone_of(domain, "fifth"))
    ask_until(daemon, domain, lambda got: got["result"] == "policy")
    got = ask(daemon, "Kept.EXAMPLE.", purge=True)
    report.check("fetched anew", got["mta_sts"]["mode"] == "testing" and got["domain"] == domain, str(got))
    got = ask(daemon, "enforce.example", purge=True)
    report.check("purged and fetched anew at once", got["purged"] and got["mta_sts"]["result"] == "policy", str(got))


def purge_before_restart(report, daemon, dns):
    """As long as one shard's resolver has the record that is gone, a purge there has the policy fetched anew."""
    dns.zone.update(zone_of("testing.example", records=[]))
    ask_until(daemon, "testing.example", lambda got: got["code"] == "mta-sts-kept")
    got = ask_until(daemon, "testing.example", lambda got: got["result"] == "none", purge=True)
    report.check("purged, and its record is gone", got["result"] == "none", str(got))


def check_purge_survives(report, daemon):
    got = ask(daemon, "testing.example")["mta_sts"]
    report.check("purged before the restart, purged behind it", got["result"] == "none", str(got))


# ---- who waits ----

def check_waiting(report, daemon, web, dns):
    domain, host = "waiting.example", "mta-sts.waiting.example"
    web.sites[host] = Site(policy(), delay_s=2)
    dns.zone.update(zone_of(domain))
    with Pipeline(daemon.ipc) as pipeline, Pipeline(daemon.ipc) as other:
        late = threading.Thread(target=lambda: answers.extend(pipeline.ask_all(
            [tls_policy("late", domain, deadline_ms=700)] + [tls_policy(str(i), domain, deadline_ms=20000) for i in range(50)])))
        answers = []
        late.start()
        time.sleep(0.3)
        slowest = max(reply.seconds for reply in other.ask_all(
            [check_sender(str(i), client_ip="192.0.2.1", mail_from="a@none.example") for i in range(200)]))
        report.check("others go on", slowest < 1, f"{slowest:.3f} s")
        late.join()
    report.check("a deadline is kept", answers[0].seconds < 1 and answers[0].verdict["mta_sts"]["result"] == "temperror" and
                 "has not come yet" in answers[0].verdict["mta_sts"]["reason"], str(answers[0].verdict))
    report.check("who has time waits", all(reply.verdict["mta_sts"]["result"] == "policy" for reply in answers[1:]))
    report.check("one fetch for all", web.hellos[host] == 1, str(web.hellos[host]))
    report.check("and the late one has it now", ask(daemon, domain)["mta_sts"]["result"] == "policy")


def check_purge_meanwhile(report, daemon, web, dns):
    """What is under way is of the old id: a purge is answered by a fetch of the new one."""
    domain, host = "purged.example", "mta-sts.purged.example"
    web.sites[host] = Site(policy(), delay_s=2)
    dns.ttl = 0
    dns.zone.update(zone_of(domain, "first"))
    first = threading.Thread(target=ask, args=(daemon, domain))
    first.start()
    time.sleep(0.8)
    dns.zone.update(zone_of(domain, "second"))
    got = ask(daemon, domain, purge=True)["mta_sts"]
    first.join()
    dns.ttl = 1
    report.check("the answer of a purge is of the new id", got["result"] == "policy" and got["id"] == "second", str(got))
    report.check("fetched twice", web.requests[host] == 2, str(web.requests[host]))


def check_drain(report, web, dns, options):
    """SIGTERM while a fetch takes longer than limits.drain-time: who waits is answered before the connection is closed."""
    kept, unknown = "drained.example", "undrained.example"
    for domain in (kept, unknown):
        web.sites[f"mta-sts.{domain}"] = Site(policy())
        dns.zone.update(zone_of(domain, "first"))
    daemon = Daemon(dns, **options | {"extra": options["extra"] + f"limits {{ drain-time = {DRAIN_MS} }}\n"})
    ask(daemon, kept)
    for domain in (kept, unknown):
        web.sites[f"mta-sts.{domain}"] = Site(policy(), delay_s=DRAIN_FETCH_S)
    dns.zone.update(zone_of(kept, "second"))
    time.sleep(2.2)
    asked = web.hellos.total()
    with Pipeline(daemon.ipc) as pipeline:
        answers = []
        asking = threading.Thread(target=lambda: answers.extend(pipeline.ask_all(
            [tls_policy(domain, domain, deadline_ms=60000) for domain in (kept, unknown)])))
        asking.start()
        while web.hellos.total() < asked + 2:
            time.sleep(0.02)
        daemon.process.send_signal(signal.SIGTERM)
        since = time.monotonic()
        asking.join()
        took = time.monotonic() - since
    daemon.stop()
    if not report.check("draining: every request is answered", len(answers) == 2):
        return
    got = [answer.verdict["mta_sts"] for answer in answers]
    report.check("draining: with the policy that is kept", got[0]["result"] == "policy" and got[0]["id"] == "first" and
                 "has not come yet" in got[0]["reason"], str(got[0]))
    report.check("draining: without one, with a temporary failure", got[1]["result"] == "temperror" and
                 "has not come yet" in got[1]["reason"], str(got[1]))
    report.check("draining: it waits for most of the time", DRAIN_MS / 2000 < took < DRAIN_FETCH_S - 1, f"{took:.2f} s")


def check_refresh(report, daemon, web, dns):
    """mta-sts.refresh is a second or two; whoever is not asked for is not refreshed."""
    used, idle = "used.example", "idle.example"
    for domain in (used, idle):
        web.sites[f"mta-sts.{domain}"] = Site(policy())
        dns.zone.update(zone_of(domain))
        ask(daemon, domain)
    end = time.monotonic() + 20
    web.sites[f"mta-sts.{used}"] = Site(policy("testing"))
    while time.monotonic() < end and ask(daemon, used)["mta_sts"]["mode"] != "testing":
        time.sleep(0.2)
    report.check("what is used is refreshed, though its id stays", ask(daemon, used)["mta_sts"]["mode"] == "testing")
    report.check("what is not used is not", web.hellos[f"mta-sts.{idle}"] == 1)
    web.sites[f"mta-sts.{used}"] = Site("", status=500)
    while time.monotonic() < end and not counters(daemon)["policy_refreshes_failed_total"]:
        ask(daemon, used)
        time.sleep(0.2)
    got = ask(daemon, used)["mta_sts"]
    report.check("a refresh in vain leaves the policy", got["result"] == "policy" and got["code"] == "mta-sts-policy", str(got))
    report.check("and is counted", counters(daemon)["policy_refreshes_failed_total"] > 0)


def main():
    report = Report("mta_sts")
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        web = HttpsServer(directory, {f"mta-sts.{domain}": site for domain, (site, _, _) in FETCHES.items()})
        zone = {"none.example": [["TXT", "v=spf1 -all"]]}
        for domain in FETCHES:
            zone.update(zone_of(domain))
        for domain, (records, _, _) in RECORDS.items():
            zone.update(zone_of(domain, records=records))
        dns = DnsServer(zone)
        dns.ttl = 1
        state = os.path.join(directory, "state")
        os.mkdir(state)
        options = {"dns": "min-ttl = 0 prefetch = 0 failure-ttl = 1",
                   "extra": f'state-directory = "{state}"\n' + web.configuration("timeout = 3000")}
        with Daemon(dns, **options) as daemon:
            check_fetches(report, daemon, web)
            check_records(report, daemon)
            check_answer(report, daemon)
            check_once(report, daemon, web)
            domain = check_kept(report, daemon, web, dns)
        with Daemon(dns, **options) as daemon:
            check_restarted(report, daemon, web, dns, domain)
            purge_before_restart(report, daemon, dns)
        with Daemon(dns, **options) as daemon:
            check_purge_survives(report, daemon)
            check_waiting(report, daemon, web, dns)
            check_purge_meanwhile(report, daemon, web, dns)
        check_drain(report, web, dns, options | {"extra": web.configuration(f"timeout = {DRAIN_FETCH_S * 2000}")})
        refreshing = web.configuration("refresh = 2 failure-ttl = 1")
        with Daemon(dns, dns=options["dns"], extra=refreshing) as daemon:
            check_refresh(report, daemon, web, dns)
        dns.stop()
        web.stop()
    report.finish()


main()
