/*
 * Goal:   whatever network and DNS do, every request gets exactly one reply, its own, within its deadline; no fault
 *         becomes a pass, no answer serves for longer than it may; no question is under way twice in all shards; bounds are kept
 *         and nothing is left behind.
 * Method: two shards of the real engine over one cache above a simulated src/io, from one seed: random clients that send, send
 *         again, send a lot at once, hang up, vanish and come back; DNS that answers at once, late, never, wrong, with
 *         garbage, or dies in between; shards that take turns in any order and hear of each other late. A seed also decides how narrow the
 *         bounds are, and how the engine is stopped. A failed run prints its seed; run it alone with `sim_engine SEED`. What the
 *         seeds are to reach is counted at the end. ASSAY_SIM_SEEDS: how many, instead of 1,000.
 */
#include "sim.h"

#include "assay.pb-c.h"
#include "engine/request.h"
#include "engine/shard.h"
#include "proto/wire/backtrace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 1000
#define SHARDS 2
#define REQUESTS 200
#define CLIENTS 8
#define DOMAINS 12
#define NAMES 5 /* that a request asks for: those of HELO, of the author, of what its record includes, and two of DMARC */
#define DEADLINE_MS 2000
#define ANSWER_NS_MAX INT64_C(3000000000) /* so late does DNS answer, if it does */
#define TTL_S_MAX 2
#define PREFETCH_S 2
#define BURST_MAX 30
#define BODY_OCTETS 300
#define S INT64_C(1000000000)

#define CHECK(condition, ...)                                                        \
	do {                                                                         \
		if (!(condition)) {                                                  \
			printf("seed %llu: ", (unsigned long long)run.seed);         \
			printf(__VA_ARGS__);                                         \
			printf("\n");                                                \
			exit(1);                                                     \
		}                                                                    \
	} while (0)

struct sent {
	unsigned due;         /* replies; more than one when the client has sent it again */
	unsigned conn;
	unsigned domain;
	int64_t at_ns;        /* for the last time */
	uint32_t backtrace[3];
	unsigned hops;
	uint8_t frame[1024];
	size_t frame_len;
};

static struct {
	uint64_t seed;
	struct shard shards[SHARDS];
	struct counters counters[SHARDS];
	struct cache *cache;
	struct engine_config config;
	bool stopping, at_once, tight; /* at once: requests stay unanswered; tight: requests are refused */
	int64_t pause_ns_max;          /* between what clients do */
	struct io_conn *conns[CLIENTS], *vanished[CLIENTS];
	struct sent sent[REQUESTS];
	unsigned sent_count, replies, stopped;
	enum { DOMAIN_GOOD, DOMAIN_FAULTY, DOMAIN_DYING } domains[DOMAINS]; /* dying: good until then */
	int64_t died_ns;
	struct io_timer client;
} run;

static uint64_t totals[COUNTER_COUNT]; /* of all seeds */

/* --- the engine's surroundings, instead of engine.c --- */

bool engine_hand_over(struct engine *engine, unsigned from, int fd)
{
	(void)engine;
	(void)from;
	(void)fd;
	return false;
}

unsigned engine_handed_over(struct engine *engine, unsigned to, int fds[HANDED_OVER_MAX])
{
	(void)engine;
	(void)to;
	(void)fds;
	return 0;
}

bool engine_is_stopping_at_once(const struct engine *engine)
{
	(void)engine;
	return run.stopping && run.at_once;
}

bool engine_is_stopping(const struct engine *engine)
{
	(void)engine;
	return run.stopping;
}

const struct engine_config *engine_config_of(const struct engine *engine)
{
	(void)engine;
	return &run.config;
}

struct shard *engine_shard(struct engine *engine, unsigned index)
{
	(void)engine;
	return &run.shards[index];
}

uint64_t engine_counter(const struct engine *engine, enum counter_id id)
{
	uint64_t sum = 0;

	(void)engine;
	for (unsigned i = 0; i < SHARDS; i++)
		sum += counter_read(&run.counters[i], id);
	return sum;
}

uint64_t engine_reason_count(const struct engine *engine, enum reason_id id)
{
	(void)engine;
	return run.counters[0].reasons[id];
}

uint64_t engine_uptime_ms(const struct engine *engine)
{
	(void)engine;
	return 0;
}

/* --- DNS --- */

static bool is_faulty(unsigned domain)
{
	return run.domains[domain] == DOMAIN_FAULTY || (run.domains[domain] == DOMAIN_DYING && sim.now_ns >= run.died_ns);
}

static struct sim_dns_answer fault(void)
{
	static const struct sim_dns_answer faults[] = {
		{ .kind = SIM_DNS_SERVFAIL }, { .kind = SIM_DNS_BOGUS }, { .kind = SIM_DNS_NEVER }, { .kind = SIM_DNS_SERVFAIL },
	};

	return faults[sim_random(4)];
}

/* dN.sim has a record that passes our client, and DMARC; every question about a faulty domain fails. */
static struct sim_dns_answer on_dns(void *arg, struct slice name, unsigned type)
{
	struct sim_dns_answer answer = { .kind = SIM_DNS_NXDOMAIN };
	char text[256];
	unsigned domain = 0;
	char rest = 0;

	(void)arg;
	snprintf(text, sizeof(text), "%.*s", SLICE_FMT(name));
	if (sscanf(text, "_dmarc.d%u.sim%c", &domain, &rest) == 1 && domain < DOMAINS)
		answer = (struct sim_dns_answer){ .kind = SIM_DNS_TXT, .txt = "v=DMARC1; p=reject" };
	else if (sscanf(text, "d%u.sim%c", &domain, &rest) == 1 && domain < DOMAINS)
		answer = (struct sim_dns_answer){ .kind = SIM_DNS_TXT, .txt = "v=spf1 include:_spf.d0.sim ip4:192.0.2.1 -all" };
	else if (strcmp(text, "_spf.d0.sim") == 0)
		answer = (struct sim_dns_answer){ .kind = SIM_DNS_TXT, .txt = "v=spf1 ?all" };
	else if (sim_random(20) == 0)
		answer.kind = SIM_DNS_GARBAGE;
	if (type != 16)
		answer.kind = SIM_DNS_NODATA;
	if (answer.kind == SIM_DNS_TXT && domain != 0 && is_faulty(domain))
		answer = fault();
	answer.after_ns = sim_random(3) ? (int64_t)sim_random(ANSWER_NS_MAX) : 0;
	return answer;
}

/* Of names below "sim": what a public suffix list would say. */
static struct slice registrable_domain(void *arg, struct slice name)
{
	struct slice above = slice_sub(name, 0, name.len > 4 ? name.len - 4 : 0);
	size_t dot = slice_find_last(above, '.');

	(void)arg;
	return !above.len ? SLICE_EMPTY : dot == SLICE_NOT_FOUND ? name : slice_from(name, dot + 1);
}

/* --- clients --- */

static void request_make(unsigned index)
{
	struct sent *sent = &run.sent[index];
	uint8_t *at = sent->frame;
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckMessage call = ASSAY__V1__CHECK_MESSAGE__INIT;
	Assay__V1__Envelope envelope;
	char from[64], message[512], client[] = "192.0.2.1", helo[] = "mx.sim";
	size_t len = 0;

	assay__v1__envelope__init(&envelope);
	sent->hops = (unsigned)sim_random(3);
	for (unsigned i = 0; i <= sent->hops; i++) {
		sent->backtrace[i] = ((uint32_t)sim_random(UINT32_MAX) & 0x7f) | index << 8;
		if (i == sent->hops)
			sent->backtrace[i] |= 0x80;
		memcpy(at + len, &sent->backtrace[i], 4);
		len += 4;
	}
	snprintf(from, sizeof(from), "a@d%u.sim", sent->domain);
	/* Longer than what no shard sends to another. */
	snprintf(message, sizeof(message), "From: %s\r\nSubject: %u\r\n\r\n%0*u\r\n", from, index, BODY_OCTETS, 0);
	envelope.client_ip = client;
	envelope.helo = (ProtobufCBinaryData){ strlen(helo), (uint8_t *)helo };
	envelope.mail_from = (ProtobufCBinaryData){ strlen(from), (uint8_t *)from };
	call.envelope = &envelope;
	call.message = (ProtobufCBinaryData){ strlen(message), (uint8_t *)message };
	request.id = (ProtobufCBinaryData){ sizeof(index), (uint8_t *)&index };
	request.deadline_ms = DEADLINE_MS;
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	request.check_message = &call;
	ASSERT(len + assay__v1__request__get_packed_size(&request) <= sizeof(sent->frame));
	sent->frame_len = len + assay__v1__request__pack(&request, at + len);
}

static void send_frame(struct sent *sent)
{
	sent->due++;
	sent->at_ns = sim.now_ns;
	sim_send(run.conns[sent->conn], slice_of(sent->frame, sent->frame_len));
}

static void send_one(void)
{
	unsigned index = run.sent_count++;
	struct sent *sent = &run.sent[index];

	*sent = (struct sent){ .conn = (unsigned)sim_random(CLIENTS), .domain = (unsigned)sim_random(DOMAINS) };
	request_make(index);
	send_frame(sent);
}

static void send_burst(void)
{
	for (uint64_t left = sim_random(BURST_MAX); left && run.sent_count < REQUESTS; left--)
		send_one();
}

/* What the client of a REQ socket does when no reply comes. */
static void send_again(void)
{
	struct sent *sent = &run.sent[sim_random(run.sent_count + 1)];

	if (sent->due)
		send_frame(sent);
}

static void connect_client(unsigned conn)
{
	/* Most come to one shard, which spreads their requests. */
	run.conns[conn] = sim_connect(conn % 4 == 0);
}

/* `vanish`: the server does not learn of it until the client does so once more. */
static void hang_up(bool vanish)
{
	unsigned conn = (unsigned)sim_random(CLIENTS);

	for (unsigned i = 0; i < run.sent_count; i++)
		if (run.sent[i].conn == conn)
			run.sent[i].due = 0;
	if (run.vanished[conn])
		sim_disconnect(run.vanished[conn]);
	run.vanished[conn] = NULL;
	if (vanish) {
		run.vanished[conn] = run.conns[conn];
		sim_vanish(run.conns[conn]);
	} else {
		sim_disconnect(run.conns[conn]);
	}
	connect_client(conn);
}

static void send_noise(void)
{
	uint8_t noise[64];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)sim_random(128); /* no request id: no reply is possible */
	sim_send(run.conns[0], slice_of(noise, sim_random(sizeof(noise))));
}

static void check_bounds(void)
{
	for (unsigned i = 0; i < SHARDS; i++) {
		const struct shard *shard = &run.shards[i];

		CHECK(shard->requests_count - shard->errands.in_flight <= shard->limits.in_flight_max, "%u requests in flight",
		      shard->requests_count);
		CHECK(shard->lookups_count <= shard->limits.shard_lookups_max, "%u look-ups under way", shard->lookups_count);
		CHECK(shard->requests_octets <= shard->limits.octets_held_max, "%zu octets held", shard->requests_octets);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK(io_conn_use(run.conns[i])->in_flight <= run.config.limits.connection_in_flight_max, "client %u has too many", i);
	CHECK(cache_octets(run.cache) <= run.config.limits.cache.octets_max + ((size_t)1 << 20), "%zu octets of answers",
	      cache_octets(run.cache));
}

static void stop(void)
{
	run.stopping = true;
	for (unsigned i = 0; i < SHARDS; i++)
		io_loop_wake(run.shards[i].loop);
}

static void client_act(void *arg)
{
	(void)arg;
	check_bounds();
	if (run.sent_count == REQUESTS) {
		stop();
		return;
	}
	switch (sim_random(24)) {
	case 0: hang_up(false); break;
	case 1: hang_up(true); break;
	case 2: send_noise(); break;
	case 3: send_burst(); break;
	case 4:
	case 5: send_again(); break;
	default: send_one(); break;
	}
	io_timers_start(&sim.timers, &run.client, sim.now_ns + (int64_t)sim_random((uint64_t)run.pause_ns_max));
}

/* Every answer of the time before has ended by now, and every request that was under way with it. */
static bool is_dead_for_good(unsigned domain)
{
	const struct cache_bounds *limits = &run.config.limits.cache;
	int64_t past_s = TTL_S_MAX + (limits->stale_s_max > limits->prefetch_s ? limits->stale_s_max : limits->prefetch_s);

	return run.domains[domain] == DOMAIN_FAULTY ||
	       (run.domains[domain] == DOMAIN_DYING &&
	        sim.now_ns > run.died_ns + ANSWER_NS_MAX + past_s * S + DEADLINE_MS * INT64_C(1000000));
}

static void check_verdict(const struct sent *sent, const Assay__V1__Verdict *verdict)
{
	bool faulty = is_dead_for_good(sent->domain);

	CHECK(verdict->spf && verdict->dmarc, "a verdict lacks a part");
	if (faulty) {
		CHECK(verdict->spf->result == ASSAY__V1__SPF__RESULT__TEMPERROR, "a faulty domain got SPF %d",
		      (int)verdict->spf->result);
		CHECK(verdict->dmarc->result == ASSAY__V1__DMARC__RESULT__TEMPERROR, "a faulty domain got DMARC %d",
		      (int)verdict->dmarc->result);
	} else {
		CHECK(verdict->spf->result == ASSAY__V1__SPF__RESULT__PASS ||
		              verdict->spf->result == ASSAY__V1__SPF__RESULT__TEMPERROR,
		      "a good domain got SPF %d", (int)verdict->spf->result);
		CHECK(verdict->dmarc->result == ASSAY__V1__DMARC__RESULT__PASS ||
		              verdict->dmarc->result == ASSAY__V1__DMARC__RESULT__TEMPERROR,
		      "a good domain got DMARC %d", (int)verdict->dmarc->result);
	}
}

static void on_reply(void *arg, struct io_conn *conn, struct slice message)
{
	Assay__V1__Response *response;
	struct slice backtrace, body;
	struct sent *sent;
	unsigned index;

	(void)arg;
	CHECK(wire_backtrace_split(message, &backtrace, &body), "a reply without a request id");
	response = assay__v1__response__unpack(NULL, body.len, body.ptr);
	CHECK(response && backtrace.len >= sizeof(index), "a reply that is no Response");
	memcpy(&index, backtrace.ptr + backtrace.len - sizeof(index), sizeof(index));
	index >>= 8;
	CHECK(index < run.sent_count, "a reply to nothing");
	sent = &run.sent[index];
	/* What is refused at once is not read: then there is no id. */
	CHECK(response->id.len == 0 ? response->result_case == ASSAY__V1__RESPONSE__RESULT_ERROR
	                            : response->id.len == sizeof(index) && memcmp(response->id.data, &index, sizeof(index)) == 0,
	      "request %u got another one's id", index);
	CHECK(sent->due, "request %u was answered twice, or after its client had gone", index);
	CHECK(run.conns[sent->conn] == conn, "request %u was answered to another client", index);
	CHECK(slice_equal(backtrace, slice_of(sent->backtrace, 4 * (sent->hops + 1u))), "another backtrace");
	CHECK(sim.now_ns - sent->at_ns <= DEADLINE_MS * INT64_C(1000000), "request %u was answered late", index);
	CHECK(response->result_case == ASSAY__V1__RESPONSE__RESULT_VERDICT ||
	              ((run.stopping || run.tight) && response->result_case == ASSAY__V1__RESPONSE__RESULT_ERROR &&
	               response->error->code == ASSAY__V1__ERROR__CODE__OVERLOADED),
	      "request %u got case %d", index, (int)response->result_case);
	if (response->result_case == ASSAY__V1__RESPONSE__RESULT_VERDICT)
		check_verdict(sent, response->verdict);
	sent->due--;
	run.replies++;
	assay__v1__response__free_unpacked(response, NULL);
}

static void on_stopped(void *arg, unsigned loop)
{
	(void)arg;
	run.stopped++;
	shard_retire(&run.shards[loop]);
}

/* --- a run --- */

static void configure(struct engine_config *config)
{
	run.tight = sim_random(4) == 0;
	*config = (struct engine_config){ .shards = SHARDS, .version = "sim" };
	config->limits = (struct engine_limits){
		.message_octets_max = 1 << 20,
		.octets_held_max = 64 << 20,
		.request_memory_max = 1 << 20,
		.in_flight_max = run.tight ? 20 : 2 * SHARDS * REQUESTS,
		.connection_in_flight_max = run.tight ? 4 : 2 * REQUESTS,
		.connections_max = CLIENTS,
		.lookups_max = 60,
		.shard_lookups_max = sim_random(4) ? REQUESTS * 8 : 6,
		.zone_lookups_max = REQUESTS * 8,
		.passes_max = 136,
		.dns_wait_ms_max = sim_random(2) ? 5000 : 800,
		.queue_ms_max = 40,
		.deadline_ms_max = 60000,
		.drain_ms_max = 10000,
		.stall_ms_max = 10000,
		.key_cache_octets_max = 1 << 20,
		.cache = {
			/* Less than the answers need: some are dropped while in use. Or more. */
			.octets_max = sim_random(2) ? 4 << 10 : 1 << 20,
			.ttl_s_min = 1,
			.ttl_s_max = TTL_S_MAX,
			.negative_ttl_s_max = 1,
			.failure_ttl_s = 1,
			.bogus_ttl_s = 1,
			.stale_s_max = sim_random(2) ? 10 : 0,
			.prefetch_s = sim_random(2) ? PREFETCH_S : 0,
		},
		.breaker = {
			.failures = sim_random(3) ? 3 : 0,
			.probe_ns = S / 2,
			.zones_max = 4,
			.registrable_domain = registrable_domain,
		},
	};
	config->verdict.authserv_id = SLICE("mx.sim");
	config->verdict.spf = (struct spf_config){ .lookups_max = 10, .void_lookups_max = 2 };
	config->verdict.dkim = (struct dkim_config){ .signatures_max = 8, .rsa_bits_min = 1024, .rsa_bits_max = 4096,
	                                             .verify_us_max = 5000 };
	config->verdict.bounds = (struct mail_bounds){ 1 << 18, 1000, 1 << 16 };
}

static void begin(uint64_t seed)
{
	char problem[IO_PROBLEM_SIZE];

	memset(&run, 0, sizeof(run));
	run.seed = seed;
	sim_start(seed);
	sim.dns = on_dns;
	sim.reply = on_reply;
	sim.stopped = on_stopped;
	run.at_once = sim_random(8) == 0;
	run.pause_ns_max = sim_random(2) ? S / 25 : S / 5;
	run.died_ns = sim.now_ns + (int64_t)sim_random(5 * S);
	configure(&run.config);
	for (unsigned i = 1; i < DOMAINS; i++)
		run.domains[i] = sim_random(2) ? DOMAIN_GOOD : sim_random(2) ? DOMAIN_FAULTY : DOMAIN_DYING;
	CHECK(cache_new(&run.config.limits.cache, SHARDS, &run.cache) == 0, "no cache");
	for (unsigned i = 0; i < SHARDS; i++) {
		run.shards[i].counters = &run.counters[i];
		run.shards[i].cache = run.cache;
		run.shards[i].index = i;
		CHECK(shard_init(&run.shards[i], NULL, problem) == 0, "%s", problem);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		connect_client(i);
	io_timer_init(&run.client, client_act, NULL);
	io_timers_start(&sim.timers, &run.client, sim.now_ns);
}

/* However often a request is evaluated, it asks for each name once: what was answered stays so. */
static void check_questions(void)
{
	static const enum counter_id outcomes[] = {
		COUNTER_DNS_FOUND,   COUNTER_DNS_NODATA,  COUNTER_DNS_NXDOMAIN, COUNTER_DNS_SERVFAIL, COUNTER_DNS_BOGUS,
		COUNTER_DNS_TIMEOUT, COUNTER_DNS_INVALID, COUNTER_DNS_SILENT,   COUNTER_OVER_LOOKUPS,
	};
	uint64_t answers = 0, requests = engine_counter(NULL, COUNTER_REQUESTS);

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
		answers += engine_counter(NULL, outcomes[i]);
	CHECK(answers <= NAMES * requests, "%llu answers to %llu requests", (unsigned long long)answers, (unsigned long long)requests);
}

static void check_end(void)
{
	CHECK(run.stopped == SHARDS, "only %u shards have stopped", run.stopped);
	for (unsigned i = 0; i < run.sent_count && !run.at_once; i++)
		CHECK(run.sent[i].due == 0, "request %u got no reply", i);
	for (unsigned i = 0; i < SHARDS && !run.at_once; i++)
		CHECK(run.shards[i].requests_count == 0 && run.shards[i].requests_octets == 0 &&
		              run.shards[i].errands.in_flight == 0 && run.shards[i].epochs_held == 0,
		      "shard %u still holds something", i);
	CHECK(sim.questions_doubled == 0, "%u questions were under way twice", sim.questions_doubled);
	CHECK(sim.questions <= run.config.limits.lookups_max * engine_counter(NULL, COUNTER_REQUESTS), "too many questions");
	check_questions();
	CHECK(run.sent_count == REQUESTS && (run.at_once || run.replies > REQUESTS / 10), "only %u replies", run.replies);
}

static void run_seed(uint64_t seed)
{
	begin(seed);
	sim_run();
	check_end();
	for (enum counter_id id = 0; id < COUNTER_COUNT; id++)
		totals[id] += engine_counter(NULL, id);
	for (unsigned i = 0; i < SHARDS; i++)
		shard_deinit(&run.shards[i]);
	CHECK(sim.frames_held == 0, "%u frames are still held", sim.frames_held);
	cache_free(run.cache);
}

/* A simulation in which something never happens says nothing about it. */
static bool was_reached(void)
{
	static const enum counter_id wanted[] = {
		COUNTER_REQUESTS_LATE, COUNTER_REQUESTS_SPREAD, COUNTER_REQUESTS_MALFORMED, COUNTER_OVER_IN_FLIGHT,
		COUNTER_OVER_CONNECTION_IN_FLIGHT, COUNTER_OVER_QUERIES, COUNTER_PREFETCHES, COUNTER_LOOKUPS_JOINED, COUNTER_LOOKUPS_AT_ONCE, COUNTER_CACHE_HITS, COUNTER_CACHE_STALE,
		COUNTER_CACHE_DROPPED, COUNTER_DNS_BOGUS, COUNTER_DNS_INVALID, COUNTER_DNS_SERVFAIL, COUNTER_DNS_TIMEOUT,
		COUNTER_DNS_SILENT, COUNTER_BREAKERS_OPENED, COUNTER_BREAKERS_CLOSED, COUNTER_BREAKER_PROBES, COUNTER_BREAKERS_DROPPED,
	};
	bool all = true;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (totals[wanted[i]])
			continue;
		printf("%s is 0 in all seeds\n", counter_descriptions[wanted[i]].name);
		all = false;
	}
	return all;
}

int main(int argc, char **argv)
{
	const char *given = getenv("ASSAY_SIM_SEEDS");
	uint64_t seeds = given ? strtoull(given, NULL, 10) : SEEDS;

	if (argc == 2) {
		run_seed(strtoull(argv[1], NULL, 10));
		printf("seed %s: %u replies, %u questions, %llu evaluations\n", argv[1], run.replies, sim.questions,
		       (unsigned long long)totals[COUNTER_PASSES]);
		return 0;
	}
	for (uint64_t seed = 1; seed <= seeds; seed++)
		run_seed(seed);
	if (!was_reached())
		return 1;
	printf("%llu seeds, %d requests each: every reply right and in time\n", (unsigned long long)seeds, REQUESTS);
	return 0;
}
