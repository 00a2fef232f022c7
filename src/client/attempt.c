/*
 * attempt.c - a request of an exchange at one server: sent, and its reply read (see exchange_parts.h).
 */
#include "client/answer.h"
#include "client/exchange_parts.h"
#include "client/link.h"
#include "client/out.h"

#define MARGIN_PART   10  /* the daemon is given the time that is left less a tenth of it, */
#define MARGIN_MS_MAX 200 /* but at most so much less: time for the reply to arrive */

static uint32_t deadline_for_daemon(const struct exchange *exchange, uint64_t now)
{
	uint64_t left = exchange->deadline_ms > now ? exchange->deadline_ms - now : 1;
	uint64_t margin = left / MARGIN_PART;

	left -= margin > MARGIN_MS_MAX ? MARGIN_MS_MAX : margin;
	return left ? (uint32_t)left : 1;
}

static void attempt_enter(const struct next *what, struct frame *frame)
{
	struct exchange *exchange = what->start;
	struct attempt *attempt = &exchange->attempts[exchange->attempts[0].is_active ? 1 : 0];
	struct server *server = what->server;

	attempt->exchange = exchange;
	attempt->server = server;
	attempt->began_ms = clock_ms();
	server_attempt_add(server, attempt);
	server->requests++;
	server->octets += frame->octets;
	server->hedges += what->is_hedge;
	out_put(server, frame, attempt);
	exchange_leave(attempt); /* another one may have come while this was packed */
}

/* It came to nothing before anything was sent. */
static void start_failed(const struct next *what, struct next *next)
{
	struct exchange *exchange = what->start;

	what->server->in_flight--;
	exchange->attempts_made--;
	exchange->tried &= ~server_bit(exchange->client, what->server);
	if (exchange->done || exchange_active(exchange) > 0)
		return;
	exchange_fail_unsent(exchange, ASSAY_ERROR_MEMORY, "no memory for the request");
	exchange_finish_unsent(exchange, clock_ms(), next);
}

void attempt_start(const struct next *what, struct next *next)
{
	struct exchange *exchange = what->start;
	struct assay_client *client = exchange->client;
	struct frame *frame = out_frame(what->server, &exchange->request, deadline_for_daemon(exchange, clock_ms()));
	bool sends;

	pthread_mutex_lock(&client->lock);
	exchange->starting--;
	pthread_cond_broadcast(&exchange->changed);
	sends = frame && !exchange->done;
	if (sends)
		attempt_enter(what, frame);
	else
		start_failed(what, next);
	exchange_unref(exchange);
	pthread_mutex_unlock(&client->lock);
	if (sends)
		link_write(what->server);
	else
		heap_free(&client->heap, frame);
}

void exchange_reply(struct exchange *exchange, struct server *server, uint32_t id, const uint8_t *octets, size_t count)
{
	struct assay_client *client = exchange->client;
	const struct request *request = &exchange->request;
	struct assay_answer *answer = NULL;
	struct next next = { .start = NULL };
	struct assay_failure failure;
	struct attempt *attempt;

	(void)answer_read(&client->heap, octets, count, request_octets(request->id, request->id_octets), request->expected,
			  &answer, &failure);
	pthread_mutex_lock(&client->lock);
	attempt = server_attempt_find(server, id);
	if (attempt) {
		server_attempt_remove(attempt);
		exchange_attempt_over(exchange, server, answer, &failure, &next);
		answer = NULL;
	}
	exchange_unref(exchange);
	pthread_mutex_unlock(&client->lock);
	assay_answer_free(answer);
	next_do(next);
}
