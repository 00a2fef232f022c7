#!/usr/bin/python3
"""Guards the hot path: instructions of the daemon for a warm verdict, counted by callgrind.

    bench/guard/guard.py BUILD [--update]

A daemon (one shard, zones as local data, OpenSSL's code for all arithmetic) runs under callgrind and checks a small corpus
again and again, one request at a time. Two runs of different length are counted, so that what is not a request's drops
out of their difference. libcrypto is left out; glibc is told to leave AVX and what newer processors have alone, so that the
processor makes little difference. What is left is compared with bench/baseline.json: over 5 % more fails, and so does
over 5 % less, for the next change would hide in it. --update writes the baseline anew, which is a change to be reviewed.

Exit status: 0 as the baseline has it; 1 not so; 77 this machine cannot count (no valgrind, no AVX2).
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
TOLERANCE = 0.05
MESSAGES = 48
ROUNDS = (2, 8)  # passes over the corpus, of the two runs
READY_SECONDS = 60
MODES = {"message": [], "digest": ["--digest"]}
BASELINE = pathlib.Path(__file__).resolve().parent.parent / "baseline.json"
TUNABLES = "glibc.cpu.hwcaps=" + ",".join(
    f"-{feature}" for feature in ("AVX2", "AVX", "AVX512F", "AVX512VL", "AVX512BW", "ERMS", "FSRM", "SSE4_2", "SSSE3", "BMI2",
                                  "AVX_Fast_Unaligned_Load", "Prefer_No_VZEROUPPER", "Fast_Unaligned_Copy")
)
CONFIGURATION = """
listen = {{"ipc://{work}/socket"}}
shards = 1
authserv-id = "mx.example.org"
crypto {{ kernels = "openssl" }}
dns {{ zone-file = "{work}/corpus/all.zone" max-queries-per-domain = 65536 timeout = 60000 }}
"""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


class Daemon:
    """assayd under callgrind."""

    def __init__(self, build, work):
        self.work = work
        (work / "conf").write_text(CONFIGURATION.format(work=work))
        self.log = open(work / "log", "wb")
        command = [
            "valgrind", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no", f"--callgrind-out-file={work}/counts",
            str(build / "assayd"), "-c", str(work / "conf"),
        ]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env={**os.environ, "GLIBC_TUNABLES": TUNABLES})
        self.dumps = 0
        end = time.monotonic() + READY_SECONDS
        while b"ready" not in (work / "log").read_bytes():
            if time.monotonic() > end or self.process.poll() is not None:
                self.stop()
                sys.exit("assayd did not start under valgrind:\n" + (work / "log").read_text(errors="replace"))
            time.sleep(0.1)
            self.wake()

    def wake(self):
        """valgrind lets no other thread run while one is in io_uring_enter(): a connection makes it return."""
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self.work / "socket"))
            except OSError:
                pass  # not listening yet

    def stop(self):
        self.process.kill()  # there is nothing to keep, and for the same reason it may not hear of anything milder
        self.process.wait()
        self.log.close()

    def counts(self):
        """Instructions since the last call, by object."""
        subprocess.run(["callgrind_control", "-d", str(self.process.pid)], check=True, capture_output=True)
        self.dumps += 1
        return instructions_by_object(self.work / f"counts.{self.dumps}")


def instructions_by_object(path):
    """Own instructions; a line after "calls=" is what a callee took, which has its own lines."""
    counts, current, is_call = {}, "", False
    with open(path, encoding="utf-8", errors="replace") as dump:
        for line in dump:
            if line.startswith("ob="):
                current = pathlib.Path(line[3:].strip()).name
            elif line.startswith("calls="):
                is_call = True
            elif line[0].isdigit() or line[0] in "+-*":
                if not is_call:
                    counts[current] = counts.get(current, 0) + int(line.split()[-1])
                is_call = False
    return counts


def load(build, work, mode, passes):
    """Sends the corpus so many times, one message after another; each reply has to be right. Returns how many there were."""
    command = [
        str(build / "assay-bench"), "check", "-s", f"ipc://{work}/socket", "-c", "1", "-i", "1", "-w", "0", "-d", "120",
        "-n", str(passes * MESSAGES), "--deadline", "60000", "--json", *MODES[mode], str(work / "corpus"),
    ]
    done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if done["mismatches"] or done["replies"] < passes * MESSAGES:
        sys.exit(f"{mode}: {done['replies']} replies, {done['mismatches']} not as expected")
    return done["replies"]


def is_counted(name):
    return not name.startswith("libcrypto")


def measure(build, work):
    """{mode: {"instructions": ..., "by_object": {...}}} for a request."""
    subprocess.run([str(build / "bench/assay-corpus"), "--messages", str(MESSAGES), "--domains", "16", "--largest", "65536",
                    str(work / "corpus")], check=True, stdout=subprocess.DEVNULL)
    daemon, found = Daemon(build, work), {}
    try:
        for mode in MODES:
            load(build, work, mode, 1)  # caches and memory
            daemon.counts()
            runs, replies = [], []
            for passes in ROUNDS:
                replies.append(load(build, work, mode, passes))
                runs.append(daemon.counts())
            requests = replies[1] - replies[0]
            each = {name: round((runs[1][name] - runs[0].get(name, 0)) / requests) for name in runs[1] if is_counted(name)}
            found[mode] = {"instructions": sum(each.values()), "by_object": {n: c for n, c in sorted(each.items()) if c >= 10}}
    finally:
        daemon.stop()
    return found


def compare(found, baseline):
    """Prints a line for each mode. Are all within the tolerance?"""
    good = True
    for mode, now in found.items():
        was = baseline[mode]["instructions"]
        change = now["instructions"] / was - 1
        verdict = "ok"
        if abs(change) > TOLERANCE:
            good = False
            verdict = "dearer" if change > 0 else "cheaper: renew the baseline, or the next change hides in it"
        print(f"{mode}: {now['instructions']} instructions a warm verdict, baseline {was} ({change:+.1%}): {verdict}")
        if verdict != "ok":
            before = baseline[mode]["by_object"]
            for name in sorted(before.keys() | now["by_object"].keys()):
                print(f"  {name}: {before.get(name, 0)} -> {now['by_object'].get(name, 0)}")
    if not good:
        print("On purpose? Then: bench/guard/guard.py BUILD --update, and say why in the commit.")
    return good


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    for tool in ("valgrind", "callgrind_control"):
        if not shutil.which(tool):
            skip(f"no {tool}")
    if not re.search(r"\bavx2\b", pathlib.Path("/proc/cpuinfo").read_text()):
        skip("the baseline is of a processor with AVX2")
    with tempfile.TemporaryDirectory(prefix="assay-guard.") as work:
        found = measure(build, pathlib.Path(work))
    if "--update" in sys.argv[2:]:
        BASELINE.write_text(json.dumps(found, indent=2) + "\n")
        print(f"{BASELINE} written: " + ", ".join(f"{mode} {one['instructions']}" for mode, one in found.items()))
        return 0
    return 0 if compare(found, json.loads(BASELINE.read_text())) else 1


if __name__ == "__main__":
    sys.exit(main())
