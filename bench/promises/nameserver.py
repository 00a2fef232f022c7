"""NSD with a corpus' zones, and a gate before it that counts questions and can fall silent."""

import collections
import os
import select
import socket
import struct
import subprocess
import threading
import time

from rig import stop, wait_for

RECEIVE_OCTETS = 8 << 20


class Nsd:
    """NSD on loopback without its limit of answers (rrl-ratelimit), on the load's core."""

    def __init__(self, rig, corpus, port):
        self.address = ("127.0.0.1", port)
        folder = rig.path(f"nsd{port}")
        os.makedirs(folder, exist_ok=True)
        zones = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n' for name in ("test", "example"))
        with open(f"{folder}/nsd.conf", "w", encoding="utf-8") as file:
            file.write(f"""server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  username: ""
  rrl-ratelimit: 0
  tcp-count: 1000
  chroot: ""
  database: ""
  zonesdir: "{corpus}"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
remote-control:
  control-enable: no
{zones}""")
        with open(f"{folder}/log", "wb") as log:
            self.process = subprocess.Popen(["taskset", "-c", rig.core_load, "nsd", "-d", "-c", f"{folder}/nsd.conf"],
                                            stderr=log, stdin=subprocess.DEVNULL)
        wait_for(f"{folder}/log", "nsd started", self.process)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        stop(self.process)

    def forward(self):
        return f'forward = {{"{self.address[0]}@{self.address[1]}"}}'


class Gate:
    """Hands questions (UDP) on to a name server and its answers back; each question gets a number of its own on the way.

    `silent`: questions are counted and dropped, as a network that is gone would. `delay_s`: answers are held so long."""

    def __init__(self, server, delay_s=0):
        self.silent, self._delay_s = False, delay_s
        self._held = collections.deque()  # (when due, answer, who asked), the oldest first
        self.queries = collections.Counter()  # second since `start` -> questions
        self.start = time.monotonic()
        self._under_way = {}  # number -> (who asked, their number)
        self._next = 0
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_OCTETS)
        self._front.bind(("127.0.0.1", 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_OCTETS)
        self._back.connect(server.address)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self._stopping = True
        self._thread.join()
        self._front.close()
        self._back.close()

    def forward(self):
        return f'forward = {{"127.0.0.1@{self._front.getsockname()[1]}"}}'

    def begin(self):
        """Seconds are counted from now on."""
        self.start = time.monotonic()
        self.queries.clear()

    def rate(self, first, last):
        """(mean, most) of questions a second in [first, last)."""
        each = [self.queries[second] for second in range(first, last)]
        return sum(each) / len(each), max(each)

    def _run(self):
        while not self._stopping:
            ready, _, _ = select.select([self._front, self._back], [], [], self._patience_s())
            if self._front in ready:
                self._ask()
            if self._back in ready:
                self._answer()
            self._release()

    def _patience_s(self):
        return max(0, min(0.1, self._held[0][0] - time.monotonic())) if self._held else 0.1

    def _release(self):
        while self._held and self._held[0][0] <= time.monotonic():
            _, packet, peer = self._held.popleft()
            self._front.sendto(packet, peer)

    def _ask(self):
        packet, peer = self._front.recvfrom(4096)
        self.queries[int(time.monotonic() - self.start)] += 1
        if self.silent or len(packet) < 12:
            return
        self._next = (self._next + 1) & 0xffff
        self._under_way[self._next] = (peer, packet[:2])
        self._back.send(struct.pack("!H", self._next) + packet[2:])

    def _answer(self):
        packet = self._back.recv(65535)
        peer, number = self._under_way.pop(struct.unpack_from("!H", packet)[0], (None, None))
        if peer:
            self._held.append((time.monotonic() + self._delay_s, number + packet[2:], peer))
