/*
 * run.h - a run: connections, when requests are sent, what is measured.
 *
 * Closed loop: every connection keeps so many requests in flight. Open loop: requests are due at times that do not depend
 * on replies; latency is counted from when a request was due, so that a server (or this program) that stalls is charged
 * for all that was due meanwhile. What is due and finds no free slot is sent, in order, when one is free.
 *
 * Phases: warm-up, until both its time and its number of requests have passed; measuring; waiting for the last replies.
 *         Rates and CPU are those of the measuring phase; latencies of requests that were due in it, whenever answered.
 */
#ifndef ASSAY_BENCH_RUN_H
#define ASSAY_BENCH_RUN_H

#include "load/cpu.h"
#include "load/histogram.h"
#include "load/requests.h"

#define RUN_PIDS_MAX 16
#define RUN_CONNECTIONS_MAX 60000

struct run_options {
	const char *url;
	unsigned connections, in_flight; /* in flight: on each connection */
	double rate;              /* a second, all connections together; 0: closed loop */
	bool poisson;             /* open loop: exponential distances instead of even ones */
	bool no_sleep;            /* look for replies and at the clock all the time */
	int64_t duration_ns;
	uint64_t count;           /* requests measured at most; 0: until the time is over */
	int64_t warmup_ns;
	uint64_t warmup_count;
	double cold_percent;
	bool check;
	bool allow_temporary;     /* OVERLOADED and temperror are counted by themselves, not as mismatches */
	pid_t pids[RUN_PIDS_MAX]; /* whose CPU is counted */
	size_t pids_count;
	bool progress;
};

struct run_result {
	int64_t elapsed_ns;       /* of the measuring phase */
	uint64_t replies, octets_sent, octets_received; /* in it */
	uint64_t checked, mismatches, errors, unanswered, connections_lost; /* of the whole run */
	uint64_t refused, deferred; /* with allow_temporary: OVERLOADED; verdicts with a temperror */
	uint64_t own_cpu_ns;
	struct cpu server_before, server_after;
	bool has_server;
	struct histogram latency, cold_latency, refused_latency; /* the last: of what was refused, which the others lack */
};

void run(const struct run_options *options, const struct requests *requests, struct run_result *out);

/* A loop of nothing but timers at that rate, or looks at the clock: how late they are is the machine's own noise. */
void run_idle(const struct run_options *options, struct run_result *out);

#endif
