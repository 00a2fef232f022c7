"""DMARC once more, from the text of RFC 9989 (draft-ietf-dmarc-dmarcbis-41) alone: sections 4.4, 4.7, 4.8, 4.10, 5.3;
where that leaves a choice, from docs/decisions.md. Slow and plain: lists and dictionaries, no question is ever saved.

No other implementation of it is in Debian; what two independent readings agree on is less likely to be a misreading.
"""

import collections

POLICIES = ["none", "quarantine", "reject"]
ONCE = ("p", "sp", "np", "psd", "t")  # a record with one of these twice does not count
QUERIES_MAX = 8
ERROR = "error"

Outcome = collections.namedtuple("Outcome", "result policy_domain policy disposition spf_aligned dkim_aligned")
Record = collections.namedtuple("Record", "applies p sp np psd testing strict")
NO_POLICY = {"policy": None, "disposition": "none", "spf_aligned": False, "dkim_aligned": False}


def tags_of(text):
    """[(name, value)] of a policy record, without its version; None when it is none."""
    parts = [[word.strip(" \t") for word in part.split("=", 1)] for part in text.split(";")]
    if len(parts[0]) != 2 or parts[0][0].lower() != "v" or parts[0][1] != "DMARC1":
        return None
    return [(part[0].lower(), part[1]) for part in parts[1:] if len(part) == 2]


def record_of(text):
    """A Record; None: no policy record; ERROR: one that does not count."""
    tags = tags_of(text)
    if tags is None:
        return None
    names = [name for name, _ in tags]
    if any(names.count(name) > 1 for name in ONCE):
        return ERROR
    value = dict(reversed(tags))  # of other tags the first counts
    words = {name: value.get(name, "").lower() for name in ("p", "sp", "np")}
    policy = {name: word if word in POLICIES else None for name, word in words.items()}
    psd = value.get("psd", "u").lower()
    flags = {"psd": psd if psd in ("y", "n") else "u", "testing": value.get("t", "n").lower() == "y",
             "strict": {kind: value.get(tag, "r").lower() == "s" for kind, tag in (("dkim", "adkim"), ("spf", "aspf"))}}
    if policy["p"] is None or any(name in value and policy[name] is None for name in ("sp", "np")):
        return Record("mailto:" in value.get("rua", ""), "none", "none", "none", **flags)
    sp = policy["sp"] or policy["p"]
    return Record(True, policy["p"], sp, policy["np"] or sp, **flags)


def is_equal_or_below(name, other):
    return name == other or name.endswith("." + other)


def last_labels(name, count):
    return ".".join(name.split(".")[-count:])


def one_below(walked, name):
    """The name on the way from `walked` one label below `name`."""
    return last_labels(walked, len(name.split(".")) + 1)


class Oracle:
    def __init__(self, zone):
        self.zone = zone  # bulk.BulkZone

    def record_at(self, name):
        """The one that counts; None; ERROR when the question has no answer."""
        state, texts = self.zone.entries(f"_dmarc.{name}", "TXT")
        if state not in ("found", "nxdomain"):
            return ERROR
        records = [record for record in map(record_of, texts) if record is not None]
        return records[0] if len(records) == 1 and records[0] != ERROR else None

    def walk(self, name):
        """[(name, record)] of the tree walk, section 4.10."""
        labels = name.split(".")
        shorter = labels[-(QUERIES_MAX - 1):] if len(labels) >= QUERIES_MAX else labels[1:]
        steps = []
        for target in [name] + [".".join(shorter[at:]) for at in range(len(shorter))]:
            steps.append((target, self.record_at(target)))
            if isinstance(steps[-1][1], Record) and steps[-1][1].psd != "u":
                break
        return steps

    def organizational_domain(self, name):
        """Section 4.10.2; None when an error hides it."""
        steps = self.walk(name)
        if any(record == ERROR for _, record in steps):
            return None
        found = name
        for target, record in steps:
            if record and record.psd == "n":
                return target
            if record and record.psd == "y" and target != name:
                return one_below(name, target)
            found = target if record else found
        return found

    def highest_candidate(self, name):
        """Where the organizational domain would be at most, whatever the errors hide."""
        found = name
        for target, record in self.walk(name):
            if isinstance(record, Record) and record.psd == "y" and target != name:
                return one_below(name, target)
            found = target if record else found
        return found

    def policy_of(self, author):
        """(domain, record) that applies by section 4.10.1; (ERROR, None); (None, None)."""
        steps = self.walk(author)
        if isinstance(steps[0][1], Record):
            return steps[0]
        if any(record == ERROR for _, record in steps):
            return ERROR, None
        organization = self.organizational_domain(author)
        for target, record in steps:
            if record and target == organization:
                return target, record
        last = steps[-1]
        return last if last[1] and last[1].psd == "y" else (None, None)

    def exists(self, name):
        """None when that cannot be found out (section 3.2.13, RFC 8020)."""
        states = [self.zone.entries(asked, "TXT")[0] for asked in (f"_dmarc.{name}", name)]
        if states[0] == "found" or states[1] == "found":
            return True
        return False if states[1] == "nxdomain" else None

    def aligned(self, name, author, strict):
        """Section 4.10.2; None when an error hides it."""
        if name == author or strict:
            return name == author
        organization = self.organizational_domain(author)
        if organization is None:
            return None if is_equal_or_below(name, self.highest_candidate(author)) else False
        if not is_equal_or_below(name, organization):
            return False
        other = self.organizational_domain(name)
        return None if other is None else other == organization

    def evaluate(self, author, identifiers):
        """`identifiers`: (kind, domain, state), with kind "spf" or "dkim" and state "pass", "fail" or "temperror"."""
        domain, record = self.policy_of(author)
        if domain == ERROR:
            return Outcome("temperror", policy_domain=None, **NO_POLICY)
        if record is None or not record.applies:
            return Outcome("none", policy_domain=domain, **NO_POLICY)
        exists = True if domain == author or record.sp == record.np else self.exists(author)
        policy = record.p if domain == author else record.sp if exists else record.np
        if exists is None:
            policy = min(record.sp, record.np, key=POLICIES.index)
        verdicts = [(kind, state, self.aligned(name, author, record.strict[kind])) for kind, name, state in identifiers]
        passed = {kind for kind, state, aligned in verdicts if state == "pass" and aligned}
        if passed:
            return Outcome("pass", domain, policy, "none", "spf" in passed, "dkim" in passed)
        undecided = any(state == "temperror" and aligned is not False or state == "pass" and aligned is None
                        for _, state, aligned in verdicts)
        if undecided or exists is None:
            return Outcome("temperror", domain, policy, "none", False, False)
        lowered = max(POLICIES.index(policy) - record.testing, 0)
        return Outcome("fail", domain, policy, POLICIES[lowered], False, False)
