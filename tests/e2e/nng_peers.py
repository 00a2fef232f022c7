#!/usr/bin/python3
"""Goal:   any stock libnng REQ socket gets answers: over ipc and tcp, directly and through an nng device.
Method: a C program that uses libnng and the generated protobuf code alone; nngcat, when it is installed. Bodies that
        are no request get an error, never silence, and harm nobody."""

import os
import random
import shutil
import subprocess

from lib.daemon import Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

STATUS_REQUEST = b"\xf2\x01\x00"  # field 30, an empty message
DEVICE_REQUESTS = 200
RANDOM_BODIES = 100


def check_peers(report, daemon, tcp):
    for url in (daemon.ipc, tcp):
        scheme = url.split(":")[0]
        status, output = daemon.stock("status", url=url)
        report.check(f"stock REQ over {scheme}", status == 0, output)
        for front in (f"ipc://{daemon.directory}/device", free_tcp_url()):
            status, output = daemon.stock("device", front, str(DEVICE_REQUESTS), url=url)
            report.check(f"through a device: {front.split(':')[0]} to {scheme}", status == 0, output)


def check_nngcat(report, daemon, tcp):
    """With --interval: without it nngcat sets a negative time-out when a reply takes a millisecond, and gives up."""
    if not shutil.which("nngcat"):
        print("nngcat is not installed: left out")
        return
    path = os.path.join(daemon.directory, "request")
    with open(path, "wb") as file:
        file.write(STATUS_REQUEST)
    for url in (daemon.ipc, tcp):
        done = subprocess.run(["nngcat", "--req", "--dial", url, "--file", path, "--raw", "--count", "1",
                               "--interval", "20"],
                              capture_output=True, timeout=30, check=False)
        report.check(f"nngcat over {url.split(':')[0]}", b"ipc://" in done.stdout, f"{done.stdout[:80]} {done.stderr}")


def bodies():
    """(name, octets, error code that is expected or None for any answer)"""
    yield "empty", b"", "error 1"
    yield "no protobuf", b"\xff" * 64, "error 1"
    yield "cut", STATUS_REQUEST[:-1], "error 1"
    yield "length beyond the end", b"\x52\xff\xff\xff\xff\x0f", "error 1"
    yield "no call", b"\x0a\x02id", "error 1"
    yield "only unknown fields", b"\xfa\x3f\x01x", None
    yield "a status", STATUS_REQUEST, "result 30"
    yield "a status and unknown fields", STATUS_REQUEST + b"\xfa\x3f\x01x", "result 30"
    yield "a TLS policy", b"\xa2\x01\x09\x0a\x07a.b.c.d", None
    generator = random.Random(1)
    for number in range(RANDOM_BODIES):
        yield f"random {number}", generator.randbytes(generator.randrange(200)), None


def check_bodies(report, daemon):
    path = os.path.join(daemon.directory, "body")
    for name, body, want in bodies():
        with open(path, "wb") as file:
            file.write(body)
        status, output = daemon.stock("raw", path)
        report.check(f"body: {name}", status == 0 and output.startswith(want or ""), output)


def main():
    report = Report("nng_peers")
    dns = DnsServer(PASS)
    tcp = free_tcp_url()
    with Daemon(dns, listen=[tcp]) as daemon:
        check_peers(report, daemon, tcp)
        check_nngcat(report, daemon, tcp)
        check_bodies(report, daemon)
        check_peers(report, daemon, tcp)
    dns.stop()
    report.finish()


main()
