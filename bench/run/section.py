"""The section of bench/RESULTS.md that a run writes, between two comments; what stands around it stays."""

import datetime
import os
import platform
import subprocess

from engine import SIZES as TRANSPORT_SIZES
from engine import TRANSPORTS
from growth import CONNECTIONS, DOMAINS, SIZES
from latency import AIM_LOAD, COLD_DELAY_S, COLD_PERCENT, LOADS
from plots import size_text
from rig import ROOT
from values import number

BEGIN, END = "<!-- bench/run.sh: begin -->", "<!-- bench/run.sh: end -->"
AIMS = {"full": 0.6, "digest": 0.45}
AIM_RSPAMD, AIM_STACK = 150, 25
AIM_P99_US, AIM_P999_US, AIM_COLD_P99_US = 1000, 3000, 2000
SHOWN_CLASSES = 12
COMMANDS_SHOWN = 12
CORE_ALONE = 0.9  # less of its core at saturation, and others were there


def output_of(*words):
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


class Conditions:
    """Of the run, taken when it begins."""

    def __init__(self):
        self.load = " ".join(f"{value:.2f}" for value in os.getloadavg())
        self.revision = output_of("git", "describe", "--always", "--dirty") or "no revision"
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            self.processor = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unnamed processor")
        self.compiler = output_of("gcc", "-dumpfullversion")
        self.openssl = " ".join(output_of("openssl", "version").split()[1:2])


def holds(value, aim, at_least=False):
    if value is None:
        return ""
    return "yes" if (value >= aim if at_least else value <= aim) else "**no**"


def head(rig, began, minutes):
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"""## {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}: beside the floor and beside peers

`sh bench/run.sh{' --quick' if rig.quick else ''}` at {began.revision} ({minutes:.0f} minutes), release build, {began.processor}, {os.cpu_count()} cores, Linux
{platform.release()}, gcc {began.compiler}, OpenSSL {began.openssl}; load average {began.load} at the beginning, {load} at the end (the run's own
processes are in it). Each server alone on one core, load and name server (NSD, loopback only) on the other; rounds interleave everything.
All figures are medians of the rounds (5; 3 of peers, latency and growth; 1 with --quick), spreads are least to most. CPU time is the kernel's (schedstat), network included.
"""


def aims(values):
    load = f"load.{AIM_LOAD}"
    rows = []
    for mode, aim in AIMS.items():
        ratio = values.ratio_each(f"{mode}.mixed", "floor.mixed")
        rows.append((f"warm verdict, mixed corpus, {mode} mode, beside the floor", f"{aim}", number(ratio, 2), holds(ratio, aim)))
    for name, aim in (("rspamd", AIM_RSPAMD), ("stack", AIM_STACK)):
        for mode in AIMS:
            ratio = values.ratio(f"peer.{name}", f"{mode}.mixed")
            what = "rspamd's" if name == "rspamd" else "libopendkim + libspf2 + libopendmarc's"
            rows.append((f"messages a second and core beside {what}, {mode} mode", f"{aim} times", f"{number(ratio, 0)} times",
                         holds(ratio, aim, True)))
    for percentile, aim in (("p99", AIM_P99_US), ("p99.9", AIM_P999_US)):
        value = values.median(f"{load}.{percentile}")
        rows.append((f"{percentile} at {AIM_LOAD} % load, warm", f"{aim / 1000:g} ms",
                     f"{number(value, 0)} us ({values.spread(f'{load}.{percentile}', 0)}); an idle timer's {values.text(f'idle.{percentile}', 0)}",
                     holds(value, aim)))
    value = values.median("cold5.p99")
    rows.append((f"p99 of warm ones, {COLD_PERCENT} % unseen senders answered in {1000 * COLD_DELAY_S:g} ms, {AIM_LOAD} % load",
                 f"{AIM_COLD_P99_US / 1000:g} ms", f"{number(value, 0)} us ({values.spread('cold5.p99', 0)}); unseen ones' "
                 f"p50 {values.text('cold5.unseen.p50', 0)}", holds(value, AIM_COLD_P99_US)))
    return table(("aim", "", "found", "holds"), rows)


def table(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def engine(values):
    rows = []
    for corpus, what in (("mixed", "mixed"), ("plain", "8 KiB, one RSA-2048 signature"), ("opaque", "mixed, bodies octet-stream")):
        floor = f"floor.{corpus}"
        rows.append((f"floor, {what}", f"{values.text(floor)} (hashes {values.text(floor + '.hashes')}, signatures "
                     f"{values.text(floor + '.signatures')})", values.spread(floor), "1"))
        for mode in AIMS:
            name = f"{mode}.{corpus}"
            rows.append((f"assayd, {mode} mode", values.text(name), values.spread(name), number(values.ratio_each(name, floor), 2)))
    for name, what in (("full.mixed.tcp", "assayd, mixed, full mode, tcp"), ("sender", "SPF alone (CheckSender)"),
                       ("cold", "unseen senders, mixed names (8 x 4 in flight)")):
        rows.append((what, values.text(name), values.spread(name),
                     number(values.ratio_each(name, "floor.mixed"), 2) if name.startswith("full") else ""))
    wrong = sum(count for _, count in values.sums(".wrong"))
    where = ", ".join(f"{name} {count:.0f}" for name, count in values.sums(".wrong") if count)
    return ("CPU us a message of the daemon (one shard), 32 connections x 8 in flight, ipc unless said otherwise:\n\n"
            + table(("", "CPU us", "spread", "beside the floor"), rows)
            + f"\nWrong or missing verdicts in all runs of the section: {wrong:.0f}{' (' + where + ')' if where else ''}. The daemon got {values.text('full.mixed.core', 2)} of its core "
            f"(mixed, full); assay-bench took {values.text('full.mixed.own')} us a message on the other.\n")


def transport(values):
    rows = []
    for octets in TRANSPORT_SIZES:
        for kind in TRANSPORTS:
            ours, echo = f"refused.{kind}.{octets}", f"echo.{kind}.{octets}"
            rows.append((f"{octets:,}, {kind}", values.text(ours, 2), values.spread(ours, 2), values.text(echo, 2), values.spread(echo, 2),
                         number(values.ratio(ours, echo), 2)))
    rows.append(("1,024, ipc, Status", values.text("status", 2), values.spread("status", 2), values.text("echo.ipc.1024", 2), "",
                 number(values.ratio("status", "echo.ipc.1024"), 2)))
    return "Requests without verification, CPU us:\n\n" + table(("octets in", "assayd", "spread", "libnng echo", "spread", "ratio"), rows)


def peers_table(values, peers):
    wrong = sum(count for _, count in values.sums(".wrong"))
    right = ("all",) * 3 if wrong == 0 else ("not all: see above",) * 3
    rows = [("assayd, full mode", values.text("full.mixed"), values.spread("full.mixed"), "0", "1", *right)]
    for name, label in peers.labels.items():
        base = "full.opaque" if name.endswith("opaque") else "full.mixed"
        label += "; bodies octet-stream, beside assayd on the same" if name.endswith("opaque") else ""
        compared = peers.comparisons[name]
        rows.append((label, values.text(f"peer.{name}", 0), values.spread(f"peer.{name}", 0), values.text(f"peer.{name}.resolver", 0),
                     f"{number(values.ratio(f'peer.{name}', base), 0)} times", *(compared.text(method) for method in ("spf", "dkim", "dmarc"))))
    return ("Peers: the same messages, envelopes and names, one at a time, caches warm (assayd with 256 in flight, as it is meant to be used; one at a time "
            "costs it more); CPU us a message with what the name server (NSD) spends for them in it. Verdicts that equal the expected ones:\n\n"
            + table(("", "CPU us", "spread", "of it the name server", "beside assayd", "SPF", "DKIM signatures", "DMARC"), rows))


def differences(peers):
    rows = []
    for name, compared in peers.comparisons.items():
        if name.endswith("opaque"):
            continue
        for method, wanted, found, count, first, why in list(compared.rows())[:SHOWN_CLASSES]:
            rows.append((peers.labels[name].split(" (")[0], method, wanted, found, count, why if why != "not explained" else f"{why} (message {first})"))
    return "Every class of difference:\n\n" + table(("peer", "", "expected", "found", "times", "why"), rows)


def disturbed(values):
    """What a reader has to know when the cores were not the run's alone."""
    share = values.median("full.mixed.core")
    if share is None or share >= CORE_ALONE:
        return ""
    return (f"**Other work ran on these cores**: at saturation the daemon got {share:.2f} of its own. Latencies and refusals are then the machine's, "
            "not the daemon's; ratios of CPU time stand.\n\n")


def latency(values):
    rows = []
    for load in LOADS:
        name = f"load.{load}"
        if values.has(f"{name}.p50"):
            rows.append((f"{load} %", values.text(f"{name}.rate", 0), values.text(f"{name}.core", 2), values.text(f"{name}.refused", 2), values.text(f"{name}.p50", 0),
                         *(f"{values.text(f'{name}.{p}', 0)} ({values.spread(f'{name}.{p}', 0)})" for p in ("p99", "p99.9"))))
    rows.append((f"{AIM_LOAD} %, of a load generator that sleeps", values.text("sleeping.rate", 0), values.text("sleeping.core", 2),
                 values.text("sleeping.refused", 2), values.text("sleeping.p50", 0), *(f"{values.text(f'sleeping.{p}', 0)} ({values.spread(f'sleeping.{p}', 0)})" for p in ("p99", "p99.9"))))
    rows.append((f"{AIM_LOAD} %, and {COLD_PERCENT} % of them unseen; it sleeps: warm ones", values.text("cold5.rate", 0), values.text("cold5.core", 2),
                 values.text("cold5.refused", 2), values.text("cold5.p50", 0), *(f"{values.text(f'cold5.{p}', 0)} ({values.spread(f'cold5.{p}', 0)})" for p in ("p99", "p99.9"))))
    rows.append(("no load: an idle timer, 1 kHz", "", "", "", values.text("idle.p50", 0),
                 *(f"{values.text(f'idle.{p}', 0)} ({values.spread(f'idle.{p}', 0)})" for p in ("p99", "p99.9"))))
    return (disturbed(values) + f"Latency, us from when a request was due (open loop, random distances, mixed corpus, full mode); 100 % is {values.text('capacity', 0)} a "
            "second, reckoned from the CPU time of a message in a closed loop. The load generator does not sleep but where it is said (results "
            "before 2026-11-30, 20:00, are with one that does): woken late, it would charge the daemon with it. Unseen ones come on top of what the core does: "
            f"each costs {number(values.ratio('cold', 'full.mixed'), 1)} times what a warm one does. Their name server, which answers late, shares the generator's core.\n\n"
            + table(("load", "a second", "part of the core", "refused, %", "p50", "p99", "p99.9"), rows) + "\n![latency against load](plots/latency.svg)\n")


def fit(points):
    """(us at 0, us a KiB): the straight line nearest to the points, relative deviations counted."""
    weights = [1 / y ** 2 for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points)) / total
    slope = (sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points))
             / sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points)))
    return mean_y - slope * mean_x, slope


def sizes(values):
    rows, found = [], {}
    for size in SIZES:
        if not values.has(f"size.{size}.full"):
            continue
        cells = [size_text(size), values.text(f"size.{size}.octets", 0)]
        for name in ("floor", "full", "digest"):
            us = values.median(f"size.{size}.{name}")
            found.setdefault(name, []).append((values.median(f"size.{size}.octets") / 1024, us))
            cells += [f"{us:.1f}"]
        rows.append((*cells, number(values.ratio(f"size.{size}.full", f"size.{size}.floor"), 2),
                     number(values.ratio(f"size.{size}.digest", f"size.{size}.floor"), 2)))
    lines = []
    for name, points in found.items():
        first, slope = fit(points)
        worst = max((y / (first + slope * x) - 1 for x, y in points), key=abs)
        lines.append(f"{name} {first:.1f} us and {slope:.3f} us a KiB (farthest from that line {100 * worst:+.0f} %)")
    return ("CPU us against size (one RSA-2048 signature, warm):\n\n" + table(("size", "octets", "floor", "full", "digest", "full / floor", "digest / floor"), rows)
            + "\nStraight lines: " + "; ".join(lines) + ".\n\n![throughput against size](plots/throughput.svg)\n")


def growth(values):
    def line(kind, counts, note):
        rows = [(f"{count:,}", values.text(f"{kind}.{count}"), values.spread(f"{kind}.{count}"), *note(count)) for count in counts
                if values.has(f"{kind}.{count}")]
        return rows
    connections = line("connections", [count for count, _ in CONNECTIONS], lambda count: (dict(CONNECTIONS)[count],))
    domains = line("domains", DOMAINS, lambda count: (values.text(f"domains.{count}.used", 0), values.text(f"domains.{count}.rss", 0)))
    time = values.all("full.mixed")
    return ("CPU us a message (plain corpus; `limits.queue-time` long enough for all) over connections, and (4 KB, domains evenly drawn) over domains. With one in "
            "flight on each connection every message is read and answered by system calls of its own; of many domains answers and keys are in no near cache of "
            "the processor:\n\n"
            + table(("connections", "CPU us", "spread", "in flight on each"), connections) + "\n"
            + table(("domains", "CPU us", "spread", "used", "RSS, MiB"), domains)
            + (f"\nOver time: the first round's mixed verdict cost {time[0]:.1f} us, the last one's {time[-1]:.1f}.\n" if len(time) > 1 else ""))


def commands(rig):
    """One of each kind, for the reader; run.sh repeats them."""
    kinds = {}
    for command in rig.commands:
        kinds.setdefault(" ".join(word for word in command.split() if word.startswith("-") or word.isalpha()), command)
    shown = "\n".join(list(kinds.values())[:COMMANDS_SHOWN])
    return f"Some of the load generator's commands (every server pinned with taskset):\n\n```\n{shown}\n```\n"


def text(rig, values, peers, began, minutes):
    parts = [head(rig, began, minutes), aims(values), engine(values)]
    if peers:
        parts += [peers_table(values, peers), differences(peers)]
    parts += [latency(values), sizes(values), growth(values), transport(values), commands(rig)]
    return "\n".join(parts)


def replace(path, section):
    """Between the two comments; where there are none, before the first section."""
    with open(path, encoding="utf-8") as file:
        old = file.read()
    marked = f"{BEGIN}\n{section}{END}\n"
    if BEGIN in old and END in old:
        new = old[:old.index(BEGIN)] + marked + old[old.index(END) + len(END) + 1:]
    else:
        at = old.index("\n## ") + 1
        new = old[:at] + marked + "\n" + old[at:]
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)
