#include "io/blocks.h"

#include <stdlib.h>

#define ALIGNMENT 64 /* a cache line: where a copy of the kernel begins best */
#define ROOM_LEAST (IO_BLOCK_OCTETS / 4) /* a shorter rest is given up: it would only cut frames in two */

struct io_blocks {
	struct io_block *current; /* NULL: none yet, or it was full */
	struct io_block *free;
	size_t made, blocks_max;
	bool starved;             /* somebody found no room */
	void (*refilled)(void *arg);
	void *refilled_arg;
};

struct io_blocks *io_blocks_new(size_t blocks_max, void (*refilled)(void *arg), void *arg)
{
	struct io_blocks *blocks = calloc(1, sizeof(*blocks));

	if (!blocks)
		return NULL;
	blocks->blocks_max = blocks_max < IO_BLOCKS_LEAST ? IO_BLOCKS_LEAST : blocks_max;
	blocks->refilled = refilled;
	blocks->refilled_arg = arg;
	return blocks;
}

void io_blocks_free(struct io_blocks *blocks)
{
	if (!blocks)
		return;
	ASSERT(!blocks->current || blocks->current->pins == 0);
	free(blocks->current);
	while (blocks->free) {
		struct io_block *next = blocks->free->next_free;

		free(blocks->free);
		blocks->free = next;
	}
	free(blocks);
}

static struct io_block *block_take(struct io_blocks *blocks)
{
	struct io_block *block = blocks->free;

	if (block) {
		blocks->free = block->next_free;
	} else {
		if (blocks->made == blocks->blocks_max || !(block = aligned_alloc(ALIGNMENT, sizeof(*block))))
			return NULL;
		blocks->made++;
	}
	block->home = blocks;
	block->next_free = NULL;
	block->pins = 0;
	block->used = 0;
	return block;
}

struct io_block *io_blocks_room(struct io_blocks *blocks)
{
	struct io_block *block = blocks->current;

	/* One that is full has pins: without them it would be empty. The last of them gives it back. */
	if (!block || IO_BLOCK_OCTETS - block->used < ROOM_LEAST)
		block = blocks->current = block_take(blocks);
	blocks->starved = !block;
	if (block)
		block->pins++;
	return block;
}

void io_block_keep(struct io_block *block, size_t end)
{
	size_t aligned = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	ASSERT(block->pins > 0 && end <= IO_BLOCK_OCTETS);
	block->pins++;
	if (block->used < aligned)
		block->used = aligned;
}

void io_block_unpin(struct io_block *block)
{
	struct io_blocks *blocks = block->home;

	ASSERT(block->pins > 0);
	if (--block->pins > 0)
		return;
	block->used = 0;
	if (block == blocks->current)
		return;
	block->next_free = blocks->free;
	blocks->free = block;
	if (blocks->starved) {
		blocks->starved = false;
		blocks->refilled(blocks->refilled_arg);
	}
}

size_t io_blocks_octets(const struct io_blocks *blocks)
{
	return blocks->made * IO_BLOCK_OCTETS;
}
