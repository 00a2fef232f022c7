/*
 * Goal:   timers fire once each, in the order of their times, whatever is started, stopped or freed meanwhile.
 * Method: the rules of the header one by one; then random steps against a model that sorts an array, from a seed that is
 *         printed and can be given as the argument.
 */
#include "io/timer.h"
#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- the rules --- */

struct probe {
	struct io_timer timer;
	struct io_timers *timers;
	unsigned fired;
	struct io_timer *to_stop, *to_start;
	int64_t start_at_ns;
};

static void probe_fire(void *arg)
{
	struct probe *probe = arg;

	probe->fired++;
	if (probe->to_stop)
		io_timers_stop(probe->timers, probe->to_stop);
	if (probe->to_start)
		io_timers_start(probe->timers, probe->to_start, probe->start_at_ns);
}

static void probe_init(struct probe *probe, struct io_timers *timers)
{
	*probe = (struct probe){ .timers = timers };
	io_timer_init(&probe->timer, probe_fire, probe);
}

static void test_none_runs(void **state)
{
	struct io_timers timers = IO_TIMERS_INIT;
	struct probe probe;

	(void)state;
	probe_init(&probe, &timers);
	assert_true(io_timers_next(&timers) == INT64_MAX);
	io_timers_fire(&timers, INT64_MAX - 1);
	io_timers_stop(&timers, &probe.timer);
	io_timers_stop(&timers, &probe.timer);
	assert_true(io_timers_next(&timers) == INT64_MAX);
	assert_int_equal(probe.fired, 0);
}

static void test_fires_when_due_and_once(void **state)
{
	struct io_timers timers = IO_TIMERS_INIT;
	struct probe probe;

	(void)state;
	probe_init(&probe, &timers);
	io_timers_start(&timers, &probe.timer, 100);
	assert_true(io_timers_next(&timers) == 100);
	io_timers_fire(&timers, 99);
	assert_int_equal(probe.fired, 0);
	assert_true(probe.timer.running);
	io_timers_fire(&timers, 100);
	assert_int_equal(probe.fired, 1);
	assert_false(probe.timer.running);
	io_timers_fire(&timers, 1000);
	assert_int_equal(probe.fired, 1);
}

static void test_start_again_moves_it(void **state)
{
	struct io_timers timers = IO_TIMERS_INIT;
	struct probe probe;

	(void)state;
	probe_init(&probe, &timers);
	io_timers_start(&timers, &probe.timer, 100);
	io_timers_start(&timers, &probe.timer, 200);
	assert_true(io_timers_next(&timers) == 200);
	io_timers_start(&timers, &probe.timer, 50);
	assert_true(io_timers_next(&timers) == 50);
	io_timers_fire(&timers, 300);
	assert_int_equal(probe.fired, 1);
}

/* One that restarts itself for now, or for the past, waits for the next call: the loop is not held. */
static void test_restart_within_its_own_firing(void **state)
{
	static const int64_t restart_at[] = { INT64_MIN, 0, 99, 100, 101 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(restart_at); i++) {
		struct io_timers timers = IO_TIMERS_INIT;
		struct probe probe;

		probe_init(&probe, &timers);
		probe.to_start = &probe.timer;
		probe.start_at_ns = restart_at[i];
		io_timers_start(&timers, &probe.timer, 10);
		io_timers_fire(&timers, 100);
		assert_int_equal(probe.fired, 1);
		assert_true(probe.timer.running);
		assert_true(io_timers_next(&timers) == 101);
		probe.to_start = NULL;
		io_timers_fire(&timers, 101);
		assert_int_equal(probe.fired, 2);
	}
}

static void test_stop_of_another_within_a_firing(void **state)
{
	struct io_timers timers = IO_TIMERS_INIT;
	struct probe first, second, third;

	(void)state;
	probe_init(&first, &timers);
	probe_init(&second, &timers);
	probe_init(&third, &timers);
	first.to_stop = &second.timer;
	io_timers_start(&timers, &third.timer, 3);
	io_timers_start(&timers, &second.timer, 2);
	io_timers_start(&timers, &first.timer, 1);
	io_timers_fire(&timers, 10);
	assert_int_equal(first.fired, 1);
	assert_int_equal(second.fired, 0);
	assert_int_equal(third.fired, 1);
}

static void test_start_of_another_within_a_firing_waits(void **state)
{
	struct io_timers timers = IO_TIMERS_INIT;
	struct probe first, second;

	(void)state;
	probe_init(&first, &timers);
	probe_init(&second, &timers);
	first.to_start = &second.timer;
	first.start_at_ns = 5;
	io_timers_start(&timers, &first.timer, 1);
	io_timers_fire(&timers, 10);
	assert_int_equal(second.fired, 0);
	io_timers_fire(&timers, 11);
	assert_int_equal(second.fired, 1);
}

static unsigned freed;

static void free_fire(void *arg)
{
	freed++;
	free(arg);
}

static void test_free_within_its_own_firing(void **state)
{
	struct io_timers timers = IO_TIMERS_INIT;

	(void)state;
	freed = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct probe *probe = malloc(sizeof(*probe));

		assert_non_null(probe);
		io_timer_init(&probe->timer, free_fire, probe);
		io_timers_start(&timers, &probe->timer, i * 7 % 10);
	}
	io_timers_fire(&timers, 100);
	assert_int_equal(freed, 100);
	assert_true(io_timers_next(&timers) == INT64_MAX);
}

/* --- random steps --- */

enum { TIMERS = 64, STEPS = 10000 };

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* The model: what runs, and until when. A firing checks itself against it. */
static struct model {
	struct io_timers timers;
	struct io_timer timer[TIMERS];
	bool running[TIMERS];
	int64_t at_ns[TIMERS];
	int64_t now_ns, last_fired_ns;
	unsigned fired;
} model;

static void model_start(unsigned i, int64_t at_ns, bool within_firing)
{
	io_timers_start(&model.timers, &model.timer[i], at_ns);
	model.running[i] = true;
	model.at_ns[i] = within_firing && at_ns <= model.now_ns ? model.now_ns + 1 : at_ns;
}

static void model_stop(unsigned i)
{
	io_timers_stop(&model.timers, &model.timer[i]);
	model.running[i] = false;
}

static int64_t model_next(void)
{
	int64_t next_ns = INT64_MAX;

	for (unsigned i = 0; i < TIMERS; i++)
		if (model.running[i] && model.at_ns[i] < next_ns)
			next_ns = model.at_ns[i];
	return next_ns;
}

static void model_fire(void *arg)
{
	struct io_timer *timer = arg;
	unsigned i = (unsigned)(timer - model.timer), other;

	assert_true(model.running[i]);
	assert_true(model.at_ns[i] <= model.now_ns);
	assert_true(model.at_ns[i] == model_next());
	assert_true(model.at_ns[i] >= model.last_fired_ns);
	model.last_fired_ns = model.at_ns[i];
	model.running[i] = false;
	model.fired++;
	other = (unsigned)(random_u64() % TIMERS);
	switch (random_u64() % 6) {
	case 0: model_start(i, model.now_ns - 50 + (int64_t)(random_u64() % 100), true); break;
	case 1: model_start(other, model.now_ns - 50 + (int64_t)(random_u64() % 100), true); break;
	case 2: model_stop(other); break;
	default: break;
	}
}

static void test_random_steps_against_a_sorted_array(void **state)
{
	uint64_t seed_first = seed;

	(void)state;
	print_message("seed 0x%" PRIx64 "\n", seed_first);
	model.timers = IO_TIMERS_INIT;
	for (unsigned i = 0; i < TIMERS; i++)
		io_timer_init(&model.timer[i], model_fire, &model.timer[i]);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)(random_u64() % TIMERS);
		uint64_t action = random_u64() % 10;

		if (action < 6) {
			model_start(i, model.now_ns + (int64_t)(random_u64() % 300), false);
		} else if (action < 8) {
			model_stop(i);
		} else {
			model.now_ns += (int64_t)(random_u64() % 60);
			model.last_fired_ns = INT64_MIN;
			io_timers_fire(&model.timers, model.now_ns);
			assert_true(model_next() > model.now_ns);
		}
		assert_true(io_timers_next(&model.timers) == model_next());
		for (unsigned t = 0; t < TIMERS; t++)
			assert_int_equal(model.timer[t].running, model.running[t]);
	}
	assert_true(model.fired > STEPS / 20);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_runs),
		cmocka_unit_test(test_fires_when_due_and_once),
		cmocka_unit_test(test_start_again_moves_it),
		cmocka_unit_test(test_restart_within_its_own_firing),
		cmocka_unit_test(test_stop_of_another_within_a_firing),
		cmocka_unit_test(test_start_of_another_within_a_firing_waits),
		cmocka_unit_test(test_free_within_its_own_firing),
		cmocka_unit_test(test_random_steps_against_a_sorted_array),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
