"""Authoritative name servers on loopback: a root, a top-level domain and the zones of senders, each at an address of
its own and at port 53, so that a resolver can walk down from the root as it does in the world.

Binding port 53 needs rights; Authority.start() raises PermissionError or OSError where it cannot.
"""

import collections
import socket
import struct
import threading

from lib.dnsserver import NOERROR, NXDOMAIN, TTL, TYPES, Query, encode_name, encode_rdata

ROOT, TLD, SENDERS = "127.0.53.1", "127.0.53.2", "127.0.53.3"
ROOT_HINTS = f". 3600000 NS a.root.\na.root. 3600000 A {ROOT}\n"


def record(owner, rtype, value, ttl=TTL):
    rdata = encode_rdata(rtype, value)
    return encode_name(owner) + struct.pack("!HHIH", TYPES[rtype], 1, ttl, len(rdata)) + rdata


def soa(zone):
    """The least SOA record, for negative answers."""
    rdata = encode_name("ns." + zone) + encode_name("host." + zone) + struct.pack("!IIIII", 1, 3600, 600, 86400, TTL)
    return encode_name(zone) + struct.pack("!HHIH", TYPES["SOA"], 1, TTL, len(rdata)) + rdata


class Zone:
    """`records`: {name: [[type, value], ...]}; `children`: {zone: (name server, its address)}."""

    def __init__(self, name, records=None, children=None):
        self.name = name
        self.records = records or {}
        self.children = children or {}

    def holds(self, name):
        return not self.name or name == self.name or name.endswith("." + self.name)

    def exists(self, name):
        return name == self.name or any(n == name or n.endswith("." + name) for n in self.records)

    def answer(self, query):
        """(rcode, answers, authority, additional); only a referral has the last."""
        for child, (server, address) in self.children.items():
            if query.name == child or query.name.endswith("." + child):
                return NOERROR, [], [record(child, "NS", server)], [record(server, "A", address)]
        found = [record(query.name, t, v) for t, v in self.records.get(query.name, []) if t == query.type_name()]
        if found:
            return NOERROR, found, [], []
        return (NOERROR if self.exists(query.name) else NXDOMAIN), [], [soa(self.name)], []


class Authority:
    """One server at one address. `queries` counts (name, type)."""

    def __init__(self, address, zones):
        self.address = address
        self.zones = sorted(zones, key=lambda zone: -len(zone.name))
        self.queries = collections.Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._stopping = False

    def start(self):
        self._socket.bind((self.address, 53))
        self._socket.settimeout(0.05)
        self._thread.start()
        return self

    def stop(self):
        self._stopping = True
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while not self._stopping:
            try:
                packet, peer = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(Query(packet)), peer)
            except (ValueError, TimeoutError):
                continue

    def _answer(self, query):
        self.queries[(query.name, query.type_name())] += 1
        zone = next(zone for zone in self.zones if zone.holds(query.name))
        rcode, answers, authority, additional = zone.answer(query)
        referral = bool(additional)
        flags = 0x8000 | (0 if referral else 0x0400) | (query.flags & 0x0100) | rcode
        head = struct.pack("!HHHHHH", query.id, flags, 1, len(answers), len(authority), len(additional))
        return head + query.question + b"".join(answers) + b"".join(authority) + b"".join(additional)


def world(senders):
    """The three servers, started. `senders`: {domain: {name: [[type, value], ...]}}, each below .example."""
    zones = [Zone(domain, records) for domain, records in senders.items()]
    children = {domain: ("ns." + domain, SENDERS) for domain in senders}
    servers = [
        Authority(ROOT, [Zone("", {"": [["NS", "a.root"]], "a.root": [["A", ROOT]]}, {"example": ("ns.example", TLD)})]),
        Authority(TLD, [Zone("example", children=children), Zone("")]),
        Authority(SENDERS, [*zones, Zone("")]),
    ]
    started = []
    try:
        for server in servers:
            started.append(server.start())
    except OSError:
        for server in started:
            server.stop()
        raise
    return started
