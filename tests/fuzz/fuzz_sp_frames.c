/*
 * Goal:   however a peer's octets are cut, the same frames come out of them, and all memory is given back.
 * Method: the first octet says whether it is ipc, the rest is what the peer sends, read in large pieces and octet by octet.
 *         frames.c and blocks.c are the real ones; this file is the connection around them. Bounds are small, so that inputs
 *         of a few octets reach them.
 */
#include "io/conn.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_MAX = 2000 };

static uint64_t seen; /* a digest of what was delivered */

static void see(const void *octets, size_t len)
{
	const uint8_t *at = octets;

	for (size_t i = 0; i < len; i++)
		seen = (seen ^ at[i]) * UINT64_C(0x100000001b3);
}

static void on_frame(void *arg, struct io_conn *conn, struct io_frame frame)
{
	(void)arg;
	(void)conn;
	ASSERT(frame.octets.len <= frame.announced);
	ASSERT(frame.state != IO_FRAME_WHOLE || (frame.octets.len == frame.announced && frame.octets.len <= FRAME_MAX));
	see(&frame.state, sizeof(frame.state));
	see(&frame.announced, sizeof(frame.announced));
	see(frame.octets.ptr, frame.octets.len);
	io_frame_release(&frame);
}

void conn_close(struct io_conn *conn)
{
	conn->closed = true;
	frames_drop(conn);
}

struct io_conn *io_conn_ref(struct io_conn *conn)
{
	conn->refs++;
	return conn;
}

void io_conn_unref(struct io_conn *conn)
{
	conn->refs--;
}

static void refilled(void *arg)
{
	(void)arg;
}

/* As a read does: first the rest of the frame under way, then into the block. */
static void feed(struct io_conn *conn, const uint8_t *data, size_t len)
{
	struct io_block *block = io_blocks_room(conn->server->blocks);
	uint8_t *behind = block->octets + block->used;
	size_t of_frame = conn->frame ? (size_t)conn->remaining : 0;

	of_frame = of_frame < len ? of_frame : len;
	if (of_frame)
		memcpy(conn->frame + (conn->announced - conn->remaining), data, of_frame);
	memcpy(behind, data + of_frame, len - of_frame);
	frames_take(conn, block, behind, len);
	io_block_unpin(block);
}

static uint64_t run(const uint8_t *data, size_t size, bool is_ipc, size_t piece)
{
	static const struct io_server_ops ops = { .frame = on_frame };
	struct io_server server = { .bounds = { .frame_octets_max = FRAME_MAX,
		                                .frames_octets_max = FRAME_MAX,
		                                .connection_octets_max = FRAME_MAX - 500 },
		                    .spares = { .octets_max = FRAME_MAX },
		                    .peer_greeting = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 },
		                    .ops = &ops };
	struct io_conn conn = { .server = &server, .is_ipc = is_ipc };

	server.blocks = io_blocks_new(0, refilled, NULL);
	ASSERT(server.blocks);
	seen = 0;
	for (size_t at = 0; at < size && !conn.closed; at += piece)
		feed(&conn, data + at, size - at < piece ? size - at : piece);
	see(&conn.closed, sizeof(conn.closed));
	frames_drop(&conn);
	ASSERT(conn.refs == 0 && conn.frame_octets_held == 0 && server.counters.frame_octets_held == 0);
	io_spares_drop(&server.spares);
	io_blocks_free(server.blocks);
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_ipc;
	uint64_t whole;

	if (size == 0)
		return 0;
	is_ipc = data[0] & 1;
	whole = run(data + 1, size - 1, is_ipc, IO_BLOCK_OCTETS / 4);
	ASSERT(run(data + 1, size - 1, is_ipc, 1) == whole);
	ASSERT(run(data + 1, size - 1, is_ipc, 7) == whole);
	return 0;
}
