"""A scripted DNS server on 127.0.0.1, UDP and TCP at one port, that answers from a zone in the corpus' form.

The zone maps a name (lower case, no dot at the end) to a list of [type, value]; see the corpus' README, "DNS".
It behaves like a recursive server that knows nothing else: an alias is followed inside the zone and the whole chain
is in one answer. The letters of a question come back as they were sent, and EDNS is answered with EDNS.
"""

import collections
import ipaddress
import socket
import struct
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52, "SPF": 99}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
OPT = 41
NOERROR, FORMERR, SERVFAIL, NXDOMAIN = 0, 1, 2, 3
TTL = 300
ALIASES_MAX = 16
UDP_OCTETS_WITHOUT_EDNS = 512


def encode_name(name):
    """Wire form of a name; ValueError when it has none."""
    name = name.rstrip(".")
    labels = [label.encode() for label in name.split(".")] if name else []
    if any(not 1 <= len(label) <= 63 for label in labels):
        raise ValueError(f"no wire form: {name!r}")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def encode_txt(value):
    strings = [value] if isinstance(value, str) else value
    pieces = []
    for string in strings:
        octets = string.encode()
        pieces += [octets[i:i + 255] for i in range(0, len(octets), 255)] or [b""]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


def encode_rdata(rtype, value):
    if rtype in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if rtype in ("TXT", "SPF"):
        return encode_txt(value)
    if rtype == "MX":
        return struct.pack("!H", value[0]) + encode_name(value[1])
    if rtype in ("CNAME", "PTR", "NS"):
        return encode_name(value)
    if rtype == "TLSA":
        return bytes(value[:3]) + bytes.fromhex(value[3])
    raise ValueError(f"type {rtype}")


def soa_record(ttl):
    """Of the root; negative answers last so long."""
    return (b"\0" + struct.pack("!HHIH", TYPES["SOA"], 1, ttl, 22) + b"\0\0"
            + struct.pack("!IIIII", 1, 3600, 600, 86400, ttl))


class Query:
    """One question, parsed; ValueError when it is none."""

    def __init__(self, packet):
        self.id, flags, questions, _, _, additional = struct.unpack_from("!HHHHHH", packet)
        if flags & 0x8000 or questions != 1:
            raise ValueError("not one question")
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]])
            at += 1 + packet[at]
        self.name = b".".join(labels).decode("utf-8", "surrogateescape").lower()
        self.type, _ = struct.unpack_from("!HH", packet, at + 1)
        self.question = packet[12:at + 5]
        self.flags = flags
        self.edns_octets = None
        if additional and packet[at + 5:at + 8] == b"\0\0\x29":
            self.edns_octets = struct.unpack_from("!H", packet, at + 8)[0]

    def type_name(self):
        return TYPE_NAMES.get(self.type, str(self.type))

    def response(self, rcode, answers=(), authority=(), truncated=False):
        flags = 0x8080 | (self.flags & 0x7910) | (0x0200 if truncated else 0) | rcode
        edns = b"" if self.edns_octets is None else b"\0" + struct.pack("!HHIH", OPT, 1232, 0, 0)
        header = struct.pack("!HHHHHH", self.id, flags, 1, len(answers), len(authority), 1 if edns else 0)
        return header + self.question + b"".join(answers) + b"".join(authority) + edns


class DnsServer:
    """Serves from the moment it is made until stop(). `zone` may be replaced at any time; so may `silent`."""

    def __init__(self, zone=None):
        self.zone = zone or {}
        self.silent = False   # answers nothing at all
        self.ttl = TTL        # of records, and of their absence
        self.delay_s = 0      # before each answer over UDP
        self.counts = collections.Counter()  # (name, type) -> queries
        self._lock = threading.Lock()
        self._stopping = False
        self._udp, self._tcp = self._bind()
        self.port = self._udp.getsockname()[1]
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def _bind():
        """A UDP and a TCP socket at the same free port."""
        for _ in range(50):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            udp.bind(("127.0.0.1", 0))
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                udp.close()
                tcp.close()
                continue
            tcp.listen(64)
            return udp, tcp
        raise RuntimeError("no free port")

    def forward(self):
        """The server as dns.forward names it."""
        return f"127.0.0.1@{self.port}"

    def queries(self, name, rtype):
        with self._lock:
            return self.counts[(name, rtype)]

    def stop(self):
        self._stopping = True
        for sock in (self._udp, self._tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    # ---- answers ----

    def _entries(self, name, rtype):
        """(state, values); the state is "nxdomain", "timeout", "servfail" or "found"."""
        if name not in self.zone:
            below = any(other.endswith("." + name) for other in self.zone) or not name
            return ("found" if below else "nxdomain"), []
        records = self.zone[name]
        mine = [value for kind, value in records if kind == rtype]
        if not mine:
            mine = [value for kind, value in records if kind == "*"]
        if mine and mine[0] in ("TIMEOUT", "SERVFAIL"):
            return mine[0].lower(), []
        return "found", mine

    def _resolve(self, name, rtype):
        """(rcode or None for silence, records in wire form)."""
        answers = []
        for _ in range(ALIASES_MAX):
            state, values = self._entries(name, rtype)
            if state == "timeout":
                return None, []
            if state == "servfail":
                return SERVFAIL, []
            if state == "nxdomain":
                return NXDOMAIN, answers
            alias = [value for kind, value in self.zone.get(name, []) if kind == "CNAME"]
            if not values and alias and rtype != "CNAME":
                answers += self._records(name, "CNAME", alias[:1])
                name = alias[0].rstrip(".").lower()
                continue
            return NOERROR, answers + self._records(name, rtype, values)
        return NOERROR, answers

    def _records(self, name, rtype, values):
        records = []
        for value in values:
            try:
                rdata = encode_rdata(rtype, value)
                owner = encode_name(name)
            except ValueError:
                continue
            records.append(owner + struct.pack("!HHIH", TYPES[rtype], 1, self.ttl, len(rdata)) + rdata)
        return records

    def answer(self, packet, udp):
        """The response to a packet, or None for silence."""
        try:
            query = Query(packet)
        except (ValueError, IndexError, struct.error):
            return None
        with self._lock:
            self.counts[(query.name, query.type_name())] += 1
        if self.silent:
            return None
        rcode, answers = self._resolve(query.name, query.type_name())
        if rcode is None:
            return None
        authority = [] if answers and rcode == NOERROR else [soa_record(self.ttl)]
        if rcode == SERVFAIL:
            authority = []
        response = query.response(rcode, answers, authority)
        if udp and len(response) > (query.edns_octets or UDP_OCTETS_WITHOUT_EDNS):
            return query.response(rcode, truncated=True)
        return response

    # ---- transport ----

    def _serve_udp(self):
        while not self._stopping:
            try:
                packet, peer = self._udp.recvfrom(65535)
                response = self.answer(packet, udp=True)
                if response and self.delay_s:
                    threading.Timer(self.delay_s, self._send_udp, (response, peer)).start()
                elif response:
                    self._send_udp(response, peer)
            except OSError:
                if self._stopping:
                    return

    def _send_udp(self, response, peer):
        try:
            self._udp.sendto(response, peer)
        except OSError:
            if not self._stopping:
                raise

    def _serve_tcp(self):
        while not self._stopping:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection):
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(30)
            try:
                while True:
                    head = stream.read(2)
                    if len(head) < 2:
                        return
                    response = self.answer(stream.read(struct.unpack("!H", head)[0]), udp=False)
                    if response:
                        connection.sendall(struct.pack("!H", len(response)) + response)
            except OSError:
                return
