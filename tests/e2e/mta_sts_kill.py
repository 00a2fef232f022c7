#!/usr/bin/python3
"""Goal:   a daemon that is killed at any moment finds its policies again: the file opens, is whole, and serves, with the web
        server gone; a file that is no database is moved aside, and a second daemon does not get hold of it.
Method: a loop of: start, ask that what was known before still is, fetch and purge as fast as can be, SIGKILL at a moment of
        chance. ASSAY_KILLS (default 12) times. The seed of chance is printed. The file is then read by Python's sqlite3."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from lib.daemon import ASSAYD, Daemon
from lib.dnsserver import DnsServer
from lib.httpsserver import HttpsServer, Site, policy
from lib.pipeline import Pipeline, PipelineError, ask_policy
from lib.report import Report
from lib.wire import tls_policy

KILLS = int(os.environ.get("ASSAY_KILLS", "12"))
SEED = int(os.environ.get("ASSAY_SEED", random.SystemRandom().randrange(1 << 32)))
DOMAINS = [f"d{at}.example" for at in range(40)]
LASTING = "lasting.example"


def zone():
    made = {}
    for domain in [*DOMAINS, LASTING]:
        made[f"_mta-sts.{domain}"] = [["TXT", "v=STSv1; id=1"]]
        made[f"mta-sts.{domain}"] = [["A", "127.0.0.1"]]
    return made


def disturb(daemon, chance):
    """Purges and fetches until the daemon is gone."""
    try:
        with Pipeline(daemon.ipc) as pipeline:
            while True:
                pipeline.ask_all([tls_policy(domain, domain, purge=True, deadline_ms=5000)
                                  for domain in chance.sample(DOMAINS, 8)])
    except (PipelineError, OSError):
        pass


def kill(daemon):
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon._clean()


def read_file(path):
    """What a stranger to the daemon finds in it: ("ok", {domain: id})."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        whole = database.execute("PRAGMA integrity_check").fetchone()[0]
        rows = database.execute("SELECT key, value FROM records").fetchall()
    return whole, {key: value.split(" ", 1)[0] for key, value in rows}


def check_kills(report, dns, web, state, options):
    chance = random.Random(SEED)
    path = os.path.join(state, "policies.db")
    written = 0
    for at in range(KILLS):
        daemon = Daemon(dns, **options)
        got = ask_policy(daemon, LASTING)["mta_sts"]
        disturber = threading.Thread(target=disturb, args=(daemon, chance))
        disturber.start()
        time.sleep(chance.uniform(0.02, 0.4))
        if at == 0:
            time.sleep(0.5)
            web.sites[f"mta-sts.{LASTING}"] = Site("", status=500)
        kill(daemon)
        disturber.join()
        whole, found = read_file(path)
        written = max(written, len(found))
        report.check(f"kill {at} (seed {SEED}): it serves what was kept", got["result"] == "policy" and got["id"] == "1", str(got))
        report.check(f"kill {at}: the file is whole", whole == "ok" and found.get(LASTING) == "1", f"{whole} {sorted(found)}")
        report.check(f"kill {at}: nothing was moved aside", not os.path.exists(path + ".broken"))
    report.check("there was something to break", written > 5, str(written))
    print(f"mta_sts_kill: {KILLS} kills, seed {SEED}, up to {written} policies in the file", flush=True)


def check_broken(report, dns, web, state, options):
    path = os.path.join(state, "policies.db")
    for name in ("policies.db-wal", "policies.db-shm"):
        if os.path.exists(os.path.join(state, name)):
            os.unlink(os.path.join(state, name))
    with open(path, "r+b") as file:
        file.write(b"this is no database any more" * 200)
    with Daemon(dns, **options) as daemon:
        report.check("a broken file is moved aside", os.path.exists(path + ".broken"))
        report.check("and told of", any("was broken" in line for line in daemon.lines), "\n".join(daemon.lines))
        report.check("and counted", daemon.ask("status")["counters"]["policy_file_faults_total"] == 1)
        web.sites[f"mta-sts.{LASTING}"] = Site(policy())
        report.check("it serves", daemon.ask("tls-policy", LASTING)["mta_sts"]["result"] == "policy")
        second = subprocess.run([ASSAYD, "-c", daemon.config], capture_output=True, text=True, timeout=60, check=False)
        report.check("a second daemon does not start with it", second.returncode != 0 and "another process" in second.stderr,
                     second.stderr)
        report.check("the first one is not disturbed", daemon.ask("tls-policy", LASTING)["mta_sts"]["result"] == "policy")
    whole, found = read_file(path)
    report.check("the new file is whole", whole == "ok" and LASTING in found, f"{whole} {found}")


def check_invalid_records(report, dns, web, state, options):
    """What is in the file but no policy, or one of another time, is not taken from it."""
    path = os.path.join(state, "policies.db")
    now = int(time.time())
    text = policy()
    rows = {"no-policy.example": f"1 {now} {now + 1000}\nhello", "past.example": f"1 {now - 2000} {now - 1000}\n{text}",
            "far.example": f"1 {now} {now + 40000000}\n{text}", "numbers.example": f"1 x y\n{text}", "empty.example": "",
            "A b": f"1 {now} {now + 1000}\n{text}", "good.example": f"7 {now} {now + 1000}\n{text}"}
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executemany("INSERT INTO records VALUES (?, ?)", rows.items())
        database.commit()
    with Daemon(dns, **options) as daemon:
        for domain in rows:
            got = ask_policy(daemon, domain)["mta_sts"]
            report.check(f"{domain} in the file", got["result"] == ("policy" if domain == "good.example" else "none"), str(got))
    report.check("what is of no use goes", sorted(read_file(path)[1]) == ["good.example", LASTING], str(read_file(path)))


def main():
    report = Report("mta_sts_kill")
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as directory:
        state = os.path.join(directory, "state")
        os.mkdir(state)
        web = HttpsServer(directory, {f"mta-sts.{domain}": Site(policy()) for domain in [*DOMAINS, LASTING]})
        dns = DnsServer(zone())
        options = {"extra": f'state-directory = "{state}"\n' + web.configuration()}
        check_kills(report, dns, web, state, options)
        check_broken(report, dns, web, state, options)
        check_invalid_records(report, dns, web, state, options)
        dns.stop()
        web.stop()
    report.finish()


main()
