/*
 * peer.h - a server for tests of libassay: a REP socket of libnng in a thread of this process.
 */
#ifndef ASSAY_TESTS_CLIENT_PEER_H
#define ASSAY_TESTS_CLIENT_PEER_H

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdatomic.h>

#include "assay.pb-c.h"
#include "client/assay.h"

enum peer_mode { PEER_ANSWERS, PEER_SILENT, PEER_GARBAGE, PEER_OVERLOADED, PEER_INTERNAL, PEER_SLOW, PEER_OTHER_ID };

struct peer {
	nng_socket socket;
	char url[128], directory[64];
	pthread_t thread;
	atomic_int mode;
	atomic_uint requests;
	pthread_mutex_t lock;
	Assay__V1__Request *last; /* under the lock */
};

#define PEER_SLOW_MS 300

/* A verdict has the request's id as its authentication_results. */
void peer_start(struct peer *peer);
void peer_stop(struct peer *peer);
/* The last request; the caller's to free. */
Assay__V1__Request *peer_take_last(struct peer *peer);

#endif
