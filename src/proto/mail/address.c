/*
 * The grammar of RFC 5322 section 3.4, read strictly:
 *
 *   address-list = *([CFWS] ",") address *("," [address / CFWS])    null members: section 4.4
 *   address      = mailbox / group
 *   group        = phrase ":" [mailbox-list / CFWS] ";" [CFWS]
 *   mailbox      = [phrase] [CFWS] "<" addr-spec ">" [CFWS] / addr-spec
 *   addr-spec    = local-part "@" domain
 *   local-part   = word *("." word)                                 CFWS around words: section 4.4
 *   phrase       = word *(word / ".")
 *
 * Not taken, though section 4.4 has them: routes, CFWS inside a domain, control characters. Each has been used to
 * make a mail program show another author than the one that was checked. Nor are domain-literals: nobody can
 * publish a policy for them. An encoded word (RFC 2047) is an atom: what it decodes to is never an address.
 */
#include "proto/mail/address.h"

#include "proto/mail/cfws.h"
#include "proto/mail/domain.h"

#include <string.h>

struct reader {
	struct cursor in;
	struct arena *arena;
	struct mail_author *author;
	size_t addresses, u_labels;
};

/* What a production returns besides 0 and -ENOMEM. */
#define BREACH CFWS_BREACH
#define MANY   2 /* more than is read */

/* As TRY(), for any result but 0. */
#define READ(expr)                                                                                                     \
	do {                                                                                                           \
		int read_result_ = (expr);                                                                             \
		if (read_result_)                                                                                      \
			return read_result_;                                                                           \
	} while (0)

static int peek(const struct reader *r)
{
	return cursor_peek(&r->in);
}

static bool skip(struct reader *r, uint8_t octet)
{
	return cursor_skip(&r->in, octet);
}

static int expect(struct reader *r, uint8_t octet)
{
	return skip(r, octet) ? 0 : BREACH;
}

/* RFC 5322 section 3.2.3. */
static bool is_special(int c)
{
	switch (c) {
	case '(': case ')': case '<': case '>': case '[': case ']': case ':':
	case ';': case '@': case '\\': case ',': case '.': case '"': return true;
	default: return false;
	}
}

/* With the octets of UTF8-non-ascii (RFC 6532 section 3.2). */
static bool is_atext(int c)
{
	return c >= 0x80 || (c > ' ' && c < 0x7f && !is_special(c));
}

static void atom(struct reader *r)
{
	while (is_atext(peek(r)))
		r->in.at++;
}

/* What stands before "@", "<" or ":": only that says whether it had to be a local-part or a phrase. */
struct words {
	bool any;
	bool local_part; /* word *("." word) */
	bool phrase;     /* word *(word / ".") */
};

static int words(struct reader *r, struct words *out)
{
	bool word_due = true;

	*out = (struct words){ .local_part = true };
	for (;; out->any = true) {
		bool dot = false;

		READ(cfws_skip(&r->in));
		if (peek(r) == '"')
			READ(cfws_skip_quoted_string(&r->in));
		else if (is_atext(peek(r)))
			atom(r);
		else if (!(dot = skip(r, '.')))
			break;
		out->phrase = out->any ? out->phrase : !dot;
		out->local_part = out->local_part && dot != word_due;
		word_due = dot;
	}
	out->local_part = out->local_part && !word_due;
	return 0;
}

static void author_add(struct mail_author *author, struct slice name)
{
	for (size_t i = 0; i < author->domains_count; i++)
		if (domain_equal(author->domains[i], name))
			return;
	if (author->domains_count < MAIL_AUTHOR_DOMAINS_MAX)
		author->domains[author->domains_count++] = name;
	else
		author->domains_more = true;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 0x80)
			return false;
	return true;
}

/* Is there room for another address at that domain? */
static bool is_within_bounds(struct reader *r, struct slice name)
{
	r->u_labels += !is_ascii(name);
	return ++r->addresses <= MAIL_AUTHOR_ADDRESSES_MAX && r->u_labels <= MAIL_AUTHOR_U_LABELS_MAX;
}

/* Behind the "@". */
static int domain(struct reader *r)
{
	struct slice name;
	size_t start;

	READ(cfws_skip(&r->in));
	start = r->in.at;
	do {
		if (!is_atext(peek(r)))
			return BREACH;
		atom(r);
	} while (skip(r, '.'));
	name = slice_sub(r->in.all, start, r->in.at - start);
	if (!is_within_bounds(r, name)) {
		r->author->domains_more = true;
		return MANY;
	}
	READ(domain_canonical(name, r->arena, &name));
	author_add(r->author, name);
	return cfws_skip(&r->in);
}

/* Behind the "<". */
static int angle_addr(struct reader *r)
{
	struct words local;

	READ(words(r, &local));
	if (!local.local_part)
		return BREACH;
	READ(expect(r, '@'));
	READ(domain(r));
	READ(expect(r, '>'));
	return cfws_skip(&r->in);
}

static int address_list(struct reader *r, bool in_group);

/* Groups do not nest: that bounds the recursion. */
static int address(struct reader *r, bool in_group)
{
	struct words before;

	READ(words(r, &before));
	if (skip(r, '@'))
		return before.local_part ? domain(r) : BREACH;
	if (before.any && !before.phrase)
		return BREACH;
	if (skip(r, '<'))
		return angle_addr(r);
	if (!before.any || in_group || !skip(r, ':'))
		return BREACH;
	READ(address_list(r, true));
	READ(expect(r, ';'));
	return cfws_skip(&r->in);
}

/* Up to the end of the field, where one address is due, or to the ";" of a group, which may be empty. */
static int address_list(struct reader *r, bool in_group)
{
	const int end = in_group ? ';' : -1;
	bool any = in_group;

	for (;;) {
		READ(cfws_skip(&r->in));
		if (peek(r) == end)
			return any ? 0 : BREACH;
		if (skip(r, ','))
			continue;
		READ(address(r, in_group));
		any = true;
		if (peek(r) != end)
			READ(expect(r, ','));
	}
}

/* At the front, by eights: which is all of them nearly always. */
static size_t ascii_octets(struct slice s)
{
	size_t at = 0;
	uint64_t octets;

	for (; s.len - at >= sizeof(octets); at += sizeof(octets)) {
		memcpy(&octets, s.ptr + at, sizeof(octets));
		if (octets & UINT64_C(0x8080808080808080))
			break;
	}
	return at;
}

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool utf8_is_valid(struct slice s)
{
	static const uint8_t least[] = { 0x80, 0xa0, 0x90 }, most[] = { 0xbf, 0x9f, 0x8f };

	for (size_t i = ascii_octets(s); i < s.len;) {
		uint8_t lead = s.ptr[i++], from = least[0], to = most[0];
		unsigned more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;

		if (lead >= 0x80 && (lead < 0xc2 || lead > 0xf4))
			return false;
		from = lead == 0xe0 ? least[1] : lead == 0xf0 ? least[2] : from;
		to = lead == 0xed ? most[1] : lead == 0xf4 ? most[2] : to;
		for (; more; more--, from = least[0], to = most[0])
			if (i == s.len || s.ptr[i] < from || s.ptr[i++] > to)
				return false;
	}
	return true;
}

/*
 * A line that is no field, and yet a From field to a reader who overlooks white space and controls: "From" folded
 * before its colon, " From:" at the top of the message, a NUL in the name. *value_out is what such a reader takes.
 */
static bool is_disguised_from(const struct mail_field *field, struct slice *value_out)
{
	size_t colon = field->name.len ? SLICE_NOT_FOUND : slice_find(field->raw, ':'), seen = 0;

	if (colon == SLICE_NOT_FOUND)
		return false;
	for (size_t i = 0; i < colon; i++) {
		uint8_t c = field->raw.ptr[i];

		if (c <= ' ' || c == 0x7f)
			continue;
		if (seen == 4 || octet_lower(c) != "from"[seen++])
			return false;
	}
	*value_out = slice_trim_fws(slice_from(field->raw, colon + 1));
	return seen == 4;
}

/* To where a reader sees a line end who takes a CR or an LF alone for one; all of `rest` when there is none. */
static struct slice loose_line_cut(struct slice *rest)
{
	struct slice line = *rest;

	for (size_t i = 0; i < line.len; i++) {
		bool lf = line.ptr[i] == '\n', cr = line.ptr[i] == '\r';

		if (!lf && !cr)
			continue;
		*rest = slice_from(line, i + 1);
		if (cr && rest->len && rest->ptr[0] == '\n')
			*rest = slice_from(*rest, 1);
		return slice_sub(line, 0, i);
	}
	*rest = (struct slice){ .ptr = NULL };
	return line;
}

/* What is known so far of the From fields. */
struct authors {
	struct reader reader;
	size_t fields;
	bool malformed;
};

static int from_read(struct authors *authors, struct slice value, bool disguised)
{
	int result;

	if (++authors->fields > MAIL_AUTHOR_FIELDS_MAX) {
		authors->reader.author->domains_more = true;
		return 0;
	}
	authors->reader.in = cursor_of(value);
	result = address_list(&authors->reader, false);
	TRY(result);
	authors->malformed = authors->malformed || disguised || result == BREACH || !utf8_is_valid(value);
	return 0;
}

/* A From field inside of another field, behind a CR or LF alone: many a mail program shows it. */
static int hidden_froms_read(struct authors *authors, struct slice raw)
{
	(void)loose_line_cut(&raw);
	while (raw.ptr) {
		struct slice line = loose_line_cut(&raw), value = line, name = slice_cut(&value, ':');

		if (!value.ptr || (name.len && octet_is_wsp(name.ptr[0])))
			continue;
		if (slice_equal_nocase(slice_trim_wsp(name), SLICE("From")))
			TRY(from_read(authors, value, true));
	}
	return 0;
}

static int field_read(struct authors *authors, const struct mail_field *field, bool lone_line_ends)
{
	struct slice value;

	if (field->id == MAIL_NAME_FROM)
		TRY(from_read(authors, field->value, false));
	else if (is_disguised_from(field, &value))
		TRY(from_read(authors, value, true));
	return lone_line_ends ? hidden_froms_read(authors, field->raw) : 0;
}

int mail_author(const struct mail_message *message, struct arena *arena, struct mail_author *out)
{
	struct authors authors = { .reader = { .arena = arena, .author = out } };

	*out = (struct mail_author){ .state = MAIL_AUTHOR_OK };
	for (size_t i = 0; i < message->fields_count; i++)
		TRY(field_read(&authors, &message->fields[i], message->bare_cr || message->bare_lf));
	if (authors.fields != 1)
		out->state = authors.fields ? MAIL_AUTHOR_SEVERAL_FIELDS : MAIL_AUTHOR_MISSING;
	else if (authors.malformed)
		out->state = MAIL_AUTHOR_MALFORMED;
	else if (out->domains_count == 0)
		out->state = MAIL_AUTHOR_NO_ADDRESS;
	return 0;
}

/* RFC 5321 section 4.1.2, Quoted-string: no folding, no controls. */
static bool is_smtp_quoted_string(struct slice s)
{
	if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
		return false;
	s = slice_sub(s, 1, s.len - 2);
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || (s.ptr[i] == '\\' && ++i == s.len))
			return false;
		if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

/* Dot-string (section 4.1.2); also the shape of a domain name, whose labels are checked further. */
static bool is_dot_string(struct slice s)
{
	bool word_due = true;

	for (size_t i = 0; i < s.len; i++) {
		bool dot = s.ptr[i] == '.';

		if (dot ? word_due : !is_atext(s.ptr[i]))
			return false;
		word_due = dot;
	}
	return !word_due;
}

static bool is_smtp_domain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x80 && !octet_is_alnum(s.ptr[i]) && !strchr("-_.", s.ptr[i]))
			return false;
	return is_dot_string(s);
}

int mail_path_split(struct slice path, struct slice *local_part_out, struct slice *domain_out)
{
	/* A domain has no "@" and no quotes: the last "@" of a valid path is the one outside them. */
	size_t at = slice_find_last(path, '@');
	struct slice local;

	if (at == SLICE_NOT_FOUND || !utf8_is_valid(path))
		return MAIL_PATH_INVALID;
	local = slice_sub(path, 0, at);
	if (!is_dot_string(local) && !is_smtp_quoted_string(local))
		return MAIL_PATH_INVALID;
	if (!is_smtp_domain(slice_from(path, at + 1)))
		return MAIL_PATH_INVALID;
	*local_part_out = local;
	*domain_out = slice_from(path, at + 1);
	return 0;
}
