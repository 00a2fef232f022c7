/*
 * blocks.h - memory that connections are read into: few, large, warm.
 *
 * All connections of a loop read into the same block, one behind the other, until it is full; a frame stays where it was read and
 * *pins* its block. A block without pins is used again at once, last one first, so that what is read next falls
 * on memory that the processor's caches still hold: that is worth a third of the cost of a large request (bench/RESULTS.md).
 * Bounds:    `blocks_max`; above it there is no room to read into until a pin is given back: the peers' own flow control holds
 *            them, and nothing is lost.
 * Threading: the loop's thread.
 */
#ifndef ASSAY_IO_BLOCKS_H
#define ASSAY_IO_BLOCKS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IO_BLOCK_OCTETS ((size_t)256 * 1024)
#define IO_BLOCKS_LEAST 16 /* whatever the bound of octets says: 4 MiB */

struct io_blocks;

struct io_block {
	struct io_blocks *home;
	struct io_block *next_free;
	unsigned pins;
	size_t used; /* octets that belong to somebody; what is read next goes behind them */
	_Alignas(64) uint8_t octets[IO_BLOCK_OCTETS];
};

/* NULL: out of memory. `refilled` is called when there is room again after io_blocks_room() had none. */
struct io_blocks *io_blocks_new(size_t blocks_max, void (*refilled)(void *arg), void *arg);
/* Every pin has been given back. */
void io_blocks_free(struct io_blocks *blocks);

/* The block to read into, pinned for the caller until he has seen what came; NULL: there is none. */
struct io_block *io_blocks_room(struct io_blocks *blocks);
/* The block's octets up to `end` stay: pins it, and nothing is read there. */
void io_block_keep(struct io_block *block, size_t end);
void io_block_unpin(struct io_block *block);
/* Octets of all blocks, pinned or not. */
size_t io_blocks_octets(const struct io_blocks *blocks);

#endif
