/*
 * server.h - one of a client's servers: its connection, its lanes, and how well it does (internal).
 *
 * Threading: everything under the client's lock but server_open(), server_close(), lane_new() and `connected`. No function of nng
 *            is called with that lock held, but for nng_aio_cancel().
 * Bounds:    as many lanes as there ever were requests to the server at once.
 */
#ifndef ASSAY_CLIENT_SERVER_H
#define ASSAY_CLIENT_SERVER_H

#include <stdatomic.h>
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

struct exchange;
struct server;

/* What one request in flight needs of nng: a REQ context and an aio, kept for the next request. */
struct lane {
	struct lane *next_idle, *next; /* of the idle ones; of all */
	struct assay_client *client;
	struct server *server;
	nng_ctx context;
	nng_aio *aio;
	bool is_receiving;         /* the request is out */
	struct exchange *exchange; /* NULL: nobody waits for the reply any more */
	uint64_t began_ms, deadline_ms;
};

enum server_class {
	SERVER_WELL,
	SERVER_AWAY,   /* not connected */
	SERVER_SILENT, /* passed over: it left requests unanswered */
	SERVER_BUSY,   /* passed over: it has too much to do */
};

struct server {
	char *url;
	nng_socket socket;
	nng_dialer dialer;
	bool is_open, is_started;
	atomic_int connections; /* that are up; counted by nng's threads */
	struct lane *idle, *lanes;
	unsigned in_flight;
	unsigned failures, silences, refusals; /* in a row: unanswered requests, times passed over for it, times refused */
	uint64_t silent_until_ms, busy_until_ms;
	uint64_t requests, octets, hedges, unanswered, overloaded;
};

/* A socket and a dialer, which server_connect() starts. 0 or an nng error; server_close() in any case. */
int server_open(struct server *server);
/* Waits for the connection, at most `connect_ms`; 0: connects in the background. 0 or an nng error. */
int server_connect(struct server *server, uint32_t connect_ms);
void server_close(struct server *server, const struct assay_allocator *heap);

/* `handle`: the lane's aio is over. NULL: no memory. */
struct lane *lane_new(struct assay_client *client, struct server *server, const struct assay_allocator *heap,
		      void (*handle)(void *lane));
/* Milliseconds until the lane's deadline, as nng wants them. */
nng_duration lane_time_left(const struct lane *lane);

enum server_class server_class(const struct server *server, uint64_t now_ms);
/* What came of a request; `random` makes times that are not the same. */
void server_answered(struct server *server);
void server_refused(struct server *server, uint64_t now_ms, uint32_t random);
void server_failed(struct server *server, uint64_t now_ms, uint32_t random);

#define CLOSE_MS_MAX 5000 /* that closing waits for a request on its way out, and for replies on their way in */

/* Milliseconds on the monotonic clock; as a time-out of a condition that was made for this clock. */
uint64_t clock_ms(void);
struct timespec monotonic_time(uint64_t ms);
void monotonic_cond_init(pthread_cond_t *cond);

#endif
