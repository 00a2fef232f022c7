#include "io/conn.h"

#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define REPLIES_FIRST 16384  /* of a buffer; one that grew beyond is not kept */
#define SPARE_MAX 64         /* buffers kept */
#define REPLIES_FLOOD 16     /* times reply_octets_max: what one read brought may have asked for that much */

size_t replies_waiting(const struct io_conn *conn)
{
	return conn->replies ? conn->replies->len - conn->replies->sent : 0;
}

static struct reply_buffer *buffer_take(struct io_server *server)
{
	struct reply_buffer *buffer = server->spare_replies;

	if (buffer) {
		server->spare_replies = buffer->next_spare;
		server->spare_replies_count--;
		return buffer;
	}
	buffer = malloc(sizeof(*buffer) + REPLIES_FIRST);
	if (buffer)
		*buffer = (struct reply_buffer){ .size = REPLIES_FIRST };
	return buffer;
}

void send_drop(struct io_conn *conn)
{
	struct io_server *server = conn->server;
	struct reply_buffer *buffer = conn->replies;

	conn->replies = NULL;
	if (!buffer)
		return;
	if (buffer->size > REPLIES_FIRST || server->spare_replies_count == SPARE_MAX) {
		free(buffer);
		return;
	}
	buffer->len = buffer->sent = 0;
	buffer->next_spare = server->spare_replies;
	server->spare_replies = buffer;
	server->spare_replies_count++;
}

void send_drop_spare(struct io_server *server)
{
	while (server->spare_replies) {
		struct reply_buffer *next = server->spare_replies->next_spare;

		free(server->spare_replies);
		server->spare_replies = next;
	}
}

/* Room for `more` octets behind those that wait; NULL: out of memory. */
static uint8_t *reserve(struct io_conn *conn, size_t more)
{
	struct reply_buffer *buffer = conn->replies ? conn->replies : buffer_take(conn->server);
	size_t size;

	if (!buffer)
		return NULL;
	conn->replies = buffer;
	if (buffer->size - buffer->len < more && buffer->sent) {
		buffer->len -= buffer->sent;
		memmove(buffer->octets, buffer->octets + buffer->sent, buffer->len);
		buffer->sent = 0;
	}
	for (size = buffer->size; size - buffer->len < more; size *= 2)
		continue;
	if (size != buffer->size) {
		buffer = realloc(buffer, sizeof(*buffer) + size);
		if (!buffer)
			return NULL;
		buffer->size = size;
		conn->replies = buffer;
	}
	buffer->len += more;
	return buffer->octets + buffer->len - more;
}

static void mark_dirty(struct io_conn *conn)
{
	struct io_server *server = conn->server;

	if (conn->dirty)
		return;
	conn->dirty = true;
	conn->next_dirty = server->dirty;
	server->dirty = io_conn_ref(conn);
}

uint8_t *io_conn_reply(struct io_conn *conn, size_t octets)
{
	size_t head = conn->is_ipc ? HEAD_OCTETS_MAX : LENGTH_OCTETS;
	uint8_t *at = NULL;

	if (conn->closed)
		return NULL;
	if (replies_waiting(conn) / REPLIES_FLOOD > conn->server->bounds.reply_octets_max)
		conn->server->counters.connections_flooded++;
	else
		at = reserve(conn, head + octets);
	if (!at) {
		conn_close(conn);
		return NULL;
	}
	if (conn->is_ipc)
		*at++ = 1;
	for (int i = 0; i < LENGTH_OCTETS; i++)
		*at++ = (uint8_t)((uint64_t)octets >> (56 - 8 * i));
	conn->server->counters.replies_sent++;
	mark_dirty(conn);
	return at;
}

int send_greeting(struct io_conn *conn)
{
	uint8_t *at = reserve(conn, GREETING_OCTETS);

	if (!at)
		return -ENOMEM;
	memcpy(at, conn->server->greeting, GREETING_OCTETS);
	send_replies(conn);
	return 0;
}

void send_wait(struct io_conn *conn)
{
	if (conn->blocked)
		return;
	io_uring_prep_poll_add(io_sqe(conn->server->loop, &conn->writable_op), conn->fd, POLLOUT);
	conn->blocked = true;
	stall_begin(conn, &conn->sending);
}

static ssize_t send_some(struct io_conn *conn, const uint8_t *octets, size_t len)
{
	return conn->tls ? conn_tls_send(conn, octets, len) : send(conn->fd, octets, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What is left goes on when the socket takes more, or over TLS perhaps when the peer has sent something. */
static void wait_to_go_on(struct io_conn *conn)
{
	if (conn->tls && conn->tls->send_waits_for_peer)
		stall_begin(conn, &conn->sending);
	else
		send_wait(conn);
}

void send_replies(struct io_conn *conn)
{
	struct reply_buffer *buffer = conn->replies;
	ssize_t sent;

	if (conn->closed || conn->blocked || !buffer)
		return;
	sent = send_some(conn, buffer->octets + buffer->sent, buffer->len - buffer->sent);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		conn_close(conn);
		return;
	}
	if (sent > 0) {
		buffer->sent += (size_t)sent;
		conn->sending.moved += (size_t)sent;
		conn->server->counters.octets_sent += (size_t)sent;
	}
	if (buffer->sent < buffer->len) {
		wait_to_go_on(conn);
	} else {
		send_drop(conn);
		stall_end(conn, &conn->sending);
		if (conn->draining)
			conn_close(conn);
	}
	if (conn->paused)
		receive_soon(conn);
}

void send_writable(void *arg, struct io_completion completion)
{
	struct io_conn *conn = arg;

	(void)completion; /* whatever it says, send() says it better */
	io_conn_ref(conn);
	conn->blocked = false;
	send_replies(conn);
	/* What is received may have to be answered within TLS, and have waited for this. */
	if (conn->tls && !conn->closed) {
		if (!conn->replies)
			stall_end(conn, &conn->sending);
		conn->readable = true;
		receive_soon(conn);
	}
	io_conn_unref(conn);
}

void io_server_flush(struct io_server *server)
{
	server->backlog = IO_BACKLOG_NONE;
	while (server->dirty) {
		struct io_conn *conn = server->dirty;

		server->dirty = conn->next_dirty;
		conn->dirty = false;
		send_replies(conn);
		io_conn_unref(conn);
	}
}
