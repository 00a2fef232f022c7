#!/usr/bin/python3
"""Goal:   assayd verifies DKIM signatures by RFC 6376, 8301 and 8463, however they are written or damaged: dkimpy agrees.
Method: seeded messages (dkim_cases.py), signed by a signer of our own in every form, and by dkimpy; damaged or not. Each
        goes over the wire with the keys in a scripted DNS server; each signature passes here exactly when it passes there,
        and body and signature are told apart alike, but for corrections of dkimpy, each for a rule of an RFC
        (dkim_oracle.py, corrections.py). python3-authres reads every field we write."""

import collections
import os
import sys
import tempfile
import time

import bulk
from lib import wire
from lib.daemon import BUILD
from lib.report import Report

bulk.oracles("differential.dkim", dkim="python3_dkim", nacl="python3_nacl", authres="python3_authres",
             cryptography="python3_cryptography")

import dkim_cases  # noqa: E402
import dkim_oracle  # noqa: E402
import dkim_signer  # noqa: E402
import verdict_field  # noqa: E402
from corrections import AllowList  # noqa: E402

SLOW_S = 1.0
CASES = 1500
CAUSES = {"dkim-key-unavailable": "timeout", "dkim-body-hash": "body", "dkim-signature-wrong": "signature",
          "dkim-signature-length": "signature"}


def request(case):
    return wire.check_message(str(case.number), case.message, received_at=dkim_cases.NOW, **case.sender)


def same(ours, cause):
    """A pass is one on both sides; and what we put down to DNS, the body or the signature, so does the oracle."""
    if (ours["result"] == "pass") != (cause == "pass"):
        return False
    return CAUSES.get(ours["code"], cause) == cause


class Run:
    def __init__(self, options):
        self.options = options
        self.report = Report("differential.dkim")
        self.allowed = AllowList(dkim_oracle.CORRECTIONS)
        self.fields_allowed = AllowList(verdict_field.CORRECTIONS)
        self.words, self.reasons, self.fields = collections.Counter(), collections.Counter(), 0
        self.replies = []
        dkim_oracle.set_clock(dkim_cases.NOW)
        self.keys = dkim_signer.keys(BUILD if os.access(BUILD, os.W_OK) else tempfile.gettempdir())

    def compare_signature(self, case, index, ours, oracle):
        self.words[ours["result"]] += 1
        self.reasons[ours["code"]] += 1
        if self.allowed.judge(case.number, lambda names: same(ours, oracle.cause(case.message, index, names))):
            return []
        stock, corrected = (oracle.cause(case.message, index, names) for names in (frozenset(), self.allowed.names()))
        return [f"signature {index}: assayd {ours['result']} ({ours['reason']}), dkimpy {stock}, corrected {corrected}\n"
                + case.describe()]

    def compare(self, case, verdict, oracle):
        if "error" in verdict:
            return [verdict["error"]]
        self.fields += 1
        problems = verdict_field.problems_of(verdict, self.fields_allowed, case.number)
        for index, ours in enumerate(verdict["dkim"]):
            problems += self.compare_signature(case, index, ours, oracle)
        return problems

    def batch(self, numbers):
        cases = [dkim_cases.make(self.options.seed, number, self.keys) for number in numbers]
        zone = bulk.BulkZone()
        for case in cases:
            zone.add(case.zone)
        oracle = dkim_oracle.Oracle(zone, dkim_cases.NOW)
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
        signatures = f"{sum(self.words.values())} signatures {dict(self.words)}; {dict(self.reasons)}"
        print(f"{len(self.replies)} messages of seed {self.options.seed} in {seconds:.0f} s: {signatures}")
        print(f"slowest reply {self.replies[0][0] * 1000:.0f} ms (case {self.replies[0][1]}); {len(slow)} above {SLOW_S} s")
        print(f"{self.fields} fields read by python3-authres")
        self.allowed.print()
        self.fields_allowed.print()
        if len(self.replies) >= 20000:
            unused = self.allowed.unused() + self.fields_allowed.unused()
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
