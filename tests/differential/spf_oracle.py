"""pyspf over the zone of the test, as it is and corrected where RFC 7208 proves it wrong (see corrections.py)."""

import re

import spf

from corrections import Correction

LABEL_OCTETS_MAX = 63
NAME_OCTETS_MAX = 253
ALIASES_MAX = 8       # a limit of resolvers, not of SPF: both sides get the same one
EXPLANATION_MAX = 200

CORRECTIONS = [
    Correction("order", "RFC 7208 sections 4.6.2 and 4.6.4",
               "mechanisms are evaluated from left to right until one matches, and what is behind it is not looked up or"
               " counted; the oracle counts redirect= and looks up %{p} and exp= of the whole record first"),
    Correction("void-terms", "RFC 7208 section 4.6.4",
               "void look-ups are terms with an empty answer; the oracle counts each empty query for the address of an MX"
               " or PTR name, for a record's TXT and for %{p} of exp="),
    Correction("ptr-errors", "RFC 7208 section 5.5",
               "a DNS error for the PTR query means no match, and one for an address skips that name; the oracle says"
               " temperror"),
    Correction("p-counts", "RFC 7208 section 4.6.4",
               "%{p} is included in the limit of 10 terms that cause look-ups; the oracle does not count it"),
    Correction("p-domain", "RFC 7208 section 7.3",
               "%{p} prefers a name of the <domain> at hand, in any case of letters; the oracle keeps the choice made for"
               " another domain, and compares octets"),
    Correction("macro-syntax", "RFC 7208 section 7.1",
               "macro-expand has the letters, digits, r and delimiters of the grammar, and macro-literal is %x21-24 /"
               " %x26-7E; the oracle skips what it does not know"),
    Correction("line-end", "RFC 7208 section 12",
               "a term is made of visible octets; the oracle overlooks an LF at the end of one, or behind a prefix length"),
    Correction("macro-join", "RFC 7208 section 7.3",
               "parts are joined with dots, whatever delimiter split them; the oracle keeps the delimiters of"
               " all letters but l and s"),
    Correction("macro-case", "RFC 7208 section 7.1, RFC 5234 section 2.3",
               "\"r\" of the grammar is either case; the oracle knows it in lower case only"),
    Correction("name-length", "RFC 7208 section 7.3",
               "labels are dropped from the left until 253 octets are left, of names and not of texts; the oracle drops"
               " one, of both"),
    Correction("modifier-case", "RFC 7208 section 12, RFC 5234 section 2.3",
               "the names redirect and exp are either case; the oracle knows them in lower case only"),
    Correction("modifier-repeated", "RFC 7208 section 6",
               "unknown modifiers are ignored \"no matter where, or how often, they appear\"; the oracle says permerror"),
    Correction("include-self", "RFC 7208 sections 4.6 and 5.2",
               "a record that includes itself is well-formed, and a match before that term counts; the oracle says"
               " permerror before it evaluates"),
    Correction("mx-hosts", "RFC 7208 sections 4.6.4 and 5.4",
               "permerror is for querying more than 10 address records, and \"if any address matches, the mechanism"
               " matches\"; the oracle counts the MX records before, and asks for all hosts before it compares"),
    Correction("sender", "RFC 7208 section 4.3, RFC 5321 section 4.1.2",
               "a domain may end in a dot, a missing local-part is \"postmaster\" in %{s} too, and the domain stands behind"
               " the last \"@\""),
    Correction("mailbox", "RFC 5321 section 4.1.2, RFC 7208 section 4.3",
               "a reverse-path that is no mailbox has no domain, so the result is none; the oracle looks up what is"
               " behind the first \"@\", or all"),
    Correction("non-ascii", "RFC 8616 section 4",
               "with a local-part that is not ASCII, terms that use it match nothing; the oracle says permerror or"
               " looks the octets up"),
    Correction("backslash", "RFC 7208 section 4.8",
               "a name in presentation form cannot have a backslash from a local-part, and \"some implementations choose to"
               " treat such errors as not-match\"; the oracle asks for it"),
    Correction("explanation-text", "RFC 7208 section 6.2",
               "an explanation goes into an SMTP reply: what does not fit is cut, and controls are left out"),
]

MACRO_STRING = re.compile(r"(?:[!-$&-~]|%%|%_|%-|%\{[slodiphv]0*[1-9]?[0-9]*r?[.\-+,/_=]*\})*\Z", re.IGNORECASE)
EXPLAIN_STRING = re.compile(r"(?:[ !-$&-~]|%%|%_|%-|%\{[slodiphvcrt]0*[1-9]?[0-9]*r?[.\-+,/_=]*\})*\Z", re.IGNORECASE)
ZERO_DIGITS = re.compile(r"%\{[a-z]0+r?[^0-9]*\}", re.IGNORECASE)
USES_VALIDATED = re.compile(r"%\{p", re.IGNORECASE)
USES_LOCAL_PART = re.compile(r"%\{[sl]", re.IGNORECASE)
LOCAL_PART = re.compile(r'(?:[^\x00-\x1f\x7f()<>\[\]:;,@\\"]*|"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*")\Z')


class DotsAlone(dict):
    def get(self, key, default=None):
        return "."


class Oracle:
    """Replaces pyspf's look-ups; check() gives (word, explanation or None)."""

    def __init__(self, zone):
        self.zone = zone
        spf.DNSLookup = self._lookup

    def _lookup(self, name, qtype, strict=True, timeout=None):
        if not 0 < len(name) <= NAME_OCTETS_MAX:
            return []
        state, values = self.zone.lookup(name, qtype, ALIASES_MAX)
        if state in ("servfail", "timeout"):
            raise spf.TempError(f"DNS {state}")
        return [((name, qtype), self._value(qtype, value)) for value in values]

    @staticmethod
    def _value(qtype, value):
        if qtype == "TXT":
            strings = [value] if isinstance(value, str) else value
            return [string.encode() for string in strings]
        if qtype == "MX":
            return tuple(value)
        return value

    def check(self, case, corrections=frozenset()):
        try:
            query = Corrected(corrections, case.ip, case.mail_from, case.helo, case.receiver)
        except spf.PermError:
            return "permerror", None
        if corrections and not query.has_domain():
            return "none", None
        query.t = str(case.received_at)
        try:
            word, _, text = query.check()
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError, AssertionError) as error:
            return f"crash: {error!r}", None
        text = text if word == "fail" and text != spf.EXPLANATIONS["fail"] else None
        return word, query.explanation_text(text)


class Corrected(spf.query):
    """pyspf's query; with no corrections, exactly that."""

    def __init__(self, corrections, ip, mail_from, helo, receiver):
        self.corrections = corrections
        self.apart = 0        # look-ups that are no term's main one are under way
        self.only_syntax = False
        super().__init__(i=ip, s=mail_from, h=helo, receiver=receiver)
        if "sender" in corrections:
            self._correct_sender()

    # ---- the identity ----

    def _correct_sender(self):
        local, at, domain = self.s.rpartition("@")
        if not at:
            return
        self.l = local or "postmaster"
        self.d = self.o = domain[:-1] if domain.endswith(".") else domain
        self.s = f"{self.l}@{self.o}"

    def has_domain(self):
        if "mailbox" not in self.corrections or self.ident == "helo":
            return True
        local, at, _ = self.s.rpartition("@")
        return bool(at) and LOCAL_PART.match(local) is not None

    # ---- DNS, and what counts ----

    def dns(self, name, qtype, cnames=None, ignore_void=False):
        if "backslash" in self.corrections and "\\" in name:
            return []
        if "void-terms" in self.corrections and (self.apart or qtype == "TXT"):
            ignore_void = True
        return super().dns(name, qtype, cnames, ignore_void)

    def _apart(self, function, *arguments):
        self.apart += 1
        try:
            return function(*arguments)
        finally:
            self.apart -= 1

    def dns_mx(self, domainname):
        if "mx-hosts" not in self.corrections:
            names = sorted(self.dns(domainname, "MX"))
            if len(names) > spf.MAX_MX:
                raise spf.PermError("too many MX")
            return [address for name in names for address in self._apart(self.dns_a, name[1], self.A)]
        return self._mx_addresses(sorted(self.dns(domainname, "MX")))

    def _mx_addresses(self, names):
        for position, (_, host) in enumerate(name for name in names if name[1] not in ("", ".")):
            if position >= spf.MAX_MX:
                raise spf.PermError("too many MX hosts looked up")
            yield from self._apart(self.dns_a, host, self.A)

    def cidrmatch(self, ipaddrs, n):
        return any(spf.query.cidrmatch(self, [address], n) for address in ipaddrs)

    def validated_ptrs(self):
        if "ptr-errors" not in self.corrections:
            return [name for name in self.dns_ptr(self.i)[:spf.MAX_PTR] if self._leads_back(name)]
        try:
            names = self.dns_ptr(self.i)[:spf.MAX_PTR]
        except spf.TempError:
            return []
        return [name for name in names if self._leads_back_or_skip(name)]

    def _leads_back(self, name):
        return self.cidrmatch(self._apart(self.dns_a, name, self.A), self.cidrmax)

    def _leads_back_or_skip(self, name):
        try:
            return self._leads_back(name)
        except spf.TempError:
            return False

    def getp(self):
        if self.only_syntax:
            self.p = "unknown"
            return self.p
        if "p-domain" not in self.corrections:
            return self._choose_p()
        self.p, domain, self.d = None, self.d, self.d.lower()
        try:
            return self._choose_p()
        finally:
            self.d = domain

    def _choose_p(self):
        return self._apart(spf.query.getp, self) if "void-terms" in self.corrections else super().getp()

    # ---- macros ----

    def expand(self, s, stripdot=True):
        if "macro-syntax" in self.corrections:
            grammar = MACRO_STRING if stripdot else EXPLAIN_STRING
            if not grammar.match(s) or ZERO_DIGITS.search(s):
                raise spf.PermError("malformed macro-string", s)
        if "macro-case" in self.corrections:
            s = re.sub(r"(%\{[a-zA-Z][0-9]*)R", r"\1r", s)
        joiners, spf.JOINERS = spf.JOINERS, DotsAlone() if "macro-join" in self.corrections else spf.JOINERS
        try:
            return self._expand(s, stripdot)
        finally:
            spf.JOINERS = joiners

    def _expand(self, s, stripdot):
        if "name-length" not in self.corrections:
            return super().expand(s, stripdot)
        whole = "".join(self._expand_piece(piece, stripdot) for piece in re.split(r"(%%|%_|%-|%\{[^}]*\})", s))
        if not stripdot:
            return whole
        whole = whole[:-1] if whole.endswith(".") else whole
        while len(whole) > NAME_OCTETS_MAX and "." in whole:
            whole = whole.partition(".")[2]
        return whole

    def _expand_piece(self, piece, stripdot):
        if piece.startswith("%{"):
            return self._long_macro(piece, stripdot)
        return {"%%": "%", "%_": " ", "%-": "%20"}.get(piece, piece)

    def _long_macro(self, piece, stripdot):
        letter = piece[2].lower()
        if letter == "p":
            self.getp()
        elif letter in "crt" and stripdot:
            raise spf.PermError("c, r, t in a name", piece)
        value = getattr(self, letter, None) if letter in "slodiphvcrt" else None
        if value is None:
            raise spf.PermError("unknown macro", piece)
        value = spf.expand_one(value, piece[3:-1], spf.JOINERS.get(letter))
        return spf.urllibparse.quote(value, "~") if piece[2].isupper() else value

    # ---- the record ----

    def validate_mechanism(self, mech):
        if "line-end" in self.corrections and "\n" in mech:
            raise spf.PermError("LF", mech)
        try:
            return super().validate_mechanism(mech)
        except spf.PermError as error:
            # It takes an include without a domain for one of its own: that is an error of the record (section 5.2).
            if "include-self" not in self.corrections or "trivial recursion" not in error.msg or ":" not in mech:
                raise
            return mech, "include", self.d, self.cidrmax, spf.RESULTS.get(mech[0], "pass")

    def _normalized(self, record):
        """The record with modifiers that the oracle reads as they are meant."""
        version, *words = record.split(" ")
        terms, seen = [version], 0
        for term in words:
            name, equals, value = term.partition("=")
            if equals and spf.RE_MODIFIER.match(term):
                if "modifier-case" in self.corrections and name.lower() in ("redirect", "exp"):
                    name = name.lower()
                if "modifier-repeated" in self.corrections and name.lower() not in ("redirect", "exp"):
                    seen += 1
                    name = f"unknown{seen}"
                term = f"{name}={value}"
            terms.append(term)
        return " ".join(terms)

    def check0(self, record, recursion):
        if not record:
            return super().check0(record, recursion)
        record = self._normalized(record)
        if "order" not in self.corrections:
            return super().check0(record, recursion)
        return self._check_in_order([term for term in record.split(" ")[1:] if term], recursion)

    def _syntax(self, terms):
        """(mechanisms, {name: value} of modifiers), or PermError, without a look-up."""
        mechanisms, modifiers = [], {}
        self.only_syntax = True
        try:
            for term in terms:
                if not spf.RE_MODIFIER.match(term):
                    self.validate_mechanism(term)
                    mechanisms.append(term)
                    continue
                name, _, value = term.partition("=")
                if name in modifiers:
                    raise spf.PermError("modifier twice", term)
                modifiers[name] = value
                known = name in ("redirect", "exp")
                if known and not value:
                    raise spf.PermError("empty domain", term)
                (self.expand_domain if known else self.expand)(value)
        finally:
            self.only_syntax = False
        return mechanisms, modifiers

    def _check_in_order(self, terms, recursion):
        mechanisms, modifiers = self._syntax(terms)
        for term in mechanisms:
            result = self._matches(term, recursion)
            if result:
                return result, 250, self._explain(modifiers, result, recursion)
        redirect = modifiers.get("redirect")
        if not redirect or self._is_non_ascii(redirect) or any(self._kind(term) == "all" for term in mechanisms):
            return "neutral", 250, ""
        self.check_lookups()
        target = self._target(redirect)
        record = target and self.dns_spf(target)
        if not record:
            raise spf.PermError("redirect domain has no SPF record", redirect)
        return self.check1(record, target, recursion)

    @staticmethod
    def _kind(term):
        return re.split("[:/]", term.lstrip("+-~?"))[0].lower()

    def _count(self, term):
        self.check_lookups()
        if "p-counts" in self.corrections and USES_VALIDATED.search(term):
            self.check_lookups()

    def _target(self, spec):
        if "p-counts" in self.corrections and USES_VALIDATED.search(spec):
            self.check_lookups()
        return self.expand_domain(spec)

    def _matches(self, term, recursion):
        """The result of a term that matches, else None."""
        if self._kind(term) in ("include", "a", "mx", "ptr", "exists"):
            self._count(term)
            if self._is_non_ascii(term):
                return None
        _, kind, target, bits, result = self.validate_mechanism(term)
        if kind == "include":
            return result if self._include_passes(target, recursion, term) else None
        found = (kind == "all"
                 or kind == "exists" and self.dns_a(target, "A")
                 or kind == "a" and self.cidrmatch(self.dns_a(target, self.A), bits)
                 or kind == "mx" and self.cidrmatch(self.dns_mx(target), bits)
                 or kind == "ptr" and spf.domainmatch(self.validated_ptrs(), target)
                 or kind == "ip4" and self.v == "in-addr" and self.cidrmatch([target], bits)
                 or kind == "ip6" and self.v == "ip6" and self.cidrmatch([target], bits))
        return result if found else None

    def _is_non_ascii(self, term):
        return "non-ascii" in self.corrections and not self.l.isascii() and USES_LOCAL_PART.search(term)

    def _include_passes(self, target, recursion, term):
        result = self.check1(self.dns_spf(target), target, recursion + 1)[0]
        if result == "none":
            raise spf.PermError("no SPF record for the included domain", term)
        return result == "pass"

    def _explain(self, modifiers, result, recursion):
        if result == "fail" and "exp" in modifiers and not recursion:
            try:
                return self.get_explanation(self.expand_domain(modifiers["exp"])) or spf.EXPLANATIONS["fail"]
            except (spf.PermError, spf.TempError):
                pass
        return spf.EXPLANATIONS[result]

    def explanation_text(self, text):
        if text is None or "explanation-text" not in self.corrections:
            return text
        text = "".join(c for c in text if " " <= c <= "~") if text.isascii() else ""
        return text[:EXPLANATION_MAX] or None
