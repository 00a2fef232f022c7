/*
 * ahead.h - what is done for requests whose turn is near; private to src/engine.
 *
 * With a cache of many names most of an evaluation's time would go by waiting for memory: each name's answer is somewhere else, and was
 * last looked at thousands of messages ago. So requests are read some at a time, each of which tells the first names that it will ask for, and
 * their answers are fetched from memory step by step (cache_fetch()), all at once. That reading is done for some at a time has another gain: its
 * code stays in the processor's cache meanwhile, which is too small for all that becomes of a message (a third fewer misses there).
 *
 * Bounds:    AHEAD_PLACES requests at a time, fewer when they are large, and AHEAD_NAMES names of each. Nothing depends on it but time: what was not done ahead is
 *            done when it is needed.
 */
#ifndef ASSAY_ENGINE_AHEAD_H
#define ASSAY_ENGINE_AHEAD_H

#include <stdint.h>

#define AHEAD_PLACES 8
#define AHEAD_OCTETS ((size_t)512 << 10) /* messages; the one that goes beyond it is the last */
#define AHEAD_STEPS 3
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
