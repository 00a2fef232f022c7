#!/usr/bin/python3
"""Goal:   what is installed is all that an MTA's author needs: header, libraries, pkg-config file, manual pages.
Method: an installation into a folder of its own; docs/examples/mta.c is built against it as pkg-config says, shared and
        static, and asks a daemon; the header is compiled as C89 and as C++; the library's symbols are those of the header."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from lib.daemon import BUILD, SOURCE, Daemon
from lib.dnsserver import DnsServer
from lib.report import Report, skip
from lib.zones import PASS

NAME = "installed"
TOOLS = ["meson", "cc", "c++", "nm", "readelf", "pkg-config"]
MESSAGE = b"From: a@pass.example\r\nSubject: x\r\n\r\nhello\r\n"
FUNCTION = re.compile(r"^ASSAY_API [^;]*?\b(assay_[a-z_]+)\(", re.MULTILINE)


def run(*command, **options):
    """(exit status, all that it wrote)"""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, **options)
    return done.returncode, done.stdout.decode(errors="replace")


def found(root, name):
    """The path of the one file of that name."""
    paths = glob.glob(f"{root}/**/{name}", recursive=True)
    return paths[0] if paths else ""


def pkg_config(root, *options):
    environment = os.environ | {"PKG_CONFIG_PATH": os.path.dirname(found(root, "assay.pc")), "PKG_CONFIG_SYSROOT_DIR": root}
    status, output = run("pkg-config", *options, "assay", env=environment)
    return output.split() if status == 0 else []


def check_program(report, root, daemon, how, link):
    program, source = os.path.join(root, f"mta-{how}"), os.path.join(SOURCE, "docs", "examples", "mta.c")
    status, output = run("cc", "-std=c11", "-Wall", "-Werror", *pkg_config(root, "--cflags"), "-o", program, source, *link)
    if not report.check(f"{how}: the example is built", status == 0, output):
        return
    environment = os.environ | {"LD_LIBRARY_PATH": os.path.dirname(found(root, "libassay.so"))} if how == "shared" else None
    status, output = run(program, daemon.ipc, "192.0.2.1", "mail.pass.example", "a@pass.example", input=MESSAGE, env=environment)
    report.check(f"{how}: and runs", status == 0 and output.strip().endswith("250 2.0.0 Ok"), output)


def check_programs(report, root):
    dns = DnsServer(PASS)
    with Daemon(dns) as daemon:
        check_program(report, root, daemon, "shared", pkg_config(root, "--libs"))
        static = [flag.replace("-lassay", "-l:libassay.a") for flag in pkg_config(root, "--static", "--libs")]
        check_program(report, root, daemon, "static", static)
    dns.stop()


def check_header(report, root):
    header = found(root, "assay.h")
    for compiler, standard, language in (("cc", "c89", "c"), ("cc", "c11", "c"), ("c++", "c++98", "c++"), ("c++", "c++17", "c++")):
        status, output = run(compiler, "-x", language, f"-std={standard}", "-pedantic-errors", "-Wall", "-Wextra", "-Werror",
                             "-fsyntax-only", "-include", header, "/dev/null")
        report.check(f"the header is {standard}", status == 0, output)
    with open(header, encoding="utf-8") as file:
        return set(FUNCTION.findall(file.read()))


def check_symbols(report, root, functions):
    library = found(root, "libassay.so")
    _, output = run("nm", "-D", "--defined-only", library)
    symbols = {line.split()[2] for line in output.splitlines() if line.split()[1] in "TDBR"}
    report.check("each symbol has its version", all(symbol.endswith("@@LIBASSAY_0") for symbol in symbols), str(symbols))
    symbols = {symbol.split("@")[0] for symbol in symbols}
    report.check("the symbols are the header's functions", symbols == functions and len(functions) > 25, str(symbols ^ functions))
    _, output = run("readelf", "-d", library)
    report.check("the soname", "[libassay.so.0]" in output, output)


def check_manual(report, root, functions):
    for page in ("assay.1", "assayd.8", "libassay.3", "assayd.conf.5"):
        report.check(f"{page} is there", found(root, page) != "")
    with open(found(root, "libassay.3"), encoding="utf-8") as file:
        text = file.read()
    for function in sorted(functions):
        report.check(f"libassay.3 has {function}()", function in text)


def main():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        skip(NAME, f"{missing[0]} is not installed")
    report = Report(NAME)
    with tempfile.TemporaryDirectory(prefix="assay-e2e-") as root:
        status, output = run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        if report.check("it installs", status == 0, output):
            functions = check_header(report, root)
            check_symbols(report, root, functions)
            check_manual(report, root, functions)
            check_programs(report, root)
    report.finish()


main()
