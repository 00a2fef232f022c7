#!/usr/bin/python3
"""Goal:   DANE is found secure, insecure, bogus, absent, unusable or not to be had exactly where RFC 7672 says so, from real
        signed zones; it goes before MTA-STS.
Method: a signed root, whose key is the trust anchor, over a signed zone, an unsigned one, and a signed one that was changed
        behind the signer's back (ldnsutils), served by NSD on loopback; a web server has a policy for every domain."""

import os
import tempfile

from lib import nsd as name_server
from lib.daemon import Daemon
from lib.httpsserver import HttpsServer, Site, policy
from lib.pipeline import ask_policy
from lib.report import Report, skip

NAME = "dane"
DIGEST, OTHER = "ab" * 32, "cd" * 32
SECURE = "secure match=mx.any servername=hostname"  # what the policy asks of Postfix, without DANE

ZONES = {
    "secure": f"""
good MX 10 mx.good
mx.good A 192.0.2.1
_25._tcp.mx.good TLSA 3 1 1 {DIGEST}
two MX 10 mx.good
two MX 20 mx.absent
mx.absent A 192.0.2.2
absent MX 10 mx.absent
unusable MX 10 mx.unusable
mx.unusable A 192.0.2.3
_25._tcp.mx.unusable TLSA 1 1 1 {DIGEST}
_25._tcp.mx.unusable TLSA 3 1 1 abcdef
agility MX 10 mx.agility
mx.agility AAAA 2001:db8::1
_25._tcp.mx.agility TLSA 3 1 1 {DIGEST}
_25._tcp.mx.agility TLSA 3 1 2 {DIGEST}{OTHER}
implicit A 192.0.2.4
_25._tcp.implicit TLSA 2 0 1 {DIGEST}
null MX 0 .
alias MX 10 name.alias
name.alias CNAME mx.good
tlsa-alias MX 10 mx.tlsa-alias
mx.tlsa-alias A 192.0.2.5
_25._tcp.mx.tlsa-alias CNAME _25._tcp.mx.good
missing MX 10 nowhere.missing
host-insecure MX 10 mx.plain.
host-forged MX 10 address.forged.
""",
    "plain": """
mx A 192.0.2.6
domain MX 10 mx.good.secure.
""",
    "forged": f"""
tlsa MX 10 mx.tlsa
mx.tlsa A 192.0.2.7
_25._tcp.mx.tlsa TLSA 3 1 1 {DIGEST}
mx MX 10 mx.tlsa
address A 192.0.2.8
""",
}
# What the forger changes, behind the signature.
FORGERIES = {f"3 1 1 {DIGEST}": f"3 1 1 {OTHER}", "192.0.2.8": "192.0.2.9", "mx.forged.\t300\tIN\tMX\t10 mx.tlsa": "mx.forged.\t300\tIN\tMX\t10 address"}

# domain, --mx: (result, delivery, code of the reason, TLSA records, value for Postfix)
EXPECTED = {
    ("good.secure", ""): ("secure", "dane", "dane-records", [f"3 1 1 {DIGEST}"], "dane-only"),
    ("two.secure", ""): ("secure", "dane", "dane-records", [f"3 1 1 {DIGEST}"], "dane"),
    ("two.secure", "mx.good.secure"): ("secure", "dane", "dane-records", [f"3 1 1 {DIGEST}"], "dane-only"),
    ("two.secure", "mx.absent.secure"): ("none", "tls-if-possible", "dane-no-records", [], SECURE),
    ("absent.secure", ""): ("none", "tls-if-possible", "dane-no-records", [], SECURE),
    ("unusable.secure", ""): ("secure", "tls-required", "dane-unusable", [], "dane"),
    ("agility.secure", ""): ("secure", "dane", "dane-records", [f"3 1 2 {DIGEST}{OTHER}"], "dane-only"),
    ("implicit.secure", ""): ("secure", "dane", "dane-records", [f"2 0 1 {DIGEST}"], "dane-only"),
    ("null.secure", ""): ("none", "none", "dane-null-mx", [], SECURE),
    ("nobody.secure", ""): ("none", "none", "dane-no-domain", [], ""),
    ("alias.secure", ""): ("secure", "dane", "dane-records", [f"3 1 1 {DIGEST}"], "dane-only"),
    ("tlsa-alias.secure", ""): ("secure", "dane", "dane-records", [f"3 1 1 {DIGEST}"], "dane-only"),
    ("missing.secure", ""): ("none", "none", "dane-no-address", [], SECURE),
    ("host-insecure.secure", ""): ("insecure", "tls-if-possible", "dane-address-insecure", [], SECURE),
    ("host-forged.secure", ""): ("bogus", "defer", "dane-address-unavailable", [], "dane-only"),
    ("domain.plain", ""): ("insecure", "tls-if-possible", "dane-mx-insecure", [], SECURE),
    ("tlsa.forged", ""): ("bogus", "defer", "dane-records-unavailable", [], "dane-only"),
    ("mx.forged", ""): ("bogus", "defer", "dane-mx-unavailable", [], "dane-only"),
}
WITHOUT_POLICY = {"nobody.secure"}


def domains():
    return {domain for domain, _ in EXPECTED} - WITHOUT_POLICY


def zone_text(zone, more):
    text = (f"$ORIGIN {zone}.\n$TTL 300\n@ IN SOA ns.{zone}. host.{zone}. 1 3600 600 86400 300\n@ IN NS ns.{zone}.\n"
            f"ns.{zone}. IN A 127.0.0.1\n{more}")
    for domain in sorted(domain for domain in domains() if domain.endswith("." + zone)):
        text += f'_mta-sts.{domain}. IN TXT "v=STSv1; id=1"\nmta-sts.{domain}. IN A 127.0.0.1\n'
    return text


def make_zones(directory):
    """The files of all zones, by zone, and the trust anchor."""
    def write(name, text):
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write(text)

    delegations = ""
    for zone, more in ZONES.items():
        write(zone, zone_text(zone, more))
        delegations += f"{zone}. IN NS ns.{zone}.\nns.{zone}. IN A 127.0.0.1\n"
        if zone != "plain":
            delegations += name_server.sign(directory, zone, zone)
    path = os.path.join(directory, "forged.zone")
    with open(path, encoding="ascii") as file:
        text = file.read()
    for good, forged in FORGERIES.items():
        if good not in text:
            raise RuntimeError(f"nothing to forge: {good}\n{text}")
        text = text.replace(good, forged)
    write("forged.zone", text)
    os.rename(os.path.join(directory, "plain"), os.path.join(directory, "plain.zone"))
    write("root", "$ORIGIN .\n$TTL 300\n. IN SOA ns.root. host.root. 1 3600 600 86400 300\n. IN NS ns.root.\n"
                  "ns.root. IN A 127.0.0.1\n" + delegations)
    anchor = name_server.sign(directory, ".", "root")
    write("anchors", anchor)
    return {".": "root.zone", **{zone: zone + ".zone" for zone in ZONES}}


def check_expected(report, daemon):
    for (domain, mx), (result, delivery, code, tlsa, postfix) in EXPECTED.items():
        answer = ask_policy(daemon, domain, mx)
        got, name = answer["dane"], f"{domain} {mx}".strip()
        report.check(f"{name}: {result}, {delivery}", (got["result"], got["delivery"]) == (result, delivery), str(got))
        report.check(f"{name}: {code}", got["code"] == code, str(got))
        report.check(f"{name}: records", got["tlsa"] == tlsa, str(got["tlsa"]))
        report.check(f"{name}: Postfix", answer["postfix"] == postfix, f"{answer['postfix']} {answer['mta_sts']}")


def check_names(report, daemon):
    got = daemon.ask("tls-policy", "alias.secure")["dane"]
    report.check("the TLSA base is where the aliases end", got["mx_host"] == "name.alias.secure" and
                 got["tlsa_base"] == "mx.good.secure", str(got))
    report.check("names for usage 2", got["reference_names"] == ["mx.good.secure", "alias.secure"], str(got))


def check_without_validation(report, daemon):
    for domain in ("good.secure", "tlsa.forged"):
        answer = ask_policy(daemon, domain)
        report.check(f"{domain} without validation is insecure", answer["dane"]["result"] == "insecure", str(answer))
        report.check(f"{domain}: then MTA-STS decides", answer["postfix"] == SECURE, answer["postfix"])


def check_dead(report, daemon, nsd):
    nsd.stop()
    got = daemon.ask("tls-policy", "agility.secure")
    report.check("without an answer the delivery is put off", got["dane"]["result"] == "temperror" and
                 got["dane"]["delivery"] == "defer" and got["postfix"] == "dane-only", str(got))
    report.check("and nothing is said of MTA-STS", got["mta_sts"]["result"] == "temperror", str(got["mta_sts"]))


def main():
    tool = name_server.missing_tool()
    if tool:
        skip(NAME, f"{tool} is not installed")
    report = Report(NAME)
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        os.chmod(directory, 0o755)
        nsd = name_server.Nsd(directory, make_zones(directory))
        web = HttpsServer(directory, {f"mta-sts.{domain}": Site(policy(mx=("mx.any",))) for domain in domains()})
        validating = f'dnssec = true\n\ttrust-anchor-file = "{directory}/anchors"'
        try:
            with Daemon(nsd, dns=validating, extra=web.configuration()) as daemon:
                check_expected(report, daemon)
                check_names(report, daemon)
            with Daemon(nsd, dns="dnssec = false", extra=web.configuration()) as daemon:
                check_without_validation(report, daemon)
            with Daemon(nsd, dns=validating, extra=web.configuration(), timeout_ms=1000) as daemon:
                check_dead(report, daemon, nsd)
        finally:
            nsd.process.terminate()
            web.stop()
    report.finish()


main()
