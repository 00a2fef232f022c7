#include "rep.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNS_MAX       64
#define READ_OCTETS     65536
#define GREETING_OCTETS 8
#define HEAD_OCTETS     9 /* a type, a length of 64 bits */
#define ID_OCTETS       4

static const uint8_t greeting[GREETING_OCTETS] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };

struct rep_conn {
	struct rep_conn *next;
	int fd;
	bool greeted;
	uint8_t *in;
	size_t used, size;
};

uint8_t *rep_pack(const Assay__V1__Response *response, size_t *octets_out)
{
	uint8_t *octets = malloc(assay__v1__response__get_packed_size(response) + 1);

	if (!octets)
		abort();
	*octets_out = assay__v1__response__pack(response, octets);
	return octets;
}

static void send_all(int fd, const uint8_t *octets, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(fd, octets, count, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* the client is gone: the next read says so */
		octets += sent;
		count -= (size_t)sent;
	}
}

static uint64_t length_of(const uint8_t *head)
{
	uint64_t length = 0;

	for (int i = 1; i < HEAD_OCTETS; i++)
		length = length << 8 | head[i];
	return length;
}

static void request_take(struct rep *rep, struct rep_conn *conn, const uint8_t *payload, size_t octets)
{
	Assay__V1__Request *request = assay__v1__request__unpack(NULL, octets - ID_OCTETS, payload + ID_OCTETS);
	uint8_t head[HEAD_OCTETS + ID_OCTETS] = { 1 }, *reply;
	size_t count = 0;

	if (!request)
		abort();
	reply = rep->answer(rep->arg, request, &count);
	if (reply) {
		for (int i = 0; i < 8; i++)
			head[1 + i] = (uint8_t)((uint64_t)(ID_OCTETS + count) >> (8 * (7 - i)));
		memcpy(head + HEAD_OCTETS, payload, ID_OCTETS);
		send_all(conn->fd, head, sizeof head);
		send_all(conn->fd, reply, count);
		free(reply);
	}
	assay__v1__request__free_unpacked(request, NULL);
}

static void in_drop(struct rep_conn *conn, size_t octets)
{
	conn->used -= octets;
	memmove(conn->in, conn->in + octets, conn->used);
}

static void in_take(struct rep *rep, struct rep_conn *conn)
{
	if (!conn->greeted && conn->used >= GREETING_OCTETS) {
		conn->greeted = true;
		in_drop(conn, GREETING_OCTETS);
	}
	while (conn->greeted && conn->used >= HEAD_OCTETS && conn->used - HEAD_OCTETS >= length_of(conn->in)) {
		size_t octets = (size_t)length_of(conn->in);

		if (octets < ID_OCTETS)
			abort();
		request_take(rep, conn, conn->in + HEAD_OCTETS, octets);
		in_drop(conn, HEAD_OCTETS + octets);
	}
}

/* False: the client is gone. */
static bool conn_read(struct rep *rep, struct rep_conn *conn)
{
	ssize_t count;

	if (conn->size - conn->used < READ_OCTETS) {
		conn->size = 2 * conn->size + READ_OCTETS;
		conn->in = realloc(conn->in, conn->size);
		if (!conn->in)
			abort();
	}
	count = recv(conn->fd, conn->in + conn->used, conn->size - conn->used, 0);
	if (count <= 0)
		return false;
	conn->used += (size_t)count;
	in_take(rep, conn);
	return true;
}

static void conn_accept(struct rep *rep)
{
	struct rep_conn *conn = calloc(1, sizeof *conn);

	if (!conn)
		abort();
	conn->fd = accept(rep->listener, NULL, NULL);
	conn->next = rep->conns;
	rep->conns = conn;
	send_all(conn->fd, greeting, sizeof greeting);
}

/* Takes the one at *at out. */
static void conn_free(struct rep_conn **at)
{
	struct rep_conn *conn = *at;

	*at = conn->next;
	close(conn->fd);
	free(conn->in);
	free(conn);
}

/* Reads what can be read; `ready` is in the order of the connections. */
static void conns_read(struct rep *rep, const struct pollfd *ready)
{
	struct rep_conn **at = &rep->conns;

	for (; *at; ready++) {
		if (ready->revents && !conn_read(rep, *at))
			conn_free(at);
		else
			at = &(*at)->next;
	}
}

static void *serve(void *argument)
{
	struct rep *rep = argument;

	for (;;) {
		struct pollfd ready[2 + CONNS_MAX] = { { .fd = rep->ends[0], .events = POLLIN },
						       { .fd = rep->listener, .events = POLLIN } };
		nfds_t count = 2;

		for (const struct rep_conn *conn = rep->conns; conn; conn = conn->next) {
			if (count == 2 + CONNS_MAX)
				abort();
			ready[count++] = (struct pollfd){ .fd = conn->fd, .events = POLLIN };
		}
		if (poll(ready, count, -1) < 0)
			continue;
		if (ready[0].revents)
			break;
		conns_read(rep, ready + 2);
		if (ready[1].revents)
			conn_accept(rep);
	}
	while (rep->conns)
		conn_free(&rep->conns);
	return NULL;
}

void rep_start(struct rep *rep, rep_answer_fn answer, void *arg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*rep = (struct rep){ .directory = "/tmp/assay-peer-XXXXXX", .answer = answer, .arg = arg };
	if (!mkdtemp(rep->directory))
		abort();
	snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", rep->directory);
	snprintf(rep->url, sizeof rep->url, "ipc://%s", address.sun_path);
	rep->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(rep->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(rep->listener, CONNS_MAX) != 0 ||
	    pipe(rep->ends) != 0 || pthread_create(&rep->thread, NULL, serve, rep) != 0)
		abort();
}

void rep_stop(struct rep *rep)
{
	close(rep->ends[1]);
	pthread_join(rep->thread, NULL);
	close(rep->ends[0]);
	close(rep->listener);
	unlink(rep->url + strlen("ipc://"));
	rmdir(rep->directory);
}
