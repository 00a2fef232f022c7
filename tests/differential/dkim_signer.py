"""A small DKIM signer of its own, by RFC 6376 and RFC 8463, that shares no code with the oracle or with assayd.

It signs whatever it is told to, in whatever spelling: forms that a decent signer would never write are the point.
"""

import base64
import hashlib
import json
import os
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

RSA_BITS = [512, 1000, 1024, 1032, 1536, 2048, 2048, 3072, 4096, 4352]


class Key:
    """A key pair; `bits` of RSA, 256 of Ed25519."""

    def __init__(self, private):
        self.private = private
        self.is_rsa = isinstance(private, rsa.RSAPrivateKey)
        self.bits = private.key_size if self.is_rsa else 256

    def algorithm(self):
        return "rsa-sha256" if self.is_rsa else "ed25519-sha256"

    def sign(self, data, digest="sha256"):
        if self.is_rsa:
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256() if digest == "sha256" else hashes.SHA1())
        return self.private.sign(hashlib.sha256(data).digest())

    def public(self, form="spki"):
        """DER (or the raw octets of Ed25519): what p= holds. `form`: "spki", "pkcs1" or "raw"."""
        encoding, kinds = serialization.Encoding, serialization.PublicFormat
        chosen = {"spki": (encoding.DER, kinds.SubjectPublicKeyInfo), "pkcs1": (encoding.DER, kinds.PKCS1),
                  "raw": (encoding.Raw, kinds.Raw)}[form]
        return self.private.public_key().public_bytes(*chosen)

    def for_dkimpy(self):
        if self.is_rsa:
            return self._pem()
        raw = self.private.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                         serialization.NoEncryption())
        return base64.b64encode(raw)

    def _pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                          serialization.NoEncryption())

    def pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()).decode()


def keys(folder):
    """Made once and kept in the build folder, so that a seed gives the same messages there."""
    path = os.path.join(folder, "differential-keys.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return [Key(serialization.load_pem_private_key(text.encode(), None)) for text in json.load(file)]
    made = [Key(rsa.generate_private_key(65537, bits)) for bits in RSA_BITS]
    made.append(Key(rsa.generate_private_key(3, 2048)))
    made += [Key(ed25519.Ed25519PrivateKey.generate()) for _ in range(3)]
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump([key.pem() for key in made], file)
    os.replace(path + ".new", path)
    return made


# ---- canonicalization, RFC 6376 section 3.4 ----

def relaxed_value(value):
    return re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")


def canonical_field(name, value, kind):
    """`name` without, `value` with all that is between the colon and the CRLF at the end."""
    if kind == "simple":
        return name + b":" + value
    return name.lower().rstrip(b" \t") + b":" + relaxed_value(value)


def canonical_body(body, kind):
    lines = body.split(b"\r\n")
    if kind == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    text = b"".join(line + b"\r\n" for line in lines)
    return text or (b"\r\n" if kind == "simple" else b"")


def selected(fields, names):
    """The fields that h= names, from the bottom up (section 5.4.2)."""
    left = list(fields)
    for wanted in names:
        for at in range(len(left) - 1, -1, -1):
            if left[at][0].rstrip(b" \t").lower() == wanted.lower():
                yield left.pop(at)
                break


def body_hash(body, kind, length=None, digest="sha256"):
    text = canonical_body(body, kind)
    return base64.b64encode(hashlib.new(digest, text if length is None else text[:length]).digest())


def signed_octets(fields, names, field_name, value_without_b, kind):
    """What is signed (section 3.7)."""
    parts = [canonical_field(name, value, kind) + b"\r\n" for name, value in selected(fields, names)]
    return b"".join(parts) + canonical_field(field_name, value_without_b, kind)
