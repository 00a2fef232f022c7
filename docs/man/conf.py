#!/usr/bin/python3
"""Writes assayd.conf(5): the commented configuration, deploy/assayd.conf, as a manual page. conf.py IN OUT"""
import sys

HEAD = """.TH ASSAYD.CONF 5 "" "assay" "File formats"
.SH NAME
assayd.conf \\- configuration of assayd
.SH DESCRIPTION
.BR assayd (8)
reads this file once, at its start; an unknown key, a bad value or an unusable file stops it with file, line and reason.
The syntax is libConfuse's: KEY = VALUE, lists in braces, sections with their keys in braces, comments behind #.
These are all keys, with their defaults or an example:
.PP
.nf
"""
TAIL = """.fi
.SH SEE ALSO
.BR assay (1),
.BR assayd (8)
"""


def line_of(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").expandtabs(4)
    return "\\&" + text if text.startswith((".", "'")) else text


def main():
    with open(sys.argv[1], encoding="utf-8") as source, open(sys.argv[2], "w", encoding="utf-8") as page:
        page.write(HEAD + "".join(map(line_of, source)) + TAIL)


main()
