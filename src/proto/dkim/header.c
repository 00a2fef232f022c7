#include "proto/dkim/header.h"

#include <string.h>

struct dkim_header_name {
	struct slice name;
	uint32_t lowest; /* index of the lowest field of that name, plus one */
};

/* Any order will do; lengths first, for most names differ there. */
static int name_compare(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	for (size_t i = 0; i < a.len; i++) {
		int difference = octet_lower(a.ptr[i]) - octet_lower(b.ptr[i]);

		if (difference)
			return difference;
	}
	return 0;
}

/* Where `name` is among the sorted, or belongs. */
static size_t name_search(const struct dkim_header *header, struct slice name, bool *found_out)
{
	size_t low = 0, high = header->names_count;

	*found_out = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = name_compare(header->names[middle].name, name);

		if (order == 0) {
			*found_out = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void name_note(struct dkim_header *header, size_t field)
{
	bool known;
	size_t at = name_search(header, header->message->fields[field].name, &known);

	if (!known) {
		memmove(&header->names[at + 1], &header->names[at],
		        (header->names_count - at) * sizeof(*header->names));
		header->names[at] = (struct dkim_header_name){ .name = header->message->fields[field].name };
		header->names_count++;
	}
	header->above[field] = header->names[at].lowest;
	header->names[at].lowest = (uint32_t)field + 1;
}

int dkim_header_init(struct dkim_header *header, const struct mail_message *message, struct arena *arena)
{
	size_t count = message->fields_count;

	ASSERT(count < UINT32_MAX);
	*header = (struct dkim_header){ .message = message };
	header->names = ARENA_NEW_ARRAY(arena, count, struct dkim_header_name);
	header->above = ARENA_NEW_ARRAY(arena, count, uint32_t);
	if (!header->names || !header->above)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (message->fields[i].name.len > 0)
			name_note(header, i);
	return 0;
}

static size_t names_in(struct slice names)
{
	struct slice item;
	size_t count = 0;

	while (dkim_colon_next(&names, &item))
		count++;
	return count;
}

/* The fields that h= names, in its order. `lowest` has for each distinct name what is left of it. */
static size_t fields_select(const struct dkim_header *header, const struct mail_field *own, struct slice names,
                            uint32_t *lowest, const struct mail_field **fields)
{
	struct slice name;
	size_t count = 0;
	bool known;

	while (dkim_colon_next(&names, &name)) {
		size_t at = name_search(header, name, &known);

		if (!known)
			continue;
		if (lowest[at] && &header->message->fields[lowest[at] - 1] == own)
			lowest[at] = header->above[lowest[at] - 1];
		if (!lowest[at])
			continue;
		fields[count++] = &header->message->fields[lowest[at] - 1];
		lowest[at] = header->above[lowest[at] - 1];
	}
	return count;
}

/* The parts of a field's value that are signed: two for the signature's own field, around the value of b=. */
struct value_parts {
	struct slice part[2];
};

static struct value_parts value_without(struct slice value, struct slice area)
{
	size_t from = (size_t)(area.ptr - value.ptr);

	return (struct value_parts){ { slice_sub(value, 0, from), slice_from(value, from + area.len) } };
}

/* RFC 6376 section 3.4.2 for a value: unfolded, runs of white space one space, none at the ends. Returns the end. */
static uint8_t *relaxed_value(uint8_t *at, const struct value_parts *value)
{
	const uint8_t *start = at;
	bool wsp = false;

	for (size_t p = 0; p < 2; p++) {
		const struct slice s = value->part[p];

		for (size_t i = 0; i < s.len; i++) {
			uint8_t c = s.ptr[i];

			if (c == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n') {
				i++;
			} else if (octet_is_wsp(c)) {
				wsp = true;
			} else {
				if (wsp && at > start)
					*at++ = ' ';
				wsp = false;
				*at++ = c;
			}
		}
	}
	return at;
}

static uint8_t *relaxed_field(uint8_t *at, struct slice name, const struct value_parts *value)
{
	for (size_t i = 0; i < name.len; i++)
		*at++ = octet_lower(name.ptr[i]);
	*at++ = ':';
	return relaxed_value(at, value);
}

static uint8_t *line_end(uint8_t *at)
{
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

int dkim_header_relaxed(const struct mail_field *field, struct slice without, struct arena *arena, struct slice *out)
{
	uint8_t *start = arena_alloc(arena, field->raw.len + 2), *at;
	struct value_parts value = { { field->value } };

	if (!start)
		return -ENOMEM;
	if (without.ptr)
		value = value_without(field->value, without);
	at = relaxed_field(start, field->name, &value);
	if (!without.ptr)
		at = line_end(at);
	*out = slice_of(start, (size_t)(at - start));
	return 0;
}

/* What is to be signed, as selected. */
struct selection {
	const struct mail_field **fields;
	size_t count;
	const struct mail_field *own;
	struct value_parts own_value;
};

/* One part: relaxed form changes nearly every field, and one piece hashes faster than many. */
static int relaxed_parts(const struct selection *selection, struct arena *arena, struct slice *parts, size_t *count_out)
{
	/* No field grows but for a CRLF that the message's last one may lack. */
	size_t size = selection->own->raw.len;
	uint8_t *start, *at;

	for (size_t i = 0; i < selection->count; i++)
		size += selection->fields[i]->raw.len + 2;
	at = start = arena_alloc(arena, size);
	if (!start)
		return -ENOMEM;
	for (size_t i = 0; i < selection->count; i++) {
		const struct value_parts value = { { selection->fields[i]->value } };

		at = line_end(relaxed_field(at, selection->fields[i]->name, &value));
	}
	at = relaxed_field(at, selection->own->name, &selection->own_value);
	ASSERT((size_t)(at - start) <= size);
	parts[0] = slice_of(start, (size_t)(at - start));
	*count_out = 1;
	return 0;
}

/* RFC 6376 section 3.4.1: as they stand, but for a CRLF that the message's last field may lack. Nothing is copied. */
static void simple_parts(const struct selection *selection, struct slice *parts, size_t *count_out)
{
	const struct mail_field *own = selection->own;
	size_t count = 0;

	for (size_t i = 0; i < selection->count; i++) {
		parts[count++] = selection->fields[i]->raw;
		if (!slice_ends_with_nocase(selection->fields[i]->raw, SLICE("\r\n")))
			parts[count++] = SLICE("\r\n");
	}
	parts[count++] = slice_sub(own->raw, 0, (size_t)(own->value.ptr - own->raw.ptr));
	parts[count++] = selection->own_value.part[0];
	parts[count++] = selection->own_value.part[1];
	*count_out = count;
}

int dkim_header_signed(const struct dkim_header *header, const struct mail_field *own,
                       const struct dkim_signature *signature, struct arena *arena, const struct slice **parts_out,
                       size_t *parts_count_out)
{
	size_t names = names_in(signature->names);
	uint32_t *lowest = ARENA_NEW_ARRAY(arena, header->names_count, uint32_t);
	struct slice *parts = ARENA_NEW_ARRAY(arena, names + 4, struct slice);
	struct selection selection = {
		.fields = ARENA_NEW_ARRAY(arena, names, const struct mail_field *),
		.own = own,
		.own_value = value_without(own->value, signature->signature_area),
	};

	if (!lowest || !parts || !selection.fields)
		return -ENOMEM;
	for (size_t i = 0; i < header->names_count; i++)
		lowest[i] = header->names[i].lowest;
	selection.count = fields_select(header, own, signature->names, lowest, selection.fields);
	*parts_out = parts;
	if (signature->header_canon == CANON_RELAXED)
		return relaxed_parts(&selection, arena, parts, parts_count_out);
	simple_parts(&selection, parts, parts_count_out);
	return 0;
}

static size_t times_named(struct slice names, struct slice name)
{
	struct slice item;
	size_t count = 0;

	while (dkim_colon_next(&names, &item))
		count += slice_equal_nocase(item, name);
	return count;
}

struct slice dkim_header_uncovered(const struct mail_message *message, const struct dkim_signature *signature)
{
	static const char *const single[] = {
		"From",       "Sender",  "Reply-To", "To",           "Cc",           "Message-ID", "In-Reply-To",
		"References", "Subject", "Date",     "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	};

	for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++) {
		struct slice name = slice_of_str(single[i]);
		size_t there = mail_field_count(message, name);
		size_t covered = there > 1 ? times_named(signature->names, name) : 0;

		if (covered > 0 && covered < there)
			return name;
	}
	return SLICE_EMPTY;
}

bool dkim_header_leaves_out(const struct mail_message *message, const struct dkim_signature *signature,
                            struct slice name)
{
	return mail_field_count(message, name) > 0 && times_named(signature->names, name) == 0;
}
