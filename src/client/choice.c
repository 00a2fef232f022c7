/*
 * choice.c - which server is asked (see exchange_parts.h).
 */
#include "client/exchange_parts.h"

uint32_t exchange_unconnected(const struct assay_client *client)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < client->servers_count; i++)
		if (client->servers[i].state != LINK_UP)
			bits |= server_bit(client, &client->servers[i]);
	return bits;
}

/* Of two that are equally well. Which have too much to do: the one that may be asked again first. */
static bool is_preferred(const struct server *server, const struct server *to, enum server_class class)
{
	if (class == SERVER_BUSY)
		return server->busy_until_ms < to->busy_until_ms;
	return server->client->balance == ASSAY_LEAST_IN_FLIGHT && server->in_flight < to->in_flight;
}

struct server *exchange_server(struct assay_client *client, uint32_t without, uint64_t now, enum server_class *class_out)
{
	struct server *best = NULL;
	unsigned first = client->next_server++;

	for (unsigned i = 0; i < client->servers_count; i++) {
		struct server *server = &client->servers[(first + i) % client->servers_count];
		enum server_class class = server_class(server, now);

		if (server_bit(client, server) & without)
			continue;
		if (best && (class > *class_out || (class == *class_out && !is_preferred(server, best, class))))
			continue;
		best = server;
		*class_out = class;
	}
	return best;
}

bool exchange_waits_for(const struct exchange *exchange, const struct server *busy, uint64_t now)
{
	return busy->busy_until_ms - now < (exchange->deadline_ms - now) / 2;
}

/* Where no second one will be looked for, one that is connected is better than one that is not, if it is not busy for long. */
struct server *exchange_server_next(const struct exchange *exchange, uint64_t now, enum server_class *class_out)
{
	struct assay_client *client = exchange->client;
	uint32_t without = exchange->tried | exchange->refused;
	struct server *server = exchange_server(client, without, now, class_out), *connected;
	enum server_class class = SERVER_BUSY;

	if (!server || server->state == LINK_UP || client_hedges(client))
		return server;
	connected = exchange_server(client, without | exchange_unconnected(client), now, &class);
	if (!connected || (class == SERVER_BUSY && !exchange_waits_for(exchange, connected, now)))
		return server;
	*class_out = class;
	return connected;
}
