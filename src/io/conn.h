/*
 * conn.h - what a server and its connections are made of; private to src/io.
 *
 * accept.c makes connections of a listener's, conn.c is their life, receive.c and send.c move octets, conn_tls.c where they are
 * encrypted, frames.c makes frames of them, idle.c ends what nobody uses, server.c is the whole.
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
#include "io/tls_session.h"

#include <sys/uio.h>

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

/* What a connection has more where TLS is spoken. */
struct conn_tls {
	struct io_conn *conn;
	struct tls_session session;
	struct io_timer limit;            /* of the handshake */
	struct conn_tls *older, *newer;   /* handshakes under way */
	bool is_up;                       /* the handshake is done */
	bool send_waits_for_peer;         /* replies go on when something was received */
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
	int64_t used_ns;                   /* when it was read from last; kept where there is an idle_ns_max */
	struct conn_tls *tls;              /* NULL: none */
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
	const struct io_peer_rules *rules;
	bool accepting, stopped;
};

/* Connections whose turn it is, first come first served. Each is a reference. */
struct line {
	struct io_conn *first, **end;
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
	struct line ready, shaking_ready;  /* to be read from; with a handshake to go on with */
	struct io_timer read;              /* reads what is ready, in this turn or the next */
	enum io_reading reading;
	enum io_backlog backlog;
	struct conn_tls *shaking_oldest, *shaking_newest;
	unsigned shaking_count;
	struct io_timer spares_age;        /* runs while there are more than a few spares */
	struct io_timer idle;              /* runs where there is an idle_ns_max and a connection */
	struct io_conn *dirty;
	struct reply_buffer *spare_replies;
	unsigned spare_replies_count;
};

/* conn.c */
void conn_accept(struct io_server *server, int fd, const struct io_peer_rules *rules);
void conn_close(struct io_conn *conn);
/* It is the last one to be closed for want of room. */
void conn_touch(struct io_conn *conn);
/* Nothing is under way on it. */
bool conn_is_idle(const struct io_conn *conn);
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
/* The timer's: spares that nobody needed go. */
void frames_spares_fire(void *server);
/* Counts what is held to read into. */
void frames_count_memory(struct io_server *server);

/* receive.c */
MUST_CHECK int receive_watch(struct io_conn *conn);
/*
 * The rest of a frame goes where its beginning is, what follows behind it into the block (NULL: there is none). Returns how many
 * places there are.
 */
size_t receive_places(const struct io_conn *conn, struct io_block *block, struct iovec places[2], size_t *octets_out);
/* To be read from, in this turn. */
void receive_soon(struct io_conn *conn);
void receive_ready(void *server);
void receive_refilled(void *server);
/* Lets go of those that were to be read from. */
void receive_forget(struct io_server *server);

/*
 * conn_tls.c. A connection without TLS has `tls` NULL, and nothing of this is called for it.
 */
MUST_CHECK int conn_tls_begin(struct io_conn *conn, struct io_tls *tls);
void conn_tls_end(struct io_conn *conn);
/* One step of the handshake. */
void conn_tls_shake(struct io_conn *conn);
/* As receive.c's read of a plain one. Returns the octets of frames. */
size_t conn_tls_receive(struct io_conn *conn, struct io_block *block);
/* As send(2). Where it is EAGAIN, a poll tells when to go on, or conn->tls->send_waits_for_peer. */
ssize_t conn_tls_send(struct io_conn *conn, const uint8_t *octets, size_t len);
static inline bool conn_tls_is_shaking(const struct io_conn *conn)
{
	return conn->tls && !conn->tls->is_up;
}

/* idle.c */
void idle_watch(struct io_server *server);
void idle_fire(void *server);

/* send.c */
size_t replies_waiting(const struct io_conn *conn);
MUST_CHECK int send_greeting(struct io_conn *conn);
/* The socket takes no more: a poll tells when it does. */
void send_wait(struct io_conn *conn);
void send_replies(struct io_conn *conn);
void send_writable(void *conn, struct io_completion completion);
void send_drop(struct io_conn *conn);
void send_drop_spare(struct io_server *server);

#endif
