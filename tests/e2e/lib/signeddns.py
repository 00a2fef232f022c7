"""A scripted DNS server whose whole tree, from the root down, is one zone signed with DNSSEC as it answers.

Zones are in the corpus' form; names in `insecure` are delegations without a DS record, so that nothing there is
authenticated. What does not exist is denied as if it were empty ("compact denial": one NSEC record at the name that was
asked for), which is all that a validator needs to call an answer secure.
"""

import struct
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from lib.dnsserver import NOERROR, TYPES, DnsServer, Query, encode_name, encode_rdata, soa_record

DS, RRSIG, NSEC, DNSKEY = 43, 46, 47, 48
ECDSAP256SHA256 = 13
DAY_S = 86400
NUMBERS = {**TYPES, "DS": DS, "RRSIG": RRSIG, "NSEC": NSEC, "DNSKEY": DNSKEY}


class SignedDns(DnsServer):
    def __init__(self, zone=None, insecure=()):
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self.dnskey = struct.pack("!HBB", 257, 3, ECDSAP256SHA256) + point[1:]
        self.key_tag = self._tag(self.dnskey)
        self.insecure = set(insecure)
        super().__init__(zone)

    def anchor(self):
        """The root's key, in zone-file format."""
        import base64

        return f". 3600 IN DNSKEY 257 3 {ECDSAP256SHA256} {base64.b64encode(self.dnskey[4:]).decode()}\n"

    @staticmethod
    def _tag(rdata):
        total = sum(octet << 8 if at % 2 == 0 else octet for at, octet in enumerate(rdata))
        return (total + (total >> 16)) & 0xFFFF

    # ---- records ----

    def _signature(self, owner, rtype, ttl, rdatas):
        now = int(time.time())
        labels = len([label for label in owner.split(".") if label])
        head = struct.pack("!HBBIIIH", rtype, ECDSAP256SHA256, labels, ttl, now + DAY_S, now - DAY_S, self.key_tag) + b"\0"
        name = encode_name(owner)
        signed = head + b"".join(name + struct.pack("!HHIH", rtype, 1, ttl, len(rdata)) + rdata for rdata in sorted(rdatas))
        r, s = decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return head + r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _rrset(self, owner, rtype, rdatas, ttl, signed=True):
        """The records and their signature, in wire form."""
        name = encode_name(owner)
        made = [name + struct.pack("!HHIH", rtype, 1, ttl, len(rdata)) + rdata for rdata in dict.fromkeys(rdatas)]
        if signed and made:
            signature = self._signature(owner, rtype, ttl, list(dict.fromkeys(rdatas)))
            made.append(name + struct.pack("!HHIH", RRSIG, 1, ttl, len(signature)) + signature)
        return made

    def _is_insecure(self, name):
        return any(name == other or name.endswith("." + other) for other in self.insecure)

    @staticmethod
    def _bitmap(numbers):
        made = b""
        for window in sorted({number >> 8 for number in numbers}):
            bits = bytearray(32)
            for number in numbers:
                if number >> 8 == window:
                    bits[(number & 255) >> 3] |= 0x80 >> (number & 7)
            bits = bytes(bits).rstrip(b"\0")
            made += bytes([window, len(bits)]) + bits
        return made

    def _denial(self, name):
        """SOA and NSEC: of types that are not at the name."""
        types = {NUMBERS[kind] for kind, value in self.zone.get(name, []) if kind in NUMBERS and value not in ("TIMEOUT", "SERVFAIL")}
        types = {number for number in types if number != NUMBERS["SPF"]} | {RRSIG, NSEC}
        if name in self.insecure:
            types = {NUMBERS["NS"], RRSIG, NSEC}
        elif not name:
            types |= {NUMBERS["SOA"], NUMBERS["NS"], DNSKEY}
        nsec = b"\1\0" + encode_name(name) + self._bitmap(types)
        soa = soa_record(self.ttl)
        return (self._rrset("", NUMBERS["SOA"], [soa[11:]], self.ttl) + self._rrset(name, NSEC, [nsec], self.ttl))

    # ---- answers ----

    def _signed_answer(self, name, rtype):
        """(rcode or None for silence, answers, authority)."""
        answers = []
        for _ in range(16):
            signed = not self._is_insecure(name)
            if rtype == "DNSKEY" and not name:
                return NOERROR, self._rrset("", DNSKEY, [self.dnskey], self.ttl), []
            if rtype == "DS":
                return NOERROR, answers, self._denial(name)
            state, values = self._entries(name, rtype)
            if state == "timeout":
                return None, [], []
            if state == "servfail":
                return 2, [], []
            alias = [value for kind, value in self.zone.get(name, []) if kind == "CNAME"]
            if alias and not values and rtype != "CNAME":
                answers += self._rrset(name, NUMBERS["CNAME"], [encode_rdata("CNAME", alias[0])], self.ttl, signed)
                name = alias[0].rstrip(".").lower()
                continue
            if values and rtype in TYPES:
                rdatas = [encode_rdata(rtype, value) for value in values]
                return NOERROR, answers + self._rrset(name, NUMBERS[rtype], rdatas, self.ttl, signed), []
            if not signed:
                return NOERROR, answers, [soa_record(self.ttl)]
            return NOERROR, answers, self._denial(name)
        return NOERROR, answers, []

    def answer(self, packet, udp):
        try:
            query = Query(packet)
        except (ValueError, IndexError, struct.error):
            return None
        rtype = {number: kind for kind, number in NUMBERS.items()}.get(query.type, str(query.type))
        with self._lock:
            self.counts[(query.name, rtype)] += 1
        rcode, answers, authority = self._signed_answer(query.name, rtype)
        if rcode is None:
            return None
        response = query.response(rcode, answers, authority)
        if query.edns_octets is not None:  # "DNSSEC OK" comes back
            response = response[:-4] + b"\x80\0" + response[-2:]
        if udp and len(response) > (query.edns_octets or 512):
            return query.response(rcode, truncated=True)
        return response
