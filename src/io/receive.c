#include "io/conn.h"

#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define DISCARD_OCTETS_MAX ((uint64_t)1 << 30) /* of one frame that is not taken; a longer one closes the connection */
#define READ_OCTETS_MAX ((size_t)1 << 20)      /* of one frame in one read: others are waiting */
#define TURN_OCTETS_MAX ((size_t)4 << 20)      /* of all reads in one turn: what was read is waiting too */

/* --- frames --- */

static void octets_held_change(struct io_conn *conn, size_t more, size_t less)
{
	conn->frame_octets_held += more - less;
	conn->server->counters.frame_octets_held += more - less;
}

void io_frame_release(struct io_frame *frame)
{
	if (!frame->conn)
		return;
	octets_held_change(frame->conn, 0, frame->octets.len);
	if (frame->owner_is_block)
		io_block_unpin(frame->owner);
	else
		free(frame->owner);
	io_conn_unref(frame->conn);
	frame->conn = NULL;
}

static void frame_over(struct io_conn *conn)
{
	conn->phase = PHASE_LENGTH;
	conn->head_len = 0;
}

/* Its octets are counted as held already. */
static void deliver(struct io_conn *conn, struct io_frame frame)
{
	struct io_server *server = conn->server;

	frame.announced = conn->announced;
	if (frame.owner)
		frame.conn = io_conn_ref(conn);
	server->counters.frames_received++;
	frame_over(conn);
	server->ops->frame(server->arg, conn, frame);
}

/* A frame that came whole stays where it was read. */
static void deliver_in_block(struct io_conn *conn, struct io_block *block, struct slice octets)
{
	io_block_keep(block, (size_t)(octets.ptr - block->octets) + octets.len);
	octets_held_change(conn, octets.len, 0);
	deliver(conn, (struct io_frame){ .octets = octets, .owner = block, .owner_is_block = true });
}

static void deliver_own(struct io_conn *conn)
{
	uint8_t *octets = conn->frame;

	conn->frame = NULL;
	deliver(conn, (struct io_frame){ .octets = slice_of(octets, (size_t)conn->announced), .owner = octets });
}

static void refuse_begin(struct io_conn *conn, enum io_frame_state state)
{
	struct io_server_counters *counters = &conn->server->counters;

	switch (state) {
	case IO_FRAME_TOO_LARGE: counters->frames_too_large++; break;
	case IO_FRAME_CONN_NO_ROOM: counters->frames_conn_no_room++; break;
	default: counters->frames_no_room++; break;
	}
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
		                  .announced = conn->announced };

	conn->refused_head = NULL;
	server->ops->frame(server->arg, conn, frame);
	free(head);
}

static size_t on_discard(struct io_conn *conn, struct slice data)
{
	size_t taken = data.len < conn->remaining ? data.len : (size_t)conn->remaining;

	conn->remaining -= taken;
	if (conn->refused_head) {
		size_t kept = IO_FRAME_HEAD_OCTETS - conn->refused_len;

		kept = kept < taken ? kept : taken;
		memcpy(conn->refused_head + conn->refused_len, data.ptr, kept);
		conn->refused_len += kept;
		if (conn->refused_len == IO_FRAME_HEAD_OCTETS || conn->remaining == 0)
			refuse_announce(conn);
	}
	if (conn->remaining == 0)
		frame_over(conn);
	return taken;
}

/* --- what arrives, in the order of a connection's octets --- */

/* Gathers `want` octets in conn->head; returns how many of `data` it took. */
static size_t head_gather(struct io_conn *conn, struct slice data, size_t want)
{
	size_t taken = want - conn->head_len;

	taken = taken < data.len ? taken : data.len;
	memcpy(conn->head + conn->head_len, data.ptr, taken);
	conn->head_len += taken;
	return taken;
}

static void malformed(struct io_conn *conn)
{
	conn->server->counters.frames_malformed++;
	conn_close(conn);
}

static size_t on_greeting(struct io_conn *conn, struct slice data)
{
	size_t taken = head_gather(conn, data, GREETING_OCTETS);

	if (conn->head_len < GREETING_OCTETS)
		return taken;
	if (memcmp(conn->head, conn->server->peer_greeting, GREETING_OCTETS) != 0)
		malformed(conn);
	else
		frame_over(conn);
	return taken;
}

/* Whether the frame announced may be taken, and if not, why. */
static enum io_frame_state admit(const struct io_conn *conn)
{
	const struct io_server *server = conn->server;

	if (conn->announced > server->bounds.frame_octets_max)
		return IO_FRAME_TOO_LARGE;
	if (server->counters.frame_octets_held + conn->announced > server->bounds.frames_octets_max)
		return IO_FRAME_NO_ROOM;
	if (conn->frame_octets_held + conn->announced > server->bounds.connection_octets_max)
		return IO_FRAME_CONN_NO_ROOM;
	return IO_FRAME_WHOLE;
}

static void payload_begin(struct io_conn *conn)
{
	enum io_frame_state state = admit(conn);

	conn->remaining = conn->announced;
	conn->phase = PHASE_PAYLOAD;
	if (state != IO_FRAME_WHOLE)
		refuse_begin(conn, state);
	else if (conn->announced == 0)
		deliver(conn, (struct io_frame){ .octets = SLICE_EMPTY });
}

static size_t on_length(struct io_conn *conn, struct slice data)
{
	size_t want = conn->is_ipc ? HEAD_OCTETS_MAX : LENGTH_OCTETS;
	size_t taken = head_gather(conn, data, want);
	uint64_t length = 0;

	if (conn->head_len < want)
		return taken;
	if (conn->is_ipc && conn->head[0] != 1) {
		malformed(conn);
		return taken;
	}
	for (size_t i = want - LENGTH_OCTETS; i < want; i++)
		length = length << 8 | conn->head[i];
	conn->announced = length;
	payload_begin(conn);
	return taken;
}

/* Memory for a frame that did not come whole: what comes next is read to its place there. */
static int frame_begin(struct io_conn *conn, struct slice first)
{
	conn->frame = malloc((size_t)conn->announced);
	if (!conn->frame)
		return -ENOMEM;
	octets_held_change(conn, (size_t)conn->announced, 0);
	memcpy(conn->frame, first.ptr, first.len);
	conn->remaining -= first.len;
	return 0;
}

static size_t on_payload(struct io_conn *conn, struct slice data, struct io_block *block)
{
	/* Again: since the length came, others may have taken the room; it is this one's when the memory is. */
	enum io_frame_state state = admit(conn);

	if (state != IO_FRAME_WHOLE) {
		refuse_begin(conn, state);
		return 0;
	}
	if (data.len >= conn->announced) {
		deliver_in_block(conn, block, slice_sub(data, 0, (size_t)conn->announced));
		return (size_t)conn->announced;
	}
	if (frame_begin(conn, data) < 0)
		conn_close(conn);
	return data.len;
}

static void on_data(struct io_conn *conn, struct io_block *block, struct slice data)
{
	while (data.len && !conn->closed) {
		size_t taken = 0;

		switch (conn->phase) {
		case PHASE_GREETING: taken = on_greeting(conn, data); break;
		case PHASE_LENGTH: taken = on_length(conn, data); break;
		case PHASE_PAYLOAD: taken = on_payload(conn, data, block); break;
		case PHASE_DISCARD: taken = on_discard(conn, data); break;
		}
		data = slice_from(data, taken);
	}
}

void receive_drop(struct io_conn *conn)
{
	if (conn->frame) {
		octets_held_change(conn, 0, (size_t)conn->announced);
		free(conn->frame);
		conn->frame = NULL;
	}
	free(conn->refused_head);
	conn->refused_head = NULL;
}

/* --- reading --- */

/* The rest of a frame goes where its beginning is, what follows behind it into the block. */
static size_t places_for(const struct io_conn *conn, struct io_block *block, struct iovec places[2], size_t *octets_out)
{
	size_t count = 0;

	*octets_out = 0;
	if (conn->frame) {
		size_t rest = conn->remaining < READ_OCTETS_MAX ? (size_t)conn->remaining : READ_OCTETS_MAX;

		places[count++] = (struct iovec){ conn->frame + (conn->announced - conn->remaining), rest };
		*octets_out += rest;
		if (rest < conn->remaining)
			return count;
	}
	if (block) {
		places[count++] = (struct iovec){ block->octets + block->used, IO_BLOCK_OCTETS - block->used };
		*octets_out += IO_BLOCK_OCTETS - block->used;
	}
	return count;
}

static void octets_arrived(struct io_conn *conn, struct io_block *block, const uint8_t *behind, size_t octets)
{
	size_t of_frame = 0;

	conn->receiving.moved += octets;
	conn->server->counters.octets_received += octets;
	if (conn->frame) {
		of_frame = octets < conn->remaining ? octets : (size_t)conn->remaining;
		conn->remaining -= of_frame;
		if (conn->remaining == 0)
			deliver_own(conn);
	}
	if (octets > of_frame)
		on_data(conn, block, slice_of(behind, octets - of_frame));
}

/* One read. Returns its octets. */
static size_t read_once(struct io_conn *conn, struct io_block *block)
{
	struct iovec places[2];
	struct msghdr message = { .msg_iov = places };
	size_t room;
	/* Where the block is read into is known before what arrives may take more of it. */
	const uint8_t *behind = block ? block->octets + block->used : NULL;
	ssize_t octets;

	message.msg_iovlen = places_for(conn, block, places, &room);
	octets = recvmsg(conn->fd, &message, MSG_DONTWAIT);
	if (octets > 0) {
		/* Less than there was room for: that was all, and the poll tells of more; but not again of the end. */
		conn->readable = (size_t)octets == room || conn->hung_up;
		octets_arrived(conn, block, behind, (size_t)octets);
		return (size_t)octets;
	}
	if (octets < 0 && errno == EAGAIN)
		conn->readable = false;
	else if (octets == 0 || errno != EINTR)
		conn_close(conn);
	return 0;
}

static bool must_pause(struct io_conn *conn)
{
	bool pause = replies_waiting(conn) > conn->server->bounds.reply_octets_max;

	if (pause && !conn->paused)
		conn->server->counters.reads_paused++;
	conn->paused = pause;
	return pause;
}

static bool is_between_frames(const struct io_conn *conn)
{
	return conn->phase == PHASE_LENGTH && conn->head_len == 0;
}

/* Returns the octets read; 0 where there is no room for any. */
static size_t receive(struct io_conn *conn)
{
	struct io_block *block = io_blocks_room(conn->server->blocks);
	size_t octets = 0;

	if (block || conn->frame)
		octets = read_once(conn, block);
	if (block)
		io_block_unpin(block);
	if (conn->closed)
		return octets;
	conn_touch(conn);
	if (is_between_frames(conn))
		stall_end(conn, &conn->receiving);
	else
		stall_begin(conn, &conn->receiving);
	return octets;
}

/* --- whose turn it is --- */

static void ready_add(struct io_conn *conn)
{
	struct io_server *server = conn->server;

	conn->ready = true;
	conn->next_ready = NULL;
	*server->ready_end = io_conn_ref(conn);
	server->ready_end = &conn->next_ready;
}

static struct io_conn *ready_take(struct io_server *server)
{
	struct io_conn *conn = server->ready;

	server->ready = conn->next_ready;
	if (!server->ready)
		server->ready_end = &server->ready;
	conn->ready = false;
	return conn;
}

static void read_start(struct io_server *server)
{
	io_timer_start(server->loop, &server->read, io_now_ns(server->loop));
}

void receive_soon(struct io_conn *conn)
{
	if (conn->closed || conn->ready || !conn->readable)
		return;
	ready_add(conn);
	read_start(conn->server);
}

/*
 * One read for each that is ready, first come first served; who has more to be read comes again in the next turn. Who
 * finds no room stays in line until there is some.
 */
void receive_ready(void *arg)
{
	struct io_server *server = arg;
	struct io_conn **end = server->ready_end;
	size_t octets = 0;
	bool more = false, last = !server->ready;

	while (!last && octets < TURN_OCTETS_MAX) {
		struct io_conn *conn = ready_take(server);
		size_t got = 0;

		last = &conn->next_ready == end;
		if (!conn->closed && !must_pause(conn)) {
			octets += got = receive(conn);
			if (conn->readable && !conn->closed && !conn->ready) {
				ready_add(conn);
				more |= got > 0;
			}
		}
		io_conn_unref(conn);
	}
	if (more || !last)
		read_start(server);
}

void receive_forget(struct io_server *server)
{
	while (server->ready)
		io_conn_unref(ready_take(server));
}

void receive_refilled(void *arg)
{
	struct io_server *server = arg;

	if (server->ready)
		read_start(server);
}

static void poll_arm(struct io_conn *conn)
{
	io_uring_prep_poll_multishot(io_sqe(conn->server->loop, &conn->readable_op), conn->fd, POLLIN | POLLRDHUP);
}

static void on_readable(void *arg, struct io_completion completion)
{
	struct io_conn *conn = arg;

	conn->readable = true;
	conn->hung_up |= completion.result < 0 || completion.result & (POLLRDHUP | POLLHUP | POLLERR);
	if (!(completion.flags & IORING_CQE_F_MORE))
		poll_arm(conn);
	receive_soon(conn);
}

int receive_watch(struct io_conn *conn)
{
	TRY(io_op_open(conn->server->loop, &conn->readable_op, on_readable, conn));
	poll_arm(conn);
	return 0;
}
