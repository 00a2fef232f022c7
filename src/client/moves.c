/*
 * moves.c - what waits to be sent to a server that cannot be reached goes to one that can (see exchange_parts.h).
 */
#include "client/exchange_parts.h"
#include "client/out.h"

uint32_t exchange_asked_now(const struct exchange *exchange)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < EXCHANGE_AT_ONCE; i++)
		if (exchange->attempts[i].is_active)
			bits |= server_bit(exchange->client, exchange->attempts[i].server);
	return bits;
}

/*
 * The clock hands the attempt to the server that is best then: nothing of it was sent, so it counts for nothing. Beside another
 * attempt it was a second one, and is looked for again as such.
 */
static void attempt_move(struct attempt *attempt, uint32_t to, uint64_t now)
{
	struct exchange *exchange = attempt->exchange;

	server_attempt_remove(attempt);
	exchange->attempts_made--;
	exchange->tried &= ~(to | server_bit(exchange->client, attempt->server));
	if (exchange_active(exchange) == 0)
		exchange->retry_ms = now;
	else
		exchange->hedge_ms = now;
	clock_plan(exchange->client, now);
}

/* Moves it to a server of the set `to`, if its exchange may ask one of them. */
static void attempt_leave(struct attempt *attempt, uint32_t to, uint64_t now)
{
	if (!attempt->is_out && (to & ~(attempt->exchange->refused | exchange_asked_now(attempt->exchange))))
		attempt_move(attempt, to, now);
}

static void waiting_move(struct server *from, uint32_t to)
{
	uint64_t now = clock_ms();

	for (struct frame *frame = from->out_first; frame && to; frame = frame->next)
		if (frame->attempt)
			attempt_leave(frame->attempt, to, now);
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

void exchange_leave(struct attempt *attempt)
{
	if (attempt->server->state != LINK_UP)
		attempt_leave(attempt, all_well(attempt->exchange->client), clock_ms());
}

void exchanges_leave(struct server *server)
{
	waiting_move(server, all_well(server->client));
}

void exchanges_come(struct server *server)
{
	struct assay_client *client = server->client;

	if (server_class(server, clock_ms()) != SERVER_WELL)
		return;
	for (unsigned i = 0; i < client->servers_count; i++)
		if (client->servers[i].state != LINK_UP)
			waiting_move(&client->servers[i], server_bit(client, server));
}
