#!/usr/bin/python3
"""Goal:   digests made by the client come to the verdict of the whole message, byte for byte as JSON, reasons included; for
        messages of 100 KB they move at most a tenth of the octets; and what a client cannot honestly send is refused.
Method: every message of the corpora that has signatures is checked twice, `assay check --json` without and with --digest,
        in both modes of the corpora, beside signatures in every form that l= and c= can take, and generated messages
        (ASSAY_DIGEST_MESSAGES of them, 10,000 for the full run). Octets are the daemon's own counter. Digests that are
        wrong, missing, twice, or contradict each other are written by hand."""

import base64
import hashlib
import json
import os
import re
import subprocess
import tempfile

from lib import sp
from lib.corpus import ROOT, load, message_path
from lib.daemon import CLIENTS, Daemon, SHARDS
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.signer import RsaKey, signature_field
from lib.wire import verdict as read_verdict, Fields

SETS = ["dkim/mail-dkim", "dkim/exim", "dkim/mail-auth", "dkim/dkim_verifier", "dkim/jdkim", "dkim/mimekit",
        "arc/validation", "arc/other", "e2e/auth-milter", "e2e/blaze"]
MODES = {
    "legacy": "limits { header-size = 1048576 header-fields = 2000 } arc { oldest-pass = true } "
              "dkim { min-rsa-bits = 512 allow-rsa-sha1 = true }",
    "rfc8301": "",
}
GENERATED = int(os.environ.get("ASSAY_DIGEST_MESSAGES", "300"))
BATCH = 100
MESSAGE_OCTETS_MAX = 64 << 20  # limits.message-size


def arguments(case):
    values = ["--received-at", str(case["clock"])]
    if "ip" in case:
        values += ["--ip", case["ip"], "--helo", case["helo"], "--from", case["mailfrom"]]
    return values


def both(daemon, *values):
    """What `assay check` says without and with digests: (status, output) each."""
    whole = daemon.assay("check", "--json", *values)
    digest = daemon.assay("check", "--json", "--digest", *values)
    return whole[:2], digest[:2]


def told_alike(line):
    """What a server that does not answer comes to is a matter of time: ours is over, or the resolver gave up before."""
    return re.sub(rb"could not be looked up: (time-out|SERVFAIL)", b"could not be looked up: no answer", line)


def compare(report, what, daemon, *values):
    whole, digest = both(daemon, *values)
    return report.check(what, whole == digest and whole[0] == 0 and whole[1],
                        f"\n  whole  {whole}\n  digest {digest}")


def compare_all(report, what, daemon, values, files):
    """Many messages with one envelope and clock."""
    whole, digest = [(status, output.splitlines()) for status, output in both(daemon, *values, *files)]
    report.check(f"{what}: a verdict for each", whole[0] == digest[0] == 0 and
                 len(whole[1]) == len(digest[1]) == len(files), f"{whole[0]} {digest[0]}")
    for name, one, other in zip(files, whole[1], digest[1]):
        report.check(f"{what} {name}", told_alike(one) == told_alike(other), f"\n  whole  {one}\n  digest {other}")
    return whole[1]


def corpora(report):
    for set_name in SETS:
        for group in load("digest", set_name)["groups"]:
            batches = {}
            for case in group["cases"]:
                if "message" in case:
                    batches.setdefault(tuple(arguments(case)), []).append(message_path(set_name, case))
            dns = DnsServer(group["zone"])
            for mode, extra in MODES.items():
                with Daemon(dns, extra=extra) as daemon:
                    for values, files in batches.items():
                        compare_all(report, f"{set_name} {mode}", daemon, values, files)
            dns.stop()


def generated(report, directory, count):
    """Every message of a generated corpus, in batches of one clock."""
    corpus = os.path.join(directory, "corpus")
    subprocess.run([os.path.join(CLIENTS, "bench", "assay-corpus"), "--seed", "8", "--messages", str(count), "--domains",
                    "200", "--eml", corpus], check=True)
    text = (f'shards = {SHARDS}\nauthserv-id = "mx.example.org"\n'
            f'dns {{ dnssec = false zone-file = "{corpus}/all.zone" }}\n')
    with open(os.path.join(corpus, "messages.jsonl"), encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    names = sorted(os.listdir(os.path.join(corpus, "eml")))
    report.check("as many files as messages", len(names) == len(entries) == count)
    passes = 0
    with Daemon(None, text=lambda ipc: f'listen = {{"{ipc}"}}\n{text}') as daemon:
        for at in range(0, count, BATCH):
            files = [os.path.join(corpus, "eml", name) for name in names[at:at + BATCH]]
            entry = entries[at]
            values = ["--received-at", str(entry["received_at"] + BATCH), "--ip", entry["client_ip"], "--helo", entry["helo"],
                      "--from", entry["mail_from"]]
            for line in compare_all(report, f"generated {at}", daemon, values, files):
                passes += any(signature["result"] == "pass" for signature in json.loads(line)["dkim"])
    report.check("most generated messages have a good signature", passes > count / 2, str(passes))


def octets_moved(report, directory):
    corpus = os.path.join(directory, "large")
    subprocess.run([os.path.join(CLIENTS, "bench", "assay-corpus"), "--seed", "9", "--messages", "40", "--domains", "5",
                    "--median", "100000", "--mean", "100001", "--largest", "120000", "--eml", corpus], check=True)
    files = [os.path.join(corpus, "eml", name) for name in sorted(os.listdir(os.path.join(corpus, "eml")))]
    with open(os.path.join(corpus, "messages.jsonl"), encoding="utf-8") as file:
        sizes = [json.loads(line)["octets"] for line in file]
    files = [name for name, size in zip(files, sizes) if size >= 95000]
    report.check("there are messages of 100 KB", len(files) >= 10, str(sizes))
    with Daemon(None, text=lambda ipc: f'listen = {{"{ipc}"}}\nshards = {SHARDS}\ndns {{ dnssec = false zone-file = '
                                       f'"{corpus}/all.zone" }}\n') as daemon:
        moved = []
        for option in ([], ["--digest"]):
            before = sp.counters(daemon.ipc)["octets_received_total"]
            daemon.assay("check", "--json", *option, *files)
            moved.append(sp.counters(daemon.ipc)["octets_received_total"] - before)
    print(f"{len(files)} messages of 100 KB: {moved[0]} octets whole, {moved[1]} as digests "
          f"({100 * moved[1] / moved[0]:.1f} %)")
    report.check("a tenth of the octets", moved[1] * 10 <= moved[0], str(moved))


# ---- what only a hand-written client sends ----

HEADER = b"From: a@sign.example\r\n"
BODY = b"Hello  there\r\n\r\n\tand more \r\n"
DOMAIN, SELECTOR = "sign.example", "s"
KEY = RsaKey()
ZONE = {f"{SELECTOR}._domainkey.{DOMAIN}": [["TXT", KEY.record()]]}


def digest(canon, hash_name, octets, length=None, canonical=None):
    made = hashlib.new("sha1" if hash_name else "sha256", octets[:length] if length is not None else octets).digest()
    part = sp.field(1, canon) + sp.field(2, hash_name) + sp.field(4, made)
    part += sp.field(5, len(octets) if canonical is None else canonical)
    if length is not None:
        part += sp.field(3, length) + sp.field(6, 1)
    return part


def check_digest(header, digests, extra=b"", **settings):
    parts = b"".join(sp.field(3, part) for part in digests)
    return sp.field(12, sp.field(1, sp.envelope(**settings)) + sp.field(2, header) + parts + extra)


def error_of(reply):
    found = sp.fields(reply[sp.ERROR]) if sp.ERROR in reply else {}
    return found.get(1), found.get(2, b"").decode()


def verdict_of(reply):
    return read_verdict(Fields(reply[sp.VERDICT]))


def refused(report, peer):
    simple = digest(0, 0, BODY)
    for what, body, part in [
        ("an empty line in the header", check_digest(HEADER + b"\r\n", [simple]), "empty line"),
        ("an empty line at its start", check_digest(b"\r\n" + HEADER, [simple]), "empty line"),
        ("a digest that is too short", check_digest(HEADER, [simple.replace(b"\x22\x20", b"\x22\x1f")[:-1]]), ""),
        ("a SHA-1 with 32 octets", check_digest(HEADER, [sp.field(2, 1) + sp.field(4, bytes(32))]), "digests"),
        ("an unknown hash", check_digest(HEADER, [sp.field(2, 7) + sp.field(4, bytes(32))]), "digests"),
        ("an unknown canonicalization", check_digest(HEADER, [sp.field(1, 7) + sp.field(4, bytes(32))]), "digests"),
        ("two of a kind", check_digest(HEADER, [simple, simple]), "two of the same"),
        ("two sizes", check_digest(HEADER, [simple, digest(0, 1, BODY, canonical=7)]), "two numbers"),
        ("more than 256", check_digest(HEADER, [digest(0, 0, BODY, n) for n in range(257)]), "more than 256"),
    ]:
        code, text = error_of(peer.ask(body))
        report.check(f"refused: {what}", code == 1 and part in text, f"{code} {text}")
    reply = peer.ask(check_digest(HEADER, [digest(0, 0, BODY, n) for n in range(256)]))
    report.check("256 digests are taken", sp.VERDICT in reply, str(reply))
    code, text = error_of(peer.ask(check_digest(HEADER, [simple], sp.field(6, MESSAGE_OCTETS_MAX + 1))))
    report.check("refused: a message that is larger than limits.message-size", code == 2 and "message-size" in text, f"{code} {text}")
    reply = peer.ask(check_digest(HEADER, [simple], sp.field(6, MESSAGE_OCTETS_MAX)))
    report.check("one that is not is taken", sp.VERDICT in reply, str(reply))


def by_hand(report):
    dns = DnsServer(ZONE)
    with Daemon(dns) as daemon, sp.Peer(daemon.ipc) as peer:
        refused(report, peer)
        header = signature_field(KEY, DOMAIN, SELECTOR, HEADER.decode().strip(), BODY).encode() + HEADER
        good = verdict_of(peer.ask(check_digest(header, [digest(0, 0, BODY)])))
        report.check("a good digest passes", good["dkim"][0]["result"] == "pass", str(good["dkim"]))
        wrong = verdict_of(peer.ask(check_digest(header, [digest(0, 0, BODY + b"x")])))
        report.check("another body fails", wrong["dkim"][0]["result"] == "fail" and
                     wrong["dkim"][0]["code"] == "dkim-body-hash", str(wrong["dkim"]))
        for what, digests in [("none", []), ("another hash", [digest(0, 1, BODY)]), ("another form", [digest(1, 0, BODY)]),
                              ("another l=", [digest(0, 0, BODY, len(BODY))])]:
            missing = verdict_of(peer.ask(check_digest(header, digests)))
            report.check(f"{what}: temperror, never pass", missing["dkim"][0]["result"] == "temperror" and
                         missing["dkim"][0]["code"] == "dkim-digest-missing", str(missing["dkim"]))
        flags = Fields(peer.ask(check_digest(HEADER, [], sp.field(4, 1) + sp.field(5, 1)))[sp.VERDICT]).message(8)
        report.check("the body's flags count", flags.number(1) and flags.number(2))
        counters = sp.counters(daemon.ipc)
        report.check("they are counted", counters["requests_check_digest_total"] >= 8, str(counters))
        report.check("and no body was hashed", counters["body_hashes_total"] == 0)
    dns.stop()


# ---- every form of signature over bodies of every form ----

BODIES = [b"", b"\r\n", b"a", b"a\r\n", b"\r\n\r\n\r\n", b"a \t b \r\n\r\n \r\n\r\n", b"x\ry\r\n", b"x\r",
          b"\r\r\n", b"line\r\n" * 3000, b" \t" * 5000 + b"\r\n", b"\r\n" * 9000 + b"end"]


def many_signatures(body):
    """A header with signatures of every kind. Their b= is wrong and their bh= what it happens to be: what matters is that each
    asks for another hash of the body, and that the reason tells what became of it."""
    fields = []
    for canon in ("", "c=relaxed; ", "c=simple/relaxed; ", "c=relaxed/simple; ", "c=RELAXED/Relaxed; ", "c=other; "):
        for algorithm in ("rsa-sha256", "rsa-sha1", "ed25519-sha256", "RSA-SHA256", "none"):
            for length in ("", "l=0; ", "l=1; ", f"l={len(body)}; ", "l=3; ", f"l={10 ** 75}; ", "l=x; "):
                made = hashlib.sha256 if "256" in algorithm else hashlib.sha1
                value = base64.b64encode(made(body).digest()).decode()
                fields.append(f"DKIM-Signature: v=1; a={algorithm}; d={DOMAIN}; s={SELECTOR}; h=From; {canon}{length}"
                              f"bh={value}; b=AAAA\r\n")
    return fields


def forms(report, directory):
    dns = DnsServer(ZONE)
    with Daemon(dns, extra="dkim { max-signatures = 32 allow-rsa-sha1 = true min-rsa-bits = 512 }") as daemon:
        for number, body in enumerate(BODIES):
            fields = many_signatures(body)
            for at in range(0, len(fields), 32):
                path = os.path.join(directory, "form.eml")
                with open(path, "wb") as file:
                    file.write("".join(fields[at:at + 32]).encode() + HEADER + b"\r\n" + body)
                compare(report, f"body {number}, signatures from {at}", daemon, path)
        for what, text in [("no header", b"\r\nbody\r\n"), ("nothing", b""), ("no body", HEADER), ("no end", HEADER[:-2]),
                           ("an empty body", HEADER + b"\r\n"), ("one octet", b"x"), ("CR in the header", b"A: b\rc\r\n\r\n"),
                           ("a line end of two", b"\r\n"), ("a CR at the end", HEADER + b"\r\nx\r")]:
            path = os.path.join(directory, "form.eml")
            with open(path, "wb") as file:
                file.write(text)
            compare(report, what, daemon, path)
    dns.stop()


def main():
    report = Report("digest")
    by_hand(report)
    with tempfile.TemporaryDirectory(prefix="assay-digest-") as directory:
        forms(report, directory)
        octets_moved(report, directory)
        generated(report, directory, GENERATED)
    if os.path.isdir(ROOT):
        corpora(report)
    else:
        print(f"no corpus at {ROOT}: left out")
    report.finish()


main()
