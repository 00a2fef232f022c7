#include "proto/authres/received_spf.h"

#include "proto/authres/words.h"
#include "proto/mail/cfws.h"

#include <string.h>

static struct slice since(const struct cursor *in, size_t start)
{
	return slice_sub(in->all, start, in->at - start);
}

static bool is_key_octet(int c)
{
	return c >= 0 && (octet_is_alnum((uint8_t)c) || c == '-' || c == '_' || c == '.');
}

static struct slice key_octets(struct cursor *in)
{
	size_t start = in->at;

	while (is_key_octet(cursor_peek(in)))
		in->at++;
	return since(in, start);
}

int received_spf_read(struct cursor *in, struct slice value)
{
	*in = cursor_of(value);
	if (value.len > 1 && value.ptr[value.len - 2] == '\r' && value.ptr[value.len - 1] == '\n')
		in->all.len -= 2;
	if (cfws_skip(in) || key_octets(in).len == 0)
		return RECEIVED_SPF_UNREADABLE;
	return 0;
}

static int quoted_value(struct cursor *in, struct slice *out)
{
	size_t start = in->at + 1;

	if (cfws_skip_quoted_string(in))
		return RECEIVED_SPF_UNREADABLE;
	*out = slice_sub(in->all, start, in->at - start - 1);
	return 0;
}

static struct slice bare_value(struct cursor *in)
{
	size_t start = in->at;

	for (int c = cursor_peek(in); c > ' ' && c != 0x7f && !strchr(";()\"\\,", c); c = cursor_peek(in))
		in->at++;
	return since(in, start);
}

int received_spf_next(struct cursor *in, struct slice *key, struct slice *value)
{
	do {
		if (cfws_skip(in))
			return RECEIVED_SPF_UNREADABLE;
	} while (cursor_skip(in, ';'));
	*key = *value = SLICE_EMPTY;
	if (cursor_at_end(in))
		return 0;
	*key = key_octets(in);
	if (key->len == 0 || cfws_skip(in) || !cursor_skip(in, '=') || cfws_skip(in))
		return RECEIVED_SPF_UNREADABLE;
	if (cursor_peek(in) == '"')
		return quoted_value(in, value);
	*value = bare_value(in);
	return 0;
}

/* dot-atom: a token has no octets but atext and dots. */
static bool is_dot_atom(struct slice s)
{
	uint8_t last = '.';

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '.' && last == '.')
			return false;
		last = s.ptr[i];
	}
	return last != '.' && authres_is_token(s);
}

int received_spf_write(const char *result, const struct received_spf_pair *pairs, size_t count, struct arena *arena,
		       struct slice *out)
{
	struct text text;

	text_init(&text, arena);
	text_str(&text, result);
	for (size_t i = 0; i < count; i++) {
		struct slice value = pairs[i].value;

		if (value.len == 0 || value.len > AUTHRES_VALUE_OCTETS_MAX)
			continue;
		text_str(&text, "\r\n\t");
		text_str(&text, pairs[i].key);
		text_octet(&text, '=');
		if (is_dot_atom(value))
			text_add(&text, value);
		else
			authres_quote(&text, value);
		text_octet(&text, ';');
	}
	return text_finish(&text, out);
}
