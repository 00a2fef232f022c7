#!/usr/bin/python3
"""Goal:   what goes over plain sockets goes over TLS: large messages, many at once, slow readers; new certificates under
        traffic; idle connections are cheap, and a flood of handshakes starves nobody.
Method: Python's ssl as the peer, octet by octet where that matters; the daemon's own counters and its memory."""

import os
import resource
import signal
import select
import socket
import ssl
import struct
import tempfile
import threading
import time

from lib import sp
from lib.certificates import Authority
from lib.daemon import Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

MIB = 1 << 20
NAME = "mx.server.example"
IDLE_CONNECTIONS = 1000
IDLE_KIB_MAX = 48  # each; the promise is 64
PIPELINED = 3000
LATE_OCTETS = 10 << 20  # of replies: more than sockets hold, less than the 16 MiB for which a connection is closed
RELOADS = 20
FLOOD_THREADS = 4
FLOOD_S = 3
FLOOD_REPLY_S_MAX = 0.25  # the slowest of them, on a machine of two cores that the flood's own clients keep busy
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Files:
    """The daemon's certificate and key at paths that stay, and what clients believe."""

    def __init__(self, directory):
        self.ca = Authority(directory)
        self.renew()
        self.section = (f'tls {{ certificate = "{self.server.certificate}" key = "{self.server.key}" }}\n'
                        "limits { stall-time = 8000 }\n")

    def renew(self, is_rsa=False):
        self.server = self.ca.issue("server", [NAME], is_rsa=is_rsa)

    def context(self, version=None):
        context = ssl.create_default_context(cafile=self.ca.path)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def peer(self, url, version=None):
        return sp.Peer(url, tls=self.context(version), name=NAME)


def message(octets):
    return b"From: a@pass.example\r\nSubject: x\r\n\r\n" + b"0123456789abcde\n" * (octets // 16)


def check_large(report, url, files):
    for version in VERSIONS:
        with files.peer(url, version) as peer:
            for size in (0, 1, 16000, 16384, 16385, 100000, MIB, 25 * MIB):
                answer = peer.ask(sp.check_message(message(size)))
                report.check(f"{version.name}: a message of {size} octets", sp.VERDICT in answer, str(answer)[:200])
            report.check(f"{version.name}: one too large is refused",
                         sp.ERROR in peer.ask(sp.check_message(message(70 * MIB))))
            report.check(f"{version.name}: and the connection goes on", sp.VERDICT in peer.ask(sp.check_message(message(10))))


def check_pipelined(report, url, files):
    """All at once, in records of every size; replies come in any order."""
    for version in VERSIONS:
        with files.peer(url, version) as peer:
            octets = b"".join(peer.frame(sp.check_message(message(number % 500)), number) for number in range(PIPELINED))
            ids = send_in_pieces(peer, octets)
            while len(ids) < PIPELINED:
                ids.append(peer.take_reply()[0])
        report.check(f"{version.name}: {PIPELINED} requests at once", len(set(ids)) == PIPELINED, str(len(set(ids))))


def send_in_pieces(peer, octets):
    """The ids of replies that came meanwhile. In one thread: Python's SSL sockets are not for two at a time."""
    at, size, ids = 0, 1, []
    while at < len(octets):
        peer.send(octets[at:at + size])
        at, size = at + size, size * 7 % 40009 + 1
        while peer.socket.pending() or select.select([peer.socket], [], [], 0)[0]:
            ids.append(peer.take_reply()[0])
    return ids


def check_cut(report, url, files):
    """A greeting and a request in records of one octet, and of each number of octets."""
    with files.peer(url) as peer:
        frame = peer.frame(sp.STATUS)
        for cut in range(1, len(frame)):
            peer.send(frame[:cut])
            peer.send(frame[cut:])
        for octet in frame:
            peer.send(bytes([octet]))
        replies = sum(sp.STATUS_RESULT in peer.take_reply()[1] for _ in frame)
    report.check("requests cut at every octet into records", replies == len(frame), f"{replies} of {len(frame)}")


def check_slow_reader(report, url, files):
    """Replies of more megabytes than sockets hold, taken late."""
    with files.peer(url) as peer:
        peer.send(peer.frame(sp.STATUS))
        late = LATE_OCTETS // len(peer.take_payload()[1])
        peer.send(peer.frame(sp.STATUS) * late)
        time.sleep(1)
        took = sum(sp.STATUS_RESULT in peer.take_reply()[1] for _ in range(late))
    report.check("replies taken late all come", took == late, str(took))


def check_stalls(report, daemon, url, files):
    before = sp.counters(daemon.ipc)
    with files.peer(url) as half_frame, files.peer(url) as half_record, files.peer(url) as idle:
        half_frame.send(half_frame.head(1000) + b"\x80\0\0\1")
        with socket.socket(fileno=os.dup(half_record.socket.fileno())) as raw:
            raw.sendall(b"\x17\x03\x03\x10\x00" + bytes(100))
        report.check("half a frame in a record: closed", half_frame.is_closed(30))
        report.check("half a record: closed", half_record.is_closed(30))
        report.check("an idle one is not", sp.STATUS_RESULT in idle.ask(sp.STATUS))
    stalled = sp.counters(daemon.ipc)["connections_stalled_total"] - before["connections_stalled_total"]
    report.check("and both are counted", stalled == 2, str(stalled))


# ---- memory ----

def resident_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def is_sanitized():
    with open(os.path.join(os.environ.get("ASSAY_BUILD", "build"), "assayd"), "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


def check_idle_memory(report, daemon, url, files):
    """Each has had a request of some length and its reply: what is left is what an idle connection costs."""
    context, peers = files.context(), []
    with files.peer(url) as peer:  # whatever is made once
        peer.ask(sp.check_message(message(100000)))
    before = resident_kib(daemon)
    for _ in range(IDLE_CONNECTIONS):
        peers.append(sp.Peer(url, tls=context, name=NAME))
        peers[-1].ask(sp.check_message(message(20000)))
    each = (resident_kib(daemon) - before) / IDLE_CONNECTIONS
    print(f"an idle TLS connection: {each:.1f} KiB")
    report.check(f"{IDLE_CONNECTIONS} idle connections: less than {IDLE_KIB_MAX} KiB each",
                 each < IDLE_KIB_MAX or is_sanitized(), f"{each:.1f} KiB")
    for peer in peers:
        peer.close()


# ---- new certificates ----

def serial_of(url, files):
    with files.peer(url) as peer:
        return peer.socket.getpeercert()["serialNumber"]


def reload(daemon, counter):
    before = sp.counters(daemon.ipc)[counter]
    daemon.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while sp.counters(daemon.ipc)[counter] == before and time.monotonic() < end:
        time.sleep(0.02)


def is_said(daemon, times, path):
    """That the old certificate stays, for the so manyeth time, and which file is the cause."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        said = [line for line in daemon.lines if "the old certificate stays" in line]
        if len(said) == times:
            return path in said[-1]
        time.sleep(0.02)
    return False


class Traffic:
    """Requests over connections of which some stay and some are made anew all the time; counts what goes wrong."""

    def __init__(self, url, files):
        self.url, self.files, self.served, self.problems = url, files, 0, []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run) for run in (self._stay, self._stay, self._come_and_go)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, peer):
        if sp.VERDICT in peer.ask(sp.check_message(message(3000))):
            self.served += 1
        else:
            self.problems.append("no verdict")

    def _stay(self):
        try:
            with self.files.peer(self.url) as peer:
                while not self._stop.is_set():
                    self._ask(peer)
        except OSError as error:
            self.problems.append(str(error))

    def _come_and_go(self):
        while not self._stop.is_set():
            try:
                with self.files.peer(self.url) as peer:
                    self._ask(peer)
            except OSError as error:
                self.problems.append(str(error))


def check_reload(report, daemon, url, files):
    with Traffic(url, files) as traffic:
        old = serial_of(url, files)
        reload(daemon, "tls_reloads_total")
        report.check("the same files again: the same certificate", serial_of(url, files) == old)
        files.renew()
        report.check("new files alone change nothing", serial_of(url, files) == old)
        for number in range(RELOADS):
            files.renew(is_rsa=number % 2 == 1)
            reload(daemon, "tls_reloads_total")
        new = serial_of(url, files)
        another_kind, another = files.ca.issue("ec", [NAME]), files.ca.issue("rsa", [NAME], is_rsa=True)
        report.check("SIGHUP: the new certificate", new != old, new)
        for number, (what, path, octets) in enumerate((("no certificate", files.server.certificate, b"nonsense\n"),
                                                       ("an empty key", files.server.key, b""),
                                                       ("another's key", files.server.key, read(another.key)),
                                                       ("a key of another kind", files.server.key, read(another_kind.key)))):
            good = read(path)
            write(path, octets)
            reload(daemon, "tls_reloads_failed_total")
            report.check(f"{what}: the old one stays", serial_of(url, files) == new)
            report.check(f"{what}: and the log says why", is_said(daemon, number + 1, path), "\n".join(daemon.lines[-3:]))
            write(path, good)
        reload(daemon, "tls_reloads_total")
        report.check("mended: served as before", serial_of(url, files) == new)
    report.check("no request was lost meanwhile", traffic.served > 50 and not traffic.problems,
                 f"{traffic.served} served, {traffic.problems[:3]}")
    counters = sp.counters(daemon.ipc)
    report.check("reloads are counted", counters["tls_reloads_total"] == RELOADS + 2
                 and counters["tls_reloads_failed_total"] == 4, str(counters["tls_reloads_total"]))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, octets):
    with open(path + ".new", "wb") as file:
        os.chmod(path + ".new", 0o600)
        file.write(octets)
    os.rename(path + ".new", path)


# ---- floods ----

def flood(url, hello, stop):
    """Hellos as fast as they go: the server's part of a handshake is the dear one."""
    host, port = url.split("//")[1].rsplit(":", 1)
    while not stop.is_set():
        try:
            with socket.create_connection((host, int(port)), 5) as connection:
                connection.sendall(hello)
                connection.recv(100)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass


def check_flood(report, daemon, url, files):
    """With RSA, the dearest: verdicts over a connection that is there already are not late."""
    files.renew(is_rsa=True)
    reload(daemon, "tls_reloads_total")
    out = ssl.MemoryBIO()
    try:
        files.context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=NAME).do_handshake()
    except ssl.SSLWantReadError:
        pass
    stop, before = threading.Event(), sp.counters(daemon.ipc)
    threads = [threading.Thread(target=flood, args=(url, hello, stop)) for hello in [out.read()] for _ in range(FLOOD_THREADS)]
    with files.peer(url) as peer:
        for thread in threads:
            thread.start()
        took, end = [], time.monotonic() + FLOOD_S
        while time.monotonic() < end:
            start = time.monotonic()
            peer.ask(sp.check_message(message(3000)))
            took.append(time.monotonic() - start)
    stop.set()
    for thread in threads:
        thread.join()
    handshakes = sp.counters(daemon.ipc)["connections_total"] - before["connections_total"]
    print(f"a flood of {handshakes / FLOOD_S:.0f} hellos a second: {len(took)} replies, the slowest after {max(took):.3f} s")
    report.check("a flood of hellos: replies are not late", max(took) < FLOOD_REPLY_S_MAX or is_sanitized(), f"{max(took):.3f} s")
    report.check("a flood of hellos: there was one", handshakes > 100, str(handshakes))


def main():
    report = Report("tls_traffic")
    dns = DnsServer(PASS)
    url = "tls+" + free_tcp_url()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        files = Files(directory)
        with Daemon(dns, listen=[url], extra=files.section) as daemon:
            check_idle_memory(report, daemon, url, files)
            check_large(report, url, files)
            check_pipelined(report, url, files)
            check_cut(report, url, files)
            check_slow_reader(report, url, files)
            check_stalls(report, daemon, url, files)
            check_reload(report, daemon, url, files)
            check_flood(report, daemon, url, files)
    dns.stop()
    report.finish()


main()
