/*
 * Goal:   a percentile is never further from the true one than the histogram's precision, whatever was recorded.
 * Method: every bucket's edges; then values from several distributions beside a sorted list of them.
 */
#include "unit.h"

#include "corpus/prng.h"
#include "load/histogram.h"

#include <stdlib.h>

#define VALUES 20000

static void buckets_meet(void **state)
{
	uint64_t previous = 0;

	(void)state;
	for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t end = histogram_bucket_end(i);

		assert_true(end > previous);
		assert_int_equal(histogram_bucket(previous + 1), i);
		assert_int_equal(histogram_bucket(end), i);
		previous = end;
	}
	assert_true(previous == HISTOGRAM_MAX);
}

static void empty_and_extreme(void **state)
{
	struct histogram *histogram = malloc(sizeof(*histogram));

	(void)state;
	assert_non_null(histogram);
	histogram_init(histogram);
	assert_int_equal(histogram_percentile(histogram, 99), 0);
	histogram_record(histogram, 0);
	assert_int_equal(histogram_percentile(histogram, 100), 0);
	histogram_record(histogram, UINT64_MAX);
	assert_true(histogram->most == HISTOGRAM_MAX);
	assert_true(histogram_percentile(histogram, 100) == HISTOGRAM_MAX);
	assert_int_equal(histogram_percentile(histogram, 50), 0);
	assert_true(histogram->least == 0 && histogram->count == 2);
	free(histogram);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static void percentiles_are_near(void **state)
{
	static const double percents[] = { 0, 1, 10, 50, 90, 99, 99.9, 99.99, 100 };
	static uint64_t values[VALUES];
	struct histogram *histogram = malloc(sizeof(*histogram));
	struct prng prng;

	(void)state;
	assert_non_null(histogram);
	prng_init(&prng, 7, "histogram", 0);
	for (unsigned bits = 4; bits <= HISTOGRAM_MAX_BITS; bits += 6) {
		histogram_init(histogram);
		for (size_t i = 0; i < VALUES; i++) {
			values[i] = prng_next(&prng) >> (64 - bits) >> prng_below(&prng, bits);
			histogram_record(histogram, values[i]);
		}
		qsort(values, VALUES, sizeof(*values), compare);
		for (size_t i = 0; i < COUNT_OF(percents); i++) {
			double rank = VALUES * percents[i] / 100;
			size_t at = rank <= 1 ? 0 : (size_t)rank - ((double)(size_t)rank >= rank);
			uint64_t exact = values[at], got = histogram_percentile(histogram, percents[i]);

			if (got < exact || got - exact > exact >> HISTOGRAM_PRECISION_BITS)
				fail_msg("%g %%: %llu, exactly %llu", percents[i], (unsigned long long)got, (unsigned long long)exact);
		}
	}
	free(histogram);
}

UNIT_MAIN(cmocka_unit_test(buckets_meet), cmocka_unit_test(empty_and_extreme), cmocka_unit_test(percentiles_are_near))
