#!/usr/bin/python3
"""Goal:   check_host() of assayd is that of RFC 7208, whatever the records say: pyspf, another implementation, agrees.
Method: seeded cases (spf_cases.py), one zone for thousands of them; assayd asks a scripted DNS server over the wire and
        pyspf has the same data. Result words, and explanations of a fail, are equal, but for corrections of pyspf, each
        for a rule of an RFC (spf_oracle.py, corrections.py). python3-authres reads every field we write."""

import sys
import time

import bulk
from lib import wire
from lib.report import Report

bulk.oracles("differential.spf", spf="python3_spf", authres="python3_authres")

import spf_cases  # noqa: E402
import spf_oracle  # noqa: E402
import verdict_field  # noqa: E402
from corrections import AllowList  # noqa: E402

SLOW_S = 1.0
CASES = 1500


def request(case):
    return wire.check_sender(str(case.number), client_ip=case.ip, helo=case.helo, mail_from=case.mail_from,
                             received_at=case.received_at)


def answer(verdict):
    return verdict["spf"]["result"], verdict["spf"]["explanation"]


def same(ours, theirs):
    """Equal words, and explanations that differ in the case of letters at most: domains are put in lower case."""
    fold = [text.casefold() if text else text for text in (ours[1], theirs[1])]
    return ours[0] == theirs[0] and fold[0] == fold[1]


class Run:
    def __init__(self, options):
        self.options = options
        self.report = Report("differential.spf")
        self.allowed = AllowList(spf_oracle.CORRECTIONS)
        self.fields_allowed = AllowList([])  # no field of SPF alone needs any
        self.words, self.kinds, self.fields = {}, {}, 0
        self.replies = []

    def compare(self, case, verdict, oracle):
        if "error" in verdict:
            return [verdict["error"]]
        self.fields += 1
        problems = verdict_field.problems_of(verdict, self.fields_allowed, case.number)
        ours = answer(verdict)
        self.words[ours[0]] = self.words.get(ours[0], 0) + 1
        self.kinds[case.kind] = self.kinds.get(case.kind, 0) + 1
        if not self.allowed.judge(case.number, lambda names: same(ours, oracle.check(case, names))):
            theirs = f"pyspf {oracle.check(case)}, corrected {oracle.check(case, self.allowed.names())}"
            problems.append(f"assayd {ours} ({verdict['spf']['reason']}), {theirs}\n{case.describe()}")
        return problems

    def batch(self, numbers):
        cases = [spf_cases.make(self.options.seed, number) for number in numbers]
        zone = bulk.BulkZone()
        for case in cases:
            zone.add(case.zone)
        oracle = spf_oracle.Oracle(zone)
        with bulk.Service(zone, self.options.window) as pipeline:
            replies = pipeline.ask_all(request(case) for case in cases)
        for case, reply in zip(cases, replies):
            problems = self.compare(case, reply.verdict, oracle)
            problems += [] if reply.id == str(case.number) else [f"the reply has the id {reply.id!r}"]
            self.report.check(f"case {case.number} of seed {self.options.seed}", not problems, "; ".join(problems))
            self.replies.append((reply.seconds, case.number))
            if self.options.only:
                print(case.describe(), reply.verdict, sep="\n")

    def summary(self, seconds):
        self.replies.sort(reverse=True)
        slow = [entry for entry in self.replies if entry[0] > SLOW_S]
        print(f"{len(self.replies)} cases of seed {self.options.seed} in {seconds:.0f} s: {self.kinds}; results {self.words}")
        print(f"slowest reply {self.replies[0][0] * 1000:.0f} ms (case {self.replies[0][1]}); {len(slow)} above {SLOW_S} s")
        print(f"{self.fields} fields read by python3-authres")
        self.allowed.print()
        if len(self.replies) >= 20000:
            unused = self.allowed.unused()
            self.report.check("every entry of the allow list is needed", not unused, str(unused))


def main():
    options = bulk.arguments(__doc__, CASES)
    run, started = Run(options), time.monotonic()
    for numbers in bulk.batches(options.only or range(options.cases)):
        run.batch(numbers)
    run.summary(time.monotonic() - started)
    run.report.finish()


if __name__ == "__main__":
    sys.exit(main())
