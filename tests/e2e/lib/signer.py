"""DKIM signatures and ARC sets for tests that need a good or a bad one and no more: rsa-sha256, with Python alone."""

import base64
import hashlib
import random

EXPONENT = 65537
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo, RFC 8017 section 9.2


def is_prime(number, generator):
    """Miller and Rabin, 20 rounds."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(is_no_witness(generator.randrange(2, number - 1), number, odd, twos) for _ in range(20))


def is_no_witness(base, number, odd, twos):
    power = pow(base, odd, number)
    if power == 1:
        return True
    for _ in range(twos - 1):
        if power == number - 1:
            return True
        power = power * power % number
    return power == number - 1


def prime(bits, generator):
    while True:
        number = generator.getrandbits(bits) | 3 << bits - 2 | 1
        if number % EXPONENT != 1 and all(number % small for small in (3, 5, 7, 11, 13)) and is_prime(number, generator):
            return number


def der(tag, body):
    length = len(body)
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([length]) if length < 0x80 else bytes([0x80 | len(size)]) + size) + body


def der_integer(number):
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


class RsaKey:
    """A key for tests: made from a seed, so it protects nothing."""

    def __init__(self, bits=1024, seed=1):
        generator = random.Random(seed)
        p, q = prime(bits // 2, generator), prime(bits // 2, generator)
        self.modulus, self.octets = p * q, bits // 8
        self._private = pow(EXPONENT, -1, (p - 1) * (q - 1))

    def record(self):
        """The TXT record to publish."""
        data = der(0x30, der_integer(self.modulus) + der_integer(EXPONENT))
        return "v=DKIM1; k=rsa; p=" + base64.b64encode(data).decode()

    def sign(self, data):
        info = SHA256_INFO + hashlib.sha256(data).digest()
        padded = b"\0\1" + b"\xff" * (self.octets - 3 - len(info)) + b"\0" + info
        return pow(int.from_bytes(padded, "big"), self._private, self.modulus).to_bytes(self.octets, "big")


def signature_field(key, domain, selector, from_field, body, good=True):
    """A DKIM-Signature field over From and the body (which ends in one CRLF), with its CRLF."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    field = f"DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s={selector}; h=From; bh={digest}; b="
    octets = key.sign((from_field + "\r\n" + field).encode())
    return field + base64.b64encode(octets if good else octets[::-1]).decode() + "\r\n"


def arc_set(key, domain, selector, sets, from_field, body, found):
    """`sets`, the ARC sets of the message as they stand in it, with one more on top. All fields are written in relaxed
    canonical form, `from_field` is; the body needs no canonicalization."""
    count = sets.count("arc-seal:")
    instance = f"i={count + 1}; "
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    common = f"a=rsa-sha256; d={domain}; s={selector}; "
    results = f"arc-authentication-results:{instance}mx.{domain}; {found}\r\n"
    message = f"arc-message-signature:{instance}{common}c=relaxed/relaxed; h=from; bh={digest}; b="
    message += base64.b64encode(key.sign((from_field + message).encode())).decode() + "\r\n"
    seal = f"arc-seal:{instance}{common}cv={'pass' if count else 'none'}; b="
    # In the message the newest field is on top; what is sealed has them in the order in which they were added.
    older = "".join(reversed(sets.splitlines(keepends=True)))
    seal += base64.b64encode(key.sign((older + results + message + seal).encode())).decode() + "\r\n"
    return seal + message + results + sets
