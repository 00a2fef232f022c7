#!/usr/bin/python3
"""Goal:   a message is checked, sealed, and found whole with its new set; a call that cannot be done says why; no key is shown.
Method: two sealers with keys of their own; Seal calls over the wire, checks by the command. Then keys that cannot be used."""

import os
import tempfile

from lib import wire
from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.signer import RsaKey
from lib.sp import Peer

KEYS = {"list.example": RsaKey(bits=1024, seed=11), "forward.example": RsaKey(bits=1024, seed=12)}
ZONE = {
    "author.example": [["TXT", "v=spf1 ip4:192.0.2.1 -all"]],
    "_dmarc.author.example": [["TXT", "v=DMARC1; p=reject"]],
    **{f"k._domainkey.{domain}": [["TXT", key.record()]] for domain, key in KEYS.items()},
}
MESSAGE = b"From: a@author.example\r\nSubject: x\r\n\r\nHi.\r\n"
BURST = 200


def write(directory, name, text, mode=0o600):
    path = os.path.join(directory, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def section(domain, path):
    return f'sealer "{domain}" {{\n\tselector = "k"\n\tkey-file = "{path}"\n}}\n'


def check(daemon, message, ip="192.0.2.1"):
    return daemon.ask("check", "--ip", ip, "--helo", "h.example", "--from", "a@author.example", "-", stdin=message)


def seal(daemon, message, **settings):
    with Peer(daemon.ipc) as peer:
        peer.send(peer.frame(wire.seal("id", message, **settings)))
        return wire.response(peer.take_payload()[1])[1]


def with_fields(sealed, message):
    return "".join(f"{name}: {value}\r\n" for name, value in sealed["fields"]).encode() + message


def check_way(report, daemon):
    """From the author to a list, which changes the body, to a forwarder, to us."""
    arrived = check(daemon, MESSAGE)
    changed = MESSAGE + b"-- \r\nlist footer\r\n"
    sealed = seal(daemon, changed, authentication_results=arrived["authentication_results"])
    report.check("sealed", sealed.get("sealed") and (sealed["instance"], sealed["cv"]) == (1, "none"), str(sealed))
    listed = with_fields(sealed, changed)
    arrived = check(daemon, listed, ip="198.51.100.1")
    report.check("the list's chain passes", arrived["arc"]["result"] == "pass", str(arrived["arc"]))
    report.check("and brings what it found", arrived["dmarc"]["override"] and arrived["dmarc"]["disposition"] == "none",
                 str(arrived["dmarc"]))
    field = f"Authentication-Results: {arrived['authentication_results']}\r\n".encode()
    sealed = seal(daemon, field + listed, domain="forward.example")
    report.check("sealed again, of the field in the message",
                 sealed.get("sealed") and (sealed["instance"], sealed["cv"]) == (2, "pass"), str(sealed))
    arrived = check(daemon, with_fields(sealed, field + listed), ip="203.0.113.1")
    report.check("two hops", [hop["seal"]["domain"] for hop in arrived["arc"]["sets"]] == ["list.example", "forward.example"]
                 and arrived["arc"]["result"] == "pass", str(arrived["arc"]))
    sealed = seal(daemon, with_fields(sealed, field + listed).replace(b"Hi.", b"Ho."), authserv_id="other.example")
    report.check("a broken chain is sealed as one", (sealed["cv"], sealed["instance"]) == ("fail", 3), str(sealed))


def check_burst(report, daemon):
    """Many at once, checks between them: all are answered."""
    with Peer(daemon.ipc) as peer:
        frames = []
        for i in range(BURST):
            frames.append(peer.frame(wire.seal(f"s{i}", MESSAGE), 2 * i + 1))
            # Of a sender nobody has asked for: the look-up has to be received while signatures are made.
            frames.append(peer.frame(wire.check_message(f"c{i}", MESSAGE, client_ip="192.0.2.1", helo="h.example",
                                                        mail_from=f"a@c{i}.example"), 2 * i + 2))
        peer.send(b"".join(frames))
        replies = [wire.response(peer.take_payload()[1]) for _ in range(2 * BURST)]
    found, names = dict(replies), [name for name, _ in replies]
    waited = sum(name[0] == "s" for name in names[:names.index(next(name for name in names if name[0] == "c"))])
    report.check("checks do not wait for all signatures", waited < BURST // 2, f"{waited} of {BURST} seals came first")
    report.check("a burst", len(found) == 2 * BURST and all(found[f"s{i}"].get("sealed") for i in range(BURST))
                 and all(found[f"c{i}"].get("dmarc") for i in range(BURST)), str(list(found.items())[:3]))
    counters = daemon.ask("status")["counters"]
    report.check("counted", (counters["arc_sealed_total"], counters["signatures_made_total"]) == (BURST + 3, 2 * (BURST + 3)),
                 str({name: value for name, value in counters.items() if "seal" in name or "made" in name}))


def check_refusals(report, daemon, plain):
    report.check("no such sealer", seal(daemon, MESSAGE, domain="x.example") ==
                 {"error": "INVALID: domain: there is no such sealer"}, "")
    report.check("no sealer at all", seal(plain, MESSAGE) == {"error": "UNSUPPORTED: no sealer is configured"}, "")
    report.check("a bad address", "client_ip" in seal(daemon, MESSAGE, client_ip="x").get("error", ""), "")


def check_start(report, dns, directory):
    for name, text, mode, why in (("words", "hello", 0o600, "no private key"),
                                  ("open", KEYS["list.example"].pem(), 0o644, "everybody may read it")):
        path = write(directory, name, text, mode)
        try:
            with Daemon(dns, extra=section("list.example", path)):
                report.check(f"{name}: refused", False, "it started")
        except DaemonError as error:
            report.check(f"{name}: refused", why in str(error) and path in str(error) and "assayd.conf:" in str(error),
                         str(error))


def main():
    report = Report("arc_seal")
    dns = DnsServer(ZONE)
    try:
        with tempfile.TemporaryDirectory() as directory:
            # Whatever the burst takes: every one of it is to be answered.
            extra = 'limits { queue-time = 600000 }\narc { trusted-sealers = {"list.example"} }\n' + "".join(
                section(domain, write(directory, domain, key.pem())) for domain, key in KEYS.items())
            with Daemon(dns, extra=extra) as daemon, Daemon(dns) as plain:
                check_way(report, daemon)
                check_burst(report, daemon)
                check_refusals(report, daemon, plain)
                shown = "\n".join(daemon.lines)
            report.check("no key in the log", all(key.pem()[60:90] not in shown for key in KEYS.values()), shown)
            check_start(report, dns, directory)
    except DaemonError as error:
        report.check("arc_seal", False, str(error))
    finally:
        dns.stop()
    report.finish()


main()
