#include "client/answer_memory.h"

#include <stdint.h>

struct answer_block {
	struct answer_block *next;
	max_align_t octets[];
};

void *answer_memory_alloc(struct answer_memory *memory, size_t count, size_t size)
{
	struct answer_block *block = NULL;
	size_t left = ANSWER_OCTETS_MAX - memory->octets, octets;

	if (left <= sizeof *block || (size > 0 && count > (left - sizeof *block - 1) / size)) {
		memory->failed = memory->too_large = true;
		return NULL;
	}
	octets = sizeof *block + count * size + 1;
	memory->octets += octets;
	block = heap_new(&memory->heap, octets);
	if (!block) {
		memory->failed = true;
		return NULL;
	}
	block->next = memory->blocks;
	memory->blocks = block;
	return block->octets;
}

static void *unpack_alloc(void *memory, size_t size)
{
	return answer_memory_alloc(memory, 1, size);
}

static void unpack_free(void *memory, void *octets)
{
	(void)memory;
	(void)octets;
}

void answer_memory_init(struct answer_memory *memory, const struct assay_allocator *heap)
{
	*memory = (struct answer_memory){
		.heap = *heap,
		.allocator = { .alloc = unpack_alloc, .free = unpack_free, .allocator_data = memory },
	};
}

void answer_memory_deinit(struct answer_memory *memory)
{
	while (memory->blocks) {
		struct answer_block *block = memory->blocks;

		memory->blocks = block->next;
		heap_free(&memory->heap, block);
	}
}
