#include "proto/authres/words.h"

/* RFC 2045 section 5.1. */
static bool is_tspecial(int octet)
{
	switch (octet) {
	case '(': case ')': case '<': case '>': case '@': case ',': case ';': case ':':
	case '\\': case '"': case '/': case '[': case ']': case '?': case '=': return true;
	default: return false;
	}
}

bool authres_is_token_octet(int octet)
{
	return octet > ' ' && octet < 0x7f && !is_tspecial(octet);
}

bool authres_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!authres_is_token_octet(s.ptr[i]))
			return false;
	return s.len > 0;
}

static bool is_sub_domain(struct slice label, bool utf8)
{
	for (size_t i = 0; i < label.len; i++) {
		bool letter = octet_is_alnum(label.ptr[i]) || (utf8 && label.ptr[i] >= 0x80);
		bool at_end = i == 0 || i + 1 == label.len;

		if (!letter && (at_end || label.ptr[i] != '-'))
			return false;
	}
	return label.len > 0;
}

bool authres_is_domain_name(struct slice name, bool utf8)
{
	size_t labels = 0;

	while (name.ptr) {
		if (!is_sub_domain(slice_cut(&name, '.'), utf8))
			return false;
		labels++;
	}
	return labels > 1;
}

void authres_quote(struct text *text, struct slice s)
{
	text_octet(text, '"');
	for (size_t i = 0; i < s.len; i++) {
		bool printable = s.ptr[i] >= ' ' && s.ptr[i] < 0x7f;

		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			text_octet(text, '\\');
		text_octet(text, printable ? s.ptr[i] : '?');
	}
	text_octet(text, '"');
}
