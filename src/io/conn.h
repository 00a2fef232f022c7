/*
 * conn.h - what a server and its connections are made of; private to src/io.
 *
 * accept.c makes connections of a listener's, conn.c is their life, receive.c and send.c move octets, frames.c makes
 * frames of them, server.c is the whole.
 *
 * The ring tells when a connection can be read or written (a poll); the octets are then moved by plain system calls. So memory
 * is needed only while octets are moved, for all connections the same, and the kernel never holds any of it: a
 * connection can be closed at any moment.
 */
#ifndef ASSAY_IO_CONN_H
#define ASSAY_IO_CONN_H

#include "io/blocks.h"
#include "io/listen.h"
#include "io/server.h"
#include "io/spares.h"

#define GREETING_OCTETS 8
#define LENGTH_OCTETS 8
#define HEAD_OCTETS_MAX (LENGTH_OCTETS + 1)

enum conn_phase { PHASE_GREETING, PHASE_LENGTH, PHASE_PAYLOAD, PHASE_DISCARD };

/*
 * Something was begun in one direction and is not at its end: in every stall_ns_max, stall_octets_min octets have to move,
 * or it ends.
 */
struct stall {
	struct io_timer timer;
	uint64_t moved, moved_before; /* octets, of all time; when the timer was started */
};

struct reply_buffer {
	struct reply_buffer *next_spare;
	size_t len, sent, size;
	uint8_t octets[];
};

struct io_conn {
	struct io_server *server;
	struct io_conn *next, *prev;       /* of the server's list, the last one used first */
	struct io_conn *next_ready;        /* to be read from */
	struct io_conn *next_dirty;        /* has replies to send at the end of the turn */
	unsigned refs;                     /* one is the server's, while the socket is open */
	struct io_conn_use use;
	size_t frame_octets_held;
	int fd;
	bool is_ipc, closed, draining, ready, dirty;
	/* Receiving. */
	struct io_op readable_op;
	bool readable, hung_up;            /* there may be octets; after them comes the end */
	bool paused;                       /* not read from: its replies are not taken */
	enum conn_phase phase;
	struct stall receiving;
	uint8_t head[HEAD_OCTETS_MAX];
	size_t head_len;
	uint64_t announced, remaining;     /* octets of the payload; those still to come */
	uint8_t *frame;                    /* memory of one that did not come whole; else NULL */
	uint8_t *refused_head;             /* what is kept of a frame that is not taken */
	size_t refused_len;
	enum io_frame_state refused_state;
	/* Sending. */
	struct io_op writable_op;
	bool blocked;                      /* the socket takes no more; a poll says when it does */
	struct stall sending;
	struct reply_buffer *replies;      /* NULL: none wait */
};

struct listener {
	struct io_server *server;
	struct listener *next;
	struct io_op op;
	struct io_timer retry;
	int fd;
	bool is_ipc, accepting, stopped;
};

struct io_server {
	struct io_loop *loop;
	struct io_blocks *blocks;
	struct io_spares spares;           /* of frames that did not come whole */
	struct io_server_bounds bounds;
	struct io_server_counters counters;
	const struct io_server_ops *ops;
	void *arg;
	uint8_t greeting[GREETING_OCTETS], peer_greeting[GREETING_OCTETS];
	struct listener *listeners;
	struct io_conn *conns, *conns_last;
	struct io_conn *ready, **ready_end;
	struct io_timer read;              /* reads what is ready, in this turn or the next */
	struct io_conn *dirty;
	struct reply_buffer *spare_replies;
	unsigned spare_replies_count;
};

/* conn.c */
void conn_accept(struct io_server *server, int fd, bool is_ipc);
void conn_close(struct io_conn *conn);
/* It is the last one to be closed for want of room. */
void conn_touch(struct io_conn *conn);
void stall_begin(struct io_conn *conn, struct stall *stall);
void stall_end(struct io_conn *conn, struct stall *stall);

/*
 * frames.c: octets that were read, first those for conn->frame, where they lie already, then what lies at `behind` in the
 * block. The block is pinned.
 */
void frames_take(struct io_conn *conn, struct io_block *block, const uint8_t *behind, size_t octets);
/* No greeting and no frame is under way. */
bool frames_is_between(const struct io_conn *conn);
/* Lets go of one that did not come whole. */
void frames_drop(struct io_conn *conn);

/* receive.c */
MUST_CHECK int receive_watch(struct io_conn *conn);
/* To be read from, in this turn. */
void receive_soon(struct io_conn *conn);
void receive_ready(void *server);
void receive_refilled(void *server);
/* Lets go of those that were to be read from. */
void receive_forget(struct io_server *server);

/* send.c */
size_t replies_waiting(const struct io_conn *conn);
MUST_CHECK int send_greeting(struct io_conn *conn);
void send_replies(struct io_conn *conn);
void send_writable(void *conn, struct io_completion completion);
void send_drop(struct io_conn *conn);
void send_drop_spare(struct io_server *server);

#endif
