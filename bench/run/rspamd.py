"""rspamd as a peer: one worker with SPF, DKIM, DMARC and ARC and nothing else, asked over HTTP as an MTA would. Only rspamd's own
processes are counted, not the client here."""

import http.client
import json
import os
import socket
import subprocess
import time

from peer import PATIENCE_S, PeerFailed, tree_cpu_s
from rig import stop

PORT = 11333
PLUGINS = "/usr/share/rspamd/plugins"
START_S = 60

SPF_WORDS = {"R_SPF_ALLOW": "pass", "R_SPF_PLUSALL": "pass", "R_SPF_FAIL": "fail", "R_SPF_SOFTFAIL": "softfail",
             "R_SPF_NEUTRAL": "neutral", "R_SPF_NA": "none", "R_SPF_PERMFAIL": "permerror", "R_SPF_DNSFAIL": "temperror"}
DKIM_WORDS = {"R_DKIM_ALLOW": "pass", "R_DKIM_REJECT": "fail", "R_DKIM_TEMPFAIL": "temperror", "R_DKIM_PERMFAIL": "permerror"}
DMARC_WORDS = {"DMARC_POLICY_ALLOW": "pass", "DMARC_POLICY_ALLOW_WITH_FAILURES": "pass", "DMARC_POLICY_REJECT": "fail",
               "DMARC_POLICY_QUARANTINE": "fail", "DMARC_POLICY_SOFTFAIL": "fail", "DMARC_NA": "none",
               "DMARC_BAD_POLICY": "permerror", "DMARC_DNSFAIL": "temperror"}

CONFIG = """options {{
  pidfile = "{folder}/pid";
  filters = "dkim";
  url_tld = "{suffixes}";
  cache_file = "{folder}/symbols.cache";
  hs_cache_dir = "{folder}/";
  control_socket = "{folder}/control.sock mode=0600";
  history_file = "{folder}/history";
  stats_file = "{folder}/stats.ucl";
  local_addrs = [];
  dns {{ nameserver = ["127.0.0.1:53"]; timeout = 1s; sockets = 16; retransmits = 5; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "error"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; mime = true; }}
modules {{ path = "{plugins}/spf.lua"; path = "{plugins}/dmarc.lua"; path = "{plugins}/arc.lua"; }}
dkim {{ dkim_cache_size = 100k; dkim_cache_expire = 1d; time_jitter = 6h; trusted_only = false; skip_multi = false; }}
spf {{ spf_cache_size = 100k; spf_cache_expire = 1d; }}
dmarc {{ }}
arc {{ }}
"""


class Daemon:
    """rspamd itself, on the server's core."""

    def __init__(self, rig, suffixes):
        folder = rig.path("rspamd")
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/rspamd.conf", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=folder, suffixes=suffixes, port=PORT, plugins=PLUGINS))
        with open(f"{folder}/stderr", "wb") as log:
            self._process = subprocess.Popen(["taskset", "-c", rig.core_server, "rspamd", "-f", "-i", "-c", f"{folder}/rspamd.conf"],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self._process.pid
        self._wait()

    def _wait(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", PORT), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        self.close()
        raise PeerFailed("rspamd: does not listen; see rspamd/log")

    def close(self):
        stop(self._process)


def symbol_word(symbols, words, otherwise):
    return next((word for name, word in words.items() if name in symbols), otherwise)


def verdict(symbols):
    dkim = []
    for name, word in DKIM_WORDS.items():
        for option in symbols.get(name, {}).get("options", ()):
            domain, _, selector = option.partition(":s=")
            dkim.append([domain, selector, word])
    return {"spf": symbol_word(symbols, SPF_WORDS, "none"), "dkim": dkim, "dmarc": symbol_word(symbols, DMARC_WORDS, "none")}


class Asker:
    """A corpus for a running rspamd; to be used as a Peer."""

    def __init__(self, daemon, label, corpus, messages=None):
        self.label, self._daemon, self._found = label, daemon, []
        with open(f"{corpus}/messages.pack", "rb") as file:
            pack = file.read()
        with open(f"{corpus}/messages.jsonl", encoding="utf-8") as file:
            entries = [json.loads(line) for line in file][:messages]
        self._requests = [(pack[entry["at"]:entry["at"] + entry["octets"]],
                           {"IP": entry["client_ip"], "Helo": entry["helo"], "From": entry["mail_from"],
                            "Rcpt": entry["rcpt_to"][0]}) for entry in entries]
        self.count = len(self._requests)

    def cpu_s(self):
        return tree_cpu_s(self._daemon.pid)

    @staticmethod
    def _ask(message, headers):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE_S)
        connection.request("POST", "/checkv2", message, headers)
        octets = connection.getresponse().read()
        connection.close()
        return octets

    def one_pass(self):
        self._found = [self._ask(*request) for request in self._requests]

    def verdicts(self):
        return [verdict(json.loads(octets)["symbols"]) for octets in self._found]

    def close(self):
        """The daemon is closed by who opened it."""
