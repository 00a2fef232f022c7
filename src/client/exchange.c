#include "client/exchange_parts.h"

#include <errno.h>
#include <string.h>

#include "client/failure.h"
#include "client/link.h"

#define TICK_MS        5
#define AGAIN_MS       40 /* until a lost connection's request goes to the same server again */
#define HEDGE_AGAIN_MS 50 /* until a second server is looked for again when none was well */

uint32_t exchange_random(struct assay_client *client)
{
	uint32_t x = client->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return client->random = x;
}

static uint32_t bit_of(const struct assay_client *client, const struct server *server)
{
	return UINT32_C(1) << (server - client->servers);
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

/* The best of those that are not in `without`; NULL: there is none. */
static struct server *server_choose(struct assay_client *client, uint32_t without, uint64_t now,
				    enum server_class *class_out)
{
	struct server *best = NULL;
	unsigned first = client->next_server++;

	for (unsigned i = 0; i < client->servers_count; i++) {
		struct server *server = &client->servers[(first + i) % client->servers_count];
		enum server_class class = server_class(server, now);
		bool is_better;

		if (bit_of(client, server) & without)
			continue;
		is_better = !best || class < *class_out ||
			    (class == *class_out && client->balance == ASSAY_LEAST_IN_FLIGHT &&
			     server->in_flight < best->in_flight);
		if (!is_better)
			continue;
		best = server;
		*class_out = class;
	}
	return best;
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

/* The deadline is there. What an attempt failed for before says more than that nothing came of it. */
static void finish_late(struct exchange *exchange, uint64_t now, struct next *next)
{
	uint32_t ms = exchange->deadline_given_ms;

	if (exchange->error == ASSAY_OK && any_connected(exchange->client, exchange->tried))
		exchange->error = failure_set(&exchange->failure, ASSAY_ERROR_TIMEOUT, "no answer within %u ms", ms);
	else if (exchange->error == ASSAY_OK)
		fail_unconnected(exchange);
	exchange_finish(exchange, now, next);
}

/* ---- what happens next ---- */

static void attempt_plan(struct exchange *exchange, struct server *server, bool is_hedge, struct next *next)
{
	exchange->tried |= bit_of(exchange->client, server);
	exchange->attempts_made++;
	exchange->starting++;
	exchange->refs++;
	server->in_flight++;
	next->start = exchange;
	next->server = server;
	next->is_hedge = is_hedge;
}

static void tick_plan(struct assay_client *client, struct next *next)
{
	if (!client->ticking)
		next->tick = client;
	client->ticking = true;
}

static void retry_plan(struct exchange *exchange, uint64_t at_ms, struct next *next)
{
	exchange->retry_ms = at_ms;
	tick_plan(exchange->client, next);
}

/* Every server that may be asked has too much to do: waits for the first that may be asked again, if that is soon. */
static void wait_busy(struct exchange *exchange, const struct server *server, uint64_t now, struct next *next)
{
	if (server->busy_until_ms - now < (exchange->deadline_ms - now) / 2) {
		retry_plan(exchange, server->busy_until_ms, next);
		return;
	}
	exchange->error = failure_set(&exchange->failure, ASSAY_ERROR_OVERLOADED,
				      "not asked: the server had too much to do a moment ago");
	exchange_finish(exchange, now, next);
}

/* A server whose connection was lost may be asked again; one that has refused may not. */
static bool may_ask_again(const struct exchange *exchange, uint64_t now)
{
	return exchange->error == ASSAY_ERROR_CONNECT && exchange->attempts_made < EXCHANGE_ATTEMPTS_MAX &&
	       (exchange->tried & ~exchange->refused) && exchange->deadline_ms - now > AGAIN_MS;
}

/* No attempt is under way: the next one now, or later, or the end. */
static void go_on(struct exchange *exchange, uint64_t now, struct next *next)
{
	enum server_class class = SERVER_BUSY;
	struct server *server = NULL;

	exchange->retry_ms = 0;
	if (now >= exchange->deadline_ms) {
		finish_late(exchange, now, next);
		return;
	}
	if (exchange->attempts_made < EXCHANGE_ATTEMPTS_MAX)
		server = server_choose(exchange->client, exchange->tried | exchange->refused, now, &class);
	if (server && class != SERVER_BUSY) {
		attempt_plan(exchange, server, false, next);
	} else if (server) {
		wait_busy(exchange, server, now, next);
	} else if (may_ask_again(exchange, now)) {
		exchange->tried = 0;
		retry_plan(exchange, now + AGAIN_MS, next);
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
	if (!answer)
		exchange->failure = *failure;
	if (error != ASSAY_ERROR_CONNECT)
		exchange->refused |= bit_of(client, server);
	if (!is_worth_another(error))
		exchange_finish(exchange, now, next);
	else if (exchange_active(exchange) == 0)
		go_on(exchange, now, next);
}

/* ---- from a server to another ---- */

static uint32_t asked_now(const struct exchange *exchange)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < EXCHANGE_AT_ONCE; i++)
		if (exchange->attempts[i].is_active)
			bits |= bit_of(exchange->client, exchange->attempts[i].server);
	return bits;
}

/*
 * The clock hands the attempt to the server that is best then: nothing of it was sent, so it counts for nothing. Beside another
 * attempt it was a second one, and is looked for again as such.
 */
static void attempt_move(struct attempt *attempt, uint32_t to, uint64_t now, struct next *next)
{
	struct exchange *exchange = attempt->exchange;

	server_attempt_remove(attempt);
	exchange->attempts_made--;
	exchange->tried &= ~(to | bit_of(exchange->client, attempt->server));
	if (exchange_active(exchange) == 0)
		exchange->retry_ms = now;
	else
		exchange->hedge_ms = now;
	tick_plan(exchange->client, next);
}

/* Moves it to a server of the set `to`, if its exchange may ask one of them. */
static void attempt_leave(struct attempt *attempt, uint32_t to, uint64_t now, struct next *next)
{
	if (!attempt->is_out && (to & ~(attempt->exchange->refused | asked_now(attempt->exchange))))
		attempt_move(attempt, to, now, next);
}

static void waiting_move(struct server *from, uint32_t to, struct next *next)
{
	uint64_t now = clock_ms();

	for (struct frame *frame = from->out_first; frame && to; frame = frame->next)
		if (frame->attempt)
			attempt_leave(frame->attempt, to, now, next);
}

static uint32_t all_well(const struct assay_client *client)
{
	uint64_t now = clock_ms();
	uint32_t well = 0;

	for (unsigned i = 0; i < client->servers_count; i++)
		if (server_class(&client->servers[i], now) == SERVER_WELL)
			well |= UINT32_C(1) << i;
	return well;
}

void exchange_leave(struct attempt *attempt, struct next *next)
{
	if (attempt->server->state != LINK_UP)
		attempt_leave(attempt, all_well(attempt->exchange->client), clock_ms(), next);
}

void exchanges_leave(struct server *server, struct next *next)
{
	waiting_move(server, all_well(server->client), next);
}

void exchanges_come(struct server *server, struct next *next)
{
	struct assay_client *client = server->client;

	if (server_class(server, clock_ms()) != SERVER_WELL)
		return;
	for (unsigned i = 0; i < client->servers_count; i++)
		if (client->servers[i].state != LINK_UP)
			waiting_move(&client->servers[i], bit_of(client, server), next);
}

/* ---- the clock ---- */

static bool is_due(uint64_t at_ms, uint64_t now)
{
	return at_ms && at_ms <= now;
}

static void hedge(struct exchange *exchange, uint64_t now, struct next *next)
{
	enum server_class class = SERVER_BUSY;
	struct server *server;

	/* Whoever is well and is not being waited for: one whose connection was lost may be there again. */
	server = server_choose(exchange->client, exchange->refused | asked_now(exchange), now, &class);
	exchange->hedge_ms = now + HEDGE_AGAIN_MS;
	if (exchange_active(exchange) != 1 || !server || class != SERVER_WELL)
		return;
	exchange->hedge_ms = 0;
	attempt_plan(exchange, server, true, next);
}

/* Does what is due of an exchange; true: something was. */
static bool due_do(struct exchange *exchange, uint64_t now, struct next *next)
{
	if (exchange->done)
		return false;
	if (exchange->notify && exchange->deadline_ms <= now)
		finish_late(exchange, now, next);
	else if (is_due(exchange->retry_ms, now))
		go_on(exchange, now, next);
	else if (is_due(exchange->hedge_ms, now))
		hedge(exchange, now, next);
	else
		return false;
	return true;
}

/* Those that are due, each with a reference; *waits_out: the clock is needed by some. One pass, however many are under way. */
static struct exchange *due_take(struct assay_client *client, bool *waits_out)
{
	struct exchange *first = NULL, **at = &first;
	uint64_t now = clock_ms();

	*waits_out = false;
	for (struct exchange *exchange = client->under_way; exchange; exchange = exchange->next) {
		*waits_out |= exchange->hedge_ms || exchange->retry_ms || exchange->notify;
		if (!is_due(exchange->retry_ms, now) && !is_due(exchange->hedge_ms, now) &&
		    !(exchange->notify && exchange->deadline_ms <= now))
			continue;
		exchange->refs++;
		*at = exchange;
		at = &exchange->next_due;
	}
	*at = NULL;
	return first;
}

/* With the lock held, which is free in between. */
static void tick_one(struct assay_client *client, struct exchange *exchange)
{
	struct next next = { .start = NULL };
	bool did = due_do(exchange, clock_ms(), &next);

	exchange_unref(exchange);
	if (!did)
		return;
	pthread_mutex_unlock(&client->lock);
	next_do(next);
	pthread_mutex_lock(&client->lock);
}

void exchanges_tick(void *argument)
{
	struct assay_client *client = argument;
	bool goes_on = nng_aio_result(client->tick) == 0, waits = false;

	pthread_mutex_lock(&client->lock);
	for (struct exchange *due = goes_on ? due_take(client, &waits) : NULL; due;) {
		struct exchange *exchange = due;

		due = due->next_due;
		tick_one(client, exchange);
	}
	client->ticking = goes_on = goes_on && waits;
	pthread_mutex_unlock(&client->lock);
	if (goes_on)
		nng_sleep_aio(TICK_MS, client->tick);
}

void next_do(struct next next)
{
	while (next.start || next.notify || next.tick) {
		struct next what = next;

		next = (struct next){ .start = NULL };
		if (what.tick)
			nng_sleep_aio(TICK_MS, what.tick->tick);
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
	if (client->servers_count > 1 && client->hedge_percent < 100)
		exchange->hedge_ms = now + (uint64_t)exchange->deadline_given_ms * client->hedge_percent / 100;
	if (exchange->hedge_ms || notify)
		tick_plan(client, &next);
	go_on(exchange, now, &next);
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
			finish_late(exchange, clock_ms(), &next);
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
