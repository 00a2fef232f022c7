#include "io/conn.h"

#include <string.h>

#define SPARES_AGE_NS INT64_C(1000000000)
#define DISCARD_OCTETS_MAX ((uint64_t)1 << 30) /* of one frame that is not taken; a longer one closes the connection */

static void octets_held_change(struct io_conn *conn, size_t more, size_t less)
{
	conn->frame_octets_held += more - less;
	conn->server->counters.frame_octets_held += more - less;
}

/* What load has left behind is given back a little after it. */
static void spares_watch(struct io_server *server)
{
	if (server->spares.octets > IO_SPARES_OCTETS_FEW && !server->spares_age.running)
		io_timer_start(server->loop, &server->spares_age, io_now_ns(server->loop) + SPARES_AGE_NS);
}

void frames_count_memory(struct io_server *server)
{
	server->counters.block_octets = io_blocks_octets(server->blocks) + server->spares.octets;
}

void frames_spares_fire(void *arg)
{
	struct io_server *server = arg;

	io_spares_age(&server->spares);
	frames_count_memory(server);
	spares_watch(server);
}

static void memory_give(struct io_server *server, void *memory, size_t octets)
{
	io_spares_give(&server->spares, memory, octets);
	spares_watch(server);
}

void io_frame_release(struct io_frame *frame)
{
	if (!frame->conn)
		return;
	octets_held_change(frame->conn, 0, frame->octets.len);
	if (frame->owner_is_block)
		io_block_unpin(frame->owner);
	else
		memory_give(frame->conn->server, frame->owner, frame->octets.len);
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
	conn->refused_head = io_spares_take(&conn->server->spares, IO_FRAME_HEAD_OCTETS);
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
	memory_give(server, head, IO_FRAME_HEAD_OCTETS);
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
	conn->frame = io_spares_take(&conn->server->spares, (size_t)conn->announced);
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

void frames_take(struct io_conn *conn, struct io_block *block, const uint8_t *behind, size_t octets)
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

bool frames_is_between(const struct io_conn *conn)
{
	return conn->phase == PHASE_LENGTH && conn->head_len == 0;
}

void frames_drop(struct io_conn *conn)
{
	if (conn->frame) {
		octets_held_change(conn, 0, (size_t)conn->announced);
		memory_give(conn->server, conn->frame, (size_t)conn->announced);
		conn->frame = NULL;
	}
	memory_give(conn->server, conn->refused_head, IO_FRAME_HEAD_OCTETS);
	conn->refused_head = NULL;
}
