#include "daemon/access.h"
#include "daemon/config_parts.h"
#include "daemon/sealers.h"
#include "io/listen.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libConfuse wants its default texts writable. */
static char listen_default[] = "{\"ipc:///run/assay/assayd.sock\"}", forward_default[] = "{}", own_default[] = "{}",
	    sealers_default[] = "{}";

static cfg_opt_t dns_options[] = {
	CFG_STR_LIST("forward", forward_default, CFGF_NONE),
	CFG_BOOL("dnssec", cfg_true, CFGF_NONE),
	CFG_STR("trust-anchor-file", "", CFGF_NONE),
	CFG_STR("root-hints", "", CFGF_NONE),
	CFG_INT("timeout", 5000, CFGF_NONE),           /* milliseconds, for all look-ups of one verdict */
	CFG_STR("zone-file", "", CFGF_NONE),
	CFG_INT("max-lookups", 60, CFGF_NONE),         /* of one verdict */
	CFG_INT("cache-size", 256 * MIB, CFGF_NONE),   /* octets, all shards */
	CFG_INT("max-queries", 4096, CFGF_NONE),       /* under way, each shard */
	CFG_INT("max-queries-per-domain", 2048, CFGF_NONE), /* of these */
	CFG_INT("min-ttl", 30, CFGF_NONE),             /* seconds, these seven */
	CFG_INT("max-ttl", 86400, CFGF_NONE),
	CFG_INT("max-negative-ttl", 3600, CFGF_NONE),
	CFG_INT("failure-ttl", 5, CFGF_NONE),
	CFG_INT("bogus-ttl", 30, CFGF_NONE),
	CFG_INT("serve-stale", 0, CFGF_NONE),
	CFG_INT("prefetch", 3, CFGF_NONE),
	CFG_INT("breaker-failures", 5, CFGF_NONE),
	CFG_INT("breaker-time", 1000, CFGF_NONE),      /* milliseconds */
	CFG_INT("breaker-zones", 4096, CFGF_NONE),     /* each shard */
	CFG_BOOL("qname-minimisation", cfg_false, CFGF_NONE),
	CFG_END(),
};
static cfg_opt_t spf_options[] = {
	CFG_INT("max-lookups", 10, CFGF_NONE),
	CFG_INT("max-void-lookups", 2, CFGF_NONE),
	CFG_BOOL("received-spf", cfg_false, CFGF_NONE),
	CFG_END(),
};
static cfg_opt_t dkim_options[] = {
	CFG_INT("max-signatures", 8, CFGF_NONE),
	CFG_INT("min-rsa-bits", 1024, CFGF_NONE),
	CFG_INT("max-rsa-bits", 4096, CFGF_NONE),
	CFG_BOOL("allow-rsa-sha1", cfg_false, CFGF_NONE),
	CFG_BOOL("refuse-public-suffixes", cfg_false, CFGF_NONE), /* as d=, by dmarc.public-suffix-list */
	CFG_INT("clock-drift", 300, CFGF_NONE),        /* seconds */
	CFG_INT("max-verify-time", 5000, CFGF_NONE),   /* microseconds, all signatures of a message */
	CFG_END(),
};
static cfg_opt_t arc_options[] = {
	CFG_BOOL("verify", cfg_true, CFGF_NONE),
	CFG_INT("max-sets", 10, CFGF_NONE),
	CFG_BOOL("oldest-pass", cfg_false, CFGF_NONE),
	CFG_STR_LIST("trusted-sealers", sealers_default, CFGF_NONE), /* d= of ARC-Seal; ".name": all below it */
	CFG_END(),
};
static cfg_opt_t dmarc_options[] = {
	CFG_BOOL("shadow-rfc7489", cfg_false, CFGF_NONE), /* shown and counted, never acted on */
	CFG_STR("public-suffix-list", "", CFGF_NONE),     /* for that; "": the system's */
	CFG_STR("no-author", "reject", CFGF_NONE),        /* none, quarantine or reject */
	CFG_END(),
};
static cfg_opt_t crypto_options[] = {
	CFG_STR("kernels", "auto", CFGF_NONE),            /* auto, openssl, scalar or ifma */
	CFG_END(),
};
static cfg_opt_t mta_sts_options[] = {
	CFG_STR("ca-file", "", CFGF_NONE),
	CFG_INT("https-port", 443, CFGF_NONE),
	CFG_BOOL("allow-private-addresses", cfg_false, CFGF_NONE),
	CFG_INT("timeout", 60000, CFGF_NONE),          /* milliseconds, of a document */
	CFG_INT("max-connections", 64, CFGF_NONE),
	CFG_INT("max-connections-per-address", 8, CFGF_NONE),
	CFG_INT("max-waiting", 4096, CFGF_NONE),       /* fetches */
	CFG_INT("cache-size", 64 * MIB, CFGF_NONE),    /* octets */
	CFG_INT("failure-ttl", 300, CFGF_NONE),        /* seconds, these two */
	CFG_INT("refresh", 86400, CFGF_NONE),
	CFG_END(),
};
static cfg_opt_t metrics_options[] = {
	CFG_STR("listen", "", CFGF_NONE),
	CFG_END(),
};
static cfg_opt_t limits_options[] = {
	CFG_INT("message-size", 64 * MIB, CFGF_NONE),  /* octets */
	CFG_INT("octets-held", 0, CFGF_NONE),          /* octets_held_of() */
	CFG_INT("connection-octets-held", 0, CFGF_NONE), /* connection_octets_held_of() */
	CFG_INT("request-memory", 16 * MIB, CFGF_NONE),
	CFG_INT("in-flight", 100000, CFGF_NONE),
	CFG_INT("connection-in-flight", 4096, CFGF_NONE),
	CFG_INT("queue-time", 25, CFGF_NONE),          /* milliseconds */
	CFG_INT("connections", 20000, CFGF_NONE),
	CFG_INT("header-size", MIB, CFGF_NONE),
	CFG_INT("header-fields", 4096, CFGF_NONE),
	CFG_INT("header-field-size", 512 * 1024, CFGF_NONE),
	CFG_INT("drain-time", 10000, CFGF_NONE),       /* milliseconds */
	CFG_INT("stall-time", 30000, CFGF_NONE),       /* milliseconds */
	CFG_INT("stall-octets", 65536, CFGF_NONE),     /* to be moved in stall-time */
	CFG_INT("idle-time", 0, CFGF_NONE),            /* milliseconds, both; 0: never */
	CFG_INT("keepalive-time", 120000, CFGF_NONE),
	CFG_INT("key-cache-size", 64 * MIB, CFGF_NONE),
	CFG_INT("replay-memory", 0, CFGF_NONE),
	CFG_END(),
};
static cfg_opt_t options[] = {
	CFG_STR_LIST("listen", listen_default, CFGF_NONE),
	CFG_INT("shards", 0, CFGF_NONE),
	CFG_STR("state-directory", "", CFGF_NONE),     /* state_directory_of() */
	CFG_STR("authserv-id", "", CFGF_NONE),
	CFG_STR_LIST("own-authserv-ids", own_default, CFGF_NONE), /* beside authserv-id; ".name": all below it */
	CFG_SEC("dns", dns_options, CFGF_NONE),
	CFG_SEC("spf", spf_options, CFGF_NONE),
	CFG_SEC("dkim", dkim_options, CFGF_NONE),
	CFG_SEC("arc", arc_options, CFGF_NONE),
	CFG_SEC("sealer", sealer_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), /* a domain that we seal for */
	CFG_SEC("dmarc", dmarc_options, CFGF_NONE),
	CFG_SEC("crypto", crypto_options, CFGF_NONE),
	CFG_SEC("mta-sts", mta_sts_options, CFGF_NONE),
	CFG_SEC("metrics", metrics_options, CFGF_NONE),
	CFG_SEC("tls", tls_options, CFGF_NONE),
	CFG_SEC("tcp", tcp_options, CFGF_NONE),
	CFG_SEC("ipc", ipc_options, CFGF_NONE),
	CFG_SEC("limits", limits_options, CFGF_NONE),
	CFG_END(),
};

/* libConfuse reports through a function without an argument of ours; the daemon reads one file, in one thread. */
static struct {
	char *problem; /* the first one stays: later ones follow from it */
	const char *path;
} parsing;

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[CONFIG_PROBLEM_SIZE / 2];

	if (parsing.problem[0])
		return;
	vsnprintf(text, sizeof(text), format, args);
	snprintf(parsing.problem, CONFIG_PROBLEM_SIZE, "%s:%d: %s", parsing.path, cfg->line, text);
}

__attribute__((format(printf, 2, 0))) static void on_error_ignore(cfg_t *cfg, const char *format, va_list args)
{
	(void)cfg;
	(void)format;
	(void)args;
}

/*
 * libConfuse takes the end of the file for the end of an open section, and a truncated file for a whole one. So the
 * text is read once more with a brace behind it: only where a section was left open does that make sense.
 */
static bool ends_in_section(const char *text)
{
	cfg_t *again = cfg_init(options, CFGF_NONE);
	char *longer = NULL;
	bool open = false;

	if (again && asprintf(&longer, "%s\n}\n", text) >= 0) {
		cfg_set_error_function(again, on_error_ignore);
		open = cfg_parse_buf(again, longer) == CFG_SUCCESS;
		free(longer);
	}
	if (again)
		cfg_free(again);
	return open;
}

/* NULL: none. */
static const char *first_tls_url(const struct engine_config *engine)
{
	for (size_t i = 0; i < engine->listen_count; i++)
		if (io_url_is_tls(engine->listen[i]))
			return engine->listen[i];
	return NULL;
}

/* What no single value shows. */
static int check_whole(const char *path, const struct daemon_config *config, char problem[CONFIG_PROBLEM_SIZE])
{
	const struct engine_config *engine = &config->engine;

	if (engine->listen_count == 0)
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: listen: no address", path);
	else if (first_tls_url(engine) && !engine->tls)
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: listen: %s: wants a certificate and a key in the section tls", path,
		         first_tls_url(engine));
	else if (engine->verdict.dkim.rsa_bits_min > engine->verdict.dkim.rsa_bits_max)
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: dkim: min-rsa-bits is above max-rsa-bits", path);
	else if (engine->limits.octets_held_max / engine->shards < engine->limits.message_octets_max + 2 * (size_t)MIB)
		snprintf(problem, CONFIG_PROBLEM_SIZE,
		         "%s: limits: octets-held, divided by %u shards, does not hold one message of message-size", path,
		         engine->shards);
	else if (engine->limits.connection_octets_held_max < engine->limits.message_octets_max + 2 * (size_t)MIB)
		snprintf(problem, CONFIG_PROBLEM_SIZE,
		         "%s: limits: connection-octets-held does not hold one message of message-size", path);
	else
		return 0;
	return -EINVAL;
}

static int string_list(cfg_t *cfg, const char *name, const char *const **out, size_t *count_out)
{
	unsigned count = cfg_size(cfg, name);
	const char **list = calloc(count ? count : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		list[i] = cfg_getnstr(cfg, name, i);
	*out = list;
	*count_out = count;
	return 0;
}

static int slice_list(cfg_t *cfg, const char *name, const struct slice **out, size_t *count_out)
{
	unsigned count = cfg_size(cfg, name);
	struct slice *list = calloc(count ? count : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		list[i] = slice_of_str(cfg_getnstr(cfg, name, i));
	*out = list;
	*count_out = count;
	return 0;
}

static int arc_read(cfg_t *arc, struct arc_config *out)
{
	out->verify = cfg_getbool(arc, "verify");
	out->sets_max = (unsigned)cfg_getint(arc, "max-sets");
	out->find_oldest_pass = cfg_getbool(arc, "oldest-pass");
	return slice_list(arc, "trusted-sealers", &out->trusted_sealers, &out->trusted_sealers_count);
}

/* The list is read when somebody uses it. */
static int public_suffixes_read(cfg_t *file, struct daemon_config *out, char problem[CONFIG_PROBLEM_SIZE])
{
	cfg_t *dmarc = cfg_getsec(file, "dmarc");
	bool shadow = cfg_getbool(dmarc, "shadow-rfc7489");
	bool refuse = cfg_getbool(cfg_getsec(file, "dkim"), "refuse-public-suffixes");
	struct verdict_config *verdict = &out->engine.verdict;
	struct breaker_bounds *breaker = &out->engine.limits.breaker;
	char why[IO_PROBLEM_SIZE];

	if (!shadow && !refuse && breaker->failures == 0)
		return 0;
	if (io_public_suffixes_open(cfg_getstr(dmarc, "public-suffix-list"), &out->public_suffixes, why) < 0) {
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: dmarc: %s", parsing.path, why);
		return -EINVAL;
	}
	breaker->registrable_domain = io_public_suffixes_organizational_domain;
	breaker->arg = out->public_suffixes;
	if (shadow)
		verdict->shadow = (struct dmarc_public_suffixes){
			.organizational_domain = io_public_suffixes_organizational_domain,
			.arg = out->public_suffixes,
		};
	if (refuse)
		verdict->dkim.refused = (struct dkim_public_suffixes){
			.contain = io_public_suffixes_contain,
			.arg = out->public_suffixes,
		};
	return 0;
}

static const char *host_name(void)
{
	static char name[HOST_NAME_MAX + 1];

	return gethostname(name, sizeof(name)) == 0 && config_is_host_name(name) ? name : "localhost";
}

static unsigned shards_of(long configured)
{
	cpu_set_t allowed;
	long cores = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 1;

	if (configured > 0)
		return (unsigned)configured;
	/* Those that we may use: a container may have two of a machine's hundred. */
	return cores < 1 ? 1 : cores > ENGINE_SHARDS_MAX ? ENGINE_SHARDS_MAX : (unsigned)cores;
}

static void resolver_read(cfg_t *dns, unsigned shards, struct io_resolver_config *out)
{
	out->root_hints = cfg_getstr(dns, "root-hints");
	out->dnssec = cfg_getbool(dns, "dnssec");
	out->trust_anchor_file = cfg_getstr(dns, "trust-anchor-file");
	out->zone_file = cfg_getstr(dns, "zone-file");
	out->cache_octets = (size_t)cfg_getint(dns, "cache-size") / 2 / shards;
	out->qname_minimisation = cfg_getbool(dns, "qname-minimisation");
}

/* Where the file is silent: room on every shard for a message or two, however many cores there are. */
static size_t octets_held_of(cfg_t *limits, unsigned shards)
{
	size_t configured = (size_t)cfg_getint(limits, "octets-held"), least = (size_t)1024 * MIB;
	size_t needed = shards * 2 * ((size_t)cfg_getint(limits, "message-size") + (size_t)2 * MIB);

	return configured ? configured : needed > least ? needed : least;
}

static struct cache_bounds cache_bounds_of(cfg_t *dns)
{
	return (struct cache_bounds){
		.octets_max = (size_t)cfg_getint(dns, "cache-size") / 2,
		.ttl_s_min = (unsigned)cfg_getint(dns, "min-ttl"),
		.ttl_s_max = (unsigned)cfg_getint(dns, "max-ttl"),
		.negative_ttl_s_max = (unsigned)cfg_getint(dns, "max-negative-ttl"),
		.failure_ttl_s = (unsigned)cfg_getint(dns, "failure-ttl"),
		.bogus_ttl_s = (unsigned)cfg_getint(dns, "bogus-ttl"),
		.stale_s_max = (unsigned)cfg_getint(dns, "serve-stale"),
		.prefetch_s = (unsigned)cfg_getint(dns, "prefetch"),
	};
}

static struct breaker_bounds breaker_bounds_of(cfg_t *dns)
{
	return (struct breaker_bounds){
		.failures = (unsigned)cfg_getint(dns, "breaker-failures"),
		.probe_ns = cfg_getint(dns, "breaker-time") * INT64_C(1000000),
		.zones_max = (unsigned)cfg_getint(dns, "breaker-zones"),
	};
}

/* Where the file is silent: a quarter of what a shard holds, or a message. */
static size_t connection_octets_held_of(cfg_t *limits, unsigned shards)
{
	size_t configured = (size_t)cfg_getint(limits, "connection-octets-held");
	size_t least = (size_t)cfg_getint(limits, "message-size") + (size_t)2 * MIB;
	size_t quarter = octets_held_of(limits, shards) / shards / 4;

	return configured ? configured : quarter > least ? quarter : least;
}

static void limits_read(cfg_t *file, struct engine_config *out)
{
	cfg_t *limits = cfg_getsec(file, "limits"), *dns = cfg_getsec(file, "dns");

	out->limits = (struct engine_limits){
		.message_octets_max = (size_t)cfg_getint(limits, "message-size"),
		.octets_held_max = octets_held_of(limits, out->shards),
		.connection_octets_held_max = connection_octets_held_of(limits, out->shards),
		.request_memory_max = (size_t)cfg_getint(limits, "request-memory"),
		.in_flight_max = (unsigned)cfg_getint(limits, "in-flight"),
		.connection_in_flight_max = (unsigned)cfg_getint(limits, "connection-in-flight"),
		.connections_max = (unsigned)cfg_getint(limits, "connections"),
		.lookups_max = (unsigned)cfg_getint(dns, "max-lookups"),
		.shard_lookups_max = (unsigned)cfg_getint(dns, "max-queries"),
		.zone_lookups_max = (unsigned)cfg_getint(dns, "max-queries-per-domain"),
		.passes_max = 2 * (unsigned)cfg_getint(dns, "max-lookups") + 16,
		.dns_wait_ms_max = (unsigned)cfg_getint(dns, "timeout"),
		.deadline_ms_max = 600000,
		.queue_ms_max = (unsigned)cfg_getint(limits, "queue-time"),
		.drain_ms_max = (unsigned)cfg_getint(limits, "drain-time"),
		.stall_ms_max = (unsigned)cfg_getint(limits, "stall-time"),
		.stall_octets_min = (size_t)cfg_getint(limits, "stall-octets"),
		.idle_ms_max = (unsigned)cfg_getint(limits, "idle-time"),
		.keepalive_ms = (unsigned)cfg_getint(limits, "keepalive-time"),
		.handshake_ms_max = (unsigned)cfg_getint(cfg_getsec(file, "tls"), "handshake-time"),
		.handshakes_max = (unsigned)cfg_getint(cfg_getsec(file, "tls"), "handshakes"),
		.key_cache_octets_max = (size_t)cfg_getint(limits, "key-cache-size") / out->shards,
		.cache = cache_bounds_of(dns),
		.breaker = breaker_bounds_of(dns),
		.replay_octets_max = (size_t)cfg_getint(limits, "replay-memory") / out->shards,
	};
	out->verdict.bounds = (struct mail_bounds){
		.header_octets_max = (size_t)cfg_getint(limits, "header-size"),
		.fields_max = (size_t)cfg_getint(limits, "header-fields"),
		.field_octets_max = (size_t)cfg_getint(limits, "header-field-size"),
	};
}

static void verdict_read(cfg_t *file, struct verdict_config *out)
{
	cfg_t *spf = cfg_getsec(file, "spf"), *dkim = cfg_getsec(file, "dkim");
	const char *authserv_id = cfg_getstr(file, "authserv-id");

	out->authserv_id = slice_of_str(*authserv_id ? authserv_id : host_name());
	out->spf.lookups_max = (unsigned)cfg_getint(spf, "max-lookups");
	out->spf.void_lookups_max = (unsigned)cfg_getint(spf, "max-void-lookups");
	out->received_spf = cfg_getbool(spf, "received-spf");
	if (!config_policy_read(cfg_getstr(cfg_getsec(file, "dmarc"), "no-author"), &out->no_author))
		out->no_author = DMARC_POLICY_REJECT;
	out->dkim.signatures_max = (unsigned)cfg_getint(dkim, "max-signatures");
	out->dkim.rsa_bits_min = (unsigned)cfg_getint(dkim, "min-rsa-bits");
	out->dkim.rsa_bits_max = (unsigned)cfg_getint(dkim, "max-rsa-bits");
	out->dkim.allow_rsa_sha1 = cfg_getbool(dkim, "allow-rsa-sha1");
	out->dkim.clock_drift_s = (unsigned)cfg_getint(dkim, "clock-drift");
	out->dkim.verify_us_max = (unsigned)cfg_getint(dkim, "max-verify-time");
}

/* Where the file is silent: what a service manager has made for us, and if there is none, nothing is written. */
static const char *state_directory_of(cfg_t *file)
{
	const char *configured = cfg_getstr(file, "state-directory"), *given = getenv("STATE_DIRECTORY");

	return *configured || !given ? configured : given;
}

static void policies_read(cfg_t *file, struct engine_config *out)
{
	cfg_t *mta_sts = cfg_getsec(file, "mta-sts");

	out->tlspolicy.allow_private_addresses = cfg_getbool(mta_sts, "allow-private-addresses");
	out->policies = (struct policies_config){
		.directory = state_directory_of(file),
		.https = {
			.ca_file = cfg_getstr(mta_sts, "ca-file"),
			.port = (unsigned)cfg_getint(mta_sts, "https-port"),
			.connections_max = (unsigned)cfg_getint(mta_sts, "max-connections"),
			.address_connections_max = (unsigned)cfg_getint(mta_sts, "max-connections-per-address"),
			.waiting_max = (unsigned)cfg_getint(mta_sts, "max-waiting"),
			.time_ms_max = (unsigned)cfg_getint(mta_sts, "timeout"),
			.connect_ms_max = POLICY_CONNECT_MS_MAX,
			.header_octets_max = POLICY_HEADER_OCTETS_MAX,
			.body_octets_max = MTA_STS_DOCUMENT_OCTETS_MAX,
		},
		.octets_max = (size_t)cfg_getint(mta_sts, "cache-size"),
		.failure_s = (unsigned)cfg_getint(mta_sts, "failure-ttl"),
		.refresh_s = (unsigned)cfg_getint(mta_sts, "refresh"),
	};
}

static int values_read(struct daemon_config *out, char problem[CONFIG_PROBLEM_SIZE])
{
	cfg_t *dns = cfg_getsec(out->file, "dns");
	struct engine_config *engine = &out->engine;
	char why[IO_PROBLEM_SIZE];

	engine->shards = shards_of(cfg_getint(out->file, "shards"));
	TRY(string_list(out->file, "listen", &engine->listen, &engine->listen_count));
	TRY(slice_list(out->file, "own-authserv-ids", &engine->verdict.own_authserv_ids,
	               &engine->verdict.own_authserv_ids_count));
	TRY(arc_read(cfg_getsec(out->file, "arc"), &engine->verdict.arc));
	TRY(string_list(dns, "forward", &engine->resolver.forwards, &engine->resolver.forwards_count));
	resolver_read(dns, engine->shards, &engine->resolver);
	limits_read(out->file, engine);
	if (!engine_kernels_check(cfg_getstr(cfg_getsec(out->file, "crypto"), "kernels"), &engine->kernels, problem))
		return -EINVAL; /* not to be had: the value was checked when it was read */
	verdict_read(out->file, &engine->verdict);
	policies_read(out->file, engine);
	if (sealers_read(out->file, engine) < 0) {
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: a key-file cannot be read any more", parsing.path);
		return -EINVAL;
	}
	if (access_read(out->file, out, why) < 0) {
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: %s", parsing.path, why);
		return -EINVAL;
	}
	out->metrics_listen = cfg_getstr(cfg_getsec(out->file, "metrics"), "listen");
	return public_suffixes_read(out->file, out, problem);
}

static int file_parse(cfg_t *file, const char *path, char problem[CONFIG_PROBLEM_SIZE])
{
	char *text = config_file_read(path, problem);
	bool done;

	if (!text)
		return -EINVAL;
	done = config_comments_blank(text);
	if (!done)
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: a comment is not closed", path);
	done = done && cfg_parse_buf(file, text) == CFG_SUCCESS;
	if (!done && !problem[0])
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: not understood", path);
	if (done && ends_in_section(text)) {
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: the last section is not closed: a } is missing", path);
		done = false;
	}
	free(text);
	return done ? 0 : -EINVAL;
}

int config_read(const char *path, struct daemon_config *out, char problem[CONFIG_PROBLEM_SIZE])
{
	int result;

	*out = (struct daemon_config){ .file = cfg_init(options, CFGF_NONE) };
	problem[0] = 0;
	if (!out->file) {
		snprintf(problem, CONFIG_PROBLEM_SIZE, "out of memory");
		return -ENOMEM;
	}
	parsing.problem = problem;
	parsing.path = path;
	cfg_set_error_function(out->file, on_error);
	config_checks_set(out->file);
	result = file_parse(out->file, path, problem);
	if (result == 0)
		result = values_read(out, problem);
	if (result == 0)
		result = check_whole(path, out, problem);
	if (result < 0)
		config_free(out);
	return result;
}

void config_free(struct daemon_config *config)
{
	free((void *)(uintptr_t)config->engine.listen);
	free((void *)(uintptr_t)config->engine.resolver.forwards);
	free((void *)(uintptr_t)config->engine.verdict.own_authserv_ids);
	free((void *)(uintptr_t)config->engine.verdict.arc.trusted_sealers);
	sealers_free(&config->engine);
	access_free(config);
	io_public_suffixes_close(config->public_suffixes);
	if (config->file)
		cfg_free(config->file);
	*config = (struct daemon_config){ .file = NULL };
}
