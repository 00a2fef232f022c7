#include "proto/mail/cfws.h"

/* What may stand in a quoted-string or comment as it is, or behind a backslash. */
static bool is_text(int c)
{
	return c >= 0x80 || (c >= ' ' && c < 0x7f) || c == '\t';
}

bool cfws_skip_fws(struct cursor *c)
{
	struct slice left = slice_from(c->all, c->at);

	if (left.len && octet_is_wsp(left.ptr[0]))
		c->at++;
	else if (left.len > 2 && left.ptr[0] == '\r' && left.ptr[1] == '\n' && octet_is_wsp(left.ptr[2]))
		c->at += 3;
	else
		return false;
	return true;
}

/* One piece of a quoted-string or comment: FWS, a quoted-pair, or an octet of text. */
static int skip_text(struct cursor *c)
{
	if (cfws_skip_fws(c))
		return 0;
	(void)cursor_skip(c, '\\');
	if (!is_text(cursor_peek(c)))
		return CFWS_BREACH;
	c->at++;
	return 0;
}

static int skip_comment(struct cursor *c)
{
	unsigned depth = 0;

	do {
		if (cursor_skip(c, '(')) {
			if (++depth > CFWS_COMMENT_DEPTH_MAX)
				return CFWS_BREACH;
		} else if (cursor_skip(c, ')')) {
			depth--;
		} else if (skip_text(c)) {
			return CFWS_BREACH;
		}
	} while (depth);
	return 0;
}

int cfws_skip(struct cursor *c)
{
	for (;;) {
		if (cursor_peek(c) == '(') {
			if (skip_comment(c))
				return CFWS_BREACH;
		} else if (!cfws_skip_fws(c)) {
			return 0;
		}
	}
}

int cfws_skip_quoted_string(struct cursor *c)
{
	if (!cursor_skip(c, '"'))
		return CFWS_BREACH;
	while (!cursor_skip(c, '"'))
		if (skip_text(c))
			return CFWS_BREACH;
	return 0;
}
