/*
 * epoch.h - when memory that shards read without locks may be freed; private to src/engine.
 *
 * What leaves a shared structure may still be in use by whoever found it there before. So each shard tells, once a turn
 * and in a line of its own, since when it has been holding on to what it found: the start of its oldest request. What was
 * retired before every shard's "since" is freed.
 *
 * Threading: epochs_begin() and epochs_end() by the shard that `reader` stands for; the rest by any.
 * Cost:      readers of the structure write nothing shared; a turn costs one fence.
 */
#ifndef ASSAY_ENGINE_EPOCH_H
#define ASSAY_ENGINE_EPOCH_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define EPOCH_NONE UINT64_MAX /* nothing is held */

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

/* Before a turn reads. What it finds is safe until epochs_end(); what it finds and keeps, until a later turn ends with a
 * `since` above the epoch returned. */
uint64_t epochs_begin(struct epochs *epochs, unsigned reader);
/* `since`: the least epoch of what the shard goes on holding; EPOCH_NONE: it holds nothing. */
void epochs_end(struct epochs *epochs, unsigned reader, uint64_t since);

/* It can no longer be found: it is freed when nobody can hold it any more. Not from a reader's memory. */
void epochs_retire(struct epochs *epochs, struct retired *retired);

#endif
