#include "client/heap.h"

#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *arg, size_t octets)
{
	(void)arg;
	return malloc(octets);
}

static void default_release(void *arg, void *memory)
{
	(void)arg;
	free(memory);
}

const struct assay_allocator heap_default = { default_allocate, default_release, NULL };

void *heap_new(const struct assay_allocator *heap, size_t octets)
{
	void *memory = heap->allocate(heap->arg, octets ? octets : 1);

	return memory ? memset(memory, 0, octets) : NULL;
}

void heap_free(const struct assay_allocator *heap, void *memory)
{
	if (memory)
		heap->release(heap->arg, memory);
}
