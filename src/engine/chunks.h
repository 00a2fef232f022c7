/*
 * chunks.h - what requests' arenas are made of, lent and given back; private to src/engine.
 *
 * The chunk that came back last goes out first: the processor's caches still hold it. A request that waits has one for what it says,
 * and takes that for its evaluation when its turn comes; so however many wait, evaluations go round in the memory of one turn.
 * Ownership: a chunk belongs to the arena that took it. Every arena has given its chunks back before chunks_drop().
 * Bounds:    at most CHUNKS_KEPT_MAX are kept; those of other sizes, where an arena wants more at once, are malloc()'s.
 * Threading: the shard's thread.
 */
#ifndef ASSAY_ENGINE_CHUNKS_H
#define ASSAY_ENGINE_CHUNKS_H

#include "base/arena.h"

#define CHUNKS_KEPT_MAX 2048 /* 32 MiB, of each shard */

struct chunk;

struct chunks {
	struct arena_source source; /* for arena_init_from() */
	struct chunk *first;        /* those that are kept */
	unsigned kept;
};

void chunks_init(struct chunks *chunks);
/* Frees those that are kept. */
void chunks_drop(struct chunks *chunks);
/* What those that are kept take. */
size_t chunks_octets_kept(const struct chunks *chunks);

#endif
