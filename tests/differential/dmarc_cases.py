"""Zones, authors and identifiers for DMARC, from a seed: records along the way from the author to the top, and
identifiers that are near it."""

import random

from lib.signer import RsaKey, signature_field

CLIENT = "192.0.2.1"
BODY = b"x\r\n"
KEY = RsaKey()
SPF = {"pass": "v=spf1 +all", "fail": "v=spf1 -all", "temperror": "SERVFAIL"}
RECORDS = [
    "v=DMARC1; p=reject", "v=DMARC1; p=none; sp=reject; np=quarantine", "v=DMARC1; p=quarantine; psd=y",
    "v=DMARC1; p=reject; psd=n", "v=DMARC1;p=reject;np=none;psd=y", "v=DMARC1; p=reject; t=y",
    "v=DMARC1; p=quarantine; sp=none; t=Y; psd=N", "v=DMARC1; p=reject; adkim=s; aspf=s", "v=DMARC1; p=reject; aspf=S",
    "v=DMARC1; rua=mailto:a@b", "v=DMARC1; adkim=s", "v=DMARC1; psd=y", "v=DMARC1; p=bogus; sp=reject",
    "v=DMARC1; p=reject; sp=bogus; rua=mailto:a@b", "v=DMARC1; p=none; p=reject", "v=DMARC1; p=none; fo=1; fo=d",
    "v=DMARC1 ; P = Quarantine ; SP=NONE", "v=DMARC1; p=none; np=reject; psd=u; pct=0", "v=DMARC1; p=reject; psd=x",
    "v=DMARC2; p=reject", "v=DMARC10; p=reject", "v=dmarc1; p=reject", "v=DMARC1", "hello",
]


class Case:
    """`identifiers` as dmarc_oracle takes them; `sender` is the envelope."""

    def __init__(self, seed, number):
        self.number, self.random = number, random.Random(f"{seed} {number}")
        self.top = f"t{number}"
        self.author = self.name(1, self.random.choice([2, 3, 4, 9]))
        self.error_share = self.random.choice([0, 0, 0.1, 0.4])
        self.zone, self.identifiers, self.sender, signatures = {}, [], {}, []
        for _ in range(self.random.randint(1, 4)):
            self.add_record()
        if self.random.random() < 0.4:
            self.zone.setdefault(self.author, []).append(["A", "192.0.2.9"])
        if self.random.random() < 0.7:
            self.add_spf()
        for selector in range(self.random.choice([0, 0, 1, 1, 2])):
            signatures.append(self.add_signature(f"k{selector}"))
        from_field = f"From: x@{self.author}"
        fields = [signature_field(KEY, domain, selector, from_field, BODY, good)
                  for domain, selector, good in signatures]
        self.message = ("".join(fields) + from_field + "\r\n\r\n").encode() + BODY

    def name(self, least, most):
        labels = [self.random.choice("abc") for _ in range(self.random.randint(least, most))]
        return ".".join(labels + [self.top])

    def on_the_way(self):
        labels = self.author.split(".")
        return ".".join(labels[self.random.randrange(len(labels)):])

    def add_record(self):
        name = self.on_the_way() if self.random.random() < 0.8 else self.name(1, 4)
        texts = self.zone.setdefault(f"_dmarc.{name}", [])
        if self.random.random() < self.error_share:
            texts.insert(0, ["TXT", "SERVFAIL"])
        else:
            texts.append(["TXT", self.random.choice(RECORDS)])

    def identifier(self, kind):
        """(domain, state), noted; the domain has two labels or more."""
        near = self.on_the_way()
        domain = self.random.choice([self.author, f"{self.random.choice('abc')}.{self.author}", near, self.name(1, 4)])
        domain = domain if "." in domain else self.author
        state = self.random.choice(["pass", "pass", "fail", "temperror"])
        self.identifiers.append((kind, domain, state))
        return domain, state

    def add_spf(self):
        domain, state = self.identifier("spf")
        self.zone.setdefault(domain, []).append(["TXT", SPF[state]])
        self.sender = {"client_ip": CLIENT, "helo": "helo.invalid", "mail_from": f"a@{domain}"}

    def add_signature(self, selector):
        domain, state = self.identifier("dkim")
        key = "SERVFAIL" if state == "temperror" else KEY.record()
        self.zone[f"{selector}._domainkey.{domain}"] = [["TXT", key]]
        return domain, selector, state != "fail"

    def describe(self):
        zone = {name: values for name, values in self.zone.items() if "_domainkey" not in name}
        return f"author {self.author}, identifiers {self.identifiers}, zone {zone}"
