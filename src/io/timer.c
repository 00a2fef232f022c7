#include "io/timer.h"

#include <stddef.h>

void io_timer_init(struct io_timer *timer, void (*fire)(void *arg), void *arg)
{
	*timer = (struct io_timer){ .fire = fire, .arg = arg };
}

/* Makes the later of two heaps the first child of the earlier one. */
static struct io_timer *meld(struct io_timer *a, struct io_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->at_ns < a->at_ns) {
		struct io_timer *swap = a;

		a = b;
		b = swap;
	}
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	b->prev = a;
	a->child = b;
	return a;
}

/* Melds a list of siblings into one heap: pairs from the left, then all from the right. */
static struct io_timer *meld_siblings(struct io_timer *list)
{
	struct io_timer *pairs = NULL, *heap = NULL;

	while (list) {
		struct io_timer *a = list, *b = a->next;

		list = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct io_timer *rest = pairs->next;

		pairs->next = NULL;
		heap = meld(heap, pairs);
		pairs = rest;
	}
	if (heap)
		heap->prev = NULL;
	return heap;
}

void io_timers_start(struct io_timers *timers, struct io_timer *timer, int64_t at_ns)
{
	io_timers_stop(timers, timer);
	/* One that restarts itself in its own past must not hold the loop: it waits for the next firing. */
	timer->at_ns = at_ns > timers->firing_ns ? at_ns : timers->firing_ns + 1;
	timer->running = true;
	timer->child = timer->next = timer->prev = NULL;
	timers->first = meld(timers->first, timer);
}

void io_timers_stop(struct io_timers *timers, struct io_timer *timer)
{
	struct io_timer *children;

	if (!timer->running)
		return;
	timer->running = false;
	children = meld_siblings(timer->child);
	timer->child = NULL;
	if (timer == timers->first) {
		timers->first = children;
		return;
	}
	if (timer->prev->child == timer)
		timer->prev->child = timer->next;
	else
		timer->prev->next = timer->next;
	if (timer->next)
		timer->next->prev = timer->prev;
	timers->first = meld(timers->first, children);
}

void io_timers_fire(struct io_timers *timers, int64_t now_ns)
{
	timers->firing_ns = now_ns;
	while (timers->first && timers->first->at_ns <= now_ns) {
		struct io_timer *timer = timers->first;

		io_timers_stop(timers, timer);
		timer->fire(timer->arg);
	}
	timers->firing_ns = INT64_MIN;
}

int64_t io_timers_next(const struct io_timers *timers)
{
	return timers->first ? timers->first->at_ns : INT64_MAX;
}
