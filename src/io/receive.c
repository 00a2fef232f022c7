#include "io/conn.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#define READ_OCTETS_MAX ((size_t)1 << 20) /* of one frame in one read: others are waiting */
#define PART_OCTETS_MAX ((size_t)2 << 20) /* of all reads in one turn, with IO_READING_PART */
#define TURN_OCTETS_MAX ((size_t)4 << 20) /* with IO_READING_ALL: what was read is waiting too */
#define DEEP_OCTETS ((size_t)128 << 10) /* of one read: the socket was full, or nearly (a buffer holds some 200 KiB) */

#define TURN_HANDSHAKES_MAX 2 /* steps, of about a millisecond each with RSA: as much as a turn's evaluations */

size_t receive_places(const struct io_conn *conn, struct io_block *block, struct iovec places[2], size_t *octets_out)
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

/* One read. Returns its octets. */
static size_t read_once(struct io_conn *conn, struct io_block *block)
{
	struct iovec places[2];
	struct msghdr message = { .msg_iov = places };
	size_t room;
	/* Where the block is read into is known before what arrives may take more of it. */
	const uint8_t *behind = block ? block->octets + block->used : NULL;
	ssize_t octets;

	message.msg_iovlen = receive_places(conn, block, places, &room);
	octets = recvmsg(conn->fd, &message, MSG_DONTWAIT);
	if (octets > 0) {
		/*
		 * Less than there was room for: that was all, and the poll tells of more; but not again of the end. Behind a full
		 * socket there is more to come.
		 */
		conn->readable = (size_t)octets == room || (size_t)octets >= DEEP_OCTETS || conn->hung_up;
		frames_take(conn, block, behind, (size_t)octets);
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
	bool pause = replies_waiting(conn) > conn->server->bounds.reply_octets_max &&
	             !(conn->tls && conn->tls->send_waits_for_peer);

	if (pause && !conn->paused)
		conn->server->counters.reads_paused++;
	conn->paused = pause;
	return pause;
}

/* Returns the octets read; 0 where there is no room for any. */
static size_t receive(struct io_conn *conn)
{
	struct io_block *block = io_blocks_room(conn->server->blocks);
	size_t octets = 0;

	frames_count_memory(conn->server);
	if (!block)
		conn->server->counters.reads_starved++;
	if (block || conn->frame)
		octets = conn->tls ? conn_tls_receive(conn, block) : read_once(conn, block);
	if (block)
		io_block_unpin(block);
	if (conn->closed)
		return octets;
	conn_touch(conn);
	if (frames_is_between(conn) && !(conn->tls && tls_session_is_holding(&conn->tls->session)))
		stall_end(conn, &conn->receiving);
	else
		stall_begin(conn, &conn->receiving);
	return octets;
}

/* --- whose turn it is --- */

static struct line *line_of(struct io_conn *conn)
{
	return conn_tls_is_shaking(conn) ? &conn->server->shaking_ready : &conn->server->ready;
}

static void line_add(struct line *line, struct io_conn *conn)
{
	conn->ready = true;
	conn->next_ready = NULL;
	*line->end = io_conn_ref(conn);
	line->end = &conn->next_ready;
}

static struct io_conn *line_take(struct line *line)
{
	struct io_conn *conn = line->first;

	line->first = conn->next_ready;
	if (!line->first)
		line->end = &line->first;
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
	line_add(line_of(conn), conn);
	read_start(conn->server);
}

/* Returns whether there are more. Those whose handshake is done go on in the other line. */
static bool handshakes_go_on(struct io_server *server)
{
	for (unsigned i = 0; i < TURN_HANDSHAKES_MAX && server->shaking_ready.first; i++) {
		struct io_conn *conn = line_take(&server->shaking_ready);

		if (!conn->closed)
			conn_tls_shake(conn);
		receive_soon(conn);
		io_conn_unref(conn);
	}
	return server->shaking_ready.first;
}

struct round {
	size_t octets;
	unsigned reads, deep_reads;
};

/*
 * One read for each that is ready, first come first served; who has more to be read gets in line again. Who finds no room stays
 * in line until there is some.
 */
static struct round read_round(struct io_server *server, size_t octets_max)
{
	struct io_conn **end = server->ready.end;
	struct round round = { .octets = 0 };
	bool last = !server->ready.first;

	while (!last && round.octets < octets_max) {
		struct io_conn *conn = line_take(&server->ready);
		size_t got = 0;

		last = &conn->next_ready == end;
		if (!conn->closed && !must_pause(conn)) {
			got = receive(conn);
			round.octets += got;
			round.reads++;
			round.deep_reads += got >= DEEP_OCTETS;
			if (conn->readable && !conn->closed && !conn->ready)
				line_add(&server->ready, conn);
		}
		io_conn_unref(conn);
	}
	return round;
}

/*
 * Round after round while sockets are found full, for their peers go on writing as soon as there is room: what is left unread waits
 * where nobody sees it, and one round a turn is not enough for three times of what can be evaluated (bench/RESULTS.md).
 */
void receive_ready(void *arg)
{
	struct io_server *server = arg;
	bool all = server->reading == IO_READING_ALL;
	size_t left = all ? TURN_OCTETS_MAX : PART_OCTETS_MAX;
	struct round first = read_round(server, left), round = first;

	left -= first.octets < left ? first.octets : left;
	while (left && round.deep_reads) {
		round = read_round(server, left);
		left -= round.octets < left ? round.octets : left;
	}
	if (left == 0)
		server->backlog = all ? IO_BACKLOG_MORE : IO_BACKLOG_PART;
	else
		server->backlog = first.deep_reads > first.reads / 2 ? IO_BACKLOG_FULL : IO_BACKLOG_NONE;
	if (handshakes_go_on(server) || (server->ready.first && round.octets))
		read_start(server);
}

void io_server_read(struct io_server *server, enum io_reading reading)
{
	server->reading = reading;
}

enum io_backlog io_server_backlog(const struct io_server *server)
{
	return server->backlog;
}

void receive_forget(struct io_server *server)
{
	while (server->ready.first)
		io_conn_unref(line_take(&server->ready));
	while (server->shaking_ready.first)
		io_conn_unref(line_take(&server->shaking_ready));
}

void receive_refilled(void *arg)
{
	struct io_server *server = arg;

	if (server->ready.first)
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
