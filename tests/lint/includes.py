#!/usr/bin/python3
"""Goal: the layers of docs/architecture.md hold: no folder includes what it may not see.

Method: every #include "..." of src/ is looked up in the table below; one line for each breach. Names what is
forbidden in a way that a new folder must be entered here before it can include anything.
"""
import pathlib
import re
import sys

PROTO = "proto/"
# Folder: the folders whose headers it may include, beside its own. Everyone may include base.
MAY_SEE = {
    "base": set(),
    "proto/ask": set(),
    "proto/reason": set(),
    "proto/dns": {"proto/ask"},
    "proto/mail": {"proto/reason"},
    "proto/spf": {"proto/ask", "proto/reason", "proto/mail"},
    "proto/dkim": {"proto/ask", "proto/reason", "proto/mail"},
    "proto/dmarc": {"proto/ask", "proto/reason", "proto/mail"},
    "proto/authres": {"proto/mail"},
    "proto/arc": {"proto/ask", "proto/reason", "proto/mail", "proto/dkim", "proto/authres"},
    "proto/verdict": {
        "proto/ask", "proto/reason", "proto/mail", "proto/spf", "proto/dkim", "proto/dmarc", "proto/authres", "proto/arc",
    },
    "proto/tlspolicy": {"proto/ask", "proto/reason", "proto/mail"},
    "proto/wire": set(),
    "crypto": set(),
    "io": set(),
    "engine": {PROTO, "crypto", "io"},
    "daemon": {"engine", "io", PROTO},
    "client": {"proto/wire", "proto/dkim", "proto/mail"},
    "tools": {"client"},
}
# Libraries that belong to one mechanism: header prefix, and who may include it.
LIBRARIES = {
    "liburing.h": {"io"},
    "unbound": {"io"},
    "ldns/": {"io"},
    "libpsl.h": {"io"},
    "openssl/": {"crypto", "io", "client"},
    "curl/": {"io"},
    "sqlite3.h": {"io"},
    "nng/": {"client"},
    "confuse.h": {"daemon"},
    "microhttpd.h": {"daemon"},
    "jansson.h": {"tools"},
    "idn2.h": {"proto/mail"},
    "protobuf-c/": {"proto/wire", "client"},
    "assay.pb-c.h": {"proto/wire", "engine", "client"},
    "pthread.h": {"io", "engine", "daemon", "client"},
    "time.h": {"io", "engine", "client", "tools"},
    "sys/socket.h": {"io"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def folder_of(path):
    """The layer that a path relative to src/ belongs to."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "proto" else parts[0]


def may(folder, other, allowed):
    return other in ("base", folder) or any(other == a or (a.endswith("/") and other.startswith(a)) for a in allowed)


def breaches(source):
    found = []
    for path in sorted(list(source.rglob("*.c")) + list(source.rglob("*.h")) + list(source.rglob("*.def"))):
        name = path.relative_to(source).as_posix()
        folder = folder_of(name)
        if folder not in MAY_SEE:
            found.append(f"{name}: the folder {folder} is not in the table")
            continue
        for own, system in INCLUDE.findall(path.read_text()):
            included = own or system
            other = folder_of(included) if own and "/" in own else None
            if other in MAY_SEE and not may(folder, other, MAY_SEE[folder]):
                found.append(f'{name}: {folder} may not include "{included}"')
            for prefix, users in LIBRARIES.items():
                if included.startswith(prefix) and folder not in users:
                    found.append(f"{name}: {folder} may not include {included}")
    return found


def main():
    found = breaches(pathlib.Path(sys.argv[1]))
    print("\n".join(found) if found else "every include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
