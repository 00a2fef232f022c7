#!/usr/bin/python3
"""Goal:   the open DKIM sets of the corpus come out right through the real daemon, over the wire, in both modes.
Method: for each zone and mode a scripted DNS server and a fresh daemon; each case is one `assay check --json` at the
        case's clock."""

from lib.corpus import compare_dkim, everything, load, message_path, wanted
from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report

SETS = ["dkim/mail-dkim", "dkim/exim", "dkim/mail-auth", "dkim/dkim_verifier", "dkim/jdkim", "dkim/mimekit"]

# One case has 1,000 signatures in 400,934 octets of header, more than a daemon reads by default.
LARGE_HEADERS = "limits { header-size = 1048576 header-fields = 2000 }"

MODES = {
    "legacy": LARGE_HEADERS + " dkim { min-rsa-bits = 512 allow-rsa-sha1 = true }",
    "rfc8301": LARGE_HEADERS,
}

KNOWN = {}


def run_case(daemon, set_name, case, mode):
    try:
        verdict = daemon.ask("check", "--received-at", str(case["clock"]), message_path(set_name, case))
    except DaemonError as error:
        return [str(error)]
    return compare_dkim(verdict, case["signatures"], mode, case.get("signatures_total"))


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
    report = Report("corpus_dkim", KNOWN)
    for set_name in SETS:
        for group in load("corpus_dkim", set_name)["groups"]:
            for mode in MODES:
                run_group(report, set_name, group, mode)
    report.finish(complete=everything)


main()
