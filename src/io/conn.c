#include "io/conn.h"

#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVICTION_LOOKS_MAX 64 /* connections looked at for one that is idle */

struct io_conn *io_conn_ref(struct io_conn *conn)
{
	conn->refs++;
	return conn;
}

void io_conn_unref(struct io_conn *conn)
{
	ASSERT(conn->refs > 0);
	if (--conn->refs == 0)
		free(conn);
}

bool io_conn_is_closed(const struct io_conn *conn)
{
	return conn->closed;
}

struct io_conn_use *io_conn_use(struct io_conn *conn)
{
	return &conn->use;
}

/* --- the list, last one used first --- */

static void list_add(struct io_conn *conn)
{
	struct io_server *server = conn->server;

	conn->prev = NULL;
	conn->next = server->conns;
	if (conn->next)
		conn->next->prev = conn;
	else
		server->conns_last = conn;
	server->conns = conn;
}

static void list_remove(struct io_conn *conn)
{
	struct io_server *server = conn->server;

	if (conn->prev)
		conn->prev->next = conn->next;
	else
		server->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	else
		server->conns_last = conn->prev;
}

void conn_touch(struct io_conn *conn)
{
	conn->used_ns = io_now_ns(conn->server->loop);
	if (conn == conn->server->conns)
		return;
	list_remove(conn);
	list_add(conn);
}

/* --- stalls --- */

void stall_begin(struct io_conn *conn, struct stall *stall)
{
	struct io_loop *loop = conn->server->loop;

	if (stall->timer.running)
		return;
	stall->moved_before = stall->moved;
	io_timer_start(loop, &stall->timer, io_now_ns(loop) + conn->server->bounds.stall_ns_max);
}

void stall_end(struct io_conn *conn, struct stall *stall)
{
	io_timer_stop(conn->server->loop, &stall->timer);
}

/* Has it moved too little? If not, its next stall_ns_max begins. */
static bool is_stalled(struct io_conn *conn, struct stall *stall)
{
	if (stall->moved - stall->moved_before < conn->server->bounds.stall_octets_min)
		return true;
	stall_begin(conn, stall);
	return false;
}

static void receive_stall_fire(void *arg)
{
	struct io_conn *conn = arg;

	/* What lies there and is not read is our doing. */
	if (conn->readable) {
		stall_begin(conn, &conn->receiving);
	} else if (is_stalled(conn, &conn->receiving)) {
		conn->server->counters.connections_stalled++;
		conn_close(conn);
	}
}

static void send_stall_fire(void *arg)
{
	struct io_conn *conn = arg;

	if (is_stalled(conn, &conn->sending)) {
		conn->server->counters.connections_send_stalled++;
		conn_close(conn);
	}
}

/* --- from accept to close --- */

static int ops_open(struct io_conn *conn, struct io_tls *tls)
{
	struct io_loop *loop = conn->server->loop;

	if (tls)
		TRY(conn_tls_begin(conn, tls));
	TRY(io_op_open(loop, &conn->writable_op, send_writable, conn));
	return receive_watch(conn);
}

/* NULL: out of memory; the descriptor is the caller's still. */
static struct io_conn *conn_new(struct io_server *server, int fd, const struct io_peer_rules *rules)
{
	struct io_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	*conn = (struct io_conn){ .server = server, .fd = fd, .is_ipc = rules->is_ipc, .refs = 1 };
	conn->used_ns = io_now_ns(server->loop);
	io_timer_init(&conn->receiving.timer, receive_stall_fire, conn);
	io_timer_init(&conn->sending.timer, send_stall_fire, conn);
	if (ops_open(conn, rules->tls) == 0)
		return conn;
	io_op_close(server->loop, &conn->writable_op);
	if (conn->tls)
		conn_tls_end(conn);
	free(conn);
	return NULL;
}

bool conn_is_idle(const struct io_conn *conn)
{
	return !conn->use.in_flight && !conn->frame && !conn->replies && !conn->readable;
}

/* The one that has been idle for longest makes room. Where the oldest are all at work, so is the rest, nearly. */
static void evict_idlest(struct io_server *server)
{
	struct io_conn *conn = server->conns_last;

	for (unsigned looked = 0; conn && !conn_is_idle(conn); looked++)
		conn = looked < EVICTION_LOOKS_MAX ? conn->prev : NULL;
	if (!conn)
		return;
	server->counters.connections_evicted++;
	conn_close(conn);
}

/* A peer whose host is gone without a word would stay for ever: then, so many probes, so many seconds apart. */
#define PROBES 4
#define PROBE_S 15

static void tcp_set_up(const struct io_server *server, int fd)
{
	int on = 1, idle_s = (int)server->bounds.keepalive_s, between_s = PROBE_S, probes = PROBES;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!idle_s || setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s)) < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof(between_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void conn_accept(struct io_server *server, int fd, const struct io_peer_rules *rules)
{
	struct io_conn *conn = NULL;

	if (server->counters.connections_open >= server->bounds.connections_max)
		evict_idlest(server);
	if (server->counters.connections_open < server->bounds.connections_max)
		conn = conn_new(server, fd, rules);
	if (!conn) {
		server->counters.connections_refused++;
		close(fd);
		return;
	}
	if (!rules->is_ipc)
		tcp_set_up(server, fd);
	list_add(conn);
	server->counters.connections_open++;
	server->counters.connections_accepted++;
	stall_begin(conn, &conn->receiving);
	idle_watch(server);
	/* Over TLS the greeting comes when the handshake is done. */
	if (!conn->tls && send_greeting(conn) < 0)
		conn_close(conn);
}

/* A poll holds on to the socket: only when it is cancelled does the close take effect, and the peer sees it. */
static void op_end(struct io_loop *loop, struct io_op *op)
{
	io_uring_prep_cancel64(io_sqe(loop, NULL), op->id, 0);
	io_op_close(loop, op);
}

void conn_close(struct io_conn *conn)
{
	struct io_server *server = conn->server;

	if (conn->closed)
		return;
	conn->closed = true;
	stall_end(conn, &conn->receiving);
	stall_end(conn, &conn->sending);
	op_end(server->loop, &conn->readable_op);
	if (conn->blocked)
		op_end(server->loop, &conn->writable_op);
	else
		io_op_close(server->loop, &conn->writable_op);
	if (conn->tls)
		conn_tls_end(conn);
	shutdown(conn->fd, SHUT_RDWR);
	close(conn->fd);
	frames_drop(conn);
	send_drop(conn);
	list_remove(conn);
	server->counters.connections_open--;
	server->counters.connections_closed++;
	io_conn_unref(conn);
}
