/*
 * exchange.h - one call under way: its request at one server, perhaps at a second one, and the first reply (internal).
 *
 * Method:    an attempt is a request at one server. One that fails leads to the next, at another server; one that takes long, to a
 *            second beside it. A clock looks after what is due. Whatever comes first ends the exchange: the
 *            other attempt is given up.
 * Threading: events come from nng's threads, all work on exchanges is done under the client's lock, and nobody is called
 *            with it held.
 * Ownership: the request's message is borrowed until exchange_release().
 */
#ifndef ASSAY_CLIENT_EXCHANGE_H
#define ASSAY_CLIENT_EXCHANGE_H

#include <pthread.h>

#include "client/request.h"
#include "client/server.h"

#define EXCHANGE_ATTEMPTS_MAX 4
#define EXCHANGE_AT_ONCE      2

struct assay_client {
	struct assay_allocator heap;
	int pid;
	pthread_mutex_t lock;
	struct server *servers;
	unsigned servers_count, next_server;
	enum assay_balance balance;
	uint32_t hedge_percent, random;
	size_t digest_from_octets, octets_held_max;
	struct exchange *under_way;
	pthread_cond_t changed; /* a connection is there, or could not be made */
	nng_aio *tick;
	bool ticking;           /* it sleeps, or its callback runs */
	uint64_t tick_at_ms;    /* until then; 0: it is awake, or being woken */
	int descriptor; /* -1: callbacks run at once */
	struct exchange *done_first, *done_last;
};

struct exchange {
	struct assay_client *client;
	struct exchange *next, *prev; /* under way */
	struct exchange *next_done;
	struct exchange *next_due; /* of a tick, which holds a reference */
	struct request request;
	uint32_t deadline_given_ms;
	uint64_t began_ms, deadline_ms;
	uint64_t hedge_ms, retry_ms; /* when; 0: not to be */
	uint32_t tried, refused;     /* servers: bits */
	unsigned attempts_made;
	struct attempt attempts[EXCHANGE_AT_ONCE];
	unsigned starting;           /* attempts that are being packed */
	unsigned refs;
	bool put_off;                /* the end, to the clock's next look */
	bool unsent;                 /* `error` is why nothing was sent, not what came of an attempt */
	bool done;
	/* The outcome. Before: of the attempt that failed last. */
	enum assay_error error;
	struct assay_failure failure;
	struct assay_answer *answer;
	/* Who is told. */
	assay_done_fn notify; /* NULL: somebody waits */
	void *notify_arg;
	bool notifying, told; /* the callback runs; it was begun */
	pthread_t notifier;
	pthread_cond_t changed; /* done, starting or notifying */
};

/* Takes `request`, in any case. NULL: no memory. */
struct exchange *exchange_new(struct assay_client *client, struct request *request, uint32_t deadline_ms);
/* `notify`: see assay_done_fn; NULL: exchange_wait() follows. */
void exchange_start(struct exchange *exchange, assay_done_fn notify, void *arg);
/* Until it is done, not later than its deadline. */
enum assay_error exchange_wait(struct exchange *exchange, struct assay_answer **answer_out, struct assay_failure *failure);
/* It is done, and the callback, if there is one, has been called. */
bool exchange_is_over(struct exchange *exchange);
/* Gives it up when it is not done; the caller's notify is not called any more. */
void exchange_release(struct exchange *exchange);

/* Callbacks that assay_dispatch() is to run. */
void exchanges_dispatch(struct assay_client *client);
/* The clock tick's callback. */
void exchanges_tick(void *client);

#endif
