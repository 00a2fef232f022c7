/*
 * Goal:   a message is cut where RFC 5322 cuts it, whatever is wrong with it, and no octet gets lost.
 * Method: tables, broken messages first; a field list is written as "name=value|"; the octets of all fields, the
 *         separator and the body are the message again. Bounds and allocations are made to fail one by one.
 */
#include "proto/mail/header.h"

#include "unit.h"

#include <stdlib.h>

static const struct mail_bounds wide = { .header_octets_max = 65536, .fields_max = 1000, .field_octets_max = 65536 };

static void fields_show(const struct mail_message *message, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < message->fields_count; i++) {
		const struct mail_field *field = &message->fields[i];

		at += (size_t)snprintf(out + at, size - at, "%.*s=%.*s|", SLICE_FMT(field->name),
		                       SLICE_FMT(field->value));
		assert_true(at < size);
	}
}

static void assert_whole(struct slice in, const struct mail_message *message)
{
	size_t octets = 0;

	for (size_t i = 0; i < message->fields_count; i++) {
		assert_ptr_equal(message->fields[i].raw.ptr, in.ptr + octets);
		octets += message->fields[i].raw.len;
	}
	assert_int_equal(octets, message->header.len);
	assert_int_equal(octets + (message->has_separator ? 2 : 0) + message->body.len, in.len);
}

static const struct {
	const char *name, *in, *fields, *body;
	bool malformed, bare_cr, bare_lf, separator;
} vectors[] = {
	/* RFC 5322 section 2.2: lines that are no fields. S8: what stands before ":" decides who sees a From in it. */
	{ "line_without_colon", "A: 1\r\ngarbage\r\nB: 2\r\n\r\nx", "A= 1|=|B= 2|", "x", true, false, false, true },
	{ "no_name", ": 1\r\n\r\n", "=|", "", true, false, false, true },
	{ "white_space_in_name", "From me: 1\r\nA:2\r\n\r\n", "=|A=2|", "", true, false, false, true },
	{ "folded_before_colon", "From\r\n : x\r\n\r\n", "=|", "", true, false, false, true },
	{ "begins_with_continuation", " From: x\r\nA:1\r\n\r\n", "=|A=1|", "", true, false, false, true },
	{ "eight_bit_name", "Fr\xc3\xb6m: x\r\n\r\n", "=|", "", true, false, false, true },
	/* STANDARDS 2.4: bare CR and LF are octets of their line. */
	{ "bare_lf_ends_nothing", "A: 1\nB: 2\r\n\r\nx", "A= 1\nB: 2|", "x", false, false, true, true },
	{ "bare_cr_ends_nothing", "A: 1\rB: 2\r\n\r\nx", "A= 1\rB: 2|", "x", false, true, false, true },
	{ "lf_lf_separates_nothing", "A: 1\n\nx", "A= 1\n\nx|", "", false, false, true, false },
	{ "bare_lf_first", "\nA: 1\r\n\r\n", "=|", "", true, false, true, true },
	{ "bare_cr_last", "A: 1\r\n\r\nx\r", "A= 1|", "x\r", false, true, false, true },
	{ "bare_lf_in_body", "A: 1\r\n\r\nx\ny", "A= 1|", "x\ny", false, false, true, true },
	{ "cr_cr_lf", "A: 1\r\r\n\r\nx", "A= 1\r|", "x", false, true, false, true },
	/* No body, no separator, nothing at all. */
	{ "empty", "", "", "", false, false, false, false },
	{ "separator_only", "\r\n", "", "", false, false, false, true },
	{ "body_only", "\r\nx", "", "x", false, false, false, true },
	{ "header_only", "A: 1\r\n", "A= 1|", "", false, false, false, false },
	{ "field_without_line_end", "A: 1", "A= 1|", "", false, false, false, false },
	/* Good ones. */
	{ "folded", "A: 1\r\n\t2\r\n  3\r\nB:\r\n\r\nx", "A= 1\r\n\t2\r\n  3|B=|", "x", false, false, false, true },
	{ "white_space_line_continues", "A: 1\r\n \r\nB: 2\r\n\r\n", "A= 1\r\n |B= 2|", "", false, false, false, true },
	{ "obsolete_space_before_colon", "From \t: x\r\n\r\n", "From= x|", "", false, false, false, true },
	{ "empty_lines_in_body", "A:1\r\n\r\n\r\n\r\n", "A=1|", "\r\n\r\n", false, false, false, true },
	{ "colons_in_value", "A: b:c\r\n\r\n", "A= b:c|", "", false, false, false, true },
};

static void test_vectors(void **state)
{
	struct arena arena;
	char shown[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice in = slice_of_str(vectors[i].in);
		struct mail_message message;

		arena_init(&arena, 1 << 20);
		assert_int_equal(mail_parse(in, &wide, &arena, &message), MAIL_OK);
		fields_show(&message, shown, sizeof(shown));
		if (strcmp(shown, vectors[i].fields))
			fail_msg("%s: \"%s\", want \"%s\"", vectors[i].name, shown, vectors[i].fields);
		assert_slice_equal(message.body, slice_of_str(vectors[i].body));
		if (message.malformed_line != vectors[i].malformed || message.bare_cr != vectors[i].bare_cr ||
		    message.bare_lf != vectors[i].bare_lf || message.has_separator != vectors[i].separator)
			fail_msg("%s: flags", vectors[i].name);
		assert_whole(in, &message);
		arena_deinit(&arena);
	}
}

/* The scan looks at blocks: a lone CR or LF is seen at every place, across the seams of blocks too. */
static void test_lone_line_ends_at_every_place(void **state)
{
	uint8_t text[200];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t len = 4; len < sizeof(text); len += 13) {
		for (size_t at = 0; at < 2 * len; at++) {
			struct mail_message message;
			bool lf = at >= len;
			size_t place = at % len;

			memset(text, 'x', sizeof(text));
			memcpy(text, "A:\r\n", 4);
			text[place] = lf ? '\n' : '\r';
			assert_true(mail_parse(slice_of(text, len), &wide, &arena, &message) == MAIL_OK);
			/* The octets at 2 and 3 are CRLF, and stay so when one of them is written again. */
			assert_int_equal(message.bare_cr, !lf && place != 2);
			assert_int_equal(message.bare_lf, lf && place != 3);
			arena_reset(&arena);
		}
	}
	arena_deinit(&arena);
}

static void test_octet_flags(void **state)
{
	struct mail_message message;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(mail_parse(SLICE("A: \0\r\n\r\n"), &wide, &arena, &message), MAIL_OK);
	assert_true(message.nul && !message.non_ascii);
	assert_int_equal(mail_parse(SLICE("A: \xc3\xa4\r\n\r\n"), &wide, &arena, &message), MAIL_OK);
	assert_true(!message.nul && message.non_ascii);
	/* Of the header only. */
	assert_int_equal(mail_parse(SLICE("A: 1\r\n\r\n\0\xff"), &wide, &arena, &message), MAIL_OK);
	assert_true(!message.nul && !message.non_ascii);
	arena_deinit(&arena);
}

/* LESSONS row 22, STANDARDS S13: over a bound, nothing is cut off silently. */
static void test_bounds(void **state)
{
	static const struct {
		const char *name;
		struct mail_bounds bounds;
		int result;
		size_t fields;
	} cases[] = {
		{ "field_by_one", { 100, 100, 7 }, MAIL_FIELD_TOO_LARGE, 2 },
		{ "field_exact", { 100, 100, 8 }, MAIL_OK, 3 },
		{ "header_by_one", { 19, 100, 100 }, MAIL_HEADER_TOO_LARGE, 2 },
		{ "header_exact", { 20, 100, 100 }, MAIL_OK, 3 },
		{ "header_zero", { 0, 100, 100 }, MAIL_HEADER_TOO_LARGE, 0 },
		{ "fields_by_one", { 100, 2, 100 }, MAIL_TOO_MANY_FIELDS, 2 },
		{ "fields_exact", { 100, 3, 100 }, MAIL_OK, 3 },
		{ "fields_zero", { 100, 0, 100 }, MAIL_TOO_MANY_FIELDS, 0 },
	};
	struct slice in = SLICE("A: 1\r\nB: 222\r\nC:33\r\n\r\nbody");
	struct mail_message message;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int result = mail_parse(in, &cases[i].bounds, &arena, &message);

		if (result != cases[i].result || message.fields_count != cases[i].fields)
			fail_msg("%s: result %d, %zu fields", cases[i].name, result, message.fields_count);
	}
	/* The large field is there, and whole. */
	assert_int_equal(mail_parse(in, &cases[0].bounds, &arena, &message), MAIL_FIELD_TOO_LARGE);
	assert_slice_equal(message.fields[1].raw, SLICE("B: 222\r\n"));
	assert_int_equal(message.body.len, 0);
	arena_deinit(&arena);
}

static void test_fields_by_name(void **state)
{
	struct slice in = SLICE("to: 1\r\nX-a: 2\r\nTO : 3\r\nno field\r\nTo\t:4\r\nfrom:5\r\nx-A: 6\r\n\r\n");
	const struct mail_field *fields, *at;
	struct mail_message message;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(mail_parse(in, &wide, &arena, &message), MAIL_OK);
	fields = message.fields;
	assert_int_equal(mail_field_count(&message, MAIL_NAME_TO), 3);
	assert_int_equal(mail_field_count(&message, MAIL_NAME_CC), 0);
	assert_int_equal(mail_field_count(&message, MAIL_NAME_OTHER), 0);
	assert_null(mail_field_top(&message, MAIL_NAME_CC));
	assert_null(mail_field_bottom(&message, MAIL_NAME_OTHER));
	assert_ptr_equal(at = mail_field_top(&message, MAIL_NAME_TO), &fields[0]);
	assert_ptr_equal(at = mail_field_below(&message, at), &fields[2]);
	assert_ptr_equal(at = mail_field_below(&message, at), &fields[4]);
	assert_null(mail_field_below(&message, at));
	assert_ptr_equal(at, mail_field_bottom(&message, MAIL_NAME_TO));
	assert_ptr_equal(at = mail_field_above(&message, at), &fields[2]);
	assert_ptr_equal(at = mail_field_above(&message, at), &fields[0]);
	assert_null(mail_field_above(&message, at));
	assert_int_equal(fields[5].id, MAIL_NAME_FROM);
	assert_int_equal(fields[1].id, MAIL_NAME_OTHER);
	assert_int_equal(fields[3].id, MAIL_NAME_OTHER);
	assert_int_equal(mail_field_count_of(&message, SLICE("")), 0);
	assert_int_equal(mail_field_count_of(&message, SLICE("c")), 0);
	assert_int_equal(mail_field_count_of(&message, SLICE("X-A")), 2);
	assert_int_equal(mail_field_count_of(&message, SLICE("tO")), 3);
	arena_deinit(&arena);
}

/* Where the field at `at` ends, octet by octet. */
static size_t field_end_plain(struct slice message, size_t at)
{
	for (size_t i = at; i + 1 < message.len; i++)
		if (message.ptr[i] == '\r' && message.ptr[i + 1] == '\n' &&
		    !(i + 2 < message.len && octet_is_wsp(message.ptr[i + 2])))
			return i + 2;
	return message.len;
}

static void check_fields(const struct mail_message *message, struct slice text)
{
	size_t at = 0, count = 0;

	while (at < text.len && !(text.len - at >= 2 && memcmp(text.ptr + at, "\r\n", 2) == 0)) {
		size_t end = field_end_plain(text, at);

		assert_true(count < message->fields_count);
		assert_ptr_equal(message->fields[count].raw.ptr, text.ptr + at);
		assert_int_equal(message->fields[count++].raw.len, end - at);
		at = end;
	}
	assert_int_equal(message->fields_count, count);
	assert_int_equal(message->header.len, at);
	assert_int_equal(message->has_separator, at < text.len);
}

/* Messages of every length up to some blocks and runs of blocks, of octets that matter and others; seeded. */
static void test_fields_end_at_every_place(void **state)
{
	static const char octets[] = "\r\r\n\n\t :ab";
	struct mail_message message;
	struct arena arena;
	uint32_t seed = 1;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t round = 0; round < 30000; round++) {
		size_t len = round % 4 ? round % 200 : round % 1500;
		uint8_t *text = malloc(len ? len : 1); /* of its own, so that sanitizers see a read behind the end */

		assert_non_null(text);
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = (uint8_t)octets[(seed >> 24) % (seed >> 16 & 3 ? sizeof(octets) - 1 : 4)];
			if (i > 0 && text[i - 1] == '\r' && seed >> 12 & 3)
				text[i] = '\n';
			if (i > 1 && text[i - 1] == '\n' && text[i] == '\r' && seed >> 14 & 7)
				text[i] = 'x'; /* not too often the end of the header */
		}
		assert_int_equal(mail_parse(slice_of(text, len), &wide, &arena, &message), MAIL_OK);
		check_fields(&message, slice_of(text, len));
		arena_reset(&arena);
		free(text);
	}
	arena_deinit(&arena);
}

/* Many fields, so that the array grows; every allocation fails once. */
static void test_memory(void **state)
{
	static char text[200 * 6 + 2];
	struct mail_message message;
	struct arena arena;
	int result = -ENOMEM;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		memcpy(text + 6 * i, "A: 1\r\n", 6);
	memcpy(text + 6 * 200, "\r\n", 2);
	for (size_t bytes = 0; result == -ENOMEM; bytes += 512) {
		arena_init(&arena, bytes);
		result = mail_parse(slice_of(text, sizeof(text)), &wide, &arena, &message);
		if (result == MAIL_OK)
			assert_int_equal(message.fields_count, 200);
		arena_deinit(&arena);
		assert_true(bytes < 1 << 20);
	}
	assert_int_equal(result, MAIL_OK);
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_lone_line_ends_at_every_place),
          cmocka_unit_test(test_octet_flags), cmocka_unit_test(test_bounds), cmocka_unit_test(test_fields_by_name),
          cmocka_unit_test(test_fields_end_at_every_place), cmocka_unit_test(test_memory))
