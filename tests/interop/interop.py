#!/usr/bin/python3
"""Goal:   the wire is public: what docs/interop.md shows works as it is printed there, with python3-protobuf and a socket, and
        with an nng binding where one is installed.
Method: the code blocks of the document are taken out of it and run against a daemon; protoc compiles the schema. Without
        protoc or python3-protobuf the first part is skipped; the part with bare sockets always runs."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from lib.daemon import SOURCE, Daemon, free_tcp_url  # noqa: E402
from lib.dnsserver import DnsServer  # noqa: E402
from lib.report import Report  # noqa: E402
from lib.zones import PASS  # noqa: E402

MESSAGE = "From: a@pass.example\r\nSubject: x\r\n\r\nhello\r\n"


def blocks():
    """{name: code} of the document: each block's first line names its file."""
    with open(os.path.join(SOURCE, "docs", "interop.md"), encoding="utf-8") as file:
        return {name: text for text, name in re.findall(r"```python\n(# (\S+\.py).*?)```", file.read(), re.S)}


def protobuf_is_there(directory):
    if not shutil.which("protoc"):
        return False
    schema = os.path.join(SOURCE, "proto")
    subprocess.run(["protoc", f"-I{schema}", f"--python_out={directory}", "assay/v1/assay.proto"], check=True)
    probe = "import assay.v1.assay_pb2"
    return subprocess.run([sys.executable, "-c", probe], cwd=directory, capture_output=True, check=False).returncode == 0


def run(directory, name, *arguments):
    done = subprocess.run([sys.executable, os.path.join(directory, name), *arguments], capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, "PYTHONPATH": directory})
    return done.stdout.strip(), done.stderr


def main():
    report = Report("interop")
    code = blocks()
    dns = DnsServer(PASS)
    url = free_tcp_url()
    with tempfile.TemporaryDirectory(prefix="assay-interop-") as directory, Daemon(dns, listen=[url]) as daemon:
        for name, text in code.items():
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        path = os.path.join(directory, "message.eml")
        with open(path, "wb") as file:
            file.write(MESSAGE.encode())
        report.check("the document has its programs", {"sp.py", "check.py", "bare.py"} <= code.keys(), str(code.keys()))
        wanted = "mx.example.org;"
        for where in (daemon.ipc, url):
            output, error = run(directory, "bare.py", where, path)
            report.check(f"sockets alone, {where[:3]}", output.startswith(wanted) and "spf=pass" in output, output + error)
        if protobuf_is_there(directory):
            for where in (daemon.ipc, url):
                output, error = run(directory, "check.py", where, path)
                report.check(f"protobuf, {where[:3]}", output.startswith(wanted) and "spf=pass" in output and
                             "dmarc=pass" in output, output + error)
        else:
            print("no protoc or python3-protobuf: that part is left out")
    dns.stop()
    report.finish()


main()
