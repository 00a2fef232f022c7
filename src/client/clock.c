/*
 * clock.c - does what is due of exchanges: a second attempt, another try, the deadline of who is called back (see
 * exchange_parts.h).
 *
 * One timer of nng a client sleeps until the first of them is due, or CLOCK_MS_MAX, and only while calls are under way. Something
 * that is due earlier wakes it. nng_sleep_aio() and nng_aio_abort() call nobody back themselves, so that both may be called
 * with the lock held.
 */
#include "client/exchange_parts.h"

#define CLOCK_MS_MIN   5   /* between two looks: what is due meanwhile is done together */
#define CLOCK_MS_MAX   100
#define HEDGE_AGAIN_MS 50  /* until a second server is looked for again when none was well */

static void sleep_until(struct assay_client *client, uint64_t at_ms, uint64_t now)
{
	uint64_t ms = at_ms > now ? at_ms - now : 0;

	if (ms < CLOCK_MS_MIN)
		ms = CLOCK_MS_MIN;
	if (ms > CLOCK_MS_MAX)
		ms = CLOCK_MS_MAX;
	client->tick_at_ms = now + ms;
	nng_sleep_aio((nng_duration)ms, client->tick);
}

void clock_plan(struct assay_client *client, uint64_t at_ms)
{
	uint64_t now = clock_ms();

	if (!client->ticking) {
		client->ticking = true;
		sleep_until(client, at_ms, now);
	} else if (client->tick_at_ms > now + CLOCK_MS_MIN && client->tick_at_ms > at_ms) {
		client->tick_at_ms = 0;
		nng_aio_abort(client->tick, NNG_EINTR);
	}
}

static uint64_t earlier_of(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* When something of it is due first; 0: never. Those who wait look after their deadline themselves. */
static uint64_t due_ms(const struct exchange *exchange)
{
	return earlier_of(earlier_of(exchange->retry_ms, exchange->hedge_ms), exchange->notify ? exchange->deadline_ms : 0);
}

void clock_plan_for(struct exchange *exchange)
{
	uint64_t at_ms = due_ms(exchange);

	if (at_ms)
		clock_plan(exchange->client, at_ms);
}

static bool is_due(uint64_t at_ms, uint64_t now)
{
	return at_ms && at_ms <= now;
}

static uint32_t unconnected(const struct assay_client *client)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < client->servers_count; i++)
		if (client->servers[i].state != LINK_UP)
			bits |= server_bit(client, &client->servers[i]);
	return bits;
}

static bool any_out(const struct exchange *exchange)
{
	for (unsigned i = 0; i < EXCHANGE_AT_ONCE; i++)
		if (exchange->attempts[i].is_active && exchange->attempts[i].is_out)
			return true;
	return false;
}

/*
 * Whoever is well and is not being waited for: one whose connection was lost may be there again. For a call that waits for a
 * connection, one that is passed over for its silence will do: it may answer.
 */
static void hedge(struct exchange *exchange, uint64_t now, struct next *next)
{
	struct assay_client *client = exchange->client;
	enum server_class class = SERVER_BUSY, worst = any_out(exchange) ? SERVER_WELL : SERVER_SILENT;
	struct server *server;

	server = exchange_server(client, exchange->refused | exchange_asked_now(exchange) | unconnected(client), now, &class);
	exchange->hedge_ms = now + HEDGE_AGAIN_MS;
	if (exchange_active(exchange) != 1 || !server || class > worst)
		return;
	exchange->hedge_ms = 0;
	exchange_attempt_plan(exchange, server, true, next);
}

/* Does what is due of an exchange; true: something was. */
static bool due_do(struct exchange *exchange, uint64_t now, struct next *next)
{
	if (exchange->done)
		return false;
	if (exchange->notify && exchange->deadline_ms <= now)
		exchange_finish_late(exchange, now, next);
	else if (is_due(exchange->retry_ms, now))
		exchange_go_on(exchange, now, next);
	else if (is_due(exchange->hedge_ms, now))
		hedge(exchange, now, next);
	else
		return false;
	return true;
}

/* Those that are due, each with a reference. One pass, however many are under way. */
static struct exchange *due_take(struct assay_client *client)
{
	struct exchange *first = NULL, **at = &first;
	uint64_t now = clock_ms();

	for (struct exchange *exchange = client->under_way; exchange; exchange = exchange->next) {
		if (!is_due(due_ms(exchange), now))
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

/* Sleeps until the first of what is under way is due, if anything is. */
static void sleep_again(struct assay_client *client)
{
	uint64_t first_ms = 0;

	for (const struct exchange *exchange = client->under_way; exchange; exchange = exchange->next)
		first_ms = earlier_of(due_ms(exchange), first_ms);
	client->ticking = first_ms;
	if (first_ms)
		sleep_until(client, first_ms, clock_ms());
}

void exchanges_tick(void *argument)
{
	struct assay_client *client = argument;
	int error = nng_aio_result(client->tick);
	bool closes = error && error != NNG_EINTR;

	pthread_mutex_lock(&client->lock);
	client->tick_at_ms = 0;
	for (struct exchange *due = closes ? NULL : due_take(client); due;) {
		struct exchange *exchange = due;

		due = due->next_due;
		tick_one(client, exchange);
	}
	if (!closes)
		sleep_again(client);
	pthread_mutex_unlock(&client->lock);
}
