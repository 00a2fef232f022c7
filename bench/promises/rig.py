"""What every measurement needs: the programs of a build, started on cores of their own, and what the kernel says of them.

Nothing is ended but what was started here."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.append(os.path.join(ROOT, "tests", "e2e"))

from lib import sp  # noqa: E402  pylint: disable=wrong-import-position

READY_S = 60
STOP_S = 30
MIB = 1 << 20
DOMAINS = 1000


def say(text):
    print(text, file=sys.stderr, flush=True)


def wait_for(path, word, process):
    """Until the word stands in the file."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end and process.poll() is None:
        with open(path, encoding="utf-8", errors="replace") as file:
            if word in file.read():
                return
        time.sleep(0.05)
    with open(path, encoding="utf-8", errors="replace") as file:
        raise RuntimeError(f'no "{word}" in {path}:\n{file.read()[-2000:]}')


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def counters(octets):
    """{name: value} of a Status message."""
    found, at = {}, 0
    while at < len(octets):
        tag, at = sp.take_varint(octets, at)
        size, at = sp.take_varint(octets, at)
        if tag & 7 == 0:
            continue
        if tag >> 3 == 4:
            fields = sp.fields(octets[at:at + size])
            found[fields[1].decode()] = fields.get(2, 0)
        at += size
    return found


class Rig:
    """A build, a folder for corpora and logs, and two cores: the server's and the load's."""

    def __init__(self, build, work, port, cores, quick):
        self.build, self.work, self.port, self.quick = build, work, port, quick
        self.core_server, self.core_load = cores
        self.both = f"{cores[0]},{cores[1]}"
        self.commands = []  # of the load generator, for the reader
        self._corpora = {}

    def program(self, name):
        return os.path.join(self.build, name)

    def path(self, name):
        return os.path.join(self.work, name)

    def corpus(self, name, *options):
        """The folder of a corpus; written once."""
        folder = self.path(name)
        if not os.path.exists(os.path.join(folder, "corpus.json")):
            messages = "500" if self.quick else "2000"
            subprocess.run([self.program("bench/assay-corpus"), "--messages", messages, "--domains", str(DOMAINS), *options,
                            folder], check=True, stdout=subprocess.DEVNULL)
        return folder

    def bench(self, core, *arguments):
        """A run of the load generator: its JSON object."""
        return self.bench_end(self.bench_start(core, *arguments))

    def bench_start(self, core, *arguments):
        words = [str(word) for word in arguments]
        self.commands.append("assay-bench " + " ".join(word.replace(self.work + "/", "") for word in words))
        with open(self.path("bench.log"), "ab") as log:
            return subprocess.Popen(["taskset", "-c", core, self.program("assay-bench"), *words, "--json"],
                                    stdout=subprocess.PIPE, stderr=log, text=True)

    @staticmethod
    def bench_end(process):
        output, _ = process.communicate()
        if process.returncode not in (0, 1):
            raise RuntimeError(f"assay-bench ended with status {process.returncode}; see bench.log")
        return json.loads(output)


class Daemon:
    """One assayd, from the beginning of a with block to its end."""

    def __init__(self, rig, name, dns, shards=1, core=None, extra="", env=None, also_listen=""):
        self.name, self.url, self.log = name, f"ipc://{rig.path(name)}.sock", rig.path(name + ".log")
        config = rig.path(name + ".conf")
        with open(config, "w", encoding="utf-8") as file:
            urls = ", ".join(f'"{url}"' for url in (self.url, also_listen) if url)
            file.write(f'listen = {{{urls}}}\nshards = {shards}\nauthserv-id = "mx.example.org"\n'
                       f'dns {{ dnssec = false {dns} }}\n{extra}\n')
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", core or rig.core_server, rig.program("assayd"), "-c", config], stderr=log,
                stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.pid = self.process.pid
        try:
            wait_for(self.log, "ready", self.process)
        except RuntimeError:
            stop(self.process)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        stop(self.process)

    def counters(self):
        with sp.Peer(self.url) as peer:
            return counters(peer.ask(sp.STATUS)[sp.STATUS_RESULT])

    def cpu_s(self):
        """Of each thread."""
        seconds = {}
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/schedstat", encoding="ascii") as file:
                seconds[task] = int(file.read().split()[0]) / 1e9
        return seconds

    def memory(self, field="VmRSS"):
        """Octets, of /proc/PID/status."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith(field + ":"))


class Watch:
    """Looks at a daemon again and again while a load runs."""

    def __init__(self, daemon, every_s=0.25):
        self.daemon, self.every_s = daemon, every_s
        self.start = time.monotonic()
        self.seen = []  # (seconds since the start, RSS, counters)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.wait(self.every_s):
            values = self.daemon.counters()
            self.seen.append((time.monotonic() - self.start, self.daemon.memory(), values))

    def end(self):
        self._over.set()
        self._thread.join()

    def rss_most(self, first_s=0, last_s=float("inf")):
        return max((rss for at, rss, _ in self.seen if first_s <= at <= last_s), default=0)

    def most(self, counter):
        return max((values[counter] for _, _, values in self.seen), default=0)


def us(nanoseconds):
    return nanoseconds / 1e3


def ms(nanoseconds):
    return nanoseconds / 1e6


def median(values):
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


class Row:
    """A promise, what it aims at, what was found, and whether it holds (None: not decided by this)."""

    def __init__(self, promise, aim, found, holds=None):
        self.promise, self.aim, self.found, self.holds = promise, aim, found, holds
        say(f"   {promise}: {found} (aim: {aim})")
