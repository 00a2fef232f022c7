#!/usr/bin/python3
"""Makes the messages and the zone of the demonstration anew, with new keys.

The private keys are forgotten at the end: what they signed is all that the demonstration needs. The signatures have a
fixed t= and no x=, so they do not age. Needs the openssl command; run it in this folder.
"""

import base64
import hashlib
import os
import re
import subprocess
import tempfile

SIGNED_AT = 1735689600  # 1 January 2025
SIGNED_FIELDS = ["from", "to", "subject", "date", "message-id"]

ZONE_HEAD = """\
; The DNS of the demonstration. Names below an SOA that are not listed do not exist; the one of the root makes that
; true of all names, so that nothing is asked outside. Made by make.py.
$TTL 3600
.                              SOA  localhost. nobody.invalid. 1 3600 600 86400 300

; A bank: all its mail comes from one network and is signed; everything else is to be rejected.
bank.example.                  MX   10 mail.bank.example.
bank.example.                  TXT  "v=spf1 ip4:192.0.2.0/24 -all"
mail.bank.example.             A    192.0.2.10
mail.bank.example.             TXT  "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.bank.example.           TXT  "v=DMARC1; p=reject; rua=mailto:dmarc@bank.example"

; A newspaper: what fails is to be put into quarantine.
news.example.                  TXT  "v=spf1 ip4:192.0.2.128/25 -all"
_dmarc.news.example.           TXT  "v=DMARC1; p=quarantine"

; A small company with an Ed25519 key.
modern.example.                TXT  "v=spf1 ip4:198.51.100.200 ~all"
_dmarc.modern.example.         TXT  "v=DMARC1; p=reject; adkim=s"

; A hobbyist with a mailing list: SPF, but no DMARC.
hobby.example.                 TXT  "v=spf1 a:lists.hobby.example a:mail.hobby.example ?all"
lists.hobby.example.           A    198.51.100.7
lists.hobby.example.           TXT  "v=spf1 a -all"
mail.hobby.example.            A    198.51.100.25

; A stranger: his own SPF is in good order.
evil.example.                  TXT  "v=spf1 ip4:203.0.113.0/24 -all"
host66.evil.example.           A    203.0.113.66

"""

STATEMENT = """\
From: Bank of Example <statements@bank.example>
To: you@receiver.example
Subject: Your statement is ready
Date: Wed, 1 Jan 2025 00:00:00 +0000
Message-ID: <statement-1@bank.example>
Content-Type: text/plain; charset=us-ascii

Your statement for December is ready. Please log in as you always do;
we never send links.
"""

NEWSLETTER = """\
From: Example News <daily@news.example>
To: readers@lists.hobby.example
Subject: The news of the day
Date: Wed, 1 Jan 2025 06:00:00 +0000
Message-ID: <daily-1@news.example>
Content-Type: text/plain; charset=us-ascii

Nothing happened on the first day of the year.
"""

LIST_FOOTER = """\
--
readers mailing list - to leave it, write to readers-leave@lists.hobby.example
"""

SPOOF = """\
From: Bank of Example <security@bank.example>
To: you@receiver.example
Subject: Your account will be closed today
Date: Wed, 1 Jan 2025 03:14:15 +0000
Message-ID: <1@host66.evil.example>
Content-Type: text/plain; charset=us-ascii

Dear customer, confirm your password at http://bank.evil.example/ at once.
"""

OFFER = """\
From: Modern Ltd <sales@modern.example>
To: you@receiver.example
Subject: An offer
Date: Wed, 1 Jan 2025 09:00:00 +0000
Message-ID: <offer-1@modern.example>
Content-Type: text/plain; charset=us-ascii

Thank you for asking. Our offer: 17 widgets, tomorrow, at your door.
"""

LETTER = """\
From: A Hobbyist <me@hobby.example>
To: you@receiver.example
Subject: My model railway
Date: Wed, 1 Jan 2025 12:00:00 +0000
Message-ID: <railway-1@hobby.example>
Content-Type: text/plain; charset=us-ascii

The bridge is finished! Come and see it.
"""


def openssl(*arguments, octets=b""):
    return subprocess.run(["openssl", *arguments], input=octets, capture_output=True, check=True).stdout


class Key:
    """A key pair in a temporary folder."""

    def __init__(self, folder, name, algorithm, *options):
        self.path = os.path.join(folder, name)
        self.is_rsa = algorithm == "RSA"
        openssl("genpkey", "-algorithm", algorithm, *options, "-out", self.path)

    def sign(self, octets):
        """RSA: PKCS#1 v1.5 over SHA-256. Ed25519: over the SHA-256 of the octets (RFC 8463 section 3)."""
        if self.is_rsa:
            return openssl("dgst", "-sha256", "-sign", self.path, octets=octets)
        digest = os.path.join(os.path.dirname(self.path), "digest")
        with open(digest, "wb") as file:
            file.write(hashlib.sha256(octets).digest())
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", digest)

    def record(self):
        """The key record's text. An Ed25519 key is the last 32 octets of its SubjectPublicKeyInfo."""
        public = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        if self.is_rsa:
            return "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
        return "v=DKIM1; k=ed25519; p=" + base64.b64encode(public[-32:]).decode()


def relaxed_field(field):
    """RFC 6376 section 3.4.2."""
    name, value = field.split(":", 1)
    return name.strip().lower() + ":" + re.sub(r"[ \t]+", " ", value.replace("\r\n", "")).strip()


def relaxed_body(body):
    """RFC 6376 section 3.4.4."""
    lines = [re.sub(r"[ \t]+", " ", line).rstrip(" ") for line in body.split("\n")]
    text = "\n".join(lines).rstrip("\n")
    return (text + "\n").replace("\n", "\r\n").encode() if text else b""


def sign(message, domain, selector, key):
    """The message with a DKIM-Signature field on top; lines end in LF, what is signed in CRLF."""
    header, body = message.split("\n\n", 1)
    fields = {field.split(":", 1)[0].lower(): field for field in header.split("\n")}
    body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
    signature = (
        f"DKIM-Signature: v=1; a={'rsa' if key.is_rsa else 'ed25519'}-sha256; c=relaxed/relaxed;\r\n"
        f"\td={domain}; s={selector}; t={SIGNED_AT};\r\n"
        f"\th={':'.join(SIGNED_FIELDS)};\r\n"
        f"\tbh={body_hash};\r\n"
        f"\tb="
    )
    canonical = "".join(relaxed_field(fields[name]) + "\r\n" for name in SIGNED_FIELDS) + relaxed_field(signature)
    value = base64.b64encode(key.sign(canonical.encode())).decode()
    folded = "\n\t ".join(value[at:at + 64] for at in range(0, len(value), 64))
    return signature.replace("\r\n", "\n") + folded + "\n" + message


def zone_txt(owner, text):
    strings = " ".join(f'"{text[at:at + 200]}"' for at in range(0, len(text), 200))
    return f"{owner:<30} TXT  {strings}\n"


def write(name, text):
    with open(name, "w", encoding="ascii", newline="\n") as file:
        file.write(text)


def main():
    with tempfile.TemporaryDirectory() as folder:
        bank = Key(folder, "bank", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        news = Key(folder, "news", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        modern = Key(folder, "modern", "ED25519")
        write("1-statement.eml", sign(STATEMENT, "bank.example", "s2025", bank))
        write("2-newsletter.eml", sign(NEWSLETTER, "news.example", "daily", news) + LIST_FOOTER)
        write("3-spoof.eml", SPOOF)
        write("4-ed25519.eml", sign(OFFER, "modern.example", "ed", modern))
        write("5-letter.eml", LETTER)
        write(
            "demo.zone",
            ZONE_HEAD
            + "; The public keys.\n"
            + zone_txt("s2025._domainkey.bank.example.", bank.record())
            + zone_txt("daily._domainkey.news.example.", news.record())
            + zone_txt("ed._domainkey.modern.example.", modern.record()),
        )


main()
