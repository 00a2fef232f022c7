#include "client/out.h"

#include "client/exchange.h"

#define PRUNE_MIN 16 /* frames given up before it is worth looking for them */

static uint8_t *number_put(uint8_t *at, uint64_t number, unsigned octets)
{
	for (unsigned i = octets; i > 0; i--)
		*at++ = (uint8_t)(number >> (8 * (i - 1)));
	return at;
}

size_t out_head_octets(const struct server *server)
{
	return server->is_ipc ? 9 : 8;
}

struct frame *out_frame(const struct server *server, const struct request *request, uint32_t deadline_ms)
{
	size_t head = out_head_octets(server) + OUT_ID_OCTETS, octets = request_octets_to_send(request, deadline_ms);
	const struct assay_allocator *heap = request->heap;
	struct frame *frame = heap->allocate(heap->arg, sizeof *frame + head + octets);
	uint8_t *at;

	if (!frame)
		return NULL;
	*frame = (struct frame){ .octets = head + octets };
	at = frame->data;
	if (server->is_ipc)
		*at++ = 1;
	at = number_put(at, OUT_ID_OCTETS + octets, 8);
	request_to_send(request, deadline_ms, at + OUT_ID_OCTETS);
	return frame;
}

/* It is not among those that wait any more. */
static void frame_free(struct server *server, struct frame *frame)
{
	server->out_count--;
	if (frame->attempt)
		frame->attempt->frame = NULL;
	else
		server->out_given_up--;
	heap_free(&server->client->heap, frame);
}

void out_drop_first(struct server *server)
{
	struct frame *frame = server->out_first;

	server->out_first = frame->next;
	if (!server->out_first)
		server->out_last = NULL;
	server->out_offset = 0;
	frame_free(server, frame);
}

/* Takes out all that was given up; frames that are being written stay. */
static void out_sweep(struct server *server)
{
	struct frame **at = &server->out_first, *last = NULL;
	unsigned kept = server->tx_busy ? OUT_AT_ONCE : server->out_offset > 0;

	while (*at) {
		struct frame *frame = *at;

		if (kept > 0 || frame->attempt) {
			kept -= kept > 0;
			last = frame;
			at = &frame->next;
			continue;
		}
		*at = frame->next;
		frame_free(server, frame);
	}
	server->out_last = last;
}

/* What was given up does not wait behind a server that does not read. It is looked for when it is half of what waits. */
static void out_prune(struct server *server)
{
	if (server->out_given_up >= PRUNE_MIN && server->out_given_up * 2 >= server->out_count)
		out_sweep(server);
}

void out_put(struct server *server, struct frame *frame, struct attempt *attempt)
{
	out_prune(server);
	frame->attempt = attempt;
	attempt->frame = frame;
	server->out_count++;
	number_put(frame->data + out_head_octets(server), attempt->id, OUT_ID_OCTETS);
	if (server->out_last)
		server->out_last->next = frame;
	else
		server->out_first = frame;
	server->out_last = frame;
}

unsigned out_gather(struct server *server, nng_iov iov[OUT_AT_ONCE])
{
	struct frame *last = NULL;
	unsigned count = 0;

	for (struct frame **at = &server->out_first; *at && count < OUT_AT_ONCE;) {
		struct frame *frame = *at;
		struct attempt *attempt = frame->attempt;
		size_t from = count == 0 ? server->out_offset : 0;

		if (!attempt && from == 0) {
			*at = frame->next;
			if (!*at)
				server->out_last = last;
			frame_free(server, frame);
			continue;
		}
		if (attempt)
			attempt->is_out = true;
		last = frame;
		at = &frame->next;
		iov[count++] = (nng_iov){ .iov_buf = frame->data + from, .iov_len = frame->octets - from };
	}
	return count;
}

void out_written(struct server *server, size_t octets)
{
	while (octets > 0 && server->out_first) {
		size_t left = server->out_first->octets - server->out_offset;

		if (octets < left) {
			server->out_offset += octets;
			return;
		}
		octets -= left;
		out_drop_first(server);
	}
}
