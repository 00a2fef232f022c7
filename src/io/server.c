#include "io/server.h"

#include "io/buffers.h"
#include "io/listen.h"

#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING_OCTETS 8
#define LENGTH_OCTETS 8
#define HEAD_OCTETS_MAX (LENGTH_OCTETS + 1)
#define DISCARD_OCTETS_MAX ((uint64_t)1 << 30) /* of one frame that is not taken; a longer one closes the connection */
#define ACCEPT_RETRY_NS (100 * INT64_C(1000000)) /* after an error such as too many open files */
#define DIRECT_OCTETS_MAX ((size_t)1 << 20) /* of one directed receive, so that the stall timer sees progress */
#define REPLY_OCTETS_FIRST 4096
#define REPLIES_FLOOD 16 /* times reply_octets_max: what was received before reading stopped may have asked for that much */

struct listener {
	struct io_server *server;
	struct io_op op;
	struct io_timer retry;
	int fd;
	bool is_ipc, accepting;
};

enum conn_phase { PHASE_GREETING, PHASE_LENGTH, PHASE_PAYLOAD, PHASE_DISCARD };

struct reply_buffer {
	uint8_t *octets;
	size_t len, size;
};

/* Memory of one large frame. */
struct large_frame {
	size_t size;
	uint8_t octets[];
};

struct io_conn {
	struct io_server *server;
	struct io_conn *next, *prev;       /* of the server's list */
	struct io_conn *next_dirty;        /* has replies to send at the end of the turn */
	unsigned refs;                     /* one is the server's, while the socket is open */
	unsigned in_flight;
	int fd;
	bool is_ipc, closing, closed, draining, dirty;
	enum conn_phase phase;
	struct io_timer stall;
	/* Receiving. */
	struct io_op recv_op;
	bool recv_armed;                   /* a multishot receive is under way */
	bool recv_cancelled;
	bool recv_starved;                 /* stopped for want of buffers */
	bool direct;                       /* a directed receive into `large` is under way */
	uint8_t head[HEAD_OCTETS_MAX];
	size_t head_len;
	uint64_t announced, remaining;     /* octets of the payload; those still to come */
	struct large_frame *large;
	size_t large_have;
	uint8_t *refused_head;             /* what is kept of a frame that is not taken */
	size_t refused_len;
	enum io_frame_state refused_state;
	/* Sending. */
	struct io_op send_op;
	bool sending;
	struct reply_buffer out, gather;   /* being sent; being filled */
	size_t out_sent;
	bool greeted;                      /* the peer's greeting came */
};

struct io_server {
	struct io_loop *loop;
	struct io_buffers *buffers;
	struct io_server_bounds bounds;
	struct io_server_counters counters;
	const struct io_server_ops *ops;
	void *arg;
	uint8_t greeting[GREETING_OCTETS], peer_greeting[GREETING_OCTETS];
	struct listener *listeners[IO_LISTENERS_MAX];
	size_t listeners_count;
	struct io_conn *conns;
	struct io_conn *dirty;
};

static void conn_recv_arm(struct io_conn *conn);
static void conn_send(struct io_conn *conn);
static void conn_close(struct io_conn *conn);
static void conn_unlink_when_idle(struct io_conn *conn);

/* --- frames --- */

void io_frame_release(struct io_frame *frame)
{
	struct io_server *server = frame->server;

	if (!frame->owner)
		return;
	server->counters.frame_octets_held -= frame->octets.len;
	if (frame->owner_is_buffer)
		io_buffer_unpin(frame->owner);
	else
		free(frame->owner);
	frame->owner = NULL;
}

static void deliver(struct io_conn *conn, struct io_frame frame)
{
	struct io_server *server = conn->server;

	frame.server = server;
	frame.announced = conn->announced;
	server->counters.frames_received++;
	conn->phase = PHASE_LENGTH;
	conn->head_len = 0;
	io_timer_stop(server->loop, &conn->stall);
	if (conn->closing) {
		io_frame_release(&frame);
		return;
	}
	server->ops->frame(server->arg, conn, frame);
}

static void stall_restart(struct io_conn *conn)
{
	io_timer_start(conn->server->loop, &conn->stall, io_now_ns(conn->server->loop) + conn->server->bounds.stall_ns_max);
}

/* A frame that lies whole in the receive buffer. */
static void deliver_in_buffer(struct io_conn *conn, struct io_buffer *buffer, struct slice octets)
{
	io_buffer_pin(buffer);
	conn->server->counters.frame_octets_held += octets.len;
	deliver(conn, (struct io_frame){ .octets = octets, .owner = buffer, .owner_is_buffer = true });
}

static void deliver_large(struct io_conn *conn)
{
	struct large_frame *large = conn->large;

	conn->large = NULL;
	deliver(conn, (struct io_frame){ .octets = slice_of(large->octets, large->size), .owner = large });
}

static void refuse_begin(struct io_conn *conn, enum io_frame_state state)
{
	struct io_server_counters *counters = &conn->server->counters;

	if (state == IO_FRAME_TOO_LARGE)
		counters->frames_too_large++;
	else
		counters->frames_no_room++;
	conn->refused_state = state;
	conn->refused_len = 0;
	conn->phase = PHASE_DISCARD;
	conn->refused_head = malloc(IO_FRAME_HEAD_OCTETS);
	if (!conn->refused_head || conn->announced > DISCARD_OCTETS_MAX)
		conn_close(conn);
}

/* Told as soon as its first octets are here: the peer need not wait until all is thrown away. */
static void refuse_announce(struct io_conn *conn)
{
	struct io_server *server = conn->server;
	uint8_t *head = conn->refused_head;
	struct io_frame frame = { .octets = slice_of(head, conn->refused_len),
		                  .state = conn->refused_state,
		                  .announced = conn->announced,
		                  .server = server };

	conn->refused_head = NULL;
	if (!conn->closing)
		server->ops->frame(server->arg, conn, frame);
	free(head);
}

static size_t discard(struct io_conn *conn, struct slice data)
{
	size_t taken = data.len < conn->remaining ? data.len : (size_t)conn->remaining;

	if (conn->refused_head) {
		size_t kept = IO_FRAME_HEAD_OCTETS - conn->refused_len;

		kept = kept < taken ? kept : taken;
		memcpy(conn->refused_head + conn->refused_len, data.ptr, kept);
		conn->refused_len += kept;
		if (conn->refused_len == IO_FRAME_HEAD_OCTETS || conn->remaining == taken)
			refuse_announce(conn);
	}
	conn->remaining -= taken;
	if (conn->remaining == 0) {
		conn->phase = PHASE_LENGTH;
		conn->head_len = 0;
		io_timer_stop(conn->server->loop, &conn->stall);
	} else if (!conn->closing) {
		stall_restart(conn);
	}
	return taken;
}

/* --- what arrives --- */

/* Gathers `want` octets in conn->head; returns how many of `data` it took. */
static size_t head_gather(struct io_conn *conn, struct slice data, size_t want)
{
	size_t taken = want - conn->head_len;

	taken = taken < data.len ? taken : data.len;
	memcpy(conn->head + conn->head_len, data.ptr, taken);
	conn->head_len += taken;
	return taken;
}

static size_t on_greeting(struct io_conn *conn, struct slice data)
{
	size_t taken = head_gather(conn, data, GREETING_OCTETS);

	if (conn->head_len < GREETING_OCTETS)
		return taken;
	if (memcmp(conn->head, conn->server->peer_greeting, GREETING_OCTETS) != 0) {
		conn->server->counters.frames_malformed++;
		conn_close(conn);
		return data.len;
	}
	conn->greeted = true;
	conn->phase = PHASE_LENGTH;
	conn->head_len = 0;
	io_timer_stop(conn->server->loop, &conn->stall);
	return taken;
}

static bool has_room(const struct io_conn *conn)
{
	const struct io_server *server = conn->server;

	return server->counters.frame_octets_held + conn->announced <= server->bounds.frames_octets_max;
}

static void payload_begin(struct io_conn *conn)
{
	conn->remaining = conn->announced;
	conn->phase = PHASE_PAYLOAD;
	stall_restart(conn);
	if (conn->announced > conn->server->bounds.frame_octets_max)
		refuse_begin(conn, IO_FRAME_TOO_LARGE);
	else if (!has_room(conn))
		refuse_begin(conn, IO_FRAME_NO_ROOM);
	else if (conn->announced == 0)
		deliver(conn, (struct io_frame){ .octets = SLICE_EMPTY });
}

static size_t on_length(struct io_conn *conn, struct slice data)
{
	size_t want = conn->is_ipc ? HEAD_OCTETS_MAX : LENGTH_OCTETS;
	size_t taken = head_gather(conn, data, want);
	uint64_t length = 0;

	if (conn->head_len < want) {
		stall_restart(conn);
		return taken;
	}
	if (conn->is_ipc && conn->head[0] != 1) {
		conn->server->counters.frames_malformed++;
		conn_close(conn);
		return data.len;
	}
	for (size_t i = want - LENGTH_OCTETS; i < want; i++)
		length = length << 8 | conn->head[i];
	conn->announced = length;
	payload_begin(conn);
	return taken;
}

static bool large_begin(struct io_conn *conn)
{
	size_t size = (size_t)conn->announced;

	conn->large = malloc(sizeof(*conn->large) + size);
	if (!conn->large) {
		conn_close(conn);
		return false;
	}
	conn->large->size = size;
	conn->large_have = 0;
	conn->server->counters.frame_octets_held += size;
	return true;
}

static size_t on_payload(struct io_conn *conn, struct slice data, struct io_buffer *buffer)
{
	size_t taken = data.len < conn->remaining ? data.len : (size_t)conn->remaining;

	if (!conn->large && taken == conn->remaining) {
		deliver_in_buffer(conn, buffer, slice_sub(data, 0, taken));
		return taken;
	}
	/* Again: since the length came, others may have taken the room; it is this one's when the memory is. */
	if (!conn->large && !has_room(conn)) {
		refuse_begin(conn, IO_FRAME_NO_ROOM);
		return 0;
	}
	if (!conn->large && !large_begin(conn))
		return data.len;
	memcpy(conn->large->octets + conn->large_have, data.ptr, taken);
	conn->large_have += taken;
	conn->remaining -= taken;
	stall_restart(conn);
	if (conn->remaining == 0)
		deliver_large(conn);
	return taken;
}

static void on_data(struct io_conn *conn, struct slice data, struct io_buffer *buffer)
{
	conn->server->counters.octets_received += data.len;
	while (data.len && !conn->closing) {
		size_t taken = 0;

		switch (conn->phase) {
		case PHASE_GREETING: taken = on_greeting(conn, data); break;
		case PHASE_LENGTH: taken = on_length(conn, data); break;
		case PHASE_PAYLOAD: taken = on_payload(conn, data, buffer); break;
		case PHASE_DISCARD: taken = discard(conn, data); break;
		}
		data = slice_from(data, taken);
	}
}

/* --- receiving --- */

/* More than a buffer is missing: the rest is better received where it belongs. */
static bool wants_direct(const struct io_conn *conn)
{
	return conn->large && conn->remaining > IO_BUFFER_OCTETS;
}

static size_t replies_waiting(const struct io_conn *conn)
{
	return conn->out.len - conn->out_sent + conn->gather.len;
}

static bool must_pause(const struct io_conn *conn)
{
	return replies_waiting(conn) > conn->server->bounds.reply_octets_max;
}

static void conn_recv_direct(struct io_conn *conn)
{
	size_t octets = conn->remaining < DIRECT_OCTETS_MAX ? (size_t)conn->remaining : DIRECT_OCTETS_MAX;

	conn->direct = true;
	io_uring_prep_recv(io_sqe(conn->server->loop, &conn->recv_op), conn->fd, conn->large->octets + conn->large_have,
	                   octets, MSG_WAITALL);
}

static void conn_recv_arm(struct io_conn *conn)
{
	struct io_uring_sqe *sqe;

	if (conn->recv_armed || conn->direct || conn->closing || must_pause(conn))
		return;
	if (wants_direct(conn)) {
		conn_recv_direct(conn);
		return;
	}
	if (io_buffers_empty(conn->server->buffers)) {
		conn->recv_starved = true;
		return;
	}
	sqe = io_sqe(conn->server->loop, &conn->recv_op);
	io_uring_prep_recv_multishot(sqe, conn->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = io_buffers_group(conn->server->buffers);
	conn->recv_armed = true;
	conn->recv_cancelled = false;
	conn->recv_starved = false;
}

/* Ends the multishot receive, to receive otherwise or not at all; its last completion arms what comes next. */
static void conn_recv_cancel(struct io_conn *conn)
{
	if (!conn->recv_armed || conn->recv_cancelled)
		return;
	io_uring_prep_cancel64(io_sqe(conn->server->loop, NULL), conn->recv_op.id, 0);
	conn->recv_cancelled = true;
}

static void direct_complete(struct io_conn *conn, int result)
{
	conn->direct = false;
	if (result > 0 && !conn->closing) {
		conn->server->counters.octets_received += (size_t)result;
		conn->large_have += (size_t)result;
		conn->remaining -= (uint64_t)result;
		if (conn->remaining == 0)
			deliver_large(conn);
		else
			stall_restart(conn);
	} else if (result != -EINTR && result != -EAGAIN) {
		conn_close(conn);
	}
}

static void multishot_complete(struct io_conn *conn, struct io_completion completion)
{
	if (!(completion.flags & IORING_CQE_F_MORE))
		conn->recv_armed = false;
	if (completion.flags & IORING_CQE_F_BUFFER) {
		struct io_buffer *buffer = io_buffers_take(conn->server->buffers, completion.flags);

		if (completion.result > 0)
			on_data(conn, slice_of(buffer->octets, (size_t)completion.result), buffer);
		io_buffer_unpin(buffer);
	}
	if (completion.result == 0 || (completion.result < 0 && completion.result != -ENOBUFS &&
	                               completion.result != -ECANCELED && completion.result != -EINTR))
		conn_close(conn);
	if (wants_direct(conn) || must_pause(conn)) {
		if (must_pause(conn))
			conn->server->counters.reads_paused++;
		conn_recv_cancel(conn);
	}
}

static void recv_complete(void *arg, struct io_completion completion)
{
	struct io_conn *conn = arg;

	io_conn_ref(conn);
	if (conn->direct)
		direct_complete(conn, completion.result);
	else
		multishot_complete(conn, completion);
	conn_recv_arm(conn);
	conn_unlink_when_idle(conn);
	io_conn_unref(conn);
}

static void buffers_refilled(void *arg)
{
	struct io_server *server = arg;

	for (struct io_conn *conn = server->conns; conn; conn = conn->next)
		if (conn->recv_starved)
			conn_recv_arm(conn);
}

/* --- sending --- */

static bool reply_reserve(struct reply_buffer *buffer, size_t more)
{
	size_t size = buffer->size ? buffer->size : REPLY_OCTETS_FIRST;
	uint8_t *octets;

	while (size - buffer->len < more)
		size *= 2;
	if (size == buffer->size)
		return true;
	octets = realloc(buffer->octets, size);
	if (!octets)
		return false;
	buffer->octets = octets;
	buffer->size = size;
	return true;
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
	uint8_t *at;

	if (conn->closed)
		return NULL;
	if (replies_waiting(conn) / REPLIES_FLOOD > conn->server->bounds.reply_octets_max) {
		if (!conn->closing)
			conn->server->counters.connections_flooded++;
		conn_close(conn);
		return NULL;
	}
	if (!reply_reserve(&conn->gather, head + octets)) {
		conn_close(conn);
		return NULL;
	}
	at = conn->gather.octets + conn->gather.len;
	if (conn->is_ipc)
		*at++ = 1;
	for (int i = 0; i < LENGTH_OCTETS; i++)
		*at++ = (uint8_t)((uint64_t)octets >> (56 - 8 * i));
	conn->gather.len += head + octets;
	conn->server->counters.replies_sent++;
	mark_dirty(conn);
	return at;
}

/* One send is in flight per connection; replies made meanwhile are gathered and go out together. */
static void conn_send(struct io_conn *conn)
{
	if (conn->sending || conn->closed)
		return;
	if (conn->out_sent == conn->out.len) {
		struct reply_buffer empty = conn->out;

		empty.len = 0;
		conn->out = conn->gather;
		conn->gather = empty;
		conn->out_sent = 0;
	}
	if (conn->out.len == 0)
		return;
	io_uring_prep_send(io_sqe(conn->server->loop, &conn->send_op), conn->fd, conn->out.octets + conn->out_sent,
	                   conn->out.len - conn->out_sent, MSG_NOSIGNAL);
	conn->sending = true;
}

static void send_complete(void *arg, struct io_completion completion)
{
	struct io_conn *conn = arg;

	io_conn_ref(conn);
	conn->sending = false;
	if (completion.result > 0) {
		conn->out_sent += (size_t)completion.result;
		conn->server->counters.octets_sent += (size_t)completion.result;
		conn_send(conn);
		if (conn->draining && !conn->sending)
			conn_close(conn);
		conn_recv_arm(conn);
	} else if (completion.result != -EINTR && completion.result != -EAGAIN) {
		conn->out_sent = conn->out.len;
		conn->gather.len = 0;
		conn_close(conn);
	} else {
		conn_send(conn);
	}
	conn_unlink_when_idle(conn);
	io_conn_unref(conn);
}

void io_server_flush(struct io_server *server)
{
	while (server->dirty) {
		struct io_conn *conn = server->dirty;

		server->dirty = conn->next_dirty;
		conn->dirty = false;
		conn_send(conn);
		io_conn_unref(conn);
	}
}

/* --- life of a connection --- */

struct io_conn *io_conn_ref(struct io_conn *conn)
{
	conn->refs++;
	return conn;
}

void io_conn_unref(struct io_conn *conn)
{
	ASSERT(conn->refs > 0);
	if (--conn->refs > 0)
		return;
	free(conn->out.octets);
	free(conn->gather.octets);
	free(conn);
}

bool io_conn_is_closed(const struct io_conn *conn)
{
	return conn->closing;
}

unsigned *io_conn_in_flight(struct io_conn *conn)
{
	return &conn->in_flight;
}

/*
 * Nothing more is read, and what is under way ends. The memory that the kernel may still write to stays until it
 * has said that it is done: conn_unlink_when_idle().
 */
static void conn_close(struct io_conn *conn)
{
	if (conn->closing)
		return;
	conn->closing = true;
	io_timer_stop(conn->server->loop, &conn->stall);
	shutdown(conn->fd, SHUT_RDWR);
	conn_unlink_when_idle(conn);
}

static void conn_unlink_when_idle(struct io_conn *conn)
{
	struct io_server *server = conn->server;

	if (!conn->closing || conn->closed || conn->recv_armed || conn->direct || conn->sending)
		return;
	conn->closed = true;
	io_op_close(server->loop, &conn->recv_op);
	io_op_close(server->loop, &conn->send_op);
	close(conn->fd);
	if (conn->large) {
		server->counters.frame_octets_held -= conn->large->size;
		free(conn->large);
		conn->large = NULL;
	}
	free(conn->refused_head);
	conn->refused_head = NULL;
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		server->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	server->counters.connections_open--;
	server->counters.connections_closed++;
	io_conn_unref(conn);
}

static void stall_fire(void *arg)
{
	struct io_conn *conn = arg;

	/* It is not the peer that holds things up. */
	if (conn->recv_starved) {
		stall_restart(conn);
		return;
	}
	io_conn_ref(conn);
	conn->server->counters.connections_stalled++;
	conn_close(conn);
	io_conn_unref(conn);
}

static struct io_conn *conn_new(struct io_server *server, int fd, bool is_ipc)
{
	struct io_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->server = server;
	conn->fd = fd;
	conn->is_ipc = is_ipc;
	conn->refs = 1;
	io_timer_init(&conn->stall, stall_fire, conn);
	if (io_op_open(server->loop, &conn->recv_op, recv_complete, conn) == 0) {
		if (io_op_open(server->loop, &conn->send_op, send_complete, conn) == 0)
			return conn;
		io_op_close(server->loop, &conn->recv_op);
	}
	free(conn);
	return NULL;
}

static void conn_accept(struct io_server *server, int fd, bool is_ipc)
{
	struct io_conn *conn = NULL;
	int on = 1;

	if (server->counters.connections_open < server->bounds.connections_max)
		conn = conn_new(server, fd, is_ipc);
	if (!conn || !reply_reserve(&conn->gather, GREETING_OCTETS)) {
		server->counters.connections_refused++;
		close(fd);
		if (conn) {
			io_op_close(server->loop, &conn->recv_op);
			io_op_close(server->loop, &conn->send_op);
			io_conn_unref(conn);
		}
		return;
	}
	if (!is_ipc)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	conn->next = server->conns;
	if (conn->next)
		conn->next->prev = conn;
	server->conns = conn;
	server->counters.connections_open++;
	server->counters.connections_accepted++;
	memcpy(conn->gather.octets, server->greeting, GREETING_OCTETS);
	conn->gather.len = GREETING_OCTETS;
	stall_restart(conn);
	conn_send(conn);
	conn_recv_arm(conn);
}

/* --- listeners --- */

static void listener_arm(void *arg)
{
	struct listener *listener = arg;

	if (listener->op.id == 0)
		return;
	io_uring_prep_multishot_accept(io_sqe(listener->server->loop, &listener->op), listener->fd, NULL, NULL,
	                               SOCK_CLOEXEC);
	listener->accepting = true;
}

static void accept_complete(void *arg, struct io_completion completion)
{
	struct listener *listener = arg;
	struct io_server *server = listener->server;

	if (completion.result >= 0)
		conn_accept(server, completion.result, listener->is_ipc);
	if (completion.flags & IORING_CQE_F_MORE)
		return;
	listener->accepting = false;
	if (completion.result >= 0)
		listener_arm(listener);
	else
		io_timer_start(server->loop, &listener->retry, io_now_ns(server->loop) + ACCEPT_RETRY_NS);
}

int io_server_listen(struct io_server *server, int fd, bool is_ipc)
{
	struct listener *listener;

	if (server->listeners_count == IO_LISTENERS_MAX || !(listener = calloc(1, sizeof(*listener))))
		return -ENOMEM;
	*listener = (struct listener){ .server = server, .fd = fd, .is_ipc = is_ipc };
	io_timer_init(&listener->retry, listener_arm, listener);
	if (io_op_open(server->loop, &listener->op, accept_complete, listener) < 0) {
		free(listener);
		return -ENOMEM;
	}
	server->listeners[server->listeners_count++] = listener;
	listener_arm(listener);
	return 0;
}

void io_server_stop_listening(struct io_server *server)
{
	for (size_t i = 0; i < server->listeners_count; i++) {
		struct listener *listener = server->listeners[i];

		io_timer_stop(server->loop, &listener->retry);
		if (listener->accepting)
			io_uring_prep_cancel64(io_sqe(server->loop, NULL), listener->op.id, 0);
		io_op_close(server->loop, &listener->op);
		free(listener);
	}
	server->listeners_count = 0;
}

/* --- the server --- */

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
	size_t buffers_max = bounds->frames_octets_max / IO_BUFFER_OCTETS;
	int result;

	if (!server) {
		snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
		return -ENOMEM;
	}
	result = io_buffers_new(loop, buffers_max > IO_BUFFERS_RING ? buffers_max : IO_BUFFERS_RING, &server->buffers,
	                        problem);
	if (result < 0) {
		free(server);
		return result;
	}
	server->loop = loop;
	server->bounds = *bounds;
	server->ops = ops;
	server->arg = arg;
	greeting_make(server->greeting, protocol);
	greeting_make(server->peer_greeting, peer_protocol);
	io_buffers_on_refill(server->buffers, buffers_refilled, server);
	*out = server;
	return 0;
}

void io_server_close(struct io_server *server, bool at_once)
{
	io_server_flush(server);
	for (struct io_conn *conn = server->conns, *next; conn; conn = next) {
		next = conn->next;
		conn->draining = true;
		if (at_once || !conn->sending)
			conn_close(conn);
	}
}

bool io_server_is_closed(const struct io_server *server)
{
	return server->conns == NULL;
}

void io_server_free(struct io_server *server)
{
	if (!server)
		return;
	ASSERT(!server->conns && server->listeners_count == 0);
	io_buffers_free(server->buffers);
	free(server);
}

const struct io_server_counters *io_server_counters(const struct io_server *server)
{
	return &server->counters;
}
