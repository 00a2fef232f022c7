/*
 * server.h - one of a client's servers: how well it does, and what is asked of it (internal).
 *
 * Threading: under the client's lock.
 */
#ifndef ASSAY_CLIENT_SERVER_H
#define ASSAY_CLIENT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <nng/nng.h>
#include <pthread.h>

#include "client/heap.h"

#define SERVER_FAILURES_SUSPECT 3    /* unanswered requests in a row after which a server is passed over */
#define SERVER_SILENT_MS_FIRST  250  /* for so long, and twice as long each time */
#define SERVER_SILENT_MS_MAX    8000
#define SERVER_BUSY_MS_FIRST    20   /* one that said it has too much to do, likewise */
#define SERVER_BUSY_MS_MAX      1000
/*
 * A connection on which so many requests in a row were not answered, and nothing at all came for so long, is made anew: its other
 * end may be gone without a word.
 */
#define SERVER_UNHEARD_MAX    SERVER_FAILURES_SUSPECT
#define SERVER_UNHEARD_MS_MIN 1000

struct exchange;
struct frame;

/* One request at one server. */
struct attempt {
	struct attempt *next; /* of its bucket */
	struct exchange *exchange;
	struct server *server;
	uint32_t id;
	bool is_active; /* it is waited for, and in its server's table */
	bool is_out;    /* octets of it have been written */
	struct frame *frame; /* while it waits to be written; NULL: it was */
	uint64_t began_ms;
};

#define ATTEMPT_BUCKETS 1024

enum server_class {
	SERVER_WELL,
	SERVER_AWAY,   /* not connected */
	SERVER_SILENT, /* passed over: it left requests unanswered */
	SERVER_BUSY,   /* passed over: it has too much to do */
};

enum link_state { LINK_DOWN, LINK_GREETING, LINK_UP };

struct server {
	struct assay_client *client;
	char *url;
	/* The connection: link.c. */
	bool is_ipc, is_closing, is_sleeping, rx_busy, tx_busy;
	bool greets;            /* the write under way is the greeting */
	enum link_state state;
	unsigned handing;       /* reads and writes that are just being handed to nng */
	nng_stream_dialer *dialer;
	nng_stream *stream;     /* NULL: none */
	nng_aio *dial, *rx, *tx;
	unsigned dials_failed;  /* in a row, connections that ended at once among them */
	uint64_t up_since_ms;
	bool brought;           /* a reply came by the connection */
	int dial_error;         /* of the last one */
	uint8_t *in;            /* what was read and is not worked through: touched by the reader alone */
	size_t in_used, in_size;
	struct frame *out_first, *out_last;
	size_t out_offset;      /* of the first one, written already */
	/* Requests under way. */
	struct attempt *attempts[ATTEMPT_BUCKETS];
	uint32_t last_id;
	unsigned in_flight;
	/* Health. */
	unsigned failures, silences, refusals; /* in a row: unanswered requests, times passed over for it, times refused */
	uint64_t silent_until_ms, busy_until_ms;
	unsigned unheard;             /* requests not answered since something was received */
	uint64_t unheard_since_ms;    /* when the first of them was sent */
	uint64_t requests, octets, hedges, unanswered, overloaded, replaced;
};

enum server_class server_class(const struct server *server, uint64_t now_ms);
/* What came of a request; `random` makes times that are not the same. */
void server_answered(struct server *server);
void server_is_there(struct server *server); /* a reply, whatever stands in it */
void server_refused(struct server *server, uint64_t now_ms, uint32_t random);
void server_failed(struct server *server, uint64_t now_ms, uint32_t random);
/* Something was received; or nothing, for a request sent at that time. True: the connection is to be made anew. */
void server_heard(struct server *server);
bool server_unheard(struct server *server, uint64_t began_ms, uint64_t now_ms);

/* Gives the attempt an id and notes it; takes it back. */
void server_attempt_add(struct server *server, struct attempt *attempt);
void server_attempt_remove(struct attempt *attempt);
/* NULL: it is not waited for. */
struct attempt *server_attempt_find(const struct server *server, uint32_t id);

/* first * 2^times, at most `max`; of that a random part above one half. */
uint64_t back_off_ms(uint64_t first, unsigned times, uint64_t max, uint32_t random);
/* Milliseconds on the monotonic clock; as a time-out of a condition that was made for this clock. */
uint64_t clock_ms(void);
struct timespec monotonic_time(uint64_t ms);
void monotonic_cond_init(pthread_cond_t *cond);

#endif
