#include "proto/mail/header.h"

#include "base/block.h"
#include "proto/mail/line_ends.h"

#include <string.h>

#define FIELDS_FIRST 64

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
	uint8_t copy[BLOCK_OCTETS];

	for (size_t at = 0; at < s.len && !out->non_ascii; at += BLOCK_OCTETS)
		out->non_ascii = block_within(block_of(s, at, copy), 0x80, 0xff) != 0;
	out->nul = slice_find(s, 0) != SLICE_NOT_FOUND;
}

/* The LFs of a message, one after the other. */
struct line_feeds {
	struct slice message;
	size_t block;  /* where the block begins that `left` is of */
	uint64_t left; /* LFs of it that were not returned yet */
};

static struct line_feeds line_feeds_of(struct slice message)
{
	uint8_t copy[BLOCK_OCTETS];

	return (struct line_feeds){ .message = message,
				    .left = message.len ? block_equal(block_of(message, 0, copy), '\n') : 0 };
}

static size_t line_feeds_next(struct line_feeds *feeds)
{
	uint8_t copy[BLOCK_OCTETS];
	size_t at;

	while (!feeds->left) {
		feeds->block += BLOCK_OCTETS;
		if (feeds->block >= feeds->message.len)
			return SLICE_NOT_FOUND;
		feeds->left = block_equal(block_of(feeds->message, feeds->block, copy), '\n');
	}
	at = feeds->block + (size_t)__builtin_ctzll(feeds->left);
	feeds->left &= feeds->left - 1;
	return at;
}

/*
 * Of the line at `at` and those that continue it (RFC 5322 section 2.2.3: they begin with white space). `feeds` has returned no LF
 * behind `at`.
 */
static size_t field_octets(struct line_feeds *feeds, size_t at)
{
	struct slice message = feeds->message;
	size_t lf;

	while ((lf = line_feeds_next(feeds)) != SLICE_NOT_FOUND) {
		bool is_line_end = lf > at && message.ptr[lf - 1] == '\r';

		if (is_line_end && !(lf + 1 < message.len && octet_is_wsp(message.ptr[lf + 1])))
			return lf + 1 - at;
	}
	return message.len - at;
}

static bool separator_is_at(struct slice message, size_t at)
{
	return message.len - at >= 2 && message.ptr[at] == '\r' && message.ptr[at + 1] == '\n';
}

/* The octets of ftext (RFC 5322 section 3.6.8) from `at` on: no white space, no control, no colon. */
static size_t ftext_octets(struct slice message, size_t at)
{
	uint8_t copy[BLOCK_OCTETS];

	for (size_t from = at; from < message.len; from += BLOCK_OCTETS) {
		const uint8_t *block = block_of(message, from, copy);
		uint64_t others = ~block_within(block, 33, 126) | block_equal(block, ':');

		if (others)
			return from + (size_t)__builtin_ctzll(others) - at;
	}
	return message.len - at;
}

/* `at`, `len`: all of it. What ends the name is looked for in the whole message, where blocks are whole; a field ends no later. */
static struct mail_field field_of(struct slice message, size_t at, size_t len)
{
	struct slice raw = slice_of(message.ptr + at, len);
	struct slice name = slice_sub(raw, 0, ftext_octets(message, at));
	struct mail_field field = { .raw = raw };
	size_t colon = name.len, end = raw.len;

	/* RFC 5322 section 4.5: white space before the colon is obsolete, and yet taken for a field by clients. */
	while (colon < raw.len && octet_is_wsp(raw.ptr[colon]))
		colon++;
	if (name.len == 0 || colon == raw.len || raw.ptr[colon] != ':')
		return field;
	if (end >= colon + 3 && raw.ptr[end - 2] == '\r' && raw.ptr[end - 1] == '\n')
		end -= 2;
	field.name = name;
	field.id = mail_name_of(name);
	field.value = slice_of(raw.ptr + colon + 1, end - colon - 1);
	return field;
}

struct fields {
	struct mail_field *items;
	size_t count, size;
};

static int fields_add(struct fields *fields, const struct mail_field *field, struct arena *arena)
{
	if (fields->count == fields->size) {
		size_t size = fields->size ? 2 * fields->size : FIELDS_FIRST;
		struct mail_field *items = ARENA_NEW_ARRAY(arena, size, struct mail_field);

		if (!items)
			return -ENOMEM;
		if (fields->count)
			memcpy(items, fields->items, fields->count * sizeof(*items));
		fields->items = items;
		fields->size = size;
	}
	fields->items[fields->count++] = *field;
	return 0;
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
	struct line_feeds feeds = line_feeds_of(message);
	struct fields fields = { 0 };
	int result = MAIL_OK;
	size_t at = 0;

	while (result == MAIL_OK && at < message.len && !separator_is_at(message, at)) {
		struct mail_field field = field_of(message, at, field_octets(&feeds, at));

		if (fields.count >= bounds->fields_max) {
			result = MAIL_TOO_MANY_FIELDS;
			break;
		}
		if (field.raw.len > bounds->field_octets_max) {
			result = MAIL_FIELD_TOO_LARGE;
		} else if (field.raw.len > bounds->header_octets_max - at) {
			result = MAIL_HEADER_TOO_LARGE;
			break;
		}
		TRY(fields_add(&fields, &field, arena));
		field_link(out, fields.items, fields.count - 1);
		out->malformed_line |= field.name.len == 0;
		at += field.raw.len;
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
