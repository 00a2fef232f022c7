#include "load/conn.h"

#include "corpus/text.h"
#include "load/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SENT_AT_ONCE 128 /* requests of one sendmsg() */
#define WAIT_S 10        /* for a connection and its greeting */
#define LENGTH_OCTETS 8
#define ID_OCTETS 4

/* --- opening --- */

static int ipc_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("ipc://%s: the path is too long", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("ipc://%s: %s", path, strerror(errno));
	return fd;
}

static int tcp_connect(const char *place)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found = NULL;
	const char *colon = strrchr(place, ':');
	char host[256];
	int fd, error, on = 1;

	if (!colon || (size_t)(colon - place) >= sizeof(host))
		die("tcp://%s: no HOST:PORT", place);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - place), place);
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = 0;
		memmove(host, host + 1, strlen(host));
	}
	error = getaddrinfo(host, colon + 1, &hints, &found);
	if (error)
		die("tcp://%s: %s", place, gai_strerror(error));
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		die("tcp://%s: %s", place, strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	freeaddrinfo(found);
	return fd;
}

static void greet(const struct conn *conn, const char *url)
{
	static uint8_t ours[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
	static const uint8_t theirs[8] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };
	const struct iovec part = { ours, sizeof(ours) };
	const struct timeval wait = { .tv_sec = WAIT_S };
	uint8_t greeting[8];
	ssize_t sent, got;

	(void)setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	sent = conn->ssl ? tls_send(conn->ssl, &part, 1) : send(conn->fd, ours, sizeof(ours), MSG_NOSIGNAL);
	got = conn->ssl ? tls_receive(conn->ssl, greeting, sizeof(greeting))
	                : recv(conn->fd, greeting, sizeof(greeting), MSG_WAITALL);
	if (sent != sizeof(ours) || got != sizeof(greeting))
		die("%s: no greeting", url);
	if (memcmp(greeting, theirs, sizeof(greeting)) != 0)
		die("%s: the peer is no nng REP socket", url);
}

void conn_open(struct conn *conn, const char *url, unsigned slots)
{
	bool is_tls;

	*conn = (struct conn){ .slots_count = slots, .may_write = true };
	conn->is_ipc = strncmp(url, "ipc://", 6) == 0;
	is_tls = strncmp(url, "tls+tcp://", 10) == 0;
	if (!conn->is_ipc && !is_tls && strncmp(url, "tcp://", 6) != 0)
		die("%s: ipc:///PATH, tcp://HOST:PORT or tls+tcp://HOST:PORT is wanted", url);
	conn->fd = conn->is_ipc ? ipc_connect(url + 6) : tcp_connect(url + (is_tls ? 10 : 6));
	if (is_tls)
		conn->ssl = tls_open(conn->fd, url);
	greet(conn, url);
	if (fcntl(conn->fd, F_SETFL, O_NONBLOCK) < 0)
		die("%s: %s", url, strerror(errno));
	conn->slots = memory_new(slots, sizeof(*conn->slots));
	conn->free = memory_new(slots, sizeof(*conn->free));
	conn->queue = memory_new(slots, sizeof(*conn->queue));
	for (unsigned i = 0; i < slots; i++)
		conn->free[conn->free_count++] = slots - 1 - i;
}

void conn_close(struct conn *conn)
{
	if (conn->ssl)
		tls_close(conn->ssl);
	close(conn->fd);
	for (unsigned i = 0; i < conn->slots_count; i++)
		free(conn->slots[i].own);
	free(conn->slots);
	free(conn->free);
	free(conn->queue);
	free(conn->held);
}

/* --- sending --- */

static void head_make(const struct conn *conn, struct slot *slot, unsigned index)
{
	uint32_t id = UINT32_C(0x80000000) | (uint32_t)(slot->generation & 0x7fff) << 16 | index;
	uint64_t length = slot->request->len + ID_OCTETS;
	uint8_t *at = slot->head;

	if (conn->is_ipc)
		*at++ = 1;
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(length >> shift);
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(id >> shift);
	slot->head_len = (uint8_t)(at - slot->head);
}

void conn_queue(struct conn *conn, const struct requests *requests, const struct request *request, bool is_cold,
                uint64_t cold_number, int64_t intended_ns)
{
	unsigned index = conn->free[--conn->free_count];
	struct slot *slot = &conn->slots[index];

	slot->request = is_cold ? &requests->cold : request;
	slot->is_cold = is_cold;
	slot->intended_ns = intended_ns;
	slot->generation++;
	slot->in_flight = true;
	if (is_cold) {
		if (!slot->own)
			slot->own = memory_new(requests->cold.len, 1);
		requests_cold(requests, cold_number, slot->own);
	}
	head_make(conn, slot, index);
	conn->queue[(conn->queue_first + conn->queue_count++) % conn->slots_count] = index;
	conn->in_flight++;
}

/* The parts of a slot's frame that are not out yet. */
static unsigned parts_add(struct slot *slot, size_t sent, struct iovec *parts)
{
	const uint8_t *from = slot->is_cold ? slot->own : slot->request->octets;
	size_t of_body = sent > slot->head_len ? sent - slot->head_len : 0;
	unsigned count = 0;

	if (sent < slot->head_len)
		parts[count++] = (struct iovec){ slot->head + sent, slot->head_len - sent };
	parts[count] = (struct iovec){ NULL, slot->request->len - of_body };
	from += of_body;
	memcpy(&parts[count].iov_base, &from, sizeof(from));
	return count + 1;
}

static void sent_note(struct conn *conn, size_t octets)
{
	conn->first_sent += octets;
	while (conn->queue_count > 0) {
		const struct slot *slot = &conn->slots[conn->queue[conn->queue_first]];
		size_t whole = slot->head_len + slot->request->len;

		if (conn->first_sent < whole)
			return;
		conn->first_sent -= whole;
		conn->queue_first = (conn->queue_first + 1) % conn->slots_count;
		conn->queue_count--;
	}
}

void conn_flush(struct conn *conn)
{
	struct iovec parts[2 * SENT_AT_ONCE];

	while (conn->queue_count > 0 && conn->may_write && !conn->lost) {
		struct msghdr message = { .msg_iov = parts };
		unsigned taken = conn->queue_count < SENT_AT_ONCE ? conn->queue_count : SENT_AT_ONCE;
		ssize_t sent;

		for (unsigned i = 0; i < taken; i++) {
			struct slot *slot = &conn->slots[conn->queue[(conn->queue_first + i) % conn->slots_count]];

			message.msg_iovlen += parts_add(slot, i == 0 ? conn->first_sent : 0, parts + message.msg_iovlen);
		}
		sent = conn->ssl ? tls_send(conn->ssl, parts, message.msg_iovlen)
		                 : sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			sent_note(conn, (size_t)sent);
		else if (errno == EAGAIN)
			conn->may_write = false;
		else if (errno != EINTR)
			conn->lost = true;
	}
}

/* --- receiving --- */

typedef void replied_fn(void *arg, struct conn *conn, struct slot *slot, const uint8_t *body, size_t len);

static void reply_take(struct conn *conn, const uint8_t *frame, size_t len, replied_fn *replied, void *arg)
{
	uint32_t id = 0;
	unsigned index;
	struct slot *slot;

	for (size_t i = 0; i < ID_OCTETS && i < len; i++)
		id = id << 8 | frame[i];
	index = id & 0xffff;
	slot = index < conn->slots_count ? &conn->slots[index] : NULL;
	if (len < ID_OCTETS || !slot || !slot->in_flight || (id >> 16 & 0x7fff) != (slot->generation & 0x7fff))
		die("a reply to no request of ours");
	slot->in_flight = false;
	conn->in_flight--;
	conn->free[conn->free_count++] = index;
	replied(arg, conn, slot, frame + ID_OCTETS, len - ID_OCTETS);
}

/* Takes whole frames from the front; returns how many octets they had. */
static size_t frames_take(struct conn *conn, const uint8_t *octets, size_t len, replied_fn *replied, void *arg)
{
	size_t head = (conn->is_ipc ? 1 : 0) + LENGTH_OCTETS, done = 0;

	while (len - done >= head) {
		uint64_t length = 0;

		for (size_t i = head - LENGTH_OCTETS; i < head; i++)
			length = length << 8 | octets[done + i];
		if (length > CONN_REPLY_MAX)
			die("a reply of %llu octets", (unsigned long long)length);
		if (len - done - head < length)
			break;
		reply_take(conn, octets + done + head, (size_t)length, replied, arg);
		done += head + (size_t)length;
	}
	return done;
}

static void hold(struct conn *conn, const uint8_t *octets, size_t len)
{
	if (len == 0)
		return;
	if (conn->held_size - conn->held_len < len) {
		conn->held_size = 2 * (conn->held_len + len);
		conn->held = memory_grow(conn->held, conn->held_size, 1);
	}
	memcpy(conn->held + conn->held_len, octets, len);
	conn->held_len += len;
}

bool conn_read(struct conn *conn, uint8_t *buffer, size_t size, replied_fn *replied, void *arg)
{
	ssize_t got = conn->ssl ? tls_receive(conn->ssl, buffer, size) : recv(conn->fd, buffer, size, MSG_DONTWAIT);
	size_t done;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		conn->lost = true;
		return false;
	}
	if (conn->held_len == 0) {
		done = frames_take(conn, buffer, (size_t)got, replied, arg);
		if (done < (size_t)got)
			hold(conn, buffer + done, (size_t)got - done);
	} else {
		hold(conn, buffer, (size_t)got);
		done = frames_take(conn, conn->held, conn->held_len, replied, arg);
		memmove(conn->held, conn->held + done, conn->held_len - done);
		conn->held_len -= done;
	}
	return (size_t)got == size;
}
