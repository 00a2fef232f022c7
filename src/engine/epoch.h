/*
 * epoch.h - when memory that shards read without locks may be freed; private to src/engine.
 *
 * What leaves a shared structure may still be in use by whoever found it there before. So each shard tells, in a line of
 * its own, when the turn began that it is in. What was retired before every such turn is freed. What a shard goes on holding
 * when its turn ends it has to count (cached_try_ref()): then memory waits for no request.
 *
 * Threading: epochs_begin() and epochs_end() by the shard that `reader` stands for; the rest by any.
 * Cost:      readers of the structure write nothing shared; a turn costs one fence.
 * Bounds:    what is retired within two turns of the slowest shard; EPOCH_FREED_MAX are freed in one step.
 */
#ifndef ASSAY_ENGINE_EPOCH_H
#define ASSAY_ENGINE_EPOCH_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define EPOCH_NONE UINT64_MAX /* nothing is held */
#define EPOCH_FREED_MAX 256

struct epoch_reader {
	_Alignas(64) _Atomic uint64_t since;
};

struct retired {
	struct retired *next;
	uint64_t at;
	size_t octets;
	void (*free)(struct retired *retired);
};

struct epochs {
	_Alignas(64) _Atomic uint64_t now;
	struct epoch_reader *readers;
	unsigned readers_count;
	pthread_mutex_t lock; /* guards what is retired */
	struct retired *first, **end;
	_Atomic size_t octets; /* retired and not freed */
};

/* 0 or -ENOMEM. */
MUST_CHECK int epochs_init(struct epochs *epochs, unsigned readers);
/* Frees what is retired: nobody reads any more. */
void epochs_deinit(struct epochs *epochs);

/*
 * Before a turn reads. What it finds is safe until an epochs_end() with EPOCH_NONE; returns the epoch of what is found
 * from now on.
 */
uint64_t epochs_begin(struct epochs *epochs, unsigned reader);
/* `since`: the least epoch of what the shard goes on holding uncounted; EPOCH_NONE, as nearly always: nothing. */
void epochs_end(struct epochs *epochs, unsigned reader, uint64_t since);

/* It can no longer be found: it is freed by a later epochs_collect(), when nobody can hold it any more. */
void epochs_retire(struct epochs *epochs, struct retired *retired);
/* Frees some of what can be freed, unless another shard is at it. To be called once a turn. */
void epochs_collect(struct epochs *epochs);

#endif
