/*
 * proxy.h - stands between a client and a peer (tests of libassay): hands on octets until it is told not to.
 */
#ifndef ASSAY_TESTS_CLIENT_PROXY_H
#define ASSAY_TESTS_CLIENT_PROXY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define PROXY_CONNECTIONS_MAX 16

struct proxy {
	char url[160], path[128];
	const char *to; /* the peer's path */
	int listener;
	int client[PROXY_CONNECTIONS_MAX], peer[PROXY_CONNECTIONS_MAX];
	atomic_uint connections;
	atomic_uint mute; /* connections before this one are open, and nothing is read from or written to them */
	atomic_bool ends;
	pthread_t thread;
};

/* In front of the peer at `url`, ipc://PATH. */
void proxy_start(struct proxy *proxy, const char *url);
void proxy_stop(struct proxy *proxy);

#endif
