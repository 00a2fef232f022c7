#!/usr/bin/python3
"""Goal:   over tls+tcp whoever may is served, by any TLS library, and whoever may not is refused, told why, and counted.
Method: a table of clients (Python's ssl, which is OpenSSL; `openssl s_client`; stock libnng, which is mbed TLS) with
        good and bad certificates; then octets that are no handshake, or half of one. Each case says which counter goes
        up by one, and no other may."""

import os
import socket
import ssl
import subprocess
import tempfile
import time

from lib import sp
from lib.certificates import Authority
from lib.daemon import SHARDS, Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

HANDSHAKE_MS = 1500
HANDSHAKES = 8
NAME = "mx.server.example"
SETTLE_S = 5


class Certificates:
    """Who is who in this test."""

    def __init__(self, directory):
        self.directory = directory
        self.ca, self.other_ca = Authority(directory), Authority(directory, "other-ca")
        self.server = self.ca.issue("server", [NAME])
        self.clients = {
            "good": self.ca.issue("good", ["other.example", "mx1.farm.example"], "client"),
            "by its name alone": self.ca.issue("single", ["single.example"], "client"),
            "in capitals": self.ca.issue("capitals", ["MX2.FARM.EXAMPLE"], "client"),
            "with an RSA key": self.ca.issue("rsa", ["mx3.farm.example"], "client", is_rsa=True),
            "expired": self.ca.issue("expired", ["mx1.farm.example"], "client", days=(-20, -1)),
            "not good yet": self.ca.issue("early", ["mx1.farm.example"], "client", days=(1, 20)),
            "of another authority": self.other_ca.issue("foreign", ["mx1.farm.example"], "client"),
            "meant for servers": self.ca.issue("usage", ["mx1.farm.example"], "server"),
            "not listed": self.ca.issue("unlisted", ["mx1.elsewhere.example"], "client"),
            "the parent of the listed": self.ca.issue("parent", ["farm.example"], "client"),
            "ending like the listed": self.ca.issue("ending", ["evilfarm.example"], "client"),
            "with a wildcard": self.ca.issue("wildcard", ["*.farm.example"], "client"),
            "listed in its common name": self.ca.issue("common", [], "client", common_name="mx1.farm.example"),
        }

    def section(self, **keys):
        """The section tls with everything in it."""
        values = {"certificate": f'"{self.server.certificate}"', "key": f'"{self.server.key}"',
                  "client-ca": f'"{self.ca.path}"', "allow-names": '{".farm.example", "single.example"}',
                  "handshake-time": HANDSHAKE_MS, "handshakes": HANDSHAKES, **keys}
        return "tls {\n" + "".join(f"\t{key} = {value}\n" for key, value in values.items()) + "}\n"

    def context(self, who="good", version=None, believes=None):
        context = ssl.create_default_context(cafile=(believes or self.ca).path)
        if version:
            context.minimum_version = context.maximum_version = version
        if who:
            context.load_cert_chain(self.clients[who].certificate, self.clients[who].key)
        return context


class Counted:
    """Checks which of the daemon's TLS counters went up, and that the others did not."""

    def __init__(self, report, daemon):
        self.report, self.url = report, daemon.ipc
        self.before = self.now()

    def now(self):
        return {name: value for name, value in sp.counters(self.url).items()
                if name.startswith("tls_") and name.endswith("_total")}

    def changed(self):
        now = self.now()
        return {name: now[name] - self.before[name] for name in now if now[name] != self.before[name]}

    def check(self, what, **expected):
        """`failed_name=1`: tls_failed_name_total went up by one."""
        want = {f"tls_{name}_total": count for name, count in expected.items()}
        end = time.monotonic() + SETTLE_S
        while self.changed() != want and time.monotonic() < end:
            time.sleep(0.02)
        got = self.changed()
        self.report.check(f"{what}: counted", got == want, f"{got}, not {want}")
        self.before = self.now()


def asks(url, context, name=NAME):
    """Is there an answer? In TLS 1.3 a client whose certificate is refused learns of it only when it reads."""
    try:
        with sp.Peer(url, tls=context, name=name) as peer:
            return sp.STATUS_RESULT in peer.ask(sp.STATUS), ""
    except (OSError, ConnectionError) as error:
        return False, str(error)


def check_good(report, url, certificates, counted):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for who in ("good", "by its name alone", "in capitals", "with an RSA key"):
            what = f"{version.name}, a certificate {who}"
            served, error = asks(url, certificates.context(who, version))
            report.check(f"{what}: served", served, error)
            counted.check(what, handshakes=1)


def check_bad_certificates(report, url, certificates, counted):
    cases = {who: ("failed_certificate" if who in ("expired", "not good yet", "of another authority", "meant for servers")
                   else "failed_name")
             for who in certificates.clients if who not in ("good", "by its name alone", "in capitals", "with an RSA key")}
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for who, counter in cases.items():
            what = f"{version.name}, a certificate {who}"
            served, error = asks(url, certificates.context(who, version))
            report.check(f"{what}: refused", not served and "alert" in error.lower(), error or "served")
            counted.check(what, **{counter: 1})
        served, error = asks(url, certificates.context(None, version))
        report.check(f"{version.name}, no certificate: refused", not served, error)
        counted.check(f"{version.name}, no certificate", failed_no_certificate=1)


def check_client_refuses(report, url, certificates, counted):
    served, error = asks(url, certificates.context(believes=certificates.other_ca))
    report.check("a client that does not believe us", not served and "verify" in error.lower(), error)
    counted.check("a client that does not believe us", failed_refused=1)
    served, error = asks(url, certificates.context(), name="elsewhere.example")
    report.check("a client that expects another name", not served and "mismatch" in error.lower(), error)
    counted.check("a client that expects another name", failed_refused=1)


# ---- openssl s_client ----

def s_client(url, certificates, *arguments, who="good", stdin=b"", stay=()):
    """Its output, both streams. `stay`: what it is given, one after the other."""
    client = certificates.clients[who] if who else None
    command = ["openssl", "s_client", "-connect", url.split("//")[1], "-CAfile", certificates.ca.path,
               "-verify_return_error", "-verify_hostname", NAME, *arguments]
    if client:
        command += ["-cert", client.certificate, "-key", client.key]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for piece in stay:  # it takes one at a time
        process.stdin.write(piece)
        process.stdin.flush()
        time.sleep(0.5)
        stdin = b"Q\n"
    return process.communicate(stdin, timeout=30)[0].decode(errors="replace")


def check_s_client(report, url, certificates, counted):
    for version in ("-tls1_2", "-tls1_3"):
        output = s_client(url, certificates, version, "-quiet", "-no_ign_eof", stay=[sp.GREETING_REQ])
        report.check(f"s_client {version}: greeted", "SP" in output, output[-300:])
        counted.check(f"s_client {version}", handshakes=1)
    output = s_client(url, certificates, "-tls1_2", "-brief")
    report.check("s_client: a suite with forward secrecy and AEAD",
                 "ECDHE" in output and ("GCM" in output or "POLY1305" in output), output[-300:])
    counted.check("s_client -brief", handshakes=1)
    for arguments, what, counter in (
            (["-tls1_1", "-cipher", "ALL@SECLEVEL=0"], "TLS 1.1", "failed_version"),
            (["-tls1", "-cipher", "ALL@SECLEVEL=0"], "TLS 1.0", "failed_version"),
            (["-tls1_2", "-cipher", "AES128-SHA"], "no forward secrecy", "failed_protocol"),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], "no AEAD", "failed_protocol")):
        output = s_client(url, certificates, *arguments)
        report.check(f"s_client, {what}: refused", "alert" in output and "Cipher is (NONE)" in output, output[-300:])
        counted.check(f"s_client, {what}", **{counter: 1})
    for who, counter in (("expired", "failed_certificate"), ("of another authority", "failed_certificate"),
                         ("not listed", "failed_name"), (None, "failed_no_certificate")):
        output = s_client(url, certificates, "-tls1_2", who=who)
        report.check(f"s_client, {who}: refused", "alert" in output, output[-300:])
        counted.check(f"s_client, {who}", **{counter: 1})


def check_renegotiation(report, url, certificates, counted):
    """A client that asks for another handshake is told no, and costs nothing."""
    output = s_client(url, certificates, "-tls1_2", "-legacy_renegotiation", stay=[b"", b"R\n", b""])
    report.check("renegotiation is refused", "no renegotiation" in output, output[-300:])
    counted.check("renegotiation", handshakes=1)


def check_key_updates(report, url, certificates, counted):
    """Both ways, with and without asking for ours; a request in between is served."""
    output = s_client(url, certificates, "-tls1_3", stay=[b"", b"K\n", b"k\n", b"K\n", b"K\n"])
    report.check("key updates", output.count("KEYUPDATE") == 4, output[-300:])
    counted.check("key updates", handshakes=1)


def check_no_tickets(report, url, certificates, counted):
    for version in ("-tls1_2", "-tls1_3"):
        output = s_client(url, certificates, version, "-reconnect" if version == "-tls1_2" else "-msg", stay=[b"", b""])
        report.check(f"{version}: nothing to resume with", "Reused," not in output and "TLS session ticket:" not in output
                     and "NewSessionTicket" not in output, output[-300:])
    counted.check("no tickets", handshakes=7)  # -reconnect connects five times more


# ---- libnng ----

def certificate_and_key(certificates, who):
    """One file with both."""
    both = os.path.join(certificates.directory, "both.pem")
    with open(both, "wb") as file:
        for path in (certificates.clients[who].certificate, certificates.clients[who].key):
            with open(path, "rb") as part:
                file.write(part.read())
    return both


def stock(daemon, url, certificates, who="good", believes=None, name=NAME):
    environment = {"STOCK_TLS_CA": (believes or certificates.ca).path, "STOCK_TLS_NAME": name}
    if who:
        environment["STOCK_TLS_CERT_KEY"] = certificate_and_key(certificates, who)
    os.environ.update(environment)
    try:
        return daemon.stock("status", url=url)
    finally:
        for variable in environment:
            del os.environ[variable]


def check_stock(report, daemon, url, certificates, counted):
    for who in ("good", "with an RSA key"):
        status, output = stock(daemon, url, certificates, who)
        report.check(f"libnng, a certificate {who}: served", status == 0, output)
        counted.check(f"libnng, a certificate {who}", handshakes=1)
    for who, counter in (("expired", "failed_certificate"), ("of another authority", "failed_certificate"),
                         ("not listed", "failed_name"), ("with a wildcard", "failed_name"),
                         (None, "failed_no_certificate")):
        status, output = stock(daemon, url, certificates, who)
        report.check(f"libnng, {who}: refused", status == 1, output)
        counted.check(f"libnng, {who}", **{counter: 1})
    status, output = stock(daemon, url, certificates, believes=certificates.other_ca)
    report.check("libnng that does not believe us", status == 1, output)
    counted.check("libnng that does not believe us", failed_refused=1)
    status, output = stock(daemon, url, certificates, name="elsewhere.example")
    report.check("libnng that expects another name", status == 1, output)
    counted.check("libnng that expects another name", failed_refused=1)


# ---- libassay, by its command ----

def check_command(report, daemon, url, certificates, counted):
    trust = ["--tls-ca", certificates.ca.path, "--tls-name", NAME]
    shown = ["--tls-certificate", certificate_and_key(certificates, "good")]

    def status(*options):
        return daemon.assay("status", "--json", "--timeout", "2000", *options, url=url)

    code, output, error = status(*trust, *shown)
    report.check("assay: served", code == 0 and b'"version"' in output, error)
    counted.check("assay", handshakes=1)
    for what, options in (("without a certificate", trust),
                          ("that believes another authority", ["--tls-ca", certificates.other_ca.path, *trust[2:], *shown]),
                          ("that expects another name", [*trust[:2], "--tls-name", "elsewhere.example", *shown]),
                          ("that has the system's authorities alone", [*trust[2:], *shown])):
        code, output, error = status(*options)
        report.check(f"assay {what}: not served", code == 3 and not output and error.startswith("assay: "), error)
    for option in ("--tls-ca", "--tls-certificate"):
        code, output, error = status(*trust, option, "/nonexistent.pem")
        report.check(f"assay, {option} of no file: said so", code == 2 and "/nonexistent.pem" in error, error)
    time.sleep(SETTLE_S / 10)  # what was refused more than once is counted so often as it was tried
    counted.before = counted.now()


# ---- no handshake, or half of one ----

def client_hello(certificates):
    """What a client sends first."""
    out = ssl.MemoryBIO()
    client = certificates.context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=NAME)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def connect(url):
    host, port = url.split("//")[1].rsplit(":", 1)
    return socket.create_connection((host, int(port)), 20)


def seconds_until_closed(connection):
    start = time.monotonic()
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - start


def check_garbage(report, url, certificates, counted):
    hello = client_hello(certificates)
    for what, octets in {
        "plain SP": sp.GREETING_REQ * 2, "HTTP": b"GET / HTTP/1.1\r\n\r\n", "zeros": bytes(64), "0xff": b"\xff" * 64,
        "a record of application data": b"\x17\x03\x03\x00\x20" + bytes(32),
        "a hello that is cut short": hello[:3] + b"\x00\x10" + hello[5:21],
        "a hello with a length that lies": hello[:6] + b"\x00\xff\xff" + hello[9:],
        "a hello twice as long as records may be": hello[:3] + b"\x80\x00" + bytes(32768),
    }.items():
        with connect(url) as connection:
            connection.sendall(octets)
            took = seconds_until_closed(connection)
        late = what in ("a hello that is cut short", "a hello with a length that lies")
        report.check(f"{what}: closed", took < (20 if late else 1), f"{took:.1f} s")
        counted.check(what, **{"failed_time" if late else "failed_protocol": 1})
    with connect(url) as connection:
        connection.sendall(hello[:100])
    counted.check("gone in the middle of its hello", failed_closed=1)


def check_silence(report, url, certificates, counted):
    hello = client_hello(certificates)
    for what, octets in (("nothing at all", b""), ("half a hello", hello[:len(hello) // 2]), ("a hello and no more", hello)):
        with connect(url) as connection:
            connection.sendall(octets)
            took = seconds_until_closed(connection)
        report.check(f"{what}: closed at tls.handshake-time", HANDSHAKE_MS / 1000 - 0.2 < took < HANDSHAKE_MS / 1000 + 10,
                     f"{took:.1f} s")
        counted.check(what, failed_time=1)


def check_dribble(report, url, certificates, counted):
    """An octet now and then does not make the time longer."""
    hello, start = client_hello(certificates), time.monotonic()
    with connect(url) as connection:
        try:
            for octet in hello[:-1]:
                connection.sendall(bytes([octet]))
                time.sleep(0.02)
        except ConnectionError:
            pass
        seconds_until_closed(connection)
    took = time.monotonic() - start
    report.check("a hello octet by octet: closed in time", took < HANDSHAKE_MS / 1000 + 10, f"{took:.1f} s")
    counted.check("a hello octet by octet", failed_time=1)
    with sp.Peer(url, tls=certificates.context(), name=NAME) as peer:
        report.check("others are served", sp.STATUS_RESULT in peer.ask(sp.STATUS))
    counted.check("others", handshakes=1)


def check_too_many(report, url, certificates, counted):
    """tls.handshakes are under way: the oldest makes room, and who comes to an end is served."""
    silent = [connect(url) for _ in range(HANDSHAKES + 3)]
    served, error = asks(url, certificates.context())
    report.check("a flood of half handshakes: others are served", served, error)
    evicted = [seconds_until_closed(connection) < 1 for connection in silent[:4]]
    report.check("the oldest were given up", all(evicted), str(evicted))
    for connection in silent[4:]:
        seconds_until_closed(connection)
    for connection in silent:
        connection.close()
    # One place each for those that came when all were taken: three, and the one that was served.
    counted.check("a flood of half handshakes", handshakes=1, handshakes_evicted=4, failed_time=HANDSHAKES - 1)


def check_broken_later(report, url, certificates, counted):
    """After the handshake, what is not TLS any more ends the connection."""
    with sp.Peer(url, tls=certificates.context(), name=NAME) as peer:
        with socket.socket(fileno=os.dup(peer.socket.fileno())) as raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        report.check("a forged record: closed", peer.is_closed())
    counted.check("a forged record", handshakes=1, broken=1)


def check_open_to_all(report, dns, certificates):
    """Without client-ca no certificate is asked for."""
    url = "tls+" + free_tcp_url()
    section = certificates.section(**{"client-ca": '""', "allow-names": "{}"})
    with Daemon(dns, listen=[url], extra=section) as daemon:
        served, error = asks(url, certificates.context(None))
        report.check("no client-ca: no certificate is needed", served, error)
        status, output = stock(daemon, url, certificates, None)
        report.check("no client-ca: libnng without a certificate", status == 0, output)


def main():
    report = Report("tls")
    dns = DnsServer(PASS)
    url = "tls+" + free_tcp_url()
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        certificates = Certificates(directory)
        with Daemon(dns, listen=[url], extra=certificates.section()) as daemon:
            counted = Counted(report, daemon)
            check_good(report, url, certificates, counted)
            check_bad_certificates(report, url, certificates, counted)
            check_client_refuses(report, url, certificates, counted)
            check_s_client(report, url, certificates, counted)
            check_renegotiation(report, url, certificates, counted)
            check_key_updates(report, url, certificates, counted)
            check_no_tickets(report, url, certificates, counted)
            check_stock(report, daemon, url, certificates, counted)
            check_command(report, daemon, url, certificates, counted)
            check_garbage(report, url, certificates, counted)
            check_silence(report, url, certificates, counted)
            check_dribble(report, url, certificates, counted)
            check_broken_later(report, url, certificates, counted)
            if SHARDS == 1:
                check_too_many(report, url, certificates, counted)
            ends = sp.counters(daemon.ipc)["tls_certificate_ends_seconds"]
            report.check("when the certificate ends", 19 < (ends - time.time()) / 86400 < 21, str(ends))
        check_open_to_all(report, dns, certificates)
    dns.stop()
    report.finish()


main()
