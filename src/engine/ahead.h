/*
 * ahead.h - what is done for requests whose turn is near; private to src/engine.
 *
 * With a cache of many names most of an evaluation's time would go by waiting for memory: each name's answer is somewhere else, and was
 * last looked at thousands of messages ago. So a request is read some places before its turn, which tells the first names that it will ask
 * for, and its answers are fetched from memory step by step (cache_fetch()) while those before it are evaluated.
 *
 * Bounds:    AHEAD_PLACES requests at a time, AHEAD_NAMES names of each. Nothing depends on it but time: what was not done ahead is
 *            done when it is needed.
 */
#ifndef ASSAY_ENGINE_AHEAD_H
#define ASSAY_ENGINE_AHEAD_H

#include <stdint.h>

#define AHEAD_PLACES 3 /* as many as there are steps: each request makes one for each that goes before it */
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
