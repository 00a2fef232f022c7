"""dkimpy over the zone of the test, as it is and corrected where an RFC proves it wrong (see corrections.py).

Its answer is a cause: "pass", or why not: "body", "signature", "key", "syntax", "timeout".
"""

import base64
import contextlib
import functools
import math
import re

import dkim
import dkim.canonicalization
import dkim.crypto
import nacl.exceptions
from cryptography.hazmat.primitives.serialization import load_der_public_key

from corrections import Correction

ALIASES_MAX = 8
KEYS_TRIED_MAX = 2
RSA_BITS_MAX = 4096
DRIFT_S = 300
TIME_DIGITS_MAX = 12  # more are infinite (RFC 6376 section 3.5)

CORRECTIONS = [
    Correction("tag-list", "RFC 6376 section 3.2",
               "a tag-name is ALPHA *ALNUMPUNC, and a tag-value has VALCHAR and FWS only; the oracle looks at the first letter"
               " of a name, and takes any octet"),
    Correction("word-case", "RFC 6376 sections 3.5 and 3.6.1, RFC 5234 section 2.3",
               "the words of a=, c=, q= and k= are ABNF strings, of either case; the oracle compares octets"),
    Correction("query-list", "RFC 6376 section 3.5",
               "q= is a list, and unknown methods in it are ignored; the oracle wants dns/txt alone"),
    Correction("identity", "RFC 6376 sections 2.11 and 3.5",
               "i= is [ Local-part ] \"@\" domain-name in dkim-quoted-printable; the oracle neither decodes it nor asks for"
               " the \"@\""),
    Correction("domain-name", "RFC 6376 section 3.5",
               "d= is a domain-name of several sub-domains and s= of one or more, without a final dot; the oracle takes"
               " nearly any octets"),
    Correction("signed-names", "RFC 6376 sections 3.5 and 5.4",
               "h= is a list of field-names, none empty, and From is one of them; the oracle does not look"),
    Correction("length", "RFC 6376 section 3.5",
               "l= is 1*76DIGIT and not larger than the body; the oracle takes an empty one, and cuts off what is not there"),
    Correction("length-policy", "RFC 6376 sections 8.2 and 6.3",
               "a body signed in part only is not accepted as signed, which is the verifier's to decide; the oracle passes it"),
    Correction("field-added", "RFC 6376 sections 8.15 and 5.4.2",
               "a second From, Subject, To... beside the signed one is not accepted, which is the verifier's to decide; the"
               " oracle does so for From alone"),
    Correction("clock", "RFC 6376 section 3.5",
               "x= is greater than t=, past it the signature is expired, one from the future may be ignored, and more than"
               " 12 digits are infinite; the oracle never compares the two, takes any number, and allows ten hours"),
    Correction("sha1", "RFC 8301 section 3.1", "rsa-sha1 MUST NOT be verified; the oracle does"),
    Correction("key-size", "RFC 8301 section 3.2",
               "verifiers need not verify more than 4096 bits, and do not here; the oracle does"),
    Correction("key-type", "RFC 6376 section 6.1.2, RFC 8463 section 3",
               "the key is of the type that a= names; the oracle goes by the key alone"),
    Correction("key-record", "RFC 6376 section 3.6.1",
               "v= is the first tag where there is one; h= lists the hash; s= lists \"*\" or \"email\"; t=s forbids a"
               " subdomain in i=; the oracle reads none of the lists, and v= anywhere"),
    Correction("key-data", "RFC 6376 sections 3.6.1 and 2.10, RFC 8017 sections 3.1 and A.1.1",
               "p= is base64 of DER: octets of no other kind, one whole key of rsaEncryption, with an odd modulus and an odd"
               " exponent above 1; the oracle skips what it does not know"),
    Correction("several-keys", "RFC 6376 sections 3.6.2.2 and 6.1.2",
               "a verifier may cycle through several key records, and passes over what is none; the oracle has one"),
    Correction("base64", "RFC 6376 section 2.10, RFC 4648 section 3.5",
               "the padding of base64string may be left out, anything outside the alphabet is an error, and so are bits that"
               " do not belong to the octets; the oracle differs in each"),
    Correction("signature-length", "RFC 8017 section 8.2.2",
               "a signature has as many octets as the modulus; the oracle takes shorter and longer ones"),
    Correction("b-removed", "RFC 6376 section 3.7",
               "the value of b= is deleted with all white space around it, of that tag alone; the oracle leaves white space"
               " behind it, and deletes b= in other tags"),
    Correction("own-field-as-is", "RFC 6376 sections 3.4.1 and 3.7",
               "in simple form the signature's own field is not changed at its end; the oracle strips white space there"),
    Correction("own-field-once", "RFC 6376 sections 3.5 and 5.4",
               "h= never means the signature's own field; the oracle may select it"),
    Correction("wsp", "RFC 6376 section 2.8", "WSP is SP and HTAB; the oracle strips VT and FF, too"),
    Correction("lines", "RFC 5322 sections 2.1, 2.2 and 4.5",
               "lines end in CRLF, and white space may stand before a colon; the oracle ends them at a bare LF, and gives up"
               " at a field it cannot read"),
    Correction("last-line", "RFC 6376 section 3.4.4",
               "white space at the end of a line is ignored, of the last one without CRLF too; the oracle keeps it"),
]

SINGLE = b"""from sender reply-to to cc message-id in-reply-to references subject date mime-version content-type
    content-transfer-encoding""".split()
RELAXED = dkim.canonicalization.Relaxed
SUB_DOMAIN = rb"[a-zA-Z0-9_-]{1,63}"
K_TAG = re.compile(rb"((?:^|;)[ \t]*k[ \t]*=[ \t]*)(rsa|ed25519)", re.IGNORECASE)
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
B_TAG = re.compile(rb"^([ \t\r\n]*b[ \t\r\n]*=).*$", re.DOTALL)


class Refused(dkim.ValidationError):
    """By a correction."""


class Clock:
    """Stands for dkimpy's module `time`."""

    def __init__(self, now):
        self.now = now

    def time(self):
        return self.now


def set_clock(now):
    """dkimpy sees this time; and it turns numbers into octets at the speed of Python's own method."""
    dkim.time = Clock(now)
    dkim.crypto.int2str = int2str


def int2str(number, length=-1):
    return bytearray(number.to_bytes(length if length >= 0 else max(1, (number.bit_length() + 7) // 8), "big"))


class Oracle:
    def __init__(self, zone, now):
        self.zone, self.now = zone, now

    def records(self, name):
        """TXT records; None: a temporary error."""
        try:
            text = name.decode("ascii")
        except UnicodeDecodeError:
            return []
        state, values = self.zone.lookup(text, "TXT", ALIASES_MAX)
        if state in ("servfail", "timeout"):
            return None
        return [(value if isinstance(value, str) else "".join(value)).encode() for value in values]

    def cause(self, message, index, corrections=frozenset()):
        """Of the signature with that index from the top."""
        try:
            verifier = Corrected(self, message, corrections)
            with corrected_hashing(corrections):
                passes = verifier.verify(index, verifier.no_query)
        except Exception as error:  # dkimpy throws nearly anything at what it cannot read
            return cause_of(error)
        return "pass" if passes else verifier.why_not


def cause_of(error):
    if isinstance(error, dkim.DnsTimeoutError):
        return "timeout"
    if isinstance(error, dkim.KeyFormatError):
        return "key"
    if isinstance(error, nacl.exceptions.ValueError):  # its length is wrong
        return "signature"
    return "body" if str(error).startswith("body hash mismatch") else "syntax"


@contextlib.contextmanager
def corrected_hashing(corrections):
    """dkimpy hashes with functions of its modules."""
    stock, selecting, relaxed = dkim.hash_headers, dkim.select_headers, RELAXED.canonicalize_headers
    if corrections:
        dkim.hash_headers = lambda *arguments: hash_headers(stock, corrections, *arguments)
    if "lines" in corrections:
        dkim.select_headers = lambda headers, names: select_headers(selecting, headers, names)
    if "wsp" in corrections:
        RELAXED.canonicalize_headers = staticmethod(relaxed_headers)
    try:
        yield
    finally:
        dkim.hash_headers, dkim.select_headers = stock, selecting
        RELAXED.canonicalize_headers = staticmethod(relaxed)


def select_headers(selecting, headers, names):
    """Whatever white space stands before the colon."""
    chosen = selecting([(name.rstrip(b" \t"), at) for at, (name, _) in enumerate(headers)], names)
    return [tuple(headers[at]) for _, at in chosen]


def relaxed_headers(headers):
    return [(name.lower().rstrip(b" \t"), re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ") + b"\r\n")
            for name, value in headers]


def without_b(value):
    return b";".join(B_TAG.sub(rb"\1", part) for part in value.split(b";"))


def hash_headers(stock, corrections, hasher, policy, headers, names, own, sig):
    """As dkimpy's, which gets `own` as it is in the header."""
    if "own-field-once" in corrections:
        headers = without_own(headers, policy, own)
    if "b-removed" not in corrections and "own-field-as-is" not in corrections:
        return stock(hasher, policy, headers, names, own, sig)
    chosen = dkim.select_headers(headers, names)
    value = without_b(own[1]) if "b-removed" in corrections else dkim.RE_BTAG.sub(b"\\1", own[1])
    name, value = policy.canonicalize_headers([(own[0], value)])[0]
    value = re.sub(rb"\r\n\Z", b"", value) if "own-field-as-is" in corrections else value.rstrip()
    for field in [*chosen, (name, value)]:
        hasher.update(field[0] + b":" + field[1])
    return chosen


def without_own(headers, policy, own):
    canonical = policy.canonicalize_headers([list(own)])[0]
    kept = list(headers)
    for at, field in enumerate(kept):
        if tuple(field) == tuple(canonical):
            del kept[at]
            break
    return kept


class Corrected(dkim.DKIM):
    """dkimpy's verifier; with no corrections, exactly that, but that it remembers why it says no."""

    def __init__(self, oracle, message, corrections):
        self.oracle, self.corrections = oracle, corrections
        self.why_not = "syntax"
        super().__init__(message, minkey=1024)

    @staticmethod
    def no_query(*_, **__):
        raise AssertionError("records come from verify_sig()")

    # ---- the message ----

    def set_message(self, message):
        super().set_message(None)
        self.headers, self.body = (parse if "lines" in self.corrections else dkim.rfc822_parse)(message)

    # ---- the signature field ----

    def verify_headerprep(self, idx=0):
        own = [(name, value) for name, value in self.headers if name.rstrip().lower() == b"dkim-signature"][idx]
        if "tag-list" in self.corrections:
            check_tag_list(own[1])
        sig = dkim.parse_tag_value(own[1])
        self.corrected_tags(sig)
        dkim.validate_signature_fields(sig)
        names = [name.lower() for name in re.split(rb"\s*:\s*", sig[b"h"])]
        if "signed-names" in self.corrections:
            check_signed_names(names)
        self.include_headers = tuple(names)
        return sig, names, {idx: own}

    def corrected_tags(self, sig):
        for tag in ("v", "a", "b", "bh", "d", "h", "s"):
            if tag.encode() not in sig:
                raise dkim.ValidationError(f"missing {tag}=")
        for name, correct in TAG_CORRECTIONS.items():
            if name in self.corrections:
                correct(sig)
        if "clock" in self.corrections:
            check_times(sig, self.oracle.now)

    # ---- the key, and the rest ----

    def verify_sig(self, sig, include_headers, sig_header, dnsfunc):
        records = self.oracle.records(sig[b"s"] + b"._domainkey." + sig[b"d"])
        if records is None:
            raise dkim.DnsTimeoutError("no answer")
        if not records:
            self.why_not = "key"
            return False
        if "several-keys" not in self.corrections:
            return self.verify_by_record(sig, include_headers, sig_header, records[0])
        return any(self.verify_by_record(sig, list(include_headers), sig_header, record)
                   for record in self.fitting(sig, records))

    def fitting(self, sig, records):
        keys = [(record, self.key_of(sig, record)) for record in records]
        fit = [record for record, key in keys
               if key and key[0] and (key[2] != b"rsa" or self.minkey <= key[1] <= RSA_BITS_MAX)]
        self.why_not = "key"
        return fit[:KEYS_TRIED_MAX] or records[:1]

    def key_of(self, sig, record):
        """(key, bits, type, is for tlsrpt), or None."""
        try:
            if "key-record" in self.corrections:
                record = usable_record(record, sig)
            if "key-data" in self.corrections:
                record = checked_key_data(record)
            if "word-case" in self.corrections:
                record = K_TAG.sub(lambda match: match[1] + match[2].lower(), record)
            key = dkim.evaluate_pk("key", record)
        except Exception:  # as dkimpy, for which what is no key is none
            return None
        if "key-type" in self.corrections and key[2] != sig[b"a"].split(b"-")[0]:
            return None
        return key

    def verify_by_record(self, sig, include_headers, sig_header, record):
        key = self.key_of(sig, record)
        if not key or not key[0]:
            self.why_not = "key"
            return False
        self.pk, self.keysize, self.ktag, self.seqtlsrpt = key
        octets = 64 if self.ktag != b"rsa" else (self.keysize + 7) // 8
        if self.ktag == b"rsa" and self.keysize > RSA_BITS_MAX and "key-size" in self.corrections:
            raise dkim.KeyFormatError("longer than is verified here")
        passes = self.verify_body_and_header(sig, include_headers, sig_header, octets)
        self.why_not = "signature"
        return passes

    def verify_body_and_header(self, sig, include_headers, sig_header, octets):
        body = self.body
        try:
            relaxed = sig.get(b"c", b"").endswith(b"/relaxed")
            if "last-line" in self.corrections and relaxed and not body.endswith(b"\r\n"):
                self.body = body.rstrip(b" \t")
            unsigned = self.octets_unsigned(sig)
            if unsigned < 0 and "length" in self.corrections:
                raise Refused("l=")
            passes = self.verify_sig_process(sig, include_headers, sig_header, None)
        finally:
            self.body = body
        if "signature-length" in self.corrections and len(base64.b64decode(re.sub(rb"\s+", b"", sig[b"b"]))) != octets:
            return False
        if passes and unsigned > 0 and "length-policy" in self.corrections:
            raise Refused("l= leaves octets unsigned")
        if passes and "field-added" in self.corrections and self.has_field_added():
            raise Refused("an unsigned field beside a signed one")
        return passes

    def octets_unsigned(self, sig):
        """Of the body, by l=; below 0: l= is more than there is."""
        policy = dkim.CanonicalizationPolicy.from_c_value(sig.get(b"c", b"simple/simple"))
        return len(policy.canonicalize_body(self.body)) - int(sig[b"l"]) if sig.get(b"l") else 0

    def has_field_added(self):
        there = [name.rstrip().lower() for name, _ in self.headers]
        return any(there.count(name) > 1 and 0 < self.include_headers.count(name) < there.count(name) for name in SINGLE)


# ---- what corrections know of the grammars ----

def parse(message):
    """Fields and body by CRLF alone; what is no field stays out."""
    header, body, at = [], b"", 0
    while at < len(message):
        end = message.find(b"\r\n", at)
        line, at = (message[at:], len(message)) if end < 0 else (message[at:end], end + 2)
        if not line:
            body = message[at:]
            break
        if header and line[0] in b" \t":
            header[-1][1] += line + b"\r\n"
        else:
            name, colon, value = line.partition(b":")
            header.append([name, value + b"\r\n"] if colon else [b"", line + b"\r\n"])
    return [field for field in header if re.fullmatch(rb"[!-9;-~]+[ \t]*", field[0])], body


def check_tag_list(value):
    if CONTROL.search(re.sub(rb"\r\n(?=[ \t]|\Z)", b"", value)):
        raise Refused("an octet that tag lists do not have")
    for spec in re.sub(rb";[ \t\r\n]*\Z", b"", value).split(b";"):
        if not re.match(rb"[ \t\r\n]*[a-zA-Z][a-zA-Z0-9_]*[ \t\r\n]*=", spec):
            raise Refused("a tag name")


def lower_words(sig):
    for tag in (b"a", b"c", b"q"):
        if tag in sig:
            sig[tag] = sig[tag].lower()


def one_query(sig):
    if b"q" in sig and b"dns/txt" in [word.strip() for word in sig[b"q"].split(b":")]:
        sig[b"q"] = b"dns/txt"


def plain_identity(sig):
    if b"i" not in sig:
        return
    text = re.sub(rb"[ \t\r\n]", b"", sig[b"i"])
    if re.search(rb"=(?![0-9a-fA-F]{2})", text):
        raise Refused("i=")
    text = re.sub(rb"=([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), text)
    domain = text.rpartition(b"@")[2]
    if b"@" not in text or not re.fullmatch(SUB_DOMAIN + rb"(?:\." + SUB_DOMAIN + rb")*", domain):
        raise Refused("i=")
    sig[b"i"] = b"@" + domain


def check_names(sig):
    if not re.fullmatch(SUB_DOMAIN + rb"(?:\." + SUB_DOMAIN + rb")+", sig[b"d"]):
        raise Refused("d=")
    if not re.fullmatch(SUB_DOMAIN + rb"(?:\." + SUB_DOMAIN + rb")*", sig[b"s"]):
        raise Refused("s=")


def check_signed_names(names):
    if b"from" not in names or not all(re.fullmatch(rb"[!-9<-~]+", name) for name in names):
        raise Refused("h=")


def check_length(sig):
    if b"l" in sig and not re.fullmatch(rb"[0-9]{1,76}", sig[b"l"]):
        raise Refused("l=")


def time_of(text):
    """Seconds, math.inf, or None where it is no number."""
    if not re.fullmatch(rb"[0-9]+", text):
        return None
    return int(text) if len(text) <= TIME_DIGITS_MAX else math.inf


def check_times(sig, now):
    expiry, signed = (time_of(sig.get(tag, b"")) for tag in (b"x", b"t"))
    if expiry is not None and (expiry < now - DRIFT_S or signed is not None and expiry < math.inf and expiry <= signed):
        raise Refused("x=")
    if signed is not None and signed > now + DRIFT_S:
        raise Refused("t=")


def strict_base64(sig):
    """Decodes and encodes again, so that the oracle reads what is meant."""
    for tag, octets in ((b"b", None), (b"bh", 32 if sig[b"a"] != b"rsa-sha1" else 20)):
        data = decoded(sig[tag])
        if not data or octets not in (None, len(data)):
            raise Refused("base64")
        sig[tag] = base64.b64encode(data)


def decoded(text):
    """By RFC 6376 section 2.10; None when it is no base64."""
    text = re.sub(rb"[ \t\r\n]", b"", text)
    bare = text.rstrip(b"=")
    if len(text) != len(bare) and len(text) % 4 or len(text) - len(bare) > 2 or len(bare) % 4 == 1:
        return None
    if not re.fullmatch(rb"[a-zA-Z0-9+/]*", bare):
        return None
    data = base64.b64decode(bare + b"=" * (-len(bare) % 4))
    return data if base64.b64encode(data).rstrip(b"=") == bare else None


def refuse_sha1(sig):
    if sig[b"a"].lower() == b"rsa-sha1":
        raise Refused("a=")


def words(value):
    return [word.strip().lower() for word in value.split(b":")]


def usable_record(record, sig):
    """The record without what the oracle cannot read, when it is one that may be used for this signature."""
    check_tag_list(record)
    tags = dkim.parse_tag_value(record)
    names = list(tags)
    if b"v" in tags and (names[0] != b"v" or tags[b"v"] != b"DKIM1"):
        raise Refused("v=")
    if b"h" in tags and sig[b"a"].rpartition(b"-")[2].lower() not in words(tags[b"h"]):
        raise Refused("h=")
    if b"s" in tags and not {b"*", b"email"} & set(words(tags[b"s"])):
        raise Refused("s=")
    identity = sig.get(b"i", b"@" + sig[b"d"]).rpartition(b"@")[2].lower()
    if b"s" in words(tags.get(b"t", b"")) and identity != sig[b"d"].lower():
        raise Refused("t=s")
    if b"p" not in tags:
        raise Refused("p=")
    return b"; ".join(name + b"=" + tags[name] for name in names if name in (b"k", b"p"))


def checked_key_data(record):
    """The record with its data encoded anew, when that is a key."""
    tags = dkim.parse_tag_value(record)
    data = decoded(tags.get(b"p", b""))
    if not data:
        raise Refused("p=")
    if tags.get(b"k", b"rsa").lower() == b"rsa" and not is_sound_rsa_key(data):
        raise Refused("exponent or modulus")
    tags[b"p"] = base64.b64encode(data)
    return b"; ".join(name + b"=" + value for name, value in tags.items())


@functools.lru_cache(maxsize=None)
def is_sound_rsa_key(data):
    numbers = load_der_public_key(data).public_numbers()
    return numbers.e >= 3 and numbers.e % 2 and numbers.n % 2 and not numbers.e >> 32


TAG_CORRECTIONS = {
    "word-case": lower_words, "query-list": one_query, "identity": plain_identity, "domain-name": check_names,
    "length": check_length, "base64": strict_base64, "sha1": refuse_sha1,
}
