"""The conformance corpus: found, read, and compared by the rules of its README."""

import json
import os
import sys

from lib.daemon import SOURCE
from lib.report import skip

ROOT = os.environ.get("ASSAY_CORPUS") or os.path.join(SOURCE, "..", "shared", "corpus")


def load(test_name, set_name):
    """A set by its name, such as "spf/rfc7208". Without a corpus the test ends here, as skipped."""
    path = os.path.join(ROOT, set_name + ".json")
    if not os.path.isfile(path):
        skip(test_name, f"no corpus at {ROOT} (set ASSAY_CORPUS)")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def message_path(set_name, case):
    return os.path.join(ROOT, os.path.dirname(set_name), case["message"])


def differs(what, got, allowed):
    """A list with one text when `got` is not one of `allowed`."""
    return [] if got in allowed else [f"{what} {got!r}, want {' or '.join(map(repr, allowed))}"]


def same_name(a, b):
    """Domain names and the like: equal but for the case of letters; null and "" are both "none"."""
    return (a or "").lower() == (b or "").lower()


def compare_names(what, got, want):
    return [] if same_name(got, want) else [f"{what} {got!r}, want {want!r}"]


def compare_signature(index, got, want, mode):
    problems = []
    name = f"dkim[{index}]"
    problems += differs(f"{name} ({got.get('reason')})", got["result"], want[mode])
    for key in ("domain", "selector", "algorithm"):
        if want.get(key) is not None:
            problems += compare_names(f"{name}.{key}", got[key], want[key])
    if not got["key_bits"]:  # refused before a key was fetched: nothing is known of it
        return problems
    for key in ("testing", "key_bits"):
        if key in want:
            problems += differs(f"{name}.{key}", got[key], [want[key]])
    return problems


def compare_dkim(verdict, wanted, mode, total=None):
    """`total`: the message has so many signatures, of which only the first are in `wanted`, and none may pass."""
    got = verdict["dkim"]
    if total is not None:
        passed = [entry for entry in got if entry["result"] == "pass"]
        problems = [f"{len(passed)} of {total} signatures pass, want none"] if passed else []
        if len(got) + verdict.get("dkim_ignored", 0) != total:
            problems.append(f"{len(got)} signatures and {verdict.get('dkim_ignored')} ignored, want {total} in all")
        return problems
    if len(got) != len(wanted):
        return [f"{len(got)} signatures, want {len(wanted)}"]
    problems = []
    for index, (entry, want) in enumerate(zip(got, wanted)):
        problems += compare_signature(index, entry, want, mode)
    return problems


everything = len(sys.argv) == 1  # arguments are parts of the ids of the cases to run


def wanted(case_id):
    return everything or any(part in case_id for part in sys.argv[1:])
