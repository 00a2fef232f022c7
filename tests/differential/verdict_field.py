"""Every Authentication-Results field that assayd writes, read by python3-authres and held against the verdict."""

import authres
import authres.core

from corrections import Correction

LINE_OCTETS_MAX = 998  # RFC 5322 section 2.1.1

CORRECTIONS = [
    Correction("quoted-pvalue", "RFC 8601 section 2.2",
               "a propspec may follow one whose pvalue is a quoted-string; python3-authres drops the first of them"),
]


class Corrected(authres.core.AuthenticationResultsHeader):
    def _parse_pvalue(self):
        text = self._parse_text
        value = super()._parse_pvalue()
        if value is not None:
            return value
        self._parse_text = text
        self._parse_rfc5322_cfws()
        return self._parse_rfc5322_quoted_string()


def expected_results(verdict):
    """(method, result) in the order of the field."""
    results = [("spf", verdict[key]["result"]) for key in ("spf", "spf_helo") if verdict[key]]
    if verdict["dmarc"]:
        results += dkim_results(verdict)
        results += [("arc", verdict["arc"]["result"])] if verdict["arc"]["evaluated"] else []
        results.append(("dmarc", verdict["dmarc"]["result"]))
    return results


def dkim_results(verdict):
    """One for each signature, and one for those that a limit left aside."""
    results = [("dkim", signature["result"]) for signature in verdict["dkim"]]
    if verdict["dkim_ignored"]:
        results.append(("dkim", "policy"))
    return results or [("dkim", "none")]


def expected_properties(verdict):
    """{(position, "type.name"): value} of what has to be there."""
    expected = {}
    position = 0
    for key in ("spf", "spf_helo"):
        if verdict[key]:
            name = "smtp.helo" if verdict[key]["scope"] == "helo" else "smtp.mailfrom"
            expected[(position, name)] = verdict[key]["domain"]
            position += 1
    for at, signature in enumerate(verdict["dkim"] if verdict["dmarc"] else []):
        expected[(position + at, "header.s")] = signature["selector"]
        expected[(position + at, "header.a")] = signature["algorithm"]
        expected[(position + at, "header.b")] = signature["signature_start"]
    if verdict["dmarc"]:
        last = len(expected_results(verdict)) - 1
        expected[(last, "header.from")] = verdict["dmarc"]["from_domain"] or ""
    return expected


def is_plain(value):
    """Values that have only one spelling; of others the field has a decent form."""
    return 0 < len(value) <= 200 and value.isascii() and value.isprintable() and not set(value) & set('"\\ ')


def problems_of(verdict, allowed, case_number, authserv_id="mx.example.org"):
    """Texts; empty when python3-authres reads the field as the verdict says, or corrected does so."""
    text = verdict["authentication_results"]
    long_lines = [line for line in text.split("\r\n") if len(line) + 24 > LINE_OCTETS_MAX]
    if long_lines or "\n" in text.replace("\r\n\t", "").replace("\r\n ", ""):
        return [f"field is badly folded: {text!r}"]
    stock = authres.core.AuthenticationResultsHeader
    if allowed.judge(case_number, lambda names: not problems_by(Corrected if names else stock, text, verdict, authserv_id)):
        return []
    return problems_by(Corrected, text, verdict, authserv_id)


def problems_by(reader, text, verdict, authserv_id):
    try:
        parsed = reader.parse(authres.core_features(), "Authentication-Results: " + text)
    except Exception as error:  # whatever the oracle throws, it did not read the field
        return [f"python3-authres: {error!r} for {text!r}"]
    problems = [] if parsed.authserv_id == authserv_id else [f"authserv-id {parsed.authserv_id!r}"]
    got = [(result.method, result.result) for result in parsed.results]
    if got != expected_results(verdict):
        return problems + [f"field has {got}, the verdict {expected_results(verdict)}: {text!r}"]
    for (position, name), value in expected_properties(verdict).items():
        read = [prop.value for prop in parsed.results[position].properties if f"{prop.type}.{prop.name}" == name]
        if is_plain(value) and read != [value]:
            problems.append(f"{name} of result {position} is {read}, want {value!r}: {text!r}")
    return problems
