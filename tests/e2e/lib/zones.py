"""Zones that several tests use."""

PASS = {
    "pass.example": [["TXT", "v=spf1 ip4:192.0.2.0/24 -all"]],
    "mail.pass.example": [["TXT", "v=spf1 a -all"], ["A", "192.0.2.1"]],
    "_dmarc.pass.example": [["TXT", "v=DMARC1; p=reject"]],
}

PASS_ENVELOPE = ["--ip", "192.0.2.1", "--helo", "mail.pass.example", "--from", "a@pass.example"]
