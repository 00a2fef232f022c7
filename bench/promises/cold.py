"""Cold names: how many questions that nobody has asked before a shard gets answered, and how often each goes out."""

import random

from nameserver import Nsd
from rig import Daemon, Row, median, sp

from lib.dnsserver import DnsServer

AIM_LOOKUPS = 15000
AT_ONCE = 10000
CONNECTIONS = 64
DELAY_S = 0.3  # of the name server: all have asked before it answers; less than the resolver's first repetition (376 ms)


def lookups(rig, daemon, corpus, mode, seconds):
    """(look-ups a second, look-ups a CPU second of the shard, its part of a core, wrong or missing answers)"""
    before, cpu_before = daemon.counters(), sum(daemon.cpu_s().values())
    result = rig.bench(rig.core_load, mode, "-s", daemon.url, "-c", 16, "-i", 16, "-w", 0, "-d", seconds, "--cold", 100,
                       corpus)
    after, cpu = daemon.counters(), sum(daemon.cpu_s().values()) - cpu_before
    asked = after["dns_lookups_total"] - before["dns_lookups_total"]
    wrong = result["mismatches"] + result["unanswered"]
    return asked / result["seconds"], asked / cpu, cpu / result["seconds"], wrong


def rate(rig):
    corpus = rig.corpus("mixed")
    seconds, rounds = (1, 1) if rig.quick else (4, 5)
    rows = []
    with Nsd(rig, corpus, rig.port) as nsd, Daemon(rig, "cold", nsd.forward()) as daemon:
        for mode, what in ("sender", "SPF alone, 1 look-up a request"), ("check", "messages"):
            found = [lookups(rig, daemon, corpus, mode, seconds) for _ in range(rounds)]
            each, of_cpu, share = (median([one[i] for one in found]) for i in range(3))
            wrong = sum(one[3] for one in found)
            rows.append(Row(f"cold names, a second and shard ({what})", f"{AIM_LOOKUPS:,}",
                            f"{of_cpu:,.0f} a CPU second of the shard ({1e6 / of_cpu:.1f} us each); by the clock {each:,.0f}, "
                            f"the shard having {share:.2f} of its core; {wrong} wrong or missing", of_cpu >= AIM_LOOKUPS))
    return rows


def ask_at_once(url, name, count):
    """So many requests for one name, all sent before an answer is taken; returns how many were answered."""
    peers = [sp.Peer(url) for _ in range(CONNECTIONS)]
    body, answered = sp.check_sender(name), 0
    for number, peer in enumerate(peers):
        mine = range(number, count, CONNECTIONS)
        peer.send(b"".join(peer.frame(body, request) for request in mine))
    for number, peer in enumerate(peers):
        answered += sum(sp.SENDER_VERDICT in peer.take_reply()[1] for _ in range(number, count, CONNECTIONS))
        peer.close()
    return answered


def single_flight(rig):
    names = [f"one{random.randrange(10 ** 9)}.example" for _ in range(2 if rig.quick else 10)]
    dns = DnsServer({name: [["TXT", "v=spf1 ip4:192.0.2.0/24 -all"]] for name in names})
    dns.delay_s = DELAY_S
    extra = "limits { queue-time = 600000 }"  # the queue is not what is measured
    with Daemon(rig, "single", f'forward = {{"{dns.forward()}"}}', shards=2, core=rig.both, extra=extra) as daemon:
        before = daemon.counters()
        answered = [ask_at_once(daemon.url, name, AT_ONCE) for name in names]
        after = daemon.counters()
    dns.stop()
    asked = [dns.queries(name, "TXT") for name in names]
    joined = (after["dns_lookups_joined_total"] - before["dns_lookups_joined_total"]) / len(names)
    return Row(f"one name, {AT_ONCE:,} requests at once, 2 shards, {CONNECTIONS} connections", "1 query at the name server",
               f"{min(asked)} to {max(asked)} over {len(names)} names; {joined:,.0f} requests a name found it under way; "
               f"{min(answered):,} answered", set(asked) == {1} and set(answered) == {AT_ONCE})


def measure(rig):
    return rate(rig) + [single_flight(rig)]
