#!/usr/bin/python3
"""Goal:   messages of any size and with any octets get a verdict or a clear error, and the daemon goes on serving.
Method: each message is sent by `assay check`, which makes bare LF to CRLF, and as it is by a stock libnng peer."""

import os

from lib.daemon import Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS, PASS_ENVELOPE

# The body hash is wrong, but has to be computed over the whole body before that is known.
SIGNED = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=pass.example; s=s1;\r\n"
    b" h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=YWJj\r\n"
)
HEADER = b"From: a@pass.example\r\nTo: b@example.org\r\nSubject: test\r\n"
LINE = b"The quick brown fox jumps over the lazy dog, again and again, until the end.\r\n"
MIB = 1 << 20


def large(octets):
    head = SIGNED + HEADER + b"\r\n"
    return (head + LINE * (octets // len(LINE) + 1))[:octets - 2] + b"\r\n"


MESSAGES = {
    "1 MiB": large(MIB),
    "20 MiB": large(20 * MIB),
    "20 MiB in one line": SIGNED + HEADER + b"\r\n" + b"x" * (20 * MIB) + b"\r\n",
    "1 MiB header field": b"X-Long: " + b"y" * MIB + b"\r\n" + HEADER + b"\r\nbody\r\n",
    "100,000 header fields": b"X: y\r\n" * 100000 + HEADER + b"\r\nbody\r\n",
    "1,000 signatures": SIGNED * 1000 + HEADER + b"\r\nbody\r\n",
    "empty": b"",
    "one octet": b"x",
    "one line end": b"\r\n",
    "headers only": HEADER,
    "headers and the empty line": HEADER + b"\r\n",
    "headers without the last line end": HEADER[:-2],
    "body only": b"\r\nbody\r\n",
    "CRLF": HEADER + b"\r\nbody\r\nbody\r\n",
    "bare LF": (HEADER + b"\r\nbody\r\nbody\r\n").replace(b"\r\n", b"\n"),
    "bare CR": (HEADER + b"\r\nbody\r\nbody\r\n").replace(b"\r\n", b"\r"),
    "NUL in the header": HEADER.replace(b"test", b"te\0st") + b"\r\nbody\r\n",
    "NUL in From": b"From: a@pass.example\0.evil.example\r\n\r\nbody\r\n",
    "NUL in the body": HEADER + b"\r\nbo\0dy\r\n",
    "8-bit octets": HEADER.replace(b"test", b"\xe4\xf6\xfc \xff\xfe") + b"\r\n" + bytes(range(256)) * 10 + b"\r\n",
    "8-bit From": b"From: \xff\xfe <a@\xc3\xa9.example>\r\n\r\nbody\r\n",
    "all octets as header": bytes(range(256)) * 4,
}

TOO_LARGE = HEADER + b"\r\n" + LINE * (70 * MIB // len(LINE))
TOO_LARGE_TIMES = 3


def is_answer(status, output, error):
    """A verdict on standard output, or one line of reason on standard error and status 3."""
    if status == 0:
        return output.count(b"\n") == 1 and b'"dmarc"' in output
    return status == 3 and error.count("\n") == 1


def check_message(report, daemon, name, message):
    path = os.path.join(daemon.directory, "message")
    with open(path, "wb") as file:
        file.write(message)
    status, output, error = daemon.assay("check", "--json", *PASS_ENVELOPE, path)
    report.check(f"{name}: assay", is_answer(status, output, error) and status == 0, f"status {status} {error.strip()}")
    status, output = daemon.stock("message", path)
    report.check(f"{name}: stock libnng", status == 0 and output.startswith(("verdict", "error")), output)
    return output


def check_line_ends(report, daemon, answers):
    report.check("bare LF on the wire is flagged", "bare_lf=1" in answers["bare LF"], answers["bare LF"])
    report.check("bare CR on the wire is flagged", "bare_cr=1" in answers["bare CR"], answers["bare CR"])
    report.check("CRLF is not flagged", "bare_lf=0" in answers["CRLF"], answers["CRLF"])
    lf = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=MESSAGES["bare LF"])
    crlf = daemon.ask("check", *PASS_ENVELOPE, "-", stdin=MESSAGES["CRLF"])
    report.check("LF and CRLF from a file give one verdict", lf == crlf, f"{lf} {crlf}")
    report.check("which is a pass", crlf["dmarc"]["result"] == "pass", str(crlf["dmarc"]))


def check_too_large(report, daemon, url):
    """More than limits.message-size: said at once, while the rest is still on its way, and the command ends then."""
    path = os.path.join(daemon.directory, "large")
    with open(path, "wb") as file:
        file.write(TOO_LARGE)
    for _ in range(TOO_LARGE_TIMES):
        status, output, error = daemon.assay("check", "--json", *PASS_ENVELOPE, path, url=url)
        report.check("70 MiB: a clear error", is_answer(status, output, error) and status == 3 and "large" in error,
                     f"{status} {error.strip()}")


def main():
    report = Report("messages")
    dns = DnsServer(PASS)
    tcp = free_tcp_url()
    with Daemon(dns, listen=[tcp]) as daemon:
        answers = {}
        for name, message in MESSAGES.items():
            answers[name] = check_message(report, daemon, name, message)
        check_line_ends(report, daemon, answers)
        for url in (daemon.ipc, tcp):
            check_too_large(report, daemon, url)
        verdict = daemon.ask("spf", *PASS_ENVELOPE)
        report.check("still serving", verdict["spf"]["result"] == "pass", str(verdict))
    dns.stop()
    report.finish()


main()
