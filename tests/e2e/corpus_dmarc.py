#!/usr/bin/python3
"""Goal:   the DMARC sets of the corpus come out right over the wire, from real messages.
Method: the sets give results of SPF and DKIM; here a message, an envelope and additions to the zone make assayd come to
        them itself. Each evaluation gets a daemon of its own, as zones contradict each other. Records to be parsed are
        seen through what they do: the policy for the domain, for a subdomain that exists and for one that does not,
        testing, and whether a relaxed alignment counts. Addresses of reports are not on the wire."""

import copy

from lib.corpus import compare_names, differs, everything, load, wanted
from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.pipeline import Pipeline
from lib.report import Report
from lib.signer import RsaKey, signature_field
from lib.wire import check_message

CLIENT = "192.0.2.201"
BODY = b"hello\r\n"
SELECTOR = "corpus"
KEY = RsaKey()
SPF_RECORDS = {"pass": f"v=spf1 ip4:{CLIENT} -all", "fail": "v=spf1 -all", "softfail": "v=spf1 ~all", "neutral": "v=spf1 ?all",
               "permerror": "v=spf1 moo"}

ONE_LABEL = ("dkim of com (d=com of the DKIM-Signature field is malformed)",
             "d= has two labels at least (RFC 6376 section 3.5), so no message can lead to this DKIM result")

# What a message cannot lead to, with the reason.
KNOWN = {
    "dmarc/evaluate/mox-dkim-tld": ONE_LABEL,
    "dmarc/evaluate/maildmarc-align-dkim-tld": ONE_LABEL,
}


# ---- messages ----

def message(from_value, signatures=()):
    """`signatures`: (domain, good)."""
    from_field = f"From: {from_value}"
    fields = [signature_field(KEY, domain, SELECTOR, from_field, BODY, good) for domain, good in signatures]
    return ("".join(fields) + from_field + "\r\n\r\n").encode() + BODY


def put_spf(zone, domain, result):
    """The domain's SPF record, such that CLIENT gets the result."""
    domain = domain.lower()
    kept = [entry for entry in zone.get(domain, []) if not (entry[0] == "TXT" and "v=spf1" in str(entry[1]))]
    if result == "temperror":
        kept = [entry for entry in kept if entry[0] != "TXT"] + [["TXT", "SERVFAIL"]]
    elif result != "none":
        kept.append(["TXT", SPF_RECORDS[result]])
    if kept or domain in zone:
        zone[domain] = kept


def put_key(zone, domain, result):
    name = f"{SELECTOR}._domainkey.{domain.lower()}"
    zone[name] = [["TXT", "SERVFAIL"]] if result == "temperror" else [["TXT", KEY.record()]]


def sender_of(case, zone):
    """The envelope that leads to the case's SPF results; without one, SPF is not checked."""
    sender = {}
    for spf in case["spf"]:
        put_spf(zone, spf["domain"], spf["result"])
        sender["helo" if spf["scope"] == "helo" else "mail_from"] = ("" if spf["scope"] == "helo" else "a@") + spf["domain"]
    return {"client_ip": CLIENT, **sender} if sender else {}


# ---- dmarc/evaluate ----

def compare(dmarc, expect):
    problems = differs(f"result ({dmarc['reason']})", dmarc["result"], expect["result"])
    for name in ("policy_domain", "organizational_domain"):
        if name in expect:
            problems += compare_names(name, dmarc[name], expect[name])
    for name in ("policy", "disposition", "spf_aligned", "dkim_aligned", "testing"):
        if name in expect:
            problems += differs(name, dmarc[name], [expect[name]])
    return problems


def compare_inputs(case, verdict):
    """Has the message led to the results that the case starts from?"""
    problems = []
    for want, got in zip(case["dkim"], verdict["dkim"]):
        problems += differs(f"dkim of {want['domain']} ({got['reason']})", got["result"], [want["result"]])
    for want in case["spf"]:
        got = verdict["spf_helo"] if want["scope"] == "helo" and verdict["spf"]["scope"] == "mailfrom" else verdict["spf"]
        problems += differs(f"spf of {want['domain']} ({got['reason']})", got["result"], [want["result"]])
    return problems


def compare_queries(case, dns):
    if "queries" not in case:
        return []
    asked = sorted(name for name, rtype in dns.counts if name.startswith("_dmarc.") and rtype == "TXT")
    return [] if asked == sorted(case["queries"]) else [f"asked for {asked}"]


def run_evaluation(group, case):
    zone = copy.deepcopy(group["zone"])
    sender = sender_of(case, zone)
    for dkim in case["dkim"]:
        put_key(zone, dkim["domain"], dkim["result"])
    text = message(f"a@{case['from_domain']}", [(dkim["domain"], dkim["result"] == "pass") for dkim in case["dkim"]])
    dns = DnsServer(zone)
    try:
        with Daemon(dns) as daemon, Pipeline(daemon.ipc) as pipeline:
            verdict = pipeline.ask_all([check_message(case["id"], text, **sender)])[0].verdict
    except DaemonError as error:
        return [str(error)]
    finally:
        dns.stop()
    if "error" in verdict:
        return [verdict["error"]]
    return compare_inputs(case, verdict) or compare(verdict["dmarc"], case["expect"]) + compare_queries(case, dns)


def run_evaluations(report):
    for group in load("corpus_dmarc", "dmarc/evaluate")["groups"]:
        for case in group["cases"]:
            if wanted(f"dmarc/evaluate/{case['id']}"):
                report.case(f"dmarc/evaluate/{case['id']}", run_evaluation(group, case))


# ---- sets with one zone ----

def ask_in_zone(zone, questions):
    """The dmarc parts of the answers to (message, envelope)."""
    dns = DnsServer(zone)
    try:
        with Daemon(dns) as daemon, Pipeline(daemon.ipc) as pipeline:
            replies = pipeline.ask_all(check_message(str(at), text, **sender) for at, (text, sender) in enumerate(questions))
    finally:
        dns.stop()
    return [reply.verdict["dmarc"] for reply in replies]


def run_domains(report):
    group = load("corpus_dmarc", "dmarc/organizational-domain")["groups"][0]
    answers = ask_in_zone(group["zone"], [(message(f"a@{case['domain']}"), {}) for case in group["cases"]])
    for case, dmarc in zip(group["cases"], answers):
        report.case(f"dmarc/organizational-domain/{case['id']}",
                    compare_names("organizational_domain", dmarc["organizational_domain"], case["organizational_domain"]))


def compare_author(case, dmarc):
    """README: null means none or several; such a message never passes (D15)."""
    if case["author_domain"] is not None:
        return compare_names("from_domain", dmarc["from_domain"], case["author_domain"])
    return differs("result", dmarc["result"], ["permerror", "none", "fail"]) if dmarc["from_domain"] else []


def run_authors(report):
    group = load("corpus_dmarc", "dmarc/author-domain")["groups"][0]
    answers = ask_in_zone(group["zone"], [(message(case["from"]), {}) for case in group["cases"]])
    for case, dmarc in zip(group["cases"], answers):
        report.case(f"dmarc/author-domain/{case['id']}", compare_author(case, dmarc))


# ---- dmarc/parse ----

class RecordCase:
    """A record at a domain of its own, and the messages that show what it says."""

    def __init__(self, number, case):
        self.case, self.expect = case, case["expect"]
        self.domain = f"p{number}.test"

    def zone(self):
        record = self.case["record"]
        zone = {f"_dmarc.{self.domain}": [["TXT", record]], f"there.{self.domain}": [["A", "192.0.2.1"]]}
        put_spf(zone, f"mail.{self.domain}", "pass")
        put_key(zone, f"mail.{self.domain}", "pass")
        return zone

    def questions(self):
        """(text, envelope) of: the domain, a subdomain, a name that is not there, SPF and DKIM aligned if relaxed."""
        author = f"a@{self.domain}"
        return [(message(author), {}), (message(f"a@there.{self.domain}"), {}), (message(f"a@absent.{self.domain}"), {}),
                (message(author), {"client_ip": CLIENT, "helo": "h.test", "mail_from": f"b@mail.{self.domain}"}),
                (message(author, [(f"mail.{self.domain}", True)]), {})]

    def compare(self, answers):
        if self.expect.get("record") is False or self.expect.get("applies") is False:
            return [text for dmarc in answers[:3] for text in differs("result", dmarc["result"], ["none"])]
        if "applies" not in self.expect:
            return []
        problems = []
        for dmarc, tag in zip(answers, ("p", "sp", "np")):
            problems += differs(f"result for {tag}", dmarc["result"], ["fail"])
            problems += differs(f"policy for {tag}", dmarc["policy"], [self.expect[tag]])
            problems += differs(f"testing for {tag}", dmarc["testing"], [self.expect["t"] == "y"])
        problems += self.compare_alignment(answers[3], "aspf", "spf_aligned")
        return problems + self.compare_alignment(answers[4], "adkim", "dkim_aligned")

    def compare_alignment(self, dmarc, tag, flag):
        """A PSD record makes the subdomain an organization of its own: not aligned in either mode."""
        aligned = self.expect[tag] == "r" and self.expect["psd"] != "y"
        return differs(f"{flag} with {tag}={self.expect[tag]}", dmarc[flag], [aligned]) + differs(
            f"result with {tag}={self.expect[tag]}", dmarc["result"], ["pass" if aligned else "fail"])


def run_records(report):
    cases = [RecordCase(number, case) for number, case in enumerate(load("corpus_dmarc", "dmarc/parse")["groups"][0]["cases"])]
    zone, questions = {}, []
    for case in cases:
        zone.update(case.zone())
        questions += case.questions()
    answers = ask_in_zone(zone, questions)
    each = len(questions) // len(cases)
    for at, case in enumerate(cases):
        report.case(f"dmarc/parse/{case.case['id']}", case.compare(answers[at * each:(at + 1) * each]))


def main():
    report = Report("corpus_dmarc", KNOWN)
    run_evaluations(report)
    if everything:
        run_domains(report)
        run_authors(report)
        run_records(report)
    report.finish(complete=everything)


main()
