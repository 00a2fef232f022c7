#include "sim.h"

#include <stdlib.h>
#include <string.h>

struct sim sim;

/* --- the world --- */

void sim_start(uint64_t seed)
{
	sim = (struct sim){ .random = seed * 2 + 1, .timers = IO_TIMERS_INIT, .now_ns = 1000000000 };
	for (int i = 0; i < 8; i++)
		(void)sim_random(2);
}

/* xorshift64*: any generator does, as long as a seed gives the same run. */
uint64_t sim_random(uint64_t below)
{
	sim.random ^= sim.random >> 12;
	sim.random ^= sim.random << 25;
	sim.random ^= sim.random >> 27;
	return (sim.random * UINT64_C(0x2545f4914f6cdd1d) >> 16) % below;
}

/* --- loop.h --- */

struct io_loop {
	int nothing;
};

int io_loop_new(struct io_loop **out, char problem[IO_PROBLEM_SIZE])
{
	problem[0] = 0;
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void io_loop_free(struct io_loop *loop)
{
	free(loop);
}

void io_loop_on_turn(struct io_loop *loop, void (*begin)(void *arg), void (*turn)(void *arg), void *arg)
{
	(void)loop;
	sim.begin = begin;
	sim.turn = turn;
	sim.turn_arg = arg;
}

int io_loop_run(struct io_loop *loop)
{
	(void)loop;
	while (!sim.stopped && io_timers_next(&sim.timers) != INT64_MAX) {
		if (io_timers_next(&sim.timers) > sim.now_ns)
			sim.now_ns = io_timers_next(&sim.timers);
		sim.begin(sim.turn_arg);
		io_timers_fire(&sim.timers, sim.now_ns);
		sim.turn(sim.turn_arg);
	}
	return 0;
}

void io_loop_stop(struct io_loop *loop)
{
	(void)loop;
	sim.stopped = true;
}

void io_loop_wake(struct io_loop *loop)
{
	(void)loop;
}

int64_t io_now_ns(const struct io_loop *loop)
{
	(void)loop;
	return sim.now_ns;
}

int64_t io_wall_s(const struct io_loop *loop)
{
	(void)loop;
	return 1700000000 + sim.now_ns / 1000000000;
}

void io_timer_start(struct io_loop *loop, struct io_timer *timer, int64_t at_ns)
{
	(void)loop;
	io_timers_start(&sim.timers, timer, at_ns);
}

void io_timer_stop(struct io_loop *loop, struct io_timer *timer)
{
	(void)loop;
	io_timers_stop(&sim.timers, timer);
}

/* --- server.h --- */

struct io_server {
	const struct io_server_ops *ops;
	void *arg;
	struct io_server_counters counters;
	struct io_conn *conns;
};

struct io_conn {
	struct io_conn *next;
	unsigned refs;
	struct io_conn_use use;
	bool closed;
	uint8_t *reply; /* being filled by the engine until the next flush or reply */
	size_t reply_len;
};

int io_server_new(struct io_loop *loop, const struct io_server_bounds *bounds, uint16_t protocol,
                  uint16_t peer_protocol, const struct io_server_ops *ops, void *arg, struct io_server **out,
                  char problem[IO_PROBLEM_SIZE])
{
	struct io_server *server = calloc(1, sizeof(*server));

	(void)loop;
	(void)bounds;
	(void)protocol;
	(void)peer_protocol;
	problem[0] = 0;
	if (!server)
		return -ENOMEM;
	server->ops = ops;
	server->arg = arg;
	sim.server = *out = server;
	return 0;
}

static void reply_deliver(struct io_conn *conn)
{
	uint8_t *reply = conn->reply;

	if (!reply)
		return;
	conn->reply = NULL;
	if (!conn->closed)
		sim.reply(sim.arg, conn, slice_of(reply, conn->reply_len));
	free(reply);
}

void io_server_flush(struct io_server *server)
{
	for (struct io_conn *conn = server->conns; conn; conn = conn->next)
		reply_deliver(conn);
}

void io_server_stop_listening(struct io_server *server)
{
	(void)server;
}

int io_server_listen(struct io_server *server, int fd, bool is_ipc)
{
	(void)server;
	(void)fd;
	(void)is_ipc;
	return 0;
}

void io_server_close(struct io_server *server, bool at_once)
{
	struct io_conn *conn = server->conns;

	(void)at_once;
	io_server_flush(server);
	server->conns = NULL;
	while (conn) {
		struct io_conn *next = conn->next;

		conn->closed = true;
		io_conn_unref(conn);
		conn = next;
	}
}

void io_server_adopt(struct io_server *server, int fd, bool is_ipc)
{
	(void)server;
	(void)fd;
	(void)is_ipc;
}

bool io_server_is_closed(const struct io_server *server)
{
	return !server->conns;
}

void io_server_free(struct io_server *server)
{
	free(server);
}

const struct io_server_counters *io_server_counters(const struct io_server *server)
{
	return &server->counters;
}

void io_frame_release(struct io_frame *frame)
{
	if (!frame->owner)
		return;
	sim.frames_held--;
	free(frame->owner);
	frame->owner = NULL;
}

struct io_conn *io_conn_ref(struct io_conn *conn)
{
	conn->refs++;
	return conn;
}

void io_conn_unref(struct io_conn *conn)
{
	ASSERT(conn->refs > 0);
	if (--conn->refs > 0)
		return;
	free(conn->reply);
	free(conn);
}

bool io_conn_is_closed(const struct io_conn *conn)
{
	return conn->closed;
}

struct io_conn_use *io_conn_use(struct io_conn *conn)
{
	return &conn->use;
}

uint8_t *io_conn_reply(struct io_conn *conn, size_t octets)
{
	reply_deliver(conn);
	if (conn->closed)
		return NULL;
	conn->reply = malloc(octets);
	conn->reply_len = octets;
	ASSERT(conn->reply);
	return conn->reply;
}

struct io_conn *sim_connect(void)
{
	struct io_conn *conn = calloc(1, sizeof(*conn));

	ASSERT(conn);
	conn->refs = 1;
	conn->next = sim.server->conns;
	sim.server->conns = conn;
	return conn;
}

void sim_disconnect(struct io_conn *conn)
{
	struct io_conn **at = &sim.server->conns;

	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	conn->closed = true;
	io_conn_unref(conn);
}

/* A frame in memory of its own, so that a use after its release is seen. */
void sim_send(struct io_conn *conn, struct slice message)
{
	uint8_t *copy = malloc(message.len ? message.len : 1);

	ASSERT(copy);
	memcpy(copy, message.ptr, message.len);
	sim.frames_held++;
	sim.server->ops->frame(sim.server->arg, conn,
	                       (struct io_frame){ .octets = slice_of(copy, message.len), .owner = copy });
}

/* --- resolver.h --- */

#define QUESTIONS_MAX 4096

struct question {
	struct io_resolver *resolver;
	struct question *next;
	uint8_t name[256];
	size_t name_len;
	unsigned type;
	struct sim_dns_answer answer;
	struct io_timer timer;
	void (*done)(void *arg, const struct io_dns_reply *reply);
	void *arg;
};

struct io_resolver {
	struct question *questions;
};

int io_resolver_new(struct io_loop *loop, const struct io_resolver_config *config, struct io_resolver **out,
                    char problem[IO_PROBLEM_SIZE])
{
	(void)loop;
	(void)config;
	problem[0] = 0;
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void io_resolver_free(struct io_resolver *resolver)
{
	while (resolver && resolver->questions) {
		struct question *next = resolver->questions->next;

		io_timers_stop(&sim.timers, &resolver->questions->timer);
		free(resolver->questions);
		resolver->questions = next;
	}
	free(resolver);
}

static size_t put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return 2;
}

/* A response with one TXT record, or with none. */
static size_t packet_make(const struct question *question, uint8_t *packet)
{
	const char *txt = question->answer.kind == SIM_DNS_TXT ? question->answer.txt : NULL;
	size_t len = 12, label = len++, txt_len = txt ? strlen(txt) : 0;

	memset(packet, 0, 12);
	put16(packet + 4, 1);
	put16(packet + 6, txt ? 1 : 0);
	for (size_t i = 0; i < question->name_len; i++) {
		if (question->name[i] == '.') {
			packet[label] = (uint8_t)(len - label - 1);
			label = len++;
		} else {
			packet[len++] = question->name[i];
		}
	}
	packet[label] = (uint8_t)(len - label - 1);
	packet[len++] = 0;
	len += put16(packet + len, question->type);
	len += put16(packet + len, 1);
	if (!txt)
		return len;
	ASSERT(txt_len < 256);
	len += put16(packet + len, 0xc00c);
	len += put16(packet + len, 16);
	len += put16(packet + len, 1);
	len += put16(packet + len, 0);
	len += put16(packet + len, 300);
	len += put16(packet + len, (unsigned)txt_len + 1);
	packet[len++] = (uint8_t)txt_len;
	memcpy(packet + len, txt, txt_len);
	return len + txt_len;
}

static void question_answer(void *arg)
{
	struct question *question = arg;
	struct question **at = &question->resolver->questions;
	struct io_dns_reply reply = { .security = IO_DNS_INSECURE };
	uint8_t packet[1024];

	while (*at != question)
		at = &(*at)->next;
	*at = question->next;
	sim.questions_in_flight--;
	reply.packet = slice_of(packet, packet_make(question, packet));
	if (question->answer.kind == SIM_DNS_GARBAGE)
		for (size_t i = 0; i < 6; i++)
			packet[4 + sim_random(reply.packet.len - 4)] = (uint8_t)sim_random(256);
	else if (question->answer.kind == SIM_DNS_BOGUS)
		reply = (struct io_dns_reply){ .rcode = 2, .security = IO_DNS_BOGUS };
	else if (question->answer.kind == SIM_DNS_SERVFAIL || question->answer.kind == SIM_DNS_NXDOMAIN)
		reply = (struct io_dns_reply){ .rcode = question->answer.kind == SIM_DNS_NXDOMAIN ? 3 : 2 };
	question->done(question->arg, &reply);
	free(question);
}

int io_resolver_ask(struct io_resolver *resolver, struct slice name, unsigned type,
                    void (*done)(void *arg, const struct io_dns_reply *reply), void *arg)
{
	struct question *question = calloc(1, sizeof(*question));

	ASSERT(question && name.len > 0 && name.len < 254);
	for (const struct question *other = resolver->questions; other; other = other->next)
		if (other->type == type && slice_equal_nocase(slice_of(other->name, other->name_len), name))
			sim.questions_doubled++;
	*question = (struct question){ .resolver = resolver, .next = resolver->questions, .name_len = name.len, .type = type };
	memcpy(question->name, name.ptr, name.len);
	question->done = done;
	question->arg = arg;
	question->answer = sim.dns(sim.arg, name, type);
	resolver->questions = question;
	io_timer_init(&question->timer, question_answer, question);
	sim.questions++;
	sim.questions_in_flight++;
	if (question->answer.kind == SIM_DNS_NEVER)
		return 0;
	if (question->answer.after_ns == 0)
		question_answer(question);
	else
		io_timers_start(&sim.timers, &question->timer, sim.now_ns + question->answer.after_ns);
	return 0;
}
