/*
 * buffers.h - the provided-buffer ring of a loop: memory that the kernel picks from when data arrive.
 *
 * A buffer that a frame still points into is *pinned*; the kernel gets a fresh one in its place, as long as
 * `buffers_max` allows. At that bound receiving pauses (-ENOBUFS) until a pin is given back, so the peers' own
 * flow control holds them; nothing is lost.
 * Threading: the loop's thread.
 */
#ifndef ASSAY_IO_BUFFERS_H
#define ASSAY_IO_BUFFERS_H

#include "io/loop.h"

#define IO_BUFFER_OCTETS ((size_t)64 * 1024) /* each */
#define IO_BUFFERS_RING 256                  /* offered to the kernel at once; a power of two */

struct io_buffers;

struct io_buffer {
	struct io_buffers *home;
	struct io_buffer *next_free;
	unsigned pins;
	uint8_t octets[];
};

/* 0; or a negative errno and the cause in `problem`. `buffers_max` is at least IO_BUFFERS_RING. */
MUST_CHECK int io_buffers_new(struct io_loop *loop, size_t buffers_max, struct io_buffers **out,
                              char problem[IO_PROBLEM_SIZE]);
/* Every pin has been given back, and no receive is under way. */
void io_buffers_free(struct io_buffers *buffers);

/* The buffer group for IOSQE_BUFFER_SELECT. */
uint16_t io_buffers_group(const struct io_buffers *buffers);
/* The buffer that a completion with IORING_CQE_F_BUFFER filled; pinned once, for the caller. */
struct io_buffer *io_buffers_take(struct io_buffers *buffers, unsigned completion_flags);
void io_buffer_pin(struct io_buffer *buffer);
void io_buffer_unpin(struct io_buffer *buffer);
/* Called when the ring has buffers again after it had run empty. */
void io_buffers_on_refill(struct io_buffers *buffers, void (*refilled)(void *arg), void *arg);
/* No buffer is left for the kernel: receives fail with -ENOBUFS until the refill call. */
bool io_buffers_empty(const struct io_buffers *buffers);
/* Octets of all buffers, pinned or not. */
size_t io_buffers_octets(const struct io_buffers *buffers);

#endif
