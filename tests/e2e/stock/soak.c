/*
 * soak.c - many connections, many requests in flight on each, for a while; every reply is matched to its request.
 *
 * A lane is a REQ context: it sends, receives, compares, and sends again until the time is up. Each request has an
 * id of its own, which the reply has to bring back.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stock.h"

#define WHY_SIZE       256
#define FAILURES_SHOWN 10
#define GRACE_S        40 /* for the last replies, beyond the requests' own deadline */

enum lane_state { LANE_SENDING, LANE_RECEIVING };

struct lane {
	struct soak *soak;
	nng_ctx context;
	nng_aio *aio;
	enum lane_state state;
	enum stock_kind kind;
	unsigned number, sequence;
	char id[STOCK_ID_SIZE];
};

struct soak {
	struct timespec end;
	atomic_uint replies, failures;
	pthread_mutex_t lock;
	pthread_cond_t all_done;
	unsigned running; /* lanes; under the lock */
};

static bool time_is_up(const struct soak *soak)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > soak->end.tv_sec || (now.tv_sec == soak->end.tv_sec && now.tv_nsec >= soak->end.tv_nsec);
}

static void lane_done(struct lane *lane)
{
	pthread_mutex_lock(&lane->soak->lock);
	if (--lane->soak->running == 0)
		pthread_cond_signal(&lane->soak->all_done);
	pthread_mutex_unlock(&lane->soak->lock);
}

static void lane_failed(struct lane *lane, const char *why)
{
	if (atomic_fetch_add(&lane->soak->failures, 1) < FAILURES_SHOWN)
		printf("FAIL %s: %s\n", lane->id, why);
	lane_done(lane);
}

static void lane_send(struct lane *lane)
{
	lane->sequence++;
	lane->kind = (enum stock_kind)(lane->sequence % 16 == 0 ? STOCK_STATUS : 1 + lane->sequence % 2);
	snprintf(lane->id, sizeof lane->id, "lane %u request %u", lane->number, lane->sequence);
	nng_aio_set_msg(lane->aio, stock_request(lane->kind, lane->id));
	lane->state = LANE_SENDING;
	nng_ctx_send(lane->context, lane->aio);
}

static void lane_receive(struct lane *lane)
{
	nng_msg *reply = nng_aio_get_msg(lane->aio);
	char why[WHY_SIZE];
	bool good = stock_reply_is(reply, lane->kind, lane->id, why);

	nng_msg_free(reply);
	if (!good) {
		lane_failed(lane, why);
		return;
	}
	atomic_fetch_add(&lane->soak->replies, 1);
	if (time_is_up(lane->soak))
		lane_done(lane);
	else
		lane_send(lane);
}

static void on_event(void *argument)
{
	struct lane *lane = argument;
	int error = nng_aio_result(lane->aio);

	if (error && lane->state == LANE_SENDING)
		nng_msg_free(nng_aio_get_msg(lane->aio));
	if (error) {
		lane_failed(lane, nng_strerror(error));
	} else if (lane->state == LANE_SENDING) {
		lane->state = LANE_RECEIVING;
		nng_ctx_recv(lane->context, lane->aio);
	} else {
		lane_receive(lane);
	}
}

static void lane_init(struct lane *lane, struct soak *soak, nng_socket socket, unsigned number)
{
	*lane = (struct lane){ .soak = soak, .number = number };
	stock_check(nng_ctx_open(&lane->context, socket), "nng_ctx_open");
	stock_check(nng_aio_alloc(&lane->aio, on_event, lane), "nng_aio_alloc");
	nng_aio_set_timeout(lane->aio, STOCK_DEADLINE_MS + 5000);
}

/* False: some lanes are still waiting, long after the time was up. */
static bool wait_all(struct soak *soak, unsigned seconds)
{
	struct timespec limit;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += seconds + GRACE_S;
	pthread_mutex_lock(&soak->lock);
	while (soak->running && error == 0)
		error = pthread_cond_timedwait(&soak->all_done, &soak->lock, &limit);
	pthread_mutex_unlock(&soak->lock);
	if (error)
		printf("FAIL %u lanes have no reply\n", soak->running);
	return error == 0;
}

int stock_soak(const char *url, unsigned connections, unsigned lanes, unsigned seconds)
{
	struct soak soak = { .running = connections * lanes };
	nng_socket *sockets = calloc(connections, sizeof *sockets);
	struct lane *all = calloc((size_t)connections * lanes, sizeof *all);
	bool done;

	if (!sockets || !all)
		return 1;
	pthread_mutex_init(&soak.lock, NULL);
	pthread_cond_init(&soak.all_done, NULL);
	for (unsigned i = 0; i < connections; i++) {
		sockets[i] = stock_connect(url);
		for (unsigned j = 0; j < lanes; j++)
			lane_init(&all[i * lanes + j], &soak, sockets[i], i * lanes + j);
	}
	clock_gettime(CLOCK_MONOTONIC, &soak.end);
	soak.end.tv_sec += seconds;
	for (unsigned i = 0; i < connections * lanes; i++)
		lane_send(&all[i]);
	done = wait_all(&soak, seconds);
	printf("%u connections with %u requests in flight, %u s: %u replies matched, %u failures\n", connections, lanes,
	       seconds, atomic_load(&soak.replies), atomic_load(&soak.failures));
	if (!done)
		return 1; /* lanes still run: nothing can be freed */
	for (unsigned i = 0; i < connections; i++)
		nng_close(sockets[i]);
	for (unsigned i = 0; i < connections * lanes; i++)
		nng_aio_free(all[i].aio);
	free(all);
	free(sockets);
	return atomic_load(&soak.failures) ? 1 : 0;
}
