"""Two shards beside one.

The machine has two cores, and the load needs its part of them. So what is doubled is all of it: one core for one shard
and its load, then two cores for two shards and theirs. The machine's own gain is measured with the bare OpenSSL calls
(floor), which share nothing. Others may be at work on the machine, so besides the clock the work is reckoned from CPU
time: requests in a CPU second of the shard that has most to do, which is what two cores without anybody else would give.
The shard on whose core the load generator runs gets less of it and does less, whichever it is; so in half of the time
the generator is on the one core, in half on the other, and who has most to do is found out over both.
"""

import json
import subprocess

from rig import Daemon, Row, median

AIM_RATIO, AIM_CPU = 1.9, 0.05
ROUNDS, SECONDS = 10, 1.5  # many short ones: the machine's quick and slow phases last for seconds to minutes


def one(rig, daemon, cores, connections, in_flight, corpus):
    """Runs with the load generator on each of the cores, one after the other."""
    before, runs = daemon.cpu_s(), []
    for core in cores:
        runs.append(rig.bench(core, "check", "-s", daemon.url, "-c", connections, "-i", in_flight, "-w", 0.2,
                              "-d", 1 if rig.quick else SECONDS, "--server-pid", daemon.pid, corpus))
    spent = [seconds - before.get(task, 0) for task, seconds in daemon.cpu_s().items()]
    share = max(spent) / sum(spent)  # of the busiest shard: 0.5 when two do the same
    cpu = sum(run["server_cpu_us"] for run in runs) / len(runs)
    return {"clock": sum(run["replies_per_second"] for run in runs) / len(runs), "cpu": cpu,
            "reckoned": 1e6 / (cpu * share), "share": share,
            "wrong": sum(run["mismatches"] + run["unanswered"] for run in runs)}


def floor_us(rig, corpus, cores):
    """CPU of the bare OpenSSL calls for a message when so many cores do them at once."""
    words = [rig.program("bench/floor"), "--json", "--rounds", "3", corpus]
    running = [subprocess.Popen(["taskset", "-c", core, *words], stdout=subprocess.PIPE, text=True) for core in cores]
    return median([json.loads(process.communicate()[0])["cpu_us"] for process in running])


def machine(rig, corpus):
    rounds = 1 if rig.quick else 3
    alone, both = [], []
    for _ in range(rounds):
        alone.append(floor_us(rig, corpus, [rig.core_server]))
        both.append(floor_us(rig, corpus, [rig.core_server, rig.core_load]))
    return 2 * median(alone) / median(both)


def compare(rig, single, double, corpus, what, connections, in_flight):
    rounds = 1 if rig.quick else ROUNDS
    ones, twos = [], []
    for _ in range(rounds):
        ones.append(one(rig, single, [rig.core_server], connections, in_flight, corpus))
        twos.append(one(rig, double, [rig.core_server, rig.core_load], connections, in_flight, corpus))
    of_one, of_two = ({name: median([each[name] for each in found]) for name in found[0]} for found in (ones, twos))
    reckoned = median([b["reckoned"] / a["reckoned"] for a, b in zip(ones, twos)])
    clock = median([b["clock"] / a["clock"] for a, b in zip(ones, twos)])
    cpu = median([b["cpu"] / a["cpu"] for a, b in zip(ones, twos)])
    wrong = sum(each["wrong"] for each in ones + twos)
    return [
        Row(f"two shards beside one, {what}", f"{AIM_RATIO} times",
            f"{reckoned:.2f} times reckoned from CPU ({of_one['reckoned']:,.0f} and {of_two['reckoned']:,.0f} a second; the "
            f"busier shard does {100 * of_two['share']:.0f} %), {clock:.2f} by the clock; {wrong} wrong or missing",
            reckoned >= AIM_RATIO),
        Row(f"CPU a request, two shards beside one, {what}", f"within {100 * AIM_CPU:.0f} %",
            f"{of_one['cpu']:.1f} and {of_two['cpu']:.1f} us: {100 * (cpu - 1):+.1f} %", cpu <= 1 + AIM_CPU),
    ]


def measure(rig):
    corpus = rig.corpus("mixed")
    dns = f'zone-file = "{corpus}/all.zone"'
    rows = [Row("the machine: bare OpenSSL calls on two cores beside one", "-", f"{machine(rig, corpus):.2f} times")]
    with Daemon(rig, "single", dns) as single, Daemon(rig, "double", dns, shards=2, core=rig.both) as double:
        for daemon in (single, double):
            rig.bench(rig.core_load, "check", "-s", daemon.url, "-w", 0, "-d", 0.2, corpus)
        rows += compare(rig, single, double, corpus, "32 connections x 8", 32, 8)
        rows += compare(rig, single, double, corpus, "1 connection x 256", 1, 256)
    return rows
