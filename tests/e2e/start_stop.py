#!/usr/bin/python3
"""Goal:   SIGTERM drains what is in flight and ends with 0; what cannot work stops the start with one clear line.
Method: a slow DNS server keeps a request in flight over a SIGTERM; a table of configurations that cannot be used is
        given to `assayd -c` and `assayd -t -c`."""

import ctypes
import os
import signal
import struct
import subprocess
import tempfile
import time

from lib import sp
from lib.daemon import ASSAY, ASSAYD, Daemon, configuration, free_tcp_url
from lib.dnsserver import DnsServer
from lib.report import Report
from lib.zones import PASS, PASS_ENVELOPE

START_S = 20


def check_drain(report, dns):
    dns.delay_s = 0.7
    daemon = Daemon(dns)
    asking = subprocess.Popen([ASSAY, "spf", "-s", daemon.ipc, "--json", *PASS_ENVELOPE], stdout=subprocess.PIPE)
    while not sum(dns.counts.values()):
        time.sleep(0.02)
    start = time.monotonic()
    daemon.stop()  # fails when the status is not 0
    output, _ = asking.communicate(timeout=START_S)
    report.check("a request in flight gets its verdict", asking.returncode == 0 and b'"pass"' in output, str(output))
    report.check("draining waits no longer than that", time.monotonic() - start < 10)
    report.check("the socket is gone", not os.path.exists(daemon.ipc.removeprefix("ipc://")))
    dns.delay_s = 0
    status, _, error = daemon.assay("status")
    report.check("afterwards nobody answers: status 3", status == 3 and error.count("\n") == 1, f"{status} {error}")


def check_drain_takes_nobody(report, dns):
    """Who connects during the drain hears at once that nobody serves here any more."""
    url = free_tcp_url()
    dns.delay_s = 1.2
    daemon = Daemon(dns, listen=[url], timeout_ms=10000)
    asking = subprocess.Popen([ASSAY, "spf", "-s", url, "--json", *PASS_ENVELOPE], stdout=subprocess.PIPE)
    asked = sum(dns.counts.values())
    while sum(dns.counts.values()) == asked:
        time.sleep(0.02)
    daemon.process.send_signal(signal.SIGTERM)
    while not any("stopping" in line for line in daemon.lines):
        time.sleep(0.02)
    time.sleep(0.2)
    for name, at in (("tcp", url), ("ipc", daemon.ipc)):
        try:
            sp.Peer(at, greet=False).close()
            refused = False
        except OSError:
            refused = True
        report.check(f"draining: {name} takes no new connection", refused)
    output, _ = asking.communicate(timeout=START_S)
    report.check("draining: who was there is answered", asking.returncode == 0 and b'"pass"' in output, str(output))
    daemon.stop()
    dns.delay_s = 0


def check_drain_answers(report, dns):
    """A look-up that takes longer than limits.drain-time: who waits for it is answered before the connection is closed."""
    dns.delay_s = 6
    daemon = Daemon(dns, timeout_ms=20000, extra="limits { drain-time = 1500 }\n")
    asking = subprocess.Popen([ASSAY, "spf", "-s", daemon.ipc, "--json", *PASS_ENVELOPE], stdout=subprocess.PIPE)
    asked = sum(dns.counts.values())
    while sum(dns.counts.values()) == asked:
        time.sleep(0.02)
    daemon.stop()
    output, _ = asking.communicate(timeout=START_S)
    report.check("draining: a look-up that does not come is a temporary failure", b'"temperror"' in output,
                 f"{asking.returncode} {output}")
    dns.delay_s = 0


def check_second_signal(report, dns):
    dns.delay_s = 6
    daemon = Daemon(dns, timeout_ms=10000)
    with sp.Peer(daemon.ipc) as peer:
        asked = sum(dns.counts.values())
        peer.send(peer.frame(sp.check_sender("pass.example")))
        while sum(dns.counts.values()) == asked:
            time.sleep(0.02)
        start = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        report.check("draining waits for what is in flight", daemon.process.poll() is None)
        daemon.stop()  # once more; fails when the status is not 0
        report.check("a second signal ends the drain", time.monotonic() - start < 4, f"{time.monotonic() - start:.1f} s")
    dns.delay_s = 0


def check_idle(report, dns):
    daemon = Daemon(dns, listen=[free_tcp_url()])
    report.check("ready names its listeners", any("ready" in line and daemon.ipc in line for line in daemon.lines),
                 "\n".join(daemon.lines))
    start = time.monotonic()
    daemon.stop()
    report.check("an idle daemon stops at once", time.monotonic() - start < 5)


def check_kill(report, dns):
    """A daemon that was killed leaves its socket behind; the next start takes the place."""
    daemon = Daemon(dns)
    daemon.process.kill()
    daemon.process.wait()
    again = start_and_stop(daemon.config)
    report.check("a stale socket does not stop the start", again[0] == 0, str(again))
    daemon._clean()


def start_and_stop(config):
    """(status, lines on standard error) of a daemon that is stopped as soon as it is ready."""
    process = subprocess.Popen([ASSAYD, "-c", config], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "ready" in line:
            process.terminate()
    return process.wait(START_S), lines


def check_line(report, name, status, error, mentions):
    lines = error.splitlines()
    report.check(f"{name}: exit status 1", status == 1, f"{status}: {error}")
    report.check(f"{name}: one line", len(lines) == 1, error)
    for word in mentions:
        report.check(f"{name}: the line names {word}", word in error, error)


def run_assayd(*arguments):
    done = subprocess.run([ASSAYD, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=START_S, check=False)
    return done.returncode, done.stderr


def check_listener_in_use(report, dns):
    url = free_tcp_url()
    with Daemon(dns, listen=[url]) as first, tempfile.TemporaryDirectory() as directory:
        for in_use, other in ((first.ipc, free_tcp_url()), (url, f"ipc://{directory}/sock")):
            config = os.path.join(directory, "assayd.conf")
            with open(config, "w", encoding="utf-8") as file:
                file.write(configuration(in_use, dns.forward(), listen=[other]))
            check_line(report, f"{in_use.split(':')[0]} in use", *run_assayd("-c", config), [in_use])
        answer = first.ask("spf", *PASS_ENVELOPE)
        report.check("the first one still serves", answer["spf"]["result"] == "pass")


def bad_configurations(directory):
    """(name, text, line number or None, words that the message has to have)"""
    good = f'listen = {{"ipc://{directory}/sock"}}\n'
    zone = os.path.join(directory, "bad.zone")
    with open(zone, "w", encoding="utf-8") as file:
        file.write("a.example. 300 IN A 192.0.2.1\nb.example. 300 IN A no-address\n")
    return [
        ("unknown key", good + "nonsense = 3\n", 2, ["nonsense"]),
        ("unknown key in a section", good + "\nspf {\n\tmax-lookpus = 10\n}\n", 4, ["max-lookpus"]),
        ("unknown section", good + "colour {\n}\n", 2, ["colour"]),
        ("text for a number", good + 'shards = "many"\n', 2, ["shards"]),
        ("number out of range", good + "shards = -3\n", 2, ["shards"]),
        ("nothing for a number", good + "spf { max-lookups = }\n", 2, []),
        ("unfinished section", good + "spf {\n\tmax-lookups = 10\n", None, []),
        ("no URL", 'listen = {"nonsense"}\n', 1, ["nonsense"]),
        ("bad forwarder", good + 'dns {\n\tforward = {"no-address"}\n}\n', 3, ["no-address"]),
        ("bounds that exclude each other", good + "dkim {\n\tmin-rsa-bits = 4096\n\tmax-rsa-bits = 1024\n}\n", None,
         ["rsa-bits"]),
        ("zone file missing", good + 'dns {\n\tzone-file = "/nonexistent.zone"\n}\n', None, ["/nonexistent.zone"]),
        ("zone file a directory", good + f'dns {{\n\tzone-file = "{directory}"\n}}\n', None, [directory]),
        ("zone file wrong", good + f'dns {{\n\tzone-file = "{zone}"\n}}\n', None, [zone, "2"]),
    ]


def check_bad_configurations(report, dns):
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        config = os.path.join(directory, "assayd.conf")
        for name, text, line, words in bad_configurations(directory):
            with open(config, "w", encoding="utf-8") as file:
                file.write(text)
            place = [f"{config}:{line}"] if line else []
            check_line(report, name, *run_assayd("-c", config), place + words)
            check_line(report, f"{name} (-t)", *run_assayd("-t", "-c", config), place + words)
        missing = os.path.join(directory, "missing.conf")
        check_line(report, "no configuration file", *run_assayd("-c", missing), [missing])
        with open(config, "w", encoding="utf-8") as file:
            file.write(configuration(f"ipc://{directory}/sock", dns.forward()))
        status, error = run_assayd("-t", "-c", config)
        report.check("-t with a good configuration", status == 0, f"{status} {error}")


PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
SYS_IO_URING_SETUP = 425
EPERM = 1


def forbid_io_uring():
    """As a container's seccomp profile does: io_uring_setup() fails with EPERM in this process from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in (
        (0x20, 0, 0, 0),                   # load the number of the system call
        (0x15, 0, 1, SYS_IO_URING_SETUP),  # is it this one?
        (0x06, 0, 0, 0x00050000 | EPERM),  # fail
        (0x06, 0, 0, 0x7fff0000),          # allow
    )))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(program)))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0):
        os._exit(99)


def check_no_io_uring(report, dns):
    for shards in (1, 3):
        with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
            config = os.path.join(directory, "assayd.conf")
            with open(config, "w", encoding="utf-8") as file:
                file.write(configuration(f"ipc://{directory}/sock", dns.forward()).replace("shards = 1",
                                                                                           f"shards = {shards}"))
            done = subprocess.run([ASSAYD, "-c", config], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=START_S, check=False, preexec_fn=forbid_io_uring)
            check_line(report, f"no io_uring, {shards} shards", done.returncode, done.stderr, ["io_uring", "seccomp"])


def check_version(report):
    done = subprocess.run([ASSAYD, "--version"], capture_output=True, text=True, timeout=START_S, check=False)
    report.check("--version", done.returncode == 0 and done.stdout.startswith("assayd "), done.stdout + done.stderr)


def main():
    report = Report("start_stop")
    dns = DnsServer(PASS)
    check_version(report)
    check_idle(report, dns)
    check_drain(report, dns)
    check_drain_takes_nobody(report, dns)
    check_drain_answers(report, dns)
    check_second_signal(report, dns)
    check_kill(report, dns)
    check_listener_in_use(report, dns)
    check_no_io_uring(report, dns)
    check_bad_configurations(report, dns)
    dns.stop()
    report.finish()


main()
