#include "proxy.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TURN_MS 5

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		abort();
	strcpy(address.sun_path, path);
	return address;
}

static void take_connection(struct proxy *proxy)
{
	struct sockaddr_un address = address_of(proxy->to);
	unsigned number = atomic_load(&proxy->connections);

	if (number == PROXY_CONNECTIONS_MAX)
		abort();
	proxy->client[number] = accept(proxy->listener, NULL, NULL);
	proxy->peer[number] = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(proxy->peer[number], (struct sockaddr *)&address, sizeof address) != 0)
		abort();
	atomic_fetch_add(&proxy->connections, 1);
}

static void hand_on(int from, int to)
{
	char octets[65536];
	ssize_t count = recv(from, octets, sizeof octets, MSG_DONTWAIT);

	if (count == 0)
		shutdown(to, SHUT_WR);
	for (ssize_t sent = 0; sent < count;) {
		ssize_t now = send(to, octets + sent, (size_t)(count - sent), MSG_NOSIGNAL);

		if (now <= 0)
			return;
		sent += now;
	}
}

static void *serve(void *argument)
{
	struct proxy *proxy = argument;

	while (!atomic_load(&proxy->ends)) {
		struct pollfd listener = { .fd = proxy->listener, .events = POLLIN };

		if (poll(&listener, 1, TURN_MS) == 1)
			take_connection(proxy);
		for (unsigned i = atomic_load(&proxy->mute); i < atomic_load(&proxy->connections); i++) {
			hand_on(proxy->client[i], proxy->peer[i]);
			hand_on(proxy->peer[i], proxy->client[i]);
		}
	}
	return NULL;
}

void proxy_start(struct proxy *proxy, const char *url)
{
	struct sockaddr_un address;

	memset(proxy, 0, sizeof *proxy);
	proxy->to = url + strlen("ipc://");
	snprintf(proxy->path, sizeof proxy->path, "%.100s-proxy", proxy->to);
	snprintf(proxy->url, sizeof proxy->url, "ipc://%s", proxy->path);
	address = address_of(proxy->path);
	proxy->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(proxy->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(proxy->listener, 16) != 0 ||
	    pthread_create(&proxy->thread, NULL, serve, proxy) != 0)
		abort();
}

void proxy_stop(struct proxy *proxy)
{
	atomic_store(&proxy->ends, true);
	pthread_join(proxy->thread, NULL);
	for (unsigned i = 0; i < atomic_load(&proxy->connections); i++) {
		close(proxy->client[i]);
		close(proxy->peer[i]);
	}
	close(proxy->listener);
	unlink(proxy->path);
}
