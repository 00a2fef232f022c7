/*
 * Goal:   a message is cut without losing an octet, and flags say what is in it, whatever the octets and the bounds.
 * Method: the first three octets give the bounds, the rest is the message. The pieces are put together again, each
 *         field is looked over by itself, and the flags are worked out a second time octet by octet.
 */
#include "proto/mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(const struct mail_field *field)
{
	const uint8_t *end = field->raw.ptr + field->raw.len;

	ASSERT(field->raw.len > 0);
	if (field->name.len == 0) {
		ASSERT(field->value.len == 0);
		return;
	}
	ASSERT(field->name.ptr == field->raw.ptr);
	for (size_t i = 0; i < field->name.len; i++)
		ASSERT(field->name.ptr[i] > 32 && field->name.ptr[i] < 127 && field->name.ptr[i] != ':');
	ASSERT(field->value.ptr > field->raw.ptr && field->value.ptr[-1] == ':');
	ASSERT(field->value.ptr + field->value.len == end ||
	       (field->value.ptr + field->value.len == end - 2 && end[-2] == '\r' && end[-1] == '\n'));
}

/* A CRLF inside a field is followed by white space: it is the only thing that continues one. */
static void check_lines(struct slice raw)
{
	for (size_t i = 0; i + 2 < raw.len; i++)
		if (raw.ptr[i] == '\r' && raw.ptr[i + 1] == '\n')
			ASSERT(octet_is_wsp(raw.ptr[i + 2]));
}

static void check_flags(struct slice in, const struct mail_message *message)
{
	bool bare_cr = false, bare_lf = false, nul = false, high = false;

	for (size_t i = 0; i < in.len; i++) {
		bare_cr |= in.ptr[i] == '\r' && (i + 1 == in.len || in.ptr[i + 1] != '\n');
		bare_lf |= in.ptr[i] == '\n' && (i == 0 || in.ptr[i - 1] != '\r');
	}
	for (size_t i = 0; i < message->header.len; i++) {
		nul |= message->header.ptr[i] == 0;
		high |= message->header.ptr[i] > 127;
	}
	ASSERT(message->bare_cr == bare_cr && message->bare_lf == bare_lf);
	ASSERT(message->nul == nul && message->non_ascii == high);
}

static void check_message(struct slice in, const struct mail_message *message, const struct mail_bounds *bounds,
                          int result)
{
	size_t octets = 0, malformed = 0;

	for (size_t i = 0; i < message->fields_count; i++) {
		ASSERT(message->fields[i].raw.ptr == in.ptr + octets);
		check_field(&message->fields[i]);
		check_lines(message->fields[i].raw);
		octets += message->fields[i].raw.len;
		malformed += message->fields[i].name.len == 0;
	}
	ASSERT(message->header.len == octets && message->malformed_line == (malformed > 0));
	ASSERT(message->fields_count <= bounds->fields_max);
	if (result == MAIL_OK) {
		ASSERT(octets + (message->has_separator ? 2 : 0) + message->body.len == in.len);
		ASSERT(octets <= bounds->header_octets_max);
	} else {
		ASSERT(!message->has_separator && message->body.len == 0);
	}
	check_flags(in, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail_bounds bounds = { 65536, 1000, 65536 };
	struct mail_message message;
	struct arena arena;
	struct slice in;
	int result;

	if (size < 3)
		return 0;
	/* 0: wide; else small, so that they are met. */
	bounds.header_octets_max = data[0] ? data[0] : bounds.header_octets_max;
	bounds.fields_max = data[1] ? data[1] : bounds.fields_max;
	bounds.field_octets_max = data[2] ? data[2] : bounds.field_octets_max;
	in = slice_of(data + 3, size - 3);
	arena_init(&arena, (size_t)64 << 20);
	result = mail_parse(in, &bounds, &arena, &message);
	ASSERT(result >= 0);
	check_message(in, &message, &bounds, result);
	arena_deinit(&arena);
	return 0;
}
