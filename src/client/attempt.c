/*
 * attempt.c - the request of an exchange in a lane: sent, and its reply received (see exchange_parts.h).
 */
#include <string.h>

#include "client/answer.h"
#include "client/exchange_parts.h"
#include "client/failure.h"

#define MARGIN_PART   10  /* the daemon is given the time that is left less a tenth of it, */
#define MARGIN_MS_MAX 200 /* but at most so much less: time for the reply to arrive */

static uint32_t deadline_for_daemon(const struct exchange *exchange, uint64_t now)
{
	uint64_t left = exchange->deadline_ms > now ? exchange->deadline_ms - now : 1;
	uint64_t margin = left / MARGIN_PART;

	left -= margin > MARGIN_MS_MAX ? MARGIN_MS_MAX : margin;
	return left ? (uint32_t)left : 1;
}

static void lane_give(struct lane *lane)
{
	lane->exchange = NULL;
	lane->next_idle = lane->server->idle;
	lane->server->idle = lane;
}

/* ---- the reply ---- */

/* The lane is free; who waited for it, if anybody still does, learns what came. Takes `answer`. */
static void lane_over(struct assay_client *client, struct lane *lane, struct assay_answer *answer,
		      const struct assay_failure *failure)
{
	struct next next = { .start = NULL };
	struct exchange *exchange;

	pthread_mutex_lock(&client->lock);
	exchange = lane->exchange;
	lane->server->in_flight--;
	lane_give(lane);
	pthread_cond_broadcast(&client->quiet);
	if (exchange) {
		exchange->lanes[exchange->lanes[1] == lane ? 1 : 0] = NULL;
		exchange_attempt_over(exchange, lane->server, answer, failure, &next);
	}
	pthread_mutex_unlock(&client->lock);
	if (!exchange)
		assay_answer_free(answer);
	next_do(next);
}

static void lane_failed(struct assay_client *client, struct lane *lane, int error)
{
	struct assay_failure failure;

	if (error == NNG_ENOMEM)
		failure_set(&failure, ASSAY_ERROR_MEMORY, "no memory for the request");
	else if (error == NNG_ETIMEDOUT)
		failure_set(&failure, ASSAY_ERROR_TIMEOUT, "no answer in time");
	else
		failure_set(&failure, ASSAY_ERROR_CONNECT, "%s", nng_strerror(error));
	lane_over(client, lane, NULL, &failure);
}

static void lane_reply(struct assay_client *client, struct lane *lane, nng_msg *reply)
{
	struct assay_failure failure = { .error = ASSAY_ERROR_TIMEOUT };
	struct assay_answer *answer = NULL;
	struct exchange *exchange;

	pthread_mutex_lock(&client->lock);
	exchange = lane->exchange;
	if (exchange)
		exchange->refs++;
	else
		server_answered(lane->server); /* late */
	pthread_mutex_unlock(&client->lock);
	if (exchange) {
		const struct request *request = &exchange->request;

		failure.error = answer_read(&client->heap, nng_msg_body(reply), nng_msg_len(reply),
					    request_octets(request->id, request->id_octets), request->expected, &answer,
					    &failure);
	}
	nng_msg_free(reply);
	lane_over(client, lane, answer, &failure);
	if (!exchange)
		return;
	pthread_mutex_lock(&client->lock);
	exchange_unref(exchange);
	pthread_mutex_unlock(&client->lock);
}

/* The request is out. */
static void lane_receive(struct assay_client *client, struct lane *lane)
{
	pthread_mutex_lock(&client->lock);
	lane->is_receiving = true;
	pthread_mutex_unlock(&client->lock);
	nng_aio_set_timeout(lane->aio, lane_time_left(lane));
	nng_ctx_recv(lane->context, lane->aio);
}

static void lane_handle(void *argument)
{
	struct lane *lane = argument;
	struct assay_client *client = lane->client;
	int error = nng_aio_result(lane->aio);

	if (!lane->is_receiving && error == 0) {
		lane_receive(client, lane);
		return;
	}
	if (!lane->is_receiving)
		nng_msg_free(nng_aio_get_msg(lane->aio)); /* nng takes it only when it could send */
	if (error)
		lane_failed(client, lane, error);
	else
		lane_reply(client, lane, nng_aio_get_msg(lane->aio));
}

/* ---- the request ---- */

static struct lane *lane_take(struct assay_client *client, struct server *server)
{
	struct lane *lane;

	pthread_mutex_lock(&client->lock);
	lane = server->idle;
	if (lane)
		server->idle = lane->next_idle;
	pthread_mutex_unlock(&client->lock);
	if (lane)
		return lane;
	lane = lane_new(client, server, &client->heap, lane_handle);
	if (!lane)
		return NULL;
	pthread_mutex_lock(&client->lock);
	lane->next = server->lanes;
	server->lanes = lane;
	pthread_mutex_unlock(&client->lock);
	return lane;
}

static void lane_enter(struct lane *lane, struct exchange *exchange, nng_msg *message, bool is_hedge)
{
	struct server *server = lane->server;

	exchange->lanes[exchange->lanes[0] ? 1 : 0] = lane;
	lane->exchange = exchange;
	lane->began_ms = clock_ms();
	lane->deadline_ms = exchange->deadline_ms;
	lane->is_receiving = false;
	nng_aio_set_timeout(lane->aio, lane_time_left(lane));
	nng_aio_set_msg(lane->aio, message);
	server->requests++;
	server->octets += nng_msg_len(message);
	server->hedges += is_hedge;
}

/* It came to nothing before anything was sent. */
static void start_failed(struct exchange *exchange, struct server *server, struct lane *lane, struct next *next)
{
	server->in_flight--;
	if (lane)
		lane_give(lane);
	if (exchange->done || exchange_active(exchange) > 0)
		return;
	exchange->error = failure_set(&exchange->failure, ASSAY_ERROR_MEMORY, "no memory for the request");
	exchange_finish(exchange, clock_ms(), next);
}

void attempt_start(const struct next *what, struct next *next)
{
	struct exchange *exchange = what->start;
	struct assay_client *client = exchange->client;
	struct lane *lane = lane_take(client, what->server);
	nng_msg *message = NULL;
	bool sends;

	if (lane)
		(void)request_to_send(&exchange->request, deadline_for_daemon(exchange, clock_ms()), &message);
	pthread_mutex_lock(&client->lock);
	exchange->starting--;
	pthread_cond_broadcast(&exchange->changed);
	sends = message && !exchange->done;
	if (sends)
		lane_enter(lane, exchange, message, what->is_hedge);
	else
		start_failed(exchange, what->server, lane, next);
	exchange_unref(exchange);
	pthread_mutex_unlock(&client->lock);
	if (sends)
		nng_ctx_send(lane->context, lane->aio);
	else if (message)
		nng_msg_free(message);
}
