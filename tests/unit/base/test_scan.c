/*
 * Goal:   what a scan finds by vectors is what an octet after the other shows.
 * Method: random octets of the few that matter, of every length and alignment around the vectors' width, against a plain loop.
 */
#include "base/scan.h"
#include "unit.h"

#include <stdlib.h>

#define LENGTHS 200
#define ROUNDS 40

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

static void test_against_a_plain_loop(void **state)
{
	(void)state;
	for (size_t len = 1; len < LENGTHS; len++) {
		for (uint32_t round = 0; round < ROUNDS; round++) {
			/* Memory of its own, so that sanitizers see a read behind the end. */
			uint8_t *octets = malloc(len);
			struct slice s = slice_of(octets, len);

			assert_non_null(octets);
			fill(octets, len, 1 + round * 4);
			assert_int_equal(scan_wsp_run(s), plain_wsp_run(s));
			assert_int_equal(scan_lone_line_end(s), plain_lone_line_end(s));
			free(octets);
		}
	}
}

UNIT_MAIN(cmocka_unit_test(test_against_a_plain_loop))
