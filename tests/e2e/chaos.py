#!/usr/bin/python3
"""Goal:   two servers, one of which is killed, restarted, stopped and slowed at random under load while the other is up: every
        call returns within its deadline, no verdict is wrong or another call's, and at most one call in a thousand has none.
Method: tests/e2e/chaos/chaos.c asks both through libassay; this script does to the servers what happens to servers: each
        thing once, a halt for as long as it takes until a call is asked a second server too, and then at random for
        ASSAY_CHAOS_S seconds in all. ASSAY_SEED repeats a run as far as a run of processes can be repeated."""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from lib.daemon import ASSAYD, CLIENTS, SANITIZER, free_tcp_url
from lib.report import Report

SECONDS = int(os.environ.get("ASSAY_CHAOS_S", "20"))
SEED = int(os.environ.get("ASSAY_SEED", "0")) or random.randrange(1, 1 << 31)
CHAOS = os.path.join(CLIENTS, "tests", "e2e", "chaos_driver")
DEADLINE_MS = 3000
LATE_MS = 500  # what a busy machine may add between the deadline and the moment a thread runs again
READY_S = 30
HEDGE_S = 30  # hedges come after 30 % of the deadline, if the other server is well by then
HALTS = 4  # halts in which a hedge has to be seen
ZONE = """
example.             IN SOA ns.example. mail.example. 1 3600 600 86400 60
pass.example.        IN TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.pass.example. IN TXT "v=DMARC1; p=reject"
fail.example.        IN TXT "v=spf1 -all"
_dmarc.fail.example. IN TXT "v=DMARC1; p=none"
"""


class Server:
    """An assayd at one URL, as often as it is started."""

    def __init__(self, directory, name, url):
        self.url = url
        self.complaints = []
        self.config = os.path.join(directory, f"{name}.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'listen = {{"{url}"}}\nshards = 1\ndns {{ dnssec = false forward = {{"127.0.0.1@9"}} '
                       f'zone-file = "{directory}/zone" }}\n')
        self.start()

    def start(self):
        self.ready = threading.Event()
        self.process = subprocess.Popen([ASSAYD, "-c", self.config], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, errors="replace")
        threading.Thread(target=self._read, args=(self.process, self.ready), daemon=True).start()
        if not self.ready.wait(READY_S):
            raise RuntimeError(f"no server at {self.url}: {self.complaints}")

    def _read(self, process, ready):
        for line in process.stderr:
            if "ready" in line:
                ready.set()
            if SANITIZER.search(line):
                self.complaints.append(line)

    def kill(self, generator):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        time.sleep(generator.uniform(0, 1))
        self.start()

    def restart(self, generator):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        time.sleep(generator.uniform(0, 0.3))
        self.start()

    def halt(self, generator):
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(generator.uniform(0.1, 4))
        self.process.send_signal(signal.SIGCONT)

    def halt_until(self, event, seconds):
        self.process.send_signal(signal.SIGSTOP)
        event.wait(seconds)
        self.process.send_signal(signal.SIGCONT)

    def slow(self, generator):
        end = time.monotonic() + generator.uniform(0.5, 3)
        while time.monotonic() < end:
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(0.05)
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.005)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Driver:
    """The program that asks, until it is told to end."""

    def __init__(self, servers):
        self.events = {"answered": threading.Event(), "hedged": threading.Event()}
        self.result = None
        self.process = subprocess.Popen([CHAOS, " ".join(server.url for server in servers), str(DEADLINE_MS)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                self.result = json.loads(line)
            else:
                self.events[line.strip()].set()

    def end(self):
        """Its exit status; its words are in `result` then."""
        self.process.stdin.close()
        status = self.process.wait(timeout=60)
        self.reader.join()
        return status


def halt_until_hedged(driver, servers):
    """A server that is well is asked as often as the other: a halt leaves calls at it, which are hedged. Not if the other
    one is not well just then, on a busy machine: so there is another halt."""
    driver.events["answered"].wait(READY_S)
    for number in range(HALTS):
        if not driver.events["hedged"].is_set():
            servers[number % len(servers)].halt_until(driver.events["hedged"], HEDGE_S / HALTS)


def run(report, servers):
    """The driver's JSON object, and how often something was done to the servers."""
    generator = random.Random(SEED)
    driver = Driver(servers)
    end = time.monotonic() + SECONDS
    halt_until_hedged(driver, servers)
    first = [Server.kill, Server.restart, Server.slow]
    generator.shuffle(first)
    done = {"halt": 1}
    while (first or time.monotonic() < end) and driver.process.poll() is None:
        time.sleep(generator.uniform(0.1, 0.8))
        act = first.pop() if first else generator.choice([Server.kill, Server.restart, Server.halt, Server.slow])
        act(generator.choice(servers), generator)
        done[act.__name__] = done.get(act.__name__, 0) + 1
    status = driver.end()
    report.check("the driver ends well", status == 0, str(status))
    report.check("every server answered", driver.events["answered"].is_set())
    report.check("a call at a server that is halted was asked another one too", driver.events["hedged"].is_set())
    return driver.result, done


def main():
    report = Report("chaos")
    directory = tempfile.mkdtemp(prefix="assay-chaos-")
    with open(os.path.join(directory, "zone"), "w", encoding="utf-8") as file:
        file.write(ZONE)
    servers = [Server(directory, "one", f"ipc://{directory}/one"), Server(directory, "two", free_tcp_url())]
    try:
        result, done = run(report, servers)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"seed {SEED}, {SECONDS} s, {done}: {json.dumps(result)}")
    missing = result["calls"] - result["verdicts"] - result["wrong"]
    report.check("calls were made", result["calls"] > 50 * SECONDS, str(result["calls"]))
    report.check("no verdict is wrong or another's", result["wrong"] == 0, str(result["wrong"]))
    report.check("every call returned within its deadline", result["longest_ms"] <= DEADLINE_MS + LATE_MS,
                 str(result["longest_ms"]))
    report.check("at most one in a thousand without a verdict", missing * 1000 <= result["calls"],
                 f"{missing} of {result['calls']}")
    report.check("both servers were asked", all(server["requests"] > 0 for server in result["servers"]))
    report.check("no word of a sanitizer", not any(server.complaints for server in servers))
    report.finish()


main()
