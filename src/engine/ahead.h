/*
 * ahead.h - what is done for requests whose turn is near; private to src/engine.
 *
 * With a cache of many names most of an evaluation's time would go by waiting for memory: each name's answer is somewhere else, and was
 * last looked at thousands of messages ago. So requests are read some at a time; each tells the first names that it will ask for, and the
 * answers of all are fetched from memory side by side, step by step (cache_fetch()). Reading some at a time has another gain: its code stays
 * in the processor's cache meanwhile, which is too small for all that becomes of a message (a third fewer misses there).
 *
 * Bounds:    AHEAD_PLACES requests at a time, fewer when they are large, and AHEAD_NAMES names of each. Nothing depends on it but time:
 *            what was not done ahead is done when it is needed.
 */
#ifndef ASSAY_ENGINE_AHEAD_H
#define ASSAY_ENGINE_AHEAD_H

#include <stddef.h>
#include <stdint.h>

#define AHEAD_PLACES 8
#define AHEAD_OCTETS ((size_t)512 << 10) /* messages; the one that goes beyond it is the last */
#define AHEAD_STEPS 3 /* reading, and those of cache_fetch() */
#define AHEAD_NAMES 6

struct request;
struct shard;

/* Of a request. */
struct ahead {
	uint64_t hashes[AHEAD_NAMES]; /* of the names: cache_hash() */
	unsigned count, steps;
};

/* Before the next request is taken from the queue. */
void ahead_look(struct shard *shard);

#endif
