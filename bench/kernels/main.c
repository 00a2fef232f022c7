/*
 * kernels - how many times faster than OpenSSL (or than a plain loop) each kernel of ours is.
 *
 * kernels [--json] [--rounds N] [--milliseconds N] [NAME...]
 *
 * One core, one thread. In every round both sides of a case run for the same time, in turns first; the time is the
 * thread's CPU time. `ours` and `openssl` are medians over the rounds, `ratio` is the median of the rounds' ratios. With
 * --json one object is printed, with a member for each kernel: { "ours", "openssl", "ratio", "unit" }; a kernel with
 * several figures has one such object for each under its name, and the first figure's numbers beside them.
 */
#include "kernels/kernels.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_DEFAULT       15
#define ROUNDS_MAX           1001
#define MILLISECONDS_DEFAULT 10

struct options {
	bool json;
	long rounds, milliseconds;
	char **names;
	int names_count;
};

struct result {
	double speed[KERNEL_SIDES];
	double ratio;
};

void kernel_require(bool fact, const char *what)
{
	if (fact)
		return;
	fprintf(stderr, "kernels: %s\n", what);
	exit(1);
}

void kernel_add(struct kernel_cases *cases, const struct kernel_case *added)
{
	kernel_require(cases->count < KERNEL_CASES_MAX, "KERNEL_CASES_MAX is too small");
	cases->cases[cases->count++] = *added;
}

/* splitmix64. */
void kernel_random(uint64_t seed, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		out[i] = (uint8_t)(z ^ z >> 31);
	}
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Where we are is as good as anywhere; what counts is to stay. */
static void stay_on_one_core(void)
{
	int core = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	if (core >= 0)
		CPU_SET((size_t)core, &set);
	if (core < 0 || sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "kernels: not bound to one core\n");
}

/* Units in a second. */
static double side_measure(const struct kernel_case *measured, enum kernel_side side, double seconds)
{
	double begin = cpu_seconds(), now = begin, units = 0;

	while (now - begin < seconds) {
		units += measured->run[side](measured->state);
		now = cpu_seconds();
	}
	return units / (now - begin);
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, long count)
{
	qsort(values, (size_t)count, sizeof(*values), double_compare);
	return values[count / 2];
}

static struct result case_measure(const struct kernel_case *measured, const struct options *options)
{
	static double speeds[KERNEL_SIDES][ROUNDS_MAX], ratios[ROUNDS_MAX];
	double seconds = (double)options->milliseconds / 1e3;
	struct result result;

	for (int side = 0; side < KERNEL_SIDES; side++) /* warm up */
		(void)side_measure(measured, (enum kernel_side)side, seconds / 4);
	for (long round = 0; round < options->rounds; round++) {
		for (int turn = 0; turn < KERNEL_SIDES; turn++) {
			enum kernel_side side = (turn + round) % KERNEL_SIDES ? KERNEL_OPENSSL : KERNEL_OURS;

			speeds[side][round] = side_measure(measured, side, seconds);
		}
		ratios[round] = speeds[KERNEL_OURS][round] / speeds[KERNEL_OPENSSL][round];
	}
	for (int side = 0; side < KERNEL_SIDES; side++)
		result.speed[side] = median(speeds[side], options->rounds);
	result.ratio = median(ratios, options->rounds);
	return result;
}

static bool is_chosen(const struct options *options, const char *name)
{
	for (int i = 0; i < options->names_count; i++)
		if (!strcmp(options->names[i], name))
			return true;
	return options->names_count == 0;
}

static void numbers_print(const struct kernel_case *measured, const struct result *result)
{
	printf("\"ours\": %.6g, \"openssl\": %.6g, \"ratio\": %.3f, \"unit\": \"%s\"", result->speed[KERNEL_OURS],
	       result->speed[KERNEL_OPENSSL], result->ratio, measured->unit);
}

/* `i` is one of a row of cases of the same name. */
static void json_print(const struct kernel_cases *cases, const struct result *results, size_t i, bool *begun)
{
	const struct kernel_case *measured = &cases->cases[i];

	if (i == 0 || strcmp(cases->cases[i - 1].name, measured->name)) {
		printf("%s\n  \"%s\": { ", *begun ? "," : "", measured->name);
		numbers_print(measured, &results[i]);
		*begun = true;
	}
	if (measured->figure) {
		printf(",\n    \"%s\": { ", measured->figure);
		numbers_print(measured, &results[i]);
		printf(" }");
	}
	if (i + 1 == cases->count || strcmp(cases->cases[i + 1].name, measured->name))
		printf(" }");
}

static void row_print(const struct kernel_case *measured, const struct result *result)
{
	printf("%-14s %-8s %14.6g %14.6g %-9s %7.2f\n", measured->name, measured->figure ? measured->figure : "",
	       result->speed[KERNEL_OURS], result->speed[KERNEL_OPENSSL], measured->unit, result->ratio);
	fflush(stdout);
}

static void cases_measure(const struct kernel_cases *cases, const struct options *options)
{
	static struct result results[KERNEL_CASES_MAX];
	bool begun = false;

	printf(options->json ? "{" : "kernel                           ours        openssl             ratio\n");
	for (size_t i = 0; i < cases->count; i++) {
		if (!is_chosen(options, cases->cases[i].name))
			continue;
		results[i] = case_measure(&cases->cases[i], options);
		if (options->json)
			json_print(cases, results, i, &begun);
		else
			row_print(&cases->cases[i], &results[i]);
	}
	printf(options->json ? "\n}\n" : "");
}

static long number_read(const char *text, long max)
{
	char *end;
	long value = text ? strtol(text, &end, 10) : 0;

	kernel_require(text && *text && !*end && value >= 1 && value <= max, "a number is missing or out of range");
	return value;
}

static struct options options_read(int argc, char **argv)
{
	struct options options = { .rounds = ROUNDS_DEFAULT, .milliseconds = MILLISECONDS_DEFAULT };
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--json"))
			options.json = true;
		else if (!strcmp(argv[i], "--rounds"))
			options.rounds = number_read(argv[++i], ROUNDS_MAX);
		else if (!strcmp(argv[i], "--milliseconds"))
			options.milliseconds = number_read(argv[++i], 10000);
		else
			kernel_require(false, "usage: kernels [--json] [--rounds N] [--milliseconds N] [NAME...]");
	}
	options.names = argv + i;
	options.names_count = argc - i;
	return options;
}

int main(int argc, char **argv)
{
	static struct kernel_cases cases;
	struct options options = options_read(argc, argv);

	stay_on_one_core();
	kernels_sha256_add(&cases);
	kernels_rsa_add(&cases);
	kernels_ed25519_add(&cases);
	kernels_canon_add(&cases);
	cases_measure(&cases, &options);
	return 0;
}
