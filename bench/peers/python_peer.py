#!/usr/bin/python3
"""A peer of assayd: dkimpy and pyspf, as dkimpy-milter and pyspf-milter call them. There is no DMARC in either.

    python_peer.py CORPUS [MESSAGES]

Speaks what bench/run/peer.py says of every peer. Names are asked of the system's resolver by each library's own means.
"""

import json
import sys

import dkim
import spf

SPF_WORDS = {"pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"}


class Message:
    def __init__(self, pack, entry):
        self.octets = pack[entry["at"]:entry["at"] + entry["octets"]]
        self.client_ip, self.helo, self.mail_from = entry["client_ip"], entry["helo"], entry["mail_from"]


def read(directory, most):
    with open(f"{directory}/messages.pack", "rb") as file:
        pack = file.read()
    with open(f"{directory}/messages.jsonl", encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    return [Message(pack, entry) for entry in entries[:most]]


def signature_tags(field):
    """{tag: value} of a DKIM-Signature field's value."""
    pairs = (item.split(b"=", 1) for item in field.split(b";") if b"=" in item)
    return {name.strip(): b"".join(value.split()).decode("ascii", "replace") for name, value in pairs}


def dkim_result(verifier, index):
    """The word of one signature: what dkimpy-milter makes of the exceptions."""
    try:
        return "pass" if verifier.verify(idx=index) else "fail"
    except dkim.DnsTimeoutError:
        return "temperror"
    except (dkim.KeyFormatError, dkim.MessageFormatError, dkim.ParameterError, dkim.UnknownKeyTypeError):
        return "permerror"
    except dkim.ValidationError as error:
        return "fail" if "mismatch" in str(error) else "permerror"


def signatures(message):
    """[[domain, selector, word], ...] from the top of the header."""
    verifier, found = dkim.DKIM(message.octets, minkey=1024), []
    fields = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    for index, field in enumerate(fields):
        tags = signature_tags(field)
        found.append([tags.get(b"d", ""), tags.get(b"s", ""), dkim_result(verifier, index)])
    return found


def check(message):
    word = spf.check2(i=message.client_ip, s=message.mail_from, h=message.helo)[0].lower()
    return {"spf": word if word in SPF_WORDS else "temperror", "dkim": signatures(message)}


def main():
    messages = read(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
    verdicts = []
    print("ready", len(messages), flush=True)
    for line in sys.stdin:
        if line == "pass\n":
            verdicts = [check(message) for message in messages]
            print("passed", len(messages), flush=True)
        elif line == "verdicts\n":
            for verdict in verdicts:
                print(json.dumps(verdict))
            print(".", flush=True)


if __name__ == "__main__":
    main()
