#!/usr/bin/python3
"""Hit rates of the nodes' caches by formula, for large rates. Prints the tables of docs/capacity.md.

    python3 bench/capacity/formula.py

An answer serves for T seconds from when it was fetched, then the next message fetches it again: of messages that come as a
Poisson process of rate r, one in 1 + rT fetches. So a name asks r / (1 + rT) questions a second, and is in the cache for
rT / (1 + rT) of the time. A name's T is not known, so each formula is the mean over LIFETIMES. Nothing is dropped for
want of memory here: how many answers are kept is in the table. simulate.py checks all that with events.
"""
import model

RATES = (10_000, 100_000, 1_000_000)
NODES = {10_000: (1, 2), 100_000: (2, 4, 8), 1_000_000: (4, 8, 16, 64)}
HOT_PART = 0.25  # a domain with more than this part of a node's mean load goes to any node


def questions(rate):
    """A second, of a name that is used at this rate on one node."""
    return sum(share * rate / (1 + rate * seconds) for seconds, share in model.LIFETIMES)


def kept(rate):
    """The part of the time that it is in the cache."""
    return sum(share * rate * seconds / (1 + rate * seconds) for seconds, share in model.LIFETIMES)


def names_of_providers(rate):
    """[(messages a second that use it, how many names)] of the names that domains share."""
    for share in model.zipf_shares(model.PROVIDERS):
        yield rate * share * model.INCLUDES, 1
        yield rate * share * model.SECOND_SIGNATURES, 1


def evaluate(rate, nodes, policy):
    """What the nodes do together: {"asked", "questions", "kept" on a node, "missed": messages with a question, at most, "busiest"}."""
    groups = model.zipf_groups(model.DOMAINS)
    asked = rate * (model.OWN_NAMES + model.INCLUDES + model.SECOND_SIGNATURES)
    sent = held = missed = busiest = 0.0
    hot_share = HOT_PART / nodes
    for share, number in groups:
        anywhere = policy == "any" or (policy == "hot" and share > hot_share)
        copies = nodes if anywhere else 1
        each = rate * share / copies
        sent += number * copies * model.OWN_NAMES * questions(each)
        held += number * copies * model.OWN_NAMES * kept(each)
        missed += number * rate * share * min(1.0, model.OWN_NAMES * questions(each) / each)
        if not anywhere:
            busiest = max(busiest, share)
    for used, number in names_of_providers(rate):
        sent += number * nodes * questions(used / nodes)
        held += number * nodes * kept(used / nodes)
    # The largest domain's node has its share of all others beside it.
    load = 1.0 if policy == "any" else (busiest + (1 - busiest) / nodes) * nodes
    return {"asked": asked, "questions": sent, "kept": held / nodes, "missed": missed / rate, "busiest": load}


def main():
    print("| messages/s | nodes | goes to | hits | messages that wait | questions/s | answers kept a node | busiest node |")
    print("|---|---|---|---|---|---|---|---|")
    words = {"any": "any node", "domain": "its domain's", "hot": "its domain's; large ones to any"}
    for rate in RATES:
        for nodes in NODES[rate]:
            for policy, word in words.items():
                if nodes == 1 and policy != "any":
                    continue
                found = evaluate(rate, nodes, policy)
                print(f"| {rate:,} | {nodes} | {word} | {1 - found['questions'] / found['asked']:.2%} | "
                      f"{found['missed']:.2%} | {found['questions']:,.0f} | {found['kept']:,.0f} | {found['busiest']:.2f} |")


if __name__ == "__main__":
    main()
