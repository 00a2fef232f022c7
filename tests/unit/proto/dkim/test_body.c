/*
 * Goal:   the output is RFC 6376's (sections 3.4.3 and 3.4.4) and does not depend on how the body is cut (LESSONS
 *         row 21).
 * Method: each vector is fed whole, at every split point, at every two split points, and octet by octet; then
 *         bodies made of the octets that matter are compared with a second writing of the rules that works line by
 *         line on the whole body, by every way of scanning that the processor has; ASSAY_BODY_CASES is the number of
 *         those for a long run. Slices may be read until the next call only.
 */
#include "proto/dkim/body.h"

#include "unit.h"

#include <stdlib.h>

#define TEXT_MAX 4096
#define BODY_MAX 2000
#define CASES    20000

/* NULL: the best. */
static const struct scan *way;

static const struct {
	const char *name, *in, *relaxed, *simple;
} vectors[] = {
	{ "empty_body", "", "", "\r\n" },
	{ "line_end_only", "\r\n", "", "\r\n" },
	{ "line_ends_only", "\r\n\r\n\r\n", "", "\r\n" },
	{ "white_space_only", " ", "", " \r\n" },
	{ "blank_lines_only", "\r\n \t\r\n", "", "\r\n \t\r\n" },
	{ "missing_final_line_end", "a", "a\r\n", "a\r\n" },
	{ "trailing_empty_lines", "a\r\n\r\n\r\n", "a\r\n", "a\r\n" },
	{ "trailing_blank_lines", "a\r\n \r\n\t", "a\r\n", "a\r\n \r\n\t\r\n" },
	{ "leading_empty_lines_stay", "\r\n\r\na", "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
	{ "inner_empty_lines_stay", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "blank_line_becomes_empty", "a\r\n \t\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n \t\r\nb\r\n" },
	{ "white_space_reduced", "a \t b\tc\r\n", "a b c\r\n", "a \t b\tc\r\n" },
	{ "white_space_at_line_end", "a \t\r\nb ", "a\r\nb\r\n", "a \t\r\nb \r\n" },
	{ "white_space_at_line_start", "  a\r\n\tb\r\n", " a\r\n b\r\n", "  a\r\n\tb\r\n" },
	{ "only_sp_and_htab_are_white", "a\v\f \xc2\xa0\r\n", "a\v\f \xc2\xa0\r\n", "a\v\f \xc2\xa0\r\n" },
	/* A CR or LF alone is an octet of its line (STANDARDS 2.4). */
	{ "bare_cr_and_lf_are_text", "a\rb\nc\r\n", "a\rb\nc\r\n", "a\rb\nc\r\n" },
	{ "bare_cr_last", "a\r", "a\r\r\n", "a\r\r\n" },
	{ "bare_cr_only", "\r", "\r\r\n", "\r\r\n" },
	{ "bare_lf_only", "\n", "\n\r\n", "\n\r\n" },
	{ "cr_cr_lf", "a\r\r\n", "a\r\r\n", "a\r\r\n" },
	{ "lf_cr", "\n\r", "\n\r\r\n", "\n\r\r\n" },
	{ "white_space_before_bare_cr", "a \r \r\n", "a \r\r\n", "a \r \r\n" },
	{ "line_ends_before_bare_cr", "\r\n\r\n\r", "\r\n\r\n\r\r\n", "\r\n\r\n\r\r\n" },
	{ "white_space_before_bare_lf", "a \n b", "a \n b\r\n", "a \n b\r\n" },
	/* RFC 6376 section 3.4.5, example 1. */
	{ "rfc6376_3_4_5", " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n", " C \r\nD \t E\r\n" },
};

struct text {
	uint8_t octets[TEXT_MAX];
	size_t len;
};

static void drain(struct dkim_body *body, struct text *out)
{
	struct slice s;

	while (dkim_body_next(body, &s)) {
		assert_true(s.len > 0 && s.len <= TEXT_MAX - out->len);
		memcpy(out->octets + out->len, s.ptr, s.len);
		out->len += s.len;
	}
	assert_false(dkim_body_next(body, &s));
}

/* Cut at two places; each chunk is a copy of its own, so that sanitizers see a read beyond it. */
static void canonicalize(enum canonicalization canon, struct slice in, size_t first, size_t second, struct text *out)
{
	const size_t cuts[] = { 0, first, second, in.len };
	struct dkim_body body;

	out->len = 0;
	dkim_body_init(&body, canon);
	if (way)
		body.scan = way;
	for (size_t i = 0; i + 1 < COUNT_OF(cuts); i++) {
		size_t len = cuts[i + 1] - cuts[i];
		uint8_t *chunk = malloc(len ? len : 1);

		assert_non_null(chunk);
		if (len)
			memcpy(chunk, in.ptr + cuts[i], len);
		dkim_body_feed(&body, slice_of(chunk, len));
		drain(&body, out);
		free(chunk);
	}
	dkim_body_finish(&body);
	drain(&body, out);
	assert_int_equal(body.octets_out, out->len);
}

static void canonicalize_octets(enum canonicalization canon, struct slice in, struct text *out)
{
	struct dkim_body body;

	out->len = 0;
	dkim_body_init(&body, canon);
	if (way)
		body.scan = way;
	for (size_t i = 0; i < in.len; i++) {
		dkim_body_feed(&body, slice_sub(in, i, 1));
		drain(&body, out);
	}
	dkim_body_finish(&body);
	drain(&body, out);
}

static void check(const char *name, enum canonicalization canon, struct slice in, struct slice want)
{
	static struct text out;

	canonicalize_octets(canon, in, &out);
	if (!slice_equal(slice_of(out.octets, out.len), want))
		fail_msg("%s, octet by octet: \"%.*s\"", name, (int)out.len, (const char *)out.octets);
	for (size_t first = 0; first <= in.len; first++) {
		for (size_t second = first; second <= in.len; second++) {
			canonicalize(canon, in, first, second, &out);
			if (!slice_equal(slice_of(out.octets, out.len), want))
				fail_msg("%s, cut at %zu and %zu: \"%.*s\"", name, first, second, (int)out.len,
				         (const char *)out.octets);
		}
	}
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice in = slice_of_str(vectors[i].in);

		check(vectors[i].name, CANON_RELAXED, in, slice_of_str(vectors[i].relaxed));
		check(vectors[i].name, CANON_SIMPLE, in, slice_of_str(vectors[i].simple));
	}
}

static void put(struct text *out, uint8_t octet)
{
	assert_true(out->len < TEXT_MAX);
	out->octets[out->len++] = octet;
}

/* One line without its CRLF, by 3.4.4 a. */
static void put_line(struct text *out, enum canonicalization canon, struct slice line)
{
	bool space = false;

	for (size_t i = 0; i < line.len; i++) {
		if (canon == CANON_RELAXED && octet_is_wsp(line.ptr[i])) {
			space = true;
			continue;
		}
		if (space)
			put(out, ' ');
		space = false;
		put(out, line.ptr[i]);
	}
}

static bool ends_with_crlf(struct slice s)
{
	return s.len >= 2 && s.ptr[s.len - 2] == '\r' && s.ptr[s.len - 1] == '\n';
}

/* The rules again, for a whole body: reduce each line, then cut the empty ones at the end, then add the last CRLF. */
static void reference(enum canonicalization canon, struct slice in, struct text *out)
{
	out->len = 0;
	while (in.len > 0) {
		size_t end = 0;

		while (end < in.len && !(in.ptr[end] == '\r' && end + 1 < in.len && in.ptr[end + 1] == '\n'))
			end++;
		put_line(out, canon, slice_sub(in, 0, end));
		put(out, '\r');
		put(out, '\n');
		in = slice_from(in, end + 2);
	}
	while (ends_with_crlf(slice_of(out->octets, out->len)) &&
	       (out->len == 2 || ends_with_crlf(slice_of(out->octets, out->len - 2))))
		out->len -= 2;
	if (out->len == 0 && canon == CANON_SIMPLE) {
		put(out, '\r');
		put(out, '\n');
	}
}

static void test_against_reference(void **state)
{
	static const char octets[] = " \t\r\nab \r\n";
	static struct text want;
	uint32_t random = 1;
	uint8_t in[200];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		/* Short bodies for every cut; long ones, mostly text, for the scan by blocks. */
		bool is_long = round % 100 == 0;
		size_t len = (size_t)round % (is_long ? sizeof(in) : 12);

		for (size_t i = 0; i < len; i++) {
			random = random * 1664525 + 1013904223;
			in[i] = is_long && (random >> 28) ? 'x' : (uint8_t)octets[(random >> 16) % 9];
		}
		for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
			reference((enum canonicalization)canon, slice_of(in, len), &want);
			if (round % 10 == 0)
				check("random", (enum canonicalization)canon, slice_of(in, len),
				      slice_of(want.octets, want.len));
			else {
				static struct text out;

				canonicalize((enum canonicalization)canon, slice_of(in, len), len / 3, len / 2, &out);
				assert_slice_equal(slice_of(out.octets, out.len), slice_of(want.octets, want.len));
			}
		}
	}
}

static uint32_t random_below(uint32_t below)
{
	static uint64_t random_state = 7;

	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(((random_state >> 32) * below) >> 32);
}

/* Stretches of their own kind each: text, white space, line ends, and all of them mixed. */
static size_t body_random(uint8_t octets[BODY_MAX])
{
	static const char *const kinds[] = { "x", "xy z", " ", " \t", "\r\n", "x \t\r\n", " \r\n", "\t x", "x\r \n", "xxxxxxxxxxxx " };
	size_t len = random_below(4) ? random_below(BODY_MAX) : random_below(20), i = 0;

	while (i < len) {
		const char *kind = kinds[random_below(COUNT_OF(kinds))];
		size_t count = strlen(kind), end = i + 1 + random_below(random_below(3) ? 12 : 700);
		bool in_order = random_below(2);

		for (size_t from = i; i < end && i < len; i++)
			octets[i] = (uint8_t)kind[in_order ? (i - from) % count : random_below((uint32_t)count)];
	}
	return len;
}

static void test_ways_against_reference(void **state)
{
	const char *asked = getenv("ASSAY_BODY_CASES");
	unsigned long cases = asked ? strtoul(asked, NULL, 10) : CASES, done = 0;
	static struct text want, out;
	static uint8_t in[BODY_MAX];

	(void)state;
	while (done < cases) {
		enum canonicalization canon = random_below(4) ? CANON_RELAXED : CANON_SIMPLE;
		size_t len = body_random(in), second = random_below((uint32_t)len + 1), first = random_below((uint32_t)second + 1);

		reference(canon, slice_of(in, len), &want);
		for (size_t i = 0; (way = scan_get(i)); i++, done++) {
			canonicalize(canon, slice_of(in, len), first, second, &out);
			if (!slice_equal(slice_of(out.octets, out.len), slice_of(want.octets, want.len)))
				fail_msg("%s, case %lu, cut at %zu and %zu of %zu", way->name, done, first, second, len);
		}
	}
	print_message("%lu bodies\n", done);
}

/* However dense the changes are, slices are few; and text with a change here and there is not copied as a whole. */
static void test_slices_are_few(void **state)
{
	static const char *const dense[] = { "\tx", "  x", "x \r\n", " \tx", "x\r\n \r\n", " \r" };
	static uint8_t in[65536];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(dense); i++) {
		struct dkim_body body;
		struct slice out;
		size_t slices = 0;

		for (size_t at = 0; at < sizeof(in); at++)
			in[at] = (uint8_t)dense[i][at % strlen(dense[i])];
		dkim_body_init(&body, CANON_RELAXED);
		dkim_body_feed(&body, slice_of(in, sizeof(in)));
		while (dkim_body_next(&body, &out))
			slices++;
		if (slices > sizeof(in) / 150)
			fail_msg("case %zu: %zu slices", i, slices);
	}
	memset(in, 'x', sizeof(in));
	for (size_t at = 1000; at < sizeof(in); at += 1000)
		in[at] = '\t';
	for (size_t i = 0; (way = scan_get(i)); i++) {
		struct dkim_body body;
		struct slice out;
		size_t copied = 0;

		dkim_body_init(&body, CANON_RELAXED);
		body.scan = way;
		dkim_body_feed(&body, slice_of(in, sizeof(in)));
		while (dkim_body_next(&body, &out))
			copied += out.ptr < in || out.ptr >= in + sizeof(in) ? out.len : 0;
		assert_true(copied < sizeof(in) / 2);
	}
}

/* STANDARDS 2.2: 50 MB of empty lines take no memory, and come out when something follows them. */
static void test_many_empty_lines(void **state)
{
	static uint8_t chunk[65536];
	const uint64_t chunks = 50 * 1024 * 1024 / sizeof(chunk);
	struct dkim_body body;
	struct slice out;
	uint64_t slices = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = i % 2 ? '\n' : '\r';
	dkim_body_init(&body, CANON_RELAXED);
	for (uint64_t i = 0; i < chunks; i++) {
		dkim_body_feed(&body, slice_of(chunk, sizeof(chunk)));
		assert_false(dkim_body_next(&body, &out));
	}
	dkim_body_feed(&body, SLICE("x"));
	while (dkim_body_next(&body, &out))
		slices++;
	dkim_body_finish(&body);
	while (dkim_body_next(&body, &out))
		slices++;
	assert_true(body.octets_out == chunks * sizeof(chunk) + 3);
	assert_true(slices < chunks * sizeof(chunk) / 64);
}

/* What needs no change comes out as one slice of the chunk, not copied and not cut at its lines. */
static void test_clean_text_is_one_slice(void **state)
{
	struct slice in = SLICE("One line.\r\nAnd another one, after which comes an empty one.\r\n\r\nThe end.\r\n");

	(void)state;
	for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
		struct dkim_body body;
		struct slice out;

		dkim_body_init(&body, (enum canonicalization)canon);
		dkim_body_feed(&body, in);
		assert_true(dkim_body_next(&body, &out));
		assert_ptr_equal(out.ptr, in.ptr);
		assert_int_equal(out.len, in.len);
		assert_false(dkim_body_next(&body, &out));
		dkim_body_finish(&body);
		assert_false(dkim_body_next(&body, &out));
	}
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_against_reference),
          cmocka_unit_test(test_ways_against_reference), cmocka_unit_test(test_slices_are_few),
          cmocka_unit_test(test_many_empty_lines), cmocka_unit_test(test_clean_text_is_one_slice))
