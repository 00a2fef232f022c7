#!/usr/bin/python3
"""Goal:   the set of the public suffix list comes out right over the wire, as organizational domains of RFC 7489.
Method: a daemon with the list of the set and dmarc.shadow-rfc7489; each name is the author domain of a message. A public
        suffix and the name one label below it are both organizational domains of their own: what tells them apart is a
        second message, from one label further down."""

import os

from lib.corpus import ROOT, compare_names, differs, everything, load, wanted
from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.pipeline import Pipeline
from lib.report import Report
from lib.wire import check_message

SET = "psl/tests"
BELOW = "below."

EMPTY_LABEL = ("no author:", "a name with an empty label is no domain (RFC 5322 section 3.4.1, dot-atom), so the From field "
               "is malformed and nobody's suffix is asked for")

# Names that no author can have: From is malformed, DMARC is permerror, and there is no shadow.
KNOWN = {
    "psl/tests/01": ("no author:", "null stands for no name at all"),
    **{f"psl/tests/{number}": EMPTY_LABEL for number in ("05", "06", "07", "08")},
}


def a_labels(name):
    return name.lower().encode("idna").decode()


def message(domain):
    return f"From: a@{domain or ''}\r\n\r\n".encode()


def compare(case, of_name, of_below):
    if of_name["shadow"] is None:
        return ["no author: no shadow", *differs("result", of_name["result"], ["permerror"])]
    name = a_labels(case["domain"])
    want, want_below = name, BELOW + name
    if case["registrable"]:
        want = want_below = a_labels(case["registrable"])
    return (compare_names("of the name", of_name["shadow"]["organizational_domain"], want)
            + compare_names("of one below", of_below["shadow"]["organizational_domain"], want_below))


def run_cases(report, suffixes, cases):
    dns = DnsServer({})
    questions = []
    for case in cases:
        questions += [check_message("name", message(case["domain"])),
                      check_message("below", message(BELOW + (case["domain"] or "")))]
    settings = f'dmarc {{\n\tshadow-rfc7489 = true\n\tpublic-suffix-list = "{suffixes}"\n}}'
    with Daemon(dns, extra=settings) as daemon, Pipeline(daemon.ipc) as pipeline:
        answers = [reply.verdict["dmarc"] for reply in pipeline.ask_all(questions)]
    dns.stop()
    for at, case in enumerate(cases):
        report.case(f"{SET}/{case['id']}", compare(case, *answers[2 * at:2 * at + 2]))


def main():
    report = Report("corpus_psl", KNOWN)
    corpus = load("corpus_psl", SET)
    suffixes = os.path.join(ROOT, os.path.dirname(SET), corpus["list"])
    run_cases(report, suffixes, [case for case in corpus["groups"][0]["cases"] if wanted(f"{SET}/{case['id']}")])
    report.finish(complete=everything)


main()
