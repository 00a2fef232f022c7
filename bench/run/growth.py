"""What CPU time a message grows with: its size, and (it should not) connections and domains."""

import json
import os

from nameserver import Nsd
from rig import Daemon, say

KIB = 1024
SIZES = tuple(size * KIB for size in (4, 8, 16, 32, 64, 128, 256, 512, 960))
SIZES_QUICK = SIZES[::2]
PEER_SIZES = tuple(size * KIB for size in (4, 16, 64, 256))
OCTETS_A_SIZE = 24 << 20  # of all messages of one size together, within bounds
OCTETS_IN_FLIGHT = 8 << 20  # so that large ones are not refused for the memory that they take
CONNECTIONS = ((1, 256), (8, 32), (32, 8), (256, 1), (1000, 1), (2000, 1))  # and requests in flight on each
DOMAINS = (10, 100, 1000, 10_000, 100_000)
DOMAINS_QUICK = DOMAINS[:4]
DOMAIN_OCTETS = "4000"
PORT_STEP = 10


def in_flight(size):
    """Arguments of the load generator: up to 32 connections x 8."""
    at_once = max(8, min(256, OCTETS_IN_FLIGHT // size))
    connections = min(32, at_once)
    return "-c", connections, "-i", at_once // connections


class Sizes:
    """CPU against size. Sound signatures of one kind (RSA-2048), so that size is all that differs."""

    def __init__(self, rig, values, engine):
        self.rounds = 1 if rig.quick else 3
        self._rig, self._values, self._engine = rig, values, engine
        self.corpora = {}
        for size in SIZES_QUICK if rig.quick else SIZES:
            messages = max(24, min(400, OCTETS_A_SIZE // size))
            corpus = rig.corpus(f"size{size}", "--plain", "--median", str(size), "--mean", str(size), "--messages", str(messages))
            with open(os.path.join(corpus, "corpus.json"), encoding="utf-8") as file:
                values.note(f"size.{size}.octets", json.load(file)["octets_mean"])
            self.corpora[size] = corpus
        self.peer_corpora = {size: self.corpora[size] for size in PEER_SIZES if size in self.corpora}

    def one_round(self, _):
        seconds = 0.5 if self._rig.quick else 0.7
        for size, corpus in self.corpora.items():
            self._engine.floor(f"size.{size}.floor", corpus)
            self._engine.run(f"size.{size}.full", "check", *in_flight(size), corpus, seconds=seconds)
            self._engine.run(f"size.{size}.digest", "check", "--digest", *in_flight(size), corpus, seconds=seconds)

    def close(self):
        pass


class Connections:
    """The same requests over few and many connections. The daemon is one that refuses nothing for the time it had to wait: 2,000 requests
    at once wait longer than limits.queue-time."""

    def __init__(self, rig, engine, corpus, nsd):
        self.rounds = 1 if rig.quick else 3
        self._rig, self._engine, self._corpus = rig, engine, corpus
        self._daemon = Daemon(rig, "patient", nsd.forward() + " max-queries-per-domain = 65536", extra="limits { queue-time = 600000 }")
        rig.bench(rig.core_load, "check", "-s", self._daemon.url, "-w", 0, "-d", 0.1, corpus)

    def one_round(self, _):
        for connections, in_flight in CONNECTIONS:
            self._engine.run(f"connections.{connections}", "check", "-c", connections, "-i", in_flight, self._corpus,
                             pid=self._daemon.pid, url=self._daemon.url, seconds=0.5 if self._rig.quick else 1)

    def close(self):
        self._daemon.__exit__(None, None, None)


class Domains:
    """Messages of one size from few and many domains, evenly spread, each domain with records and a key of its own; each corpus has a
    name server and a daemon of its own, and one pass warms it."""

    def __init__(self, rig, values, engine):
        self.rounds = 1 if rig.quick else 3
        self._rig, self._values, self._engine, self._running = rig, values, engine, []
        for number, domains in enumerate(DOMAINS_QUICK if rig.quick else DOMAINS):
            self._start(domains, rig.port + PORT_STEP * (number + 1))

    def _start(self, domains, port):
        say(f"   {domains:,} domains")
        messages = 2000 if self._rig.quick else 20_000
        corpus = self._rig.corpus(f"domains{domains}", "--plain", "--zipf", "0", "--median", DOMAIN_OCTETS, "--mean", DOMAIN_OCTETS,
                                  "--messages", str(messages), "--domains", str(domains))
        with open(os.path.join(corpus, "corpus.json"), encoding="utf-8") as file:
            self._values.note(f"domains.{domains}.used", json.load(file)["domains_used"])
        nsd = Nsd(self._rig, corpus, port)
        daemon = Daemon(self._rig, f"domains{domains}", nsd.forward() + " max-queries-per-domain = 65536")
        self._rig.bench(self._rig.core_load, "check", "-s", daemon.url, "-w", 0, "-d", 0.1, corpus)
        self._running.append((domains, corpus, nsd, daemon))

    def one_round(self, _):
        for domains, corpus, _, daemon in self._running:
            self._engine.run(f"domains.{domains}", "check", corpus, pid=daemon.pid, url=daemon.url, seconds=1)
            self._values.note(f"domains.{domains}.rss", daemon.memory() / (1 << 20))

    def close(self):
        for _, _, nsd, daemon in self._running:
            daemon.__exit__(None, None, None)
            nsd.__exit__(None, None, None)
