"""The public wire, proto/assay/v1/assay.proto, written by hand: requests as octets, responses as plain objects.

No generated code and no protobuf library: what is here is all that another language needs to speak to assayd. A verdict
is read into the object that `assay check --json` prints (docs of the command), with a few fields more.
"""

SPF_WORDS = [None, "none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
SPF_SCOPES = ["mailfrom", "helo"]
DKIM_WORDS = [None, "pass", "fail", "policy", "neutral", "temperror", "permerror"]
ARC_WORDS = [None, "none", "pass", "fail"]
DMARC_WORDS = [None, "none", "pass", "fail", "temperror", "permerror"]
DMARC_POLICIES = ["none", "quarantine", "reject"]
MTA_STS_WORDS = [None, "policy", "none", "temperror", "invalid"]
DANE_WORDS = [None, "secure", "insecure", "bogus", "none", "temperror"]
DELIVERY_WORDS = [None, "dane", "tls-required", "tls-if-possible", "defer", "none"]
TLSRPT_WORDS = [None, "record", "none", "invalid", "temperror"]
ERROR_CODES = [None, "INVALID", "TOO_LARGE", "OVERLOADED", "DEADLINE", "UNSUPPORTED", "INTERNAL"]


# ---- protobuf: encoding ----

def varint(value):
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def octets(field, value):
    value = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value if value else b""


def message(field, body):
    """As octets(), but written even when it is empty: the presence of a message counts."""
    return varint(field << 3 | 2) + varint(len(body)) + body


# ---- protobuf: decoding ----

def take_varint(data, at):
    value = shift = 0
    while True:
        octet = data[at]
        value |= (octet & 0x7F) << shift
        at += 1
        if octet < 0x80:
            return value, at
        shift += 7


def fields(data):
    """{field: [values]}; a value is an int or bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = take_varint(data, at)
        if key & 7 == 0:
            value, at = take_varint(data, at)
        elif key & 7 == 2:
            length, at = take_varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"wire type {key & 7}, which the schema does not use")
        found.setdefault(key >> 3, []).append(value)
    return found


class Fields:
    """Typed access with the defaults of proto3: the last one of a field counts."""

    def __init__(self, data):
        self.found = fields(data)

    def number(self, field):
        return self.found.get(field, [0])[-1]

    def octets(self, field):
        return self.found.get(field, [b""])[-1]

    def text(self, field):
        return self.octets(field).decode("utf-8", "surrogateescape")

    def texts(self, field):
        return [value.decode("utf-8", "surrogateescape") for value in self.found.get(field, [])]

    def has(self, field):
        return field in self.found

    def message(self, field):
        return Fields(self.octets(field))

    def messages(self, field):
        return [Fields(data) for data in self.found.get(field, [])]


# ---- requests ----

def envelope(client_ip="", helo="", mail_from="", received_at=0, authserv_id=""):
    return (octets(1, client_ip) + octets(2, helo) + octets(3, mail_from) + number(5, received_at)
            + octets(6, authserv_id))


def check_sender(request_id, **sender):
    return octets(1, request_id) + message(11, message(1, envelope(**sender)))


def check_message(request_id, text, **sender):
    return octets(1, request_id) + message(10, message(1, envelope(**sender)) + octets(2, text))


def seal(request_id, text, domain="", authentication_results="", **sender):
    return octets(1, request_id) + message(50, message(1, envelope(**sender)) + octets(2, text) + octets(3, domain)
                                           + octets(4, authentication_results))


def tls_policy(request_id, domain, mx_host="", purge=False, deadline_ms=0):
    return octets(1, request_id) + number(2, deadline_ms) + message(20, octets(1, domain) + octets(2, mx_host)
                                                                    + number(3, int(purge)))


# ---- responses ----

def reason(part, field):
    found = part.message(field)
    return {"reason": found.text(1), "fix": found.text(2), "code": found.text(3)}


def spf(part):
    return {
        "result": SPF_WORDS[part.number(1)], "domain": part.text(2), "scope": SPF_SCOPES[part.number(3)],
        "explanation": part.text(4) or None, **reason(part, 5), "mechanism": part.text(6),
        "network_prefix": part.number(8) if part.number(9) else None,
    }


def dkim(part):
    return {
        "result": DKIM_WORDS[part.number(1)], "domain": part.text(2), "selector": part.text(3),
        "identity": part.text(4), "algorithm": part.text(5), "key_bits": part.number(6),
        "testing": bool(part.number(7)), "signature_start": part.text(8),
        "body_partly_unsigned": bool(part.number(9)), **reason(part, 10),
        "signed_at": part.number(11) or None, "seen_times": part.number(12), "seen_clients": part.number(13),
    }


def arc(part):
    return {"result": ARC_WORDS[part.number(1)], "instance": part.number(2), **reason(part, 3),
            "evaluated": bool(part.number(4))}


def shadow(part):
    policy = DMARC_POLICIES[part.number(5)] if part.number(4) else None
    return {
        "result": DMARC_WORDS[part.number(1)], "organizational_domain": part.text(2) or None,
        "policy_domain": part.text(3) or None, "policy": policy, "pct": part.number(6) if policy else None,
        "disposition": DMARC_POLICIES[part.number(7)], "disposition_unsampled": DMARC_POLICIES[part.number(8)],
        "differs": bool(part.number(9)),
    }


def unicode_name(part):
    return {"name": part.text(1) or None, "mixes_scripts": bool(part.number(2))}


def dmarc(part):
    policy = DMARC_POLICIES[part.number(5)] if part.number(6) else None
    return {
        "result": DMARC_WORDS[part.number(1)], "from_domain": part.text(2) or None,
        "policy_domain": part.text(3) or None, "organizational_domain": part.text(4) or None,
        "policy": policy, "disposition": DMARC_POLICIES[part.number(7)],
        "spf_aligned": bool(part.number(8)), "dkim_aligned": bool(part.number(9)), "testing": bool(part.number(10)),
        "record": part.text(11), **reason(part, 12), "shadow": shadow(part.message(13)) if part.has(13) else None,
        "from_domain_unicode": unicode_name(part.message(15)) if part.has(15) else None,
    }


def verdict(part):
    return {
        "authentication_results": part.text(1),
        "spf": spf(part.message(2)) if part.has(2) else None,
        "spf_helo": spf(part.message(3)) if part.has(3) else None,
        "dkim": [dkim(signature) for signature in part.messages(4)],
        "received_spf": part.text(13),
        "dkim_ignored": part.number(5),
        "dkim_ignored_reason": reason(part, 12) if part.has(12) else None,
        "arc": arc(part.message(6)) if part.has(6) else None,
        "dmarc": dmarc(part.message(7)) if part.has(7) else None,
    }


def seal_result(part):
    return {
        "sealed": bool(part.number(1)), "fields": [(field.text(1), field.text(2)) for field in part.messages(2)],
        "instance": part.number(3), "cv": ARC_WORDS[part.number(4)], **reason(part, 5),
    }


def tls_policy_result(part):
    mta_sts, dane, tlsrpt = part.message(2), part.message(3), part.message(5)
    return {
        "domain": part.text(1),
        "mta_sts": {"result": MTA_STS_WORDS[mta_sts.number(1)], "id": mta_sts.text(2) or None,
                    "mode": mta_sts.text(3) or None, "mx": mta_sts.texts(4), "max_age": mta_sts.number(5),
                    **reason(mta_sts, 6)},
        "dane": {"result": DANE_WORDS[dane.number(1)], "tlsa": dane.texts(2), **reason(dane, 3),
                 "delivery": DELIVERY_WORDS[dane.number(4)], "mx_host": dane.text(5) or None,
                 "tlsa_base": dane.text(6) or None, "reference_names": dane.texts(7)},
        "mx_match": bool(part.number(4)) if part.number(7) else None,
        "tlsrpt": {"result": TLSRPT_WORDS[tlsrpt.number(1)], "rua": tlsrpt.texts(2), **reason(tlsrpt, 3)},
        "postfix": part.text(6), "postfix_tlsrpt": part.text(8), "purged": bool(part.number(9)),
    }


def response(data):
    """(id, verdict, seal, TLS policy or {"error": ...})."""
    found = Fields(data)
    for field in (10, 11):
        if found.has(field):
            return found.text(1), verdict(found.message(field))
    if found.has(20):
        return found.text(1), tls_policy_result(found.message(20))
    if found.has(50):
        return found.text(1), seal_result(found.message(50))
    error = found.message(2)
    return found.text(1), {"error": f"{ERROR_CODES[error.number(1)]}: {error.text(2)}"}
