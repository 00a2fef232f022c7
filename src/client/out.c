#include "client/out.h"

#include "client/exchange.h"

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

static void frame_drop(struct server *server, struct frame *frame)
{
	if (frame->prev)
		frame->prev->next = frame->next;
	else
		server->out_first = frame->next;
	if (frame->next)
		frame->next->prev = frame->prev;
	else
		server->out_last = frame->prev;
	if (frame->attempt)
		frame->attempt->frame = NULL;
	heap_free(&server->client->heap, frame);
}

void out_drop_first(struct server *server)
{
	server->out_offset = 0;
	frame_drop(server, server->out_first);
}

void out_give_up(struct attempt *attempt)
{
	struct server *server = attempt->server;
	struct frame *frame = attempt->frame;
	bool is_being_written = attempt->is_out && server->tx_busy;
	bool is_partly_out = frame == server->out_first && server->out_offset > 0;

	frame->attempt = NULL;
	attempt->frame = NULL;
	if (!is_being_written && !is_partly_out)
		frame_drop(server, frame);
}

void out_end(struct server *server)
{
	struct frame *next;

	if (server->out_offset > 0)
		out_drop_first(server);
	for (struct frame *frame = server->out_first; frame; frame = next) {
		next = frame->next;
		if (!frame->attempt)
			frame_drop(server, frame);
	}
}

void out_put(struct server *server, struct frame *frame, struct attempt *attempt)
{
	frame->attempt = attempt;
	attempt->frame = frame;
	number_put(frame->data + out_head_octets(server), attempt->id, OUT_ID_OCTETS);
	frame->prev = server->out_last;
	if (server->out_last)
		server->out_last->next = frame;
	else
		server->out_first = frame;
	server->out_last = frame;
}

unsigned out_gather(struct server *server, nng_iov iov[OUT_AT_ONCE])
{
	struct frame *next;
	unsigned count = 0;

	for (struct frame *frame = server->out_first; frame && count < OUT_AT_ONCE; frame = next) {
		size_t from = count == 0 ? server->out_offset : 0;

		next = frame->next;
		if (!frame->attempt && from == 0) {
			frame_drop(server, frame);
			continue;
		}
		if (frame->attempt)
			frame->attempt->is_out = true;
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
