"""Where the time of a warm verdict goes: crypto, kernel, and everything else.

SPF, DKIM and DMARC of messages of 8 KiB with one RSA-2048 signature, names and keys cached. The CPU time of a message is what the
kernel accounts for the daemon. How it is shared out is sampled by the clock (perf) in a run of its own, for on a virtual machine
a sample costs microseconds: the processor was found in the kernel, in a function of src/crypto or in libcrypto, or in
anything else. Beside it the bare OpenSSL calls for the same messages (floor), in the same rounds on the same core.
"""

import collections
import json
import os
import subprocess

from rig import Daemon, Row, median

AIM_OTHER_US, AIM_BESIDE_CRYPTO = 4.0, 0.3
SAMPLES_A_SECOND = 251


def crypto_functions(rig):
    """Names of all functions of src/crypto, those of kernels in it."""
    done = subprocess.run(["nm", os.path.join(rig.build, "src/crypto/libassay_crypto.a")], capture_output=True, text=True,
                          check=True)
    return {line.split()[-1].split(".")[0] for line in done.stdout.splitlines() if line[17:18] in "tT" and len(line) > 19}


def shares(rig, data, crypto):
    """{"kernel": ..., "crypto": ..., "other": ...}, which add up to 1."""
    done = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"], capture_output=True, text=True, check=True)
    found = collections.Counter()
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        name, module = words[1].split("+")[0].split(".")[0], words[-1].strip("()")
        if "kernel" in module or module.endswith(".ko"):
            found["kernel"] += 1
        elif "libcrypto" in module or (module.endswith("assayd") and name in crypto):
            found["crypto"] += 1
        else:
            found["other"] += 1
    whole = sum(found.values()) or 1
    return {name: found[name] / whole for name in ("kernel", "crypto", "other")}


def floor_us(rig, corpus):
    done = subprocess.run(["taskset", "-c", rig.core_server, rig.program("bench/floor"), "--json", "--rounds", "3", corpus],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["cpu_us"]


def load(rig, daemon, corpus, seconds):
    return rig.bench_start(rig.core_load, "check", "-s", daemon.url, "-w", 0.3, "-d", seconds, "--server-pid", daemon.pid, corpus)


def one(rig, daemon, corpus, crypto):
    data, seconds = rig.path("perf.data"), 1 if rig.quick else 4
    alone = rig.bench_end(load(rig, daemon, corpus, seconds))
    run = load(rig, daemon, corpus, seconds + 1)
    subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND), "-p", str(daemon.pid), "-o", data,
                    "--", "sleep", str(seconds)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sampled = rig.bench_end(run)
    found = {name: share * alone["server_cpu_us"] for name, share in shares(rig, data, crypto).items()}
    return {**found, "all": alone["server_cpu_us"],
            "wrong": sum(result["mismatches"] + result["unanswered"] for result in (alone, sampled))}


def measure(rig):
    corpus = rig.corpus("plain", "--plain", "--median", "8192", "--mean", "8192")
    crypto = crypto_functions(rig)
    floors, found = [], []
    with Daemon(rig, "warm", f'zone-file = "{corpus}/all.zone"') as daemon:
        rig.bench(rig.core_load, "check", "-s", daemon.url, "-w", 0, "-d", 0.2, corpus)
        for _ in range(1 if rig.quick else 5):
            floors.append(floor_us(rig, corpus))
            found.append(one(rig, daemon, corpus, crypto))
    each = {name: median([run[name] for run in found]) for name in ("all", "crypto", "kernel", "other")}
    beside = median([(run["all"] - run["crypto"]) / floor for run, floor in zip(found, floors)])
    spread = f'{min(run["other"] for run in found):.1f} to {max(run["other"] for run in found):.1f}'
    return [
        Row("warm verdict, 8 KiB, RSA-2048: CPU beside crypto and kernel", f"{AIM_OTHER_US:.0f} us",
            f'{each["other"]:.1f} us ({spread}); in all {each["all"]:.1f}: crypto {each["crypto"]:.1f}, kernel '
            f'{each["kernel"]:.1f}; {sum(run["wrong"] for run in found)} wrong or missing', each["other"] <= AIM_OTHER_US),
        Row("warm verdict: all of it beside crypto", f"{AIM_BESIDE_CRYPTO} times OpenSSL's hash and signature",
            f"{beside:.2f} times {median(floors):.1f} us", beside <= AIM_BESIDE_CRYPTO),
    ]
