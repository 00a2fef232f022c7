/*
 * Goal:   names that differ in a digit fall into different buckets, whatever the seed, by the lowest bits and by the highest.
 * Method: nine names in a row under thousands of seeds. Nine of 64 buckets by chance are four or fewer once in 100,000 times.
 */
#include "base/hash.h"
#include "unit.h"

#define SEEDS 20000
#define NAMES 9
#define BUCKETS_LEAST 4

struct spread {
	uint64_t lowest, highest; /* a bit for each bucket that is in use */
};

static struct spread spread_of(uint64_t seed, const char *before, const char *after)
{
	struct spread spread = { 0 };
	char name[32];

	for (int i = 0; i < NAMES; i++) {
		size_t len = (size_t)snprintf(name, sizeof(name), "%s%d%s", before, i, after);
		uint64_t hash = hash_octets(seed, seed, slice_of((uint8_t *)name, len));

		spread.lowest |= UINT64_C(1) << (hash & 63);
		spread.highest |= UINT64_C(1) << (hash >> 58);
	}
	return spread;
}

/* For how many seeds the names crowd. */
static void assert_spreads(const char *before, const char *after)
{
	int crowded_lowest = 0, crowded_highest = 0;
	uint64_t seed = 1;

	for (int i = 0; i < SEEDS; i++) {
		struct spread spread = spread_of(seed, before, after);

		crowded_lowest += __builtin_popcountll(spread.lowest) < BUCKETS_LEAST;
		crowded_highest += __builtin_popcountll(spread.highest) < BUCKETS_LEAST;
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	}
	assert_in_range(crowded_lowest, 0, 1);
	assert_in_range(crowded_highest, 0, 1);
}

static void test_last_digit(void **state)
{
	(void)state;
	assert_spreads("n", "");
	assert_spreads("sender", "");
	assert_spreads("long-name-of-a-sender", "");
}

static void test_first_digit(void **state)
{
	(void)state;
	assert_spreads("", ".example");
	assert_spreads("", ".a-domain.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_last_digit), cmocka_unit_test(test_first_digit) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
