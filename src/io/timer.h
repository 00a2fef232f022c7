/*
 * timer.h - any number of timers over one clock, without a kernel timer each.
 *
 * An intrusive pairing heap: starting is O(1), stopping and firing O(log n) amortized; nothing is allocated.
 * Ownership: a timer is part of its owner's memory; stop it before that memory goes.
 * Threading: one thread, the loop's.
 */
#ifndef ASSAY_IO_TIMER_H
#define ASSAY_IO_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct io_timer {
	void (*fire)(void *arg); /* may start or stop any timer, this one too, and free it */
	void *arg;
	int64_t at_ns;           /* on the loop's clock */
	bool running;
	/* The heap: first child, next sibling, and whoever points here (parent or elder sibling). */
	struct io_timer *child, *next, *prev;
};

struct io_timers {
	struct io_timer *first; /* the earliest; NULL: none runs */
	int64_t firing_ns;      /* the `now_ns` of the firing under way; else INT64_MIN */
};

#define IO_TIMERS_INIT ((struct io_timers){ .firing_ns = INT64_MIN })

void io_timer_init(struct io_timer *timer, void (*fire)(void *arg), void *arg);

void io_timers_start(struct io_timers *timers, struct io_timer *timer, int64_t at_ns);
/* Stops it if it runs. */
void io_timers_stop(struct io_timers *timers, struct io_timer *timer);
/* Fires, earliest first, every timer due at `now_ns`; those started meanwhile wait for the next call. */
void io_timers_fire(struct io_timers *timers, int64_t now_ns);
/* When the earliest is due; INT64_MAX: none runs. */
int64_t io_timers_next(const struct io_timers *timers);

#endif
