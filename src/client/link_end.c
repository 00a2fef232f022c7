/*
 * link_end.c - the end of a connection, and what becomes of those who wait for it (see link_parts.h).
 */
#include "client/link_parts.h"

#include "client/exchange_parts.h"
#include "client/out.h"

/* A connection that ended soon, and brought nothing, counts as one that could not be made: the next one is not made at once. */
static void count_short(struct server *server)
{
	if (!server->brought && clock_ms() - server->up_since_ms < LINK_REDIAL_MS_MAX)
		server->dials_failed++;
	else
		server->dials_failed = 0;
}

/*
 * With the lock held. What comes of it is settled when nng has done with the stream. What is handed to a stream that was closed
 * never ends (libnng 1.5.2): so it is closed when nothing is being handed to it.
 */
void link_down(struct server *server, int error)
{
	if (server->state == LINK_GREETING) {
		server->dials_failed++;
		server->dial_error = error ? error : NNG_EPROTO;
		pthread_cond_broadcast(&server->client->changed);
	}
	if (server->state == LINK_UP)
		count_short(server);
	server->state = LINK_DOWN;
	if (server->handing == 0 && server->stream)
		nng_stream_close(server->stream);
}

void link_replace(struct server *server)
{
	server->replaced++;
	link_down(server, 0);
}

static struct attempt *attempt_out(const struct server *server, unsigned bucket)
{
	struct attempt *attempt = server->attempts[bucket];

	while (attempt && !attempt->is_out)
		attempt = attempt->next;
	return attempt;
}

/* Requests that are out have no reply to wait for any more; those that are not will go out by the next connection. */
static void attempts_fail(struct server *server)
{
	static const struct assay_failure failure = { ASSAY_ERROR_CONNECT, "the connection was lost" };
	struct assay_client *client = server->client;
	struct attempt *attempt;

	pthread_mutex_lock(&client->lock);
	for (unsigned i = 0; i < ATTEMPT_BUCKETS; i++) {
		while ((attempt = attempt_out(server, i))) {
			struct next next = { .start = NULL };

			server_attempt_remove(attempt);
			exchange_attempt_over(attempt->exchange, server, NULL, &failure, &next);
			pthread_mutex_unlock(&client->lock);
			next_do(next);
			pthread_mutex_lock(&client->lock);
		}
	}
	pthread_mutex_unlock(&client->lock);
}

void link_attempts_leave(struct server *server)
{
	pthread_mutex_lock(&server->client->lock);
	exchanges_leave(server);
	pthread_mutex_unlock(&server->client->lock);
}

/*
 * Reader or writer has ended. The one that ends last lets the stream go, but not while link_close() stops them: nng's stopping
 * looks at the stream.
 */
void link_settle(struct server *server)
{
	nng_stream *stream = NULL;

	pthread_mutex_lock(&server->client->lock);
	if (server->state == LINK_DOWN && server->handing == 0 && !server->rx_busy && !server->tx_busy &&
	    !server->is_closing) {
		stream = server->stream;
		server->stream = NULL;
		server->in_used = 0;
		out_end(server);
	}
	pthread_mutex_unlock(&server->client->lock);
	if (!stream)
		return;
	nng_stream_free(stream);
	attempts_fail(server);
	link_attempts_leave(server);
	link_redial(server);
}

void link_handed(struct server *server)
{
	bool is_down;

	pthread_mutex_lock(&server->client->lock);
	server->handing--;
	is_down = server->state == LINK_DOWN;
	if (is_down)
		link_down(server, 0);
	pthread_mutex_unlock(&server->client->lock);
	if (is_down)
		link_settle(server);
}
