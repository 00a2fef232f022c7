/*
 * link_io.c - what is written to a connection and read from it (see link_parts.h).
 */
#include "client/link_parts.h"

#include <string.h>

#include "client/exchange_parts.h"
#include "client/out.h"

#define GREETING_MS_MAX 5000
#define IN_OCTETS_KEPT  ((size_t)256 << 10)

/*
 * greeting = %x00 "SP" %x00 protocol %x00.00         ; protocol: 48 asks, 49 replies
 * frame    = [ %x01 ] length payload                 ; %x01 on ipc alone; length: 64 bits
 * payload  = id octets                               ; id: 32 bits, the top one set; numbers are big-endian
 */
static const uint8_t greeting_ours[] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
static const uint8_t greeting_theirs[] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };
#define GREETING_OCTETS (sizeof greeting_ours)

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
	link_handed(server);
}

void link_on_tx(void *argument)
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
	link_settle(server);
	link_write(server);
}

/* ---- reading ---- */

static uint64_t number_take(const uint8_t *at, unsigned octets)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < octets; i++)
		number = number << 8 | at[i];
	return number;
}

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

	if (need < LINK_IN_OCTETS_MIN)
		need = LINK_IN_OCTETS_MIN;
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
	link_handed(server);
}

void link_on_rx(void *argument)
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
		link_settle(server);
}

/* ---- greeting ---- */

void link_greet(struct server *server, nng_stream *stream)
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
	link_handed(server);
	read_on(server);
}
