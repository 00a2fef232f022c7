#!/usr/bin/python3
"""Goal:   the open ARC sets of the corpus come out right through the real daemon, over the wire, in both modes.
Method: for each zone and mode a scripted DNS server and a fresh daemon; each case is one `assay check --json` at the
        case's clock. The field says the same as the result; a chain that passes has all its hops."""

from lib.corpus import differs, everything, load, message_path, wanted
from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report

SETS = ["arc/validation", "arc/other"]

MODES = {
    "legacy": "arc { oldest-pass = true } dkim { min-rsa-bits = 512 allow-rsa-sha1 = true }",
    "rfc8301": "",
}

KNOWN = {}


def compare(verdict, case, mode):
    arc = verdict["arc"]
    problems = differs(f"arc ({arc['reason']})", arc["result"], case["expect"][mode])
    if "instance" in case:
        problems += differs("instance", arc["instance"], [case["instance"]])
    if f" arc={arc['result']}" not in verdict["authentication_results"]:
        problems.append(f"not in the field: {verdict['authentication_results']}")
    if arc["result"] != "pass":
        return problems
    problems += differs("hops", [hop["instance"] for hop in arc["sets"]], [list(range(1, arc["instance"] + 1))])
    for hop in arc["sets"]:
        problems += differs(f"seal {hop['instance']}", hop["seal"]["result"], ["pass"])
    problems += differs("newest signature", arc["sets"][-1]["message_signature"]["result"], ["pass"])
    return problems


def run_case(daemon, set_name, case, mode):
    try:
        verdict = daemon.ask("check", "--received-at", str(case["clock"]), message_path(set_name, case))
    except DaemonError as error:
        return [str(error)]
    return compare(verdict, case, mode)


def run_group(report, set_name, group, mode):
    cases = [case for case in group["cases"] if wanted(f"{set_name}/{case['id']} {mode}")]
    if not cases:
        return
    dns = DnsServer(group["zone"])
    try:
        with Daemon(dns, extra=MODES[mode]) as daemon:
            for case in cases:
                report.case(f"{set_name}/{case['id']} {mode}", run_case(daemon, set_name, case, mode))
    except DaemonError as error:
        report.check(f"{set_name}: {group['name']} {mode}", False, str(error))
    finally:
        dns.stop()


def main():
    report = Report("corpus_arc", KNOWN)
    for set_name in SETS:
        for group in load("corpus_arc", set_name)["groups"]:
            for mode in MODES:
                run_group(report, set_name, group, mode)
    report.finish(complete=everything)


main()
