#include "io/conn.h"

/* The list of connections is in the order of their last use: the last one says when to look again. */
void idle_watch(struct io_server *server)
{
	if (server->bounds.idle_ns_max && server->conns_last && !server->idle.running)
		io_timer_start(server->loop, &server->idle, server->conns_last->used_ns + server->bounds.idle_ns_max);
}

/* One at work does not count as idle, and moves to the front, since there is no end to be seen yet. */
void idle_fire(void *arg)
{
	struct io_server *server = arg;
	int64_t due_ns = io_now_ns(server->loop) - server->bounds.idle_ns_max;

	while (server->conns_last && server->conns_last->used_ns <= due_ns) {
		struct io_conn *conn = server->conns_last;

		if (conn_is_idle(conn)) {
			server->counters.connections_idle++;
			conn_close(conn);
		} else {
			conn_touch(conn);
		}
	}
	idle_watch(server);
}
