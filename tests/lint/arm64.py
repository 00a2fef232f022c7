#!/usr/bin/python3
"""Goal: src/base and src/crypto build for arm64, where OpenSSL does what kernels of ours do on x86-64.

Method: each file that meson builds there is compiled by Debian's cross compiler (gcc-aarch64-linux-gnu), warnings being
errors. Its own headers come first; OpenSSL's and other libraries' are this machine's, which differ in nothing that these
files use. What is built for x86-64 alone is read out of src/crypto/meson.build. Skips (77) without the compiler.
"""
import pathlib
import re
import shutil
import subprocess
import sys

COMPILER = "aarch64-linux-gnu-gcc"
FLAGS = [
    "-std=c11", "-O2", "-Werror", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion",
    "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wcast-qual", "-Wundef", "-Wvla", "-fno-strict-aliasing", "-D_GNU_SOURCE",
]
SKIPPED = 77


def x86_64_alone(source):
    """The files that src/crypto/meson.build adds for x86-64 only."""
    found = re.search(r"if ed25519_is_built\n\s*crypto_sources \+= \[(.*?)\]", (source / "crypto/meson.build").read_text(), re.S)
    if not found:
        sys.exit("src/crypto/meson.build: what is built for x86-64 alone is not where it was")
    return set(re.findall(r"'([^']+)'", found[1]))


def host_headers():
    """Where this machine's compiler finds the headers of libraries."""
    text = subprocess.run(["cc", "-E", "-v", "-x", "c", "/dev/null"], capture_output=True, text=True, check=True).stderr
    listed = text.split("search starts here:")[-1].split("End of search list")[0].split()
    return [directory for directory in listed if directory.startswith("/usr/include")]


def main(source):
    if not shutil.which(COMPILER):
        print(f"skipped: no {COMPILER}")
        return SKIPPED
    alone, failed, built = x86_64_alone(source), 0, 0
    after = [flag for directory in host_headers() for flag in ("-idirafter", directory)]
    for file in sorted((source / "base").glob("*.c")) + sorted((source / "crypto").glob("*.c")):
        if file.parent.name == "crypto" and file.name in alone:
            continue
        command = [COMPILER, *FLAGS, "-I", str(source), *after, "-c", "-o", "/dev/null", str(file)]
        failed += subprocess.run(command).returncode != 0
        built += 1
    print(f"{built} files for arm64, {failed} do not build")
    return 1 if failed or built == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
