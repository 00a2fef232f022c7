"""Millions of requests: resident memory at the end beside what it was after the first 100,000."""

from rig import MIB, Daemon, Row

FIRST, ALL = 100_000, 10_000_000
AIM = 0.02


def run(rig, daemon, corpus, count):
    result = rig.bench(rig.core_load, "sender", "-s", daemon.url, "-w", 0, "-d", 36000, "-n", count, corpus)
    return result, daemon.memory()


def measure(rig):
    corpus = rig.corpus("mixed")
    everything = 400_000 if rig.quick else ALL
    with Daemon(rig, "soak", f'zone-file = "{corpus}/all.zone"') as daemon:
        result, first = run(rig, daemon, corpus, FIRST)
        wrong, done, seen = result["mismatches"] + result["unanswered"], FIRST, []
        part = (everything - FIRST) // 9
        while done < everything:
            result, rss = run(rig, daemon, corpus, min(part, everything - done))
            done += min(part, everything - done)
            wrong += result["mismatches"] + result["unanswered"]
            seen.append(rss)
    grown = seen[-1] / first - 1
    return [Row(f"{done:,} requests (CheckSender of {rig_messages(rig)} envelopes): RSS at the end beside the first {FIRST:,}",
                f"within {100 * AIM:.0f} %",
                f"{100 * grown:+.2f} % ({first / MIB:.2f} MiB, then {', '.join(f'{rss / MIB:.2f}' for rss in seen)}); "
                f"{wrong} wrong or missing", abs(grown) <= AIM and not wrong)]


def rig_messages(rig):
    return "500" if rig.quick else "2,000"
