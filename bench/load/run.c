#include "load/run.h"

#include "corpus/prng.h"
#include "corpus/text.h"
#include "load/conn.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define READ_OCTETS ((size_t)256 * 1024)
#define EVENTS_AT_ONCE 256
#define GRACE_NS (10 * NS_PER_S)       /* for the last replies */
#define PROGRESS_NS (NS_PER_S / 2)
#define MISMATCHES_SHOWN 10
#define ISSUED_AT_ONCE 4096            /* between two looks at the sockets */
#define TICK_NS (NS_PER_S / 20)        /* the loop comes round at least so often */

enum phase { PHASE_WARMUP, PHASE_MEASURE, PHASE_LAST, PHASE_OVER };

struct loop {
	const struct run_options *options;
	const struct requests *requests;
	struct run_result *out;
	struct conn *conns;
	unsigned turn;              /* the connection whose turn it is, open loop */
	unsigned lost;
	int epoll;
	uint8_t *buffer;
	enum phase phase;
	int64_t now, started, measure_from, measure_until, next_progress, last_progress;
	uint64_t issued, replies, measured_issued, progress_replies;
	uint64_t replies_before, octets_sent, octets_received, octets_sent_before, octets_received_before;
	uint64_t own_cpu_before;
	double cold_due;
	uint64_t cold_issued;
	/* Open loop. */
	double due;                 /* nanoseconds since `started` */
	struct prng prng;
};

/* --- phases --- */

static void measure_begin(struct loop *loop)
{
	const struct run_options *options = loop->options;
	struct run_result *out = loop->out;

	histogram_init(&out->latency);
	histogram_init(&out->cold_latency);
	histogram_init(&out->refused_latency);
	out->has_server = options->pids_count > 0 && cpu_read(options->pids, options->pids_count, &out->server_before);
	if (options->pids_count > 0 && !out->has_server)
		die("--server-pid: there is no such process");
	loop->own_cpu_before = cpu_own_ns();
	loop->replies_before = loop->replies;
	loop->octets_sent_before = loop->octets_sent;
	loop->octets_received_before = loop->octets_received;
	loop->now = clock_ns();
	loop->measure_from = loop->now;
	loop->measure_until = loop->now + options->duration_ns;
	loop->phase = PHASE_MEASURE;
}

static void measure_end(struct loop *loop)
{
	struct run_result *out = loop->out;

	out->has_server = out->has_server &&
	                  cpu_read(loop->options->pids, loop->options->pids_count, &out->server_after);
	out->own_cpu_ns = cpu_own_ns() - loop->own_cpu_before;
	out->elapsed_ns = clock_ns() - loop->measure_from;
	out->replies = loop->replies - loop->replies_before;
	out->octets_sent = loop->octets_sent - loop->octets_sent_before;
	out->octets_received = loop->octets_received - loop->octets_received_before;
	loop->measure_until = loop->measure_from + out->elapsed_ns;
	loop->phase = PHASE_LAST;
}

static bool count_is_reached(const struct loop *loop)
{
	return loop->options->count && loop->measured_issued >= loop->options->count;
}

static uint64_t in_flight(const struct loop *loop)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < loop->options->connections; i++)
		count += loop->conns[i].lost ? 0 : loop->conns[i].in_flight;
	return count;
}

static int64_t due_at(const struct loop *loop)
{
	return loop->started + (int64_t)loop->due;
}

/* What was due while it was measured is still sent when the phase is over: to leave it out would flatter a slow server. */
static bool may_issue(const struct loop *loop)
{
	if (count_is_reached(loop))
		return false;
	return loop->phase == PHASE_WARMUP || loop->phase == PHASE_MEASURE ||
	       (loop->phase == PHASE_LAST && loop->options->rate > 0 && due_at(loop) < loop->measure_until);
}

static void phase_step(struct loop *loop)
{
	const struct run_options *options = loop->options;

	if (loop->phase == PHASE_WARMUP && loop->now - loop->started >= options->warmup_ns &&
	    loop->replies >= options->warmup_count)
		measure_begin(loop);
	/* With a count, the phase lasts until the last of them is answered. */
	if (loop->phase == PHASE_MEASURE &&
	    (loop->now >= loop->measure_until || (count_is_reached(loop) && in_flight(loop) == 0)))
		measure_end(loop);
	if (loop->phase == PHASE_LAST && ((in_flight(loop) == 0 && !may_issue(loop)) ||
	                                  loop->now >= loop->measure_until + GRACE_NS))
		loop->phase = PHASE_OVER;
}

/* --- sending --- */

static void issue(struct loop *loop, struct conn *conn, int64_t intended)
{
	const struct requests *requests = loop->requests;
	const struct request *request = &requests->at[loop->issued % requests->count];
	bool cold = false;

	loop->cold_due += loop->options->cold_percent;
	if (loop->cold_due >= 100) {
		loop->cold_due -= 100;
		cold = true;
		loop->cold_issued++;
	}
	conn_queue(conn, requests, request, cold, loop->cold_issued, intended);
	loop->issued++;
	loop->measured_issued += loop->phase != PHASE_WARMUP;
	loop->octets_sent += cold ? requests->cold.len : request->len;
}

static void closed_fill(struct loop *loop, struct conn *conn)
{
	while (!conn->lost && conn->free_count > 0 && may_issue(loop))
		issue(loop, conn, loop->now);
	conn_flush(conn);
}

static void due_next(struct loop *loop)
{
	double distance = (double)NS_PER_S / loop->options->rate;

	loop->due += loop->options->poisson ? -log(1 - prng_unit(&loop->prng)) * distance : distance;
}

/* The next connection with a free slot, or NULL. */
static struct conn *conn_free(struct loop *loop)
{
	for (unsigned i = 0; i < loop->options->connections; i++) {
		struct conn *conn = &loop->conns[loop->turn];

		loop->turn = (loop->turn + 1) % loop->options->connections;
		if (!conn->lost && conn->free_count > 0)
			return conn;
	}
	return NULL;
}

/* Sends what is due. Each is sent by itself, as clients that know nothing of each other would. */
static void open_issue(struct loop *loop)
{
	for (unsigned i = 0; i < ISSUED_AT_ONCE && may_issue(loop) && due_at(loop) <= loop->now; i++) {
		struct conn *conn = conn_free(loop);

		if (!conn)
			return;
		issue(loop, conn, due_at(loop));
		due_next(loop);
		conn_flush(conn);
	}
}

/* --- replies --- */

static void mismatch(struct loop *loop, const struct slot *slot, const char *why)
{
	const struct requests *requests = loop->requests;

	if (loop->out->mismatches++ >= MISMATCHES_SHOWN)
		return;
	if (slot->is_cold)
		fprintf(stderr, "assay-bench: the cold message: %s\n", why);
	else
		fprintf(stderr, "assay-bench: request %zu: %s\n", (size_t)(slot->request - requests->at), why);
}

static enum answer check(struct loop *loop, const struct slot *slot, const uint8_t *body, size_t len)
{
	enum answer answer;
	struct reply reply;
	char why[96];

	loop->out->checked++;
	if (loop->requests->kind != REQUEST_ECHO && !reply_scan(body, len, &reply)) {
		mismatch(loop, slot, "the reply is no protobuf message");
		return ANSWER_WRONG;
	}
	answer = requests_judge(loop->requests, slot->request, &reply, why, sizeof(why));
	if (answer == ANSWER_RIGHT)
		return answer;
	if (answer != ANSWER_WRONG && loop->options->allow_temporary) {
		loop->out->refused += answer == ANSWER_REFUSED;
		loop->out->deferred += answer == ANSWER_DEFERRED;
		return answer;
	}
	loop->out->errors += reply.kind == REPLY_ERROR;
	mismatch(loop, slot, why);
	return ANSWER_WRONG;
}

static struct histogram *latency_of(struct run_result *out, const struct slot *slot, enum answer answer)
{
	if (answer == ANSWER_REFUSED)
		return &out->refused_latency;
	return slot->is_cold ? &out->cold_latency : &out->latency;
}

static void replied(void *arg, struct conn *conn, struct slot *slot, const uint8_t *body, size_t len)
{
	struct loop *loop = arg;
	enum answer answer = loop->options->check ? check(loop, slot, body, len) : ANSWER_RIGHT;

	(void)conn;
	loop->replies++;
	loop->octets_received += len;
	if (loop->phase != PHASE_WARMUP && slot->intended_ns >= loop->measure_from &&
	    (loop->phase == PHASE_MEASURE || slot->intended_ns < loop->measure_until))
		histogram_record(latency_of(loop->out, slot, answer), (uint64_t)(loop->now - slot->intended_ns));
}

static void conn_lost(struct loop *loop, struct conn *conn)
{
	loop->lost++;
	loop->out->connections_lost++;
	loop->out->unanswered += conn->in_flight;
	if (loop->lost == 1)
		fprintf(stderr, "assay-bench: a connection was closed by the server\n");
	if (loop->lost == loop->options->connections)
		die("the server closed every connection");
}

static void on_event(struct loop *loop, const struct epoll_event *event)
{
	struct conn *conn = event->data.ptr;

	if (conn->lost)
		return;
	if (event->events & EPOLLOUT)
		conn->may_write = true;
	do
		loop->now = clock_ns();
	while (conn_read(conn, loop->buffer, READ_OCTETS, replied, loop));
	if (loop->options->rate > 0)
		conn_flush(conn);
	else
		closed_fill(loop, conn);
	if (conn->lost)
		conn_lost(loop, conn);
}

/* --- the loop --- */

static void progress(struct loop *loop)
{
	static const char *const names[] = { "warming up", "measuring", "last replies", "" };
	const struct histogram *latency = &loop->out->latency;
	double seconds = (double)(loop->now - loop->last_progress) / (double)NS_PER_S;

	if (!loop->options->progress || loop->now < loop->next_progress)
		return;
	fprintf(stderr, "\r%-12s %9.0f/s  p50 %.0f us  p99 %.0f us  in flight %llu  mismatches %llu \033[K",
	        names[loop->phase], (double)(loop->replies - loop->progress_replies) / seconds,
	        (double)histogram_percentile(latency, 50) / 1e3, (double)histogram_percentile(latency, 99) / 1e3,
	        (unsigned long long)in_flight(loop), (unsigned long long)loop->out->mismatches);
	loop->progress_replies = loop->replies;
	loop->last_progress = loop->now;
	loop->next_progress = loop->now + PROGRESS_NS;
}

static int events_wait(struct loop *loop, struct epoll_event *events)
{
	int64_t wait = loop->options->no_sleep ? 0 : TICK_NS;
	struct timespec timeout;
	int count;

	/* What is due and has no slot waits for replies, not for the clock. */
	if (wait > 0 && loop->options->rate > 0 && may_issue(loop) && due_at(loop) - loop->now < wait)
		wait = due_at(loop) > loop->now ? due_at(loop) - loop->now : conn_free(loop) ? 0 : TICK_NS;
	timeout = (struct timespec){ .tv_nsec = wait };
	count = epoll_pwait2(loop->epoll, events, EVENTS_AT_ONCE, &timeout, NULL);
	if (count < 0 && errno != EINTR)
		die("epoll: %s", strerror(errno));
	loop->now = clock_ns();
	return count > 0 ? count : 0;
}

static void loop_run(struct loop *loop)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	for (unsigned i = 0; loop->options->rate <= 0 && i < loop->options->connections; i++)
		closed_fill(loop, &loop->conns[i]);
	while (loop->phase != PHASE_OVER) {
		int count = events_wait(loop, events);

		for (int i = 0; i < count; i++)
			on_event(loop, &events[i]);
		phase_step(loop);
		if (loop->options->rate > 0)
			open_issue(loop);
		progress(loop);
	}
	if (loop->options->progress)
		fputs("\r\033[K", stderr);
}

static void connections_open(struct loop *loop)
{
	const struct run_options *options = loop->options;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->conns = memory_new(options->connections, sizeof(*loop->conns));
	for (unsigned i = 0; i < options->connections; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &loop->conns[i] };

		conn_open(&loop->conns[i], options->url, options->in_flight);
		if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->conns[i].fd, &event) < 0)
			die("epoll: %s", strerror(errno));
	}
}

/* Requests that were due and never sent: late by what has passed at least, and unanswered. */
static void unsent_note(struct loop *loop)
{
	while (loop->options->rate > 0 && may_issue(loop) && due_at(loop) < loop->now) {
		histogram_record(&loop->out->latency, (uint64_t)(loop->now - due_at(loop)));
		loop->out->unanswered++;
		due_next(loop);
	}
}

void run(const struct run_options *options, const struct requests *requests, struct run_result *out)
{
	struct loop loop = { .options = options, .requests = requests, .out = out, .buffer = memory_new(READ_OCTETS, 1) };

	*out = (struct run_result){ .elapsed_ns = 0 };
	histogram_init(&out->latency);
	histogram_init(&out->cold_latency);
	histogram_init(&out->refused_latency);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	prng_init(&loop.prng, 1, "arrivals", 0);
	connections_open(&loop);
	loop.now = loop.started = loop.last_progress = clock_ns();
	loop_run(&loop);
	loop.phase = PHASE_LAST;
	unsent_note(&loop);
	for (unsigned i = 0; i < options->connections; i++) {
		if (!loop.conns[i].lost)
			out->unanswered += loop.conns[i].in_flight;
		conn_close(&loop.conns[i]);
	}
	free(loop.conns);
	free(loop.buffer);
}

void run_idle(const struct run_options *options, struct run_result *out)
{
	int64_t started = clock_ns(), distance = (int64_t)((double)NS_PER_S / options->rate), now = started;
	uint64_t cpu = cpu_own_ns();

	*out = (struct run_result){ .elapsed_ns = 0 };
	histogram_init(&out->latency);
	histogram_init(&out->cold_latency);
	histogram_init(&out->refused_latency);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	for (int64_t due = started + distance; now < started + options->duration_ns; due += distance) {
		struct timespec until = { .tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S };

		if (!options->no_sleep)
			while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
				continue;
		do
			now = clock_ns();
		while (now < due);
		histogram_record(&out->latency, (uint64_t)(now - due));
		out->replies++;
	}
	out->elapsed_ns = now - started;
	out->own_cpu_ns = cpu_own_ns() - cpu;
}
