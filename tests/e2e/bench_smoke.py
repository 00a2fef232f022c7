#!/usr/bin/python3
"""Goal: the benchmark programs work together: a small corpus, a second of load, and every verdict as expected.

Method: a corpus of 120 messages is made; the floor accepts its signatures; a daemon that has its zone as local data
answers it over ipc and tcp, in closed and open loop, and every mode of the load generator. What must be told
(mismatches, a server that is not there) is told.
"""
import json
import os
import subprocess
import tempfile

from lib.certificates import Authority
from lib.daemon import BUILD, Daemon, SHARDS, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report

BENCH = os.path.join(BUILD, "assay-bench")
CORPUS = os.path.join(BUILD, "bench", "assay-corpus")
FLOOR = os.path.join(BUILD, "bench", "floor")
ECHO = os.path.join(BUILD, "bench", "nng_echo")
RUN_S = 60


def run(*command):
    done = subprocess.run(command, capture_output=True, timeout=RUN_S, check=False, text=True)
    return done.returncode, done.stdout, done.stderr


def bench(report, what, *arguments, status=0):
    """A run of the load generator; its JSON object, or None when its exit status is not as expected."""
    got, output, error = run(BENCH, *arguments, "--json", "-w", "0.1", "-d", "0.5")
    if not report.check(f"{what}: exit status", got == status, f"{got}: {error.strip()} {output[:300]}"):
        return None
    return json.loads(output)


def all_answered(report, what, result):
    if result:
        report.check(what, result["replies"] > 0 and result["mismatches"] == 0 and result["unanswered"] == 0,
                     f"{result['replies']} replies, {result['mismatches']} mismatches, {result['unanswered']} unanswered")


def loads(report, daemon, tcp, tls, corpus):
    ipc, pid = daemon.ipc, str(daemon.process.pid)
    result = bench(report, "check", "check", "-s", ipc, "--server-pid", pid, corpus)
    all_answered(report, "check", result)
    report.check("a whole pass", result is not None and result["checked"] >= 120)
    report.check("CPU is told", result is not None and result["server_cpu_us"] > 0 and result["own_cpu_us"] > 0)
    result = bench(report, "digests", "check", "-s", ipc, "--digest", corpus)
    all_answered(report, "digests", result)
    report.check("no digest with cold messages", run(BENCH, "check", "--digest", "--cold", "5", corpus)[0] == 2)
    all_answered(report, "check over tcp", bench(report, "tcp", "check", "-s", tcp, corpus))
    all_answered(report, "check over TLS", bench(report, "tls", "check", "-s", tls, "--certificate",
                                                 os.path.join(corpus, "client.both"), corpus))
    all_answered(report, "large ones over TLS", bench(report, "tls, large", "refused", "-s", tls, "--octets", "200000", "-c", "3",
                                                      "--certificate", os.path.join(corpus, "client.both")))
    result = bench(report, "open loop", "check", "-s", ipc, "-r", "200", "--poisson", corpus)
    all_answered(report, "open loop", result)
    report.check("latency is told", result is not None and result["latency_ns"]["count"] > 0)
    result = bench(report, "without sleep", "check", "-s", ipc, "-r", "200", "--no-sleep", corpus)
    all_answered(report, "without sleep", result)
    report.check("it did not sleep", result is not None and result["own_cpu_us"] > 1000, str(result and result["own_cpu_us"]))
    all_answered(report, "sender", bench(report, "sender", "sender", "-s", ipc, corpus))
    all_answered(report, "status", bench(report, "status", "status", "-s", ipc, "--octets", "3000"))
    for octets in ("100", "25600", "200000"):
        what = f"refused, {octets} octets"
        all_answered(report, what, bench(report, what, "refused", "-s", ipc, "--octets", octets, "-c", "3", "-i", "2"))


def temporary_errors_are_told(report, daemon, corpus):
    """A daemon whose name server is silent."""
    result = bench(report, "temperror", "check", "-s", daemon.ipc, "-c", "2", "-i", "2", "--cold", "100", corpus, status=1)
    report.check("a temperror is a mismatch", result is not None and result["mismatches"] > 0)
    result = bench(report, "temperror allowed", "check", "-s", daemon.ipc, "-c", "2", "-i", "2", "--cold", "100",
                   "--allow-temporary", corpus)
    report.check("a temperror is deferred", result is not None and result["deferred"] == result["checked"] > 0,
                 str(result))


def mismatches_are_told(report, daemon, corpus):
    path = os.path.join(corpus, "messages.jsonl")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace('"spf":"pass"', '"spf":"fail"', 1))
    result = bench(report, "a wrong verdict", "check", "-s", daemon.ipc, corpus, status=1)
    report.check("a wrong verdict is counted", result is not None and result["mismatches"] > 0)
    result = bench(report, "temporary errors excuse no other difference", "check", "-s", daemon.ipc, "--allow-temporary",
                   corpus, status=1)
    report.check("a wrong verdict is no temporary one",
                 result is not None and result["mismatches"] > 0 and result["refused"] == result["deferred"] == 0)
    result = bench(report, "unchecked", "check", "-s", daemon.ipc, "--no-check", corpus)
    report.check("--no-check", result is not None and result["checked"] == 0)


def echo(report, directory):
    url = f"ipc://{directory}/echo"
    with subprocess.Popen([ECHO, url, "16"], stderr=subprocess.PIPE, text=True) as process:
        process.stderr.readline()
        all_answered(report, "echo", bench(report, "echo", "echo", "-s", url, "--octets", "5000", "-c", "2", "-i", "4"))
        process.terminate()


def certificates(directory):
    """The server's; the client's is in client.both."""
    authority = Authority(directory)
    client = authority.issue("client", ["mx.example"], "client")
    with open(os.path.join(directory, "client.both"), "wb") as both:
        for path in (client.certificate, client.key):
            with open(path, "rb") as part:
                both.write(part.read())
    return authority.issue("server", ["localhost"])


def main():
    report = Report("bench_smoke")
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as directory:
        corpus = os.path.join(directory, "corpus")
        status, _, error = run(CORPUS, "--messages", "120", "--domains", "20", "--seed", "3", corpus)
        report.check("the corpus is written", status == 0, error)
        status, output, error = run(FLOOR, "--json", "--rounds", "2", corpus)
        report.check("the floor agrees with the corpus", status == 0 and json.loads(output)["cpu_us"] > 0, error)
        tcp, tls = free_tcp_url(), "tls+" + free_tcp_url()
        server = certificates(corpus)
        text = (f'shards = {SHARDS}\nauthserv-id = "mx.example.org"\n'
                f'dns {{ dnssec = false zone-file = "{corpus}/all.zone" }}\n'
                "limits { queue-time = 600000 }\n"  # every request is to be answered, on slow machines too
                f'tls {{ certificate = "{server.certificate}" key = "{server.key}" client-ca = "{corpus}/ca.pem" }}\n')
        with Daemon(None, text=lambda ipc: f'listen = {{"{ipc}", "{tcp}", "{tls}"}}\n{text}') as daemon:
            loads(report, daemon, tcp, tls, corpus)
            mismatches_are_told(report, daemon, corpus)
        dns = DnsServer()
        dns.silent = True
        with Daemon(dns, timeout_ms=300) as daemon:
            temporary_errors_are_told(report, daemon, corpus)
        dns.stop()
        status, _, error = run(BENCH, "status", "-s", f"ipc://{directory}/nobody")
        report.check("no server is told", status == 3 and "nobody" in error, f"{status}: {error}")
        status, _, error = run(BENCH, "check", "-s", "ipc:///x", "--rate", "lots", corpus)
        report.check("a bad option is told", status == 2 and "rate" in error, f"{status}: {error}")
        echo(report, directory)
    report.finish()


if __name__ == "__main__":
    main()
