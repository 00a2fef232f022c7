/*
 * histogram.h - a log-linear histogram of times, as HdrHistogram has it: every value is kept to one part in 128.
 *
 * Bounds: about 36 KB, whatever is recorded; values above HISTOGRAM_MAX count as it.
 */
#ifndef ASSAY_BENCH_HISTOGRAM_H
#define ASSAY_BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_PRECISION_BITS 7
#define HISTOGRAM_MAX_BITS 40 /* nanoseconds: 18 minutes */
#define HISTOGRAM_MAX (((uint64_t)1 << HISTOGRAM_MAX_BITS) - 1)
#define HISTOGRAM_BUCKETS \
	((HISTOGRAM_MAX_BITS - HISTOGRAM_PRECISION_BITS + 1) * ((size_t)1 << HISTOGRAM_PRECISION_BITS))

struct histogram {
	uint64_t count, sum, least, most;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value);
/*
 * The least value that `percent` of all values do not exceed, to the histogram's precision (never below the true one by
 * more, never above the largest recorded); 0 when nothing was recorded.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);
double histogram_mean(const struct histogram *histogram);

/* For tests: the bucket of a value, and the largest value that belongs to a bucket. */
size_t histogram_bucket(uint64_t value);
uint64_t histogram_bucket_end(size_t bucket);

#endif
