/*
 * client.c - opens and closes clients.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/exchange_parts.h"
#include "client/failure.h"
#include "client/open.h"

/* The process whose libnng this is: the only state outside of clients, for libnng aborts where it is begun again behind a fork. */
static atomic_int libnng_pid;

static bool libnng_is_ours(void)
{
	int nobody = 0, self = (int)getpid();

	return atomic_compare_exchange_strong(&libnng_pid, &nobody, self) || nobody == self;
}

enum assay_error client_check(const struct assay_client *client, struct assay_failure *failure)
{
	if (client->pid == (int)getpid())
		return ASSAY_OK;
	return failure_set(failure, ASSAY_ERROR_FORKED, "the client was opened before fork()");
}

/* ---- open ---- */

static enum assay_error options_read(const struct assay_options *given, struct assay_options *out,
				     struct assay_failure *failure)
{
	const size_t size_first = offsetof(struct assay_options, digest_from_octets); /* of version 0.1.0 */

	memset(out, 0, sizeof *out);
	if (given && given->size < size_first)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_options.size is not set");
	if (given)
		memcpy(out, given, given->size < sizeof *out ? given->size : sizeof *out);
	if (out->octets_held_max == 0)
		out->octets_held_max = ASSAY_OCTETS_HELD_MAX_DEFAULT;
	if (out->hedge_percent == 0)
		out->hedge_percent = ASSAY_HEDGE_PERCENT_DEFAULT;
	if (!out->allocator)
		out->allocator = &heap_default;
	if (!out->allocator->allocate || !out->allocator->release)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_options.allocator lacks a function");
	if (out->balance != ASSAY_LEAST_IN_FLIGHT && out->balance != ASSAY_ROUND_ROBIN)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_options.balance is unknown");
	return ASSAY_OK;
}

static enum assay_error nng_failure(int error, const char *url, struct assay_failure *failure)
{
	if (error == NNG_EINVAL || error == NNG_ENOTSUP)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT,
				   "%s: no URL that can be dialled, such as " ASSAY_URL_DEFAULT, url);
	return failure_set(failure, error == NNG_ENOMEM ? ASSAY_ERROR_MEMORY : ASSAY_ERROR_CONNECT, "%s: %s", url,
			   nng_strerror(error));
}

static const char *url_next(const char *urls, size_t *octets_out)
{
	urls += strspn(urls, " ,\t\r\n");
	*octets_out = strcspn(urls, " ,\t\r\n");
	return urls;
}

static enum assay_error server_add(struct assay_client *client, const char *url, size_t octets,
				   struct assay_failure *failure)
{
	struct server *server = &client->servers[client->servers_count];
	int error;

	server->url = heap_new(&client->heap, octets + 1);
	if (!server->url)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a client");
	memcpy(server->url, url, octets);
	client->servers_count++;
	error = server_open(server);
	return error ? nng_failure(error, server->url, failure) : ASSAY_OK;
}

static enum assay_error servers_add(struct assay_client *client, const char *urls, struct assay_failure *failure)
{
	unsigned count = 0;
	size_t octets;

	for (const char *url = url_next(urls, &octets); octets; url = url_next(url + octets, &octets))
		count++;
	if (count == 0 || count > ASSAY_SERVERS_MAX)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "1 to %d URLs are needed", ASSAY_SERVERS_MAX);
	client->servers = heap_new(&client->heap, count * sizeof *client->servers);
	if (!client->servers)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a client");
	for (const char *url = url_next(urls, &octets); octets; url = url_next(url + octets, &octets)) {
		enum assay_error error = server_add(client, url, octets, failure);

		if (error)
			return error;
	}
	return ASSAY_OK;
}

/* All in the background; but with `connect_ms` one after the other has its share of that time, until one is connected. */
static enum assay_error servers_connect(struct assay_client *client, uint32_t connect_ms, struct assay_failure *failure)
{
	uint64_t until = clock_ms() + connect_ms;
	bool waits = connect_ms > 0;
	enum assay_error error = ASSAY_OK;
	int result;

	for (unsigned i = 0; waits && i < client->servers_count; i++) {
		uint64_t now = clock_ms(), left = until > now ? until - now : 0;

		result = server_connect(&client->servers[i], (uint32_t)(left / (client->servers_count - i)) + 1);
		client->servers[i].is_started = result == 0;
		waits = result != 0;
		error = result ? nng_failure(result, client->servers[i].url, failure) : ASSAY_OK;
	}
	if (error)
		return error;
	for (unsigned i = 0; i < client->servers_count; i++) {
		if (client->servers[i].is_started)
			continue;
		result = server_connect(&client->servers[i], 0);
		if (result)
			return nng_failure(result, client->servers[i].url, failure);
		client->servers[i].is_started = true;
	}
	return ASSAY_OK;
}

static enum assay_error client_setup(struct assay_client *client, const char *urls, const struct assay_options *options,
				     struct assay_failure *failure)
{
	enum assay_error error;

	client->balance = options->balance;
	client->hedge_percent = options->hedge_percent;
	client->digest_from_octets = options->digest_from_octets;
	client->octets_held_max = options->octets_held_max;
	client->pid = (int)getpid();
	/* Not secret, only not the same everywhere; and never 0. */
	client->random = (uint32_t)(uintptr_t)client ^ (uint32_t)clock_ms() ^ (uint32_t)client->pid << 16;
	client->random |= 1;
	if (options->dispatch && (client->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no descriptor for assay_dispatch()");
	if (nng_aio_alloc(&client->tick, exchanges_tick, client) != 0)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a client");
	error = servers_add(client, urls ? urls : ASSAY_URL_DEFAULT, failure);
	return error ? error : servers_connect(client, options->connect_ms, failure);
}

enum assay_error assay_open(const char *urls, const struct assay_options *options, struct assay_client **client_out,
			    struct assay_failure *failure)
{
	struct assay_options settings;
	struct assay_client *client;
	enum assay_error error;

	*client_out = NULL;
	error = options_read(options, &settings, failure);
	if (error)
		return error;
	if (!libnng_is_ours())
		return failure_set(failure, ASSAY_ERROR_FORKED, "libnng was in use before fork()");
	client = HEAP_NEW(settings.allocator, struct assay_client);
	if (!client)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a client");
	client->heap = *settings.allocator;
	client->descriptor = -1;
	pthread_mutex_init(&client->lock, NULL);
	monotonic_cond_init(&client->quiet);
	error = client_setup(client, urls, &settings, failure);
	if (error)
		assay_close(client);
	else
		*client_out = client;
	return error;
}

/* ---- close ---- */

/* Callbacks that nobody dispatched: their mails have ended, so they are to be forgotten. */
static void done_forget(struct assay_client *client)
{
	while (client->done_first) {
		struct exchange *exchange = client->done_first;

		client->done_first = exchange->next_done;
		exchange_unref(exchange);
	}
}

static bool is_quiet(const struct assay_client *client)
{
	for (unsigned i = 0; i < client->servers_count; i++)
		if (client->servers[i].in_flight > 0 && atomic_load(&client->servers[i].connections) > 0)
			return false;
	return true;
}

/*
 * Waits for replies that nobody waits for any more, or for their deadline. nng 1.5 can hang for ever when it has to close a
 * connection while a message is just coming in or going out: the next part is then refused without a word to the one who
 * waits for it.
 */
static void wait_quiet(struct assay_client *client)
{
	struct timespec until = monotonic_time(clock_ms() + CLOSE_MS_MAX);

	pthread_mutex_lock(&client->lock);
	while (!is_quiet(client) && pthread_cond_timedwait(&client->quiet, &client->lock, &until) == 0)
		;
	pthread_mutex_unlock(&client->lock);
}

void assay_close(struct assay_client *client)
{
	struct assay_allocator heap;

	if (!client || client->pid != (int)getpid())
		return;
	if (client->tick)
		nng_aio_stop(client->tick);
	wait_quiet(client);
	for (unsigned i = 0; i < client->servers_count; i++)
		server_close(&client->servers[i], &client->heap);
	if (client->tick)
		nng_aio_free(client->tick);
	done_forget(client);
	if (client->descriptor >= 0)
		close(client->descriptor);
	pthread_cond_destroy(&client->quiet);
	pthread_mutex_destroy(&client->lock);
	heap = client->heap;
	heap_free(&heap, client->servers);
	heap_free(&heap, client);
}

/* ---- what can be asked of it ---- */

enum assay_error assay_get_server(const struct assay_client *client, unsigned number, struct assay_server *out)
{
	struct assay_client *locked;
	struct assay_server state;
	const struct server *server;
	size_t size = out->size;

	if (number >= client->servers_count || size < offsetof(struct assay_server, requests))
		return ASSAY_ERROR_ARGUMENT;
	memcpy(&locked, &client, sizeof locked); /* the lock alone is changed */
	server = &client->servers[number];
	pthread_mutex_lock(&locked->lock);
	state = (struct assay_server){
		.size = size,
		.url = server->url,
		.connected = atomic_load(&server->connections) > 0,
		.avoided = server_class(server, clock_ms()) > SERVER_AWAY,
		.in_flight = server->in_flight,
		.requests = server->requests,
		.octets = server->octets,
		.hedges = server->hedges,
		.unanswered = server->unanswered,
		.overloaded = server->overloaded,
	};
	pthread_mutex_unlock(&locked->lock);
	memcpy(out, &state, size < sizeof state ? size : sizeof state);
	return ASSAY_OK;
}

int assay_descriptor(const struct assay_client *client)
{
	return client->descriptor;
}

void assay_dispatch(struct assay_client *client)
{
	if (client->descriptor >= 0 && client->pid == (int)getpid())
		exchanges_dispatch(client);
}
