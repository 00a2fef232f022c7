"""What mail asks of DNS, for the formulas and for the simulation: domains by Zipf, names, lifetimes of answers.

Every number here is an assumption that docs/capacity.md names; change them and run again.
"""
import hashlib

ZIPF = 1.0
DOMAINS = 1_000_000
PROVIDERS = 100          # of SPF records that others include, and of second signatures; by Zipf, too
INCLUDES = 0.8           # messages whose SPF record includes a provider's
SECOND_SIGNATURES = 0.4  # messages that a provider has signed beside the author's domain
OWN_NAMES = 3            # SPF record, key and DMARC policy of the author's domain itself
LIFETIMES = ((300, 0.35), (3600, 0.45), (86400, 0.20))  # seconds, and share of names


def zipf_shares(count, exponent=ZIPF):
    """Shares of the ranks from 1 on: each weight 1 / rank^exponent."""
    weights = [1 / rank**exponent for rank in range(1, count + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


def zipf_groups(count, exponent=ZIPF, exact=2000, growth=1.02):
    """[(share of one, how many)], the first `exact` by themselves, then in groups whose ranks differ by 2 %."""
    groups, total, rank = [], 0.0, 1
    while rank <= count:
        last = rank if rank <= exact else min(count, int(rank * growth))
        middle = (rank * last) ** 0.5
        groups.append((1 / middle**exponent, last - rank + 1))
        total += groups[-1][0] * groups[-1][1]
        rank = last + 1
    return [(weight / total, number) for weight, number in groups]


def stable(text):
    """A number out of a name, the same in every run."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def lifetime_of(name):
    """A name's lifetime: out of LIFETIMES, by its hash."""
    at = stable("ttl " + name) / 2**64
    for seconds, share in LIFETIMES:
        at -= share
        if at < 0:
            return seconds
    return LIFETIMES[-1][0]
