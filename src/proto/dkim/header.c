#include "proto/dkim/header.h"

#include "base/scan.h"
#include "proto/mail/singleton.h"

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
	size_t low = 0, high = header->others_count;

	*found_out = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = name_compare(header->others[middle].name, name);

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
		memmove(&header->others[at + 1], &header->others[at],
		        (header->others_count - at) * sizeof(*header->others));
		header->others[at] = (struct dkim_header_name){ .name = header->message->fields[field].name };
		header->others_count++;
	}
	header->above[field] = header->others[at].lowest;
	header->others[at].lowest = (uint32_t)field + 1;
}

void dkim_header_init(struct dkim_header *header, const struct mail_message *message)
{
	ASSERT(message->fields_count < UINT32_MAX);
	*header = (struct dkim_header){ .message = message };
}

static int others_make(struct dkim_header *header, struct arena *arena)
{
	const struct mail_message *message = header->message;
	size_t count = message->fields_count;

	header->others = ARENA_NEW_ARRAY(arena, count, struct dkim_header_name);
	header->above = ARENA_NEW_ARRAY(arena, count, uint32_t);
	if (!header->others || !header->above)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (message->fields[i].id == MAIL_NAME_OTHER && message->fields[i].name.len > 0)
			name_note(header, i);
	header->others_ready = true;
	return 0;
}

/* What is left of each name while h= is gone through: the lowest field not taken yet, plus one. */
struct lowest {
	uint32_t named[MAIL_NAMES];
	uint32_t *others;
};

static int lowest_init(struct lowest *lowest, struct dkim_header *header, const struct dkim_names *names,
                       struct arena *arena)
{
	for (unsigned id = 0; id < MAIL_NAMES; id++)
		lowest->named[id] = header->message->named[id].bottom;
	if (!names->have_others)
		return 0;
	if (!header->others_ready)
		TRY(others_make(header, arena));
	lowest->others = ARENA_NEW_ARRAY(arena, header->others_count, uint32_t);
	if (!lowest->others)
		return -ENOMEM;
	for (size_t i = 0; i < header->others_count; i++)
		lowest->others[i] = header->others[i].lowest;
	return 0;
}

/* NULL: the message has no field of that name. */
static uint32_t *lowest_of(struct lowest *lowest, const struct dkim_header *header, const struct dkim_name *name)
{
	bool known;
	size_t at;

	if (name->id != MAIL_NAME_OTHER)
		return &lowest->named[name->id];
	at = name_search(header, name->text, &known);
	return known ? &lowest->others[at] : NULL;
}

static uint32_t above(const struct dkim_header *header, uint32_t field)
{
	const struct mail_field *at = &header->message->fields[field - 1];

	return at->id == MAIL_NAME_OTHER ? header->above[field - 1] : at->above;
}

/* The fields that h= names, in its order. */
static size_t fields_select(const struct dkim_header *header, const struct mail_field *own,
                            const struct dkim_names *names, struct lowest *lowest, const struct mail_field **fields)
{
	size_t count = 0;

	for (size_t i = 0; i < names->count; i++) {
		uint32_t *left = lowest_of(lowest, header, &names->items[i]);

		if (left && *left && &header->message->fields[*left - 1] == own)
			*left = above(header, *left);
		if (!left || !*left)
			continue;
		fields[count++] = &header->message->fields[*left - 1];
		*left = above(header, *left);
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
	const struct scan *scan = scan_best();
	const uint8_t *start = at;

	for (size_t p = 0; p < 2; p++) {
		size_t len = scan->unfold(value->part[p], at);

		/* A space stands neither at the start nor behind another. */
		if (len > 0 && at[0] == ' ' && (at == start || at[-1] == ' '))
			memmove(at, at + 1, --len);
		at += len;
	}
	return at > start && at[-1] == ' ' ? at - 1 : at;
}

/* Of the fields' octets none is added; room for SCAN_OVERSHOOT more is needed. */
static uint8_t *relaxed_field(uint8_t *at, struct slice name, const struct value_parts *value)
{
	slice_lower(name, at);
	at += name.len;
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
	uint8_t *start = arena_take(arena, field->raw.len + 2 + SCAN_OVERSHOOT), *at;
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
	at = start = arena_take(arena, size + SCAN_OVERSHOOT);
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

int dkim_header_signed(struct dkim_header *header, const struct mail_field *own, const struct dkim_signature *signature,
                       struct arena *arena, const struct slice **parts_out, size_t *parts_count_out)
{
	const struct dkim_names *names = &signature->names;
	struct slice *parts = ARENA_NEW_ARRAY(arena, names->count + 4, struct slice);
	struct lowest lowest;
	struct selection selection = {
		.fields = ARENA_NEW_ARRAY(arena, names->count, const struct mail_field *),
		.own = own,
		.own_value = value_without(own->value, signature->signature_area),
	};

	if (!parts || !selection.fields)
		return -ENOMEM;
	TRY(lowest_init(&lowest, header, names, arena));
	selection.count = fields_select(header, own, names, &lowest, selection.fields);
	*parts_out = parts;
	if (signature->header_canon == CANON_RELAXED)
		return relaxed_parts(&selection, arena, parts, parts_count_out);
	simple_parts(&selection, parts, parts_count_out);
	return 0;
}

static size_t times_named(const struct dkim_names *names, enum mail_name name)
{
	size_t count = 0;

	for (size_t i = 0; i < names->count; i++)
		count += names->items[i].id == name;
	return count;
}

struct slice dkim_header_uncovered(const struct mail_message *message, const struct dkim_signature *signature)
{
	for (unsigned i = 0; i < MAIL_SINGLETONS; i++) {
		enum mail_name name = mail_singleton(i);
		size_t there = mail_field_count(message, name);
		size_t covered = there > 1 ? times_named(&signature->names, name) : 0;

		if (covered > 0 && covered < there)
			return mail_name_text(name);
	}
	return SLICE_EMPTY;
}

bool dkim_header_leaves_out(const struct mail_message *message, const struct dkim_signature *signature,
                            enum mail_name name)
{
	return mail_field_count(message, name) > 0 && times_named(&signature->names, name) == 0;
}
