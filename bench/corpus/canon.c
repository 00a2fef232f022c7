#include "corpus/canon.h"

#include <ctype.h>
#include <string.h>

static bool is_wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* One line without its CRLF: runs of white space become one space, those at the end go. */
static void relaxed_line(const uint8_t *line, size_t len, struct octets *out)
{
	size_t at = 0;

	while (len > 0 && is_wsp(line[len - 1]))
		len--;
	while (at < len) {
		size_t from = at;

		while (at < len && !is_wsp(line[at]))
			at++;
		octets_add(out, line + from, at - from);
		if (at == len)
			return;
		octets_add(out, " ", 1);
		while (at < len && is_wsp(line[at]))
			at++;
	}
}

void canon_body(const uint8_t *body, size_t len, bool relaxed, struct octets *out)
{
	size_t start = out->len;

	while (len > 0) {
		const uint8_t *end = memmem(body, len, "\r\n", 2);
		size_t line = end ? (size_t)(end - body) : len;

		if (relaxed)
			relaxed_line(body, line, out);
		else
			octets_add(out, body, line);
		octets_add(out, "\r\n", 2);
		line += end ? 2 : 0;
		body += line;
		len -= line;
	}
	/* Empty lines at the end go; an empty body is CRLF in simple form and nothing in relaxed form. */
	while (out->len - start >= 4 && memcmp(out->at + out->len - 4, "\r\n\r\n", 4) == 0)
		out->len -= 2;
	if (out->len - start == 2)
		out->len = start;
	if (out->len == start && !relaxed)
		octets_add(out, "\r\n", 2);
}

void canon_field(const uint8_t *field, size_t len, bool relaxed, struct octets *out)
{
	const uint8_t *colon = memchr(field, ':', len);
	size_t name = colon ? (size_t)(colon - field) : len;
	struct octets value = { NULL, 0, 0 };
	size_t from;

	if (!relaxed) {
		octets_add(out, field, len);
		return;
	}
	for (size_t i = 0; i < name; i++)
		if (!is_wsp(field[i]))
			octets_add(out, (uint8_t[]){ (uint8_t)tolower(field[i]) }, 1);
	octets_add(out, ":", 1);
	for (size_t i = name + 1; i < len; i++)
		if (field[i] != '\r' && field[i] != '\n')
			octets_add(&value, &field[i], 1);
	for (from = 0; from < value.len && is_wsp(value.at[from]); from++)
		continue;
	if (value.len > from)
		relaxed_line(value.at + from, value.len - from, out);
	octets_free(&value);
}
