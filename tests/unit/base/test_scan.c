/*
 * Goal:   what a scan finds by vectors is what an octet after the other shows.
 * Method: random octets of the few that matter, of every length and alignment around the vectors' width, against a plain loop;
 *         every way of scanning that the processor has.
 */
#include "base/scan.h"
#include "unit.h"

#include <stdlib.h>

#define LENGTHS 400
#define ROUNDS 60

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

static size_t plain_wsp_run(struct slice s)
{
	for (size_t i = 0; i + 1 < s.len; i++)
		if (s.ptr[i] == '\t' || (s.ptr[i] == ' ' && memchr(" \t\r", s.ptr[i + 1], 3)))
			return i;
	return s.len - 1;
}

static size_t plain_lone_line_end(struct slice s)
{
	for (size_t i = 0; i + 1 < s.len; i++)
		if ((s.ptr[i] == '\r') != (s.ptr[i + 1] == '\n'))
			return i;
	return s.len - 1;
}

/* `rare`: so many ordinary octets for one that matters. CRs and LFs come in pairs but for one in `rare` of them. */
static void fill(uint8_t *octets, size_t len, uint32_t rare)
{
	static const uint8_t matter[] = " \t\r\n";

	for (size_t i = 0; i < len; i++) {
		octets[i] = random_below(rare) ? 'a' : matter[random_below(4)];
		if (i > 0 && random_below(rare) && (octets[i - 1] == '\r' || octets[i] == '\n'))
			octets[i] = octets[i - 1] == '\r' ? '\n' : 'a';
	}
}

/* RFC 6376 section 3.4.4 a, for octets from the front: by runs, not by octets. Returns how many come out. */
static size_t plain_wsp_reduce(struct slice s, size_t len, uint8_t *out)
{
	size_t written = 0, i = 0;

	while (i < len) {
		size_t end = i;

		while (end < s.len && octet_is_wsp(s.ptr[end]))
			end++;
		if (end == i)
			out[written++] = s.ptr[i++];
		else if (end > len || (end + 1 < s.len && s.ptr[end] == '\r' && s.ptr[end + 1] == '\n'))
			i = end; /* its last octet is not among these, or nothing of it stays */
		else {
			out[written++] = ' ';
			i = end;
		}
	}
	return written;
}

static void check_wsp_reduce(const struct scan *scan, struct slice s)
{
	size_t out_max = 1 + random_below(2) * LENGTHS + random_below(LENGTHS), len = s.len - 2;
	uint8_t *out = malloc(out_max + SCAN_OVERSHOOT), want[2 * LENGTHS + 1];
	struct scan_reduced reduced;

	assert_non_null(out);
	reduced = scan->wsp_reduce(s, out, out_max);
	if (len > out_max)
		len = out_max;
	assert_true(reduced.read == len || (reduced.read >= SCAN_CLEAN_OCTETS && reduced.read < len));
	assert_int_equal(reduced.written, plain_wsp_reduce(s, reduced.read, want));
	assert_memory_equal(out, want, reduced.written);
	free(out);
}

/* RFC 6376 section 3.4.2: CRLFs go first, then white space is looked at. */
static size_t plain_unfold(struct slice s, uint8_t *out)
{
	size_t written = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n')
			i++;
		else if (!octet_is_wsp(s.ptr[i]))
			out[written++] = s.ptr[i];
		else if (written == 0 || out[written - 1] != ' ')
			out[written++] = ' ';
	}
	return written;
}

static void check_unfold(const struct scan *scan, struct slice s)
{
	uint8_t *out = malloc(s.len + SCAN_OVERSHOOT), want[LENGTHS];
	size_t len = plain_unfold(s, want);

	assert_non_null(out);
	assert_int_equal(scan->unfold(s, out), len);
	assert_memory_equal(out, want, len);
	free(out);
}

/* Of all whole blocks that have an octet before them and one behind. */
static void check_field_ends(const struct scan *scan, struct slice s)
{
	size_t blocks = s.len < 2 ? 0 : (s.len - 2) / 64;
	uint64_t masks[LENGTHS / 64];

	scan->field_ends(s.ptr + 1, blocks, masks);
	for (size_t at = 1; at <= 64 * blocks; at++) {
		bool is_end = s.ptr[at - 1] == '\r' && s.ptr[at] == '\n' && s.ptr[at + 1] != ' ' && s.ptr[at + 1] != '\t';

		assert_int_equal(masks[(at - 1) / 64] >> (at - 1) % 64 & 1, is_end);
	}
}

static void check_all(const struct scan *scan, struct slice s)
{
	check_unfold(scan, s);
	check_field_ends(scan, s);
	assert_int_equal(scan->wsp_run(s), plain_wsp_run(s));
	assert_int_equal(scan->lone_line_end(s), plain_lone_line_end(s));
	if (s.len >= 3)
		check_wsp_reduce(scan, s);
}

static void test_against_a_plain_loop(void **state)
{
	(void)state;
	for (size_t way = 0; scan_get(way); way++) {
		print_message("%s\n", scan_get(way)->name);
		for (size_t len = 1; len < LENGTHS; len++) {
			for (uint32_t round = 0; round < ROUNDS; round++) {
				/* Memory of its own, so that sanitizers see a read behind the end. */
				uint8_t *octets = malloc(len);

				assert_non_null(octets);
				fill(octets, len, 1 + round * 4);
				check_all(scan_get(way), slice_of(octets, len));
				free(octets);
			}
		}
	}
}

/* Clean text ends what is copied. */
static void test_reduce_stops_in_clean_text(void **state)
{
	static uint8_t text[4096], out[4096 + SCAN_OVERSHOOT];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '\t';
	for (size_t way = 0; scan_get(way); way++) {
		struct scan_reduced reduced = scan_get(way)->wsp_reduce(slice_of(text, sizeof(text)), out, sizeof(text));

		assert_true(reduced.read >= SCAN_CLEAN_OCTETS && reduced.read <= SCAN_CLEAN_OCTETS + 128);
		assert_int_equal(reduced.written, reduced.read);
		assert_int_equal(out[0], ' ');
	}
}

static void test_best_is_the_last(void **state)
{
	size_t count = 0;

	(void)state;
	while (scan_get(count))
		count++;
	assert_ptr_equal(scan_best(), scan_get(count - 1));
}

UNIT_MAIN(cmocka_unit_test(test_against_a_plain_loop), cmocka_unit_test(test_reduce_stops_in_clean_text),
          cmocka_unit_test(test_best_is_the_last))
