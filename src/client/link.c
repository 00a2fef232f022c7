#include "client/link.h"

#include <string.h>

#include <nng/supplemental/tls/tls.h>

#include "client/exchange_parts.h"
#include "client/out.h"

#define REDIAL_MS_MIN   50
#define REDIAL_MS_MAX   2000
#define DIAL_MS_MAX     10000
#define GREETING_MS_MAX 5000
#define IN_OCTETS_MIN   ((size_t)16 << 10)
#define IN_OCTETS_KEPT  ((size_t)256 << 10)

/*
 * greeting = %x00 "SP" %x00 protocol %x00.00         ; protocol: 48 asks, 49 replies
 * frame    = [ %x01 ] length payload                 ; %x01 on ipc alone; length: 64 bits
 * payload  = id octets                               ; id: 32 bits, the top one set; numbers are big-endian
 */
static const uint8_t greeting_ours[] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
static const uint8_t greeting_theirs[] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };
#define GREETING_OCTETS (sizeof greeting_ours)

static uint64_t number_take(const uint8_t *at, unsigned octets)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < octets; i++)
		number = number << 8 | at[i];
	return number;
}

/* ---- the end of a connection ---- */

/* A connection that ended soon, and brought nothing, counts as one that could not be made: the next one is not made at once. */
static void count_short(struct server *server)
{
	if (!server->brought && clock_ms() - server->up_since_ms < REDIAL_MS_MAX)
		server->dials_failed++;
	else
		server->dials_failed = 0;
}

/*
 * With the lock held. What comes of it is settled when nng has done with the stream. What is handed to a stream that was closed
 * never ends (libnng 1.5.2): so it is closed when nothing is being handed to it.
 */
static void link_down(struct server *server, int error)
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

/* What waits at this server, which cannot be reached now, goes to one that can. */
static void attempts_leave(struct server *server)
{
	pthread_mutex_lock(&server->client->lock);
	exchanges_leave(server);
	pthread_mutex_unlock(&server->client->lock);
}

static void redial(struct server *server)
{
	uint64_t ms;

	pthread_mutex_lock(&server->client->lock);
	ms = back_off_ms(REDIAL_MS_MIN, server->dials_failed, REDIAL_MS_MAX, exchange_random(server->client));
	server->is_sleeping = true;
	pthread_mutex_unlock(&server->client->lock);
	nng_sleep_aio((nng_duration)ms, server->dial);
}

/*
 * Reader or writer has ended. The one that ends last lets the stream go, but not while link_close() stops them: nng's stopping
 * looks at the stream.
 */
static void settle(struct server *server)
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
	attempts_leave(server);
	redial(server);
}

/* A read or a write was handed to nng. */
static void handed(struct server *server)
{
	bool is_down;

	pthread_mutex_lock(&server->client->lock);
	server->handing--;
	is_down = server->state == LINK_DOWN;
	if (is_down)
		link_down(server, 0);
	pthread_mutex_unlock(&server->client->lock);
	if (is_down)
		settle(server);
}

/* ---- writing ---- */

void link_write(struct server *server)
{
	nng_iov iov[OUT_AT_ONCE];
	unsigned count = 0;

	pthread_mutex_lock(&server->client->lock);
	if (server->state == LINK_UP && !server->tx_busy)
		count = out_gather(server, iov);
	server->tx_busy |= count > 0;
	server->handing += count > 0;
	pthread_mutex_unlock(&server->client->lock);
	if (count == 0)
		return;
	(void)nng_aio_set_iov(server->tx, count, iov);
	nng_stream_send(server->stream, server->tx);
	handed(server);
}

static void on_tx(void *argument)
{
	struct server *server = argument;
	int error = nng_aio_result(server->tx);
	size_t octets = error ? 0 : nng_aio_count(server->tx);

	pthread_mutex_lock(&server->client->lock);
	server->tx_busy = false;
	if (error || (server->state == LINK_GREETING && octets != GREETING_OCTETS))
		link_down(server, error);
	else if (server->state == LINK_UP && !server->greets)
		out_written(server, octets);
	server->greets = false;
	pthread_mutex_unlock(&server->client->lock);
	settle(server);
	link_write(server);
}

/* ---- reading ---- */

static void reply_take(struct server *server, const uint8_t *octets, size_t count)
{
	struct assay_client *client = server->client;
	uint32_t id = (uint32_t)number_take(octets, OUT_ID_OCTETS);
	struct exchange *exchange = NULL;
	struct attempt *attempt;

	pthread_mutex_lock(&client->lock);
	server->brought = true;
	attempt = server_attempt_find(server, id);
	if (attempt) {
		exchange = attempt->exchange;
		exchange->refs++;
	} else {
		server_is_there(server); /* late: nobody waits for it any more, so it is not read */
	}
	pthread_mutex_unlock(&client->lock);
	if (exchange)
		exchange_reply(exchange, server, id, octets + OUT_ID_OCTETS, count - OUT_ID_OCTETS);
}

/* The frames that are whole; false: this is not the protocol. *need_out: so many octets in all for the next one. */
static bool frames_take(struct server *server, size_t *need_out)
{
	size_t head = out_head_octets(server), at = 0;

	for (;;) {
		const uint8_t *frame = server->in + at;
		size_t left = server->in_used - at;
		uint64_t octets;

		*need_out = head + OUT_ID_OCTETS;
		if (left < head)
			break;
		octets = number_take(frame + head - 8, 8);
		if ((server->is_ipc && frame[0] != 1) || octets < OUT_ID_OCTETS || octets > LINK_REPLY_OCTETS_MAX)
			return false;
		*need_out = head + (size_t)octets;
		if (left < *need_out)
			break;
		reply_take(server, frame + head, (size_t)octets);
		at += *need_out;
	}
	server->in_used -= at;
	memmove(server->in, server->in + at, server->in_used);
	return true;
}

/* Room for `need` octets. What a large reply needed is given back after it. */
static bool in_fit(struct server *server, size_t need)
{
	uint8_t *in;

	if (need < IN_OCTETS_MIN)
		need = IN_OCTETS_MIN;
	if (need <= server->in_size && server->in_size <= IN_OCTETS_KEPT)
		return true;
	if (need == server->in_size)
		return true;
	in = heap_new(&server->client->heap, need);
	if (!in)
		return need <= server->in_size;
	memcpy(in, server->in, server->in_used);
	heap_free(&server->client->heap, server->in);
	server->in = in;
	server->in_size = need;
	return true;
}

static bool greeting_take(struct server *server)
{
	struct assay_client *client = server->client;

	if (memcmp(server->in, greeting_theirs, GREETING_OCTETS) != 0)
		return false;
	server->in_used -= GREETING_OCTETS;
	memmove(server->in, server->in + GREETING_OCTETS, server->in_used);
	nng_aio_set_timeout(server->rx, NNG_DURATION_INFINITE);
	pthread_mutex_lock(&client->lock);
	if (server->state == LINK_GREETING)
		server->state = LINK_UP;
	server->up_since_ms = clock_ms();
	server->brought = false;
	server->dial_error = 0;
	server_heard(server);
	exchanges_come(server);
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
	link_write(server);
	return true;
}

/* What came is worked through. False: the connection is of no use. */
static bool in_take(struct server *server)
{
	size_t need = GREETING_OCTETS;

	if (server->state == LINK_GREETING) {
		if (server->in_used < GREETING_OCTETS)
			return true;
		if (!greeting_take(server))
			return false;
	}
	return frames_take(server, &need) && in_fit(server, need);
}

static void read_on(struct server *server)
{
	nng_iov iov = { .iov_buf = server->in + server->in_used, .iov_len = server->in_size - server->in_used };

	(void)nng_aio_set_iov(server->rx, 1, &iov);
	nng_stream_recv(server->stream, server->rx);
	handed(server);
}

static void on_rx(void *argument)
{
	struct server *server = argument;
	int error = nng_aio_result(server->rx);
	bool good = error == 0 && nng_aio_count(server->rx) > 0, goes_on;

	if (good) {
		server->in_used += nng_aio_count(server->rx);
		good = in_take(server);
	}
	pthread_mutex_lock(&server->client->lock);
	if (good)
		server_heard(server);
	else
		link_down(server, error);
	goes_on = server->state != LINK_DOWN;
	server->rx_busy = goes_on;
	server->handing += goes_on;
	pthread_mutex_unlock(&server->client->lock);
	if (goes_on)
		read_on(server);
	else
		settle(server);
}

/* ---- dialling ---- */

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

static void greet(struct server *server, nng_stream *stream)
{
	nng_iov iov = { .iov_len = GREETING_OCTETS };
	const void *greeting = greeting_ours;

	memcpy(&iov.iov_buf, &greeting, sizeof iov.iov_buf); /* it is only read */
	pthread_mutex_lock(&server->client->lock);
	server->stream = stream;
	server->state = LINK_GREETING;
	server->rx_busy = server->tx_busy = server->greets = true;
	server->handing = 2;
	pthread_mutex_unlock(&server->client->lock);
	(void)nng_aio_set_iov(server->tx, 1, &iov);
	nng_aio_set_timeout(server->rx, GREETING_MS_MAX);
	nng_stream_send(stream, server->tx);
	handed(server);
	read_on(server);
}

static void dial_failed(struct server *server)
{
	attempts_leave(server);
	redial(server);
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
		greet(server, nng_aio_get_output(server->dial, 0));
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
		error = nng_aio_alloc(&server->rx, on_rx, server);
	if (!error)
		error = nng_aio_alloc(&server->tx, on_tx, server);
	if (!error)
		error = nng_stream_dialer_alloc(&server->dialer, server->url);
	if (!error && strncmp(server->url, "tls+", 4) == 0)
		error = tls_open(server, options, file_out);
	if (error)
		return error;
	/* Not for ipc. A connection on which nothing is asked is looked after as well. */
	(void)nng_stream_dialer_set_bool(server->dialer, NNG_OPT_TCP_KEEPALIVE, true);
	server->is_ipc = strncmp(server->url, "ipc://", 6) == 0;
	server->in_size = IN_OCTETS_MIN;
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
