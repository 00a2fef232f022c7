/*
 * counters.h - what a shard has done, readable by any thread at any time without a lock.
 *
 * A counter is written by its shard alone; readers may see counters of the same moment differ by what one turn does.
 */
#ifndef ASSAY_ENGINE_COUNTERS_H
#define ASSAY_ENGINE_COUNTERS_H

#include "proto/reason/reason.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum counter_id {
#define COUNTER(id, name, gauge, help) COUNTER_##id,
#include "engine/counters.def"
#undef COUNTER
	COUNTER_COUNT
};

struct counters {
	_Alignas(64) _Atomic uint64_t values[COUNTER_COUNT];
	_Atomic uint64_t reasons[REASON_COUNT]; /* results given for each reason */
};

struct counter_description {
	const char *name, *help;
	bool gauge;
};

extern const struct counter_description counter_descriptions[COUNTER_COUNT];

static inline uint64_t counter_read(const struct counters *counters, enum counter_id id)
{
	return atomic_load_explicit(&counters->values[id], memory_order_relaxed);
}

static inline void counter_set(struct counters *counters, enum counter_id id, uint64_t value)
{
	atomic_store_explicit(&counters->values[id], value, memory_order_relaxed);
}

/* One writer: no atomic addition is needed. */
static inline void counter_add(struct counters *counters, enum counter_id id, uint64_t more)
{
	counter_set(counters, id, counter_read(counters, id) + more);
}

static inline void counter_reason_up(struct counters *counters, enum reason_id id)
{
	uint64_t value = atomic_load_explicit(&counters->reasons[id], memory_order_relaxed);

	atomic_store_explicit(&counters->reasons[id], value + 1, memory_order_relaxed);
}

static inline void counter_up(struct counters *counters, enum counter_id id)
{
	counter_add(counters, id, 1);
}

#endif
