#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

/* The engine's hash seeds as well: else a seed of ours would not give the same run again. */
ssize_t getrandom(void *buffer, size_t octets, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < octets; i++)
		((uint8_t *)buffer)[i] = (uint8_t)sim_random(256);
	return (ssize_t)octets;
}

/* --- loop.h --- */

#define WAKE_NS_MAX 5000000 /* so late may a loop hear that it was woken */

/* What a client has sent, on its way. */
struct arrival {
	struct arrival *next;
	struct io_conn *conn; /* a reference */
	size_t len;
	uint8_t *octets;
};

struct io_loop {
	struct io_timers timers;
	void (*begin)(void *arg), (*turn)(void *arg);
	void *arg;
	int64_t wake_at_ns; /* INT64_MAX: nobody did */
	bool stopped;
	struct io_server *server;
	struct arrival *arrivals, **arrivals_end;
};

int io_loop_new(struct io_loop **out, char problem[IO_PROBLEM_SIZE])
{
	struct io_loop *loop = calloc(1, sizeof(*loop));

	problem[0] = 0;
	if (!loop)
		return -ENOMEM;
	ASSERT(sim.loops_count < SIM_LOOPS_MAX);
	*loop = (struct io_loop){ .timers = IO_TIMERS_INIT, .wake_at_ns = INT64_MAX, .arrivals_end = &loop->arrivals };
	sim.loops[sim.loops_count++] = *out = loop;
	return 0;
}

static struct arrival *arrival_take(struct io_loop *loop)
{
	struct arrival *arrival = loop->arrivals;

	if (!arrival)
		return NULL;
	loop->arrivals = arrival->next;
	if (!loop->arrivals)
		loop->arrivals_end = &loop->arrivals;
	return arrival;
}

void io_loop_free(struct io_loop *loop)
{
	struct arrival *arrival;

	while ((arrival = arrival_take(loop))) {
		io_conn_unref(arrival->conn);
		free(arrival->octets);
		free(arrival);
	}
	free(loop);
}

void io_loop_on_turn(struct io_loop *loop, void (*begin)(void *arg), void (*turn)(void *arg), void *arg)
{
	loop->begin = begin;
	loop->turn = turn;
	loop->arg = arg;
}

/* When it has something to do; INT64_MAX: never. */
static int64_t loop_next(const struct io_loop *loop)
{
	int64_t next = io_timers_next(&loop->timers);

	if (loop->stopped)
		return INT64_MAX;
	if (loop->arrivals)
		return sim.now_ns;
	return loop->wake_at_ns < next ? loop->wake_at_ns : next;
}

static void arrivals_hand_out(struct io_loop *loop);

static void loop_turn(unsigned index)
{
	struct io_loop *loop = sim.loops[index];

	loop->wake_at_ns = INT64_MAX;
	loop->begin(loop->arg);
	arrivals_hand_out(loop);
	io_timers_fire(&loop->timers, sim.now_ns);
	loop->turn(loop->arg);
	if (loop->stopped)
		sim.stopped(sim.arg, index);
}

void sim_run(void)
{
	for (;;) {
		int64_t next = io_timers_next(&sim.timers);
		unsigned first = (unsigned)sim_random(sim.loops_count);

		for (unsigned i = 0; i < sim.loops_count; i++)
			next = loop_next(sim.loops[i]) < next ? loop_next(sim.loops[i]) : next;
		if (next == INT64_MAX)
			return;
		sim.now_ns = next > sim.now_ns ? next : sim.now_ns;
		io_timers_fire(&sim.timers, sim.now_ns);
		for (unsigned i = 0; i < sim.loops_count; i++)
			if (loop_next(sim.loops[(first + i) % sim.loops_count]) <= sim.now_ns)
				loop_turn((first + i) % sim.loops_count);
	}
}

void io_loop_stop(struct io_loop *loop)
{
	loop->stopped = true;
}

void io_loop_wake(struct io_loop *loop)
{
	int64_t at_ns = sim.now_ns + (sim_random(2) ? (int64_t)sim_random(WAKE_NS_MAX) : 0);

	loop->wake_at_ns = at_ns < loop->wake_at_ns ? at_ns : loop->wake_at_ns;
}

int64_t io_now_ns(const struct io_loop *loop)
{
	(void)loop;
	return sim.now_ns;
}

/* A turn takes no time here: how busy a loop seems is drawn. */
int64_t io_loop_asleep_ns(const struct io_loop *loop)
{
	(void)loop;
	return (int64_t)sim_random((uint64_t)sim.now_ns + 1);
}

int64_t io_wall_s(const struct io_loop *loop)
{
	(void)loop;
	return 1700000000 + sim.now_ns / 1000000000;
}

void io_timer_start(struct io_loop *loop, struct io_timer *timer, int64_t at_ns)
{
	io_timers_start(&loop->timers, timer, at_ns);
}

void io_timer_stop(struct io_loop *loop, struct io_timer *timer)
{
	io_timers_stop(&loop->timers, timer);
}

/* --- server.h --- */

struct io_server {
	struct io_loop *loop;
	const struct io_server_ops *ops;
	void *arg;
	struct io_server_counters counters;
	struct io_conn *conns;
	enum io_backlog backlog;
};

struct io_conn {
	struct io_conn *next;
	struct io_server *server;
	unsigned refs;
	struct io_conn_use use;
	bool closed, vanished;
	uint8_t *reply; /* being filled by the engine until the next flush or reply */
	size_t reply_len;
};

int io_server_new(struct io_loop *loop, const struct io_server_bounds *bounds, uint16_t protocol,
                  uint16_t peer_protocol, const struct io_server_ops *ops, void *arg, struct io_server **out,
                  char problem[IO_PROBLEM_SIZE])
{
	struct io_server *server = calloc(1, sizeof(*server));

	(void)bounds;
	(void)protocol;
	(void)peer_protocol;
	problem[0] = 0;
	if (!server)
		return -ENOMEM;
	server->loop = loop;
	server->ops = ops;
	server->arg = arg;
	loop->server = *out = server;
	return 0;
}

static void reply_deliver(struct io_conn *conn)
{
	uint8_t *reply = conn->reply;

	if (!reply)
		return;
	conn->reply = NULL;
	if (!conn->closed && !conn->vanished)
		sim.reply(sim.arg, conn, slice_of(reply, conn->reply_len));
	free(reply);
}

/* Whatever waits is handed out; but how much that was may be said to be anything, for it changes nothing but how long turns are. */
enum io_backlog io_server_backlog(const struct io_server *server)
{
	return server->backlog;
}

void io_server_read(struct io_server *server, enum io_reading reading)
{
	(void)server;
	(void)reading;
}

void io_server_flush(struct io_server *server)
{
	server->backlog = (enum io_backlog)sim_random(IO_BACKLOG_MORE + 1);
	for (struct io_conn *conn = server->conns; conn; conn = conn->next)
		reply_deliver(conn);
}

void io_server_stop_listening(struct io_server *server)
{
	(void)server;
}

int io_server_listen(struct io_server *server, int fd, const struct io_peer_rules *rules)
{
	(void)server;
	(void)fd;
	(void)rules;
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

void io_server_adopt(struct io_server *server, int fd)
{
	(void)server;
	(void)fd;
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

struct io_conn *sim_connect(unsigned loop)
{
	struct io_conn *conn = calloc(1, sizeof(*conn));

	ASSERT(conn);
	conn->refs = 1;
	conn->server = sim.loops[loop]->server;
	conn->next = conn->server->conns;
	conn->server->conns = conn;
	return conn;
}

void sim_disconnect(struct io_conn *conn)
{
	struct io_conn **at = &conn->server->conns;

	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	conn->closed = true;
	io_conn_unref(conn);
}

void sim_vanish(struct io_conn *conn)
{
	conn->vanished = true;
}

void sim_send(struct io_conn *conn, struct slice message)
{
	struct io_loop *loop = conn->server->loop;
	struct arrival *arrival = calloc(1, sizeof(*arrival));

	ASSERT(arrival);
	/* In memory of its own, so that a use after its release is seen. */
	*arrival = (struct arrival){ .conn = io_conn_ref(conn), .len = message.len, .octets = malloc(message.len + 1) };
	ASSERT(arrival->octets);
	memcpy(arrival->octets, message.ptr, message.len);
	*loop->arrivals_end = arrival;
	loop->arrivals_end = &arrival->next;
}

static void arrivals_hand_out(struct io_loop *loop)
{
	struct arrival *arrival;

	while ((arrival = arrival_take(loop))) {
		struct io_frame frame = { .octets = slice_of(arrival->octets, arrival->len), .owner = arrival->octets };

		if (arrival->conn->closed) {
			free(arrival->octets);
		} else {
			sim.frames_held++;
			loop->server->ops->frame(loop->server->arg, arrival->conn, frame);
		}
		io_conn_unref(arrival->conn);
		free(arrival);
	}
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
	struct io_loop *loop;
	struct io_resolver *next;
	struct question *questions;
};

static struct io_resolver *resolvers; /* all of them: a question is to be under way in one alone */

int io_resolver_new(struct io_loop *loop, const struct io_resolver_config *config, struct io_resolver **out,
                    char problem[IO_PROBLEM_SIZE])
{
	struct io_resolver *resolver = calloc(1, sizeof(*resolver));

	(void)config;
	problem[0] = 0;
	if (!resolver)
		return -ENOMEM;
	*resolver = (struct io_resolver){ .loop = loop, .next = resolvers };
	resolvers = *out = resolver;
	return 0;
}

void io_resolver_free(struct io_resolver *resolver)
{
	struct io_resolver **at = &resolvers;

	while (*at != resolver)
		at = &(*at)->next;
	*at = resolver->next;
	while (resolver->questions) {
		struct question *next = resolver->questions->next;

		io_timers_stop(&resolver->loop->timers, &resolver->questions->timer);
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

/* A loop that has stopped lets others ask. */
static bool is_under_way(struct slice name, unsigned type)
{
	for (const struct io_resolver *resolver = resolvers; resolver; resolver = resolver->next)
		for (const struct question *other = resolver->questions; other && !resolver->loop->stopped; other = other->next)
			if (other->type == type && slice_equal_nocase(slice_of(other->name, other->name_len), name))
				return true;
	return false;
}

int io_resolver_ask(struct io_resolver *resolver, struct slice name, unsigned type,
                    void (*done)(void *arg, const struct io_dns_reply *reply), void *arg)
{
	struct question *question = calloc(1, sizeof(*question));

	ASSERT(question && name.len > 0 && name.len < 254);
	sim.questions_doubled += is_under_way(name, type);
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
		io_timers_start(&resolver->loop->timers, &question->timer, sim.now_ns + question->answer.after_ns);
	return 0;
}
