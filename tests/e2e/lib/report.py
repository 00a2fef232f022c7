"""How an end-to-end test tells what it saw: a line for each failure, a summary, an exit status meson understands."""

import sys

SKIPPED = 77


class Report:
    """Counts checks. `known` is the list of cases that do not agree yet: an id, the start of each problem that is
    expected of it, and the reason. Any other problem of such a case is a failure, and so is its agreement."""

    def __init__(self, name, known=None):
        self.name = name
        self.known = known or {}
        self.passed = 0
        self.failed = 0
        self.seen = {}  # of the known ones: id -> problems

    def check(self, what, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {what}{': ' if detail else ''}{detail}", flush=True)
        return good

    def case(self, case_id, problems):
        """A corpus case: `problems` is a list of texts, empty when it agrees."""
        if case_id in self.known:
            start, reason = self.known[case_id]
            self.seen[case_id] = [problem for problem in problems if problem.startswith(start)]
            problems = [problem for problem in problems if not problem.startswith(start)]
            if not self.seen[case_id]:
                problems.append("listed as known not to agree, but it agrees now: take it off the list")
            elif not problems:
                print(f"known {case_id}: {reason} ({'; '.join(self.seen[case_id])})", flush=True)
                return
        self.check(case_id, not problems, "; ".join(problems))

    def finish(self, complete=True):
        """Prints the summary and ends the process. Not `complete`: some cases were left out on purpose."""
        if complete:
            for case_id in self.known.keys() - self.seen.keys():
                self.check(case_id, False, "listed as known, but there is no such case")
        known = sum(1 for problems in self.seen.values() if problems)
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {known} known not to agree yet", flush=True)
        sys.exit(1 if self.failed else 0)


def skip(name, reason):
    print(f"{name}: 0 passed, 0 failed: skipped: {reason}")
    sys.exit(SKIPPED)
