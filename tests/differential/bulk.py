"""What the differential tests share: where the other tests' modules are, a zone for many thousands of cases, the
daemon with room for them, and the oracles of Debian.

A case is made from (seed, number) alone, so that any of them can be had again by itself; its names are below a domain
of its own, and so one zone serves all.
"""

import argparse
import hashlib
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from lib.daemon import Daemon  # noqa: E402
from lib.dnsserver import ALIASES_MAX, DnsServer  # noqa: E402
from lib.pipeline import Pipeline  # noqa: E402
from lib.report import skip  # noqa: E402

BATCH = 2000
WINDOW = 48
DNS_TIMEOUT_MS = 20000  # the server below shares its processor with everybody: a time-out would be its own fault


def oracles(test_name, **packages):
    """Skips the test when a module is missing; `packages` says which of Debian's packages has each."""
    for module, package in packages.items():
        try:
            importlib.import_module(module)
        except ImportError:
            skip(test_name, f"no Python module {module}: install Debian's {package.replace('_', '-')}")


def arguments(about, cases):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--cases", type=int, default=cases)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--window", type=int, default=WINDOW, help="requests under way; 1 to see what one takes")
    parser.add_argument("--only", type=int, action="append", metavar="NUMBER", help="this case alone, in full")
    return parser.parse_args()


def is_dynamic(name):
    return ".dyn." in name or ".any." in name


def dynamic_records(name, rtype):
    """Below the label "dyn" a name exists or not by its octets: whoever asks for another name gets another answer.
    Below "any" every name has an address that is no client's. None: there is no such name."""
    if ".any." in name:
        return {"A": ["192.0.2.1"], "AAAA": ["2001:db8:ffff::1"]}.get(rtype, [])
    if hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[0] % 2:
        return None
    return ["127.0.0.2"] if rtype == "A" else []


class BulkZone:
    """Records of many cases: {name: [[type, value], ...]} as in the corpus, and the dynamic names."""

    def __init__(self):
        self.names = {}
        self._above = set()

    def add(self, records):
        for name, values in records.items():
            self.names.setdefault(name.lower(), []).extend(values)
            parts = name.lower().split(".")
            self._above.update(".".join(parts[at:]) for at in range(1, len(parts)))

    def entries(self, name, rtype):
        """(state, values); the state is "nxdomain", "timeout", "servfail" or "found"."""
        if is_dynamic(name):
            values = dynamic_records(name, rtype)
            return ("nxdomain", []) if values is None else ("found", values)
        if name not in self.names:
            return ("found" if name in self._above else "nxdomain"), []
        mine = [value for kind, value in self.names[name] if kind == rtype]
        mine = mine or [value for kind, value in self.names[name] if kind == "*"]
        if mine and mine[0] in ("TIMEOUT", "SERVFAIL"):
            return mine[0].lower(), []
        return "found", mine

    def lookup(self, name, rtype, aliases_max):
        """(state, values) behind all aliases; more of them than `aliases_max` are a failure of the server."""
        name = name.rstrip(".").lower()
        for _ in range(aliases_max + 1):
            state, values = self.entries(name, rtype)
            alias = [value for kind, value in self.names.get(name, []) if kind == "CNAME"]
            if state != "found" or values or not alias:
                return state, values
            name = alias[0].rstrip(".").lower()
        return "servfail", []


class BulkDnsServer(DnsServer):
    """The scripted server over a BulkZone."""

    def __init__(self, bulk):
        self.bulk = bulk
        super().__init__(bulk.names)

    def _entries(self, name, rtype):
        return self.bulk.entries(name, rtype)


class Service:
    """A zone, its server and a daemon that asks it; a context manager that gives the pipeline."""

    def __init__(self, zone, window, extra=""):
        assert ALIASES_MAX > 8
        self.dns = BulkDnsServer(zone)
        try:
            self.daemon = Daemon(self.dns, timeout_ms=DNS_TIMEOUT_MS, extra=extra)
            self.pipeline = Pipeline(self.daemon.ipc, window)
        except BaseException:
            self.dns.stop()
            raise

    def __enter__(self):
        return self.pipeline

    def __exit__(self, kind, value, trace):
        self.pipeline.close()
        try:
            self.daemon.__exit__(kind, value, trace)
        finally:
            self.dns.stop()


def batches(numbers):
    numbers = list(numbers)
    return [numbers[at:at + BATCH] for at in range(0, len(numbers), BATCH)]
