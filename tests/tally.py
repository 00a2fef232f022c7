#!/usr/bin/python3
"""Counts the results in a log of `meson test` (its JSON form): prints the numbers of passed, failed, skipped tests.

Exit status 1 when the log has no result at all: then the tests did not run.
"""

import json
import sys

PASSED = ("OK", "EXPECTEDFAIL")
SKIPPED = ("SKIP", "IGNORED")


def main():
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            results = [json.loads(line)["result"] for line in file]
    except OSError as error:
        sys.exit(str(error))
    if not results:
        sys.exit(f"{sys.argv[1]}: no results")
    passed = sum(result in PASSED for result in results)
    skipped = sum(result in SKIPPED for result in results)
    print(passed, len(results) - passed - skipped, skipped)


main()
