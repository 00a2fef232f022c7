/*
 * checker.h - a strict reader of Authentication-Results values, for tests: RFC 8601 section 2.2 without comments.
 *
 * Written apart from the writer, by the grammar alone:
 *   value *(";" CRLF HTAB method "=" result [FWS "reason=" value] *(FWS ptype "." property "=" pvalue))
 *   / value "; none"
 */
#ifndef ASSAY_TESTS_AUTHRES_CHECKER_H
#define ASSAY_TESTS_AUTHRES_CHECKER_H

#include "base/slice.h"

#include <string.h>

struct checker {
	struct slice in;
	size_t at;
	const char *breach; /* NULL: none so far */
	unsigned methods, properties, reasons;
};

static inline int checker_peek(const struct checker *c)
{
	return c->at < c->in.len ? c->in.ptr[c->at] : -1;
}

static inline void checker_expect(struct checker *c, const char *text)
{
	for (; *text && !c->breach; text++)
		if (checker_peek(c) == *text)
			c->at++;
		else
			c->breach = "literal text expected";
}

static inline bool checker_is_token_octet(int c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* A CRLF must stand before white space, and some other octet must follow on the new line. */
static inline bool checker_fold(struct checker *c)
{
	if (checker_peek(c) != '\r')
		return false;
	checker_expect(c, "\r\n\t");
	if (checker_peek(c) <= ' ')
		c->breach = "empty line in a fold";
	return true;
}

static inline void checker_quoted_string(struct checker *c)
{
	checker_expect(c, "\"");
	while (!c->breach && checker_peek(c) != '"') {
		if (checker_fold(c))
			continue;
		if (checker_peek(c) == '\\')
			c->at++;
		if (checker_peek(c) < ' ' || checker_peek(c) > 0x7e)
			c->breach = "octet in a quoted-string";
		c->at++;
	}
	checker_expect(c, "\"");
}

static inline void checker_value(struct checker *c)
{
	size_t start = c->at;

	if (checker_peek(c) == '"') {
		checker_quoted_string(c);
		return;
	}
	while (checker_is_token_octet(checker_peek(c)))
		c->at++;
	if (c->at == start)
		c->breach = "value expected";
}

static inline void checker_keyword(struct checker *c)
{
	size_t start = c->at;

	while (octet_is_alnum((uint8_t)(checker_peek(c) + (checker_peek(c) < 0))) || checker_peek(c) == '-')
		c->at++;
	if (c->at == start || c->in.ptr[start] == '-' || c->in.ptr[c->at - 1] == '-')
		c->breach = "keyword expected";
}

/* sub-domain 1*("." sub-domain) */
static inline void checker_domain_name(struct checker *c)
{
	checker_keyword(c);
	do {
		checker_expect(c, ".");
		checker_keyword(c);
	} while (!c->breach && checker_peek(c) == '.');
}

/* value / [[local-part] "@"] domain-name; a token that is a domain-name too is a value. */
static inline void checker_pvalue(struct checker *c)
{
	if (checker_peek(c) == '"')
		checker_quoted_string(c);
	else
		while (checker_is_token_octet(checker_peek(c)) ||
		       (checker_peek(c) > ' ' && strchr("/=?", checker_peek(c))))
			c->at++;
	if (checker_peek(c) != '@') {
		size_t end = c->at;

		/* Without "@" it had to be a value after all. */
		while (c->at > 0 && c->in.ptr[c->at - 1] != '=')
			c->at--;
		if (end > 0 && c->in.ptr[end - 1] == '"')
			c->at = end;
		else
			checker_value(c);
		return;
	}
	c->at++;
	checker_domain_name(c);
}

static inline bool checker_at(const struct checker *c, const char *text)
{
	return slice_starts_with(slice_from(c->in, c->at), slice_of_str(text));
}

static inline void checker_resinfo(struct checker *c)
{
	checker_expect(c, ";\r\n\t");
	checker_keyword(c);
	checker_expect(c, "=");
	checker_keyword(c);
	c->methods++;
	while (!c->breach && c->at < c->in.len && checker_peek(c) != ';') {
		if (!checker_fold(c))
			checker_expect(c, " ");
		if (checker_at(c, "reason=")) {
			checker_expect(c, "reason=");
			checker_quoted_string(c);
			c->reasons++;
			continue;
		}
		checker_keyword(c);
		checker_expect(c, ".");
		checker_keyword(c);
		checker_expect(c, "=");
		checker_pvalue(c);
		c->properties++;
	}
}

/* No line over 77 octets, the first with the field's name, unless it has no place to fold. */
static inline void checker_lines(struct checker *c)
{
	size_t column = sizeof("Authentication-Results: ") - 1;
	bool foldable = false, quoted = false, escaped = false;

	for (size_t i = 0; i < c->in.len; i++) {
		uint8_t octet = c->in.ptr[i];

		if (octet == '\r') {
			i++;
			column = 0;
			foldable = false;
			continue;
		}
		quoted = octet == '"' && !escaped ? !quoted : quoted;
		escaped = quoted && octet == '\\' && !escaped;
		foldable = foldable || (octet == ' ' && !quoted && column > 1);
		if (++column > 77 && foldable)
			c->breach = "line over 77 octets";
	}
}

/* NULL, or what is wrong. */
static inline struct checker checker_run(struct slice field)
{
	struct checker c = { .in = field };

	checker_value(&c);
	if (checker_at(&c, "; none"))
		checker_expect(&c, "; none");
	if (checker_at(&c, ";\r\n\tnone"))
		checker_expect(&c, ";\r\n\tnone");
	while (!c.breach && c.at < c.in.len)
		checker_resinfo(&c);
	checker_lines(&c);
	return c;
}

#endif
