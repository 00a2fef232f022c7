"""A fast peer of assayd: raw scalability protocols over one ipc or tcp connection, with many requests under way.

The framing is that of nng: a greeting of 8 octets each way, then messages with their length in front (over ipc, a type
octet too). A request of the REQ protocol opens with a 32-bit id whose high bit is set, and so does its reply.
"""

import select
import socket
import struct
import time

from lib import wire

GREETING_REQ = b"\0SP\0\0\x30\0\0"
GREETING_REP = b"\0SP\0\0\x31\0\0"
LAST_OF_BACKTRACE = 0x80000000
SILENCE_S = 60


class PipelineError(Exception):
    pass


class Reply:
    """What came back: `id` of the Response, the verdict (or {"error": ...}), and how long it took."""

    def __init__(self, data, seconds):
        self.id, self.verdict = wire.response(data)
        self.seconds = seconds


class Pipeline:
    """One connection, from its making until close(); also a context manager."""

    def __init__(self, url, window=64):
        self.window = window
        self.is_ipc = url.startswith("ipc://")
        self._in = bytearray()
        self._socket = self._connect(url)
        self._greet()

    def _connect(self, url):
        if self.is_ipc:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(SILENCE_S)
            connection.connect(url[len("ipc://"):])
            return connection
        host, port = url[len("tcp://"):].rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=SILENCE_S)

    def _greet(self):
        self._socket.sendall(GREETING_REQ)
        got = b""
        while len(got) < len(GREETING_REP):
            more = self._socket.recv(len(GREETING_REP) - len(got))
            if not more:
                raise PipelineError("closed before its greeting")
            got += more
        if got != GREETING_REP:
            raise PipelineError(f"the greeting {got!r} is not that of REP")
        self._socket.setblocking(False)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _frame(self, number, body):
        payload = struct.pack("!I", LAST_OF_BACKTRACE | number) + body
        return (b"\1" if self.is_ipc else b"") + struct.pack("!Q", len(payload)) + payload

    def _take_frames(self):
        """Whole payloads received so far."""
        head = 9 if self.is_ipc else 8
        while len(self._in) >= head:
            length = struct.unpack_from("!Q", self._in, head - 8)[0]
            if len(self._in) < head + length:
                return
            yield bytes(self._in[head:head + length])
            del self._in[:head + length]

    def _receive(self):
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        if not data:
            raise PipelineError("the connection was closed")
        self._in += data

    def ask_all(self, bodies):
        """Replies in the order of the requests; at most `window` are under way."""
        bodies = list(bodies)
        replies, since = [None] * len(bodies), {}
        out, next_up = bytearray(), 0
        while next_up < len(bodies) or since:
            while next_up < len(bodies) and len(since) < self.window:
                out += self._frame(next_up, bodies[next_up])
                since[next_up] = time.monotonic()
                next_up += 1
            readable, writable, _ = select.select([self._socket], [self._socket] if out else [], [], SILENCE_S)
            if not readable and not writable:
                raise PipelineError(f"no reply within {SILENCE_S} s to requests {sorted(since)[:20]}")
            if writable:
                del out[:self._socket.send(out)]
            if readable:
                self._receive()
                self._take_replies(replies, since)
        return replies

    def _take_replies(self, replies, since):
        for payload in self._take_frames():
            number = struct.unpack_from("!I", payload)[0] & ~LAST_OF_BACKTRACE
            if number not in since:
                raise PipelineError(f"a reply to request {number}, which is not under way")
            replies[number] = Reply(payload[4:], time.monotonic() - since.pop(number))


def ask_policy(daemon, domain, mx_host="", purge=False):
    """The TLS policy of a domain, over a connection of its own."""
    with Pipeline(daemon.ipc) as pipeline:
        return pipeline.ask_all([wire.tls_policy("policy", domain, mx_host, purge)])[0].verdict
