#!/usr/bin/python3
"""Goal:   the open SPF sets of the corpus come out right through the real daemon, over the wire.
Method: for each zone a scripted DNS server and a fresh daemon; each case is one `assay spf --json`."""

from lib.corpus import differs, everything, load, wanted
from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report

SETS = ["spf/rfc7208", "spf/mail-auth"]

KNOWN = {}


def compare(case, answer):
    spf = answer["spf"]
    problems = differs(f"result ({spf['reason']})", spf["result"], case["results"])
    if "explanation" in case and spf["result"] == "fail":
        want = None if case["explanation"] == "DEFAULT" else case["explanation"]
        problems += differs("explanation", spf["explanation"], [want])
    return problems


def run_case(daemon, case):
    try:
        answer = daemon.ask("spf", "--ip", case["ip"], "--helo", case["helo"], "--from", case["mailfrom"])
    except DaemonError as error:
        return [str(error)]
    return compare(case, answer)


def run_group(report, set_name, group):
    cases = [case for case in group["cases"] if wanted(f"{set_name}/{case['id']}")]
    if not cases:
        return
    dns = DnsServer(group["zone"])
    try:
        with Daemon(dns) as daemon:
            for case in cases:
                report.case(f"{set_name}/{case['id']}", run_case(daemon, case))
    except DaemonError as error:
        report.check(f"{set_name}: {group['name']}", False, str(error))
    finally:
        dns.stop()


def main():
    report = Report("corpus_spf", KNOWN)
    for set_name in SETS:
        for group in load("corpus_spf", set_name)["groups"]:
            run_group(report, set_name, group)
    report.finish(complete=everything)


main()
