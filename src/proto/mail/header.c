#include "proto/mail/header.h"

#include "base/block.h"
#include "base/scan.h"
#include "proto/mail/line_ends.h"

#include <string.h>

#define FIELDS_FIRST 64
#define MASKS        8 /* of 64 octets each that are made at once */

static void line_ends_check(struct slice s, struct mail_message *out)
{
	struct mail_line_ends ends = { .cr_held = false };

	mail_line_ends_feed(&ends, s);
	mail_line_ends_finish(&ends);
	out->bare_cr = ends.bare_cr;
	out->bare_lf = ends.bare_lf;
}

static void octets_check(struct slice s, struct mail_message *out)
{
	size_t at = 0;

	for (; s.len - at >= BLOCK_OCTETS && !out->non_ascii; at += BLOCK_OCTETS)
		out->non_ascii = block_has_high(s.ptr + at);
	for (; at < s.len && !out->non_ascii; at++)
		out->non_ascii = s.ptr[at] > 127;
	out->nul = slice_find(s, 0) != SLICE_NOT_FOUND;
}

/* Where the fields of a message end, one after the other: at LFs of CRLFs that no white space follows. */
struct field_ends {
	struct slice message;
	size_t scanned;       /* octets whose masks were looked at */
	unsigned next, count; /* the masks that were not */
	size_t block;
	uint64_t left; /* ends that were not returned yet, of the 64 octets from `block` on */
	uint64_t masks[MASKS];
};

static void field_ends_init(struct field_ends *ends, struct slice message)
{
	ends->message = message;
	ends->scanned = ends->block = 0;
	ends->next = ends->count = 0;
	ends->left = 0;
}

/* The first octets and the last have no neighbours that could be read. */
static void field_ends_scan_edge(struct field_ends *ends)
{
	uint8_t copy[1 + BLOCK_OCTETS + 1] = { 0 };
	size_t before = ends->scanned > 0;
	struct slice octets = slice_sub(ends->message, ends->scanned - before, before + BLOCK_OCTETS + 1);

	memcpy(copy + 1 - before, octets.ptr, octets.len);
	scan_best()->field_ends(copy + 1, 1, ends->masks);
	ends->count = 1;
}

static void field_ends_scan(struct field_ends *ends)
{
	size_t left = ends->message.len - ends->scanned, blocks = (left - 1) / BLOCK_OCTETS;

	ends->next = 0;
	if (ends->scanned == 0 || blocks == 0) {
		field_ends_scan_edge(ends);
	} else {
		ends->count = blocks < MASKS ? (unsigned)blocks : MASKS;
		scan_best()->field_ends(ends->message.ptr + ends->scanned, ends->count, ends->masks);
	}
}

/* Returns the offset behind the next end of a field; the message's length where no field ends any more. */
static size_t field_ends_next(struct field_ends *ends)
{
	size_t end;

	while (!ends->left) {
		if (ends->scanned >= ends->message.len)
			return ends->message.len;
		if (ends->next == ends->count)
			field_ends_scan(ends);
		ends->block = ends->scanned;
		ends->left = ends->masks[ends->next++];
		ends->scanned += BLOCK_OCTETS;
	}
	end = ends->block + (size_t)__builtin_ctzll(ends->left) + 1;
	ends->left &= ends->left - 1;
	return end;
}

static bool separator_is_at(struct slice message, size_t at)
{
	return message.len - at >= 2 && message.ptr[at] == '\r' && message.ptr[at + 1] == '\n';
}

/* The octets of ftext (RFC 5322 section 3.6.8) at the front: no white space, no control, no colon. */
static size_t ftext_octets(struct slice s)
{
	size_t at = 0;

	for (; s.len - at >= BLOCK_PART_OCTETS; at += BLOCK_PART_OCTETS) {
		const uint8_t *part = s.ptr + at;
		uint64_t ftext = block_part_within(part, 33, 126) & ~block_part_equal(part, ':');

		if (ftext != block_bits_below(BLOCK_PART_OCTETS))
			return at + (size_t)__builtin_ctzll(~ftext);
	}
	while (at < s.len && s.ptr[at] >= 33 && s.ptr[at] <= 126 && s.ptr[at] != ':')
		at++;
	return at;
}

/* `raw`: all of it. What ends the name is looked for in `rest`, which begins there: a field ends no later. */
static void field_read(struct slice raw, struct slice rest, struct mail_field *out)
{
	struct slice name = slice_sub(raw, 0, ftext_octets(rest));
	size_t colon = name.len, end = raw.len;

	*out = (struct mail_field){ .raw = raw };
	/* RFC 5322 section 4.5: white space before the colon is obsolete, and yet taken for a field by clients. */
	while (colon < raw.len && octet_is_wsp(raw.ptr[colon]))
		colon++;
	if (name.len == 0 || colon == raw.len || raw.ptr[colon] != ':')
		return;
	if (end >= colon + 3 && raw.ptr[end - 2] == '\r' && raw.ptr[end - 1] == '\n')
		end -= 2;
	out->name = name;
	out->id = mail_name_of(name);
	out->value = slice_of(raw.ptr + colon + 1, end - colon - 1);
}

struct fields {
	struct mail_field *items;
	size_t count, size;
};

/* Room for one more behind the last; NULL: no memory. */
static struct mail_field *fields_room(struct fields *fields, struct arena *arena)
{
	if (fields->count == fields->size) {
		size_t size = fields->size ? 2 * fields->size : FIELDS_FIRST;
		struct mail_field *items = arena_take(arena, size * sizeof(*items)); /* most of it is never touched */

		if (!items)
			return NULL;
		if (fields->count)
			memcpy(items, fields->items, fields->count * sizeof(*items));
		fields->items = items;
		fields->size = size;
	}
	return &fields->items[fields->count];
}

/* Finds its place among those of its name. The array of fields may have moved since the one above was put there. */
static void field_link(struct mail_message *message, struct mail_field *fields, size_t at)
{
	struct mail_field *field = &fields[at];
	struct mail_named *named = &message->named[field->id];

	if (field->id == MAIL_NAME_OTHER)
		return;
	named->count++;
	field->above = named->bottom;
	if (field->above)
		fields[field->above - 1].below = (uint32_t)at + 1;
	else
		named->top = (uint32_t)at + 1;
	named->bottom = (uint32_t)at + 1;
}

/* Reads fields until the separator, the end, or a bound; *end_out is behind the last field. */
static int fields_read(struct slice message, const struct mail_bounds *bounds, struct arena *arena,
                       struct mail_message *out, size_t *end_out)
{
	struct field_ends ends; /* not all zeroes first: masks are written before they are read */
	struct fields fields = { 0 };
	int result = MAIL_OK;
	size_t at = 0;

	field_ends_init(&ends, message);
	while (result == MAIL_OK && at < message.len && !separator_is_at(message, at)) {
		struct slice raw = slice_of(message.ptr + at, field_ends_next(&ends) - at);
		struct mail_field *field;

		if (fields.count >= bounds->fields_max) {
			result = MAIL_TOO_MANY_FIELDS;
			break;
		}
		if (raw.len > bounds->field_octets_max) {
			result = MAIL_FIELD_TOO_LARGE;
		} else if (raw.len > bounds->header_octets_max - at) {
			result = MAIL_HEADER_TOO_LARGE;
			break;
		}
		field = fields_room(&fields, arena);
		if (!field)
			return -ENOMEM;
		field_read(raw, slice_of(raw.ptr, message.len - at), field);
		field_link(out, fields.items, fields.count);
		fields.count++;
		out->malformed_line |= field->name.len == 0;
		at += raw.len;
	}
	out->fields = fields.items;
	out->fields_count = fields.count;
	*end_out = at;
	return result;
}

int mail_parse(struct slice message, const struct mail_bounds *bounds, struct arena *arena, struct mail_message *out)
{
	size_t end;
	int result;

	*out = (struct mail_message){ 0 };
	result = fields_read(message, bounds, arena, out, &end);
	if (result < 0)
		return result;
	out->header = slice_sub(message, 0, end);
	octets_check(out->header, out);
	line_ends_check(message, out);
	if (result == MAIL_OK && end < message.len) {
		out->has_separator = true;
		out->body = slice_from(message, end + 2);
	}
	return result;
}

size_t mail_field_count_of(const struct mail_message *message, struct slice name)
{
	enum mail_name id = mail_name_of(name);
	size_t count = 0;

	if (id != MAIL_NAME_OTHER)
		return mail_field_count(message, id);
	for (size_t i = 0; i < message->fields_count; i++)
		count += name.len > 0 && slice_equal_nocase(message->fields[i].name, name);
	return count;
}
