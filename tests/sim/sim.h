/*
 * sim.h - src/io, simulated: a clock that jumps, some shards' loops that take turns in any order, a network and a DNS that do what
 * one seed says.
 *
 * The real engine (src/engine) and evaluators run above it unchanged: sim_io.c defines the functions of io/loop.h,
 * io/server.h and io/resolver.h over this world.
 */
#ifndef ASSAY_TESTS_SIM_H
#define ASSAY_TESTS_SIM_H

#include "io/loop.h"
#include "io/resolver.h"
#include "io/server.h"

/* What the scripted DNS does with a question. */
struct sim_dns_answer {
	enum { SIM_DNS_TXT, SIM_DNS_NXDOMAIN, SIM_DNS_NODATA, SIM_DNS_SERVFAIL, SIM_DNS_BOGUS, SIM_DNS_GARBAGE, SIM_DNS_NEVER } kind;
	const char *txt;   /* SIM_DNS_TXT */
	int64_t after_ns;  /* 0: from inside io_resolver_ask(), as a cached answer */
};

#define SIM_LOOPS_MAX 4

struct sim {
	uint64_t random;                 /* state; from the seed */
	struct io_timers timers;         /* of the clients; each loop has its own */
	int64_t now_ns;
	struct io_loop *loops[SIM_LOOPS_MAX]; /* in the order in which they were made */
	unsigned loops_count;
	/* The test's. */
	struct sim_dns_answer (*dns)(void *arg, struct slice name, unsigned type);
	void (*reply)(void *arg, struct io_conn *conn, struct slice message);
	void (*stopped)(void *arg, unsigned loop); /* it has taken its last turn */
	void *arg;
	/* What was seen. */
	unsigned questions, questions_in_flight, questions_doubled; /* doubled: the same one twice at once */
	unsigned frames_held;            /* handed over and not released */
};

extern struct sim sim; /* one world a process, made anew by sim_start() */

void sim_start(uint64_t seed);
uint64_t sim_random(uint64_t below); /* 0 to below - 1 */
/* Until nothing can happen any more. */
void sim_run(void);

/* Clients. What they send comes to the loop's next turn. */
struct io_conn *sim_connect(unsigned loop);
void sim_disconnect(struct io_conn *conn);
/* The client is gone, and the server does not know: replies go nowhere until sim_disconnect(). */
void sim_vanish(struct io_conn *conn);
void sim_send(struct io_conn *conn, struct slice message);

#endif
