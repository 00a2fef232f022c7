/*
 * Goal:   names reach the forwarder, the zone file or the cache as the header says, answers come back whole, and nothing
 *         is called after the resolver is gone.
 * Method: a name server of a few lines, over UDP and TCP on loopback, in the same thread; zone files in a folder of the
 *         test's own. Skipped where io_uring is not to be had.
 */
#include "io/resolver.h"
#include "looping.h"
#include "proto/dns/packet.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[] = "/tmp/assay-resolver-XXXXXX", zone_path[64];
static char problem[IO_PROBLEM_SIZE];
static struct arena arena;

/* --- a name server --- */

enum { SERVER_UDP, SERVER_TCP, SOCKETS };
enum { ASKED_MAX = 1024, TXT_RECORDS = 50, TXT_STRINGS = 5 };

static struct {
	int sockets[SOCKETS];
	int conn; /* of TCP; -1: none */
	unsigned port;
	uint8_t asked[ASKED_MAX][256]; /* names in wire form, without the root */
	size_t asked_len[ASKED_MAX];
	size_t asked_count, tcp_count;
	bool ports[65536];             /* that asked over UDP */
	size_t ports_count;
	bool is_silent;
	uint8_t rcode;
	bool is_large; /* TXT records that fit no datagram */
} name_server;

static size_t put(uint8_t *at, uint32_t number, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		at[i] = (uint8_t)(number >> 8 * (octets - 1 - i));
	return octets;
}

static size_t put_answer(uint8_t *at, unsigned type, const void *rdata, size_t len)
{
	size_t n = put(at, 0xc00c, 2);

	n += put(at + n, type, 2);
	n += put(at + n, 1, 2);
	n += put(at + n, 300, 4);
	n += put(at + n, (uint32_t)len, 2);
	memcpy(at + n, rdata, len);
	return n + len;
}

static size_t put_large_answers(uint8_t *at)
{
	uint8_t rdata[TXT_STRINGS * 256];
	size_t n = 0;

	for (unsigned i = 0; i < TXT_RECORDS; i++) {
		for (size_t o = 0; o < sizeof(rdata); o++)
			rdata[o] = o % 256 ? (uint8_t)('!' + i) : 255;
		n += put_answer(at + n, DNS_TXT, rdata, sizeof(rdata));
	}
	return n;
}

/* The question comes back with one A record, one TXT record, or what the switches say. */
static size_t answer_make(const uint8_t *query, size_t len, bool is_tcp, uint8_t *reply)
{
	size_t end = 12, n;
	unsigned type;

	while (end < len && query[end])
		end += 1u + query[end];
	end += 5;
	assert_true(end <= len && name_server.asked_count < ASKED_MAX);
	type = (unsigned)query[end - 4] << 8 | query[end - 3];
	memcpy(name_server.asked[name_server.asked_count], query + 12, end - 17);
	name_server.asked_len[name_server.asked_count++] = end - 17;
	memcpy(reply, query, end);
	n = end;
	reply[2] = (uint8_t)(0x80 | (query[2] & 1));
	reply[3] = 0x80 | name_server.rcode;
	memset(reply + 6, 0, 6);
	if (name_server.rcode)
		return n;
	if (name_server.is_large && !is_tcp) {
		reply[2] |= 2; /* TC */
	} else if (name_server.is_large) {
		reply[7] = TXT_RECORDS;
		n += put_large_answers(reply + n);
	} else if (type == DNS_A) {
		reply[7] = 1;
		n += put_answer(reply + n, type, "\300\0\2\1", 4);
	} else if (type == DNS_TXT) {
		reply[7] = 1;
		n += put_answer(reply + n, type, "\4text", 5);
	}
	return n;
}

static void serve_udp(void)
{
	static uint8_t query[4096], reply[65536];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(name_server.sockets[SERVER_UDP], query, sizeof(query), MSG_DONTWAIT,
	                       (struct sockaddr *)&from, &from_len);

	if (len < 17)
		return;
	name_server.ports_count += !name_server.ports[from.sin_port];
	name_server.ports[from.sin_port] = true;
	if (name_server.is_silent) {
		name_server.asked_count++;
		return;
	}
	(void)sendto(name_server.sockets[SERVER_UDP], reply, answer_make(query, (size_t)len, false, reply), 0,
	             (struct sockaddr *)&from, from_len);
}

static void serve_tcp(void)
{
	static uint8_t query[4096], reply[2 + 131072];
	size_t reply_len;
	ssize_t len;

	if (name_server.conn < 0)
		name_server.conn = accept4(name_server.sockets[SERVER_TCP], NULL, NULL, SOCK_CLOEXEC);
	if (name_server.conn < 0)
		return;
	len = recv(name_server.conn, query, sizeof(query), MSG_DONTWAIT);
	if (len == 0) {
		close(name_server.conn);
		name_server.conn = -1;
	}
	if (len < 19)
		return;
	name_server.tcp_count++;
	reply_len = answer_make(query + 2, (size_t)len - 2, true, reply + 2);
	put(reply, (uint32_t)reply_len, 2);
	assert_int_equal(send(name_server.conn, reply, reply_len + 2, MSG_NOSIGNAL), reply_len + 2);
}

static void serve(void)
{
	serve_udp();
	serve_tcp();
}

static bool name_server_bind(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	name_server.sockets[SERVER_UDP] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	name_server.sockets[SERVER_TCP] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(name_server.sockets[SERVER_UDP], (struct sockaddr *)&address, len) == 0 &&
	    getsockname(name_server.sockets[SERVER_UDP], (struct sockaddr *)&address, &len) == 0 &&
	    bind(name_server.sockets[SERVER_TCP], (struct sockaddr *)&address, len) == 0 &&
	    listen(name_server.sockets[SERVER_TCP], 16) == 0) {
		name_server.port = ntohs(address.sin_port);
		return true;
	}
	for (unsigned i = 0; i < SOCKETS; i++)
		close(name_server.sockets[i]);
	return false;
}

/* --- the resolver under test --- */

static struct io_resolver *resolver;

static struct reply {
	unsigned calls;
	int rcode;
	enum io_dns_security security;
	enum dns_outcome outcome;
	size_t count;
	struct slice first; /* record, in the arena */
} replies[512];
static enum dns_type type_asked;

static void on_done(void *arg, const struct io_dns_reply *reply)
{
	struct reply *to = arg;
	struct dns_answer answer = { .outcome = DNS_SERVFAIL };

	to->calls++;
	to->rcode = reply->rcode;
	to->security = reply->security;
	if (reply->rcode == 0 || (reply->rcode == 3 && reply->packet.len))
		assert_int_equal(dns_packet_read(reply->packet, type_asked, &arena, &answer), 0);
	if (reply->rcode == 3 && reply->packet.len)
		assert_int_equal(answer.outcome, DNS_NXDOMAIN);
	to->outcome = answer.outcome;
	to->count = answer.count;
	to->first = answer.count ? answer.records[0].data : SLICE_EMPTY;
}

static struct io_resolver_config config_make(bool forwards)
{
	static char forward[32];
	static const char *const list[] = { forward };

	snprintf(forward, sizeof(forward), "127.0.0.1@%u", name_server.port);
	return (struct io_resolver_config){
		.forwards = list, .forwards_count = forwards, .cache_octets = 4 << 20
	};
}

static void resolver_begin(const struct io_resolver_config *config)
{
	if (io_resolver_new(looping.loop, config, &resolver, problem) != 0)
		fail_msg("%s", problem);
}

static int setup(void **state)
{
	(void)state;
	name_server.conn = -1;
	name_server.asked_count = name_server.tcp_count = name_server.ports_count = 0;
	memset(name_server.ports, 0, sizeof(name_server.ports));
	name_server.is_silent = name_server.is_large = false;
	name_server.rcode = 0;
	for (unsigned attempt = 0; !name_server_bind(); attempt++)
		if (attempt == 20)
			return -1;
	memset(replies, 0, sizeof(replies));
	arena_reset(&arena);
	resolver = NULL;
	looping_begin(serve);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	io_resolver_free(resolver);
	looping_end();
	for (unsigned i = 0; i < SOCKETS; i++)
		close(name_server.sockets[i]);
	if (name_server.conn >= 0)
		close(name_server.conn);
	(void)unlink(zone_path);
	return 0;
}

static unsigned want_answered;

static bool all_answered(void)
{
	for (unsigned i = 0; i < want_answered; i++)
		if (replies[i].calls == 0)
			return false;
	return true;
}

static void wait_answered(unsigned count)
{
	want_answered = count;
	looping_until(all_answered);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(replies[i].calls, 1);
}

static void ask(unsigned i, const char *name, enum dns_type type)
{
	type_asked = type;
	assert_int_equal(io_resolver_ask(resolver, slice_of_str(name), type, on_done, &replies[i]), 0);
}

static void check(const char *name, enum dns_type type, int rcode, enum dns_outcome outcome)
{
	memset(&replies[0], 0, sizeof(replies[0]));
	ask(0, name, type);
	wait_answered(1);
	if (replies[0].rcode != rcode || (rcode == 0 && replies[0].outcome != outcome))
		fail_msg("%s: rcode %d, outcome %d", name, replies[0].rcode, (int)replies[0].outcome);
}

static void check_text(const char *name, enum dns_type type, struct slice first)
{
	check(name, type, 0, DNS_FOUND);
	assert_slice_equal(replies[0].first, first);
}

static void zone_write(const char *text)
{
	FILE *file = fopen(zone_path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* --- what is refused --- */

static void test_configuration_refused(void **state)
{
	static const char *const bad_forward[] = { "not an address" };
	struct io_resolver_config config;
	struct io_resolver *none = NULL;

	(void)state;
	config = config_make(true);
	config.forwards = bad_forward;
	assert_true(io_resolver_new(looping.loop, &config, &none, problem) < 0);
	assert_non_null(strstr(problem, bad_forward[0]));
	config = config_make(true);
	config.dnssec = true;
	config.trust_anchor_file = "/nonexistent/anchors";
	assert_int_equal(io_resolver_new(looping.loop, &config, &none, problem), -ENOENT);
	assert_non_null(strstr(problem, "/nonexistent/anchors"));
	config = config_make(true);
	config.root_hints = "/nonexistent/hints";
	assert_int_equal(io_resolver_new(looping.loop, &config, &none, problem), -ENOENT);
	config = config_make(true);
	config.zone_file = "/nonexistent/zone";
	assert_int_equal(io_resolver_new(looping.loop, &config, &none, problem), -ENOENT);
	assert_non_null(strstr(problem, "/nonexistent/zone"));
	assert_int_equal(io_resolver_check_zone_file("/nonexistent/zone", problem), -ENOENT);
	assert_null(none);
}

static void test_names_refused(void **state)
{
	struct io_resolver_config config = config_make(true);
	char long_name[300];

	(void)state;
	resolver_begin(&config);
	memset(long_name, 'a', sizeof(long_name));
	for (size_t i = 63; i < sizeof(long_name); i += 64)
		long_name[i] = '.';
	{
		const struct {
			const char *what;
			struct slice name;
		} vectors[] = {
			{ "empty", SLICE_EMPTY },
			{ "dot", SLICE(".") },
			{ "final_dot", SLICE("example.com.") },
			{ "first_dot", SLICE(".example.com") },
			{ "empty_label", SLICE("a..example.com") },
			{ "label_of_64", SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example") },
			{ "name_of_254", slice_of(long_name, 254) },
		};

		for (size_t i = 0; i < COUNT_OF(vectors); i++)
			if (io_resolver_ask(resolver, vectors[i].name, DNS_A, on_done, &replies[0]) != -EINVAL)
				fail_msg("%s: asked", vectors[i].what);
	}
	assert_int_equal(replies[0].calls, 0);
	assert_int_equal(name_server.asked_count, 0);
	assert_int_equal(io_resolver_ask(resolver, slice_of(long_name, 253), DNS_A, on_done, &replies[0]), 0);
	wait_answered(1);
	assert_int_equal(replies[0].rcode, 0);
}

/* --- the forwarder --- */

static void test_forwarded_once_then_from_the_cache(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	resolver_begin(&config);
	check_text("www.example.com", DNS_A, SLICE("\300\0\2\1"));
	assert_int_equal(replies[0].security, IO_DNS_INSECURE);
	assert_int_equal(name_server.asked_count, 1);
	ask(1, "WWW.example.COM", DNS_A);
	assert_int_equal(replies[1].calls, 1); /* before io_resolver_ask() returned */
	assert_slice_equal(replies[1].first, SLICE("\300\0\2\1"));
	check_text("www.example.com", DNS_TXT, SLICE("text"));
	assert_int_equal(name_server.asked_count, 2);
	check("www.example.com", DNS_MX, 0, DNS_NODATA);
}

static void test_same_question_at_once_is_one_query(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	resolver_begin(&config);
	for (unsigned i = 0; i < 20; i++)
		ask(i, "www.example.com", DNS_A);
	wait_answered(20);
	assert_int_equal(name_server.asked_count, 1);
}

static void test_many_questions_at_once(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	resolver_begin(&config);
	for (unsigned i = 0; i < 200; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%u.example.com", i);
		ask(i, name, DNS_A);
	}
	wait_answered(200);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(replies[i].outcome, DNS_FOUND);
	assert_int_equal(name_server.asked_count, 200);
}

static bool many_asked(void)
{
	return name_server.asked_count >= 200;
}

/* Answers forged from afar: a forwarder that is not on loopback is asked from a port of its own for each question. */
static void test_ports(void **state)
{
	static const struct {
		const char *address;
		size_t ports_least, ports_most;
	} vectors[] = {
		{ "127.0.0.1", 2, 16 },
		{ "0.0.0.0", 190, 1000 }, /* comes to 127.0.0.1, but is no loopback address; the answers are not taken */
	};
	char forward[32];
	const char *const list[] = { forward };
	struct io_resolver_config config = config_make(true);

	(void)state;
	config.forwards = list;
	for (size_t v = 0; v < COUNT_OF(vectors); v++) {
		snprintf(forward, sizeof(forward), "%s@%u", vectors[v].address, name_server.port);
		name_server.asked_count = name_server.ports_count = 0;
		memset(name_server.ports, 0, sizeof(name_server.ports));
		resolver_begin(&config);
		for (unsigned i = 0; i < 200; i++) {
			char name[64];

			snprintf(name, sizeof(name), "n%u.ports.example.com", i);
			ask(i, name, DNS_A);
		}
		looping_until(many_asked);
		assert_in_range(name_server.ports_count, vectors[v].ports_least, vectors[v].ports_most);
		io_resolver_free(resolver);
		resolver = NULL;
	}
}

static void test_rcodes(void **state)
{
	static const struct {
		uint8_t from_server;
		int rcode;
	} vectors[] = { { 3, 3 }, { 2, 2 }, { 5, 2 } };
	struct io_resolver_config config = config_make(true);

	(void)state;
	resolver_begin(&config);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		char name[64];

		name_server.rcode = vectors[i].from_server;
		snprintf(name, sizeof(name), "rcode-%u.example.com", vectors[i].from_server);
		check(name, DNS_A, vectors[i].rcode, DNS_SERVFAIL);
	}
}

/* LESSONS row 3: what does not fit a datagram comes over TCP, whole. */
static void test_large_answer_over_tcp(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	name_server.is_large = true;
	resolver_begin(&config);
	check("large.example.com", DNS_TXT, 0, DNS_FOUND);
	assert_int_equal(name_server.tcp_count, 1);
	assert_int_equal(replies[0].count, TXT_RECORDS);
	assert_int_equal(replies[0].first.len, TXT_STRINGS * 255);
}

/* A label may hold any octet but a dot: SPF macros and local parts make such names. */
static void test_odd_octets_reach_the_forwarder(void **state)
{
	static const struct {
		const char *what;
		struct slice name, wire;
	} vectors[] = {
		{ "space", SLICE_INIT("a b.example"), SLICE_INIT("\3a b\7example") },
		{ "backslash", SLICE_INIT("a\\b.example"), SLICE_INIT("\3a\\b\7example") },
		{ "nul", SLICE_INIT("a\0b.example"), SLICE_INIT("\3a\0b\7example") },
		{ "quotes", SLICE_INIT("\"a\".example"), SLICE_INIT("\3\"a\"\7example") },
		{ "semicolon", SLICE_INIT("a;b.example"), SLICE_INIT("\3a;b\7example") },
		{ "at_and_dollar", SLICE_INIT("@$.example"), SLICE_INIT("\2@$\7example") },
		{ "parentheses", SLICE_INIT("(a).example"), SLICE_INIT("\3(a)\7example") },
		{ "high", SLICE_INIT("\200\377.example"), SLICE_INIT("\2\200\377\7example") },
		{ "digits_behind_backslash", SLICE_INIT("\\065.example"), SLICE_INIT("\4\\065\7example") },
		{ "newline", SLICE_INIT("a\r\nb.example"), SLICE_INIT("\4a\r\nb\7example") },
		{ "underscore", SLICE_INIT("_dmarc.example"), SLICE_INIT("\6_dmarc\7example") },
	};
	struct io_resolver_config config = config_make(true);

	(void)state;
	resolver_begin(&config);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		memset(&replies[0], 0, sizeof(replies[0]));
		name_server.asked_count = 0;
		type_asked = DNS_A;
		assert_int_equal(io_resolver_ask(resolver, vectors[i].name, DNS_A, on_done, &replies[0]), 0);
		wait_answered(1);
		if (name_server.asked_count != 1)
			fail_msg("%s: not asked", vectors[i].what);
		assert_slice_equal(slice_of(name_server.asked[0], name_server.asked_len[0]), vectors[i].wire);
		assert_int_equal(replies[0].outcome, DNS_FOUND);
	}
}

static const char *const special_names[] = {
	"test", "www.test", "example", "a.example", "example.com", "example.net", "example.org", "a.invalid", "a.onion",
	"a.home.arpa", "localhost", "a.localhost", "1.0.0.127.in-addr.arpa", "1.0.0.10.in-addr.arpa",
	"1.0.16.172.in-addr.arpa", "1.255.31.172.in-addr.arpa", "1.0.168.192.in-addr.arpa", "1.0.64.100.in-addr.arpa",
	"1.0.127.100.in-addr.arpa", "1.1.254.169.in-addr.arpa", "1.2.0.192.in-addr.arpa", "1.100.51.198.in-addr.arpa",
	"1.113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa", "0.0.0.0.in-addr.arpa", "1.d.f.ip6.arpa",
	"1.8.e.f.ip6.arpa", "1.9.e.f.ip6.arpa", "1.a.e.f.ip6.arpa", "1.b.e.f.ip6.arpa", "1.8.b.d.0.1.0.0.2.ip6.arpa",
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
};

static void test_special_names_reach_the_forwarder(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	resolver_begin(&config);
	for (size_t i = 0; i < COUNT_OF(special_names); i++) {
		check(special_names[i], DNS_A, 0, DNS_FOUND);
		if (name_server.asked_count != i + 1)
			fail_msg("%s: never reached the forwarder", special_names[i]);
	}
}

/* Without one they are answered here: such names are not for the roots. */
static void test_special_names_stay_here_without_forwarder(void **state)
{
	struct io_resolver_config config = config_make(false);

	(void)state;
	resolver_begin(&config);
	check("www.test", DNS_A, 3, DNS_NXDOMAIN);
	check("a.onion", DNS_A, 3, DNS_NXDOMAIN);
	check("2.0.0.10.in-addr.arpa", DNS_PTR, 3, DNS_NXDOMAIN);
	check_text("localhost", DNS_A, SLICE("\177\0\0\1"));
	assert_int_equal(name_server.asked_count, 0);
}

/* --- the end while asking --- */

static bool was_asked(void)
{
	return name_server.asked_count > 0;
}

static void test_freed_while_asking_calls_nobody(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	name_server.is_silent = true;
	resolver_begin(&config);
	for (unsigned i = 0; i < 10; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%u.example.com", i);
		ask(i, name, DNS_A);
	}
	looping_until(was_asked);
	io_resolver_free(resolver);
	resolver = NULL;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(replies[i].calls, 0);
}

static unsigned chain_left;

static void ask_next(void *arg, const struct io_dns_reply *reply)
{
	char name[64];

	on_done(arg, reply);
	if (chain_left == 0)
		return;
	snprintf(name, sizeof(name), "n%u.example.com", --chain_left);
	assert_int_equal(io_resolver_ask(resolver, slice_of_str(name), DNS_A, ask_next, &replies[chain_left]), 0);
}

static void test_asks_from_within_an_answer(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	resolver_begin(&config);
	chain_left = 50;
	type_asked = DNS_A;
	assert_int_equal(io_resolver_ask(resolver, SLICE("first.example.com"), DNS_A, ask_next, &replies[50]), 0);
	wait_answered(51);
	assert_int_equal(name_server.asked_count, 51);
}

/* --- the zone file --- */

static void test_zone_file_syntax_errors_name_the_line(void **state)
{
	static const struct {
		const char *name, *text;
		int line;
	} vectors[] = {
		{ "first_line", "nonsense\n", 1 },
		{ "first_line_without_end", "nonsense", 1 },
		{ "third_line", "a.test. 300 IN A 192.0.2.1\nb.test. 300 IN A 192.0.2.2\nc.test. 300 IN A 192.0.2.300\n", 3 },
		{ "behind_comment_and_empty_line", "; comment\n\na.test. 300 IN A bad\n", 3 },
		{ "behind_several_empty_lines", "\n\n\n\na.test. 300 IN A bad\n", 5 },
		{ "behind_an_empty_line_of_blanks", "a.test. 300 IN A 192.0.2.1\n  \t\n  ; comment\n  IN A bad\n", 4 },
		{ "within_parentheses", "a.test. 300 IN A 192.0.2.1\n\nb.test. 300 IN MX (\n 10 )\n", 3 },
		{ "before_good_lines", "a.test. 300 IN A bad\nb.test. 300 IN A 192.0.2.2\nc.test. 300 IN A 192.0.2.2\n", 1 },
		{ "unknown_type", "a.test. 300 IN A 192.0.2.1\nb.test. 300 IN NOTYPE x\n", 2 },
		{ "missing_rdata", "a.test. 300 IN A 192.0.2.1\nb.test. 300 IN MX 10\nc.test. 300 IN A 192.0.2.1\n", 2 },
		{ "label_too_long",
		  "a.test. 300 IN A 192.0.2.1\n"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test. 300 IN A 192.0.2.1\n", 2 },
		{ "behind_a_directive", "$ORIGIN test.\n$TTL 60\na IN A bad\n", 3 },
		{ "behind_parentheses", "a.test. 300 IN MX (\n 10\n mx.test. )\nb.test. 300 IN A bad\n", 4 },
		{ "last_line_without_end", "a.test. 300 IN A 192.0.2.1\nb.test. 300 IN A bad", 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		char want[128];

		zone_write(vectors[i].text);
		snprintf(want, sizeof(want), "%s:%d: ", zone_path, vectors[i].line);
		if (io_resolver_check_zone_file(zone_path, problem) >= 0)
			fail_msg("%s: accepted", vectors[i].name);
		if (strncmp(problem, want, strlen(want)) != 0)
			fail_msg("%s: %s", vectors[i].name, problem);
	}
}

static const char zone[] = "; local data\n"
			   "$TTL 600\n"
			   "$ORIGIN zone.test.\n"
			   "@ IN SOA ns.zone.test. admin.zone.test. 1 3600 600 86400 60\n"
			   "www IN A 192.0.2.10\n"
			   "    IN A 192.0.2.11\n"
			   "\n"
			   "txt IN TXT \"v=spf1 \" \"ip4:192.0.2.0/24 -all\" ; two strings\n"
			   "semi IN TXT \"v=DKIM1; k=rsa; p=abc\"\n"
			   "quote IN TXT \"say \\\"hello\\\"\"\n"
			   "@ IN MX ( 10\n"
			   "    mx1 )\n"
			   "alias IN CNAME www\n"
			   "$ORIGIN other.example.\n"
			   "lonely IN TXT \"no apex\"\n"
			   "deep.below.zone.test. IN TXT \"before or after its apex\"\n";

static void test_zone_file_answers(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	zone_write(zone);
	assert_int_equal(io_resolver_check_zone_file(zone_path, problem), 0);
	config.zone_file = zone_path;
	resolver_begin(&config);
	check("www.zone.test", DNS_A, 0, DNS_FOUND);
	assert_int_equal(replies[0].count, 2);
	check_text("txt.zone.test", DNS_TXT, SLICE("v=spf1 ip4:192.0.2.0/24 -all"));
	check_text("semi.zone.test", DNS_TXT, SLICE("v=DKIM1; k=rsa; p=abc"));
	check_text("quote.zone.test", DNS_TXT, SLICE("say \"hello\""));
	check_text("zone.test", DNS_MX, SLICE("mx1.zone.test"));
	check_text("ALIAS.zone.test", DNS_CNAME, SLICE("www.zone.test"));
	check_text("lonely.other.example", DNS_TXT, SLICE("no apex"));
	check_text("deep.below.zone.test", DNS_TXT, SLICE("before or after its apex"));
	assert_int_equal(name_server.asked_count, 0);
}

/* A name with an SOA record is the apex of a complete zone. */
static void test_zone_apex_makes_names_not_exist(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	zone_write(zone);
	config.zone_file = zone_path;
	resolver_begin(&config);
	check("none.zone.test", DNS_A, 3, DNS_NXDOMAIN);
	check("a.none.zone.test", DNS_TXT, 3, DNS_NXDOMAIN);
	check("www.zone.test", DNS_TXT, 0, DNS_NODATA);
	check("zone.test", DNS_TXT, 0, DNS_NODATA);
	assert_int_equal(name_server.asked_count, 0);
	/* Outside of any apex, what the file does not list is resolved as usual. */
	check_text("elsewhere.other.example", DNS_TXT, SLICE("text"));
	check_text("xzone.test", DNS_TXT, SLICE("text"));
	check_text("www.example.com", DNS_A, SLICE("\300\0\2\1"));
	assert_int_equal(name_server.asked_count, 3);
}

/* Zones come first, wherever their SOA stands: a name listed before it belongs to it all the same. */
static void test_zone_apex_at_the_end_of_the_file(void **state)
{
	struct io_resolver_config config = config_make(true);

	(void)state;
	zone_write("www.late.test. 300 IN A 192.0.2.1\n"
	           "late.test. 300 IN SOA ns.late.test. admin.late.test. 1 3600 600 86400 60\n");
	config.zone_file = zone_path;
	resolver_begin(&config);
	check_text("www.late.test", DNS_A, SLICE("\300\0\2\1"));
	check("none.late.test", DNS_A, 3, DNS_NXDOMAIN);
	check("none.www.late.test", DNS_A, 3, DNS_NXDOMAIN);
	assert_int_equal(name_server.asked_count, 0);
}

static void test_zone_file_without_records(void **state)
{
	static const char *const texts[] = { "", "\n", "; nothing\n", "$TTL 60\n$ORIGIN test.\n", "; nothing" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		zone_write(texts[i]);
		if (io_resolver_check_zone_file(zone_path, problem) != 0)
			fail_msg("\"%s\": %s", texts[i], problem);
	}
	assert_int_equal(io_resolver_check_zone_file("", problem), 0);
	assert_int_equal(io_resolver_check_zone_file(NULL, problem), 0);
}

#define RESOLVER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESOLVER_TEST(test_configuration_refused),
		RESOLVER_TEST(test_names_refused),
		RESOLVER_TEST(test_forwarded_once_then_from_the_cache),
		RESOLVER_TEST(test_same_question_at_once_is_one_query),
		RESOLVER_TEST(test_many_questions_at_once),
		RESOLVER_TEST(test_ports),
		RESOLVER_TEST(test_rcodes),
		RESOLVER_TEST(test_large_answer_over_tcp),
		RESOLVER_TEST(test_odd_octets_reach_the_forwarder),
		RESOLVER_TEST(test_special_names_reach_the_forwarder),
		RESOLVER_TEST(test_special_names_stay_here_without_forwarder),
		RESOLVER_TEST(test_freed_while_asking_calls_nobody),
		RESOLVER_TEST(test_asks_from_within_an_answer),
		RESOLVER_TEST(test_zone_file_syntax_errors_name_the_line),
		RESOLVER_TEST(test_zone_file_answers),
		RESOLVER_TEST(test_zone_apex_makes_names_not_exist),
		RESOLVER_TEST(test_zone_apex_at_the_end_of_the_file),
		RESOLVER_TEST(test_zone_file_without_records),
	};
	int failed;

	looping_probe_or_skip();
	if (!mkdtemp(folder))
		return 1;
	snprintf(zone_path, sizeof(zone_path), "%s/zone", folder);
	arena_init(&arena, 16 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	(void)rmdir(folder);
	return failed;
}
