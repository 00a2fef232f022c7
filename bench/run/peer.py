"""A peer: a program that checks the corpus when it is told to, and the CPU time that it and its resolver take for it.

What peers speak, lines on standard input and output (bench/peers):

    PROGRAM CORPUS [MESSAGES]    says "ready N" when it has read the first N messages
    "pass"                       checks each once, and says "passed N"
    "verdicts"                   says what it found in the last pass, an object a line, then "."
                                 {"spf": WORD, "dkim": [[DOMAIN, SELECTOR, WORD], ...], "dmarc": WORD}; "dmarc" may be missing
"""

import json
import os
import select
import subprocess
import time

from rig import say, stop

PATIENCE_S = 240  # for one line


class PeerFailed(Exception):
    """What a reader needs to know of it."""


def children_of(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            found += [int(word) for word in file.read().split()]
    return found


def tree_cpu_s(pid):
    """CPU seconds of a process with all that it started: by the scheduler's account where threads live on."""
    seconds = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            seconds += int(file.read().split()[0]) / 1e9
    return seconds + sum(tree_cpu_s(child) for child in children_of(pid))


class Peer:
    """One that is running. `label` is what tables call it."""

    def __init__(self, rig, label, command, corpus, messages=None, cwd=None, env=None):
        self.label = label
        words = ["taskset", "-c", rig.core_server, *command, corpus, *([str(messages)] if messages else [])]
        self._log = open(rig.path("peers.log"), "ab")
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=cwd,
                                         env={**os.environ, **(env or {})})
        self._rest = b""
        self.count = int(self._line("ready").split()[1])

    def _line(self, begins=""):
        end = time.monotonic() + PATIENCE_S
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, end - time.monotonic()))
            octets = os.read(self._process.stdout.fileno(), 1 << 16) if ready else b""
            if not octets:
                self.close()
                raise PeerFailed(f"{self.label}: " + ("ended" if ready else f"said nothing for {PATIENCE_S} s") + "; see peers.log")
            self._rest += octets
        line, self._rest = self._rest.split(b"\n", 1)
        if not line.decode().startswith(begins):
            raise PeerFailed(f"{self.label}: said {line!r}")
        return line.decode()

    def _tell(self, word):
        self._process.stdin.write(word + b"\n")
        self._process.stdin.flush()

    def cpu_s(self):
        return tree_cpu_s(self._process.pid)

    def one_pass(self):
        self._tell(b"pass")
        self._line("passed")

    def verdicts(self):
        self._tell(b"verdicts")
        found = []
        while (line := self._line()) != ".":
            found.append(json.loads(line))
        return found

    def close(self):
        self._process.stdin.close()
        stop(self._process)
        self._log.close()


def measure(peer, resolver_pid):
    """A pass: (CPU us a message of the peer, of its resolver, seconds)."""
    start, own, resolver = time.monotonic(), peer.cpu_s(), tree_cpu_s(resolver_pid)
    peer.one_pass()
    seconds = time.monotonic() - start
    return (1e6 * (peer.cpu_s() - own) / peer.count, 1e6 * (tree_cpu_s(resolver_pid) - resolver) / peer.count, seconds)


def try_each(peers, what):
    """Does `what(peer)`; those that fail are named and left out from then on."""
    left = []
    for peer in peers:
        try:
            what(peer)
            left.append(peer)
        except (PeerFailed, OSError, ValueError) as error:
            say(f"   left out: {peer.label}: {error}")
    return left
