"""A peer that speaks the SP request protocol octet by octet, so that it can do what no library would do."""

import socket
import ssl
import struct

GREETING_REQ = b"\0SP\0\0\x30\0\0"
TIMEOUT_S = 20


def varint(number):
    octets = b""
    while number > 0x7f:
        octets += bytes([number & 0x7f | 0x80])
        number >>= 7
    return octets + bytes([number])


def field(number, value):
    """A protobuf field: a number as a varint, octets with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def envelope(ip=b"192.0.2.1", helo=b"x.example", mail_from=b"a@x.example", extra=b""):
    return field(1, ip) + field(2, helo) + field(3, mail_from) + extra


def check_message(message, deadline_ms=0, **settings):
    return field(2, deadline_ms) + field(10, field(1, envelope(**settings)) + field(2, message))


def check_sender(domain, deadline_ms=0, extra=b""):
    return field(2, deadline_ms) + field(11, field(1, envelope(mail_from=b"a@" + domain.encode(), extra=extra)))


STATUS = field(30, b"")
# Of a Response: which result it carries.
ERROR, VERDICT, SENDER_VERDICT, STATUS_RESULT = 2, 10, 11, 30


def fields(octets):
    """{number: value} of a message; the last one of each number."""
    found, at = {}, 0
    while at < len(octets):
        tag, at = take_varint(octets, at)
        if tag & 7 == 0:
            found[tag >> 3], at = take_varint(octets, at)
        else:
            size, at = take_varint(octets, at)
            found[tag >> 3] = octets[at:at + size]
            at += size
    return found


def take_varint(octets, at):
    number = shift = 0
    while True:
        octet = octets[at]
        number |= (octet & 0x7f) << shift
        shift, at = shift + 7, at + 1
        if octet < 0x80:
            return number, at


class Peer:
    """One connection to a tcp://, tls+tcp:// or ipc:// URL; `tls` is an ssl.SSLContext, `name` whom it expects there."""

    def __init__(self, url, greet=True, tls=None, name="localhost"):
        self.is_ipc = url.startswith("ipc://")
        if self.is_ipc:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(TIMEOUT_S)
            self.socket.connect(url.removeprefix("ipc://"))
        else:
            host, port = url.split("://")[1].rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), TIMEOUT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = self._wrap(tls, name)
        if greet:
            self.send(GREETING_REQ)
            self.take(8)

    def _wrap(self, tls, name):
        try:
            return tls.wrap_socket(self.socket, server_hostname=name)
        except OSError:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def head(self, size):
        return (b"\1" if self.is_ipc else b"") + struct.pack("!Q", size)

    def frame(self, body, request=1, hops=b""):
        payload = hops + struct.pack("!I", request | 0x80000000) + body
        return self.head(len(payload)) + payload

    def take(self, size):
        octets = bytearray()
        while len(octets) < size:
            piece = self.socket.recv(min(size - len(octets), 1 << 20))
            if not piece:
                raise ConnectionError(f"closed after {len(octets)} of {size} octets")
            octets += piece
        return bytes(octets)

    def take_payload(self):
        """(hops and request id, the Response's octets)"""
        if self.is_ipc:
            self.take(1)
        payload = self.take(struct.unpack("!Q", self.take(8))[0])
        at = 4
        while not payload[at - 4] & 0x80:
            at += 4
        return payload[:at], payload[at:]

    def take_reply(self):
        """(hops and request id, fields of the Response)"""
        hops, octets = self.take_payload()
        return hops, fields(octets)

    def ask(self, body, request=1):
        self.send(self.frame(body, request))
        return self.take_reply()[1]

    def is_closed(self, within_s=5):
        """Did the daemon close the connection? What else it sent is thrown away."""
        self.socket.settimeout(within_s)
        try:
            while self.socket.recv(1 << 20):
                pass
            return True
        except (ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(TIMEOUT_S)


def counters(url):
    """{name: value} of the daemon there."""
    with Peer(url) as peer:
        return status_counters(peer.ask(STATUS)[STATUS_RESULT])


def status_counters(octets):
    """{name: value} of a Status message."""
    found, at = {}, 0
    while at < len(octets):
        tag, at = take_varint(octets, at)
        if tag & 7 == 0:
            _, at = take_varint(octets, at)
            continue
        size, at = take_varint(octets, at)
        if tag >> 3 == 4:
            counter = fields(octets[at:at + size])
            found[counter[1].decode()] = counter.get(2, 0)
        at += size
    return found
