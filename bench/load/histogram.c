#include "load/histogram.h"

#include <string.h>

#define LINEAR ((uint64_t)1 << HISTOGRAM_PRECISION_BITS)

void histogram_init(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->least = UINT64_MAX;
}

/* Below LINEAR each value has a bucket; above, each power of two has LINEAR of them. */
size_t histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < LINEAR)
		return (size_t)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_PRECISION_BITS;
	return (size_t)((shift + 1) * LINEAR + ((value >> shift) - LINEAR));
}

uint64_t histogram_bucket_end(size_t bucket)
{
	uint64_t shift = bucket / LINEAR;

	if (shift == 0)
		return bucket;
	shift -= 1;
	return ((bucket % LINEAR + LINEAR + 1) << shift) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
	if (value > HISTOGRAM_MAX)
		value = HISTOGRAM_MAX;
	histogram->count++;
	histogram->sum += value;
	histogram->least = value < histogram->least ? value : histogram->least;
	histogram->most = value > histogram->most ? value : histogram->most;
	histogram->buckets[histogram_bucket(value)]++;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	double exact = (double)histogram->count * percent / 100;
	uint64_t wanted = (uint64_t)exact, seen = 0;

	if (histogram->count == 0)
		return 0;
	if ((double)wanted < exact || wanted == 0)
		wanted++;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted) {
			uint64_t end = histogram_bucket_end(i);

			return end < histogram->most ? end : histogram->most;
		}
	}
	return histogram->most;
}

double histogram_mean(const struct histogram *histogram)
{
	return histogram->count ? (double)histogram->sum / (double)histogram->count : 0;
}
