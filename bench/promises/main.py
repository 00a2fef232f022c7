"""Measures what docs and issues promise of the engine; run_promises.sh starts this. Prints a section for bench/RESULTS.md."""

import argparse
import datetime
import os
import platform
import subprocess
import tempfile

import blackout
import cold
import flat
import overload
import policies
import shards
import soak
import warm
from rig import ROOT, Rig, say

PROMISES = {"warm": warm, "cold": cold, "shards": shards, "overload": overload, "blackout": blackout, "soak": soak, "flat": flat,
            "policies": policies}
HOLDS = {True: "yes", False: "**no**", None: ""}


def revision():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no revision"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "an unnamed processor")


def section(built, arguments, rows, minutes):
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"""
## {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}: the engine's promises

`sh bench/run_promises.sh{' ' if arguments else ''}{' '.join(arguments)}` at {built} ({minutes:.0f} minutes), release build,
{processor()}, {os.cpu_count()} cores, Linux {platform.release()}, load average {load} at the end.

| promise | aim | found | holds |
|---|---|---|---|""")
    for row in rows:
        print(f"| {row.promise} | {row.aim} | {row.found} | {HOLDS[row.holds]} |")


def main():
    parser = argparse.ArgumentParser(prog="run_promises.sh")
    parser.add_argument("--quick", action="store_true", help="a minute in all: shows that it works, measures little")
    parser.add_argument("promises", nargs="*", metavar="|".join(PROMISES), help="default: all")
    options = parser.parse_args()
    names = options.promises or list(PROMISES)
    unknown = [name for name in names if name not in PROMISES]
    if unknown:
        parser.error(f"unknown: {' '.join(unknown)}")
    start, built = datetime.datetime.now(), revision()
    with tempfile.TemporaryDirectory(prefix="assay-promises-") as temporary:
        work = os.environ.get("BENCH_WORK", temporary)
        os.makedirs(work, exist_ok=True)
        rig = Rig(os.environ["BENCH_BUILD"], os.path.abspath(work), int(os.environ.get("BENCH_PORT", "25453")),
                  os.environ.get("BENCH_CORES", "0,1").split(","), options.quick)
        rows = []
        for name in names:
            say(f"== {name}")
            rows += PROMISES[name].measure(rig)
    arguments = (["--quick"] if options.quick else []) + options.promises
    section(built, arguments, rows, (datetime.datetime.now() - start).total_seconds() / 60)


if __name__ == "__main__":
    main()
