#!/usr/bin/python3
"""Goal:   the open end-to-end sets of the corpus (SPF, DKIM, ARC, DMARC of one message) come out right over the wire.
Method: for each zone a scripted DNS server and a fresh daemon; each case is one `assay check --json` with its
        envelope and clock. Only the methods that a case names are compared; iprev is not a method of assay."""

from lib.corpus import compare_dkim, compare_names, differs, everything, load, message_path, wanted
from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report

SETS = ["e2e/auth-milter", "e2e/blaze"]

KNOWN = {}


def arguments(case):
    values = ["--received-at", str(case["clock"])]
    if "ip" in case:
        values += ["--ip", case["ip"], "--helo", case["helo"], "--from", case["mailfrom"]]
    for rcpt in case.get("rcpt", []):
        values += ["--rcpt", rcpt]
    return values


def compare_spf(got, want):
    if got is None:
        return ["spf was not checked"]
    problems = differs(f"spf ({got['reason']})", got["result"], want["result"])
    problems += compare_names("spf.domain", got["domain"], want["domain"])
    return problems + differs("spf.scope", got["scope"], [want["scope"]])


def compare_dmarc(got, want):
    problems = differs(f"dmarc ({got['reason']})", got["result"], want["result"])
    for key in ("from_domain", "policy_domain", "organizational_domain"):
        if key in want:
            problems += compare_names(f"dmarc.{key}", got[key], want[key])
    for key in ("policy", "disposition", "spf_aligned", "dkim_aligned"):
        if key in want:
            problems += differs(f"dmarc.{key}", got[key], [want[key]])
    return problems


def compare_arc(got, want):
    problems = differs("arc", got["result"], want["result"])
    if "instance" in want:
        problems += differs("arc.instance", got["instance"], [want["instance"]])
    return problems


def compare(verdict, expect):
    problems = []
    if "spf" in expect:
        problems += compare_spf(verdict["spf"], expect["spf"])
    if "dkim" in expect:
        problems += compare_dkim(verdict, expect["dkim"], "rfc8301")
    if "dmarc" in expect:
        problems += compare_dmarc(verdict["dmarc"], expect["dmarc"])
    if "arc" in expect:
        problems += compare_arc(verdict["arc"], expect["arc"])
    return problems


def run_case(daemon, set_name, case):
    try:
        verdict = daemon.ask("check", *arguments(case), message_path(set_name, case))
    except DaemonError as error:
        return [str(error)]
    return compare(verdict, case["expect"])


def run_group(report, set_name, group):
    cases = [case for case in group["cases"] if wanted(f"{set_name}/{case['id']}")]
    if not cases:
        return
    dns = DnsServer(group["zone"])
    try:
        with Daemon(dns) as daemon:
            for case in cases:
                report.case(f"{set_name}/{case['id']}", run_case(daemon, set_name, case))
    except DaemonError as error:
        report.check(f"{set_name}: {group['name']}", False, str(error))
    finally:
        dns.stop()


def main():
    report = Report("corpus_e2e", KNOWN)
    for set_name in SETS:
        for group in load("corpus_e2e", set_name)["groups"]:
            run_group(report, set_name, group)
    report.finish(complete=everything)


main()
