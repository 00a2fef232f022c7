#!/usr/bin/python3
"""Goal:   policy discovery, alignment, result and disposition are those of RFC 9989, whatever the records along the
        way: a second reading of its text (dmarc_oracle.py) agrees.
Method: seeded cases (dmarc_cases.py), one zone for thousands of them; real messages lead the daemon to the SPF and DKIM
        results that the oracle starts from."""

import sys
import time

import bulk
import dmarc_cases
import dmarc_oracle
from lib.report import Report
from lib.wire import check_message

CASES = 1500
RESULTS = ("none", "pass", "fail", "temperror")


def outcome_of(dmarc):
    return dmarc_oracle.Outcome(*(dmarc[name] for name in dmarc_oracle.Outcome._fields))


def problems_of(case, verdict, oracle):
    if "error" in verdict:
        return [verdict["error"]]
    ours, theirs = outcome_of(verdict["dmarc"]), oracle.evaluate(case.author, case.identifiers)
    if ours == theirs:
        return []
    return [f"assayd {ours} ({verdict['dmarc']['reason']}), oracle {theirs}\n{case.describe()}"]


def run_batch(report, options, numbers, results):
    cases = [dmarc_cases.Case(options.seed, number) for number in numbers]
    zone = bulk.BulkZone()
    for case in cases:
        zone.add(case.zone)
    oracle = dmarc_oracle.Oracle(zone)
    with bulk.Service(zone, options.window) as pipeline:
        replies = pipeline.ask_all(check_message(str(case.number), case.message, **case.sender) for case in cases)
    for case, reply in zip(cases, replies):
        problems = problems_of(case, reply.verdict, oracle)
        report.check(f"case {case.number} of seed {options.seed}", not problems, "; ".join(problems))
        if not problems:
            results[reply.verdict["dmarc"]["result"]] += 1
        if options.only:
            print(case.describe(), reply.verdict, sep="\n")


def main():
    options = bulk.arguments(__doc__, CASES)
    report, started, results = Report("differential.dmarc"), time.monotonic(), dict.fromkeys(RESULTS, 0)
    for numbers in bulk.batches(options.only or range(options.cases)):
        run_batch(report, options, numbers, results)
    print(f"{sum(results.values())} cases of seed {options.seed} agree in {time.monotonic() - started:.0f} s: {results}")
    if not options.only:
        often = all(count * 20 > options.cases for count in results.values())
        report.check("each result is seen often", often, str(results))
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
