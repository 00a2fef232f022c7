#!/usr/bin/python3
"""Goal:   ARC over the wire: hops are shown, a disposition changes on the word of a listed sealer alone and the verdict says
so, the switch switches it off, a longer chain fails and is counted.
Method: chains of one and two hops that forwarded a message of an author with p=reject; daemons with and without the
        sealers in their list."""

from lib.daemon import Daemon, DaemonError
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.signer import RsaKey, arc_set

KEY = RsaKey(bits=1024, seed=7)
ZONE = {
    "_dmarc.author.example": [["TXT", "v=DMARC1; p=reject"]],
    "k._domainkey.list.example": [["TXT", KEY.record()]],
    "k._domainkey.relay.example": [["TXT", KEY.record()]],
}
FROM = "from:a@author.example\r\n"
BODY = b"Hi.\r\n"
FOUND = "dmarc=pass header.from=author.example; arc=none smtp.remote-ip=192.0.2.9"
COMMENT = "arc=pass as[1].d=list.example as[1].s=k remote-ip[1]=192.0.2.9"
LISTED = 'arc { trusted-sealers = {"list.example"} }'


def chain(*hops):
    """A message that went through hops, each a domain and what it found."""
    header = ""
    for domain, found in hops:
        header = arc_set(KEY, domain, "k", header, FROM, BODY, found)
    return (header + FROM + "\r\n").encode() + BODY


ONE = chain(("list.example", FOUND))
TWO = chain(("list.example", FOUND), ("relay.example", "dmarc=fail header.from=author.example"))


def ask(daemon, message):
    return daemon.ask("check", "--ip", "192.0.2.1", "--helo", "h.example", "--from", "", "-", stdin=message)


def check_plain(report, daemon):
    verdict = ask(daemon, TWO)
    arc, dmarc = verdict["arc"], verdict["dmarc"]
    report.check("a chain passes", arc["result"] == "pass" and arc["instance"] == 2, str(arc))
    report.check("its hops", [(hop["seal"]["domain"], hop["cv"], hop["seal"]["result"], hop["believable"])
                              for hop in arc["sets"]] == [("list.example", "none", "pass", False),
                                                          ("relay.example", "pass", "pass", False)], str(arc["sets"]))
    report.check("what the first found", arc["sets"][0]["methods"][0] ==
                 {"method": "dmarc", "result": "pass",
                  "properties": [{"name": "header.from", "value": "author.example"}]}, str(arc["sets"][0]))
    report.check("and it changes nothing", (dmarc["result"], dmarc["disposition"], dmarc["override"]) ==
                 ("fail", "reject", None), str(dmarc))
    report.check("the field", "arc=pass smtp.remote-ip=192.0.2.1;" in verdict["authentication_results"],
                 verdict["authentication_results"])
    changed = ask(daemon, TWO.replace(b"Hi.", b"Ho."))
    report.check("a changed body breaks it", changed["arc"]["result"] == "fail", str(changed["arc"]))
    report.check("none", ask(daemon, FROM.encode() + b"\r\n")["arc"]["result"] == "none", "")


def check_listed(report, daemon):
    dmarc = ask(daemon, ONE)["dmarc"]
    report.check("a listed sealer is believed", (dmarc["result"], dmarc["disposition"], dmarc["code"]) ==
                 ("fail", "none", "dmarc-arc-override"), str(dmarc))
    report.check("and it is said", dmarc["override"] == {"type": "local_policy", "comment": COMMENT,
                                                         "disposition": "reject", "arc_instance": 1}, str(dmarc))
    # relay.example is not listed, and has changed nothing: list.example's own signature still passes.
    verdict = ask(daemon, TWO)
    report.check("through a stranger who changed nothing", verdict["dmarc"]["disposition"] == "none", str(verdict))
    report.check("whose word does not count", [hop["believable"] for hop in verdict["arc"]["sets"]] == [True, False],
                 str(verdict["arc"]))
    report.check("a broken chain is none", ask(daemon, ONE.replace(b"Hi.", b"Ho."))["dmarc"]["disposition"] == "reject", "")
    _, output, _ = daemon.assay("check", "-", stdin=ONE)
    report.check("in words", b"VOUCHED FOR" in output and b"list.example (trusted) found dmarc=pass, arc=none" in output,
                 output.decode())
    counters = daemon.ask("status")["counters"]
    report.check("counted", (counters["arc_pass_total"], counters["arc_fail_total"], counters["arc_overrides_total"]) ==
                 (3, 1, 3), str(counters))


def check_short(report, daemon):
    arc = ask(daemon, TWO)["arc"]
    report.check("longer than arc.max-sets", (arc["result"], arc["code"], arc["instance"], arc["sets"]) ==
                 ("fail", "arc-sets-many", 2, []), str(arc))
    report.check("which is counted", daemon.ask("status")["counters"]["over_arc_sets_total"] == 1, "")
    arc = ask(daemon, ONE)["arc"]
    report.check("as long as it", arc["result"] == "pass" and arc["oldest_pass"] == 0, str(arc))


def check_off(report, daemon):
    verdict = ask(daemon, ONE)
    report.check("off", (verdict["arc"]["result"], verdict["arc"]["evaluated"], verdict["arc"]["sets"]) ==
                 ("none", False, []), str(verdict["arc"]))
    report.check("off: nothing in the field", " arc=" not in verdict["authentication_results"],
                 verdict["authentication_results"])
    report.check("off: nobody is believed", verdict["dmarc"]["disposition"] == "reject", str(verdict["dmarc"]))


def main():
    report = Report("arc")
    dns = DnsServer(ZONE)
    try:
        for extra, check in (("", check_plain), (LISTED, check_listed), ("arc { max-sets = 1 }", check_short),
                             ('arc { verify = false trusted-sealers = {"list.example"} }', check_off)):
            with Daemon(dns, extra=extra) as daemon:
                check(report, daemon)
    except DaemonError as error:
        report.check("arc", False, str(error))
    finally:
        dns.stop()
    report.finish()


main()
