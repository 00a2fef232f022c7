#!/usr/bin/python3
"""Goal:   the dearest messages that a sender can make cost bounded work, and their verdicts are defined.
Method: each message goes through the real daemon; its counters before and after say what it cost, and are held against
        the bounds of the configuration. The processor time is printed for people and not asserted. LESSONS rows 4, 6, 17, 22 and
        STANDARDS chapter 8, S3, S11 to S13."""

import base64
import os

from lib.daemon import Daemon
from lib.dnsserver import DnsServer
from lib.report import Report

MIB = 1 << 20
KEY_1024 = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq"
    "631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
)
EMPTY_HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
SIGNATURES_MAX, LOOKUPS_MAX = 8, 60
U_LABEL = "\u00fc" * 20
HEADER = b"From: a@worst.example\r\nTo: b@example.org\r\nSubject: test\r\n"


def der(tag, content):
    length = len(content)
    octets = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + octets + content


def rsa_key(modulus_octets, exponent_octets):
    """A public key of any size; its numbers are odd and mean nothing."""
    number = der(2, b"\0" + b"\xff" * modulus_octets)
    exponent = der(2, b"\0" + b"\xff" * exponent_octets)
    return "v=DKIM1; p=" + base64.b64encode(der(0x30, number + exponent)).decode()


def signature(selector="s", h="from", extra="", octets=128, body_hash=EMPTY_HASH, canon="relaxed/relaxed"):
    b64 = base64.b64encode(b"\x01" * octets).decode()
    return (
        f"DKIM-Signature: v=1; a=rsa-sha256; c={canon}; d=worst.example; s={selector};\r\n"
        f" h={h}; {extra}bh={body_hash};\r\n b={b64}\r\n"
    ).encode()


def spf_tree():
    """Ten terms, each of which asks for ten names and finds nothing."""
    zone = {"worst.example": [["TXT", "v=spf1 " + " ".join(f"mx:m{i}.worst.example" for i in range(10)) + " -all"]]}
    for i in range(10):
        zone[f"m{i}.worst.example"] = [["MX", [j, f"h{i}-{j}.worst.example"]] for j in range(10)]
        for j in range(10):
            zone[f"h{i}-{j}.worst.example"] = [["A", "198.51.100.1"]]
    return zone


ZONE = {
    **spf_tree(),
    "*._domainkey.worst.example": [],
    "s._domainkey.worst.example": [["TXT", "v=DKIM1; p=" + KEY_1024]],
    "long._domainkey.worst.example": [["TXT", rsa_key(2048, 3)]],
    "exponent._domainkey.worst.example": [["TXT", rsa_key(256, 250)]],
    "_dmarc.worst.example": [["TXT", "v=DMARC1; p=reject"]],
    **{f"s{i}._domainkey.worst.example": [["TXT", "v=DKIM1; p=" + KEY_1024]] for i in range(1000)},
}


def messages():
    """(name, message, what the verdict must be like)"""
    body = b"\r\nbody\r\n"
    many = b"".join(signature(f"s{i}") for i in range(1000))
    yield "1,000 signatures, each with a key of its own", many + HEADER + body, "few"
    lengths = b"".join(signature(extra=f"l={i + 1}; ") for i in range(64))
    yield "64 signatures with an l= each, 10 MiB of body", lengths + HEADER + b"\r\n" + b"x y  z\r\n" * (10 * MIB // 8), "few"
    yield "10 MiB of header", b"X-Large: y\r\n" * (10 * MIB // 12) + HEADER + body, "bounds"
    yield "a field of 10 MiB", b"X-Large: " + b"y" * (10 * MIB) + b"\r\n" + HEADER + body, "bounds"
    to = b",\r\n ".join(b"Recipient %d <r%d@example.org>" % (i, i) for i in range(3000))
    yield "3,000 recipients in To", signature(h="from:to") + b"From: a@worst.example\r\nTo: " + to + b"\r\n" + body, "one"
    yield "h= with 10,000 names", signature(h=":".join(["from"] + ["x"] * 10000)) + HEADER + body, "one"
    names = ":".join(["from"] + [f"x{i % 50}" for i in range(900)])
    fields = b"".join(b"X%d: y\r\n" % (i % 50) for i in range(4000))
    yield "8 h= with 900 names over 4,000 fields", signature(h=names) * 8 + fields + HEADER + body, None
    yield "a key of 16,384 bits", signature("long", octets=2048) + HEADER + body, "one"
    yield "an exponent of 2,000 bits", signature("exponent", octets=256) + HEADER + body, "one"
    yield "comments 10,000 deep in From", b"From: " + b"(" * 10000 + b"a@worst.example\r\n" + body, None
    authors = b", ".join(b"a@d%d.worst.example" % i for i in range(3000))
    yield "3,000 author domains", b"From: " + authors + b"\r\n" + body, None
    u_labels = ",".join(f"a@{U_LABEL}{i % 3}.worst.example" for i in range(4900)).encode()
    yield "4,900 author domains with U-labels", b"From: " + u_labels + b"\r\n" + body, None
    yield "50,000 From fields behind a CR alone", b"X: " + b"\rFrom:a@b" * 50000 + b"\r\n" + HEADER + body, None
    for canon in ("relaxed/relaxed", "simple/simple"):
        signed = signature(canon=canon) + HEADER + b"\r\n"
        yield f"50 MiB of CRLF, {canon}", signed + b"\r\n" * (25 * MIB), "one"
        yield f"a line of 50 MiB, {canon}", signed + b"x" * (50 * MIB) + b"\r\n", "one"
        yield f"50 MiB of white space, {canon}", signed + b" \t" * (25 * MIB) + b"\r\n", "one"
        yield f"25 MiB of ' x', {canon}", signed + b"  x" * (25 * MIB // 3) + b"\r\n", "one"


def counters(daemon):
    answer = daemon.ask("status")
    return answer["counters"] if isinstance(answer["counters"], dict) else {c["name"]: c["value"] for c in answer["counters"]}


def processor_s(daemon):
    with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


def check(report, daemon, name, message, kind):
    path = os.path.join(daemon.directory, "message")
    with open(path, "wb") as file:
        file.write(message)
    before, start = counters(daemon), processor_s(daemon)
    verdict = daemon.ask("check", "--timeout", "55000", "--ip", "192.0.2.1", "--helo", "h.worst.example", "--from",
                         "a@worst.example", path)
    after, took = counters(daemon), processor_s(daemon) - start
    cost = {key: after[key] - before.get(key, 0) for key in after}
    print(f"{name:45} {took * 1000:7.0f} ms  {cost['dns_lookups_total']:3} look-ups  "
          f"{cost['signatures_checked_total']} signatures  {cost['body_hashes_total']} hashes  "
          f"{cost['passes_total']} passes  {resident_mib(daemon):4.0f} MiB")
    report.check(f"{name}: look-ups", cost["dns_lookups_total"] <= LOOKUPS_MAX, str(cost["dns_lookups_total"]))
    report.check(f"{name}: signatures", cost["signatures_checked_total"] <= SIGNATURES_MAX)
    report.check(f"{name}: body hashes", cost["body_hashes_total"] <= SIGNATURES_MAX)
    report.check(f"{name}: no pass", verdict["dmarc"]["result"] != "pass" and verdict["spf"]["result"] != "pass")
    passed = [s for s in verdict["dkim"] if s["result"] == "pass"]
    report.check(f"{name}: no signature passes", not passed, str(passed)[:300])
    if kind == "few":
        ignored = verdict["dkim_ignored"]
        report.check(f"{name}: the others are said to be ignored", ignored > 0
                     and verdict["dkim_ignored_reason"]["reason"].startswith(f"not looked at: {ignored} more ")
                     and f'dkim=policy reason="not looked at: {ignored} more' in verdict["authentication_results"],
                     verdict["authentication_results"])
        report.check(f"{name}: and counted", cost['reasons_total{code="dkim-ignored"}'] == 1)
        report.check(f"{name}: those looked at", len(verdict["dkim"]) <= SIGNATURES_MAX, str(len(verdict["dkim"])))
    if kind == "one":
        report.check(f"{name}: one signature, with a reason", len(verdict["dkim"]) == 1 and verdict["dkim"][0]["reason"])
    if kind == "bounds":
        report.check(f"{name}: over bounds, for good", verdict["flags"]["header_over_bounds"]
                     and verdict["dmarc"]["result"] == "permerror", str(verdict["dmarc"]))


def main():
    report = Report("worst_cases")
    dns = DnsServer(ZONE)
    with Daemon(dns, timeout_ms=5000) as daemon:
        for name, message, kind in messages():
            check(report, daemon, name, message, kind)
        answer = daemon.ask("spf", "--ip", "192.0.2.1", "--helo", "h.worst.example", "--from", "a@worst.example")
        report.check("a tree of 111 look-ups ends at the budget", answer["spf"]["result"] in ("temperror", "permerror"),
                     str(answer["spf"]))
    dns.stop()
    report.finish()


main()
