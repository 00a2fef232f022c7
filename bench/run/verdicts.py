"""Verdicts of peers beside the corpus' expected ones: what differs, how often, and why as far as it is known."""

import collections
import json

# (peer or None for any, method, expected, found): why. Facts of the peers, not of the corpus.
WHY = {
    ("stack", "dkim", "permerror", "temperror"): "a key that does not exist (NXDOMAIN) is a failed look-up for libopendkim's own resolver",
    ("stack", "dmarc", "fail", "pass"): "aspf=s: an SPF domain below the author domain is taken as aligned all the same",
    ("stack", "dmarc", "pass", "none"): "RFC 7489's public suffix list beside RFC 9989's tree walk",
    ("stack", "dmarc", "fail", "none"): "RFC 7489's public suffix list beside RFC 9989's tree walk",
    ("mailauth", "dkim", "fail", "neutral"): "a body hash that does not match is neutral for mailauth",
    ("mailauth", "dkim", "permerror", "neutral"): "a missing or revoked key is neutral for mailauth",
    ("python", "dkim", "permerror", "fail"): "verify() is False for a missing or revoked key",
    ("python", "spf", "pass", "permerror"): "counts AAAA of each mx host as a void look-up (RFC 7208 section 4.6.4: two), for clients with IPv6",
    ("perl", "spf", "pass", "permerror"): "counts AAAA of each mx host as a void look-up (RFC 7208 section 4.6.4: two), for clients with IPv6",
    ("perl", "dkim", "pass", "permerror"): "Mail::DKIM of this version does not know ed25519",
    ("perl", "dkim", "fail", "permerror"): "Mail::DKIM of this version does not know ed25519",
    ("perl", "dmarc", "fail", "none"): "RFC 7489's public suffix list beside RFC 9989's tree walk",
    ("rspamd", "dmarc", "fail", "pass"): "follows from the SPF pass of such a domain",
    ("rspamd", "spf", "permerror", "pass"): "of two SPF records it takes one (RFC 7208 section 4.5: permerror)",
    ("rspamd", "spf", "permerror", "fail"): "of two SPF records it takes one (RFC 7208 section 4.5: permerror)",
    ("rspamd", "spf", "permerror", "softfail"): "of two SPF records it takes one (RFC 7208 section 4.5: permerror)",
    ("rspamd", "spf", "permerror", "neutral"): "of two SPF records it takes one (RFC 7208 section 4.5: permerror)",
}


def expected(corpus, messages=None):
    with open(f"{corpus}/messages.jsonl", encoding="utf-8") as file:
        return [json.loads(line)["expect"] for line in file][:messages]


class Comparison:
    """Of one peer: per method how many verdicts agree, and the classes of those that do not."""

    def __init__(self, peer):
        self.peer = peer
        self.agree, self.asked = collections.Counter(), collections.Counter()
        self.classes = collections.Counter()  # (method, expected, found)
        self.first = {}  # class -> number of the first message

    def _note(self, number, method, wanted, found):
        self.asked[method] += 1
        if wanted == found:
            self.agree[method] += 1
            return
        self.classes[method, wanted, found] += 1
        self.first.setdefault((method, wanted, found), number)

    def add(self, number, expect, verdict):
        self._note(number, "spf", expect["spf"], verdict["spf"])
        if "dmarc" in verdict:
            self._note(number, "dmarc", expect["dmarc"], verdict["dmarc"])
        found = collections.defaultdict(list)
        for domain, selector, word in verdict["dkim"]:
            found[domain, selector].append(word)
        for signature in expect["dkim"]:
            words = found[signature["domain"], signature["selector"]]
            self._note(number, "dkim", signature["result"], words.pop(0) if words else "missing")

    def text(self, method):
        return f"{self.agree[method]:,} of {self.asked[method]:,}" if self.asked[method] else "not told"

    def rows(self):
        """(method, expected, found, count, first message, why), the most frequent first."""
        for (method, wanted, found), count in self.classes.most_common():
            why = WHY.get((self.peer, method, wanted, found), "not explained")
            yield method, wanted, found, count, self.first[method, wanted, found], why


def compare(peer_name, expectations, verdicts):
    comparison = Comparison(peer_name)
    for number, (expect, verdict) in enumerate(zip(expectations, verdicts)):
        comparison.add(number, expect, verdict)
    return comparison
