/*
 * server.h - listeners and connections that carry frames of the scalability protocols (SP, as nng speaks them).
 *
 * Source:    the SP transport mappings over TCP (sp-tcp-mapping-01) and IPC (sp-ipc-mapping-01): both sides greet with
 *            8 octets (0 'S' 'P' 0, protocol number, 0 0), then messages follow, each behind its length in 64 bits;
 *            over IPC an octet of value 1 stands before the length.
 * Frames:    a frame is handed over where it was read; what was not there yet when its beginning was read is read to its
 *            place behind it. It is copied only where a block of memory (blocks.h) ends within it, and then only its beginning.
 * Fairness:  every connection that can be read is read once, a bounded number of octets, before any is read again; what all of
 *            them send in a turn is bounded too. TLS handshakes, each a hundred times dearer than a read, have a turn's end to
 *            themselves, a few of them a turn.
 * Ownership: a frame is its receiver's until io_frame_release(). A connection outlives its socket as long as
 *            somebody holds a reference; what is sent on a closed one is dropped.
 * Threading: the loop's thread.
 * Bounds:    struct io_server_bounds; each has a counter in struct io_server_counters.
 */
#ifndef ASSAY_IO_SERVER_H
#define ASSAY_IO_SERVER_H

#include "base/slice.h"
#include "io/loop.h"
#include "io/peers.h"
#include "io/tls.h"

struct io_server;
struct io_conn;

struct io_server_bounds {
	size_t connections_max;     /* above it the one that has been idle for longest is closed for a new one */
	size_t frame_octets_max;    /* a larger frame is announced as IO_FRAME_TOO_LARGE and its rest thrown away */
	size_t frames_octets_max;   /* of all frames received or under way; above it IO_FRAME_NO_ROOM */
	size_t connection_octets_max; /* of those of one connection; above it IO_FRAME_CONN_NO_ROOM */
	size_t reply_octets_max;    /* waiting on one connection; above it the connection is not read from, and far above closed */
	/* Of a greeting, a frame begun, or replies that wait: in every stall_ns_max so many octets move, or it is closed. */
	int64_t stall_ns_max;
	size_t stall_octets_min;
	int64_t idle_ns_max;        /* so long without a request, and it is closed; 0: never */
	unsigned keepalive_s;       /* of tcp: so long silent, and the kernel asks whether the peer's host is still there; 0: never */
	int64_t handshake_ns_max;   /* TLS: longer, and it is closed */
	unsigned handshakes_max;    /* under way at once; for one more the oldest is closed */
};

struct io_server_counters {
	uint64_t connections_accepted, connections_refused, connections_closed, connections_evicted;
	uint64_t connections_stalled, connections_send_stalled, connections_flooded;
	uint64_t connections_unwelcome, connections_idle; /* by the rules for peers; closed at idle_ns_max */
	uint64_t handshakes, handshakes_evicted, handshakes_failed[IO_TLS_FAILURES];
	uint64_t tls_broken; /* after the handshake: what came was not TLS any more */
	uint64_t frames_received, frames_too_large, frames_no_room, frames_conn_no_room, frames_malformed;
	uint64_t replies_sent;
	uint64_t reads_paused, reads_starved; /* replies are not taken; no block had room */
	uint64_t octets_received, octets_sent;
	size_t connections_open, frame_octets_held;
	size_t block_octets; /* memory that is read into, and kept for that */
};

enum io_frame_state {
	IO_FRAME_WHOLE,
	IO_FRAME_TOO_LARGE, /* only the first octets (IO_FRAME_HEAD_OCTETS or fewer) are there */
	IO_FRAME_NO_ROOM,   /* as above */
	IO_FRAME_CONN_NO_ROOM, /* as above: on this connection */
};

#define IO_FRAME_HEAD_OCTETS ((size_t)1024)

struct io_frame {
	struct slice octets;
	enum io_frame_state state;
	uint64_t announced;     /* the length that the peer announced */
	void *owner;            /* of frames.c */
	bool owner_is_block;
	struct io_conn *conn;   /* a reference; NULL: there is nothing to release */
};

struct io_server_ops {
	/* A frame came; it is the receiver's now. May reply, or close, before it returns. */
	void (*frame)(void *arg, struct io_conn *conn, struct io_frame frame);
	/*
	 * A connection came on an ipc socket, from which several servers accept: the kernel wakes the same one of them each time. True:
	 * the descriptor was taken, for another server's io_server_adopt(). NULL: none is.
	 */
	bool (*hand_over)(void *arg, int fd);
};

/* `protocol`: our SP protocol number; peers must greet with `peer_protocol`. */
MUST_CHECK int io_server_new(struct io_loop *loop, const struct io_server_bounds *bounds, uint16_t protocol,
                             uint16_t peer_protocol, const struct io_server_ops *ops, void *arg,
                             struct io_server **out, char problem[IO_PROBLEM_SIZE]);
/* After io_server_stop_listening() and io_server_close(), and when io_server_is_closed(). */
void io_server_free(struct io_server *server);

/* Serves a listening socket (see listen.h). The descriptor and the rules stay the caller's; they may serve several loops. */
MUST_CHECK int io_server_listen(struct io_server *server, int fd, const struct io_peer_rules *rules);
/* A connection of an ipc socket that another server accepted, and found welcome; the descriptor is this one's now. */
void io_server_adopt(struct io_server *server, int fd);
/* Takes no new connections; those there are go on. The descriptors are in use until io_server_is_closed(). */
void io_server_stop_listening(struct io_server *server);
/* Sends what io_conn_reply() gathered; to be called at the end of every turn. */
void io_server_flush(struct io_server *server);
/* How far a turn reads. */
enum io_reading {
	IO_READING_PART, /* no more than will still be in the processor's caches when it is evaluated */
	IO_READING_ALL,  /* what waits, all of it if that can be: who does not read does not know how long it waits */
};

/* From the next turn on; at first IO_READING_PART. */
void io_server_read(struct io_server *server, enum io_reading reading);

/* How much waited to be read in this turn: what came with it has waited for who reads, and more waits in the peers. */
enum io_backlog {
	IO_BACKLOG_NONE,
	IO_BACKLOG_PART, /* with IO_READING_PART: as much as that, and nobody looked what is behind it */
	IO_BACKLOG_FULL, /* most sockets were found full */
	IO_BACKLOG_MORE, /* with IO_READING_ALL: not all could be read */
};

enum io_backlog io_server_backlog(const struct io_server *server);
/* Closes every connection: each when its replies are out, or at once. May be called again. */
void io_server_close(struct io_server *server, bool at_once);
/* There are no connections, and when listening was stopped, none can come. */
bool io_server_is_closed(const struct io_server *server);
const struct io_server_counters *io_server_counters(const struct io_server *server);

void io_frame_release(struct io_frame *frame);

struct io_conn *io_conn_ref(struct io_conn *conn);
void io_conn_unref(struct io_conn *conn);
bool io_conn_is_closed(const struct io_conn *conn);
/* For the receiver's own bookkeeping, zero at first. */
struct io_conn_use {
	unsigned in_flight; /* as long as it is not 0, the connection is not idle */
	unsigned queued;    /* of them, those in a queue, and the first there */
	void *first_queued;
};

struct io_conn_use *io_conn_use(struct io_conn *conn);

/*
 * Room for a message of exactly `octets`, to be filled before anything else is called on this connection; it is sent by
 * the next io_server_flush(). NULL: the connection is closed, or is now, since memory ran out or far too many replies wait: nothing is to be done.
 */
uint8_t *io_conn_reply(struct io_conn *conn, size_t octets);

#endif
