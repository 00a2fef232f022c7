#include "proto/spf/macro.h"

#include "base/block.h"
#include "base/cursor.h"
#include "proto/mail/domain.h"
#include "proto/spf/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One macro-expand or one run of macro-literals. */
struct piece {
	struct slice literal; /* what to put out when letter is 0 */
	bool is_macro;        /* a macro-expand, "%%", "%_" and "%-" among them */
	uint8_t letter;       /* lower case; 0: none */
	bool escape;          /* the letter was a capital: URL escaping */
	bool split;           /* transformers or delimiters are given */
	bool reverse;
	unsigned parts_max; /* rightmost parts to keep */
	struct slice delimiters;
};

static bool octet_is_literal(int c, enum spf_macro_place place)
{
	return (c > 0x20 && c < 0x7f && c != '%') || (c == ' ' && place == SPF_MACRO_IN_TEXT);
}

static bool octet_is_delimiter(int c)
{
	return c > 0 && slice_find(SLICE(".-+,/_="), (uint8_t)c) != SLICE_NOT_FOUND;
}

static bool letter_is_macro(uint8_t letter, enum spf_macro_place place)
{
	struct slice letters = place == SPF_MACRO_IN_TEXT ? SLICE("slodiphvcrt") : SLICE("slodiphv");

	return slice_find(letters, letter) != SLICE_NOT_FOUND;
}

/* *DIGIT: "If a DIGIT is specified, the value MUST be nonzero"; what is above any number of parts is all of them. */
static bool piece_digits(struct cursor *c, struct piece *piece)
{
	unsigned value = 0;
	size_t from = c->at;

	while (cursor_peek(c) >= '0' && cursor_peek(c) <= '9') {
		unsigned digit = (unsigned)cursor_u8(c) - '0';

		value = value < 100000 ? value * 10 + digit : value;
	}
	piece->parts_max = c->at > from ? value : UINT32_MAX;
	piece->split = c->at > from;
	return piece->parts_max > 0;
}

/* Behind "%{": macro-letter transformers *delimiter "}". */
static bool piece_macro(struct cursor *c, enum spf_macro_place place, struct piece *piece)
{
	uint8_t letter = cursor_u8(c);
	size_t from;

	piece->letter = octet_lower(letter);
	piece->escape = piece->letter != letter;
	if (!letter_is_macro(piece->letter, place) || !piece_digits(c, piece))
		return false;
	if (cursor_skip(c, 'r') || cursor_skip(c, 'R'))
		piece->reverse = true;
	from = c->at;
	while (octet_is_delimiter(cursor_peek(c)))
		c->at++;
	piece->delimiters = slice_sub(c->all, from, c->at - from);
	piece->split = piece->split || piece->reverse || piece->delimiters.len;
	if (!piece->delimiters.len)
		piece->delimiters = SLICE(".");
	return cursor_skip(c, '}');
}

/* The next piece; false when there is none that follows the grammar. Not at the end. */
static bool piece_next(struct cursor *c, enum spf_macro_place place, struct piece *piece)
{
	size_t from = c->at;

	*piece = (struct piece){ .is_macro = cursor_skip(c, '%') };
	if (!piece->is_macro) {
		while (octet_is_literal(cursor_peek(c), place))
			c->at++;
		piece->literal = slice_sub(c->all, from, c->at - from);
		return piece->literal.len > 0;
	}
	switch (cursor_u8(c)) {
	case '{': return piece_macro(c, place, piece);
	case '%': piece->literal = SLICE("%"); return true;
	case '_': piece->literal = SLICE(" "); return true;
	case '-': piece->literal = SLICE("%20"); return true;
	default: return false;
	}
}

/* As spf_macro_string_check(); *tail_out is what stands behind the last macro. */
static bool macro_string_scan(struct slice s, enum spf_macro_place place, uint32_t *letters_out, struct slice *tail_out)
{
	struct cursor c = cursor_of(s);
	struct piece piece;

	*letters_out = 0;
	*tail_out = s;
	while (!cursor_at_end(&c)) {
		if (!piece_next(&c, place, &piece))
			return false;
		if (piece.is_macro)
			*tail_out = slice_from(s, c.at);
		if (piece.letter)
			*letters_out |= SPF_MACRO_BIT(piece.letter);
	}
	return true;
}

bool spf_macro_string_check(struct slice macro_string, enum spf_macro_place place, uint32_t *letters_out)
{
	struct slice tail;

	return macro_string_scan(macro_string, place, letters_out, &tail);
}

/* toplabel: letters, digits and inner hyphens, and not digits only. */
static bool is_toplabel(struct slice s)
{
	bool other_than_digit = false;

	if (s.len == 0 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!octet_is_alnum(s.ptr[i]) && s.ptr[i] != '-')
			return false;
		other_than_digit = other_than_digit || !octet_is_digit(s.ptr[i]);
	}
	return other_than_digit;
}

bool spf_domain_spec_check(struct slice domain_spec, uint32_t *letters_out)
{
	struct slice tail;
	size_t dot;

	if (domain_spec.len == 0 || domain_spec.len > SPF_DOMAIN_SPEC_OCTETS_MAX ||
	    !macro_string_scan(domain_spec, SPF_MACRO_IN_NAME, letters_out, &tail))
		return false;
	if (tail.len == 0)
		return true;
	if (tail.ptr[tail.len - 1] == '.')
		tail.len--;
	dot = slice_find_last(tail, '.');
	return dot != SLICE_NOT_FOUND && is_toplabel(slice_from(tail, dot + 1));
}

static void expansion_octet(struct spf_expansion *out, uint8_t octet)
{
	/* Of a name, 255 octets decide: 253, a final dot, and the one before that may end a label. */
	const size_t kept = SPF_EXPANSION_OCTETS / 2;

	if (out->len == SPF_EXPANSION_OCTETS) {
		out->cut = true;
		if (out->place == SPF_MACRO_IN_TEXT)
			return;
		memmove(out->octets, out->octets + out->len - kept, kept);
		out->len = kept;
	}
	out->octets[out->len++] = octet;
}

static bool octet_is_unreserved(uint8_t c) /* RFC 3986 section 2.3 */
{
	return octet_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void expansion_add(struct spf_expansion *out, struct slice s, bool escape)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		if (!escape || octet_is_unreserved(s.ptr[i])) {
			expansion_octet(out, s.ptr[i]);
			continue;
		}
		expansion_octet(out, '%');
		expansion_octet(out, (uint8_t)hex[s.ptr[i] >> 4]);
		expansion_octet(out, (uint8_t)hex[s.ptr[i] & 15]);
	}
}

static bool is_split_at(const struct piece *piece, uint8_t octet)
{
	return slice_find(piece->delimiters, octet) != SLICE_NOT_FOUND;
}

/* The rightmost parts in order, joined with dots. */
static void expand_parts(const struct piece *piece, struct slice value, struct spf_expansion *out)
{
	unsigned parts = 0;
	size_t from = value.len;

	while (from > 0 && !(is_split_at(piece, value.ptr[from - 1]) && ++parts == piece->parts_max))
		from--;
	for (size_t i = from; i < value.len; i++) {
		struct slice octet = is_split_at(piece, value.ptr[i]) ? SLICE(".") : slice_sub(value, i, 1);

		expansion_add(out, octet, piece->escape);
	}
}

/* The rightmost parts of the reversed list, which are the leftmost ones of the value, last one first. */
static void expand_parts_reversed(const struct piece *piece, struct slice value, struct spf_expansion *out)
{
	unsigned parts = 0;
	size_t end = 0, from;

	while (end < value.len && !(is_split_at(piece, value.ptr[end]) && ++parts == piece->parts_max))
		end++;
	for (;; end = from - 1) {
		for (from = end; from > 0 && !is_split_at(piece, value.ptr[from - 1]);)
			from--;
		expansion_add(out, slice_sub(value, from, end - from), piece->escape);
		if (from == 0)
			return;
		expansion_octet(out, '.');
	}
}

#define VALUE_OCTETS_MAX 64 /* of a value that is made here: 32 nibbles and 31 dots */

/*
 * %{i} of an IPv6 client: nibbles with dots between (section 7.3). Names have them in lower case as in the example
 * of section 7.4; for texts the openspf suite has capitals.
 */
static struct slice value_nibbles(const struct ip_address *ip, enum spf_macro_place place, char text[VALUE_OCTETS_MAX])
{
	const char *hex = place == SPF_MACRO_IN_TEXT ? "0123456789ABCDEF" : "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		text[2 * i] = hex[i % 2 ? ip->octets[i / 2] & 15 : ip->octets[i / 2] >> 4];
		text[2 * i + 1] = '.';
	}
	return slice_of(text, 63);
}

static struct slice value_of(uint8_t letter, const struct spf_macro_values *values, enum spf_macro_place place,
			     char text[VALUE_OCTETS_MAX])
{
	switch (letter) {
	case 's': return values->sender;
	case 'l': return values->local_part;
	case 'o': return values->sender_domain;
	case 'd': return values->domain;
	case 'h': return values->helo;
	case 'p': return values->validated;
	case 'r': return values->receiver;
	case 'v': return values->client.is_v6 ? SLICE("ip6") : SLICE("in-addr");
	case 't': return slice_of(text, (size_t)snprintf(text, VALUE_OCTETS_MAX, "%" PRId64, values->now));
	case 'i':
		if (values->client.is_v6)
			return value_nibbles(&values->client, place, text);
		break;
	default: break;
	}
	ASSERT(letter == 'c' || letter == 'i');
	return slice_of(text, ip_format(&values->client, text));
}

static void expand_piece(const struct piece *piece, const struct spf_macro_values *values, struct spf_expansion *out)
{
	char text[VALUE_OCTETS_MAX];
	struct slice value = piece->letter ? value_of(piece->letter, values, out->place, text) : piece->literal;

	if (!piece->split)
		expansion_add(out, value, piece->escape);
	else if (piece->reverse)
		expand_parts_reversed(piece, value, out);
	else
		expand_parts(piece, value, out);
}

void spf_macro_expand(struct slice macro_string, const struct spf_macro_values *values, struct spf_expansion *out)
{
	struct cursor c = cursor_of(macro_string);
	struct piece piece;

	out->len = 0;
	out->cut = false;
	while (!cursor_at_end(&c)) {
		ASSERT(piece_next(&c, out->place, &piece));
		expand_piece(&piece, values, out);
		if (out->cut && out->place == SPF_MACRO_IN_TEXT)
			return;
	}
}

struct slice spf_expansion_name(const struct spf_expansion *expansion)
{
	struct slice name = slice_of(expansion->octets, expansion->len);
	size_t dot;

	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	while (name.len > DOMAIN_OCTETS_MAX && (dot = slice_find(name, '.')) != SLICE_NOT_FOUND)
		name = slice_from(name, dot + 1);
	return name;
}

/* Of a name, or label, of 1 to 63 octets. */
static bool short_name_is_askable(struct slice name)
{
	uint8_t copy[BLOCK_OCTETS];
	uint64_t dots = 0, fine = 0;

	block_copy(name, copy);
	for (size_t at = 0; at < name.len; at += BLOCK_PART_OCTETS) {
		dots |= block_part_equal(copy + at, '.') << at;
		fine |= (block_part_within(copy + at, 0x20, 0x7e) & ~block_part_equal(copy + at, '\\')) << at;
	}
	return fine == block_bits_below(name.len) && domain_dots_separate(dots, name.len);
}

bool spf_name_is_askable(struct slice name)
{
	if (name.len == 0 || name.len > DOMAIN_OCTETS_MAX)
		return false;
	if (name.len < BLOCK_OCTETS)
		return short_name_is_askable(name);
	while (name.ptr) {
		struct slice label = slice_cut(&name, '.');

		if (label.len == 0 || label.len > DOMAIN_LABEL_OCTETS_MAX || !short_name_is_askable(label))
			return false;
	}
	return true;
}
