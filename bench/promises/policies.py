"""How long checks of messages take while a thousand TLS policies are fetched.

The daemon has one shard, on the first core, and may use the other one for its fetches. The checks come at a fixed rate from the first
core too, where nothing else runs: so what is seen is what fetching does to the shard. The web server, the one who asks for
the policies, and DNS (local data) are on the second core, in a process of their own."""

import os
import subprocess
import sys
import threading
import time

from rig import Daemon, Row, median, us

DOMAINS, CONNECTIONS, RATE = 1000, 24, 400
AIM = 1.5  # times; what two runs without fetches differ by

ASKER = """
import os, sys, threading
sys.path.append({tests!r})
from lib.httpsserver import HttpsServer, Site, policy
from lib.pipeline import Pipeline
from lib.wire import tls_policy
domains = {domains!r}
web = HttpsServer({work!r}, {{f"mta-sts.{{domain}}": Site(policy()) for domain in domains}}, address="", shared=50)
print(web.port, web.ca_file, flush=True)
sys.stdin.readline()
with Pipeline({url!r}, window=len(domains)) as pipeline:
    replies = pipeline.ask_all([tls_policy(domain, domain, deadline_ms=240000) for domain in domains])
print(sum(reply.verdict.get("mta_sts", {{}}).get("result") == "policy" for reply in replies), flush=True)
os._exit(0)
"""


def zone(path, corpus, domains):
    with open(os.path.join(corpus, "all.zone"), encoding="utf-8") as known, open(path, "w", encoding="utf-8") as file:
        file.write(known.read())
        file.write("$TTL 300\n")
        for at, domain in enumerate(domains):
            file.write(f'_mta-sts.{domain}. TXT "v=STSv1; id=1"\nmta-sts.{domain}. A 127.0.0.{at % 2 + 1}\n'
                       f"{domain}. MX 10 mx.example.\n")


def checks(rig, daemon, corpus):
    return rig.bench(rig.core_server, "check", "-s", daemon.url, "-c", 4, "-r", RATE, "-w", 0, "-d", 1.5, "--messages", 200, corpus)


def measure(rig):
    corpus = rig.corpus("plain", "--plain", "--median", "8192", "--mean", "8192")
    domains = [f"d{at}.policies.test" for at in range(100 if rig.quick else DOMAINS)]
    path, url = rig.path("policies.zone"), f"ipc://{rig.path('policies')}.sock"
    zone(path, corpus, domains)
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "e2e")
    code = ASKER.format(tests=tests, domains=domains, work=rig.work, url=url)
    with subprocess.Popen(["taskset", "-c", rig.core_load, sys.executable, "-B", "-c", code], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as asker:
        port, authority = asker.stdout.readline().split()
        extra = (f'limits {{ queue-time = 600000 }}\nmta-sts {{ ca-file = "{authority}" https-port = {port} allow-private-addresses = true '
                 f"max-connections = {CONNECTIONS} }}\n")
        with Daemon(rig, "policies", f'zone-file = "{path}" timeout = 20000', core=rig.both, extra=extra) as daemon:
            rig.bench(rig.core_server, "check", "-s", daemon.url, "-w", 0, "-d", 0.5, corpus)
            before = [checks(rig, daemon, corpus) for _ in range(3)]
            start, during, answer = time.monotonic(), [], []
            asker.stdin.write("\n")
            asker.stdin.flush()
            reader = threading.Thread(target=lambda: answer.append((int(asker.stdout.readline()), time.monotonic())))
            reader.start()
            while not answer:
                during.append(checks(rig, daemon, corpus))
            reader.join()
            served, took = answer[0][0], answer[0][1] - start
            most = daemon.counters()["policy_connections_most"]
    quiet, busy = ([result["latency_ns"]["p99"] for result in runs] for runs in (before, during[:-1] or during))
    wrong = sum(result["mismatches"] + result["unanswered"] for result in before + during)
    return [
        Row(f"{len(domains):,} policies fetched at once: connections", f"{CONNECTIONS}",
            f"at most {most}; {served:,} policies in {took:.1f} s", most <= CONNECTIONS and served == len(domains)),
        Row("checks of messages meanwhile, p99 of 1.5 s each", "as before",
            f"{', '.join(f'{us(value):.0f}' for value in busy)} us; before {', '.join(f'{us(value):.0f}' for value in quiet)} us; "
            f"{wrong} wrong or missing", median(busy) <= AIM * median(quiet)),
    ]
