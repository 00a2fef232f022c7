/*
 * sim.h - src/io, simulated: a clock that jumps, a network and a DNS that do what one seed says.
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

struct sim {
	uint64_t random;                 /* state; from the seed */
	struct io_timers timers;
	int64_t now_ns;
	bool stopped;
	void (*begin)(void *arg), (*turn)(void *arg);
	void *turn_arg;
	struct io_server *server;
	/* The test's. */
	struct sim_dns_answer (*dns)(void *arg, struct slice name, unsigned type);
	void (*reply)(void *arg, struct io_conn *conn, struct slice message);
	void *arg;
	/* What was seen. */
	unsigned questions, questions_in_flight, questions_doubled; /* doubled: the same one twice at once */
	unsigned frames_held;            /* handed over and not released */
};

extern struct sim sim; /* one world a process, made anew by sim_start() */

void sim_start(uint64_t seed);
uint64_t sim_random(uint64_t below); /* 0 to below - 1 */

/* Clients. */
struct io_conn *sim_connect(void);
void sim_disconnect(struct io_conn *conn);
void sim_send(struct io_conn *conn, struct slice message);

#endif
