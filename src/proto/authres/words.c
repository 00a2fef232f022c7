#include "proto/authres/words.h"

/* Octets that stand for themselves in a quoted-string (Q), and of those the ones of a token (T): RFC 2045 section 5.1. */
enum { Q = 1, T = 3, TOKEN_BIT = 2 };

static const uint8_t kinds[256] = {
	[0x20] = Q, T, 0, T, T, T, T, T, Q, Q, T, T, Q, T, T, Q,
	[0x30] = T, T, T, T, T, T, T, T, T, T, Q, Q, Q, Q, Q, Q,
	[0x40] = Q, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
	[0x50] = T, T, T, T, T, T, T, T, T, T, T, Q, 0, Q, T, T,
	[0x60] = T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
	[0x70] = T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, 0,
};

bool authres_is_token_octet(int octet)
{
	return octet >= 0 && kinds[octet & 0xff] & TOKEN_BIT;
}

bool authres_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(kinds[s.ptr[i]] & TOKEN_BIT))
			return false;
	return s.len > 0;
}

bool authres_is_domain_name(struct slice name, bool utf8)
{
	uint8_t last = '.';
	size_t dots = 0;

	for (size_t i = 0; i < name.len; last = name.ptr[i++]) {
		uint8_t c = name.ptr[i];
		bool letter = octet_is_alnum(c) || (utf8 && c >= 0x80);

		/* A sub-domain neither begins nor ends with a hyphen, and is not empty. */
		if (!letter && (last == '.' || (c == '.' ? last == '-' : c != '-')))
			return false;
		dots += c == '.';
	}
	return dots > 0 && last != '.' && last != '-';
}

static size_t plain_octets(struct slice s)
{
	size_t len = 0;

	while (len < s.len && kinds[s.ptr[len]])
		len++;
	return len;
}

void authres_quote(struct text *text, struct slice s)
{
	text_octet(text, '"');
	for (;;) {
		size_t plain = plain_octets(s);

		text_add(text, slice_sub(s, 0, plain));
		if (plain == s.len)
			break;
		if (s.ptr[plain] == '"')
			text_add(text, SLICE("\\\""));
		else if (s.ptr[plain] == '\\')
			text_add(text, SLICE("\\\\"));
		else
			text_octet(text, '?');
		s = slice_from(s, plain + 1);
	}
	text_octet(text, '"');
}
