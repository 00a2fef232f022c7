"""Seeded DKIM cases: messages of odd but legal shapes, signed in every form of RFC 6376, then left alone or damaged.

Names of case N are below cN.dkim.example. `signatures` of a case are counted from the top, as verifiers do.
"""

import base64
import random
import re

import dkim

import dkim_signer as signer

NOW = 1760000000
CANONICALIZATIONS = ["simple", "relaxed"]
FOLDS = [b"\r\n ", b"\r\n\t", b"\r\n  ", b" \r\n ", b"\t\r\n \t", b"\r\n \r\n "]
WORDS = b"""hello a the =?utf-8?q?x?= gr\xc3\xbc\xc3\x9fe \xe9t\xe9 <a@b.example> (c) "q" 1;2 b=c = == d=x; .""".split()
WORDS.append(b"x" * 70)
SINGLE = b"""Subject To Cc Date Message-ID Reply-To Sender MIME-Version Content-Type Content-Transfer-Encoding In-Reply-To
    References""".split()
REPEATED = b"""Received X-Tag Comments List-Id Resent-From x-odd!#$%&'*+^_`{|}~ X-Empty DKIM-Other b Keywords""".split()
BODY_ENDS = [b"\r\n", b"\r\n", b"\r\n", b"", b"\r\n\r\n", b"\r\n \r\n\t\r\n", b" ", b"\r\n\r\n\r\n\r\n"]
BODY_ODDITIES = [b"bare\nline\r\n", b"bare\rreturn\r\n", b"\x00nul\r\n", b"end\r", b"end\n", b"a\r\r\nb\r\n", b"\xff\xfe"]

# Tags of key records beside v=, k= and p=, all of them good; "_" is a space.
KEY_EXTRAS = """h=sha256 h=sha1:sha256 s=email s=* t=y t=s t=y:s n=a_note g=* xyz=1 s=other:email h=sha512_:_sha256
    t=z:y n= k2=x""".split()

# What may be wrong with a tag of a signature, or look so. "{d}", "{s}", "{h}", "{bh}", "{a}" stand for what was there,
# "{A}" for that in capitals, and "_" for a space.
ODD_TAGS = """v=2 v=0.5 v= v=01 a=rsa-sha512 a={A} a=rsa a=ed25519 a=
    c=relaxed/other c=nofws c=RELAXED/SIMPLE c= c=simple/ c=/simple c=simple/simple/simple
    d= d=example d={d}. d=.{d} d=a..b d={x64}.example d=example.org s= s={s}. s=a..b s={x64} s=*
    i={d} i=@x{d} i=a@example.org i= i=@ i=a=zz@{d} i=a@b@{d} i=x.{d} i=@{d}.
    h=To:Subject h= h={h}: h=:{h} h={h}::x h=From h=fr_om h={h},x q=other q= q=DNS/TXT q=dns q=dns/txt:
    t=x t= t=-1 t={now+1000000} t={now+1000} t={now+200} t={1x80}
    x={now-1000000} x={now-1000} x={now-200} x={now} x=x x=0 x={1x80}
    l=x l= l=-1 l={1x77} l={1x76} l=1e3
    bh= bh={bh-1} bh={bh-2}== bh=!{bh} bh={bh_low} bh={bh}AAAA
    n=a;b a-b=x 1a=x =x x_y=z n=\x01 n=a\x00b n=\x7f a_b= y_1=z""".split()



class Case:
    def __init__(self, number, kind, message, zone, sender):
        self.number, self.kind, self.message, self.zone, self.sender = number, kind, message, zone, sender

    def describe(self):
        lines = [f"  kind {self.kind}; sender {self.sender}"]
        lines += [f"    {name} {value}" for name, values in self.zone.items() for value in values]
        return "\n".join(lines + ["    " + repr(line) for line in self.message.split(b"\r\n")][:80])


def make(seed, number, keys):
    return Maker(seed, number, keys).case()


class Maker:
    """Makes one case from (seed, number) and the keys."""

    def __init__(self, seed, number, keys):
        self.random = random.Random(f"dkim {seed} {number}")
        self.number, self.keys = number, keys
        self.domain = f"c{number}.dkim.example"
        self.zone = {}
        self.selectors = 0
        self.fields, self.body, self.separator = [], b"", True
        self.kind = []

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        return self.random.choice(choices)

    # ---- messages ----

    def text(self, most=8):
        """The value of a field: words, folded in some form."""
        text = b""
        for _ in range(self.random.randrange(most)):
            text += self.random.choice(WORDS)
            text += self.pick(b" ", b" ", b" ", b"  ", b"\t", b" \t ") if self.chance(0.8) else self.random.choice(FOLDS)
        if self.chance(0.02):
            text += b"y" * 900
        if self.chance(0.02):
            text += self.pick(b"\x0b", b"\x0c", b"\xa0", b"\x01") + self.pick(b"", b" ", b"z")
        return text if self.chance(0.25) else text.rstrip()

    def value(self, text):
        return self.pick(b" ", b" ", b" ", b"", b"  ", b"\t", b"\r\n ") + text

    def cased(self, name):
        return self.pick(name, name, name, name.lower(), name.upper(), name.swapcase())

    def add_field(self, name, value):
        if self.chance(0.02):
            name += self.pick(b" ", b"\t ")
        self.fields.append((name, value))

    def make_header(self):
        domain = self.domain.encode()
        author = self.pick(b"a@" + domain, b'"B" <b@' + domain + b">", b"C\r\n <c@sub." + domain + b">",
                           b"d@elsewhere.example")
        names = [b"From"] * self.random.choices([1, 2, 0], [96, 3, 1])[0]
        names += self.random.sample(SINGLE, self.random.randrange(2, 9))
        if self.chance(0.05):
            names.append(self.random.choice(SINGLE))
        names += [self.random.choice(REPEATED) for _ in range(self.random.randrange(5))]
        if self.chance(0.15):
            names += [b"Received"] * 3
        self.random.shuffle(names)
        for name in names:
            self.add_field(self.cased(name), self.value(author if name == b"From" else self.text()))

    def line(self):
        words = [self.random.choice(WORDS) for _ in range(self.random.randrange(7))]
        line = self.pick(b" ", b" ", b"  ", b"\t", b" \t").join(words)
        if self.chance(0.15):
            line = self.pick(b" ", b"\t", b"  ") + line
        if self.chance(0.2):
            line += self.pick(b" ", b"\t", b"   ", b" \t ")
        if self.chance(0.02):
            line += b"L" * 990
        return line

    def make_body(self):
        shape = self.random.choices(["none", "empty", "blank", "text", "white"], [3, 5, 7, 80, 5])[0]
        if shape == "none":
            self.separator = False
        elif shape == "blank":
            self.body = b"\r\n" * self.random.randrange(1, 5)
        elif shape == "white":
            self.body = b"".join(self.pick(b" ", b"\t", b"") + b"\r\n" for _ in range(3)) + self.pick(b"", b" ", b"\t")
        elif shape == "text":
            self.body = b"\r\n".join(self.line() for _ in range(self.random.randrange(1, 9)))
            self.body += self.random.choice(BODY_ENDS)
        if self.chance(0.02):
            self.body += self.random.choice(BODY_ODDITIES)

    def octets(self):
        header = b"".join(name + b":" + value + b"\r\n" for name, value in self.fields)
        return header + b"\r\n" + self.body if self.separator else header

    # ---- keys ----

    def key_tags(self, key):
        """(order of tags, values) of the record; mostly what a postmaster would publish."""
        form = "raw" if not key.is_rsa else "pkcs1" if self.chance(0.2) else "spki"
        data = base64.b64encode(key.public(form)).decode()
        if self.chance(0.05):
            data = self.pick(" ", "\t", "  ").join([data[:20], data[20:]])
        tags = [] if self.chance(0.15) else [("v", "DKIM1")]
        if not key.is_rsa or self.chance(0.5):
            tags.append(("k", "rsa" if key.is_rsa else "ed25519"))
        if self.chance(0.35):
            name, _, value = self.random.choice(KEY_EXTRAS).partition("=")
            tags.append((name, value.replace("_", " ")))
        at = self.random.randrange(1 if tags and tags[0][0] == "v" else 0, len(tags) + 1)
        tags.insert(at, ("p", data))
        return tags

    FAULTS = [
        lambda m, t: [(n, v) for n, v in t if n != "p"],
        lambda m, t: [(n, "" if n == "p" else v) for n, v in t],
        lambda m, t: [("h", "sha1"), *t],
        lambda m, t: [*t, m.pick(("h", "sha1"), ("h", ""))],
        lambda m, t: [*t, m.pick(("s", "tlsrpt"), ("s", "other"), ("s", ""))],
        lambda m, t: [(n, v) for n, v in t if n != "v"] + [("v", "DKIM1")],
        lambda m, t: [("v", m.pick("DKIM2", "dkim1", "DKIM1 x", "1"))] + [(n, v) for n, v in t if n != "v"],
        lambda m, t: [*t, m.pick(t[0], ("", "x"), ("a-b", "x"), ("1a", "x"))],
        lambda m, t: [(n, m.damaged_text(v) if n == "p" else v) for n, v in t],
        lambda m, t: [(n, m.damaged_octets(v) if n == "p" else v) for n, v in t],
        lambda m, t: [(n, m.another_key() if n == "p" else v) for n, v in t],
        lambda m, t: [(n, v) for n, v in t if n != "k"] + [("k", m.pick("rsa", "ed25519", "RSA", "Ed25519", "dsa", "x"))],
        lambda m, t: [(n, v.replace("=", "") if n == "p" else v) for n, v in t],
        lambda m, t: [(n, v.upper() if n == "v" else v) for n, v in t] + [("", "")],
    ]

    def another_key(self):
        return base64.b64encode(self.random.choice(self.keys).public()).decode()

    def damaged_text(self, text):
        if not text:
            return text
        at = self.random.randrange(len(text))
        return text[:at] + self.pick("", "!", "A", "=", "-", "\u00e9") + text[at + self.pick(0, 1):]

    def damaged_octets(self, text):
        data = bytearray(base64.b64decode(text or "AA=="))
        at = self.random.randrange(min(len(data), 40))
        data[at] ^= 1 << self.random.randrange(8)
        if self.chance(0.3):
            data += b"\0"
        return base64.b64encode(bytes(data)).decode()

    def record(self, tags):
        gap = self.pick("; ", ";", " ; ", "; ", ";\t")
        equals = self.pick("=", "=", "=", " = ")
        text = gap.join(f"{name}{equals}{value}" for name, value in tags)
        text += self.pick("", "", ";", "; ")
        cut = self.random.randrange(len(text) + 1)
        return self.pick(text, text, [text[:cut], text[cut:]])

    def publish(self, name, key):
        tags = self.key_tags(key)
        if self.chance(0.08):
            self.kind.append("key record damaged")
            tags = self.random.choice(self.FAULTS)(self, tags)
        records = [["TXT", self.record(tags)]]
        if self.chance(0.03):
            self.kind.append("several records")
            other = self.record(self.key_tags(self.random.choice(self.keys)))
            records.insert(self.pick(0, 1), ["TXT", self.pick(other, "v=spf1 -all", "some text", "v=DKIM1; p=", "p=")])
        if self.chance(0.02):
            self.kind.append("no key")
            records = self.pick([["*", "SERVFAIL"]], [["A", "192.0.2.1"]], None)
        if records and self.chance(0.04):
            self.zone[name.lower()], name = [["CNAME", "key." + self.domain]], "key." + self.domain
        if records:
            self.zone.setdefault(name.lower(), []).extend(records)

    # ---- signatures ----

    def new_selector(self):
        self.selectors += 1
        return f"{self.pick('s', 'S', 'a.b', '2026-01', 'x_y')}{self.selectors}"

    def names_to_sign(self):
        present = [name.rstrip(b" \t") for name, _ in self.fields]
        names = [name for name in present if self.chance(0.7) and name.lower() != b"from"]
        names += [b"From"] * max(1, sum(name.lower() == b"from" for name in present) if self.chance(0.9) else 1)
        if self.chance(0.3):
            names += self.random.choices([b"From", b"Subject", b"To", b"X-None", b"Date"], k=self.random.randrange(1, 4))
        if self.chance(0.1):
            names += present[:2]
        if self.chance(0.03):
            names.append(b"DKIM-Signature")
        self.random.shuffle(names)
        return [self.cased(name) for name in names]

    def base_tags(self, key, canon, names, length, digest):
        domain = self.pick(self.domain, self.domain, self.domain, self.domain.upper(), "sub." + self.domain)
        selector = self.new_selector()
        algorithm = key.algorithm() if digest == "sha256" else "rsa-sha1"
        tags = {"v": "1", "a": algorithm, "d": domain, "s": selector}
        if canon != ("simple", "simple") or self.chance(0.7):
            tags["c"] = "/".join(canon) if canon[1] != "simple" or self.chance(0.7) else canon[0]
        tags["h"] = self.pick(":", ":", ":", " : ", ":\r\n ", "\r\n\t:").join(name.decode() for name in names)
        tags["bh"] = signer.body_hash(self.body, canon[1], length, digest).decode()
        tags["b"] = ""
        if length is not None:
            tags["l"] = str(length)
        return tags

    def optional_tags(self, tags):
        domain = tags["d"]
        if self.chance(0.2):
            tags["t"] = str(NOW - self.random.randrange(100000))
        if self.chance(0.15):
            tags["x"] = self.pick(str(NOW + 100000), "9999999999", "1" * 13)
        if self.chance(0.3):
            tags["i"] = self.pick("@", "user@", "@sub.", "a=40b@", "us=65r@", "x@s.u.b.", '"q=20q"@', "us\r\n er@") + domain
            if self.chance(0.1):
                tags["i"] = tags["i"].upper()
        if self.chance(0.12):
            tags["q"] = self.pick("dns/txt", "dns/txt", "dns/txt:other", "other : dns/txt")
        if self.chance(0.1):
            tags["z"] = self.pick("From:a@b|To:c", "Subject:x=20y|\r\n Date:z", "b=3Dx")
        if self.chance(0.08):
            tags[self.pick("n", "xx", "y_z", "B", "r")] = self.pick("", "1", "some words here", "b=x y", "\u00fc")

    def odd_tags(self, tags):
        """A signature that should not be one, or is one in an unusual spelling."""
        name, _, value = self.random.choice(ODD_TAGS).partition("=")
        name = name.replace("_", " ") if name != "y_1" else name
        for pattern, meant in {
                "{d}": tags["d"], "{s}": tags["s"], "{h}": tags["h"], "{A}": tags["a"].upper(), "{x64}": "x" * 64,
                "{bh}": tags["bh"], "{bh-1}": tags["bh"][:-1], "{bh-2}": tags["bh"][:-2], "{bh_low}": tags["bh"].lower(),
                "{1x76}": "1" * 76, "{1x77}": "1" * 77, "{1x80}": "1" * 80, "{now}": str(NOW), "fr_om": "fr om"}.items():
            value = value.replace(pattern, meant)
        value = re.sub(r"\{now([+-]\d+)\}", lambda match: str(NOW + int(match[1])), value)
        self.kind.append(f"odd {name}={value[:12]}")
        tags[name] = value
        if name == "x" and self.chance(0.5):
            tags["t"] = self.pick(str(NOW - 5), value)

    def write(self, tags):
        """The field's value around b=: (before, after); b's own value is put between."""
        order = list(tags)
        if self.chance(0.5):
            self.random.shuffle(order)
        gap = self.pick(b"; ", b";", b";\r\n ", b"; \r\n\t", b" ; ", b";\t")
        equals = self.pick(b"=", b"=", b"=", b"=", b" = ", b"=\r\n ", b"= ")
        pieces = []
        for name in order:
            value = tags[name].encode("utf-8", "surrogateescape")
            if name in ("bh", "h", "d") and self.chance(0.05) and len(value) > 4:
                value = self.folded(name, value)
            pieces.append(name.encode() + equals + (b"\0B\0" if name == "b" else value))
        text = self.pick(b" ", b" ", b"", b"\r\n ", b"\t") + gap.join(pieces)
        text += self.pick(b"", b"", b"", b";", b"; ", b" ", b"\r\n\t")
        if self.chance(0.02):
            text = text.replace(b"\0B\0", b"\0B\0" + self.pick(b" ", b"\r\n ", b"\t"))
        before, _, after = text.partition(b"\0B\0")
        return before, after

    def folded(self, name, value):
        if name == "bh":
            return value[:3] + self.pick(b" ", b"\r\n ", b"\t") + value[3:]
        if name == "h":
            return value.replace(b":", self.pick(b" :", b": ", b":\r\n\t"))
        return value

    def a_key(self):
        """Large ones are slow to sign with, so they are rare."""
        weights = [1 if key.bits <= 2048 else 0.3 if key.bits <= 4096 else 0.1 for key in self.keys]
        return self.random.choices(self.keys, weights)[0]

    def sign(self):
        key = self.a_key()
        canon = self.pick(*CANONICALIZATIONS), self.pick(*CANONICALIZATIONS)
        digest = "sha1" if key.is_rsa and self.chance(0.02) else "sha256"
        names = self.names_to_sign()
        whole = len(signer.canonical_body(self.body, canon[1]))
        length = None
        if self.chance(0.1):
            length = self.pick(whole, whole, 0, whole // 2, max(whole - 2, 0), whole + 1)
        tags = self.base_tags(key, canon, names, length, digest)
        self.optional_tags(tags)
        signed_names = names
        if self.chance(0.1):
            self.odd_tags(tags)
            signed_names = [name.strip() for name in tags["h"].encode().split(b":")] if tags["h"] else []
        self.publish(f"{tags['s']}._domainkey.{tags['d']}", key)
        self.kind.append(f"{key.algorithm()} {key.bits}")
        name = self.cased(b"DKIM-Signature")
        before, after = self.write(tags)
        bare = before.rstrip(b" \t\r\n") + after.lstrip(b" \t\r\n")
        data = signer.signed_octets(self.fields, signed_names, name, bare, canon[0])
        self.fields.insert(0, (name, before + self.b_text(key.sign(data, digest)) + after))

    def b_text(self, signature):
        if self.chance(0.02):
            signature = self.pick(signature[:-1], signature + b"\0", b"\0" + signature, b"", signature[::-1])
        text = base64.b64encode(signature)
        if self.chance(0.01):
            text = text.rstrip(b"=")
        style = self.pick("plain", "plain", "folded", "spaced", "front")
        if style == "folded":
            fold = self.pick(b"\r\n ", b"\r\n\t", b"\r\n   ", b" \r\n ")
            return fold.join(text[at:at + 64] for at in range(0, len(text), 64))
        if style == "spaced":
            return b" ".join(text[at:at + 40] for at in range(0, len(text), 40))
        return b"\r\n\t" + text if style == "front" else text

    def sign_with_dkimpy(self):
        """As dkimpy itself would; False when it refuses the message."""
        key = self.random.choice([key for key in self.keys if key.bits in (256, 1024, 2048)])
        selector = self.new_selector()
        names = [name for name in self.names_to_sign() if name.lower() not in dkim.DKIM.SHOULD_NOT]
        try:
            value = dkim.DKIM(self.octets()).sign(
                selector.encode(), self.domain.encode(), key.for_dkimpy(), signature_algorithm=key.algorithm().encode(),
                canonicalize=(self.pick(b"simple", b"relaxed"), self.pick(b"simple", b"relaxed")),
                include_headers=names or [b"from"], length=self.chance(0.2))
        except Exception:  # it throws nearly anything at fields that it cannot read
            return False
        self.publish(f"{selector}._domainkey.{self.domain}", key)
        self.kind.append(f"dkimpy {key.algorithm()} {key.bits}")
        name, _, rest = value.partition(b":")
        self.fields.insert(0, (name, rest[:-2]))
        return True

    # ---- damage ----

    def a_field(self, test=lambda name: True):
        places = [at for at, (name, _) in enumerate(self.fields) if test(name.lower().rstrip())]
        return self.random.choice(places) if places else None

    def change_body(self):
        body = self.body
        self.body = self.pick(body + b"footer\r\n", body[:-3], body.replace(b"e", b"E", 1), b"", body + b"\r\n", body + b" ",
                              body.replace(b" ", b"  ", 1), body.replace(b"\r\n", b" \r\n", 1), body.rstrip(),
                              b"\r\n" + body)
        self.separator = True

    def change_field(self):
        at = self.a_field()
        name, value = self.fields[at]
        self.fields[at] = self.pick((name, value + b"x"), (name, value.replace(b"e", b"E", 1)), (name + b"x", value),
                                    (name, value[:-1]), (name, b" " + value))

    def refold(self):
        at = self.a_field()
        name, value = self.fields[at]
        value = self.pick(value, value.replace(b" ", b"\r\n ", 1), value.replace(b"\r\n", b""), value.replace(b" ", b"  "),
                          value.replace(b"\t", b" "), value + b" ", value.strip(), value.replace(b" ", b"", 1))
        self.fields[at] = (self.pick(name, name, name, name.swapcase()), value)

    def add_one(self):
        name = self.random.choice([*SINGLE, b"From", b"From", b"X-New", b"Received", self.fields[self.a_field()][0]])
        field = (name, b" added@example.net")
        self.fields.insert(self.pick(0, self.random.randrange(len(self.fields) + 1), len(self.fields)), field)

    def drop_one(self):
        if len(self.fields) > 1:
            self.fields.pop(self.a_field())

    def reorder(self):
        at, other = self.a_field(), self.a_field()
        self.fields[at], self.fields[other] = self.fields[other], self.fields[at]

    def damage_signature(self):
        at = self.a_field(lambda name: name == b"dkim-signature")
        if at is None:
            return
        name, value = self.fields[at]
        position = self.random.randrange(len(value) or 1)
        inserted = self.pick(b" ", b";", b"=", b"x", b"\r\n ", b"A", b"\n", b"\xff", b":")
        appended = self.pick(b"; d=other.example", b";;", b"; n=x", b" ;", b"; b=", b"x")
        self.fields[at] = (name, self.pick(
            value[:position] + value[position + 1:], value[:position] + inserted + value[position:], value + appended,
            re.sub(rb"([;\s]b=)\s*(.)", rb"\1A\2", value, 1), re.sub(rb"([;\s]bh=)\s*(.)", rb"\1A", value, 1),
            re.sub(rb"c=[a-z/]+", b"c=simple", value), re.sub(rb"t=\d+", b"t=1", value), re.sub(rb"l=\d+", b"l=1", value),
            value.replace(b"; ", b";", 1), value.replace(b"=", b" =", 1), value.replace(b"From", b"Frim"),
            value.replace(b"a=", b"A=", 1)))

    def break_line(self):
        at = self.random.randrange(len(self.fields) + 1)
        self.fields.insert(at, self.pick((b"no colon here", b""), (b"X-Bare", b" a\nb: c"), (b"X-Bare", b" a\rb"),
                                         (b"", b" x"), (b"N\xe4me", b" x")))

    DAMAGE = [*2 * [change_body, change_field, refold, add_one], drop_one, reorder, *3 * [damage_signature], break_line]

    # ---- a case ----

    def sender(self):
        """The envelope, and SPF and DMARC records so that other methods show in the results, too."""
        if self.chance(0.5):
            return {}
        address = f"10.{self.number >> 8 & 255}.{self.number & 255}.1"
        if self.chance(0.7):
            self.zone.setdefault(self.domain, []).append(["TXT", f"v=spf1 ip4:{address} {self.pick('-all', '~all', 'moo')}"])
        if self.chance(0.5):
            policy = self.pick("none", "quarantine", "reject", "other")
            self.zone["_dmarc." + self.domain] = [["TXT", f"v=DMARC1; p={policy}; adkim={self.pick('r', 's')}"]]
        ip = self.pick(address, address, "192.0.2.9")
        mail_from = self.pick(f"x@{self.domain}", "", f"x@none.{self.domain}")
        return {"client_ip": ip, "helo": f"mail.{self.domain}", "mail_from": mail_from}

    def case(self):
        self.make_header()
        self.make_body()
        for _ in range(self.random.choices([1, 2, 3], [70, 20, 10])[0]):
            if not (self.chance(0.08) and self.sign_with_dkimpy()):
                self.sign()
            if self.chance(0.1):
                self.fields.insert(0, (b"Received", b" by later.example"))
        if self.chance(0.45):
            for _ in range(self.pick(1, 1, 2)):
                damage = self.random.choice(self.DAMAGE)
                self.kind.append(damage.__name__)
                damage(self)
        sender = self.sender()
        return Case(self.number, ", ".join(self.kind), self.octets(), self.zone, sender)
