"""How an end-to-end test tells what it saw: a line for each failure, a summary, an exit status meson understands."""

import sys

SKIPPED = 77


class Report:
    """Counts checks. `known` maps the id of a case to the reason why it does not agree yet."""

    def __init__(self, name, known=None):
        self.name = name
        self.known = known or {}
        self.passed = 0
        self.failed = 0
        self.disagreed = {}

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
            self.disagreed[case_id] = problems
            if problems:
                print(f"known {case_id}: {self.known[case_id]} ({'; '.join(problems)})", flush=True)
            else:
                self.check(case_id, False, "listed as known not to agree, but it agrees now: take it off the list")
            return
        self.check(case_id, not problems, "; ".join(problems))

    def finish(self):
        """Prints the summary and ends the process."""
        for case_id in self.known.keys() - self.disagreed.keys():
            self.check(case_id, False, "listed as known, but there is no such case")
        known = sum(1 for problems in self.disagreed.values() if problems)
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {known} known not to agree yet", flush=True)
        sys.exit(1 if self.failed else 0)


def skip(name, reason):
    print(f"{name}: 0 passed, 0 failed: skipped: {reason}")
    sys.exit(SKIPPED)
