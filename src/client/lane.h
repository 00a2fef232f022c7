/*
 * lane.h - what one request in flight needs of nng: a REQ context and an aio, kept for the next request (internal).
 *
 * Threading: lanes_take() and lanes_give() may be called by any thread; a taken lane is its taker's alone.
 * Bounds:    as many lanes as there ever were calls at once.
 */
#ifndef ASSAY_CLIENT_LANE_H
#define ASSAY_CLIENT_LANE_H

#include <stdint.h>

#include <nng/nng.h>
#include <pthread.h>

struct lane {
	struct lane *next;
	nng_ctx context;
	nng_aio *aio; /* without a callback: it is waited for */
};

struct lanes {
	pthread_mutex_t lock;
	struct lane *idle;
	nng_socket socket; /* borrowed */
};

void lanes_init(struct lanes *lanes, nng_socket socket);
void lanes_deinit(struct lanes *lanes);
/* An idle lane or a new one; NULL when there is no memory. */
struct lane *lanes_take(struct lanes *lanes);
void lanes_give(struct lanes *lanes, struct lane *lane);

/*
 * Sends `request`, which is taken in any case, and waits for the reply until `deadline_ms` on clock_ms().
 * 0 and a message that is the caller's to free, or an nng error.
 */
int lane_exchange(struct lane *lane, nng_msg *request, uint64_t deadline_ms, nng_msg **reply_out);

/* Milliseconds on the monotonic clock. */
uint64_t clock_ms(void);

#endif
