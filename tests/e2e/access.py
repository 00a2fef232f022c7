#!/usr/bin/python3
"""Goal:   who may connect is decided by address, user and group as configured, and each refusal is counted.
Method: loopback has a whole /8 to connect from; peers of ipc change their user and groups before they connect, where
        the test may (root)."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
import time

from lib import sp
from lib.daemon import ASSAYD, Daemon, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS

NOBODY, OTHER, GROUP, OTHER_GROUP = 65534, 12345, 23456, 34567

ADDRESS_CASES = [
    # name, allow, deny, {address: whether it is served}
    ("no list", [], [], {"127.0.0.1": True, "127.9.9.9": True}),
    ("allowed", ["127.0.0.2"], [], {"127.0.0.2": True, "127.0.0.3": False, "127.0.0.1": False}),
    ("a network", ["127.0.4.0/22"], [], {"127.0.4.0": True, "127.0.7.255": True, "127.0.3.255": False, "127.0.8.0": False}),
    ("all IPv4", ["0.0.0.0/0"], [], {"127.1.2.3": True}),
    ("denied", [], ["127.0.0.2", "127.1.0.0/16"], {"127.0.0.2": False, "127.1.255.255": False, "127.2.0.0": True}),
    ("deny goes first", ["127.0.0.0/8"], ["127.0.0.2"], {"127.0.0.1": True, "127.0.0.2": False}),
    ("another family", ["::/0"], [], {"127.0.0.1": False}),
    ("another family denied", [], ["::/0"], {"127.0.0.1": True}),
    ("mapped", ["::ffff:127.0.0.0/104"], [], {"127.0.0.1": True}),
    ("none of ours", ["2001:db8::/32", "192.0.2.0/24"], [], {"127.0.0.1": False}),
]


def address_list(addresses):
    return "{" + ", ".join(f'"{address}"' for address in addresses) + "}"


def is_served(url, source):
    host, port = url.split("//")[1].rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), 10, (source, 0)) as connection:
            connection.sendall(sp.GREETING_REQ)
            return connection.recv(8) == b"\0SP\0\0\x31\0\0"
    except ConnectionError:
        return False


def check_addresses(report, dns):
    for every in ("127.0.0.1", "*"):
        for name, allow, deny, wants in ADDRESS_CASES:
            url = free_tcp_url()
            port = url.rsplit(":", 1)[1]
            extra = f"tcp {{ allow-addresses = {address_list(allow)} deny-addresses = {address_list(deny)} }}\n"
            with Daemon(dns, listen=[f"tcp://{every}:{port}"], extra=extra) as daemon:
                for source, want in wants.items():
                    report.check(f"{every}: {name}: {source}", is_served(url, source) == want, f"not {want}")
                unwelcome = sp.counters(daemon.ipc)["connections_unwelcome_total"]
                want = list(wants.values()).count(False)
                report.check(f"{every}: {name}: counted", unwelcome == want, f"{unwelcome}, not {want}")


PEER = """
import os, socket, sys
path, user, group, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(g) for g in sys.argv[4].split(",") if g]
if os.getuid() == 0:
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
try:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        connection.sendall(b"\\0SP\\0\\0\\x30\\0\\0")
        print("served" if connection.recv(8) else "closed")
except OSError as error:
    print("closed" if isinstance(error, (ConnectionError, BrokenPipeError)) else "denied", end="")
"""


def as_user(path, user, group=NOBODY, groups=""):
    done = subprocess.run([sys.executable, "-c", PEER, path, str(user), str(group), groups], stdout=subprocess.PIPE,
                          timeout=30, check=True)
    return done.stdout.decode().strip()


def check_socket_file(report, dns):
    wants = [("0600", 0o600), ("0660", 0o660), ("0666", 0o666), ("0", 0)]
    for text, mode in wants:
        with Daemon(dns, listen=[free_tcp_url()], extra=f'ipc {{ mode = "{text}" }}\n') as daemon:
            status = os.stat(daemon.ipc.removeprefix("ipc://"))
            report.check(f"mode {text}", stat.S_IMODE(status.st_mode) == mode, oct(status.st_mode))
    if os.getuid() != 0:
        print("not root: owners and groups are left out")
        return
    with Daemon(dns, extra=f'ipc {{ owner = "{OTHER}" group = "{GROUP}" mode = "0660" }}\n') as daemon:
        path = daemon.ipc.removeprefix("ipc://")
        os.chmod(daemon.directory, 0o755)
        status = os.stat(path)
        report.check("owner and group", (status.st_uid, status.st_gid) == (OTHER, GROUP), str(status))
        for who, want in (((OTHER, NOBODY), "served"), ((NOBODY, GROUP), "served"), ((NOBODY, NOBODY, str(GROUP)), "served"),
                          ((NOBODY, NOBODY), "denied")):
            report.check(f"by the file's mode: {who}", as_user(path, *who) == want, want)
    with Daemon(dns, extra='ipc { owner = "nobody" }\n') as daemon:
        status = os.stat(daemon.ipc.removeprefix("ipc://"))
        report.check("an owner by name, the group as it comes", (status.st_uid, status.st_gid) == (NOBODY, os.getgid()))


def check_users(report, dns):
    if os.getuid() != 0:
        print("not root: users and groups are left out")
        return
    cases = [
        ("users", f'allow-users = {{"{OTHER}", "nobody"}}',
         {(OTHER,): True, (NOBODY,): True, (OTHER + 1,): False, (0, 0): False}),
        ("groups", f'allow-groups = {{"{GROUP}"}}',
         {(OTHER, GROUP): True, (OTHER, OTHER_GROUP, f"{GROUP}"): True, (OTHER, OTHER_GROUP): False, (0, 0): False}),
        ("users and groups", f'allow-users = {{"{OTHER}"}} allow-groups = {{"{GROUP}"}}',
         {(OTHER,): True, (NOBODY, GROUP): True, (NOBODY, OTHER_GROUP): False}),
    ]
    for name, lists, wants in cases:
        tcp = free_tcp_url()
        with Daemon(dns, listen=[tcp], extra=f'ipc {{ mode = "0666" {lists} }}\n') as daemon:
            path = daemon.ipc.removeprefix("ipc://")
            os.chmod(daemon.directory, 0o755)
            for who, want in wants.items():
                got = as_user(path, *who)
                report.check(f"{name}: {who}", got == ("served" if want else "closed"), got)
            unwelcome, want = sp.counters(tcp)["connections_unwelcome_total"], list(wants.values()).count(False)
            report.check(f"{name}: counted", unwelcome == want, f"{unwelcome}, not {want}")


def check_keepalive(report, dns):
    """The kernel's own word: a timer of kind 2 runs for the socket (proc_net_tcp.txt)."""
    for extra, wants in (("", True), ("limits { keepalive-time = 0 }\n", False), ("limits { keepalive-time = 7000 }\n", True)):
        url = free_tcp_url()
        with Daemon(dns, listen=[url], extra=extra), sp.Peer(url) as peer:
            peer.ask(sp.STATUS)
            time.sleep(0.3)  # until the reply is acknowledged: another timer runs before
            port = int(url.rsplit(":", 1)[1])
            with open("/proc/net/tcp", encoding="ascii") as file:
                rows = [line.split() for line in file]
            timers = [row[5] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]
            report.check(f"keepalive, {extra.strip() or 'by default'}", len(timers) == 1 and timers[0].startswith("02") == wants,
                         str(timers))
            if "7000" in extra:
                hundredths = int(timers[0].split(":")[1], 16)
                report.check("keepalive after the time that is set", 500 < hundredths <= 710, str(hundredths))


def check_idle(report, dns):
    url = free_tcp_url()
    with Daemon(dns, listen=[url], extra="limits { idle-time = 1000 }\n") as daemon:
        for at in (url, daemon.ipc):
            with sp.Peer(at) as quiet, sp.Peer(at) as busy:
                for _ in range(8):
                    busy.ask(sp.STATUS)
                    quiet.socket.settimeout(0.25)
                    try:
                        gone = quiet.socket.recv(1) == b""
                    except TimeoutError:
                        gone = False
                report.check(f"{at}: idle for limits.idle-time: closed", gone)
                report.check(f"{at}: one in use is not", sp.STATUS_RESULT in busy.ask(sp.STATUS))
        counted = sp.counters(daemon.ipc)["connections_idle_total"]
        report.check("and counted", counted >= 2, str(counted))


BAD = [
    ("tcp { allow-addresses = {\"192.0.2.1/24\"} }", "192.0.2.1/24"),
    ("tls { deny-addresses = {\"localhost\"} }", "localhost"),
    ("ipc { mode = \"0888\" }", "0888"),
    ("ipc { owner = \"nosuchuser\" }", "nosuchuser"),
    ("ipc { allow-groups = {\"nosuchgroup\"} }", "nosuchgroup"),
    ("tls { certificate = \"/nonexistent.pem\" }", "/nonexistent.pem"),
    ("tls { allow-names = {\"*.example.org\"} }", "*.example.org"),
]


def check_bad(report):
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        path = os.path.join(directory, "assayd.conf")
        for text, word in BAD:
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'listen = {{"ipc://{directory}/sock"}}\n{text}\n')
            done = subprocess.run([ASSAYD, "-t", "-c", path], capture_output=True, text=True, timeout=20, check=False)
            report.check(f"-t: {text}", done.returncode == 1 and f"{path}:2: " in done.stderr and word in done.stderr
                         and done.stderr.count("\n") == 1, done.stderr)


def main():
    report = Report("access")
    dns = DnsServer(PASS)
    check_bad(report)
    check_addresses(report, dns)
    check_socket_file(report, dns)
    check_users(report, dns)
    check_keepalive(report, dns)
    check_idle(report, dns)
    dns.stop()
    report.finish()


main()
