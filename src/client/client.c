/*
 * client.c - opens and closes clients.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/exchange_parts.h"
#include "client/failure.h"
#include "client/growth.h"
#include "client/link.h"
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
	memset(out, 0, sizeof *out);
	if (given && given->size < OPTIONS_SIZE_FIRST)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_options.size is not set");
	if (given)
		memcpy(out, given, size_shared(given->size, sizeof *out));
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
	if (error == NNG_EINVAL || error == NNG_ENOTSUP || error == NNG_EADDRINVAL)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT,
				   "%s: no URL that can be dialled, such as " ASSAY_URL_DEFAULT, url);
	return failure_set(failure, error == NNG_ENOMEM ? ASSAY_ERROR_MEMORY : ASSAY_ERROR_CONNECT, "%s: %s", url,
			   link_error_text(error));
}

static enum assay_error connect_failure(int error, const char *url, struct assay_failure *failure)
{
	return failure_set(failure, error == NNG_ENOMEM ? ASSAY_ERROR_MEMORY : ASSAY_ERROR_CONNECT, "%s: %s", url,
			   link_error_text(error));
}

static const char *url_next(const char *urls, size_t *octets_out)
{
	urls += strspn(urls, " ,\t\r\n");
	*octets_out = strcspn(urls, " ,\t\r\n");
	return urls;
}

/* HOST:PORT, the host perhaps in brackets; the port in digits, as in the URLs of the daemon. */
static bool is_host_and_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	const char *last = colon ? colon + 1 + strspn(colon + 1, "0123456789") : NULL;
	unsigned long port = 0;

	if (!last || *last || last == colon + 1 || last - colon > 6 || colon == text)
		return false;
	for (const char *at = colon + 1; *at; at++)
		port = port * 10 + (unsigned long)(*at - '0');
	return port >= 1 && port <= 65535;
}

static bool can_be_dialled(const char *url)
{
	static const char ipc[] = "ipc://", tcp[] = "tcp://", tls[] = "tls+tcp://";

	if (strncmp(url, ipc, sizeof ipc - 1) == 0)
		return url[sizeof ipc - 1];
	if (strncmp(url, tcp, sizeof tcp - 1) == 0)
		return is_host_and_port(url + sizeof tcp - 1);
	return strncmp(url, tls, sizeof tls - 1) == 0 && is_host_and_port(url + sizeof tls - 1);
}

static enum assay_error file_failure(int error, const char *file, struct assay_failure *failure)
{
	if (error == NNG_ENOMEM)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a client");
	return failure_set(failure, ASSAY_ERROR_ARGUMENT, "%s: cannot be used for TLS: %s", file, nng_strerror(error));
}

static enum assay_error server_add(struct assay_client *client, const char *url, size_t octets,
				   const struct assay_options *options, struct assay_failure *failure)
{
	struct server *server = &client->servers[client->servers_count];
	const char *file;
	int error;

	server->client = client;
	server->url = heap_new(&client->heap, octets + 1);
	if (!server->url)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a client");
	memcpy(server->url, url, octets);
	client->servers_count++;
	if (!can_be_dialled(server->url))
		return nng_failure(NNG_ENOTSUP, server->url, failure);
	error = link_open(server, options, &file);
	if (error && file)
		return file_failure(error, file, failure);
	return error ? nng_failure(error, server->url, failure) : ASSAY_OK;
}

static enum assay_error servers_add(struct assay_client *client, const char *urls, const struct assay_options *options,
				    struct assay_failure *failure)
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
		enum assay_error error = server_add(client, url, octets, options, failure);

		if (error)
			return error;
	}
	return ASSAY_OK;
}

/* Is there a connection, or none to be had? With the lock held. */
static bool is_settled(const struct assay_client *client, const struct server **failed_out)
{
	unsigned failed = 0;

	*failed_out = NULL;
	for (unsigned i = 0; i < client->servers_count; i++) {
		if (client->servers[i].state == LINK_UP)
			return true;
		failed += client->servers[i].dials_failed > 0;
	}
	if (failed == client->servers_count)
		*failed_out = &client->servers[0];
	return failed == client->servers_count;
}

static enum assay_error servers_connect(struct assay_client *client, uint32_t connect_ms, struct assay_failure *failure)
{
	struct timespec until = monotonic_time(clock_ms() + connect_ms);
	const struct server *failed = NULL;
	int error = 0;

	for (unsigned i = 0; i < client->servers_count; i++)
		link_start(&client->servers[i]);
	if (connect_ms == 0)
		return ASSAY_OK;
	pthread_mutex_lock(&client->lock);
	while (!error && !is_settled(client, &failed))
		if (pthread_cond_timedwait(&client->changed, &client->lock, &until) != 0)
			error = NNG_ETIMEDOUT;
	if (failed)
		error = failed->dial_error;
	pthread_mutex_unlock(&client->lock);
	return error ? connect_failure(error, client->servers[0].url, failure) : ASSAY_OK;
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
	error = servers_add(client, urls ? urls : ASSAY_URL_DEFAULT, options, failure);
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
	monotonic_cond_init(&client->changed);
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

void assay_close(struct assay_client *client)
{
	struct assay_allocator heap;

	if (!client || client->pid != (int)getpid())
		return;
	if (client->tick)
		nng_aio_stop(client->tick);
	for (unsigned i = 0; i < client->servers_count; i++)
		link_close(&client->servers[i]);
	if (client->tick)
		nng_aio_free(client->tick);
	done_forget(client);
	if (client->descriptor >= 0)
		close(client->descriptor);
	pthread_cond_destroy(&client->changed);
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

	if (client_check(client, NULL) != ASSAY_OK)
		return ASSAY_ERROR_FORKED;
	if (number >= client->servers_count || size < SERVER_SIZE_FIRST)
		return ASSAY_ERROR_ARGUMENT;
	memcpy(&locked, &client, sizeof locked); /* the lock alone is changed */
	server = &client->servers[number];
	pthread_mutex_lock(&locked->lock);
	state = (struct assay_server){
		.size = size,
		.url = server->url,
		.connected = server->state == LINK_UP,
		.avoided = server_class(server, clock_ms()) > SERVER_AWAY,
		.in_flight = server->in_flight,
		.requests = server->requests,
		.octets = server->octets,
		.hedges = server->hedges,
		.unanswered = server->unanswered,
		.overloaded = server->overloaded,
		.replaced = server->replaced,
	};
	pthread_mutex_unlock(&locked->lock);
	memcpy(out, &state, size_shared(size, sizeof state));
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
