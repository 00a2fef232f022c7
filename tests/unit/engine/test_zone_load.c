/*
 * Goal:   no domain has more look-ups under way than it may (STANDARDS S2, S3), whatever the labels below it; others are
 *         not touched.
 * Method: look-ups of made-up names begin and end.
 */
#include "engine/zone_load.h"

#include "unit.h"

#include <stdio.h>

#define MAX 5

static struct zone_load load;

static bool begin(const char *label, unsigned number, const char *behind, uint32_t *slot_out)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%u.%s", label, number, behind);
	return zone_load_begin(&load, slice_of_str(name), slot_out);
}

static void test_bound_of_a_domain(void **state)
{
	static const char *const over[] = { "evil.example", "x.evil.example", "a.b.c.d.evil.example" };
	static const char *const others[] = { "good.example", "evil.example.org", "evil.test", "example", "notevil.example" };
	uint32_t slots[MAX], slot;

	(void)state;
	zone_load_init(&load, 1, MAX);
	for (unsigned i = 0; i < MAX; i++)
		assert_true(begin("u", i, "evil.example", &slots[i]));
	for (size_t i = 0; i < COUNT_OF(over); i++)
		assert_false(zone_load_begin(&load, slice_of_str(over[i]), &slot));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_true(zone_load_begin(&load, slice_of_str(others[i]), &slot));
	zone_load_end(&load, slots[0]);
	assert_true(begin("u", MAX, "evil.example", &slots[0]));
	assert_false(begin("u", MAX + 1, "evil.example", &slot));
}

/* Whatever began and ended, nothing stays counted. */
static void test_ends(void **state)
{
	static uint32_t slots[1000];

	(void)state;
	zone_load_init(&load, 2, 1000);
	for (unsigned i = 0; i < COUNT_OF(slots); i++)
		assert_true(begin("a.zone", i, "example", &slots[i]));
	for (unsigned i = 0; i < COUNT_OF(slots); i++)
		zone_load_end(&load, slots[i]);
	for (size_t i = 0; i < ZONE_LOAD_SLOTS; i++)
		assert_int_equal(load.under_way[i], 0);
}

UNIT_MAIN(cmocka_unit_test(test_bound_of_a_domain), cmocka_unit_test(test_ends))
