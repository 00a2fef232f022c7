#include "client/held.h"

#include <string.h>

#define CHUNK_OCTETS_MIN 4096
#define CHUNK_OCTETS_MAX 65536

void held_init(struct held *held, const struct assay_allocator *heap)
{
	*held = (struct held){ .heap = heap };
}

void held_deinit(struct held *held)
{
	while (held->first) {
		struct held_chunk *chunk = held->first;

		held->first = chunk->next;
		heap_free(held->heap, chunk);
	}
	*held = (struct held){ .heap = held->heap };
}

static struct held_chunk *chunk_new(const struct held *held, size_t size)
{
	struct held_chunk *chunk = held->heap->allocate(held->heap->arg, sizeof *chunk + size);

	if (chunk)
		*chunk = (struct held_chunk){ .size = size };
	return chunk;
}

static enum assay_error chunk_add(struct held *held, size_t least)
{
	size_t size = held->octets < CHUNK_OCTETS_MIN ? CHUNK_OCTETS_MIN : held->octets;
	struct held_chunk *chunk;

	if (size > CHUNK_OCTETS_MAX)
		size = CHUNK_OCTETS_MAX;
	chunk = chunk_new(held, least > size ? least : size);
	if (!chunk)
		return ASSAY_ERROR_MEMORY;
	if (held->last)
		held->last->next = chunk;
	else
		held->first = chunk;
	held->last = chunk;
	held->count++;
	return ASSAY_OK;
}

/* What the last chunk has room for, then all that is left in one new chunk. */
enum assay_error held_add(struct held *held, struct slice octets)
{
	while (octets.len > 0) {
		struct held_chunk *chunk = held->last;
		size_t room = chunk ? chunk->size - chunk->used : 0, part = room < octets.len ? room : octets.len;

		if (part == 0) {
			if (chunk_add(held, octets.len) != ASSAY_OK)
				return ASSAY_ERROR_MEMORY;
			continue;
		}
		memcpy(chunk->octets + chunk->used, octets.ptr, part);
		chunk->used += part;
		held->octets += part;
		octets = slice_from(octets, part);
	}
	return ASSAY_OK;
}

enum assay_error held_join(struct held *held)
{
	struct held_chunk *joined;
	size_t octets = held->octets;

	if (held->count <= 1)
		return ASSAY_OK;
	joined = chunk_new(held, octets);
	if (!joined)
		return ASSAY_ERROR_MEMORY;
	for (const struct held_chunk *chunk = held->first; chunk; chunk = chunk->next) {
		memcpy(joined->octets + joined->used, chunk->octets, chunk->used);
		joined->used += chunk->used;
	}
	held_deinit(held);
	held->first = held->last = joined;
	held->count = 1;
	held->octets = octets;
	return ASSAY_OK;
}

const uint8_t *held_joined(const struct held *held)
{
	return held->first ? held->first->octets : NULL;
}
