"""NSD on loopback with zones that are signed with keys made here (ldnsutils)."""

import os
import shutil
import socket
import subprocess
import time

START_S = 10
TOOLS = ("nsd", "ldns-keygen", "ldns-signzone")


def missing_tool():
    """The name of a program that is not installed, or None. Makes the others be found."""
    if not os.environ["PATH"].endswith(":/usr/sbin"):
        os.environ["PATH"] += ":/usr/sbin"
    return next((tool for tool in TOOLS if not shutil.which(tool)), None)


def run(directory, *command):
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def sign(directory, zone, path):
    """Signs the zone in `path`, which becomes `path`.zone; returns its DS record in zone-file format."""
    key = run(directory, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
    run(directory, "ldns-signzone", "-f", path + ".zone", path, key)
    with open(os.path.join(directory, key + ".ds"), encoding="ascii") as file:
        return file.read()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nsd:
    """`zones`: name -> file in the directory."""

    def __init__(self, directory, zones):
        self.port = free_port()
        config = os.path.join(directory, "nsd.conf")
        listed = "".join(f'zone:\n name: "{zone}"\n zonefile: "{path}"\n' for zone, path in zones.items())
        with open(config, "w", encoding="ascii") as file:
            file.write(
                f'server:\n ip-address: 127.0.0.1@{self.port}\n username: ""\n zonesdir: "{directory}"\n'
                f' database: ""\n pidfile: "{directory}/nsd.pid"\n xfrdfile: "{directory}/xfrd"\n'
                f' zonelistfile: "{directory}/zone.list"\n xfrdir: "{directory}"\n server-count: 1\n'
                f' logfile: "{directory}/nsd.log"\nremote-control:\n control-enable: no\n{listed}'
            )
        self.process = subprocess.Popen(["nsd", "-d", "-c", config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        while time.monotonic() < end and not os.path.exists(f"{directory}/nsd.pid"):
            time.sleep(0.05)
        time.sleep(0.3)

    def forward(self):
        return f"127.0.0.1@{self.port}"

    def stop(self):
        self.process.terminate()
        self.process.wait(START_S)
