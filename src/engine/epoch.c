#include "engine/epoch.h"

#include <stdlib.h>

int epochs_init(struct epochs *epochs, unsigned readers)
{
	*epochs = (struct epochs){ .readers_count = readers };
	epochs->readers = aligned_alloc(_Alignof(struct epoch_reader), readers * sizeof(*epochs->readers));
	if (!epochs->readers)
		return -ENOMEM;
	for (unsigned i = 0; i < readers; i++)
		atomic_init(&epochs->readers[i].since, EPOCH_NONE);
	atomic_init(&epochs->now, 1);
	atomic_init(&epochs->octets, 0);
	pthread_mutex_init(&epochs->lock, NULL);
	epochs->end = &epochs->first;
	return 0;
}

void epochs_deinit(struct epochs *epochs)
{
	while (epochs->first) {
		struct retired *retired = epochs->first;

		epochs->first = retired->next;
		retired->free(retired);
	}
	pthread_mutex_destroy(&epochs->lock);
	free(epochs->readers);
}

uint64_t epochs_begin(struct epochs *epochs, unsigned reader)
{
	_Atomic uint64_t *since = &epochs->readers[reader].since;
	uint64_t now = atomic_load_explicit(&epochs->now, memory_order_acquire);

	if (atomic_load_explicit(since, memory_order_relaxed) == EPOCH_NONE)
		atomic_store_explicit(since, now, memory_order_relaxed);
	/* Whoever retires sees this `since`, or this turn sees what he has taken away: the other half is in epochs_collect(). */
	atomic_thread_fence(memory_order_seq_cst);
	return now;
}

void epochs_end(struct epochs *epochs, unsigned reader, uint64_t since)
{
	atomic_store_explicit(&epochs->readers[reader].since, since, memory_order_release);
}

static uint64_t least_since(const struct epochs *epochs)
{
	uint64_t least = EPOCH_NONE;

	for (unsigned i = 0; i < epochs->readers_count; i++) {
		uint64_t since = atomic_load_explicit(&epochs->readers[i].since, memory_order_acquire);

		least = since < least ? since : least;
	}
	return least;
}

/* Takes what is safe to free: the oldest ones. */
static struct retired *freeable_take(struct epochs *epochs, uint64_t before)
{
	struct retired *freeable = NULL, **end = &freeable;

	for (unsigned i = 0; i < EPOCH_FREED_MAX && epochs->first && epochs->first->at < before; i++) {
		struct retired *retired = epochs->first;

		epochs->first = retired->next;
		retired->next = NULL;
		*end = retired;
		end = &retired->next;
		atomic_fetch_sub_explicit(&epochs->octets, retired->octets, memory_order_relaxed);
	}
	if (!epochs->first)
		epochs->end = &epochs->first;
	return freeable;
}

void epochs_retire(struct epochs *epochs, struct retired *retired)
{
	retired->next = NULL;
	pthread_mutex_lock(&epochs->lock);
	retired->at = atomic_fetch_add_explicit(&epochs->now, 1, memory_order_seq_cst);
	*epochs->end = retired;
	epochs->end = &retired->next;
	atomic_fetch_add_explicit(&epochs->octets, retired->octets, memory_order_relaxed);
	pthread_mutex_unlock(&epochs->lock);
}

void epochs_collect(struct epochs *epochs)
{
	struct retired *freeable;

	if (atomic_load_explicit(&epochs->octets, memory_order_relaxed) == 0 || pthread_mutex_trylock(&epochs->lock))
		return;
	/* The other half of the fence in epochs_begin(). */
	atomic_thread_fence(memory_order_seq_cst);
	freeable = freeable_take(epochs, least_since(epochs));
	pthread_mutex_unlock(&epochs->lock);
	while (freeable) {
		struct retired *next = freeable->next;

		freeable->free(freeable);
		freeable = next;
	}
}
