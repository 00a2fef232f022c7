#include "client/link_parts.h"

#include <string.h>

#include <nng/supplemental/tls/tls.h>

#include "client/exchange_parts.h"
#include "client/out.h"

#define REDIAL_MS_MIN 50
#define DIAL_MS_MAX   10000

/* nng_strerror() speaks of objects and addresses. */
const char *link_error_text(int error)
{
	switch (error) {
	case NNG_EADDRINVAL: return "the name has no address";
	case NNG_EPROTO: return "no assay daemon: it does not greet as one";
	case NNG_ECONNSHUT:
	case NNG_ECLOSED: return "closed by the server before it greeted";
	case NNG_ECRYPTO: return "TLS: the handshake failed";
	case NNG_EPEERAUTH: return "TLS: the certificate of the server is not believed";
	default: return nng_strerror(error);
	}
}

void link_redial(struct server *server)
{
	uint64_t ms;

	pthread_mutex_lock(&server->client->lock);
	ms = back_off_ms(REDIAL_MS_MIN, server->dials_failed, LINK_REDIAL_MS_MAX, exchange_random(server->client));
	server->is_sleeping = true;
	pthread_mutex_unlock(&server->client->lock);
	nng_sleep_aio((nng_duration)ms, server->dial);
}

static void dial_failed(struct server *server)
{
	link_attempts_leave(server);
	link_redial(server);
}

static void on_dial(void *argument)
{
	struct server *server = argument;
	int error = nng_aio_result(server->dial);
	bool slept, closing;

	pthread_mutex_lock(&server->client->lock);
	slept = server->is_sleeping;
	closing = server->is_closing;
	server->is_sleeping = false;
	if (!slept && error) {
		server->dials_failed++;
		server->dial_error = error;
		pthread_cond_broadcast(&server->client->changed);
	}
	pthread_mutex_unlock(&server->client->lock);
	if (!slept && !error && closing)
		nng_stream_free(nng_aio_get_output(server->dial, 0));
	else if (!slept && !error)
		link_greet(server, nng_aio_get_output(server->dial, 0));
	else if (closing || (slept && error))
		return;
	else if (slept)
		link_start(server);
	else
		dial_failed(server);
}

void link_start(struct server *server)
{
	nng_stream_dialer_dial(server->dialer, server->dial);
}

static int tls_file(struct server *server, const char *option, const char *file, const char **file_out)
{
	int error = nng_stream_dialer_set_string(server->dialer, option, file);

	*file_out = error ? file : NULL;
	return error;
}

/* libnng believes no server without this, and has no authorities of its own. */
static int tls_open(struct server *server, const struct assay_options *options, const char **file_out)
{
	const char *ca = options->tls_ca_file ? options->tls_ca_file : ASSAY_TLS_CA_FILE_DEFAULT;
	int error = tls_file(server, NNG_OPT_TLS_CA_FILE, ca, file_out);

	if (!error && options->tls_certificate_file)
		error = tls_file(server, NNG_OPT_TLS_CERT_KEY_FILE, options->tls_certificate_file, file_out);
	if (!error && options->tls_server_name)
		error = nng_stream_dialer_set_string(server->dialer, NNG_OPT_TLS_SERVER_NAME, options->tls_server_name);
	return error;
}

int link_open(struct server *server, const struct assay_options *options, const char **file_out)
{
	int error = nng_aio_alloc(&server->dial, on_dial, server);

	*file_out = NULL;
	if (!error)
		error = nng_aio_alloc(&server->rx, link_on_rx, server);
	if (!error)
		error = nng_aio_alloc(&server->tx, link_on_tx, server);
	if (!error)
		error = nng_stream_dialer_alloc(&server->dialer, server->url);
	if (!error && strncmp(server->url, "tls+", 4) == 0)
		error = tls_open(server, options, file_out);
	if (error)
		return error;
	/* Not for ipc. A connection on which nothing is asked is looked after as well. */
	(void)nng_stream_dialer_set_bool(server->dialer, NNG_OPT_TCP_KEEPALIVE, true);
	server->is_ipc = strncmp(server->url, "ipc://", 6) == 0;
	server->in_size = LINK_IN_OCTETS_MIN;
	server->in = heap_new(&server->client->heap, server->in_size);
	nng_aio_set_timeout(server->dial, DIAL_MS_MAX);
	nng_aio_set_timeout(server->tx, NNG_DURATION_INFINITE);
	return server->in ? 0 : NNG_ENOMEM;
}

static void aio_stop(nng_aio *aio)
{
	if (aio)
		nng_aio_stop(aio);
}

static void aio_free(nng_aio *aio)
{
	if (aio)
		nng_aio_free(aio);
}

void link_close(struct server *server)
{
	pthread_mutex_lock(&server->client->lock);
	server->is_closing = true;
	pthread_mutex_unlock(&server->client->lock);
	if (server->dialer)
		nng_stream_dialer_close(server->dialer);
	aio_stop(server->dial);
	pthread_mutex_lock(&server->client->lock);
	if (server->stream)
		link_down(server, 0);
	pthread_mutex_unlock(&server->client->lock);
	/* What reads and writes may still start another one of the three, which then does nothing: so none is freed before all end. */
	aio_stop(server->rx);
	aio_stop(server->tx);
	aio_free(server->dial);
	aio_free(server->rx);
	aio_free(server->tx);
	if (server->stream)
		nng_stream_free(server->stream);
	if (server->dialer)
		nng_stream_dialer_free(server->dialer);
	while (server->out_first)
		out_drop_first(server);
	heap_free(&server->client->heap, server->in);
	heap_free(&server->client->heap, server->url);
}
