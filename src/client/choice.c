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
