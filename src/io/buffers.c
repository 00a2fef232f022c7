#include "io/buffers.h"

#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GROUP 1

struct io_buffers {
	struct io_loop *loop;
	struct io_uring_buf_ring *ring;
	size_t ring_octets;
	struct io_buffer *offered[IO_BUFFERS_RING]; /* by buffer id; NULL: the kernel has none under it */
	uint16_t vacant[IO_BUFFERS_RING];           /* ids without a buffer */
	size_t vacant_count;
	struct io_buffer *free;                     /* neither offered nor pinned */
	size_t made, buffers_max;
	void (*refilled)(void *arg);
	void *refilled_arg;
};

static struct io_buffer *buffer_make(struct io_buffers *buffers)
{
	struct io_buffer *buffer = buffers->free;

	if (buffer) {
		buffers->free = buffer->next_free;
		return buffer;
	}
	if (buffers->made == buffers->buffers_max || !(buffer = malloc(sizeof(*buffer) + IO_BUFFER_OCTETS)))
		return NULL;
	*buffer = (struct io_buffer){ .home = buffers };
	buffers->made++;
	return buffer;
}

static void buffer_offer(struct io_buffers *buffers, struct io_buffer *buffer)
{
	uint16_t id = buffers->vacant[--buffers->vacant_count];

	buffers->offered[id] = buffer;
	io_uring_buf_ring_add(buffers->ring, buffer->octets, IO_BUFFER_OCTETS, id,
	                      io_uring_buf_ring_mask(IO_BUFFERS_RING), 0);
	io_uring_buf_ring_advance(buffers->ring, 1);
}

static void offer_while_possible(struct io_buffers *buffers)
{
	struct io_buffer *buffer;

	while (buffers->vacant_count && (buffer = buffer_make(buffers)))
		buffer_offer(buffers, buffer);
}

static int ring_register(struct io_buffers *buffers)
{
	struct io_uring_buf_reg registration = { .ring_entries = IO_BUFFERS_RING, .bgid = GROUP };

	buffers->ring_octets = IO_BUFFERS_RING * sizeof(struct io_uring_buf);
	buffers->ring = mmap(NULL, buffers->ring_octets, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	if (buffers->ring == MAP_FAILED)
		return -errno;
	registration.ring_addr = (uint64_t)(uintptr_t)buffers->ring;
	io_uring_buf_ring_init(buffers->ring);
	return io_uring_register_buf_ring(io_loop_ring(buffers->loop), &registration, 0);
}

int io_buffers_new(struct io_loop *loop, size_t buffers_max, struct io_buffers **out, char problem[IO_PROBLEM_SIZE])
{
	struct io_buffers *buffers = calloc(1, sizeof(*buffers));
	int result;

	ASSERT(buffers_max >= IO_BUFFERS_RING);
	if (!buffers) {
		snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
		return -ENOMEM;
	}
	buffers->loop = loop;
	buffers->buffers_max = buffers_max;
	result = ring_register(buffers);
	if (result < 0) {
		snprintf(problem, IO_PROBLEM_SIZE, "io_uring: provided buffers: %s", strerror(-result));
		free(buffers);
		return result;
	}
	for (unsigned id = IO_BUFFERS_RING; id > 0; id--)
		buffers->vacant[buffers->vacant_count++] = (uint16_t)(id - 1);
	offer_while_possible(buffers);
	*out = buffers;
	return 0;
}

void io_buffers_free(struct io_buffers *buffers)
{
	if (!buffers)
		return;
	(void)io_uring_unregister_buf_ring(io_loop_ring(buffers->loop), GROUP);
	munmap(buffers->ring, buffers->ring_octets);
	for (size_t id = 0; id < IO_BUFFERS_RING; id++)
		free(buffers->offered[id]);
	while (buffers->free) {
		struct io_buffer *next = buffers->free->next_free;

		free(buffers->free);
		buffers->free = next;
	}
	free(buffers);
}

uint16_t io_buffers_group(const struct io_buffers *buffers)
{
	(void)buffers;
	return GROUP;
}

struct io_buffer *io_buffers_take(struct io_buffers *buffers, unsigned completion_flags)
{
	unsigned id = completion_flags >> IORING_CQE_BUFFER_SHIFT;
	struct io_buffer *buffer;

	ASSERT((completion_flags & IORING_CQE_F_BUFFER) && id < IO_BUFFERS_RING);
	buffer = buffers->offered[id];
	ASSERT(buffer && buffer->pins == 0);
	buffers->offered[id] = NULL;
	buffers->vacant[buffers->vacant_count++] = (uint16_t)id;
	buffer->pins = 1;
	/* At once, and not when the pin is given back: requests may hold every buffer offered so far for seconds. */
	offer_while_possible(buffers);
	return buffer;
}

void io_buffer_pin(struct io_buffer *buffer)
{
	ASSERT(buffer->pins > 0);
	buffer->pins++;
}

void io_buffer_unpin(struct io_buffer *buffer)
{
	struct io_buffers *buffers = buffer->home;
	bool was_empty = io_buffers_empty(buffers);

	ASSERT(buffer->pins > 0);
	if (--buffer->pins > 0)
		return;
	buffer->next_free = buffers->free;
	buffers->free = buffer;
	offer_while_possible(buffers);
	if (was_empty && buffers->refilled)
		buffers->refilled(buffers->refilled_arg);
}

void io_buffers_on_refill(struct io_buffers *buffers, void (*refilled)(void *arg), void *arg)
{
	buffers->refilled = refilled;
	buffers->refilled_arg = arg;
}

bool io_buffers_empty(const struct io_buffers *buffers)
{
	return buffers->vacant_count == IO_BUFFERS_RING;
}

size_t io_buffers_octets(const struct io_buffers *buffers)
{
	return buffers->made * IO_BUFFER_OCTETS;
}
