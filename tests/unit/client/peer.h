/*
 * peer.h - a server for tests of libassay: its answers are of a mode that can be changed.
 */
#ifndef ASSAY_TESTS_CLIENT_PEER_H
#define ASSAY_TESTS_CLIENT_PEER_H

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdatomic.h>

#include "client/assay.h"
#include "rep.h"

enum peer_mode { PEER_ANSWERS, PEER_SILENT, PEER_GARBAGE, PEER_OVERLOADED, PEER_INTERNAL, PEER_SLOW, PEER_OTHER_ID };

struct peer {
	struct rep rep;
	const char *url, *directory;
	atomic_int mode;
	atomic_uint requests;
	pthread_mutex_t lock;
	uint8_t *last; /* the request, packed; under the lock */
	size_t last_octets;
};

#define PEER_SLOW_MS 300

/* A verdict has the request's id as its authentication_results. */
void peer_start(struct peer *peer);
void peer_stop(struct peer *peer);
/* The last request; the caller's to free. */
Assay__V1__Request *peer_take_last(struct peer *peer);

#endif
