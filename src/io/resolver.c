#include "io/resolver.h"

#include "base/ip.h"
#include "io/ub_events.h"

#include <ldns/ldns.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unbound.h>
#include <unbound-event.h>

#define EDNS_OCTETS "1232"         /* no fragments on the way (DNS flag day 2020) */
#define OUTGOING_PORTS 4096        /* sockets for UDP queries at once */
#define TTL_S_MAX "86400"
#define TTL_NEGATIVE_S_MAX "3600"
/*
 * What is remembered of a server's slowness, seconds. A forwarder that dead zones keep silent must not be taken for dead
 * itself; before it could be (after time-outs of 12 s), it is forgotten. (infra-cache-max-rtt below 12 s is no way:
 * until libunbound 1.23 such servers count as unusable and are not probed.)
 */
#define FORWARDER_MEMORY_S "2"
#define SERVER_MEMORY_S "120"
/* Of UDP queries to forwarders on loopback. The least that holds dns.max-queries' answers (4,096) in the sockets' buffers. */
#define LOOPBACK_PORTS 16
#define LOOPBACK_PORT_FIRST 16384
#define LOOPBACK_PORT_LAST 60999
#define READY_NAME "ready.assay.invalid."
#define ESCAPED_NAME_SIZE (253 * 4 + 2)

struct io_resolver {
	struct ub_ctx *context;
	struct ub_event_base *base;
	struct ask *asks; /* under way */
};

struct ask {
	struct io_resolver *resolver; /* NULL: the resolver is gone */
	struct ask *next, *prev;
	void (*done)(void *arg, const struct io_dns_reply *reply);
	void *arg;
};

/* --- configuration --- */

static int refuse(char problem[IO_PROBLEM_SIZE], const char *what, const char *value, int result)
{
	snprintf(problem, IO_PROBLEM_SIZE, "resolver: %s %s: %s", what, value, ub_strerror(result));
	return -EINVAL;
}

static int option_set(struct ub_ctx *context, const char *name, const char *value, char problem[IO_PROBLEM_SIZE])
{
	int result = ub_ctx_set_option(context, name, value);

	return result ? refuse(problem, name, value, result) : 0;
}

static int option_set_number(struct ub_ctx *context, const char *name, size_t number, char problem[IO_PROBLEM_SIZE])
{
	char value[32];

	snprintf(value, sizeof(value), "%zu", number);
	return option_set(context, name, value, problem);
}

/* What differs from libunbound's defaults, each for a reason given in docs/architecture.md. */
static int options_set(struct ub_ctx *context, const struct io_resolver_config *config, char problem[IO_PROBLEM_SIZE])
{
	const struct {
		const char *name, *value;
	} options[] = {
		{ "do-not-query-localhost:", "no" },
		{ "module-config:", config->dnssec ? "validator iterator" : "iterator" },
		{ "qname-minimisation:", config->qname_minimisation ? "yes" : "no" },
		{ "edns-buffer-size:", EDNS_OCTETS },
		{ "cache-max-ttl:", TTL_S_MAX },
		{ "cache-max-negative-ttl:", TTL_NEGATIVE_S_MAX },
		{ "rrset-roundrobin:", "no" },
		{ "minimal-responses:", "yes" },
		{ "infra-keep-probing:", "yes" },
		{ "infra-host-ttl:", config->forwards_count ? FORWARDER_MEMORY_S : SERVER_MEMORY_S },
		{ "use-syslog:", "no" },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		TRY(option_set(context, options[i].name, options[i].value, problem));
	TRY(option_set_number(context, "rrset-cache-size:", config->cache_octets / 2, problem));
	TRY(option_set_number(context, "msg-cache-size:", config->cache_octets / 4, problem));
	TRY(option_set_number(context, "key-cache-size:", config->cache_octets / 8, problem));
	TRY(option_set_number(context, "neg-cache-size:", config->cache_octets / 8, problem));
	TRY(option_set_number(context, "outgoing-range:", OUTGOING_PORTS, problem));
	if (config->root_hints && *config->root_hints)
		TRY(option_set(context, "root-hints:", config->root_hints, problem));
	return 0;
}

static bool is_loopback(const char *forward)
{
	struct slice address = slice_sub(slice_of_str(forward), 0, strcspn(forward, "@"));
	struct ip_address ip;

	if (!ip_parse(address, &ip))
		return false;
	if (ip.is_v6)
		return memcmp(ip.octets, (uint8_t[16]){ [15] = 1 }, 16) == 0;
	return ip.octets[0] == 127;
}

/*
 * A socket of its own for each query, on a random port and connected, keeps out who forges answers from afar. Nobody afar sends
 * from a loopback address, and on this machine nobody but who owns the forwarder's port: so there a few sockets do for all
 * queries, which saves seven system calls of nine. Ports are drawn, since other shards and programs have some too.
 */
static int loopback_set(struct ub_ctx *context, const struct io_resolver_config *config, char problem[IO_PROBLEM_SIZE])
{
	unsigned first = 0;
	char range[32];

	for (size_t i = 0; i < config->forwards_count; i++)
		if (!is_loopback(config->forwards[i]))
			return 0;
	if (config->forwards_count == 0 || getrandom(&first, sizeof(first), 0) != sizeof(first))
		return 0;
	first = LOOPBACK_PORT_FIRST + first % (LOOPBACK_PORT_LAST - LOOPBACK_PORTS - LOOPBACK_PORT_FIRST);
	snprintf(range, sizeof(range), "%u-%u", first, first + LOOPBACK_PORTS - 1);
	TRY(option_set(context, "udp-connect:", "no", problem));
	TRY(option_set(context, "outgoing-port-avoid:", "0-65535", problem));
	return option_set(context, "outgoing-port-permit:", range, problem);
}

static int file_check(const char *what, const char *path, char problem[IO_PROBLEM_SIZE])
{
	FILE *file = fopen(path, "re");

	if (!file) {
		int error = errno;

		snprintf(problem, IO_PROBLEM_SIZE, "%s %s: %s", what, path, strerror(error));
		return -error;
	}
	fclose(file);
	return 0;
}

static int anchors_set(struct ub_ctx *context, const struct io_resolver_config *config, char problem[IO_PROBLEM_SIZE])
{
	int result;

	if (!config->dnssec || !config->trust_anchor_file || !*config->trust_anchor_file)
		return 0;
	TRY(file_check("trust-anchor-file", config->trust_anchor_file, problem));
	result = ub_ctx_add_ta_file(context, config->trust_anchor_file);
	return result ? refuse(problem, "trust-anchor-file", config->trust_anchor_file, result) : 0;
}

static int forwards_set(struct ub_ctx *context, const struct io_resolver_config *config, char problem[IO_PROBLEM_SIZE])
{
	for (size_t i = 0; i < config->forwards_count; i++) {
		int result = ub_ctx_set_fwd(context, config->forwards[i]);

		if (result)
			return refuse(problem, "forward", config->forwards[i], result);
	}
	return 0;
}

/* --- the zone file --- */

struct zone_reader {
	struct ub_ctx *context; /* NULL: only read */
	const char *path;
	char *problem;
	int line; /* where the record being read begins */
};

static int zone_refuse(const struct zone_reader *reader, const char *why)
{
	snprintf(reader->problem, IO_PROBLEM_SIZE, "%s:%d: %s", reader->path, reader->line, why);
	return -EINVAL;
}

static int zone_record_add(struct zone_reader *reader, const ldns_rr *record)
{
	char *text, *owner;
	int result = 0;

	if (!reader->context)
		return 0;
	if (ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA && (owner = ldns_rdf2str(ldns_rr_owner(record)))) {
		result = ub_ctx_zone_add(reader->context, owner, "static");
		free(owner);
		if (result)
			return zone_refuse(reader, ub_strerror(result));
	}
	text = ldns_rr2str(record);
	if (!text)
		return zone_refuse(reader, "out of memory");
	result = ub_ctx_data_add(reader->context, text);
	free(text);
	return result ? zone_refuse(reader, ub_strerror(result)) : 0;
}

/* Moves over lines without a record, which ldns would skip without telling where the record begins. */
static void empty_lines_skip(FILE *file, int *line)
{
	char *text = NULL;
	size_t size = 0;
	long at = ftell(file);

	while (at >= 0 && getline(&text, &size, file) > 0) {
		char first = text[strspn(text, " \t\r\n")];

		if (first && first != ';') {
			(void)fseek(file, at, SEEK_SET);
			break;
		}
		++*line;
		at = ftell(file);
	}
	free(text);
}

/*
 * Zones first: a record of a name above which an SOA stands further down the file would otherwise make a zone of its
 * own. Two readings are simpler than keeping the records.
 */
static int zone_file_read(struct zone_reader *reader, bool (*wanted)(const ldns_rr *record))
{
	FILE *file = fopen(reader->path, "re");
	ldns_rdf *origin = NULL, *previous = NULL;
	uint32_t ttl = 3600;
	int line = 1, result = 0;

	if (!file) {
		int error = errno;

		snprintf(reader->problem, IO_PROBLEM_SIZE, "zone-file %s: %s", reader->path, strerror(error));
		return -error;
	}
	for (;;) {
		ldns_rr *record = NULL;
		ldns_status status;

		empty_lines_skip(file, &line);
		if (result || feof(file) || ferror(file))
			break;
		reader->line = line;
		status = ldns_rr_new_frm_fp_l(&record, file, &ttl, &origin, &previous, &line);
		/* ldns takes a word that is no type for type 0 (reserved, RFC 6895 section 3.1). */
		if (status == LDNS_STATUS_OK && record && ldns_rr_get_type(record) == 0)
			result = zone_refuse(reader, "not a record");
		else if (status == LDNS_STATUS_OK && record && wanted(record))
			result = zone_record_add(reader, record);
		else if (status != LDNS_STATUS_OK && status != LDNS_STATUS_SYNTAX_EMPTY &&
		         status != LDNS_STATUS_SYNTAX_TTL && status != LDNS_STATUS_SYNTAX_ORIGIN)
			result = zone_refuse(reader, ldns_get_errorstr_by_id(status));
		ldns_rr_free(record);
	}
	if (ferror(file))
		result = zone_refuse(reader, "cannot be read");
	ldns_rdf_deep_free(origin);
	ldns_rdf_deep_free(previous);
	fclose(file);
	return result;
}

static bool is_soa(const ldns_rr *record)
{
	return ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA;
}

static bool is_not_soa(const ldns_rr *record)
{
	return !is_soa(record);
}

int io_resolver_check_zone_file(const char *path, char problem[IO_PROBLEM_SIZE])
{
	struct zone_reader reader = { .path = path, .problem = problem };

	return path && *path ? zone_file_read(&reader, is_not_soa) : 0;
}

static int zone_file_load(struct ub_ctx *context, const char *path, char problem[IO_PROBLEM_SIZE])
{
	struct zone_reader reader = { .context = context, .path = path, .problem = problem };

	if (!path || !*path)
		return 0;
	TRY(zone_file_read(&reader, is_soa));
	return zone_file_read(&reader, is_not_soa);
}

/*
 * The zones that libunbound answers for by itself (its "local-zone" defaults). With forwarders they go: a farm's own
 * resolver may well know private reverse zones, and tests use .test and .example.
 */
static int local_zones_remove(struct ub_ctx *context, char problem[IO_PROBLEM_SIZE])
{
	static const char *const fixed[] = {
		"localhost.", "127.in-addr.arpa.", "home.arpa.", "onion.", "test.", "invalid.", "example.", "example.com.",
		"example.net.", "example.org.", "10.in-addr.arpa.", "168.192.in-addr.arpa.", "0.in-addr.arpa.",
		"254.169.in-addr.arpa.", "2.0.192.in-addr.arpa.", "100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.",
		"255.255.255.255.in-addr.arpa.", "d.f.ip6.arpa.", "8.e.f.ip6.arpa.", "9.e.f.ip6.arpa.", "a.e.f.ip6.arpa.",
		"b.e.f.ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.",
		"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
	};
	char name[64];
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof(fixed) / sizeof(*fixed); i++)
		result = ub_ctx_zone_remove(context, fixed[i]);
	for (unsigned i = 16; result == 0 && i < 32; i++) {
		snprintf(name, sizeof(name), "%u.172.in-addr.arpa.", i);
		result = ub_ctx_zone_remove(context, name);
	}
	for (unsigned i = 64; result == 0 && i < 128; i++) {
		snprintf(name, sizeof(name), "%u.100.in-addr.arpa.", i);
		result = ub_ctx_zone_remove(context, name);
	}
	return result ? refuse(problem, "local zones", "", result) : 0;
}

static void ready_answer(void *arg, int rcode, void *packet, int packet_len, int security, char *why_bogus,
                         int was_ratelimited)
{
	(void)arg;
	(void)rcode;
	(void)packet;
	(void)packet_len;
	(void)security;
	(void)why_bogus;
	(void)was_ratelimited;
}

/*
 * libunbound reads its files when the first question comes, and answers none if it cannot. So a first one is asked
 * here, for a name that stays inside.
 */
static int ready_check(struct ub_ctx *context, char problem[IO_PROBLEM_SIZE])
{
	int result = ub_ctx_zone_add(context, READY_NAME, "static");

	if (result == 0)
		result = ub_resolve_event(context, READY_NAME, 1, 1, NULL, ready_answer, NULL);
	return result ? refuse(problem, "trust-anchor-file or root-hints:", "not usable", result) : 0;
}

static int context_configure(struct ub_ctx *context, const struct io_resolver_config *config,
                             char problem[IO_PROBLEM_SIZE])
{
	TRY(options_set(context, config, problem));
	TRY(loopback_set(context, config, problem));
	if (config->root_hints && *config->root_hints)
		TRY(file_check("root-hints", config->root_hints, problem));
	TRY(anchors_set(context, config, problem));
	TRY(forwards_set(context, config, problem));
	if (config->forwards_count)
		TRY(local_zones_remove(context, problem));
	TRY(zone_file_load(context, config->zone_file, problem));
	return ready_check(context, problem);
}

/* libunbound makes and drops locks that all contexts of a process share, without one of its own (seen in 1.17). */
static pthread_mutex_t contexts = PTHREAD_MUTEX_INITIALIZER;

static struct ub_ctx *context_new(struct ub_event_base *base)
{
	struct ub_ctx *context;

	pthread_mutex_lock(&contexts);
	context = ub_ctx_create_ub_event(base);
	pthread_mutex_unlock(&contexts);
	return context;
}

static void context_free(struct ub_ctx *context)
{
	pthread_mutex_lock(&contexts);
	ub_ctx_delete(context);
	pthread_mutex_unlock(&contexts);
}

int io_resolver_new(struct io_loop *loop, const struct io_resolver_config *config, struct io_resolver **out,
                    char problem[IO_PROBLEM_SIZE])
{
	struct io_resolver *resolver = calloc(1, sizeof(*resolver));
	int result = -ENOMEM;

	snprintf(problem, IO_PROBLEM_SIZE, "resolver: out of memory");
	if (!resolver)
		return -ENOMEM;
	resolver->base = io_ub_event_base_new(loop);
	if (resolver->base)
		resolver->context = context_new(resolver->base);
	if (resolver->context)
		result = context_configure(resolver->context, config, problem);
	if (result < 0) {
		io_resolver_free(resolver);
		return result;
	}
	*out = resolver;
	return 0;
}

void io_resolver_free(struct io_resolver *resolver)
{
	if (!resolver)
		return;
	/* libunbound calls back what is under way while it is taken down: by then nobody listens. */
	for (struct ask *ask = resolver->asks; ask; ask = ask->next)
		ask->resolver = NULL;
	if (resolver->context)
		context_free(resolver->context);
	while (resolver->asks) {
		struct ask *next = resolver->asks->next;

		free(resolver->asks);
		resolver->asks = next;
	}
	free(resolver->base);
	free(resolver);
}

/* --- questions --- */

static void ask_free(struct ask *ask)
{
	if (ask->prev)
		ask->prev->next = ask->next;
	else
		ask->resolver->asks = ask->next;
	if (ask->next)
		ask->next->prev = ask->prev;
	free(ask);
}

#define HEADER_OCTETS 12 /* RFC 1035 section 4.1.1 */
#define RCODE_SERVFAIL 2

/* libunbound's own result is 0 whenever there is a packet: what the servers said, NXDOMAIN for one, stands in there. */
static struct io_dns_reply reply_make(int rcode, const uint8_t *packet, int packet_len)
{
	if (rcode == 0 && (!packet || packet_len < HEADER_OCTETS))
		rcode = RCODE_SERVFAIL;
	else if (rcode == 0)
		rcode = packet[3] & 15;
	return (struct io_dns_reply){
		.rcode = rcode,
		.packet = packet && packet_len >= HEADER_OCTETS ? slice_of(packet, (size_t)packet_len) : SLICE_EMPTY,
	};
}

static void ask_answer(void *arg, int rcode, void *packet, int packet_len, int security, char *why_bogus,
                       int was_ratelimited)
{
	struct ask *ask = arg;
	struct io_dns_reply reply = reply_make(rcode, packet, packet_len);
	void (*done)(void *, const struct io_dns_reply *) = ask->done;
	void *done_arg = ask->arg;

	(void)why_bogus;
	(void)was_ratelimited;
	reply.security = security == 2 ? IO_DNS_SECURE : security == 1 ? IO_DNS_BOGUS : IO_DNS_INSECURE;
	if (!ask->resolver)
		return;
	ask_free(ask);
	done(done_arg, &reply);
}

/* Octets that mean something in a name's text form stand as \DDD. */
static bool name_escape(struct slice name, char escaped[ESCAPED_NAME_SIZE])
{
	char *at = escaped;

	if (name.len == 0 || name.len > 253)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];

		if (octet_is_alnum(c) || c == '.' || c == '-' || c == '_')
			*at++ = (char)c;
		else
			at += snprintf(at, 5, "\\%03u", c);
	}
	*at++ = '.';
	*at = 0;
	return true;
}

int io_resolver_ask(struct io_resolver *resolver, struct slice name, unsigned type,
                    void (*done)(void *arg, const struct io_dns_reply *reply), void *arg)
{
	char escaped[ESCAPED_NAME_SIZE];
	struct ask *ask;
	int result;

	if (!name_escape(name, escaped))
		return -EINVAL;
	ask = malloc(sizeof(*ask));
	if (!ask)
		return -ENOMEM;
	*ask = (struct ask){ .resolver = resolver, .next = resolver->asks, .done = done, .arg = arg };
	if (ask->next)
		ask->next->prev = ask;
	resolver->asks = ask;
	result = ub_resolve_event(resolver->context, escaped, (int)type, 1, ask, ask_answer, NULL);
	if (result == 0)
		return 0;
	ask_free(ask);
	/* Anything but a name that cannot be is a fault of ours, and says nothing about the name. */
	return result == UB_SYNTAX ? -EINVAL : result == UB_NOMEM ? -ENOMEM : -EIO;
}
