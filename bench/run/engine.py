"""The engine beside the bare OpenSSL calls (floor) and beside libnng's transport: CPU time a request, every round once."""

import json
import subprocess

from rig import say, wait_for, stop

SIZES = (1024, 25600, 65536)
TRANSPORTS = ("ipc", "tcp")


class Echo:
    """libnng's REP socket, which answers anything."""

    def __init__(self, rig, name, url):
        self.url, log = url, rig.path(f"{name}.log")
        with open(log, "wb") as file:
            self.process = subprocess.Popen(["taskset", "-c", rig.core_server, rig.program("bench/nng_echo"), url], stderr=file,
                                            stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        wait_for(log, "ready", self.process)


class Engine:
    def __init__(self, rig, values, corpora, daemon):
        self.rounds = 1 if rig.quick else 5
        self._rig, self._values, self._corpora, self._daemon = rig, values, corpora, daemon
        self._tcp = f"tcp://127.0.0.1:{rig.port + 1}"
        self._echoes = {"ipc": Echo(rig, "echo_ipc", f"ipc://{rig.path('echo')}.sock"),
                        "tcp": Echo(rig, "echo_tcp", f"tcp://127.0.0.1:{rig.port + 2}")}
        self._seconds = 1 if rig.quick else 2
        for corpus in corpora.values():  # names are asked for once: the first round is warm
            rig.bench(rig.core_load, "check", "-s", daemon.url, "-w", 0, "-d", 0.1, corpus)

    def floor(self, name, corpus):
        """On the server's core, as the daemon."""
        done = subprocess.run(["taskset", "-c", self._rig.core_server, self._rig.program("bench/floor"), "--json", "--rounds",
                               "1" if self._rig.quick else "3", corpus], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        self._values.note(name, found["cpu_us"])
        self._values.note(f"{name}.hashes", found["hashes_us"])
        self._values.note(f"{name}.signatures", found["signatures_us"])

    def run(self, name, mode, *arguments, pid=None, url=None, seconds=None):
        found = self._rig.bench(self._rig.core_load, mode, "-s", url or self._daemon.url, "-w", 0.2, "-d", seconds or self._seconds,
                                "--server-pid", pid or self._daemon.pid, *arguments)
        self._values.note(name, found["server_cpu_us"])
        self._values.note(f"{name}.own", found["own_cpu_us"])
        self._values.note(f"{name}.core", found["server_core_share"])
        self._values.note(f"{name}.rate", found["replies_per_second"])
        self._values.note(f"{name}.wrong", found["mismatches"] + found["unanswered"])
        return found

    def one_round(self, _):
        for name, corpus in self._corpora.items():
            self.floor(f"floor.{name}", corpus)
            self.run(f"full.{name}", "check", corpus)
            self.run(f"digest.{name}", "check", "--digest", corpus)
        mixed = self._corpora["mixed"]
        self.run("full.mixed.tcp", "check", mixed, url=self._tcp)
        self.run("sender", "sender", mixed, seconds=self._seconds / 2)
        self.run("cold", "check", "-c", 8, "-i", 4, "--cold", 100, mixed)
        self._transport()
        values = self._values
        say(f"   floor {values.text('floor.mixed')}, full {values.text('full.mixed')}, digest {values.text('digest.mixed')} us")

    def _transport(self):
        seconds = 0.3 if self._rig.quick else 0.7
        for octets in SIZES:
            for transport in TRANSPORTS:
                echo = self._echoes[transport]
                url = self._daemon.url if transport == "ipc" else self._tcp
                self.run(f"refused.{transport}.{octets}", "refused", "--octets", octets, url=url, seconds=seconds)
                self.run(f"echo.{transport}.{octets}", "echo", "--octets", octets, pid=echo.pid, url=echo.url, seconds=seconds)
        self.run("status", "status", "--octets", 1024, seconds=seconds)

    def close(self):
        for echo in self._echoes.values():
            stop(echo.process)
