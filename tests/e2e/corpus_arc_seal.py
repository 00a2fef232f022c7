#!/usr/bin/python3
"""Goal:   the sealing set of the corpus comes out right over the wire, and what was sealed verifies.
Method: a daemon with the group's key; each case is one Seal call at the case's clock. Tags are compared, of
        ARC-Message-Signature b= too (RSA with PKCS#1 v1.5 has one signature; that of ARC-Seal depends on how the fields
        are folded). Then the message with its new set is checked by the daemon and, where it is installed, by dkimpy."""

import os
import re
import tempfile
import textwrap

from lib import wire
from lib.corpus import differs, everything, load, message_path, wanted
from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.sp import Peer

try:
    import dkim
except ImportError:
    dkim = None

SET = "arc/sign"


def key_file(group, directory):
    path = os.path.join(directory, "key.pem")
    lines = textwrap.wrap(group["private_key_der_base64"], 64)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
        file.write("\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----", ""]))
    return path


def sealer(group, names, path):
    return (f'sealer "{group["domain"]}" {{ selector = "{group["selector"]}" key-file = "{path}" '
            f'headers = {{{", ".join(names)}}} }} dkim {{ min-rsa-bits = 512 }}')


def unfolded(value):
    return re.sub(r"\r\n[ \t]+", " ", value)


def tags(value):
    """{name: value} without white space in b= and bh=."""
    found = dict(re.fullmatch(r"\s*(\w+)\s*=\s*(.*?)\s*", part, re.S).groups() for part in value.split(";"))
    return {name: re.sub(r"\s", "", text) if name in ("b", "bh", "h") else text for name, text in found.items()}


def ask_seal(daemon, case, text):
    with Peer(daemon.ipc) as peer:
        peer.send(peer.frame(wire.seal("id", text, received_at=case["clock"], authserv_id=case["authserv_id"])))
        return wire.response(peer.take_payload()[1])[1]


def compare(sealed, expect):
    fields = dict(sealed["fields"])
    seal, message = tags(fields["ARC-Seal"]), tags(fields["ARC-Message-Signature"])
    want = dict(expect["seal"])
    problems = differs("cv", sealed["cv"], [want["cv"]]) + differs("instance", str(sealed["instance"]), [want["i"]])
    for name in want.keys() - {"b"} | seal.keys() - {"b"}:
        problems += differs(f"seal {name}", seal.get(name), [want.get(name)])
    for name in expect["message_signature"].keys() | message.keys():
        problems += differs(f"message signature {name}", message.get(name), [expect["message_signature"].get(name)])
    problems += differs("results", unfolded(fields["ARC-Authentication-Results"]), [expect["authentication_results"]])
    too_long = [line for value in fields.values() for line in value.split("\r\n") if len(line) > 78]
    return problems + (["a line over 78 octets"] if too_long else [])


def verify_by_dkimpy(octets, zone, cv):
    if not dkim:
        return []

    def txt(name, timeout=5):
        records = zone.get(name.decode().rstrip(".").lower(), [])
        return records[0][1].encode() if records else None

    found, _, reason = dkim.arc_verify(octets, dnsfunc=txt, minkey=512)
    passed = found == b"pass"
    return [] if passed != (cv == "fail") else [f"dkimpy: {found} ({reason})"]


def verify(daemon, case, sealed, text, zone):
    whole = "".join(f"{name}: {value}\r\n" for name, value in sealed["fields"]).encode() + text
    arc = daemon.ask("check", "--received-at", str(case["clock"]), "-", stdin=whole)["arc"]
    expected = "fail" if sealed["cv"] == "fail" else "pass"
    problems = differs(f"our own check ({arc['reason']})", arc["result"], [expected])
    problems += differs("instance", arc["instance"], [sealed["instance"]])
    return problems + verify_by_dkimpy(whole, zone, sealed["cv"])


def run_case(daemon, zone, case):
    with open(message_path(SET, case), "rb") as file:
        text = file.read()
    sealed = ask_seal(daemon, case, text)
    if "error" in sealed:
        return [sealed["error"]]
    if case["expect"]["seal"] is None:
        return differs("sealed", sealed["sealed"], [False]) + differs("code", sealed["code"], ["arc-sealed-broken"])
    if not sealed["sealed"]:
        return [f"not sealed: {sealed['reason']}"]
    return compare(sealed, case["expect"]) + verify(daemon, case, sealed, text, zone)


def run_group(report, group, directory):
    path = key_file(group, directory)
    # The records have line ends in p=, which no zone file could.
    zone = {name: [[kind, value.replace("\n", "")] for kind, value in records] for name, records in group["zone"].items()}
    dns = DnsServer(zone)
    try:
        with Daemon(dns, extra=sealer(group, group["cases"][0]["sign_headers"], path)) as daemon:
            for case in group["cases"]:
                if wanted(case["id"]):
                    report.case(f"{SET}/{case['id']}", run_case(daemon, zone, case))
            shown = "\n".join(daemon.lines)
    except DaemonError as error:
        report.check(f"{SET}: {group['name']}", False, str(error))
    else:
        report.check(f"{group['name']}: no key in the log", group["private_key_der_base64"][40:80] not in shown, "")
    finally:
        dns.stop()
        os.unlink(path)


def main():
    report = Report("corpus_arc_seal", {})
    with tempfile.TemporaryDirectory() as directory:
        for group in load("corpus_arc_seal", SET)["groups"]:
            run_group(report, group, directory)
    if not dkim:
        print("dkimpy is not installed: seals were verified by the daemon alone")
    report.finish(complete=everything)


main()
