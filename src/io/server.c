#include "io/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARES_PART 4 /* of the octets of frames that may be held, so much may be kept for the next ones */

static void greeting_make(uint8_t greeting[GREETING_OCTETS], uint16_t protocol)
{
	memcpy(greeting, (uint8_t[]){ 0, 'S', 'P', 0, (uint8_t)(protocol >> 8), (uint8_t)protocol, 0, 0 },
	       GREETING_OCTETS);
}

int io_server_new(struct io_loop *loop, const struct io_server_bounds *bounds, uint16_t protocol,
                  uint16_t peer_protocol, const struct io_server_ops *ops, void *arg, struct io_server **out,
                  char problem[IO_PROBLEM_SIZE])
{
	struct io_server *server = calloc(1, sizeof(*server));

	if (server)
		server->blocks = io_blocks_new(bounds->frames_octets_max / IO_BLOCK_OCTETS, receive_refilled, server);
	if (!server || !server->blocks) {
		snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
		free(server);
		return -ENOMEM;
	}
	server->loop = loop;
	server->bounds = *bounds;
	server->ops = ops;
	server->arg = arg;
	server->ready.end = &server->ready.first;
	server->shaking_ready.end = &server->shaking_ready.first;
	io_timer_init(&server->read, receive_ready, server);
	io_timer_init(&server->idle, idle_fire, server);
	io_timer_init(&server->spares_age, frames_spares_fire, server);
	server->spares.octets_max = bounds->frames_octets_max / SPARES_PART;
	greeting_make(server->greeting, protocol);
	greeting_make(server->peer_greeting, peer_protocol);
	*out = server;
	return 0;
}

void io_server_close(struct io_server *server, bool at_once)
{
	io_server_flush(server);
	for (struct io_conn *conn = server->conns, *next; conn; conn = next) {
		next = conn->next;
		conn->draining = true;
		if (at_once || !conn->replies)
			conn_close(conn);
	}
}

bool io_server_is_closed(const struct io_server *server)
{
	for (const struct listener *listener = server->listeners; listener; listener = listener->next)
		if (listener->stopped)
			return false;
	return !server->conns;
}

void io_server_free(struct io_server *server)
{
	if (!server)
		return;
	ASSERT(!server->conns && !server->listeners);
	io_server_flush(server);
	io_timer_stop(server->loop, &server->read);
	io_timer_stop(server->loop, &server->idle);
	io_timer_stop(server->loop, &server->spares_age);
	receive_forget(server);
	send_drop_spare(server);
	io_blocks_free(server->blocks);
	io_spares_drop(&server->spares);
	free(server);
}

const struct io_server_counters *io_server_counters(const struct io_server *server)
{
	return &server->counters;
}
