/*
 * RFC 8601 section 2.2:
 *
 *   authres-payload = [CFWS] authserv-id [CFWS authres-version] ( no-result / 1*resinfo ) [CFWS]
 *   authserv-id     = value                                value: token / quoted-string (RFC 2045 section 5.1)
 *   no-result       = [CFWS] ";" [CFWS] "none"
 *   resinfo         = [CFWS] ";" methodspec [CFWS reasonspec] [CFWS 1*propspec]
 *   methodspec      = [CFWS] method [CFWS] "=" [CFWS] result
 *   method          = Keyword [[CFWS] "/" [CFWS] 1*DIGIT]
 *   reasonspec      = "reason" [CFWS] "=" [CFWS] value
 *   propspec        = ptype [CFWS] "." [CFWS] property [CFWS] "=" [CFWS] pvalue [CFWS]
 *   pvalue          = value / [[local-part] "@"] domain-name
 *
 * Taken beside that, as deviations: no authserv-id; "/..." behind it; no result, an empty one, a ";" at the end;
 * "name=value" without a ptype, which is left out (action=none); a reason that does not come first; "_" in keywords;
 * a pvalue of any printable octets but those that end it.
 */
#include "proto/authres/reader.h"

#include "base/text.h"
#include "proto/authres/words.h"
#include "proto/mail/cfws.h"

#include <string.h>

#define VERSION_DIGITS_MAX 9

/* As TRY(), for any result but 0. */
#define READ(expr)                                                                                                     \
	do {                                                                                                           \
		int read_result_ = (expr);                                                                             \
		if (read_result_)                                                                                      \
			return read_result_;                                                                           \
	} while (0)

static int peek(const struct authres_reader *r)
{
	return cursor_peek(&r->in);
}

static int cfws(struct authres_reader *r)
{
	return cfws_skip(&r->in) ? AUTHRES_UNREADABLE : 0;
}

/* The octets from `start` to where the reader stands. */
static struct slice since(const struct authres_reader *r, size_t start)
{
	return slice_sub(r->in.all, start, r->in.at - start);
}

static int digits(struct authres_reader *r, uint64_t *out)
{
	size_t start = r->in.at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->in.at++;
	return slice_to_u64(since(r, start), VERSION_DIGITS_MAX, out) ? 0 : AUTHRES_UNREADABLE;
}

/* Keyword: RFC 5321 section 4.1.2, *(ALPHA / DIGIT / "-") Let-dig. */
static int keyword(struct authres_reader *r, struct slice *out)
{
	size_t start = r->in.at;

	for (int c = peek(r); c >= 0 && (octet_is_alnum((uint8_t)c) || c == '-' || c == '_'); c = peek(r)) {
		r->deviates = r->deviates || c == '_';
		r->in.at++;
	}
	*out = since(r, start);
	if (out->len == 0)
		return AUTHRES_UNREADABLE;
	r->deviates = r->deviates || out->ptr[out->len - 1] == '-';
	return 0;
}

/* Is it what it stands for already, without its quotes? */
static bool is_plain(struct slice quoted)
{
	return slice_find(quoted, '\\') == SLICE_NOT_FOUND && slice_find(quoted, '\r') == SLICE_NOT_FOUND;
}

/* The content of a quoted-string, its quotes taken off already: quoted-pairs resolved, unfolded. */
static void unquote(struct text *text, struct slice quoted)
{
	for (size_t i = 0; i < quoted.len; i++) {
		if (quoted.ptr[i] == '\r' || quoted.ptr[i] == '\n')
			continue;
		if (quoted.ptr[i] == '\\')
			i++;
		text_octet(text, quoted.ptr[i]);
	}
}

/* At a quote. With `and_domain` the "@" and what follows it belongs to the value: a local-part may be quoted. */
static int quoted_string(struct authres_reader *r, bool and_domain, struct slice *out)
{
	size_t start = r->in.at + 1, behind;
	struct slice content, domain;
	struct text text;

	if (cfws_skip_quoted_string(&r->in))
		return AUTHRES_UNREADABLE;
	content = slice_sub(r->in.all, start, r->in.at - start - 1);
	behind = r->in.at;
	if (and_domain && peek(r) == '@')
		while (authres_is_token_octet(peek(r)) || peek(r) == '@' || peek(r) >= 0x80)
			r->in.at++;
	domain = since(r, behind);
	*out = content;
	if (domain.len == 0 && is_plain(content))
		return 0;
	r->deviates = r->deviates || (domain.len && !authres_is_domain_name(slice_from(domain, 1), true));
	text_init(&text, r->arena);
	unquote(&text, content);
	text_add(&text, domain);
	return text_finish(&text, out);
}

/* [[local-part] "@"] domain-name, with a local-part that is not quoted (RFC 5322 section 3.2.3, RFC 6532). */
static bool is_mailbox(struct slice s)
{
	size_t at = slice_find_last(s, '@');
	struct slice local = at == SLICE_NOT_FOUND ? SLICE_EMPTY : slice_sub(s, 0, at);
	bool word_due = true;

	for (size_t i = 0; i < local.len; i++) {
		bool dot = local.ptr[i] == '.';

		if (dot ? word_due : strchr("()<>[]:;@\\,\"", local.ptr[i]) != NULL)
			return false;
		word_due = dot;
	}
	if (local.len && word_due)
		return false;
	return authres_is_domain_name(at == SLICE_NOT_FOUND ? s : slice_from(s, at + 1), true);
}

/* Octets of a value that is not quoted; those that cannot belong to it end it. */
static int bare_value(struct authres_reader *r, struct slice *out)
{
	size_t start = r->in.at;

	for (int c = peek(r); c > ' ' && c != 0x7f && !strchr("();\"", c); c = peek(r))
		r->in.at++;
	*out = since(r, start);
	if (!authres_is_token(*out) && !is_mailbox(*out))
		r->deviates = true;
	return 0;
}

/* Behind the "=" of a reason or a property. */
static int value(struct authres_reader *r, struct slice *out)
{
	READ(cfws(r));
	return peek(r) == '"' ? quoted_string(r, true, out) : bare_value(r, out);
}

/* A token, and with it the "/..." that some put behind it. */
static int bare_authserv_id(struct authres_reader *r)
{
	size_t start = r->in.at;

	while (authres_is_token_octet(peek(r)) || peek(r) == '/')
		r->in.at++;
	r->authserv_id = since(r, start);
	r->deviates = slice_find(r->authserv_id, '/') != SLICE_NOT_FOUND;
	return r->authserv_id.len ? 0 : AUTHRES_UNREADABLE;
}

/* Behind the authserv-id: its version, and the ";" of the first result. */
static int head_end(struct authres_reader *r)
{
	if (peek(r) >= '0' && peek(r) <= '9') {
		READ(digits(r, &r->version));
		READ(cfws(r));
	}
	if (peek(r) != ';' && !cursor_at_end(&r->in))
		return AUTHRES_UNREADABLE;
	r->deviates = r->deviates || cursor_at_end(&r->in);
	r->results = slice_from(r->in.all, r->in.at);
	r->state = r->version == AUTHRES_VERSION ? AUTHRES_IN_RESULT : AUTHRES_AT_END;
	return 0;
}

static int head(struct authres_reader *r)
{
	size_t start;

	READ(cfws(r));
	start = r->in.at;
	if (peek(r) == '"')
		READ(quoted_string(r, false, &r->authserv_id));
	else
		READ(bare_authserv_id(r));
	READ(cfws(r));
	r->has_authserv_id = peek(r) != '=';
	if (r->has_authserv_id)
		return head_end(r);
	r->in.at = start;
	r->authserv_id = SLICE_EMPTY;
	r->deviates = true;
	r->state = AUTHRES_AT_RESULT;
	return 0;
}

int authres_read(struct authres_reader *reader, struct slice field, struct arena *arena)
{
	int result;

	*reader = (struct authres_reader){
		.version = AUTHRES_VERSION,
		.in = cursor_of(slice_trim_fws(field)),
		.arena = arena,
	};
	result = head(reader);
	if (result)
		reader->state = AUTHRES_BROKEN;
	return result;
}

static int end(struct authres_reader *r, struct authres_item *out)
{
	r->state = AUTHRES_AT_END;
	out->kind = AUTHRES_END;
	return 0;
}

/* methodspec, or "none". */
static int method(struct authres_reader *r, struct authres_item *out)
{
	out->method_version = 1;
	READ(keyword(r, &out->method));
	READ(cfws(r));
	if (cursor_at_end(&r->in) && !r->any_result && slice_equal_nocase(out->method, SLICE("none"))) {
		r->state = AUTHRES_AT_END;
		out->kind = AUTHRES_NONE;
		return 0;
	}
	if (cursor_skip(&r->in, '/')) {
		READ(cfws(r));
		READ(digits(r, &out->method_version));
		READ(cfws(r));
	}
	if (!cursor_skip(&r->in, '='))
		return AUTHRES_UNREADABLE;
	READ(cfws(r));
	READ(keyword(r, &out->value));
	r->any_result = true;
	r->any_spec = false;
	r->state = AUTHRES_IN_RESULT;
	out->kind = AUTHRES_RESULT;
	return 0;
}

/* Behind a ";", or at the start of a field without an authserv-id. */
static int resinfo(struct authres_reader *r, struct authres_item *out)
{
	READ(cfws(r));
	while (cursor_skip(&r->in, ';')) {
		r->deviates = true;
		READ(cfws(r));
	}
	if (!cursor_at_end(&r->in))
		return method(r, out);
	r->deviates = true;
	return end(r, out);
}

#define LEFT_OUT 2

/* reasonspec or propspec; LEFT_OUT: something that is neither. */
static int spec(struct authres_reader *r, struct authres_item *out)
{
	struct slice name;

	READ(keyword(r, &name));
	READ(cfws(r));
	if (cursor_skip(&r->in, '.')) {
		out->kind = AUTHRES_PROPERTY;
		out->ptype = name;
		READ(cfws(r));
		READ(keyword(r, &out->property));
		READ(cfws(r));
	} else if (slice_equal_nocase(name, SLICE("reason"))) {
		out->kind = AUTHRES_REASON;
		r->deviates = r->deviates || r->any_spec;
	} else {
		r->deviates = true;
		out->kind = AUTHRES_END;
	}
	if (!cursor_skip(&r->in, '='))
		return AUTHRES_UNREADABLE;
	READ(value(r, &out->value));
	r->any_spec = true;
	return out->kind == AUTHRES_END ? LEFT_OUT : 0;
}

static int next(struct authres_reader *r, struct authres_item *out)
{
	int result;

	if (r->state == AUTHRES_AT_RESULT)
		return resinfo(r, out);
	do {
		*out = (struct authres_item){ .kind = AUTHRES_END };
		READ(cfws(r));
		if (cursor_at_end(&r->in))
			return end(r, out);
		if (cursor_skip(&r->in, ';'))
			return resinfo(r, out);
		result = spec(r, out);
	} while (result == LEFT_OUT);
	return result;
}

int authres_next(struct authres_reader *reader, struct authres_item *out)
{
	int result;

	*out = (struct authres_item){ .kind = AUTHRES_END };
	if (reader->state == AUTHRES_AT_END)
		return 0;
	if (reader->state == AUTHRES_BROKEN)
		return AUTHRES_UNREADABLE;
	result = next(reader, out);
	if (result)
		reader->state = AUTHRES_BROKEN;
	return result;
}
