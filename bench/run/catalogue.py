"""Which peers there are, what each needs, and how it is started. One that cannot be had here is named and left out."""

import json
import os
import shutil
import subprocess

import rspamd
from peer import Peer
from rig import ROOT, say

PEERS = os.path.join(ROOT, "bench", "peers")
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
DMARC_INI = "/usr/share/perl5/auto/share/dist/Mail-DMARC/mail-dmarc.ini"
CORPUS_SUFFIXES = ("test", "example", "co.test")  # registries of the corpora's domains, which the real list does not know
PYTHON = "/usr/bin/python3"  # Debian's, whose modules are meant


def package_version(name):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False)
    return done.stdout.split("-")[0].split("+")[0] or "?"


def perl_has(module):
    return subprocess.run(["perl", f"-M{module}", "-e", "1"], capture_output=True, check=False).returncode == 0


def python_has(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


class Catalogue:
    """Files that peers read, and rspamd once it is running."""

    def __init__(self, rig):
        self._rig, self.rspamd = rig, None
        self._suffixes = rig.path("suffixes.dat")
        with open(SUFFIXES, encoding="utf-8") as file:
            listed = file.read()
        with open(self._suffixes, "w", encoding="utf-8") as file:
            file.write(listed + "\n" + "".join(f"{suffix}\n" for suffix in CORPUS_SUFFIXES))
        self._mailauth = os.path.join(rig.build, "mailauth")
        self.kinds = [kind for kind in (self._stack(), self._mailauth_kind(), self._python(), self._perl(), self._rspamd()) if kind]

    def _missing(self, name, what):
        say(f"   left out: {name}: {what} is not installed")

    def _stack(self):
        program = self._rig.program("bench/stack")
        if not os.path.exists(program):
            return self._missing("libopendkim + libspf2 + libopendmarc", "one of libopendkim-dev, libspf2-dev, libopendmarc-dev")
        label = (f"libopendkim {package_version('libopendkim11')} + libspf2 {package_version('libspf2-2')} + "
                 f"libopendmarc {package_version('libopendmarc2')}")
        return ("stack", label, lambda corpus, messages: Peer(self._rig, label, [program], corpus, messages,
                                                               env={"PUBLIC_SUFFIX_LIST": self._suffixes}))

    def _mailauth_kind(self):
        node = os.path.join(self._mailauth, "node_modules", ".bin", "node")
        if not os.path.exists(node):
            return self._missing("mailauth", f"node_modules in {self._mailauth} (npm ci)")
        with open(f"{self._mailauth}/node_modules/mailauth/package.json", encoding="utf-8") as file:
            version = json.load(file)["version"]
        release = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        label = f"mailauth {version}, node {release[1:]}"
        return ("mailauth", label, lambda corpus, messages: Peer(self._rig, label, [node, f"{PEERS}/mailauth.js"], corpus, messages,
                                                                  cwd=self._mailauth))

    def _python(self):
        absent = next((name for name in ("dkim", "spf", "nacl") if not python_has(name)), None)
        if absent:
            return self._missing("dkimpy + pyspf", f"{PYTHON}'s {absent}")
        label = f"dkimpy {package_version('python3-dkim')} + pyspf {package_version('python3-spf')} (no DMARC)"
        return ("python", label, lambda corpus, messages: Peer(self._rig, label, [PYTHON, f"{PEERS}/python_peer.py"], corpus, messages))

    def _perl(self):
        absent = next((name for name in ("Mail::DKIM", "Mail::SPF", "Mail::DMARC::PurePerl") if not perl_has(name)), None)
        if absent:
            return self._missing("Mail::DKIM + Mail::SPF + Mail::DMARC", absent)
        config = self._rig.path("mail-dmarc.ini")
        with open(DMARC_INI, encoding="utf-8") as file:
            lines = [f"public_suffix_list = {self._suffixes}\n" if line.startswith("public_suffix_list") else line for line in file]
        with open(config, "w", encoding="utf-8") as file:
            file.writelines(lines)
        label = (f"Mail::DKIM {package_version('libmail-dkim-perl')} + Mail::SPF {package_version('libmail-spf-perl')} + "
                 f"Mail::DMARC {package_version('libmail-dmarc-perl')}")
        return ("perl", label, lambda corpus, messages: Peer(self._rig, label, ["perl", f"{PEERS}/perl_peer.pl"], corpus, messages,
                                                              env={"MAIL_DMARC_CONFIG_FILE": config}))

    def _rspamd(self):
        if not shutil.which("rspamd"):
            return self._missing("rspamd", "rspamd")
        label = f"rspamd {package_version('rspamd')} (spf, dkim, dmarc, arc; one worker, HTTP)"

        def start(corpus, messages):
            if not self.rspamd:
                self.rspamd = rspamd.Daemon(self._rig, self._suffixes)
            return rspamd.Asker(self.rspamd, label, corpus, messages)
        return ("rspamd", label, start)

    def close(self):
        if self.rspamd:
            self.rspamd.close()
