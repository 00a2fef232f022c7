#include "client/exchange_parts.h"

#include <errno.h>
#include <string.h>

#include "client/failure.h"
#include "client/link.h"

#define AGAIN_MS 40 /* until a lost connection's request goes to the same server again */

bool exchange_is_out(const struct exchange *exchange)
{
	for (unsigned i = 0; i < EXCHANGE_AT_ONCE; i++)
		if (exchange->attempts[i].is_active && exchange->attempts[i].is_out)
			return true;
	return false;
}

uint32_t exchange_random(struct assay_client *client)
{
	uint32_t x = client->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return client->random = x;
}

void exchange_unref(struct exchange *exchange)
{
	const struct assay_allocator *heap = &exchange->client->heap;

	if (--exchange->refs)
		return;
	assay_answer_free(exchange->answer);
	request_deinit(&exchange->request);
	pthread_cond_destroy(&exchange->changed);
	heap_free(heap, exchange);
}

unsigned exchange_active(const struct exchange *exchange)
{
	unsigned count = exchange->starting;

	for (unsigned i = 0; i < EXCHANGE_AT_ONCE; i++)
		count += exchange->attempts[i].is_active;
	return count;
}

/* ---- the end ---- */

static void list_add(struct exchange *exchange)
{
	exchange->next = exchange->client->under_way;
	if (exchange->next)
		exchange->next->prev = exchange;
	exchange->client->under_way = exchange;
}

static void list_remove(struct exchange *exchange)
{
	if (exchange->prev)
		exchange->prev->next = exchange->next;
	else
		exchange->client->under_way = exchange->next;
	if (exchange->next)
		exchange->next->prev = exchange->prev;
	exchange->next = exchange->prev = NULL;
}

/* Has it been waited for as long as any call waits before it tries a second server? */
static bool is_late(const struct attempt *attempt, uint64_t now)
{
	uint64_t waited = now > attempt->began_ms ? now - attempt->began_ms : 0;
	const struct exchange *exchange = attempt->exchange;

	return waited * 100 >= (uint64_t)exchange->deadline_given_ms * exchange->client->hedge_percent;
}

/* A reply that comes later still tells that the server is well again. */
static void attempts_abandon(struct exchange *exchange, uint64_t now)
{
	for (unsigned i = 0; i < EXCHANGE_AT_ONCE; i++) {
		struct attempt *attempt = &exchange->attempts[i];

		if (!attempt->is_active)
			continue;
		server_attempt_remove(attempt);
		if (!is_late(attempt, now))
			continue;
		server_failed(attempt->server, now, exchange_random(exchange->client));
		if (server_unheard(attempt->server, attempt->began_ms, now))
			link_replace(attempt->server);
	}
}

void exchange_finish(struct exchange *exchange, uint64_t now, struct next *next)
{
	exchange->done = true;
	attempts_abandon(exchange, now);
	list_remove(exchange);
	pthread_cond_broadcast(&exchange->changed);
	if (!exchange->notify)
		return;
	exchange->refs++;
	if (exchange->client->descriptor < 0)
		next->notify = exchange;
	else
		notify_queue(exchange);
}

static bool any_connected(const struct assay_client *client, uint32_t servers)
{
	for (unsigned i = 0; i < client->servers_count; i++)
		if ((servers >> i & 1) && client->servers[i].state == LINK_UP)
			return true;
	return false;
}

/* Of those servers, the first that could not be reached; NULL: none was tried to the end. */
static const struct server *unreached(const struct assay_client *client, uint32_t servers)
{
	for (unsigned i = 0; i < client->servers_count; i++)
		if ((servers >> i & 1) && client->servers[i].dial_error)
			return &client->servers[i];
	return NULL;
}

static void fail_unconnected(struct exchange *exchange)
{
	const struct server *server = unreached(exchange->client, exchange->tried);
	uint32_t ms = exchange->deadline_given_ms;

	exchange->error = ASSAY_ERROR_CONNECT;
	if (server)
		failure_set(&exchange->failure, ASSAY_ERROR_CONNECT, "not connected within %u ms: %s: %s", ms, server->url,
			    link_error_text(server->dial_error));
	else
		failure_set(&exchange->failure, ASSAY_ERROR_CONNECT, "not connected to the server within %u ms", ms);
}

/* What an attempt failed for before says more than that nothing came of it. */
void exchange_finish_late(struct exchange *exchange, uint64_t now, struct next *next)
{
	uint32_t ms = exchange->deadline_given_ms;

	if (exchange->error == ASSAY_OK && any_connected(exchange->client, exchange->tried))
		exchange->error = failure_set(&exchange->failure, ASSAY_ERROR_TIMEOUT, "no answer within %u ms", ms);
	else if (exchange->error == ASSAY_OK)
		fail_unconnected(exchange);
	exchange_finish(exchange, now, next);
}

/* ---- what happens next ---- */

void exchange_attempt_plan(struct exchange *exchange, struct server *server, bool is_hedge, struct next *next)
{
	if (exchange->unsent)
		exchange->error = ASSAY_OK; /* now it is sent */
	exchange->unsent = false;
	exchange->tried |= server_bit(exchange->client, server);
	exchange->attempts_made++;
	exchange->starting++;
	exchange->refs++;
	server->in_flight++;
	next->start = exchange;
	next->server = server;
	next->is_hedge = is_hedge;
}

static void retry_plan(struct exchange *exchange, uint64_t at_ms)
{
	exchange->retry_ms = at_ms;
	clock_plan(exchange->client, at_ms);
}

void exchange_fail_unsent(struct exchange *exchange, enum assay_error error, const char *text)
{
	if (exchange->error != ASSAY_OK && !exchange->unsent)
		return;
	exchange->error = failure_set(&exchange->failure, error, "%s", text);
	exchange->unsent = true;
}

/* The clock looks first: one that was busy, or memory, may be there again. */
void exchange_finish_unsent(struct exchange *exchange, uint64_t now, struct next *next)
{
	if (exchange->notify && !exchange->put_off) {
		exchange->put_off = true;
		retry_plan(exchange, now);
	} else {
		exchange_finish(exchange, now, next);
	}
}

/* A server whose connection was lost may be asked again; one that has refused may not. */
static bool may_ask_again(const struct exchange *exchange, uint64_t now)
{
	return exchange->attempts_made < EXCHANGE_ATTEMPTS_MAX && (exchange->tried & ~exchange->refused) &&
	       exchange->deadline_ms - now > AGAIN_MS;
}

/* Every server that may be asked has too much to do: waits for the first that may be asked again, if that is soon. */
static void wait_busy(struct exchange *exchange, const struct server *server, uint64_t now, struct next *next)
{
	exchange_fail_unsent(exchange, ASSAY_ERROR_OVERLOADED, "not asked: the server had too much to do a moment ago");
	if (exchange_waits_for(exchange, server, now))
		retry_plan(exchange, server->busy_until_ms);
	else
		exchange_finish_unsent(exchange, now, next);
}

/* While what is under way waits for a connection, a second server is looked for at once, whatever there was before. */
static void hedge_soon(struct exchange *exchange, uint64_t now)
{
	if (!client_hedges(exchange->client) || exchange->attempts_made >= EXCHANGE_ATTEMPTS_MAX)
		return;
	exchange->hedge_ms = now;
	clock_plan(exchange->client, now);
}

void exchange_go_on(struct exchange *exchange, uint64_t now, struct next *next)
{
	enum server_class class = SERVER_BUSY;
	struct server *server = NULL;

	exchange->retry_ms = 0;
	if (now >= exchange->deadline_ms) {
		exchange_finish_late(exchange, now, next);
		return;
	}
	if (exchange->attempts_made < EXCHANGE_ATTEMPTS_MAX)
		server = exchange_server_next(exchange, now, &class);
	if (server && class != SERVER_BUSY) {
		exchange_attempt_plan(exchange, server, false, next);
		if (server->state != LINK_UP)
			hedge_soon(exchange, now);
	} else if (may_ask_again(exchange, now) && !(server && exchange_waits_for(exchange, server, now))) {
		exchange->tried = 0;
		retry_plan(exchange, now + AGAIN_MS);
	} else if (server) {
		wait_busy(exchange, server, now, next);
	} else {
		exchange_finish(exchange, now, next);
	}
}

/* May another server do better? */
static bool is_worth_another(enum assay_error error)
{
	return error == ASSAY_ERROR_CONNECT || error == ASSAY_ERROR_PROTOCOL || error == ASSAY_ERROR_OVERLOADED ||
	       error == ASSAY_ERROR_INTERNAL;
}

static void health_note(struct server *server, enum assay_error error, uint64_t now, uint32_t random)
{
	if (error == ASSAY_ERROR_OVERLOADED)
		server_refused(server, now, random);
	else if (error == ASSAY_ERROR_CONNECT || error == ASSAY_ERROR_PROTOCOL)
		server_failed(server, now, random);
	else
		server_answered(server);
}

void exchange_attempt_over(struct exchange *exchange, struct server *server, struct assay_answer *answer,
			   const struct assay_failure *failure, struct next *next)
{
	struct assay_client *client = exchange->client;
	enum assay_error error = answer ? ASSAY_OK : failure->error;
	uint64_t now = clock_ms();

	health_note(server, error, now, exchange_random(client));
	exchange->answer = answer;
	exchange->error = error;
	exchange->unsent = false;
	if (!answer)
		exchange->failure = *failure;
	if (error != ASSAY_ERROR_CONNECT)
		exchange->refused |= server_bit(client, server);
	if (!is_worth_another(error))
		exchange_finish(exchange, now, next);
	else if (exchange_active(exchange) == 0)
		exchange_go_on(exchange, now, next);
	else if (exchange->starting == 0 && !exchange_is_out(exchange))
		hedge_soon(exchange, now);
}

void next_do(struct next next)
{
	while (next.start || next.notify) {
		struct next what = next;

		next = (struct next){ .start = NULL };
		if (what.start)
			attempt_start(&what, &next);
		if (what.notify)
			notify_run(what.notify);
	}
}

/* ---- life ---- */

struct exchange *exchange_new(struct assay_client *client, struct request *request, uint32_t deadline_ms)
{
	struct exchange *exchange = HEAP_NEW(&client->heap, struct exchange);

	if (!exchange) {
		request_deinit(request);
		return NULL;
	}
	exchange->client = client;
	exchange->request = *request;
	exchange->deadline_given_ms = deadline_ms;
	exchange->refs = 1;
	monotonic_cond_init(&exchange->changed);
	return exchange;
}

void exchange_start(struct exchange *exchange, assay_done_fn notify, void *arg)
{
	struct assay_client *client = exchange->client;
	struct next next = { .start = NULL };
	uint64_t now = clock_ms();

	exchange->notify = notify;
	exchange->notify_arg = arg;
	exchange->deadline_ms = now + exchange->deadline_given_ms;
	pthread_mutex_lock(&client->lock);
	list_add(exchange);
	if (client_hedges(client))
		exchange->hedge_ms = now + (uint64_t)exchange->deadline_given_ms * client->hedge_percent / 100;
	clock_plan_for(exchange);
	exchange_go_on(exchange, now, &next);
	pthread_mutex_unlock(&client->lock);
	next_do(next);
}

enum assay_error exchange_wait(struct exchange *exchange, struct assay_answer **answer_out, struct assay_failure *failure)
{
	struct assay_client *client = exchange->client;
	struct timespec until = monotonic_time(exchange->deadline_ms);
	struct next next = { .start = NULL };
	enum assay_error error;

	pthread_mutex_lock(&client->lock);
	while (!exchange->done) {
		if (pthread_cond_timedwait(&exchange->changed, &client->lock, &until) == ETIMEDOUT && !exchange->done)
			exchange_finish_late(exchange, clock_ms(), &next);
	}
	error = exchange->error;
	*answer_out = exchange->answer;
	exchange->answer = NULL;
	if (error && failure)
		*failure = exchange->failure;
	pthread_mutex_unlock(&client->lock);
	return error;
}

bool exchange_is_over(struct exchange *exchange)
{
	bool over;

	pthread_mutex_lock(&exchange->client->lock);
	over = exchange->done && (!exchange->notify || exchange->told);
	pthread_mutex_unlock(&exchange->client->lock);
	return over;
}

void exchange_release(struct exchange *exchange)
{
	struct assay_client *client = exchange->client;
	struct next next = { .start = NULL };

	pthread_mutex_lock(&client->lock);
	exchange->notify = NULL;
	if (!exchange->done)
		exchange_finish(exchange, clock_ms(), &next);
	while (exchange->starting || (exchange->notifying && !pthread_equal(exchange->notifier, pthread_self())))
		pthread_cond_wait(&exchange->changed, &client->lock);
	exchange_unref(exchange);
	pthread_mutex_unlock(&client->lock);
}
