#include "io/conn.h"

#include <stdlib.h>

#define HANDSHAKE_STEP_OCTETS ((size_t)32768) /* read in one step: a flight with a long chain */

/* --- handshakes under way, oldest first --- */

static void shaking_add(struct conn_tls *tls)
{
	struct io_server *server = tls->conn->server;

	tls->older = server->shaking_newest;
	if (tls->older)
		tls->older->newer = tls;
	else
		server->shaking_oldest = tls;
	server->shaking_newest = tls;
	server->shaking_count++;
}

static void shaking_remove(struct conn_tls *tls)
{
	struct io_server *server = tls->conn->server;

	if (tls->older)
		tls->older->newer = tls->newer;
	else
		server->shaking_oldest = tls->newer;
	if (tls->newer)
		tls->newer->older = tls->older;
	else
		server->shaking_newest = tls->older;
	server->shaking_count--;
	io_timer_stop(server->loop, &tls->limit);
}

static void on_limit(void *arg)
{
	struct conn_tls *tls = arg;

	tls->conn->server->counters.handshakes_failed[IO_TLS_TIME]++;
	conn_close(tls->conn);
}

/* Who has been at it for longest is the least likely to come to an end. */
static void evict_oldest(struct io_server *server)
{
	server->counters.handshakes_evicted++;
	conn_close(server->shaking_oldest->conn);
}

/* --- from begin to end --- */

int conn_tls_begin(struct io_conn *conn, struct io_tls *context)
{
	struct io_server *server = conn->server;
	struct conn_tls *tls;

	if (server->shaking_count && server->shaking_count >= server->bounds.handshakes_max)
		evict_oldest(server);
	tls = calloc(1, sizeof(*tls));
	if (!tls || tls_session_init(&tls->session, context, conn->fd) < 0) {
		free(tls);
		return -ENOMEM;
	}
	tls->conn = conn;
	conn->tls = tls;
	shaking_add(tls);
	io_timer_init(&tls->limit, on_limit, tls);
	io_timer_start(server->loop, &tls->limit, io_now_ns(server->loop) + server->bounds.handshake_ns_max);
	return 0;
}

void conn_tls_end(struct io_conn *conn)
{
	struct conn_tls *tls = conn->tls;

	conn->tls = NULL;
	if (!tls->is_up)
		shaking_remove(tls);
	tls_session_free(&tls->session);
	free(tls);
}

static void shaken(struct io_conn *conn)
{
	shaking_remove(conn->tls);
	conn->tls->is_up = true;
	conn->server->counters.handshakes++;
	/* The last octets of the handshake may have had some of a frame behind them. */
	conn->readable = true;
	if (send_greeting(conn) < 0)
		conn_close(conn);
}

void conn_tls_shake(struct io_conn *conn)
{
	struct tls_session *session = &conn->tls->session;
	enum io_tls_failure failure = IO_TLS_PROTOCOL;

	tls_session_may_read(session, HANDSHAKE_STEP_OCTETS, conn->hung_up);
	switch (tls_session_handshake(session, &failure)) {
	case TLS_DONE: shaken(conn); break;
	case TLS_SPENT: break;
	case TLS_WANTS_READ: conn->readable = false; break;
	case TLS_WANTS_WRITE:
		conn->readable = false;
		send_wait(conn);
		break;
	case TLS_ENDED:
	case TLS_FAILED:
		conn->server->counters.handshakes_failed[failure]++;
		conn_close(conn);
		break;
	}
}

/* --- octets --- */

static enum tls_result place_fill(struct tls_session *session, const struct iovec *place, size_t *total)
{
	enum tls_result result = TLS_DONE;
	size_t filled = 0, got;

	while (filled < place->iov_len && result == TLS_DONE) {
		result = tls_session_read(session, (uint8_t *)place->iov_base + filled, place->iov_len - filled, &got);
		filled += got;
	}
	*total += filled;
	return result;
}

/* What else follows from a read, when its octets have been handed on. */
static void received(struct io_conn *conn, enum tls_result result)
{
	struct conn_tls *tls = conn->tls;

	if (result == TLS_FAILED)
		conn->server->counters.tls_broken++;
	if (result == TLS_FAILED || result == TLS_ENDED) {
		conn_close(conn);
		return;
	}
	if (result == TLS_WANTS_WRITE)
		send_wait(conn);
	if (tls->send_waits_for_peer) {
		tls->send_waits_for_peer = false;
		send_replies(conn);
	}
}

size_t conn_tls_receive(struct io_conn *conn, struct io_block *block)
{
	struct tls_session *session = &conn->tls->session;
	/* Where the block is read into is known before what arrives may take more of it. */
	const uint8_t *behind = block ? block->octets + block->used : NULL;
	enum tls_result result = TLS_DONE;
	struct iovec places[2];
	size_t room, total = 0, taken, count = receive_places(conn, block, places, &room);

	tls_session_may_read(session, room, conn->hung_up);
	for (size_t i = 0; i < count && result == TLS_DONE; i++)
		result = place_fill(session, &places[i], &total);
	conn->readable = result == TLS_DONE || result == TLS_SPENT;
	taken = room - session->budget;
	if (total)
		frames_take(conn, block, behind, total);
	if (!conn->closed)
		received(conn, result);
	/* Never 0 when there is more to be read: that would mean want of room. */
	return taken > total ? taken : total ? total : conn->readable;
}

ssize_t conn_tls_send(struct io_conn *conn, const uint8_t *octets, size_t len)
{
	struct conn_tls *tls = conn->tls;
	enum tls_result result = TLS_DONE;
	size_t sent = 0, taken;

	while (sent < len && result == TLS_DONE && !tls->session.is_broken) {
		result = tls_session_write(&tls->session, octets + sent, len - sent, &taken);
		sent += taken;
	}
	tls->send_waits_for_peer = result == TLS_WANTS_READ || result == TLS_SPENT;
	if (sent)
		return (ssize_t)sent;
	errno = tls->session.is_broken || result == TLS_ENDED ? EPIPE : EAGAIN;
	return -1;
}
