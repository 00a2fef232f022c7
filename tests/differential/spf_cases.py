"""Seeded SPF cases: a client, an identity and the records they lead to; valid, full of macros, near-valid or hostile.

All names of case N are below cN.spf.example, and its clients in networks of its own, so that one zone holds every case.
"""

import ipaddress
import random

RECEIVER = "mx.example.org"
RECEIVED_AT = 1760000000
DEPTH_MAX = 3
MACRO_LETTERS = "slodiphv"
TEXT_LETTERS = MACRO_LETTERS + "crt"
DELIMITERS = ".-+,/_="

LOCAL_PARTS = """a strong-bad user+tag First.Last a_b=c x.y-z+w 1 o'neil {odd} 50%off a/b "quoted" "at@at" UPPER-Case.x
    prvs=4321abc=joe bounces+1=x.y !#$&*?^`|~""".split() + ['"with space"', '"a\\"b"']
ODD_LOCAL_PARTS = ["", "plain space", "jürgen", "a@b", "a..b", "x" * 70, ".", "-", "a\\b", "<a", "a,b", "a(b)",
                   ("long." * 50)[:-1]]

LONG_LABEL, LONG_NAME = "x" * 64 + ".example", "x." * 127 + "example"

# Terms that are wrong, or nearly so; "~" stands for the domain of the case. One list for each rule they are about.
BAD_TERMS = [terms.split() for terms in (
    "a/33 a/024 a//129 a/ a// a/24/64 mx/-1 a/24//064 a/99999999999999999999",
    """ip4:1.2.3 ip4:1.2.3.4.5 ip4:01.2.3.4 ip4:1.2.3.256 ip4: ip4 ip4:1.2.3.4/33 ip4:1.2.3.4//32 ip4:1.2.3.4/032 ip4:::1
    ip4:1.2.3.4/ ip4=1.2.3.4""",
    """ip6:::1/129 ip6:1::2::3 ip6:1.2.3.4 ip6:::1.2.3.4 ip6:12345:: ip6:1:2:3:4:5:6:7:8 ip6:1:2:3:4:5:6:7:: ip6::: ip6:::/0
    ip6:::ffff:1.2.3.04 ip6 ip6:1:2:3:4:5:6:7:8:9 ip6:fe80::1%eth0 ip6:0::0.0.0.0/96 ip6:::ffff:1.2.3""",
    """include include: include:com include:a..b include:1.2.3.4 exists exists: exists:com include:%{d} exists:%{d}/24 ptr/24
    all:x all/8 all= redirect exp""",
    f"""redirect= exp= redirect=com exp=com REDIRECT=~ Exp=~ redirect=%{{d}} exp=%{{c}}.x.example redirect=a..b.example
    exp={LONG_LABEL} redirect=%{{p}}.dyn.example""",
    "x=% x=%{c} x=%{d x=\x01 1x=2 x!=2 =x x=a=b v=spf1 x=%{d2!}",
    f"""a:foo a:foo.1 a:foo.-x a:foo.x- a:foo.x_y a:foo.example.. a:.example a:{LONG_LABEL} a:{LONG_NAME} a:1.2.3.4
    a:[1.2.3.4] a:x@y.example a:a\\b.example a:xn--.example a:/.example a:a:b.example mx:*.example a:foo.123a a:foo.a--b""",
    """exists:%(d).example exists:%{d0}.example exists:%{d00}.example exists:%{d01}.dyn.example exists:%{x}.example
    exists:%{}.example exists:%{d.example exists:%d.example exists:%.example exists:%{dR}.dyn.example
    exists:%{D1R-}.dyn.example exists:%{d2!}.dyn.example exists:%{dr2}.dyn.example exists:%{t}.example exists:%{c}.example
    exists:%{r}.example exists:%%%x.example exists:%%{d}.dyn.example exists:%{d}% exists:%% exists:%{l}@%{o} exists:%{s}
    exists:%{l-}%{o}.dyn.example exists:%{d200}.dyn.example exists:%{h}.dyn.example exists:%{H}.dyn.example
    exists:%{L}.dyn.example exists:%{d255r+.}.dyn.example""",
    "moo - + ?all? --all +-all ip:1.2.3.4 prt a, ipv4:1.2.3.4 mx,a all. A: -ip4 unknown:x",
)] + [["x=1 x=1", "moo= MOO=", "u=%{d} u=%{d}"], ["a/24\n", "a/0\n//128", "mx//64\n", "ip4:1.2.3.4\n", "all\n", "a\n"]]


class Case:
    """What is asked, and `zone`, which answers."""

    def __init__(self, number, kind, ip, helo, mail_from, zone):
        self.number, self.kind = number, kind
        self.ip, self.helo, self.mail_from = ip, helo, mail_from
        self.zone = zone
        self.receiver, self.received_at = RECEIVER, RECEIVED_AT

    def describe(self):
        lines = [f"  kind {self.kind}: ip {self.ip} helo {self.helo!r} mail_from {self.mail_from!r}"]
        return "\n".join(lines + [f"    {name} {value}" for name, values in self.zone.items() for value in values])


def make(seed, number):
    return Maker(seed, number).case()


class Maker:
    """Makes one case. `random` is all it depends on."""

    def __init__(self, seed, number):
        self.random = random.Random(f"spf {seed} {number}")
        self.number = number
        self.root = f"c{number}.spf.example"
        self.zone = {}
        self.hosts = 0
        self.is_v6 = self.random.random() < 0.3
        self.network = self._network(self.is_v6)
        self.client = self._in_network(self.random.randrange(1, 250))

    def _network(self, v6):
        if v6:
            return ipaddress.ip_address("2001:db8::") + (self.number << 64) + (1 << 40)
        return ipaddress.ip_address("10.0.0.0") + (self.number % 65536 << 8)

    def _in_network(self, host):
        return self.network + (host << 8 if self.is_v6 and host % 3 == 0 else host)

    # ---- small choices ----

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        return self.random.choice(choices)

    def weighted(self, **weights):
        return self.random.choices(list(weights), list(weights.values()))[0]

    def put(self, name, rtype, value):
        self.zone.setdefault(name.lower(), []).append([rtype, value])

    def new_name(self, stem="h"):
        self.hosts += 1
        return f"{stem}{self.hosts}.{self.root}"

    # ---- addresses and hosts ----

    def address(self, where):
        if where == "client":
            return self.client
        if where == "near":
            return self._in_network(self.random.randrange(1, 250))
        if self.is_v6:
            return ipaddress.ip_address("2001:db8:ffff::") + self.random.randrange(1 << 16)
        return ipaddress.ip_address("192.0.2.0") + self.random.randrange(256)

    def put_addresses(self, name, where):
        rtype, other = ("AAAA", "A") if self.is_v6 else ("A", "AAAA")
        for _ in range(self.pick(1, 1, 1, 2, 4)):
            self.put(name, rtype, str(self.address(where)))
            where = self.pick("near", "far", "far")
        if self.chance(0.2):
            self.put(name, other, "2001:db8::7" if other == "AAAA" else "192.0.2.77")

    def host(self, faults=0.3):
        """A name of some state: with the client's address, a near or a far one, without any, absent, failing."""
        name = self.new_name()
        if self.chance(1 - faults):
            self.put_addresses(name, self.weighted(client=30, near=25, far=45))
            return name
        state = self.weighted(nodata=30, absent=30, servfail=12, alias=28)
        if state == "nodata":
            self.put(name, "TXT", "no address")
        elif state == "servfail":
            self.put(name, "*", "SERVFAIL")
        elif state == "alias":
            self.put(name, "CNAME", self.host(faults=0.2))
        return name

    def with_mx(self, hosts=None):
        name = self.new_name("m")
        for position in range(hosts if hosts is not None else self.pick(0, 1, 1, 2, 3)):
            self.put(name, "MX", [position * 10 % 40, self.host(faults=0.1)])
        if self.chance(0.04):
            self.put(name, "MX", [0, "."])
        return name

    def put_reverse(self, names):
        for name in names:
            self.put(self.client.reverse_pointer, "PTR", name)

    def reverse_names(self):
        """PTR records of the client, some of which lead back."""
        if self.chance(0.1):
            self.put(self.client.reverse_pointer, "*", "SERVFAIL")
            return
        for _ in range(self.pick(0, 1, 1, 2, 3)):
            name = self.pick(self.new_name("p"), f"p{self.hosts}.elsewhere{self.number}.example", self.root)
            if self.chance(0.6):
                self.put(name, "AAAA" if self.is_v6 else "A", str(self.client))
            elif self.chance(0.2):
                self.put(name, "*", "SERVFAIL")
            self.put_reverse([name])

    # ---- macros ----

    def macro(self, letters):
        letter = self.random.choice(letters)
        letter = letter.upper() if self.chance(0.15) else letter
        digits = self.pick("", "", "", "1", "2", "3", "10", "127")
        reverse = self.pick("", "", "r")
        delimiters = "".join(self.random.sample(DELIMITERS, self.pick(0, 0, 0, 1, 2)))
        return "%{" + letter + digits + reverse + delimiters + "}"

    def dynamic_spec(self, letters=MACRO_LETTERS):
        parts = [self.macro(letters) for _ in range(self.pick(1, 1, 2, 3))]
        parts += self.pick([], [], ["x%%y"], ["a%_b"], ["%-"], ["l1", "_spf"])
        self.random.shuffle(parts)
        return ".".join(parts) + f".dyn.{self.pick(self.root, '%{d}', '%{o}', 'example')}"

    def explain_string(self):
        words = [self.macro(TEXT_LETTERS) for _ in range(self.pick(1, 2, 3))]
        words += self.pick([], ["See", "http://x.example/?s=%{S}&i=%{I}"], ["50%%", "a%_b"], ["is", "not", "allowed"])
        self.random.shuffle(words)
        return " ".join(words)

    def spelled(self, name, domain):
        """A domain-spec that leads to `name` from the record of `domain`."""
        if name.endswith("." + domain) and self.chance(0.15):
            return name[:-len(domain)] + "%{d}"
        if self.chance(0.08):
            return name + "."
        return name.upper() if self.chance(0.05) else name

    # ---- records ----

    def cidr(self, likely_full=0.6):
        if self.chance(likely_full):
            return ""
        four = self.pick("", "/0", "/8", "/24", "/25", "/30", "/31", "/32")
        return four + self.pick("", "", "//0", "//48", "//96", "//127", "//128")

    def ip_term(self):
        address = self.address(self.weighted(client=20, near=30, far=50))
        if self.chance(0.2):  # of the other family
            return self.pick("ip4:192.0.2.1", "ip4:192.0.2.2") if self.is_v6 else self.pick(
                "ip6:2001:db8::1", "ip6:2001:db8::ffff:1.2.3.4", "ip6:2001:db8::")
        if self.is_v6:
            text = self.pick(str(address), address.exploded, str(address).upper())
            return f"ip6:{text}{self.pick('', '', '/64', '/48', '/96', '/128', '/0')}"
        return f"ip4:{address}{self.pick('', '', '/24', '/28', '/32', '/8', '/0')}"

    def a_term(self, domain):
        if self.chance(0.2):
            return "a" + self.cidr()
        return f"a:{self.spelled(self.host(), domain)}{self.cidr()}"

    def mx_term(self, domain):
        if self.chance(0.2):
            return "mx" + self.cidr()
        return f"mx:{self.spelled(self.with_mx(), domain)}{self.cidr()}"

    def ptr_term(self, domain):
        return self.pick("ptr", f"ptr:{self.root}", f"ptr:{self.spelled('spf.example', domain)}", "ptr:%{d2}",
                         "ptr:elsewhere.example")

    def exists_term(self, domain):
        return f"exists:{self.pick(self.spelled(self.host(), domain), self.dynamic_spec(), self.dynamic_spec())}"

    def include_term(self, domain, depth):
        if depth >= DEPTH_MAX:
            return self.ip_term()
        if self.chance(0.06):
            return f"include:{self.spelled(self.host(), domain)}"  # no record there
        return f"include:{self.spelled(self.policy(self.new_name('i'), depth + 1), domain)}"

    def term(self, domain, depth):
        kind = self.weighted(ip=28, a=18, mx=14, include=14, exists=12, ptr=6)
        if kind == "ip":
            term = self.ip_term()
        elif kind == "include":
            term = self.include_term(domain, depth)
        else:
            term = {"a": self.a_term, "mx": self.mx_term, "exists": self.exists_term, "ptr": self.ptr_term}[kind](domain)
        term = self.pick("", "", "", "", "+", "-", "~", "?") + term
        return term.upper() if self.chance(0.02) and "%" not in term else term

    def modifiers(self, domain, depth, has_all):
        terms = []
        if self.chance(0.03 if has_all else 0.4) and depth < DEPTH_MAX:
            terms.append(f"redirect={self.spelled(self.policy(self.new_name('r'), depth + 1), domain)}")
        if self.chance(0.4):
            name = self.new_name("e")
            for _ in range(self.random.choices([0, 1, 2], [8, 84, 8])[0]):
                self.put(name, "TXT", self.explain_string())
            if self.chance(0.04):
                self.put(name, "*", "SERVFAIL")
            terms.append(f"exp={self.spelled(name, domain)}")
        if self.chance(0.1):
            terms.append(self.pick("moo=", "x-y=1", "match.sub-domains_9=yes", "u=%{d}", "z=%%%_%-", "a.b_c=%{i1r}"))
        return terms

    def terms(self, domain, depth):
        terms = [self.term(domain, depth) for _ in range(self.pick(0, 1, 1, 2, 2, 3, 4))]
        has_all = self.chance(0.75)
        if has_all:
            terms.append(self.pick("-", "-", "-", "~", "?", "+", "") + "all")
        for modifier in self.modifiers(domain, depth, has_all):
            terms.insert(self.random.randrange(len(terms) + 1), modifier)
        return terms

    def policy(self, name, depth=0):
        """Publishes a record at `name`; gives the name."""
        self.publish(name, " ".join(["v=spf1", *self.terms(name, depth)]))
        return name

    def publish(self, name, record):
        if self.chance(0.1):
            cut = self.random.randrange(len(record) + 1)
            self.put(name, "TXT", [record[:cut], record[cut:]])
        else:
            self.put(name, "TXT", record)
        if self.chance(0.1):
            self.put(name, "TXT", self.pick("v=spf10 -all", "v=spf", "v=spf1x", "spf2.0/pra -all", "x=y", "V=DMARC1"))
        if self.chance(0.3):
            self.put_addresses(name, self.weighted(client=30, near=20, far=50))
        if self.chance(0.2):
            self.put(name, "MX", [10, self.host()])

    # ---- identities ----

    def domain_spelling(self):
        return self.random.choices([self.root, self.root.upper(), self.root + ".", "x." + self.root, self.root + ".."],
                                   [88, 4, 4, 3, 1])[0]

    def identity(self):
        """(helo, mail_from)"""
        if self.chance(0.12):
            return self.domain_spelling() if self.chance(0.7) else self.odd_helo(), ""
        local = self.random.choice(ODD_LOCAL_PARTS if self.chance(0.08) else LOCAL_PARTS)
        helo = self.pick(f"mail.{self.root}", "mail.example.net", self.odd_helo())
        if self.chance(0.01):
            return helo, self.root  # no mailbox
        return helo, f"{local}@{self.domain_spelling()}"

    def odd_helo(self):
        return self.pick("localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.1", "a_b." + self.root, LONG_LABEL,
                         "host", "", ".", "a b." + self.root, "-." + self.root, "OEMCOMPUTER")

    # ---- shapes ----

    def valid(self):
        self.policy(self.root)

    def macros(self):
        kinds = [self.pick("exists:", "a:", "include:", "mx:", "exists:", "exists:") for _ in range(self.pick(1, 2, 3))]
        terms = [self.pick("", "-", "~", "?") + kind + self.dynamic_spec() for kind in kinds]
        if self.chance(0.6):
            name = self.new_name("e")
            self.put(name, "TXT", self.explain_string())
            terms.append(f"exp={self.spelled(name, self.root)}")
        self.publish(self.root, " ".join(["v=spf1", *terms, "-all"]))

    def near_valid(self):
        self.policy(self.root)
        for records in self.zone.values():
            for record in records:
                if record[0] == "TXT" and self.chance(0.6):
                    record[1] = self.mutated("".join(record[1]))

    def mutated(self, text):
        for _ in range(self.pick(1, 1, 2)):
            text = self.random.choice(self.MUTATIONS)(self, text)
        return text

    def _insert(self, text, what):
        at = self.random.randrange(len(text) + 1)
        return text[:at] + what + text[at:]

    def _insert_term(self, text, term):
        words = text.split(" ")
        words.insert(self.random.randrange(1, len(words) + 1), term)
        return " ".join(words)

    MUTATIONS = [
        lambda m, t: t.replace(" ", "  ", m.pick(1, -1)),
        lambda m, t: t + " " * m.pick(1, 3),
        lambda m, t: m.pick(" ", "\t", '"') + t,
        lambda m, t: m._insert(t, m.pick("\t", "\r", "\n", "\x00", "\x7f", "é", "\u00a0")),
        lambda m, t: m._insert(t, m.random.choice(" :=/%,;.-+_{}@09a")),
        lambda m, t: m._insert(t, "//"),
        lambda m, t: t[:(at := m.random.randrange(len(t)))] + t[at + 1:],
        lambda m, t: m.pick(t.upper(), t.swapcase(), t.title()),
        lambda m, t: m._insert_term(t, m.random.choice([*t.split(" ")[1:], "all"])),
        lambda m, t: t.replace("spf1", m.pick("spf2", "spf", "SPF1", "spf1 v=spf1", "spf10", "spf1\t"), 1),
        lambda m, t: t.replace(".", "..", 1) if m.chance(0.5) else t.replace(":", "", 1),
        lambda m, t: t + " " + " ".join(f"ip4:198.51.100.{n}" for n in range(m.pick(10, 100))),
        *[lambda m, t, terms=terms: m._insert_term(t, m.random.choice(terms).replace("~", m.root))
          for terms in BAD_TERMS],
    ]

    def hostile(self):
        shapes = [self.loop, self.pair_loop, self.lookups, self.lookups, self.void_lookups, self.many_mx, self.many_names,
                  self.aliases, self.failing, self.several_records, self.no_target, self.long_names, self.deep,
                  self.validated]
        self.random.choice(shapes)()

    def loop(self):
        what = self.pick("include:{0}", "redirect={0}", "a include:{0}", "include:{0} redirect={0}", "{1} include:{0}",
                         "include:x.{0}", "include:%{{d}}", "redirect=%{{d}}")
        self.publish(self.root, "v=spf1 " + what.format(self.root, self.client_term()) + self.pick("", " -all"))
        self.put("x." + self.root, "TXT", f"v=spf1 include:{self.root} -all")

    def client_term(self):
        return f"ip6:{self.client}" if self.is_v6 else f"ip4:{self.client}"

    def pair_loop(self):
        kinds = [self.pick("include:", "redirect=") for _ in range(3)]
        names = [self.root, "b." + self.root, "c." + self.root]
        for at, name in enumerate(names):
            self.put(name, "TXT", f"v=spf1 {self.ip_term()} {kinds[at]}{names[(at + 1) % 3]}")

    def lookups(self):
        """Around the limit of 10, in one record or over several."""
        count = self.random.randrange(8, 13)
        terms = []
        while count > 0:
            part = min(count, self.pick(1, 1, 2, 4))
            if part > 1:
                name = self.new_name("i")
                cheap = [self.cheap_term() for _ in range(part - 1)]
                self.put(name, "TXT", " ".join(["v=spf1", *cheap, self.pick("", "-all", "?all")]))
                terms.append("include:" + name)
            else:
                terms.append(self.cheap_term())
            count -= part
        end = self.pick("-all", "+all", self.client_term(), f"redirect={self.policy(self.new_name('r'), DEPTH_MAX)}")
        self.publish(self.root, " ".join(["v=spf1", *terms, end]))

    def cheap_term(self):
        """A term that takes a look-up and does not match, mostly."""
        name = self.new_name()
        self.put(name, "A", "192.0.2.1")
        self.put(name, "AAAA", "2001:db8:ffff::1")
        self.put(name, "MX", [10, name])
        terms = [f"a:{name}", f"a:{name}/32", f"mx:{name}", f"-exists:{self.new_name('v')}", "ptr:nowhere.example",
                 "a:%{p}.any.example"]
        return self.random.choices(terms, [50, 18, 20, 2, 6, 10])[0]

    def void_lookups(self):
        terms = [self.pick("", "-") + self.pick("a:", "mx:", "exists:", "exists:") + self.void_name()
                 for _ in range(self.random.randrange(0, 5))]
        if self.chance(0.3):
            terms.append("include:" + self.new_name("i"))
            self.put(terms[-1][8:], "TXT", f"v=spf1 a:{self.void_name()} ~all")
        if self.chance(0.3):
            terms.append(self.pick("ptr", "a", "mx", "exists:%{p}.dyn.example", f"mx:{self.with_mx(self.pick(1, 2, 3))}"))
        self.random.shuffle(terms)
        self.publish(self.root, " ".join(["v=spf1", *terms, self.pick("+all", "-all", "")]))

    def void_name(self):
        name = self.new_name("v")
        if self.chance(0.4):
            self.put(name, "TXT", "nothing")
        elif self.chance(0.3):
            self.put(name, "CNAME", self.new_name("v"))
        return name

    def many_mx(self):
        name = self.root if self.chance(0.5) else self.new_name("m")
        count = self.random.randrange(8, 14)
        matching = self.random.randrange(count + 3)
        for position in range(count):
            host = self.new_name("mx")
            self.put(name, "MX", [self.pick(position, 10), host])
            self.put_addresses(host, "client" if position == matching else "far")
        self.publish(self.root, f"v=spf1 mx:{name} " + self.pick("-all", "+all"))

    def many_names(self):
        count = self.random.randrange(8, 14)
        matching = self.random.randrange(count + 3)
        for position in range(count):
            name = self.pick(self.new_name("p"), f"p{position}.elsewhere{self.number}.example")
            self.put_reverse([name])
            if position == matching:
                self.put(name, "AAAA" if self.is_v6 else "A", str(self.client))
            else:
                self.put(name, "AAAA" if self.is_v6 else "A", str(self.address("far")))
        end = self.pick("-all", "exists:%{p}.dyn.example -all", "+all")
        self.publish(self.root, f"v=spf1 {self.ptr_term(self.root)} {end}")

    def aliases(self):
        names = [self.new_name("al") for _ in range(self.random.randrange(1, 13))]
        for name, target in zip(names, names[1:]):
            self.put(name, "CNAME", target)
        if self.chance(0.2):
            self.put(names[-1], "CNAME", self.pick(*names))
        else:
            self.put(names[-1], "AAAA" if self.is_v6 else "A", str(self.client))
            self.put(names[-1], "TXT", "v=spf1 +all")
        self.publish(self.root, f"v=spf1 {self.pick('a:', 'include:', 'exists:', '-a:')}{names[0]} -all")

    def failing(self):
        name = self.new_name("f")
        self.put(name, self.pick("*", "A", "AAAA", "MX", "TXT"), "SERVFAIL")
        if self.chance(0.15):
            self.put(self.root, "TXT", "SERVFAIL")
        terms = [self.pick("a:", "mx:", "include:", "exists:", "redirect=", "exp=") + name for _ in range(self.pick(1, 2))]
        terms += [self.term(self.root, DEPTH_MAX) for _ in range(self.pick(0, 1, 2))]
        self.random.shuffle(terms)
        self.publish(self.root, " ".join(["v=spf1", *terms, self.pick("-all", "")]))

    def several_records(self):
        for _ in range(self.pick(2, 2, 3)):
            self.put(self.root, "TXT", self.pick("v=spf1 -all", "v=spf1 +all", "V=SPF1", "v=spf1 moo", "v=spf1\t+all",
                                                 "v=spf10 +all", "nothing", " v=spf1 +all"))
        if self.chance(0.3):
            self.put(self.root, "SPF", "v=spf1 +all")

    def no_target(self):
        name = self.new_name("n")
        if self.chance(0.5):
            self.put(name, "TXT", self.pick("nothing", "v=spf2", "v=spf1 moo", "v=spf1"))
        kind = self.pick("include:", "redirect=", "?include:", "-include:")
        self.publish(self.root, f"v=spf1 {kind}{name}{self.pick('', ' -all', ' +all')}")

    def long_names(self):
        long = self.pick("%{l}." * 3 + "%{o}", "%{s}" * 4, "x" * 60 + "." + "%{d}." * 20 + "%{d}", "%{ir}." * 10 + "%{d}",
                         "%{L}" * 30 + ".%{d}", "a" * 240 + ".%{d}")
        term = self.pick("exists:", "a:", "-exists:", "include:", "mx:") + long + ".dyn.example"
        self.publish(self.root, f"v=spf1 {term} {self.pick('-all', '+all', 'redirect=' + long)}")

    def deep(self):
        names = [self.root] + [self.new_name("d") for _ in range(self.random.randrange(7, 13))]
        for name, target in zip(names, names[1:]):
            self.put(name, "TXT", f"v=spf1 {self.pick('include:', 'include:', 'redirect=')}{target}")
        self.put(names[-1], "TXT", "v=spf1 " + self.pick("+all", "-all", "ip4:0.0.0.0/0 ip6:::/0"))

    def validated(self):
        """Names of the client in several of the domains that ask for %{p}."""
        names = [self.new_name("i") for _ in range(2)]
        for name in [self.root, *names]:
            below = self.pick(name, "mail." + name)
            self.put_reverse([below])
            self.put(below, "AAAA" if self.is_v6 else "A", str(self.client))
            exp = self.new_name("e")
            self.put(exp, "TXT", "%{p} %{d}")
            terms = [f"{self.pick('-', '', '?')}exists:%{{p}}.dyn.{self.pick('example', name)}", f"exp={exp}", "-all"]
            if name == self.root:
                terms[:1] = [f"include:{names[0]}", terms[0], self.pick("-all", f"redirect={names[1]}")]
            self.publish(name, " ".join(["v=spf1", *terms[:-1 if "redirect" in terms[-3] + terms[-2] else None]]))

    def case(self):
        kind = self.weighted(valid=38, macros=20, near_valid=25, hostile=17)
        getattr(self, kind)()
        if not any(name == self.client.reverse_pointer for name in self.zone) and self.chance(0.8):
            self.reverse_names()
        helo, mail_from = self.identity()
        ip = str(self.client)
        if not self.is_v6 and self.chance(0.05):
            ip = "::ffff:" + ip
        return Case(self.number, kind, ip, helo, mail_from, self.zone)
