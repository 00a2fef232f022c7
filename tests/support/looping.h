/*
 * looping.h - a loop for tests of what runs on one: it takes turns until a condition holds.
 *
 * A tick of one millisecond makes sure of turns even when nothing completes; no test waits for a time to pass. The
 * safety net ends a test that would hang.
 */
#ifndef ASSAY_TESTS_LOOPING_H
#define ASSAY_TESTS_LOOPING_H

#include "io/loop.h"
#include "unit.h"

#include <stdlib.h>

#define LOOPING_SAFETY_NS (INT64_C(60) * 1000000000)
#define LOOPING_TICK_NS INT64_C(1000000)
#define EXIT_SKIPPED 77

static struct {
	struct io_loop *loop;
	struct io_timer tick;
	int64_t give_up_ns;
	bool (*until)(void);
	void (*turn)(void); /* in every turn, before the condition is looked at; may be NULL */
	unsigned ticks;
	bool gave_up;
} looping;

/* A kernel or a sandbox that forbids io_uring is no fault of ours: the whole test is skipped. */
static inline void looping_probe_or_skip(void)
{
	char problem[IO_PROBLEM_SIZE];
	struct io_loop *loop;
	int result = io_loop_new(&loop, problem);

	if (result == -EPERM || result == -EACCES || result == -ENOSYS) {
		fprintf(stderr, "skipped: %s\n", problem);
		exit(EXIT_SKIPPED);
	}
	if (result == 0)
		io_loop_free(loop);
}

static inline void looping_tick(void *arg)
{
	(void)arg;
	looping.ticks++;
	io_timer_start(looping.loop, &looping.tick, io_now_ns(looping.loop) + LOOPING_TICK_NS);
}

static inline void looping_turn(void *arg)
{
	(void)arg;
	if (looping.turn)
		looping.turn();
	looping.gave_up = io_now_ns(looping.loop) > looping.give_up_ns;
	if (looping.gave_up || looping.until())
		io_loop_stop(looping.loop);
}

static inline void looping_begin(void (*turn)(void))
{
	char problem[IO_PROBLEM_SIZE];

	looping.turn = turn;
	if (io_loop_new(&looping.loop, problem) != 0)
		fail_msg("%s", problem);
	io_timer_init(&looping.tick, looping_tick, NULL);
	io_loop_on_turn(looping.loop, NULL, looping_turn, NULL);
}

/* Turns until `until` returns true, which it is asked after every turn. */
static inline void looping_until_(bool (*until)(void), const char *condition)
{
	looping.until = until;
	looping.give_up_ns = INT64_MAX;
	io_timer_start(looping.loop, &looping.tick, 0);
	looping.give_up_ns = io_now_ns(looping.loop) + LOOPING_SAFETY_NS;
	assert_int_equal(io_loop_run(looping.loop), 0);
	io_timer_stop(looping.loop, &looping.tick);
	if (looping.gave_up)
		fail_msg("never came true: %s", condition);
}
#define looping_until(condition) looping_until_(condition, #condition)

static inline void looping_end(void)
{
	io_loop_free(looping.loop);
	looping.loop = NULL;
}

#endif
