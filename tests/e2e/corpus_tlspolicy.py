#!/usr/bin/python3
"""Goal:   the sets of the corpus on MTA-STS, DANE and TLSRPT come out right over the wire.
Method: records and look-ups by a scripted DNS server, policies by an HTTPS server with a private CA, DANE by a DNS server that
        signs its tree. Each set, and each group of DANE, gets a daemon of its own, as zones contradict each other. Socketmap
        requests are made as a bridge would make them: without brackets and port."""

import base64
import os
import re
import tempfile

from lib.corpus import differs, everything, load, wanted
from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.httpsserver import HttpsServer, Site, policy
from lib.pipeline import Pipeline
from lib.report import Report
from lib.signeddns import SignedDns
from lib.wire import tls_policy

SETS = "tlspolicy/"
MAX_AGE_MAX = 31557600
SIGNED_WINDOW = 4  # at once: signing takes Python a while
# D27: a max_age above the maximum may be cut instead, in the set whose results do not say so, too.
CUT = {"status-bad-policy6.loc"}


def load_set(name):
    return load("corpus_tlspolicy", SETS + name)["groups"]


def ask_all(daemon, questions, window=64):
    """`questions`: (domain, mx_host)."""
    with Pipeline(daemon.ipc, window) as pipeline:
        return [reply.verdict for reply in pipeline.ask_all(
            [tls_policy(str(at), domain, mx, deadline_ms=20000) for at, (domain, mx) in enumerate(questions)])]


class Run:
    """A zone, web sites, and answers to questions in them."""

    def __init__(self, report, directory):
        self.report, self.directory = report, directory

    def answers(self, zone, sites, questions):
        web = HttpsServer(self.directory, sites)
        dns = DnsServer(zone)
        try:
            with Daemon(dns, extra=web.configuration()) as daemon:
                return ask_all(daemon, questions)
        finally:
            dns.stop()
            web.stop()

    def case(self, name, case, problems):
        if wanted(f"{SETS}{name}/{case['id']}"):
            self.report.case(f"{SETS}{name}/{case['id']}", problems)


def body_of(case):
    if "body_base64" in case:
        return base64.b64decode(case["body_base64"])
    return case.get("body", "").encode() + case.get("repeat", "").encode() * case.get("times", 0)


def site_of(http):
    status, location = http["status"], http.get("location")
    return Site(body_of(http), status, http["content_type"], http["certificate"],
                headers=[f"Location: {location}"] if location else [], chunked=http.get("transfer") == "chunked")


def sts_zone(domain, texts=("v=STSv1; id=1",)):
    return {f"_mta-sts.{domain}": [["TXT", text] for text in texts], f"mta-sts.{domain}": [["A", "127.0.0.1"]],
            domain: [["MX", [10, f"mx.{domain}"]]]}


def numbered(cases, make):
    """A domain for each case, and what `make(domain, case)` gives for it, in one dictionary."""
    domains, made = [], {}
    for at, case in enumerate(cases):
        domains.append(f"c{at}.test")
        made.update(make(domains[-1], case))
    return domains, made


# ---- MTA-STS ----

def outcome_differs(expect, also, got, fields):
    """Does what was got agree with one of two expectations?"""
    problems = []
    for allowed in filter(None, (expect, also)):
        problems = differs(f"valid ({got['reason']})", got["result"] == "policy", [allowed["valid"]])
        for ours, theirs in fields.items():
            if allowed["valid"] and theirs in allowed:
                problems += differs(theirs, got[ours], [allowed[theirs]])
        if not problems:
            return []
    return problems


def run_records(run):
    cases = load_set("mta-sts-record")[0]["cases"]
    domains, zone = numbered(cases, lambda domain, case: sts_zone(domain, [case["record"]]))
    sites = {f"mta-sts.{domain}": Site(policy()) for domain in domains}
    for case, got in zip(cases, run.answers(zone, sites, [(domain, "") for domain in domains])):
        run.case("mta-sts-record", case, outcome_differs(case["expect"], case.get("also"), got["mta_sts"], {"id": "id"}))


def run_policies(run):
    cases = load_set("mta-sts-policy")[0]["cases"]
    domains, zone = numbered(cases, lambda domain, case: sts_zone(domain))
    sites = {f"mta-sts.{domain}": Site(body_of(case)) for domain, case in zip(domains, cases)}
    fields = {"mode": "mode", "mx": "mx", "max_age": "max_age"}
    for case, got in zip(cases, run.answers(zone, sites, [(domain, "") for domain in domains])):
        run.case("mta-sts-policy", case, outcome_differs(case["expect"], case.get("also"), got["mta_sts"], fields))


def run_matches(run):
    cases = load_set("mta-sts-match")[0]["cases"]
    domains, zone = numbered(cases, lambda domain, case: sts_zone(domain))
    sites = {f"mta-sts.{domain}": Site(policy(mx=case["mx"])) for domain, case in zip(domains, cases)}
    questions = [(domain, case["host"]) for domain, case in zip(domains, cases)]
    for case, got in zip(cases, run.answers(zone, sites, questions)):
        run.case("mta-sts-match", case, differs("mx_match", got["mx_match"], [case["match"]]))


def run_media_types(run):
    cases = load_set("mta-sts-media-type")[0]["cases"]
    domains, zone = numbered(cases, lambda domain, case: sts_zone(domain))
    sites = {f"mta-sts.{domain}": Site(policy(), content_type=case["content_type"]) for domain, case in zip(domains, cases)}
    for case, got in zip(cases, run.answers(zone, sites, [(domain, "") for domain in domains])):
        run.case("mta-sts-media-type", case, differs("plain", got["mta_sts"]["result"] == "policy", [case["plain"]]))


def run_lookups(run):
    group = load_set("mta-sts-lookup")[0]
    zone, sites = dict(group["zone"]), {}
    for case in group["cases"]:
        zone[f"mta-sts.{case['domain']}"] = [["A", "127.0.0.1"]]
        sites[f"mta-sts.{case['domain']}"] = Site(policy())
    for case, got in zip(group["cases"], run.answers(zone, sites, [(case["domain"], "") for case in group["cases"]])):
        got = got["mta_sts"]
        problems = differs("result", "record" if got["result"] == "policy" else got["result"], case["result"])
        if "record_id" in case:
            problems += differs("id", got["id"], [case["record_id"]])
        run.case("mta-sts-lookup", case, problems)


def run_fetches(run):
    cases = load_set("mta-sts-fetch")[0]["cases"]
    domains, zone = numbered(cases, lambda domain, case: sts_zone(domain))
    sites = {}
    for domain, case in zip(domains, cases):
        if "address" in case["http"]:
            del zone[f"mta-sts.{domain}"]
        else:
            sites[f"mta-sts.{domain}"] = site_of(case["http"])
    for case, got in zip(cases, run.answers(zone, sites, [(domain, "") for domain in domains])):
        got = got["mta_sts"]
        run.case("mta-sts-fetch", case, differs(f"result ({got['reason']})", got["result"], case["result"])
                 + differs("policy", got["result"] == "policy", [case["policy"]]))


def next_hop(request):
    """The domain of a socketmap request: without the map's name, brackets and port."""
    key = request.split(" ", 1)[1]
    return re.sub(r"^\[?(.*?)\]?(:\d+)?$", r"\1", key) if key.startswith("[") else re.sub(r":\d+$", "", key)


def run_resolver(run):
    group = load_set("mta-sts-resolver")[0]
    sites = {host: site_of(http) for host, http in group["http"].items()}
    questions = [case["domain"] for case in group["cases"]] + [next_hop(query["request"]) for query in group["queries"]]
    answers = run.answers(group["zone"], sites, [(domain, "") for domain in questions])
    for case, got in zip(group["cases"], answers):
        got = got["mta_sts"]
        problems = differs(f"result ({got['reason']})", got["result"], case["result"])
        if case["id"] in CUT and got["result"] == "policy":
            problems = differs("max_age", got["max_age"], [MAX_AGE_MAX])
        for field, value in case.get("policy", {}).items():
            problems += differs(field, got[field], [value])
        run.case("mta-sts-resolver", case, problems)
    for query, got in zip(group["queries"], answers[len(group["cases"]):]):
        answer = f"OK {got['postfix']}" if got["postfix"] else "NOTFOUND "
        run.case("mta-sts-resolver", query, differs(f"answer to {query['request']}", answer, [query["answer"]]))


# ---- TLSRPT ----

def run_tlsrpt_records(run):
    cases = load_set("tlsrpt-record")[0]["cases"]
    domains, zone = numbered(cases, lambda domain, case: {f"_smtp._tls.{domain}": [["TXT", case["record"]]]})
    for case, got in zip(cases, run.answers(zone, {}, [(domain, "") for domain in domains])):
        got = got["tlsrpt"]
        problems = []
        for allowed in filter(None, (case["expect"], case.get("also"))):
            problems = differs(f"valid ({got['reason']})", got["result"] == "record", [allowed["valid"]])
            if allowed["valid"] and "rua" in allowed:
                problems += differs("rua", got["rua"], [allowed["rua"]])
            if not problems:
                break
        run.case("tlsrpt-record", case, problems)


def run_tlsrpt_lookups(run):
    group = load_set("tlsrpt-lookup")[0]
    for case, got in zip(group["cases"], run.answers(group["zone"], {}, [(case["domain"], "") for case in group["cases"]])):
        problems = differs("result", got["tlsrpt"]["result"], case["result"])
        if "rua" in case:
            problems += differs("rua", got["tlsrpt"]["rua"], [case["rua"]])
        run.case("tlsrpt-lookup", case, problems)


# ---- DANE ----

def run_dane(run):
    for group in load_set("dane"):
        dns = SignedDns(group["zone"], group.get("insecure", ()))
        anchors = os.path.join(run.directory, "anchors")
        with open(anchors, "w", encoding="ascii") as file:
            file.write(dns.anchor())
        with Daemon(dns, dns=f'dnssec = true\n\ttrust-anchor-file = "{anchors}"', timeout_ms=4000) as daemon:
            answers = ask_all(daemon, [(case["domain"], case.get("mx", "")) for case in group["cases"]], SIGNED_WINDOW)
        dns.stop()
        for case, answer in zip(group["cases"], answers):
            got = answer["dane"]
            problems = differs(f"dane ({got['reason']})", got["result"], case["dane"])
            problems += differs(f"delivery ({got['reason']})", got["delivery"], [case["delivery"]])
            if "tlsa" in case:
                problems += differs("tlsa", sorted(got["tlsa"]), [sorted(case["tlsa"])])
            run.case("dane", case, problems)


def main():
    report = Report("corpus_tlspolicy")
    load_set("dane")
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        run = Run(report, directory)
        for runner in (run_records, run_policies, run_matches, run_media_types, run_lookups, run_fetches, run_resolver,
                       run_tlsrpt_records, run_tlsrpt_lookups, run_dane):
            runner(run)
    report.finish(complete=everything)


main()
