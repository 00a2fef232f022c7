#!/usr/bin/python3
"""Goal:   200 connections with 16 requests in flight each: every reply is the one to its request.
Method: a stock libnng program with as many REQ sockets and contexts; half of the connections over ipc, half over tcp.
        ASSAY_SOAK_S says for how many seconds (default 3)."""

import concurrent.futures
import os

from lib.daemon import Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

CONNECTIONS = 200
LANES = 16
SECONDS = int(os.environ.get("ASSAY_SOAK_S", "3"))


def main():
    report = Report("nng_soak")
    dns = DnsServer(PASS)
    tcp = free_tcp_url()
    half = [str(CONNECTIONS // 2), str(LANES), str(SECONDS)]
    patient = "limits { queue-time = 600000 }"  # every request is to be answered, on slow machines too
    with Daemon(dns, listen=[tcp], extra=patient) as daemon, concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(daemon.stock, "soak", *half, url=url, timeout=SECONDS + 120) for url in (daemon.ipc, tcp)]
        for run in runs:
            status, output = run.result()
            print(output)
            report.check("every reply is matched", status == 0, output)
        answer = daemon.ask("status")
        report.check("afterwards it still serves", answer["version"] != "")
    dns.stop()
    report.finish()


main()
