/*
 * held.h - octets that come in pieces and are kept (internal).
 *
 * Ownership: its own memory, from the allocator given.
 * Errors:    ASSAY_ERROR_MEMORY.
 * Bounds:    octets are moved once more at most, by held_join().
 */
#ifndef ASSAY_CLIENT_HELD_H
#define ASSAY_CLIENT_HELD_H

#include "base/slice.h"
#include "client/heap.h"

struct held_chunk {
	struct held_chunk *next;
	size_t used, size;
	uint8_t octets[];
};

struct held {
	const struct assay_allocator *heap; /* borrowed */
	struct held_chunk *first, *last;
	size_t count, octets;
};

void held_init(struct held *held, const struct assay_allocator *heap);
void held_deinit(struct held *held);
enum assay_error held_add(struct held *held, struct slice octets);
/* Makes one chunk of all; then held_joined() is the octets. */
enum assay_error held_join(struct held *held);
const uint8_t *held_joined(const struct held *held);

#endif
