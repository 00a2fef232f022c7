"""The whole comparison, interleaved: run.sh starts this. What is measured stands at the top of each module."""

import argparse
import datetime
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "promises"))

import world  # noqa: E402  pylint: disable=wrong-import-position
from engine import Engine  # noqa: E402  pylint: disable=wrong-import-position
from growth import Connections, Domains, Sizes  # noqa: E402  pylint: disable=wrong-import-position
from latency import Latency  # noqa: E402  pylint: disable=wrong-import-position
from nameserver import Nsd  # noqa: E402  pylint: disable=wrong-import-position
from peers import Peers  # noqa: E402  pylint: disable=wrong-import-position
from rig import ROOT, Daemon, Rig, say  # noqa: E402  pylint: disable=wrong-import-position
import plots  # noqa: E402  pylint: disable=wrong-import-position
import section  # noqa: E402  pylint: disable=wrong-import-position
from values import Values  # noqa: E402  pylint: disable=wrong-import-position

RESULTS = os.path.join(ROOT, "bench", "RESULTS.md")


QUICK_MESSAGES = "200"  # the slowest peers check 80 a second


def corpora_of(rig):
    few = ("--messages", QUICK_MESSAGES) if rig.quick else ()
    return {"mixed": rig.corpus("mixed", *few), "plain": rig.corpus("plain", "--plain", "--median", "8192", "--mean", "8192", *few),
            "opaque": rig.corpus("opaque", "--opaque", *few)}


def measure(rig, values):
    """Every stage in turn, round by round; returns the peers, whose verdicts were compared."""
    stages, peers = [], None
    corpora = corpora_of(rig)
    port = world.DNS_PORT if world.is_own() else rig.port
    with Nsd(rig, corpora["mixed"], port) as nsd, Daemon(rig, "mixed", nsd.forward() + " max-queries-per-domain = 65536",
                                                        also_listen=f"tcp://127.0.0.1:{rig.port + 1}") as daemon:
        try:
            say("== starting")
            engine = Engine(rig, values, corpora, daemon)
            stages.append(engine)
            if world.is_own():
                peers = Peers(rig, values, corpora, nsd)
                stages.append(peers)
            else:
                say("   left out: all peers, for they ask /etc/resolv.conf's servers: unshare(1) cannot make namespaces here")
            sizes = Sizes(rig, values, engine)
            stages += [Latency(rig, values, corpora["mixed"], daemon, nsd), sizes, Connections(rig, engine, corpora["plain"], nsd),
                       Domains(rig, values, engine)]
            for number in range(max(stage.rounds for stage in stages)):
                say(f"== round {number + 1}")
                for stage in stages:
                    if number < stage.rounds:
                        started = time.monotonic()
                        stage.one_round(number)
                        say(f"   {type(stage).__name__.lower()}: {time.monotonic() - started:.0f} s")
            if peers:
                say("== peers, by size")
                peers.by_size(sizes.peer_corpora)
        finally:
            for stage in reversed(stages):
                stage.close()
    return peers


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under three minutes, one round; prints the section, writes no file of the tree")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as temporary:
        work = os.path.abspath(os.environ.get("BENCH_WORK", temporary))
        os.makedirs(work, exist_ok=True)
        rig = Rig(os.environ["BENCH_BUILD"], work, int(os.environ.get("BENCH_PORT", "25353")),
                  os.environ.get("BENCH_CORES", "0,1").split(","), options.quick)
        os.sched_setaffinity(0, {int(rig.core_load)})
        if world.is_own():
            world.enter(rig)
        values, began = Values(), section.Conditions()
        peers = measure(rig, values)
        text = section.text(rig, values, peers, began, (time.monotonic() - start) / 60)
        note = f"{began.processor}, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, one core for each program, medians"
        plots.all_of(values, os.path.join(rig.build if options.quick else os.path.join(ROOT, "bench"), "plots"), note)
    if options.quick:
        print(text)
    else:
        section.replace(RESULTS, text)
        say(f"written: {os.path.relpath(RESULTS)} and bench/plots")


if __name__ == "__main__":
    main()
