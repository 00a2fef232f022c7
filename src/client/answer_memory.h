/*
 * answer_memory.h - memory of one answer: blocks freed together (internal).
 *
 * It also serves protobuf-c as its allocator. Each block has one zero octet more than was asked for: so every
 * octet string that protobuf-c unpacks is followed by a NUL.
 */
#ifndef ASSAY_CLIENT_ANSWER_MEMORY_H
#define ASSAY_CLIENT_ANSWER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "client/heap.h"

/*
 * A reply is at most 16 MiB, but its parts take more memory than they have octets, the smallest a hundred times as much: what a
 * daemon sends (1 MiB at most) stays far below this.
 */
#define ANSWER_OCTETS_MAX ((size_t)64 << 20)

struct answer_block;

struct answer_memory {
	struct assay_allocator heap; /* a copy: answers outlive their client */
	struct answer_block *blocks;
	ProtobufCAllocator allocator; /* its free() does nothing: all is freed at the end */
	size_t octets;
	bool failed;                  /* an allocation failed, or would have been beyond ANSWER_OCTETS_MAX: sticky */
	bool too_large;               /* it was the latter */
};

void answer_memory_init(struct answer_memory *memory, const struct assay_allocator *heap);
void answer_memory_deinit(struct answer_memory *memory);
/* Zeroed; NULL when there is no memory, and then `failed` is set. */
void *answer_memory_alloc(struct answer_memory *memory, size_t count, size_t size);

#define ANSWER_NEW(memory, type)              ((type *)answer_memory_alloc((memory), 1, sizeof(type)))
#define ANSWER_NEW_ARRAY(memory, count, type) ((type *)answer_memory_alloc((memory), (count), sizeof(type)))

#endif
