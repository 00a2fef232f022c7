"""assayd under test: configured, started, stopped, and asked by the assay command."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

BUILD = os.environ.get("ASSAY_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "..", "build"))
SOURCE = os.environ.get("ASSAY_SOURCE", os.path.join(os.path.dirname(__file__), "..", "..", ".."))
ASSAYD = os.path.join(BUILD, "assayd")
# The programs that ask it may be those of another build: with a thread sanitizer, only the daemon's is of interest.
CLIENTS = os.environ.get("ASSAY_CLIENTS", BUILD)
NNG_STOCK = os.path.join(CLIENTS, "tests", "e2e", "nng_stock")
ASSAY = os.path.join(CLIENTS, "assay")
SHARDS = int(os.environ.get("ASSAY_SHARDS", "1"))
READY_S = 30
STOP_S = 30
ASK_S = 60
WAIT_MS = 50000  # of a request, when a test says nothing else: sanitizers on a busy machine are slow
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|assertion failed")


class DaemonError(Exception):
    pass


def configuration(ipc, forward, listen=(), authserv_id="mx.example.org", timeout_ms=2000, dns="", extra=""):
    """The text of a configuration that uses one scripted DNS server, or with `forward` empty the roots."""
    forwards = f'"{forward}"' if forward else ""
    urls = ", ".join(f'"{url}"' for url in [ipc, *listen])
    return f"""
listen = {{{urls}}}
shards = {SHARDS}
authserv-id = "{authserv_id}"
dns {{
	forward = {{{forwards}}}
	dnssec = false
	timeout = {timeout_ms}
	{dns}
}}
{extra}
"""


def free_tcp_url():
    """A tcp URL at a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


class Daemon:
    """One assayd, from start() to stop(); its files are in a directory of its own under /tmp."""

    def __init__(self, dns_server, text=None, **options):
        """`text`: a function of the ipc URL that gives the whole configuration; else configuration() does."""
        self.directory = tempfile.mkdtemp(prefix="assay-e2e-")
        self.ipc = f"ipc://{self.directory}/sock"
        self.config = os.path.join(self.directory, "assayd.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text(self.ipc) if text else configuration(self.ipc, dns_server.forward(), **options))
        self.lines = []
        self._ready = threading.Event()
        self._ended = threading.Event()
        self.process = subprocess.Popen([ASSAYD, "-c", self.config], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, errors="replace")
        threading.Thread(target=self._read, daemon=True).start()
        self._wait_ready()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if re.search(r"\bready\b", line):
                self._ready.set()
        self._ended.set()
        self._ready.set()

    def _wait_ready(self):
        if not self._ready.wait(READY_S) or self._ended.is_set():
            self.process.kill()
            self.process.wait()
            self._clean()
            raise DaemonError("assayd did not get ready:\n" + "\n".join(self.lines))

    def _clean(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self):
        """SIGTERM, then exit status 0 and not a word from a sanitizer; else DaemonError."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = f"none within {STOP_S} s of SIGTERM"
            self.process.wait()
        self._ended.wait(5)
        self._clean()
        reported = [line for line in self.lines if SANITIZER.search(line)]
        if status != 0 or reported:
            raise DaemonError(f"assayd ended with status {status}:\n" + "\n".join(self.lines[-60:]))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        except DaemonError:
            if kind is None:
                raise
            print("\n".join(self.lines[-60:]))

    # ---- the assay command ----

    def assay(self, command, *arguments, stdin=b"", url=None):
        """(exit status, standard output, standard error) of `assay COMMAND -s URL ARGUMENTS`."""
        done = subprocess.run([ASSAY, command, "-s", url or self.ipc, "--timeout", str(WAIT_MS), *arguments],
                              input=stdin, capture_output=True, timeout=ASK_S, check=False)
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def stock(self, mode, *arguments, url=None, timeout=ASK_S):
        """(exit status, output) of the peer made of stock libnng."""
        done = subprocess.run([NNG_STOCK, mode, url or self.ipc, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
        return done.returncode, done.stdout.decode(errors="replace").strip()

    def ask(self, command, *arguments, stdin=b"", url=None):
        """The JSON object; DaemonError when there is none."""
        status, output, error = self.assay(command, "--json", *arguments, stdin=stdin, url=url)
        if status != 0:
            raise DaemonError(f"assay {command}: status {status}: {error.strip()}")
        return json.loads(output)
