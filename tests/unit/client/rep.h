/*
 * rep.h - a server of the REP protocol over ipc for tests of libassay: one thread, on sockets of its own.
 *
 * Why not libnng's: its nng_close() can wait for ever (1.5.2) when a connection ends while a read of it is being started.
 */
#ifndef ASSAY_TESTS_CLIENT_REP_H
#define ASSAY_TESTS_CLIENT_REP_H

#include <pthread.h>
#include <stdint.h>

#include "assay.pb-c.h"

struct rep_conn;

/* What to reply, from malloc(); NULL: nothing at all. Called in the server's thread, one request after another. */
typedef uint8_t *(*rep_answer_fn)(void *arg, const Assay__V1__Request *request, size_t *octets_out);

struct rep {
	char url[128], directory[64];
	rep_answer_fn answer;
	void *arg;
	int listener, ends[2];
	struct rep_conn *conns;
	pthread_t thread;
};

/* Serves until rep_stop(). */
void rep_start(struct rep *rep, rep_answer_fn answer, void *arg);
void rep_stop(struct rep *rep);

/* A response, packed. */
uint8_t *rep_pack(const Assay__V1__Response *response, size_t *octets_out);

#endif
