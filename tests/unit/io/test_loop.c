/*
 * Goal:   the loop hands every completion to its own operation and to no other, fires timers in order, and can be woken.
 * Method: no-ops and polls on a ring of its own. Skipped where io_uring is not to be had.
 */
#include "looping.h"

#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

static unsigned calls[4];

static void count_call(void *arg, struct io_completion completion)
{
	(void)completion;
	++*(unsigned *)arg;
}

static void submit_nop(const struct io_op *op)
{
	io_uring_prep_nop(io_sqe(looping.loop, op));
}

static void op_open(struct io_op *op, void (*complete)(void *, struct io_completion), void *arg)
{
	assert_int_equal(io_op_open(looping.loop, op, complete, arg), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(calls, 0, sizeof(calls));
	looping_begin(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	looping_end();
	return 0;
}

/* --- timers --- */

enum { TIMERS = 20 };

static struct io_timer timers[TIMERS];
static int64_t timers_at_ns[TIMERS];
static unsigned fired[TIMERS], fired_count;

static void note_firing(void *arg)
{
	unsigned i = (unsigned)((struct io_timer *)arg - timers);

	assert_true(io_now_ns(looping.loop) >= timers_at_ns[i]);
	fired[fired_count++] = i;
}

static bool all_fired(void)
{
	return fired_count == TIMERS;
}

static void test_timers_fire_in_order(void **state)
{
	int64_t now_ns = io_now_ns(looping.loop);

	(void)state;
	fired_count = 0;
	for (unsigned i = 0; i < TIMERS; i++) {
		io_timer_init(&timers[i], note_firing, &timers[i]);
		timers_at_ns[i] = now_ns + (int64_t)(i * 7 % TIMERS) * 300000;
		io_timer_start(looping.loop, &timers[i], timers_at_ns[i]);
	}
	looping_until(all_fired);
	for (unsigned i = 1; i < TIMERS; i++)
		assert_true(timers_at_ns[fired[i - 1]] < timers_at_ns[fired[i]]);
}

static void test_clocks_are_those_of_the_system(void **state)
{
	struct timespec wall, monotonic;

	(void)state;
	looping.until = NULL;
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	assert_true(io_wall_s(looping.loop) <= wall.tv_sec && io_wall_s(looping.loop) > wall.tv_sec - 3600);
	assert_true(io_now_ns(looping.loop) <= monotonic.tv_sec * INT64_C(1000000000) + monotonic.tv_nsec);
}

/* --- waking --- */

static atomic_bool flag;

static bool flag_is_up(void)
{
	return atomic_load(&flag);
}

static void *wake_from_outside(void *arg)
{
	atomic_store(&flag, true);
	for (unsigned i = 0; i < 100; i++)
		io_loop_wake(arg);
	return NULL;
}

static void stop_when_flag_is_up(void *arg)
{
	(void)arg;
	calls[0]++;
	if (flag_is_up())
		io_loop_stop(looping.loop);
}

static struct io_timer safety;

static void safety_fire(void *arg)
{
	(void)arg;
	looping.gave_up = true;
	io_loop_stop(looping.loop);
}

/* Without the tick: nothing but the wake can make the loop turn before the safety net does. */
static void test_wake_from_another_thread(void **state)
{
	(void)state;
	io_loop_on_turn(looping.loop, NULL, stop_when_flag_is_up, NULL);
	io_timer_init(&safety, safety_fire, NULL);
	looping.gave_up = false;
	for (unsigned round = 0; round < 20; round++) {
		pthread_t thread;

		atomic_store(&flag, false);
		io_timer_start(looping.loop, &safety, io_now_ns(looping.loop) + LOOPING_SAFETY_NS);
		assert_int_equal(pthread_create(&thread, NULL, wake_from_outside, looping.loop), 0);
		assert_int_equal(io_loop_run(looping.loop), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_false(looping.gave_up);
	}
	io_timer_stop(looping.loop, &safety);
}

static void test_wake_before_run_is_not_lost(void **state)
{
	(void)state;
	io_loop_on_turn(looping.loop, NULL, stop_when_flag_is_up, NULL);
	io_timer_init(&safety, safety_fire, NULL);
	looping.gave_up = false;
	atomic_store(&flag, true);
	io_loop_wake(looping.loop);
	io_timer_start(looping.loop, &safety, io_now_ns(looping.loop) + LOOPING_SAFETY_NS);
	assert_int_equal(io_loop_run(looping.loop), 0);
	assert_false(looping.gave_up);
	io_timer_stop(looping.loop, &safety);
}

/* --- operations --- */

static struct io_op first, victim, successor;

static bool first_was_called(void)
{
	return calls[0] > 0;
}

/* Completes before `victim`, in the same batch; `successor` gets the slot that is free then. */
static void close_victim(void *arg, struct io_completion completion)
{
	uint32_t slot = (uint32_t)victim.id;

	count_call(arg, completion);
	io_op_close(looping.loop, &victim);
	assert_true(victim.id == 0);
	op_open(&successor, count_call, &calls[2]);
	assert_int_equal((uint32_t)successor.id, slot);
}

static unsigned ticks_before;

static bool ten_ticks_passed(void)
{
	return looping.ticks >= ticks_before + 10;
}

static void test_late_completion_is_dropped(void **state)
{
	(void)state;
	op_open(&first, close_victim, &calls[0]);
	op_open(&victim, count_call, &calls[1]);
	submit_nop(&first);
	submit_nop(&victim);
	looping_until(first_was_called);
	assert_int_equal(calls[1], 0);
	assert_int_equal(calls[2], 0);
	/* The successor still gets what is its own. */
	submit_nop(&successor);
	ticks_before = looping.ticks;
	looping_until(ten_ticks_passed);
	assert_int_equal(calls[0], 1);
	assert_int_equal(calls[1], 0);
	assert_int_equal(calls[2], 1);
	io_op_close(looping.loop, &first);
	io_op_close(looping.loop, &successor);
}

static bool always(void)
{
	return true;
}

/* A poll that is closed while it waits, and fires afterwards. */
static void test_closed_before_its_poll_completes(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	op_open(&victim, count_call, &calls[1]);
	io_uring_prep_poll_add(io_sqe(looping.loop, &victim), fd, POLLIN);
	looping_until(always);
	io_op_close(looping.loop, &victim);
	op_open(&successor, count_call, &calls[2]);
	assert_int_equal(eventfd_write(fd, 1), 0);
	ticks_before = looping.ticks;
	looping_until(ten_ticks_passed);
	assert_int_equal(calls[1], 0);
	assert_int_equal(calls[2], 0);
	io_op_close(looping.loop, &successor);
	close(fd);
}

static void test_close_of_none(void **state)
{
	struct io_op op = { 0 };

	(void)state;
	io_op_close(looping.loop, &op);
	assert_true(op.id == 0);
}

enum { OPS = 5000 };

static unsigned ops_calls[OPS];

static bool all_ops_completed(void)
{
	for (unsigned i = 0; i < OPS; i++)
		if (ops_calls[i] == 0)
			return false;
	return true;
}

/* More operations than slots at first, and more submissions than the ring holds. */
static void test_many_operations_at_once(void **state)
{
	static struct io_op ops[OPS];

	(void)state;
	memset(ops_calls, 0, sizeof(ops_calls));
	for (unsigned i = 0; i < OPS; i++) {
		op_open(&ops[i], count_call, &ops_calls[i]);
		submit_nop(&ops[i]);
	}
	looping_until(all_ops_completed);
	for (unsigned i = 0; i < OPS; i++) {
		assert_int_equal(ops_calls[i], 1);
		io_op_close(looping.loop, &ops[i]);
	}
}

static unsigned resubmit_left;

static void resubmit(void *arg, struct io_completion completion)
{
	count_call(arg, completion);
	if (resubmit_left && resubmit_left--)
		submit_nop(&first);
}

static bool all_resubmitted(void)
{
	return calls[0] == 2001;
}

static void test_an_operation_is_submitted_again_and_again(void **state)
{
	(void)state;
	resubmit_left = 2000;
	op_open(&first, resubmit, &calls[0]);
	submit_nop(&first);
	looping_until(all_resubmitted);
	io_op_close(looping.loop, &first);
}

static void test_nobody_waits(void **state)
{
	(void)state;
	submit_nop(NULL);
	ticks_before = looping.ticks;
	looping_until(ten_ticks_passed);
}

static void note_result(void *arg, struct io_completion completion)
{
	*(int *)arg = completion.result;
	calls[0]++;
}

static void test_results_are_those_of_the_system_call(void **state)
{
	int result = 0;

	(void)state;
	op_open(&first, note_result, &result);
	io_uring_prep_close(io_sqe(looping.loop, &first), 1 << 20);
	looping_until(first_was_called);
	assert_int_equal(result, -EBADF);
	io_op_close(looping.loop, &first);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_timers_fire_in_order),
		LOOP_TEST(test_clocks_are_those_of_the_system),
		LOOP_TEST(test_wake_from_another_thread),
		LOOP_TEST(test_wake_before_run_is_not_lost),
		LOOP_TEST(test_late_completion_is_dropped),
		LOOP_TEST(test_closed_before_its_poll_completes),
		LOOP_TEST(test_close_of_none),
		LOOP_TEST(test_many_operations_at_once),
		LOOP_TEST(test_an_operation_is_submitted_again_and_again),
		LOOP_TEST(test_nobody_waits),
		LOOP_TEST(test_results_are_those_of_the_system_call),
	};

	looping_probe_or_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
