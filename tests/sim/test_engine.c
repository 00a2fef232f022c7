/*
 * Goal:   whatever network and DNS do, every request gets exactly one reply, its own, within its deadline; no fault
 *         becomes a pass; no question is under way twice; nothing is left behind.
 * Method: one shard of the real engine above a simulated src/io, from one seed: random clients that send, hang up and come
 *         back, DNS that answers at once, late, never, wrong or with garbage. A failed run prints its seed; run it alone
 *         with `sim_engine SEED`.
 */
#include "sim.h"

#include "assay.pb-c.h"
#include "engine/request.h"
#include "engine/shard.h"
#include "proto/wire/backtrace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 200
#define REQUESTS 200
#define CLIENTS 8
#define DOMAINS 12
#define DEADLINE_MS 2000

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
	bool open;            /* a reply is due */
	bool hung_up;
	unsigned conn;
	unsigned domain;
	int64_t at_ns;
	uint32_t backtrace[3];
	unsigned hops;
};

static struct {
	uint64_t seed;
	struct shard shard;
	struct counters counters;
	struct engine_config config;
	bool stopping;
	struct io_conn *conns[CLIENTS];
	struct sent sent[REQUESTS];
	unsigned sent_count, replies;
	enum { DOMAIN_GOOD, DOMAIN_FAULTY } domains[DOMAINS];
	struct io_timer client;
} run;

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
	return false;
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
	(void)index;
	return &run.shard;
}

uint64_t engine_counter(const struct engine *engine, enum counter_id id)
{
	(void)engine;
	return counter_read(&run.counters, id);
}

uint64_t engine_reason_count(const struct engine *engine, enum reason_id id)
{
	(void)engine;
	return run.counters.reasons[id];
}

uint64_t engine_uptime_ms(const struct engine *engine)
{
	(void)engine;
	return 0;
}

/* --- DNS --- */

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
	if (answer.kind == SIM_DNS_TXT && text[0] == 'd' && run.domains[domain] == DOMAIN_FAULTY)
		answer = fault();
	answer.after_ns = sim_random(3) ? (int64_t)sim_random(UINT64_C(3000000000)) : 0;
	return answer;
}

/* --- clients --- */

static size_t request_make(unsigned index, uint8_t *at)
{
	struct sent *sent = &run.sent[index];
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckMessage call = ASSAY__V1__CHECK_MESSAGE__INIT;
	Assay__V1__Envelope envelope;
	char from[64], message[256], client[] = "192.0.2.1", helo[] = "mx.sim";
	size_t len = 0;

	assay__v1__envelope__init(&envelope);
	sent->hops = (unsigned)sim_random(3);
	for (unsigned i = 0; i <= sent->hops; i++) {
		sent->backtrace[i] = (uint32_t)sim_random(UINT32_MAX) & 0x7f;
		if (i == sent->hops)
			sent->backtrace[i] |= 0x80;
		memcpy(at + len, &sent->backtrace[i], 4);
		len += 4;
	}
	snprintf(from, sizeof(from), "a@d%u.sim", sent->domain);
	snprintf(message, sizeof(message), "From: %s\r\nSubject: %u\r\n\r\nbody\r\n", from, index);
	envelope.client_ip = client;
	envelope.helo = (ProtobufCBinaryData){ strlen(helo), (uint8_t *)helo };
	envelope.mail_from = (ProtobufCBinaryData){ strlen(from), (uint8_t *)from };
	call.envelope = &envelope;
	call.message = (ProtobufCBinaryData){ strlen(message), (uint8_t *)message };
	request.id = (ProtobufCBinaryData){ sizeof(index), (uint8_t *)&index };
	request.deadline_ms = DEADLINE_MS;
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	request.check_message = &call;
	return len + assay__v1__request__pack(&request, at + len);
}

static void send_one(void)
{
	unsigned index = run.sent_count++;
	struct sent *sent = &run.sent[index];
	uint8_t frame[1024];

	*sent = (struct sent){ .open = true, .conn = (unsigned)sim_random(CLIENTS), .domain = (unsigned)sim_random(DOMAINS) };
	sent->at_ns = sim.now_ns;
	sim_send(run.conns[sent->conn], slice_of(frame, request_make(index, frame)));
}

static void hang_up(void)
{
	unsigned conn = (unsigned)sim_random(CLIENTS);

	for (unsigned i = 0; i < run.sent_count; i++)
		if (run.sent[i].conn == conn && run.sent[i].open)
			run.sent[i].hung_up = true;
	sim_disconnect(run.conns[conn]);
	run.conns[conn] = sim_connect();
}

static void client_act(void *arg)
{
	uint8_t noise[64];

	(void)arg;
	if (run.sent_count == REQUESTS) {
		run.stopping = true;
		return;
	}
	switch (sim_random(20)) {
	case 0: hang_up(); break;
	case 1:
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)sim_random(128); /* no request id: no reply is possible */
		sim_send(run.conns[0], slice_of(noise, sim_random(sizeof(noise))));
		break;
	default: send_one(); break;
	}
	io_timers_start(&sim.timers, &run.client, sim.now_ns + (int64_t)sim_random(40000000));
}

static void check_verdict(const struct sent *sent, const Assay__V1__Verdict *verdict)
{
	bool faulty = run.domains[sent->domain] == DOMAIN_FAULTY;

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
	CHECK(response && response->id.len == sizeof(index), "a reply that is no Response");
	memcpy(&index, response->id.data, sizeof(index));
	CHECK(index < run.sent_count, "a reply to nothing");
	sent = &run.sent[index];
	CHECK(sent->open && !sent->hung_up, "request %u was answered twice, or after its client had gone", index);
	CHECK(run.conns[sent->conn] == conn, "request %u was answered to another client", index);
	CHECK(slice_equal(backtrace, slice_of(sent->backtrace, 4 * (sent->hops + 1u))), "another backtrace");
	CHECK(sim.now_ns - sent->at_ns <= DEADLINE_MS * INT64_C(1000000), "request %u was answered late", index);
	CHECK(response->result_case == ASSAY__V1__RESPONSE__RESULT_VERDICT ||
	              (run.stopping && response->result_case == ASSAY__V1__RESPONSE__RESULT_ERROR),
	      "request %u got case %d", index, (int)response->result_case);
	if (response->result_case == ASSAY__V1__RESPONSE__RESULT_VERDICT)
		check_verdict(sent, response->verdict);
	sent->open = false;
	run.replies++;
	assay__v1__response__free_unpacked(response, NULL);
}

/* --- a run --- */

static void configure(struct engine_config *config)
{
	*config = (struct engine_config){ .shards = 1, .version = "sim" };
	config->limits = (struct engine_limits){
		.message_octets_max = 1 << 20,
		.octets_held_max = 64 << 20,
		.request_memory_max = 1 << 20,
		.in_flight_max = REQUESTS,
		.connection_in_flight_max = REQUESTS,
		.connections_max = CLIENTS,
		.lookups_max = 60,
		.zone_lookups_max = REQUESTS * 8,
		.passes_max = 136,
		.dns_wait_ms_max = 5000,
		.deadline_ms_max = 60000,
		.drain_ms_max = 10000,
		.stall_ms_max = 10000,
		.key_cache_octets_max = 1 << 20,
		.cache = {
			.octets_max = 4 << 10, /* less than the answers need: some are dropped while in use */
			.ttl_s_min = 1,
			.ttl_s_max = 2,
			.negative_ttl_s_max = 1,
			.failure_ttl_s = 1,
			.bogus_ttl_s = 1,
		},
	};
	config->verdict.authserv_id = SLICE("mx.sim");
	config->verdict.spf = (struct spf_config){ .lookups_max = 10, .void_lookups_max = 2 };
	config->verdict.dkim = (struct dkim_config){ .signatures_max = 8, .rsa_bits_min = 1024, .rsa_bits_max = 4096,
	                                             .verify_us_max = 5000 };
	config->verdict.bounds = (struct mail_bounds){ 1 << 18, 1000, 1 << 16 };
}

static void run_seed(uint64_t seed)
{
	char problem[IO_PROBLEM_SIZE];

	memset(&run, 0, sizeof(run));
	run.seed = seed;
	sim_start(seed);
	sim.dns = on_dns;
	sim.reply = on_reply;
	configure(&run.config);
	for (unsigned i = 1; i < DOMAINS; i++)
		run.domains[i] = sim_random(3) == 0 ? DOMAIN_FAULTY : DOMAIN_GOOD;
	run.shard.counters = &run.counters;
	CHECK(cache_new(&run.config.limits.cache, 1, &run.shard.cache) == 0, "no cache");
	CHECK(shard_init(&run.shard, NULL, problem) == 0, "%s", problem);
	for (unsigned i = 0; i < CLIENTS; i++)
		run.conns[i] = sim_connect();
	io_timer_init(&run.client, client_act, NULL);
	io_timers_start(&sim.timers, &run.client, sim.now_ns);
	CHECK(io_loop_run(run.shard.loop) == 0, "the loop died");
	for (unsigned i = 0; i < run.sent_count; i++)
		CHECK(!run.sent[i].open || run.sent[i].hung_up, "request %u got no reply", i);
	CHECK(run.shard.requests_count == 0, "%u requests are left", run.shard.requests_count);
	CHECK(sim.questions_doubled == 0, "%u questions were under way twice", sim.questions_doubled);
	CHECK(sim.frames_held == 0, "%u frames are still held", sim.frames_held);
	CHECK(run.sent_count == REQUESTS && run.replies > REQUESTS / 4, "only %u replies", run.replies);
	shard_retire(&run.shard);
	shard_deinit(&run.shard);
	cache_free(run.shard.cache);
}

int main(int argc, char **argv)
{
	if (argc == 2) {
		run_seed(strtoull(argv[1], NULL, 10));
		return 0;
	}
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_seed(seed);
	printf("%d seeds, %d requests each: every reply right and in time\n", SEEDS, REQUESTS);
	return 0;
}
