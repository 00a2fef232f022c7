#!/usr/bin/python3
"""Checks formula.py with events: messages arrive, go to nodes, and look their names up in LRU caches with lifetimes.

    python3 bench/capacity/simulate.py [--seed N] [--rate N] [--nodes N] [--domains N] [--days N] [--answers N]

The first half of the days fills the caches and is not counted. The same options print the same numbers.
"""
import argparse
import bisect
import collections
import itertools
import random

import formula
import model


class Cache:
    """Of one node: at most `answers` of them, the least recently used goes first."""

    def __init__(self, answers):
        self.answers = answers
        self.ends = collections.OrderedDict()

    def is_hit(self, name, seconds, now):
        end = self.ends.get(name, -1.0)
        if end > now:
            self.ends.move_to_end(name)
            return True
        self.ends[name] = now + seconds
        self.ends.move_to_end(name)
        if len(self.ends) > self.answers:
            self.ends.popitem(last=False)
        return False


class World:
    """Domains, providers, and which of them a message is of."""

    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.domains = list(itertools.accumulate(model.zipf_shares(options.domains)))
        self.providers = list(itertools.accumulate(model.zipf_shares(model.PROVIDERS)))
        self.lifetimes = {}

    def pick(self, cumulated):
        return min(bisect.bisect_left(cumulated, self.random.random()), len(cumulated) - 1)

    def lifetime(self, name):
        if name not in self.lifetimes:
            self.lifetimes[name] = model.lifetime_of(repr(name))
        return self.lifetimes[name]

    def names(self, domain):
        """What a message of this domain looks up."""
        names = [(domain, kind) for kind in range(model.OWN_NAMES)]
        if self.random.random() < model.INCLUDES:
            names.append(("include", self.pick(self.providers)))
        if self.random.random() < model.SECOND_SIGNATURES:
            names.append(("key", self.pick(self.providers)))
        return names


def run(options, policy):
    """The same measures as formula.evaluate()."""
    world = World(options)
    caches = [Cache(options.answers) for _ in range(options.nodes)]
    homes, hot = {}, formula.HOT_PART / options.nodes
    end, now = options.days * 86400, 0.0
    loads = [0] * options.nodes
    messages = asked = sent = waited = 0
    while True:
        now += world.random.expovariate(options.rate)
        if now > end:
            break
        domain = world.pick(world.domains)
        share = world.domains[domain] - (world.domains[domain - 1] if domain else 0)
        node = world.random.randrange(options.nodes)
        if policy == "domain" or (policy == "hot" and share <= hot):
            node = homes.setdefault(domain, model.stable(f"home {domain}") % options.nodes)
        misses = 0
        names = world.names(domain)
        for name in names:
            misses += not caches[node].is_hit(name, world.lifetime(name), now)
        if now > end / 2:
            messages += 1
            asked += len(names)
            sent += misses
            waited += misses > 0
            loads[node] += 1
    return {"asked": asked, "questions": sent, "missed": waited / messages, "busiest": max(loads) / (sum(loads) / options.nodes)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--domains", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=2)
    parser.add_argument("--answers", type=int, default=1_000_000, help="that a node's cache holds")
    options = parser.parse_args()
    model.DOMAINS = options.domains
    print("| goes to | hits: events | formula | messages that wait: events | formula, at most | busiest node: events | formula |")
    print("|---|---|---|---|---|---|---|")
    for policy in ("any", "domain", "hot"):
        seen, reckoned = run(options, policy), formula.evaluate(options.rate, options.nodes, policy)
        print(f"| {policy} | {1 - seen['questions'] / seen['asked']:.1%} | {1 - reckoned['questions'] / reckoned['asked']:.1%} | "
              f"{seen['missed']:.1%} | {reckoned['missed']:.1%} | {seen['busiest']:.2f} | {reckoned['busiest']:.2f} |")


if __name__ == "__main__":
    main()
