#include "client/link.h"

#include <string.h>

#include "client/exchange_parts.h"

#define REDIAL_MS_MIN   50
#define REDIAL_MS_MAX   2000
#define DIAL_MS_MAX     10000
#define GREETING_MS_MAX 5000
#define FRAMES_AT_ONCE  8
#define IN_OCTETS_MIN   ((size_t)16 << 10)

/*
 * greeting = %x00 "SP" %x00 protocol %x00.00         ; protocol: 48 asks, 49 replies
 * frame    = [ %x01 ] length payload                 ; %x01 on ipc alone; length: 64 bits
 * payload  = id octets                               ; id: 32 bits, the top one set; numbers are big-endian
 */
static const uint8_t greeting_ours[] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
static const uint8_t greeting_theirs[] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };
#define GREETING_OCTETS (sizeof greeting_ours)
#define ID_OCTETS       4

static uint8_t *number_put(uint8_t *at, uint64_t number, unsigned octets)
{
	for (unsigned i = octets; i > 0; i--)
		*at++ = (uint8_t)(number >> (8 * (i - 1)));
	return at;
}

static uint64_t number_take(const uint8_t *at, unsigned octets)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < octets; i++)
		number = number << 8 | at[i];
	return number;
}

static size_t head_octets(const struct server *server)
{
	return server->is_ipc ? 9 : 8;
}

struct frame *link_frame(const struct server *server, const struct request *request, uint32_t deadline_ms)
{
	size_t head = head_octets(server) + ID_OCTETS, octets = request_octets_to_send(request, deadline_ms);
	const struct assay_allocator *heap = request->heap;
	struct frame *frame = heap->allocate(heap->arg, sizeof *frame + head + octets);
	uint8_t *at;

	if (!frame)
		return NULL;
	*frame = (struct frame){ .octets = head + octets };
	at = frame->data;
	if (server->is_ipc)
		*at++ = 1;
	at = number_put(at, ID_OCTETS + octets, 8);
	request_to_send(request, deadline_ms, at + ID_OCTETS);
	return frame;
}

/* ---- the end of a connection ---- */

/*
 * With the lock held. What comes of it is settled when nng has done with the stream. What is handed to a stream that was closed
 * never ends (libnng 1.5.2): so it is closed when nothing is being handed to it.
 */
static void link_down(struct server *server)
{
	server->state = LINK_DOWN;
	if (server->handing == 0 && server->stream)
		nng_stream_close(server->stream);
}

static void out_drop_first(struct server *server)
{
	struct frame *frame = server->out_first;

	server->out_first = frame->next;
	if (!server->out_first)
		server->out_last = NULL;
	server->out_offset = 0;
	heap_free(&server->client->heap, frame);
}

static struct attempt *attempt_out(const struct server *server)
{
	for (unsigned i = 0; i < ATTEMPT_BUCKETS; i++)
		for (struct attempt *attempt = server->attempts[i]; attempt; attempt = attempt->next)
			if (attempt->is_out)
				return attempt;
	return NULL;
}

/* Requests that are out have no reply to wait for any more; those that are not will go out by the next connection. */
static void attempts_fail(struct server *server)
{
	static const struct assay_failure failure = { ASSAY_ERROR_CONNECT, "the connection was lost" };
	struct assay_client *client = server->client;
	struct attempt *attempt;

	pthread_mutex_lock(&client->lock);
	while ((attempt = attempt_out(server))) {
		struct next next = { .start = NULL };

		server_attempt_remove(attempt);
		exchange_attempt_over(attempt->exchange, server, NULL, &failure, &next);
		pthread_mutex_unlock(&client->lock);
		next_do(next);
		pthread_mutex_lock(&client->lock);
	}
	pthread_mutex_unlock(&client->lock);
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
		if (server->out_offset > 0)
			out_drop_first(server);
	}
	pthread_mutex_unlock(&server->client->lock);
	if (!stream)
		return;
	nng_stream_free(stream);
	attempts_fail(server);
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
		link_down(server);
	pthread_mutex_unlock(&server->client->lock);
	if (is_down)
		settle(server);
}

/* ---- writing ---- */

/* What was given up does not wait behind a server that does not read. Frames that are being written stay. */
static void out_prune(struct server *server)
{
	struct frame **at = &server->out_first, *last = NULL;
	unsigned kept = server->tx_busy ? FRAMES_AT_ONCE : server->out_offset > 0;

	while (*at) {
		struct frame *frame = *at;

		if (kept > 0 || server_attempt_find(server, frame->id)) {
			kept -= kept > 0;
			last = frame;
			at = &frame->next;
			continue;
		}
		*at = frame->next;
		heap_free(&server->client->heap, frame);
	}
	server->out_last = last;
}

void link_put(struct server *server, struct frame *frame, uint32_t id)
{
	out_prune(server);
	frame->id = id;
	number_put(frame->data + head_octets(server), id, ID_OCTETS);
	if (server->out_last)
		server->out_last->next = frame;
	else
		server->out_first = frame;
	server->out_last = frame;
}

/* Frames for the next write; those given up are dropped, unless a part of them is out. Returns how many. */
static unsigned frames_gather(struct server *server, nng_iov *iov)
{
	unsigned count = 0;

	out_prune(server);
	for (struct frame *frame = server->out_first; frame && count < FRAMES_AT_ONCE; frame = frame->next) {
		struct attempt *attempt = server_attempt_find(server, frame->id);
		size_t from = count == 0 ? server->out_offset : 0;

		if (attempt)
			attempt->is_out = true;
		iov[count++] = (nng_iov){ .iov_buf = frame->data + from, .iov_len = frame->octets - from };
	}
	return count;
}

void link_write(struct server *server)
{
	nng_iov iov[FRAMES_AT_ONCE];
	unsigned count = 0;

	pthread_mutex_lock(&server->client->lock);
	if (server->state == LINK_UP && !server->tx_busy)
		count = frames_gather(server, iov);
	server->tx_busy |= count > 0;
	server->handing += count > 0;
	pthread_mutex_unlock(&server->client->lock);
	if (count == 0)
		return;
	(void)nng_aio_set_iov(server->tx, count, iov);
	nng_stream_send(server->stream, server->tx);
	handed(server);
}

static void written(struct server *server, size_t octets)
{
	while (octets > 0 && server->out_first) {
		size_t left = server->out_first->octets - server->out_offset;

		if (octets < left) {
			server->out_offset += octets;
			return;
		}
		octets -= left;
		out_drop_first(server);
	}
}

static void on_tx(void *argument)
{
	struct server *server = argument;
	int error = nng_aio_result(server->tx);
	size_t octets = error ? 0 : nng_aio_count(server->tx);

	pthread_mutex_lock(&server->client->lock);
	server->tx_busy = false;
	if (error || (server->state == LINK_GREETING && octets != GREETING_OCTETS))
		link_down(server);
	else if (server->state == LINK_UP && !server->greets)
		written(server, octets);
	server->greets = false;
	pthread_mutex_unlock(&server->client->lock);
	settle(server);
	link_write(server);
}

/* ---- reading ---- */

static void reply_take(struct server *server, const uint8_t *octets, size_t count)
{
	struct assay_client *client = server->client;
	uint32_t id = (uint32_t)number_take(octets, ID_OCTETS);
	struct exchange *exchange = NULL;
	struct attempt *attempt;

	pthread_mutex_lock(&client->lock);
	attempt = server_attempt_find(server, id);
	if (attempt) {
		exchange = attempt->exchange;
		exchange->refs++;
	} else {
		server_answered(server); /* late: nobody waits for it any more */
	}
	pthread_mutex_unlock(&client->lock);
	if (exchange)
		exchange_reply(exchange, server, id, octets + ID_OCTETS, count - ID_OCTETS);
}

/* The frames that are whole; false: this is not the protocol. *need_out: so many octets in all for the next one. */
static bool frames_take(struct server *server, size_t *need_out)
{
	size_t head = head_octets(server), at = 0;

	for (;;) {
		const uint8_t *frame = server->in + at;
		size_t left = server->in_used - at;
		uint64_t octets;

		*need_out = head + ID_OCTETS;
		if (left < head)
			break;
		octets = number_take(frame + head - 8, 8);
		if ((server->is_ipc && frame[0] != 1) || octets < ID_OCTETS || octets > LINK_REPLY_OCTETS_MAX)
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

static bool in_grow(struct server *server, size_t need)
{
	uint8_t *in;

	if (need <= server->in_size)
		return true;
	in = heap_new(&server->client->heap, need);
	if (!in)
		return false;
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
	server->dials_failed = 0;
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
	return frames_take(server, &need) && in_grow(server, need);
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
	bool good = nng_aio_result(server->rx) == 0 && nng_aio_count(server->rx) > 0, goes_on;

	if (good) {
		server->in_used += nng_aio_count(server->rx);
		good = in_take(server);
	}
	pthread_mutex_lock(&server->client->lock);
	if (!good)
		link_down(server);
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
		redial(server);
}

void link_start(struct server *server)
{
	nng_stream_dialer_dial(server->dialer, server->dial);
}

int link_open(struct server *server)
{
	int error = nng_aio_alloc(&server->dial, on_dial, server);

	if (!error)
		error = nng_aio_alloc(&server->rx, on_rx, server);
	if (!error)
		error = nng_aio_alloc(&server->tx, on_tx, server);
	if (!error)
		error = nng_stream_dialer_alloc(&server->dialer, server->url);
	if (error)
		return error;
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
		link_down(server);
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
