/*
 * Goal:   every counter has a name of its own, as Prometheus wants it.
 * Method: the whole table is walked.
 */
#include "engine/counters.h"
#include "unit.h"

static void test_names_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			if (strcmp(counter_descriptions[i].name, counter_descriptions[j].name) == 0)
				fail_msg("%s stands twice", counter_descriptions[i].name);
}

/* A name ends in _total exactly when the value never goes down. */
static void test_names_follow_the_conventions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		const char *name = counter_descriptions[i].name;
		size_t len = strlen(name);
		bool is_total = len > 6 && strcmp(name + len - 6, "_total") == 0;

		if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] || name[0] == '_' ||
		    is_total == counter_descriptions[i].gauge)
			fail_msg("%s", name);
	}
}

static void test_counters_count(void **state)
{
	struct counters counters = { .values = { 0 } };

	(void)state;
	counter_up(&counters, COUNTER_REQUESTS);
	counter_add(&counters, COUNTER_REQUESTS, 41);
	counter_set(&counters, COUNTER_CONNECTIONS, 7);
	assert_int_equal(counter_read(&counters, COUNTER_REQUESTS), 42);
	assert_int_equal(counter_read(&counters, COUNTER_CONNECTIONS), 7);
	assert_int_equal(counter_read(&counters, COUNTER_PASSES), 0);
}

UNIT_MAIN(cmocka_unit_test(test_names_are_unique), cmocka_unit_test(test_names_follow_the_conventions),
          cmocka_unit_test(test_counters_count))
