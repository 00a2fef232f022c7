/*
 * heap.h - memory from the caller's allocator (internal).
 *
 * Threading: as the allocator's: any thread, several at once.
 */
#ifndef ASSAY_CLIENT_HEAP_H
#define ASSAY_CLIENT_HEAP_H

#include "client/assay.h"

/* malloc() and free(). */
extern const struct assay_allocator heap_default;

/* Zeroed; NULL: there is none. */
void *heap_new(const struct assay_allocator *heap, size_t octets);
/* NULL is allowed. */
void heap_free(const struct assay_allocator *heap, void *memory);

#define HEAP_NEW(heap, type) ((type *)heap_new((heap), sizeof(type)))

#endif
