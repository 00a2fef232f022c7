#include "proto/mail/header.h"

#include "proto/mail/line_ends.h"

#include <string.h>

#define FIELDS_FIRST 64

/*
 * The scans below look at blocks of a fixed size without an early exit inside, so that the compiler
 * turns them into vector code; a message is looked over at memory speed.
 */
#define BLOCK 64

static void line_ends_check(struct slice s, struct mail_message *out)
{
	struct mail_line_ends ends = { .cr_held = false };

	mail_line_ends_feed(&ends, s);
	mail_line_ends_finish(&ends);
	out->bare_cr = ends.bare_cr;
	out->bare_lf = ends.bare_lf;
}

/* All octets of a block, or-ed. */
static uint8_t block_octets(const uint8_t *p)
{
	uint8_t octets = 0;

	for (size_t i = 0; i < BLOCK; i++)
		octets |= p[i];
	return octets;
}

static void octets_check(struct slice s, struct mail_message *out)
{
	uint8_t octets = 0;
	size_t i = 0;

	for (; i + BLOCK <= s.len; i += BLOCK)
		octets |= block_octets(s.ptr + i);
	for (; i < s.len; i++)
		octets |= s.ptr[i];
	out->non_ascii = octets & 0x80;
	out->nul = slice_find(s, 0) != SLICE_NOT_FOUND;
}

/* Octets up to and with the next CRLF, or all that is left. */
static struct slice line_at(struct slice message, size_t at)
{
	struct slice rest = slice_from(message, at);
	size_t from = 0, lf;

	while ((lf = slice_find(slice_from(rest, from), '\n')) != SLICE_NOT_FOUND) {
		from += lf + 1;
		if (from >= 2 && rest.ptr[from - 2] == '\r')
			return slice_sub(rest, 0, from);
	}
	return rest;
}

static bool line_is_separator(struct slice line)
{
	return slice_equal(line, SLICE("\r\n"));
}

/* The line at `at` and those that continue it (RFC 5322 section 2.2.3: they begin with white space). */
static struct slice field_at(struct slice message, size_t at)
{
	size_t end = at + line_at(message, at).len;

	while (end < message.len && octet_is_wsp(message.ptr[end]))
		end += line_at(message, end).len;
	return slice_sub(message, at, end - at);
}

/* ftext of RFC 5322 section 3.6.8. */
static bool name_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < 33 || name.ptr[i] > 126)
			return false;
	return name.len > 0;
}

static struct mail_field field_of(struct slice raw)
{
	struct mail_field field = { .raw = raw };
	size_t colon = slice_find(raw, ':');
	size_t end = raw.len;
	struct slice name;

	if (colon == SLICE_NOT_FOUND)
		return field;
	name = slice_sub(raw, 0, colon);
	/* RFC 5322 section 4.5: white space before the colon is obsolete, and yet taken for a field by clients. */
	while (name.len && octet_is_wsp(name.ptr[name.len - 1]))
		name.len--;
	if (!name_is_valid(name))
		return field;
	if (end >= colon + 3 && raw.ptr[end - 2] == '\r' && raw.ptr[end - 1] == '\n')
		end -= 2;
	field.name = name;
	field.value = slice_sub(raw, colon + 1, end - colon - 1);
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

/* Reads fields until the separator, the end, or a bound; *end_out is behind the last field. */
static int fields_read(struct slice message, const struct mail_bounds *bounds, struct arena *arena,
                       struct mail_message *out, size_t *end_out)
{
	struct fields fields = { 0 };
	int result = MAIL_OK;
	size_t at = 0;

	while (result == MAIL_OK && at < message.len && !line_is_separator(slice_sub(message, at, 2))) {
		struct mail_field field = field_of(field_at(message, at));

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

bool mail_field_is(const struct mail_field *field, struct slice name)
{
	return name.len > 0 && slice_equal_nocase(field->name, name);
}

const struct mail_field *mail_field_next(const struct mail_message *message, struct slice name, size_t *at)
{
	while (*at < message->fields_count) {
		const struct mail_field *field = &message->fields[(*at)++];

		if (field->name.len == name.len && mail_field_is(field, name))
			return field;
	}
	return NULL;
}

size_t mail_field_count(const struct mail_message *message, struct slice name)
{
	size_t count = 0, at = 0;

	while (mail_field_next(message, name, &at))
		count++;
	return count;
}
