#include "io/conn.h"

#include <liburing.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_RETRY_NS (100 * INT64_C(1000000)) /* after an error such as too many open files */

static void listener_arm(void *arg)
{
	struct listener *listener = arg;

	io_uring_prep_multishot_accept(io_sqe(listener->server->loop, &listener->op), listener->fd, NULL, NULL,
	                               SOCK_CLOEXEC);
	listener->accepting = true;
}

static void listener_free(struct listener *listener)
{
	struct io_server *server = listener->server;
	struct listener **at = &server->listeners;

	while (*at != listener)
		at = &(*at)->next;
	*at = listener->next;
	io_timer_stop(server->loop, &listener->retry);
	io_op_close(server->loop, &listener->op);
	free(listener);
}

static bool is_handed_over(const struct listener *listener, int fd)
{
	const struct io_server *server = listener->server;

	return listener->rules->is_ipc && server->ops->hand_over && server->ops->hand_over(server->arg, fd);
}

void io_server_adopt(struct io_server *server, int fd)
{
	static const struct io_peer_rules ipc = { .is_ipc = true };

	conn_accept(server, fd, &ipc);
}

static void accept_one(struct listener *listener, int fd)
{
	struct io_server *server = listener->server;

	if (!io_peer_is_welcome(listener->rules, fd)) {
		server->counters.connections_unwelcome++;
		close(fd);
	} else if (!is_handed_over(listener, fd)) {
		conn_accept(server, fd, listener->rules);
	}
}

/* A connection may still come while the cancellation is on its way; it is the last one to know. */
static void accept_complete(void *arg, struct io_completion completion)
{
	struct listener *listener = arg;
	struct io_server *server = listener->server;

	if (completion.result >= 0 && listener->stopped)
		close(completion.result);
	else if (completion.result >= 0)
		accept_one(listener, completion.result);
	if (completion.flags & IORING_CQE_F_MORE)
		return;
	listener->accepting = false;
	if (listener->stopped)
		listener_free(listener);
	else if (completion.result >= 0)
		listener_arm(listener);
	else
		io_timer_start(server->loop, &listener->retry, io_now_ns(server->loop) + ACCEPT_RETRY_NS);
}

int io_server_listen(struct io_server *server, int fd, const struct io_peer_rules *rules)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return -ENOMEM;
	*listener = (struct listener){ .server = server, .next = server->listeners, .fd = fd, .rules = rules };
	io_timer_init(&listener->retry, listener_arm, listener);
	if (io_op_open(server->loop, &listener->op, accept_complete, listener) < 0) {
		free(listener);
		return -ENOMEM;
	}
	server->listeners = listener;
	listener_arm(listener);
	return 0;
}

void io_server_stop_listening(struct io_server *server)
{
	for (struct listener *listener = server->listeners, *next; listener; listener = next) {
		next = listener->next;
		if (listener->stopped)
			continue;
		listener->stopped = true;
		if (listener->accepting)
			io_uring_prep_cancel64(io_sqe(server->loop, NULL), listener->op.id, 0);
		else
			listener_free(listener);
	}
}
