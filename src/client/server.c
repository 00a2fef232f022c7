#include "client/server.h"

#include <poll.h>
#include <time.h>

#include <nng/protocol/reqrep0/req.h>

#define REPLY_OCTETS_MAX ((size_t)16 << 20) /* a verdict of a hostile message is below 1 MiB */
#define RECONNECT_MS_MIN 50                 /* nng doubles it, and waits for a random part of it */
#define RECONNECT_MS_MAX 2000

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct timespec monotonic_time(uint64_t ms)
{
	return (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
}

void monotonic_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* ---- connection ---- */

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct server *server = argument;

	(void)pipe;
	if (event == NNG_PIPE_EV_ADD_POST)
		atomic_fetch_add(&server->connections, 1);
	else if (event == NNG_PIPE_EV_REM_POST)
		atomic_fetch_sub(&server->connections, 1);
}

/*
 * nng sends a request once: not again because an answer takes long, for that is what hedging is for, and not
 * when the connection is lost: then there may be another server to ask.
 */
int server_open(struct server *server)
{
	int error = nng_req0_open(&server->socket);
	nng_socket s = server->socket;

	if (error)
		return error;
	server->is_open = true;
	error = nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	if (!error)
		error = nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, REPLY_OCTETS_MAX);
	if (!error)
		error = nng_socket_set_ms(s, NNG_OPT_RECONNMINT, RECONNECT_MS_MIN);
	if (!error)
		error = nng_socket_set_ms(s, NNG_OPT_RECONNMAXT, RECONNECT_MS_MAX);
	if (!error)
		error = nng_pipe_notify(s, NNG_PIPE_EV_ADD_POST, on_pipe, server);
	if (!error)
		error = nng_pipe_notify(s, NNG_PIPE_EV_REM_POST, on_pipe, server);
	if (!error)
		error = nng_dialer_create(&server->dialer, s, server->url);
	return error;
}

struct connect_watch {
	nng_aio *aio;
	nng_dialer dialer;
	atomic_bool late;
};

/* The time is up: ends the dialer, and with it nng_dialer_start(), which knows no time-out. */
static void on_connect_time(void *argument)
{
	struct connect_watch *watch = argument;

	if (nng_aio_result(watch->aio) != 0)
		return;
	atomic_store(&watch->late, true);
	nng_dialer_close(watch->dialer);
}

int server_connect(struct server *server, uint32_t connect_ms)
{
	struct connect_watch watch = { .dialer = server->dialer };
	int error;

	if (connect_ms == 0)
		return nng_dialer_start(server->dialer, NNG_FLAG_NONBLOCK);
	error = nng_aio_alloc(&watch.aio, on_connect_time, &watch);
	if (error)
		return error;
	nng_sleep_aio(connect_ms > INT32_MAX ? INT32_MAX : (nng_duration)connect_ms, watch.aio);
	error = nng_dialer_start(server->dialer, 0);
	nng_aio_stop(watch.aio);
	nng_aio_free(watch.aio);
	if (atomic_load(&watch.late))
		error = NNG_ETIMEDOUT;
	if (error) {
		/* A new one, for the background. */
		nng_dialer_close(server->dialer);
		(void)nng_dialer_create(&server->dialer, server->socket, server->url);
	}
	return error;
}

/*
 * Waits until the connection has written all that it was given, or the time is up. A call may be over before its
 * request is out: the deadline passed, or the daemon said early that the message is too large. nng 1.5 can hang for
 * ever when it has to close a connection while a part of a message is just being written: the next part is then
 * refused without a word to the one who waits for it.
 */
static void wait_written(struct server *server)
{
	struct pollfd sendable = { .events = POLLIN };

	if (atomic_load(&server->connections) > 0 &&
	    nng_socket_get_int(server->socket, NNG_OPT_SENDFD, &sendable.fd) == 0)
		(void)poll(&sendable, 1, CLOSE_MS_MAX);
}

void server_close(struct server *server, const struct assay_allocator *heap)
{
	if (server->is_open)
		wait_written(server);
	while (server->lanes) {
		struct lane *lane = server->lanes;

		server->lanes = lane->next;
		nng_aio_stop(lane->aio);
		nng_ctx_close(lane->context);
		nng_aio_free(lane->aio);
		heap_free(heap, lane);
	}
	if (server->is_open)
		nng_close(server->socket);
	heap_free(heap, server->url);
}

/* ---- lanes ---- */

struct lane *lane_new(struct assay_client *client, struct server *server, const struct assay_allocator *heap,
		      void (*handle)(void *lane))
{
	struct lane *lane = HEAP_NEW(heap, struct lane);

	if (!lane)
		return NULL;
	lane->client = client;
	lane->server = server;
	if (nng_aio_alloc(&lane->aio, handle, lane) != 0) {
		heap_free(heap, lane);
		return NULL;
	}
	if (nng_ctx_open(&lane->context, server->socket) != 0) {
		nng_aio_free(lane->aio);
		heap_free(heap, lane);
		return NULL;
	}
	return lane;
}

nng_duration lane_time_left(const struct lane *lane)
{
	uint64_t now = clock_ms();
	uint64_t left = lane->deadline_ms > now ? lane->deadline_ms - now : 0;

	return left > INT32_MAX ? INT32_MAX : (nng_duration)left;
}

/* ---- health ---- */

/* A server that was silent is tried with one request at a time until it answers. */
enum server_class server_class(const struct server *server, uint64_t now_ms)
{
	if (server->busy_until_ms > now_ms)
		return SERVER_BUSY;
	if (server->failures >= SERVER_FAILURES_SUSPECT && (server->silent_until_ms > now_ms || server->in_flight > 0))
		return SERVER_SILENT;
	return atomic_load(&server->connections) > 0 ? SERVER_WELL : SERVER_AWAY;
}

/* first * 2^times, at most `max`; of that a random part above one half. */
static uint64_t back_off_ms(uint64_t first, unsigned times, uint64_t max, uint32_t random)
{
	uint64_t ms = times < 16 ? first << times : max;

	if (ms > max)
		ms = max;
	return ms / 2 + random % (ms / 2 + 1);
}

void server_answered(struct server *server)
{
	server->failures = server->silences = server->refusals = 0;
	server->busy_until_ms = 0;
}

void server_refused(struct server *server, uint64_t now_ms, uint32_t random)
{
	server->failures = server->silences = 0;
	server->overloaded++;
	/* What was sent before the first refusal came counts as one. */
	if (server->busy_until_ms > now_ms)
		return;
	server->busy_until_ms = now_ms + back_off_ms(SERVER_BUSY_MS_FIRST, server->refusals++, SERVER_BUSY_MS_MAX, random);
}

void server_failed(struct server *server, uint64_t now_ms, uint32_t random)
{
	server->unanswered++;
	if (++server->failures >= SERVER_FAILURES_SUSPECT && server->silent_until_ms <= now_ms)
		server->silent_until_ms = now_ms + back_off_ms(SERVER_SILENT_MS_FIRST, server->silences++,
							       SERVER_SILENT_MS_MAX, random);
}
