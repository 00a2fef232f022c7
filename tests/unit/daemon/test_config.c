/*
 * Goal:   a configuration is taken as it is written, or refused with file, line and reason; what it leaves out has the
 *         documented default.
 * Method: files in a folder of the test's own, refusals first; every number at and beyond both ends of its range.
 */
#include "daemon/config.h"
#include "test_key.h"
#include "unit.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/assay-config-XXXXXX", path[64], zone_path[64];
static char problem[CONFIG_PROBLEM_SIZE];
static struct daemon_config config;

static void file_write(const char *at, const char *text)
{
	FILE *file = fopen(at, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int config_of(const char *text)
{
	file_write(path, text);
	return config_read(path, &config, problem);
}

static void check_refused(const char *name, const char *text, int line, const char *why)
{
	char want[128];

	snprintf(want, sizeof(want), line ? "%s:%d: " : "%s: ", path, line);
	if (config_of(text) >= 0)
		fail_msg("%s: accepted", name);
	if (strncmp(problem, want, strlen(want)) != 0)
		fail_msg("%s: \"%s\" does not begin with \"%s\"", name, problem, want);
	if (!strstr(problem, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, problem, why);
	assert_null(config.file);
	assert_null(strchr(problem, '\n'));
}

/* --- refused --- */

static void test_files_refused(void **state)
{
	(void)state;
	assert_true(config_read("/nonexistent/assayd.conf", &config, problem) < 0);
	assert_string_equal(problem, "/nonexistent/assayd.conf: No such file or directory");
	assert_true(config_read(folder, &config, problem) < 0);
	assert_non_null(strstr(problem, folder));
	assert_non_null(strstr(problem, "Is a directory"));
}

/* Nothing of a file is passed over in silence. */
static void test_nul_octet(void **state)
{
	static const char text[] = "shards = 1\n\0shards = many\n";
	FILE *file = fopen(path, "we");

	(void)state;
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, sizeof(text) - 1, file), sizeof(text) - 1);
	assert_int_equal(fclose(file), 0);
	assert_true(config_read(path, &config, problem) < 0);
	assert_non_null(strstr(problem, "NUL"));
}

static void test_errors_name_file_and_line(void **state)
{
	static const struct {
		const char *name, *text;
		int line; /* 0: a fault of the whole */
		const char *why;
	} vectors[] = {
		{ "unknown_key", "shards = 1\n\nshard = 2\n", 3, "shard" },
		{ "unknown_key_in_section", "dns {\n  timeout = 50\n  timeouts = 60\n}\n", 3, "timeouts" },
		{ "key_of_another_section", "spf {\n  timeout = 50\n}\n", 2, "timeout" },
		{ "key_outside_its_section", "max-lookups = 10\n", 1, "max-lookups" },
		{ "unknown_section", "\n\nsfp {\n}\n", 3, "sfp" },
		{ "section_not_closed", "spf { max-lookups = 10\n", 0, "}" },
		{ "section_closed_twice", "spf { }\n}\n", 2, "" },
		{ "section_with_a_title", "spf title { }\n", 1, "" },
		{ "value_missing", "shards = \nauthserv-id = x\n", 2, "" },
		{ "equals_missing", "shards 1\n", 1, "" },
		{ "string_not_closed", "authserv-id = \"mx\nshards = 1\n", 3, "" },
		{ "number_with_unit", "dns {\n  timeout = 5s\n}\n", 2, "timeout" },
		{ "number_is_word", "shards = many\n", 1, "shards" },
		{ "number_beyond_long", "shards = 99999999999999999999\n", 1, "shards" },
		{ "number_with_fraction", "shards = 1.5\n", 1, "shards" },
		{ "number_negative", "shards = -1\n", 1, "shards" },
		{ "bool_is_number", "dns {\n\n  dnssec = 2\n}\n", 3, "dnssec" },
		{ "bool_is_word", "dkim { allow-rsa-sha1 = maybe }\n", 1, "allow-rsa-sha1" },
		{ "listen_other_scheme", "listen = {\"udp://127.0.0.1:1\"}\n", 1, "udp://127.0.0.1:1" },
		{ "listen_second", "\nlisten = {\"ipc:///tmp/x\", \"tcp://127.0.0.1\"}\n", 2, "tcp://127.0.0.1" },
		{ "listen_relative", "listen = {\"ipc://x\"}\n", 1, "absolute" },
		{ "listen_none", "listen = {}\n", 0, "listen" },
		{ "forward_name", "dns {\n  forward = {\"localhost\"}\n}\n", 2, "localhost" },
		{ "forward_empty", "dns { forward = {\"\"} }\n", 1, "forward" },
		{ "forward_port_0", "dns { forward = {\"127.0.0.1@0\"} }\n", 1, "127.0.0.1@0" },
		{ "forward_port_65536", "dns { forward = {\"127.0.0.1@65536\"} }\n", 1, "65536" },
		{ "forward_port_empty", "dns { forward = {\"127.0.0.1@\"} }\n", 1, "127.0.0.1@" },
		{ "forward_port_word", "dns { forward = {\"127.0.0.1@domain\"} }\n", 1, "domain" },
		{ "forward_port_sign", "dns { forward = {\"127.0.0.1@+53\"} }\n", 1, "+53" },
		{ "forward_port_behind_colon", "dns { forward = {\"127.0.0.1:53\"} }\n", 1, "127.0.0.1:53" },
		{ "forward_two_ports", "dns { forward = {\"127.0.0.1@53@53\"} }\n", 1, "@53@53" },
		{ "forward_brackets", "dns { forward = {\"[::1]@53\"} }\n", 1, "[::1]" },
		{ "forward_second", "dns { forward = {\"::1@53\", \"x\"} }\n", 1, "x" },
		{ "trust_anchor_file", "dns {\n  trust-anchor-file = \"/nonexistent/a\"\n}\n", 2, "/nonexistent/a" },
		{ "root_hints", "dns {\n  root-hints = \"/nonexistent/r\"\n}\n", 2, "/nonexistent/r" },
		{ "zone_file", "dns {\n  zone-file = \"/nonexistent/z\"\n}\n", 2, "/nonexistent/z" },
		{ "ca_file", "mta-sts {\n  ca-file = \"/nonexistent/c\"\n}\n", 2, "/nonexistent/c" },
		{ "ca_file_without_certificates", "mta-sts {\n  ca-file = \"/dev/null\"\n}\n", 2, "no certificates" },
		{ "state_directory", "\nstate-directory = \"/nonexistent/s\"\n", 2, "/nonexistent/s" },
		{ "state_directory_is_a_file", "state-directory = \"/dev/null\"\n", 1, "Not a directory" },
		{ "authserv_id_with_line_end", "\nauthserv-id = \"mx.example.org\\r\\nX: y\"\n", 2, "authserv-id" },
		{ "authserv_id_with_space", "authserv-id = \"mx example\"\n", 1, "authserv-id" },
		{ "authserv_id_with_semicolon", "authserv-id = \"mx;dmarc=pass\"\n", 1, "authserv-id" },
		{ "authserv_id_in_brackets", "authserv-id = \"mx(a)\"\n", 1, "authserv-id" },
		{ "authserv_id_with_version", "authserv-id = \"mx.example.org/1\"\n", 1, "authserv-id" },
		{ "authserv_id_with_u_labels", "\n\nauthserv-id = \"m\xc3\xbcx.example.org\"\n", 3, "A-labels" },
		{ "authserv_id_not_utf8", "authserv-id = \"m\xfcx.example.org\"\n", 1, "authserv-id" },
		{ "authserv_id_empty_label", "authserv-id = \"mx..example.org\"\n", 1, "authserv-id" },
		{ "authserv_id_long_label",
		  "authserv-id = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example\"\n", 1, "authserv-id" },
		{ "own_authserv_id_empty", "own-authserv-ids = {\"mx\", \"\"}\n", 1, "own-authserv-ids" },
		{ "own_authserv_id_dot", "\nown-authserv-ids = {\".\"}\n", 2, "own-authserv-ids" },
		{ "sealer_empty", "arc {\n  trusted-sealers = {\"a.example\", \"\"}\n}\n", 2, "trusted-sealers" },
		{ "sealer_dot", "arc { trusted-sealers = {\".\"} }\n", 1, "trusted-sealers" },
		{ "sealer_in_capitals", "arc { trusted-sealers = {\"A.example\"} }\n", 1, "A.example" },
		{ "sealer_with_final_dot", "arc { trusted-sealers = {\"a.example.\"} }\n", 1, "a.example." },
		{ "sealer_no_domain", "arc { trusted-sealers = {\"*.example\"} }\n", 1, "*.example" },
		{ "public_suffix_list", "dmarc {\n  public-suffix-list = \"/nonexistent/p\"\n}\n", 2, "/nonexistent/p" },
		{ "public_suffix_list_is_none", "dmarc {\n  public-suffix-list = \"/dev/null\"\n}\n", 2, "/dev/null" },
		{ "no_author_word", "dmarc {\n  no-author = discard\n}\n", 2, "discard" },
		{ "no_author_case", "dmarc { no-author = Reject }\n", 1, "Reject" },
		{ "kernels_word", "crypto {\n  kernels = avx\n}\n", 2, "avx" },
		{ "kernels_case", "crypto { kernels = OpenSSL }\n", 1, "OpenSSL" },
		{ "metrics_without_port", "metrics {\n  listen = \"127.0.0.1\"\n}\n", 2, "127.0.0.1" },
		{ "metrics_port_word", "metrics { listen = \"127.0.0.1:http\" }\n", 1, "http" },
		{ "metrics_port_65536", "metrics { listen = \"127.0.0.1:65536\" }\n", 1, "65536" },
		{ "metrics_port_0", "metrics { listen = \"127.0.0.1:0\" }\n", 1, ":0" },
		{ "metrics_name", "metrics { listen = \"localhost:8462\" }\n", 1, "localhost" },
		{ "listen_tls_without_certificate", "listen = {\"tls+tcp://127.0.0.1:1\"}\n", 0, "certificate" },
		{ "tls_certificate", "tls {\n  certificate = \"/nonexistent/c\"\n}\n", 2, "/nonexistent/c" },
		{ "tls_certificate_is_none", "tls {\n  certificate = \"/dev/null\"\n}\n", 2, "no usable certificate" },
		{ "tls_key", "tls {\n\n  key = \"/nonexistent/k\"\n}\n", 3, "/nonexistent/k" },
		{ "tls_key_is_for_everybody", "tls {\n  key = \"/etc/passwd\"\n}\n", 2, "everybody may read it" },
		{ "tls_client_ca", "tls {\n  client-ca = \"/dev/null\"\n}\n", 2, "no certificates" },
		{ "tls_names_without_ca", "tls {\n  allow-names = {\"a.example\"}\n}\n", 3, "client-ca" },
		{ "tls_name_wildcard", "tls {\n  allow-names = {\"a.example\", \"*.example\"}\n}\n", 2, "*.example" },
		{ "tls_name_empty", "tls { allow-names = {\"\"} }\n", 1, "allow-names" },
		{ "tls_name_dot", "tls { allow-names = {\".\"} }\n", 1, "allow-names" },
		{ "tls_address", "tls { allow-addresses = {\"192.0.2.1/24\"} }\n", 1, "192.0.2.1/24" },
		{ "tcp_address_name", "tcp {\n  deny-addresses = {\"::1\", \"localhost\"}\n}\n", 2, "localhost" },
		{ "tcp_address_empty", "tcp { allow-addresses = {\"\"} }\n", 1, "allow-addresses" },
		{ "ipc_mode_decimal", "ipc { mode = \"0680\" }\n", 1, "0680" },
		{ "ipc_mode_above", "ipc { mode = \"1777\" }\n", 1, "1777" },
		{ "ipc_mode_long", "ipc { mode = \"00660\" }\n", 1, "00660" },
		{ "ipc_owner", "ipc { owner = \"no-such-user\" }\n", 1, "no-such-user" },
		{ "ipc_owner_negative", "ipc { owner = \"-1\" }\n", 1, "-1" },
		{ "ipc_group_above", "ipc { group = \"4294967295\" }\n", 1, "4294967295" },
		{ "ipc_user", "ipc {\n  allow-users = {\"root\", \"no-such-user\"}\n}\n", 2, "no-such-user" },
		{ "ipc_user_empty", "ipc { allow-users = {\"\"} }\n", 1, "allow-users" },
		{ "ipc_group_empty", "ipc { allow-groups = {\"\"} }\n", 1, "allow-groups" },
		{ "rsa_bits_crossed", "dkim { min-rsa-bits = 4096 max-rsa-bits = 2048 }\n", 0, "min-rsa-bits" },
		{ "octets_held_below_one_message", "limits { message-size = 67108864 octets-held = 16777216 }\n", 0,
		  "octets-held" },
		{ "connection_octets_held_below_one_message", "limits { connection-octets-held = 16777216 }\n", 0,
		  "connection-octets-held" },
		{ "octets_held_below_one_message_a_shard", "shards = 64 limits { octets-held = 1073741824 }\n", 0,
		  "64 shards" },
		{ "behind_comments", "# one\n  # two\n\n// three\nshards = many\n", 5, "shards" },
		{ "behind_comment_of_several_lines", "/* one\n * two\n */\nshards = many # x\n", 4, "shards" },
		{ "behind_comment_on_its_line", "spf { # a\n  max-lookups = 9 // b\n  max-lookups = 0\n}\n", 3, "max-lookups" },
		{ "behind_string_of_several_lines", "authserv-id = 'a\\\nb'\nshards = many\n", 3, "shards" },
		{ "comment_not_closed", "/* shards = 1\nspf {", 0, "" },
		{ "several_faults", "shards = many\nnonsense = 1\n", 1, "shards" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		check_refused(vectors[i].name, vectors[i].text, vectors[i].line, vectors[i].why);
}

/* A fault inside the zone file is told with that file's line, behind our own. */
static void test_zone_file_fault(void **state)
{
	char text[256];

	(void)state;
	file_write(zone_path, "a.test. 300 IN A 192.0.2.1\nb.test. 300 IN A bad\n");
	snprintf(text, sizeof(text), "# comment\ndns {\n  zone-file = \"%s\"\n}\n", zone_path);
	check_refused("zone_file_fault", text, 3, zone_path);
	assert_non_null(strstr(problem, "zone:2: "));
}

static const struct {
	const char *section, *name;
	long least, most;
} numbers[] = {
	{ "", "shards", 0, 256 },
	{ "dns", "timeout", 10, 60000 },
	{ "dns", "max-lookups", 10, 1000 },
	{ "dns", "cache-size", 1 << 20, 64L << 30 },
	{ "dns", "max-queries", 64, 65536 },
	{ "dns", "max-queries-per-domain", 10, 65536 },
	{ "spf", "max-lookups", 1, 100 },
	{ "spf", "max-void-lookups", 0, 100 },
	{ "dkim", "max-signatures", 1, 32 },
	{ "dkim", "min-rsa-bits", 512, 8192 },
	{ "dkim", "max-rsa-bits", 1024, 8192 },
	{ "dkim", "clock-drift", 0, 86400 },
	{ "dkim", "max-verify-time", 100, 1000000 },
	{ "limits", "replay-memory", 0, 1024L * 1024 * 1024 },
	{ "arc", "max-sets", 1, 32 },
	{ "mta-sts", "https-port", 1, 65535 },
	{ "mta-sts", "timeout", 100, 600000 },
	{ "mta-sts", "max-connections", 1, 1024 },
	{ "mta-sts", "max-connections-per-address", 1, 1024 },
	{ "mta-sts", "max-waiting", 1, 1000000 },
	{ "mta-sts", "cache-size", 1 << 20, 1L << 36 },
	{ "mta-sts", "failure-ttl", 1, 86400 },
	{ "mta-sts", "refresh", 1, 604800 },
	{ "limits", "message-size", 1024, 1L << 30 },
	{ "limits", "octets-held", 16 << 20, 1L << 40 },
	{ "limits", "connection-octets-held", 1 << 20, 1L << 40 },
	{ "limits", "request-memory", 65536, 1L << 30 },
	{ "limits", "in-flight", 1, 10000000 },
	{ "limits", "connection-in-flight", 1, 1000000 },
	{ "limits", "queue-time", 1, 600000 },
	{ "limits", "connections", 1, 1000000 },
	{ "limits", "header-size", 1024, 64 << 20 },
	{ "limits", "header-fields", 10, 100000 },
	{ "limits", "header-field-size", 1024, 64 << 20 },
	{ "limits", "drain-time", 0, 600000 },
	{ "limits", "stall-time", 100, 3600000 },
	{ "limits", "stall-octets", 1, 1L << 30 },
	{ "limits", "idle-time", 0, 86400000 },
	{ "limits", "keepalive-time", 0, 7200000 },
	{ "tls", "handshake-time", 100, 600000 },
	{ "tls", "handshakes", 1, 1000000 },
	{ "limits", "key-cache-size", 1 << 20, 64L << 30 },
};

static void number_text(size_t i, long value, char text[256])
{
	if (*numbers[i].section)
		snprintf(text, 256, "%s {\n  %s = %ld\n}\n", numbers[i].section, numbers[i].name, value);
	else
		snprintf(text, 256, "\n%s = %ld\n", numbers[i].name, value);
}

static void test_ranges_of_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const long outside[] = { numbers[i].least - 1, numbers[i].most + 1, -1, LONG_MAX };
		const long inside[] = { numbers[i].least, numbers[i].most };
		char text[256];

		for (size_t v = 0; v < COUNT_OF(outside); v++) {
			number_text(i, outside[v], text);
			check_refused(numbers[i].name, text, 2, numbers[i].name);
		}
		for (size_t v = 0; v < COUNT_OF(inside); v++) {
			number_text(i, inside[v], text);
			/* Some ends contradict another default; then the fault is of the whole, not of the range. */
			if (config_of(text) == 0)
				config_free(&config);
			else if (strstr(problem, "not within"))
				fail_msg("%s.%s = %ld: %s", numbers[i].section, numbers[i].name, inside[v], problem);
		}
	}
}

/* --- taken --- */

/* The defaults serve on any machine. */
static void test_default_room(void **state)
{
	(void)state;
	if (config_of("shards = 256\n") != 0)
		fail_msg("%s", problem);
	assert_true(config.engine.limits.octets_held_max / 256 > config.engine.limits.message_octets_max);
	config_free(&config);
	assert_int_equal(config_of("shards = 2\n"), 0);
	assert_int_equal(config.engine.limits.octets_held_max, 1 << 30);
	assert_int_equal(config.engine.limits.connection_octets_held_max, 1 << 27);
	config_free(&config);
}

static void test_too_many_listeners(void **state)
{
	char text[4096] = "listen = {";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < 65; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"tcp://127.0.0.1:%d\"", i ? ", " : "", 1024 + i);
	snprintf(text + len, sizeof(text) - len, "}\n");
	check_refused("too_many_listeners", text, 1, "64");
}

static void test_defaults(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "dns { } spf { } dkim { } metrics { } limits { }\n" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct engine_config *engine = &config.engine;
		cpu_set_t allowed;
		int cores = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 1;

		if (config_of(texts[i]) != 0)
			fail_msg("%s", problem);
		assert_int_equal(engine->listen_count, 1);
		assert_string_equal(engine->listen[0], "ipc:///run/assay/assayd.sock");
		assert_int_equal(engine->shards, cores < 256 ? cores : 256);
		assert_int_equal(engine->resolver.forwards_count, 0);
		assert_true(engine->resolver.dnssec);
		assert_string_equal(engine->resolver.zone_file, "");
		assert_string_equal(engine->resolver.trust_anchor_file, "");
		assert_int_equal(engine->limits.dns_wait_ms_max, 5000);
		assert_int_equal(engine->verdict.spf.lookups_max, 10);
		assert_int_equal(engine->verdict.spf.void_lookups_max, 2);
		assert_false(engine->verdict.received_spf);
		assert_int_equal(engine->verdict.no_author, DMARC_POLICY_REJECT);
		assert_int_equal(engine->verdict.dkim.signatures_max, 8);
		assert_int_equal(engine->verdict.dkim.rsa_bits_min, 1024);
		assert_int_equal(engine->verdict.dkim.rsa_bits_max, 4096);
		assert_int_equal(engine->verdict.dkim.verify_us_max, 5000);
		assert_int_equal(engine->limits.replay_octets_max, 0);
		assert_false(engine->verdict.dkim.allow_rsa_sha1);
		assert_true(engine->verdict.authserv_id.len > 0);
		assert_int_equal(engine->verdict.own_authserv_ids_count, 0);
		assert_true(engine->verdict.arc.verify && !engine->verdict.arc.find_oldest_pass);
		assert_int_equal(engine->verdict.arc.sets_max, 10);
		assert_int_equal(engine->verdict.arc.trusted_sealers_count, 0);
		assert_true(!engine->verdict.shadow.organizational_domain && !engine->verdict.dkim.refused.contain);
		assert_int_equal(engine->limits.breaker.failures, 5);
		assert_non_null(engine->limits.breaker.registrable_domain);
		assert_string_equal(config.metrics_listen, "");
		assert_string_equal(engine->policies.directory, "");
		assert_false(engine->tlspolicy.allow_private_addresses);
		assert_int_equal(engine->policies.https.port, 443);
		assert_int_equal(engine->policies.https.time_ms_max, 60000);
		assert_int_equal(engine->policies.https.body_octets_max, 65536);
		assert_int_equal(engine->policies.failure_s, 300);
		assert_int_equal(engine->policies.refresh_s, 86400);
		/* LESSONS row 22: large but legitimate headers are read. */
		assert_true(engine->verdict.bounds.header_octets_max >= 262144);
		config_free(&config);
	}
}

/* The example of the public description, every key set to something else than its default. */
static void test_every_key_arrives(void **state)
{
	const struct engine_config *engine = &config.engine;
	char text[2048];

	(void)state;
	file_write(zone_path, "a.test. 300 IN A 192.0.2.1\n");
	snprintf(text, sizeof(text),
	         "listen  = {\"ipc:///tmp/x/assayd.sock\", \"tcp://127.0.0.1:8460\", \"tcp://[::1]:8460\"}\n"
	         "shards  = 3 # comment\n"
	         "authserv-id = \"MX.example.org\"\n"
	         "dns {\n"
	         "  forward = {\"127.0.0.1@5353\", \"::1\", \"2001:db8::53@53\"}\n"
	         "  dnssec = false\n  timeout = 4000\n  zone-file = \"%s\"\n  trust-anchor-file = \"%s\"\n"
	         "  root-hints = \"%s\"\n  max-lookups = 30\n  cache-size = 30000000\n  max-queries = 100\n  max-queries-per-domain = 50\n"
	         "  qname-minimisation = true\n"
	         "  min-ttl = 1  max-ttl = 2  max-negative-ttl = 3  failure-ttl = 4  bogus-ttl = 5  serve-stale = 6  prefetch = 8\n"
	         "  breaker-failures = 7  breaker-time = 800  breaker-zones = 90\n"
	         "}\n"
	         "spf { max-lookups = 9  max-void-lookups = 3  received-spf = true }\n"
	         "dkim { max-signatures = 7  min-rsa-bits = 2048  max-rsa-bits = 8192  allow-rsa-sha1 = true\n"
	         "  clock-drift = 60  max-verify-time = 700 }\n"
	         "dmarc { no-author = quarantine }\n"
	         "state-directory = \"/tmp\"\n"
	         "mta-sts { ca-file = \"\" https-port = 8443 allow-private-addresses = true timeout = 700\n"
	         "  max-connections = 9 max-connections-per-address = 8 max-waiting = 70 cache-size = 2000000\n"
	         "  failure-ttl = 6 refresh = 5 }\n"
	         "crypto { kernels = openssl }\n"
	         "metrics { listen = \"[::1]:8462\" }\n"
	         "limits { message-size = 2000000 octets-held = 60000000 request-memory = 100000 in-flight = 10\n"
	         "  connection-in-flight = 5 connections = 20 queue-time = 30 header-size = 2000 header-fields = 20\n"
	         "  header-field-size = 1500 drain-time = 1 stall-time = 200 stall-octets = 300\n"
	         "  connection-octets-held = 5000000 key-cache-size = 3000000 replay-memory = 6144 }\n",
	         zone_path, zone_path, zone_path);
	if (config_of(text) != 0)
		fail_msg("%s", problem);
	assert_int_equal(engine->listen_count, 3);
	assert_string_equal(engine->listen[1], "tcp://127.0.0.1:8460");
	assert_int_equal(engine->shards, 3);
	assert_slice_equal(engine->verdict.authserv_id, SLICE("MX.example.org"));
	assert_int_equal(engine->resolver.forwards_count, 3);
	assert_string_equal(engine->resolver.forwards[0], "127.0.0.1@5353");
	assert_string_equal(engine->resolver.forwards[1], "::1");
	assert_false(engine->resolver.dnssec);
	assert_string_equal(engine->resolver.zone_file, zone_path);
	assert_string_equal(engine->resolver.trust_anchor_file, zone_path);
	assert_string_equal(engine->resolver.root_hints, zone_path);
	assert_int_equal(engine->resolver.cache_octets, 5000000);
	assert_int_equal(engine->limits.cache.octets_max, 15000000);
	assert_int_equal(engine->limits.cache.ttl_s_min, 1);
	assert_int_equal(engine->limits.cache.ttl_s_max, 2);
	assert_int_equal(engine->limits.cache.negative_ttl_s_max, 3);
	assert_int_equal(engine->limits.cache.failure_ttl_s, 4);
	assert_int_equal(engine->limits.cache.bogus_ttl_s, 5);
	assert_int_equal(engine->limits.cache.stale_s_max, 6);
	assert_int_equal(engine->limits.cache.prefetch_s, 8);
	assert_int_equal(engine->limits.breaker.failures, 7);
	assert_int_equal(engine->limits.breaker.probe_ns, 800000000);
	assert_int_equal(engine->limits.breaker.zones_max, 90);
	assert_int_equal(engine->limits.shard_lookups_max, 100);
	assert_true(engine->resolver.qname_minimisation);
	assert_int_equal(engine->limits.dns_wait_ms_max, 4000);
	assert_int_equal(engine->limits.lookups_max, 30);
	assert_int_equal(engine->limits.zone_lookups_max, 50);
	assert_int_equal(engine->verdict.spf.lookups_max, 9);
	assert_int_equal(engine->verdict.spf.void_lookups_max, 3);
	assert_true(engine->verdict.received_spf);
	assert_int_equal(engine->verdict.no_author, DMARC_POLICY_QUARANTINE);
	assert_int_equal(engine->verdict.dkim.signatures_max, 7);
	assert_int_equal(engine->verdict.dkim.rsa_bits_min, 2048);
	assert_int_equal(engine->verdict.dkim.rsa_bits_max, 8192);
	assert_true(engine->verdict.dkim.allow_rsa_sha1);
	assert_int_equal(engine->verdict.dkim.clock_drift_s, 60);
	assert_int_equal(engine->verdict.dkim.verify_us_max, 700);
	assert_int_equal(engine->limits.replay_octets_max, 2048);
	assert_string_equal(engine->policies.directory, "/tmp");
	assert_true(engine->tlspolicy.allow_private_addresses);
	assert_int_equal(engine->policies.https.port, 8443);
	assert_int_equal(engine->policies.https.time_ms_max, 700);
	assert_int_equal(engine->policies.https.connections_max, 9);
	assert_int_equal(engine->policies.https.address_connections_max, 8);
	assert_int_equal(engine->policies.https.waiting_max, 70);
	assert_int_equal(engine->policies.octets_max, 2000000);
	assert_int_equal(engine->policies.failure_s, 6);
	assert_int_equal(engine->policies.refresh_s, 5);
	assert_int_equal(engine->kernels, CRYPTO_KERNELS_OPENSSL);
	assert_string_equal(config.metrics_listen, "[::1]:8462");
	assert_int_equal(engine->limits.message_octets_max, 2000000);
	assert_int_equal(engine->limits.octets_held_max, 60000000);
	assert_int_equal(engine->limits.connection_octets_held_max, 5000000);
	assert_int_equal(engine->limits.request_memory_max, 100000);
	assert_int_equal(engine->limits.in_flight_max, 10);
	assert_int_equal(engine->limits.connection_in_flight_max, 5);
	assert_int_equal(engine->limits.connections_max, 20);
	assert_int_equal(engine->limits.queue_ms_max, 30);
	assert_int_equal(engine->verdict.bounds.header_octets_max, 2000);
	assert_int_equal(engine->verdict.bounds.fields_max, 20);
	assert_int_equal(engine->verdict.bounds.field_octets_max, 1500);
	assert_int_equal(engine->limits.drain_ms_max, 1);
	assert_int_equal(engine->limits.stall_ms_max, 200);
	assert_int_equal(engine->limits.stall_octets_min, 300);
	assert_int_equal(engine->limits.key_cache_octets_max, 1000000);
	config_free(&config);
}

static void test_who_may_connect(void **state)
{
	const struct engine_config *engine = &config.engine;
	struct io_network network;

	(void)state;
	assert_int_equal(config_of(""), 0);
	assert_true(!engine->socket_file.has_mode && engine->socket_file.owner == (uid_t)-1 && engine->socket_file.group == (gid_t)-1);
	assert_int_equal(engine->ipc_users.users_count + engine->ipc_users.groups_count, 0);
	assert_int_equal(engine->tcp_addresses.allow.count + engine->tls_addresses.deny.count, 0);
	assert_null(engine->tls);
	assert_int_equal(engine->limits.idle_ms_max, 0);
	assert_int_equal(engine->limits.keepalive_ms, 120000);
	config_free(&config);
	if (config_of("tcp { allow-addresses = {\"192.0.2.0/24\", \"::1\"} deny-addresses = {\"192.0.2.7\"} }\n"
	              "tls { allow-addresses = {\"2001:db8::/32\"} deny-addresses = {\"2001:db8::1\", \"::2\", \"::3\"}\n"
	              "  handshake-time = 700 handshakes = 9 }\n"
	              "ipc { mode = \"0640\" owner = \"root\" group = \"7\" allow-users = {\"0\", \"4242\"} allow-groups = {\"root\"} }\n"
	              "limits { idle-time = 600 keepalive-time = 800 }\n") != 0)
		fail_msg("%s", problem);
	assert_int_equal(engine->tcp_addresses.allow.count, 2);
	assert_int_equal(engine->tcp_addresses.deny.count, 1);
	assert_int_equal(engine->tls_addresses.allow.count, 1);
	assert_int_equal(engine->tls_addresses.deny.count, 3);
	assert_true(io_network_parse(SLICE("192.0.2.7"), &network));
	assert_memory_equal(&engine->tcp_addresses.deny.networks[0], &network, sizeof(network));
	assert_true(engine->socket_file.has_mode);
	assert_int_equal(engine->socket_file.mode, 0640);
	assert_int_equal(engine->socket_file.owner, 0);
	assert_int_equal(engine->socket_file.group, 7);
	assert_int_equal(engine->ipc_users.users_count, 2);
	assert_int_equal(engine->ipc_users.users[1], 4242);
	assert_int_equal(engine->ipc_users.groups_count, 1);
	assert_int_equal(engine->limits.handshake_ms_max, 700);
	assert_int_equal(engine->limits.handshakes_max, 9);
	assert_int_equal(engine->limits.idle_ms_max, 600);
	assert_int_equal(engine->limits.keepalive_ms, 800);
	config_free(&config);
}

static void test_own_authserv_ids(void **state)
{
	const struct verdict_config *verdict = &config.engine.verdict;

	(void)state;
	assert_int_equal(config_of("own-authserv-ids = {\"mx1.example.org\", \".farm.example.org\"}\n"), 0);
	assert_int_equal(verdict->own_authserv_ids_count, 2);
	assert_slice_equal(verdict->own_authserv_ids[0], SLICE("mx1.example.org"));
	assert_slice_equal(verdict->own_authserv_ids[1], SLICE(".farm.example.org"));
	config_free(&config);
}

static void test_arc(void **state)
{
	const struct arc_config *arc = &config.engine.verdict.arc;

	(void)state;
	assert_int_equal(config_of("arc { verify = false max-sets = 32 oldest-pass = true\n"
	                           "trusted-sealers = {\"lists.example\", \".xn--bcher-kva.example\"} }\n"), 0);
	assert_true(!arc->verify && arc->find_oldest_pass);
	assert_int_equal(arc->sets_max, 32);
	assert_int_equal(arc->trusted_sealers_count, 2);
	assert_slice_equal(arc->trusted_sealers[0], SLICE("lists.example"));
	assert_slice_equal(arc->trusted_sealers[1], SLICE(".xn--bcher-kva.example"));
	config_free(&config);
}

static char key_path[64];

static void key_write(const char *text, unsigned mode)
{
	file_write(key_path, text);
	assert_int_equal(chmod(key_path, mode), 0);
}

static int sealer_config(const char *title, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "shards = 1\nsealer \"%s\" {\n  selector = \"k\"\n  key-file = \"%s\"\n%s}\n", title,
	         key_path, more);
	return config_of(text);
}

static void check_sealer_refused(const char *title, const char *more, unsigned line, const char *what)
{
	char place[128];

	snprintf(place, sizeof(place), "%s:%u:", path, line);
	if (sealer_config(title, more) == 0 || !strstr(problem, place) || !strstr(problem, what))
		fail_msg("%s", problem);
	assert_null(strstr(problem, "MIIC")); /* no word of the key */
}

/* A key that cannot seal stops the start with the line that names it. */
static void test_sealer_refused(void **state)
{
	(void)state;
	(void)unlink(key_path);
	check_sealer_refused("a.example", "", 4, "No such file");
	key_write("hello", 0600);
	check_sealer_refused("a.example", "", 4, "no private key");
	key_write(TEST_KEY_PEM, 0604);
	check_sealer_refused("a.example", "", 4, "everybody may read it");
	key_write(TEST_KEY_PEM, 0600);
	check_sealer_refused("A.example", "", 5, "A.example");
	check_sealer_refused("a", "", 5, "domain name");
	check_sealer_refused("a.example", "  selector = \"K k\"\n", 6, "selector");
	check_sealer_refused("a.example", "  headers = {\"subject\"}\n", 6, "From");
	check_sealer_refused("a.example", "  headers = {\"from\", \"ARC-Seal\"}\n", 5, "ARC-Seal");
	check_sealer_refused("a.example", "  headers = {\"from\", \"authentication-results\"}\n", 5, "authentication-results");
	check_sealer_refused("a.example", "  headers = {\"from\", \"a:b\"}\n", 5, "a:b");
	check_sealer_refused("a.example", "  key-file = \"/dev/zero\"\n", 5, "/dev/zero");
	if (config_of("sealer \"a.example\" {\n  selector = \"k\"\n}\n") == 0 || !strstr(problem, "key-file"))
		fail_msg("%s", problem);
}

static void test_sealers(void **state)
{
	const struct engine_config *engine = &config.engine;

	(void)state;
	key_write(TEST_KEY_PEM, 0600);
	assert_int_equal(config_of(""), 0);
	assert_int_equal(engine->sealers_count, 0);
	config_free(&config);
	assert_int_equal(sealer_config("a.example", "}\nsealer \"b.example\" {\n selector = \"x.y\" headers = {\"From\"}\n"
	                                            "key-file = \"/dev/null\"\n"), -EINVAL);
	if (sealer_config("a.example", "") != 0)
		fail_msg("%s", problem);
	assert_int_equal(engine->sealers_count, 1);
	assert_slice_equal(engine->sealers[0].domain, SLICE("a.example"));
	assert_slice_equal(engine->sealers[0].selector, SLICE("k"));
	assert_int_equal(engine->sealers[0].signer, 0);
	assert_int_equal(engine->sealers[0].names_count, 18);
	assert_slice_equal(engine->sealer_keys[0], SLICE(TEST_KEY_PEM));
	config_free(&config);
}

/* The list is read when it is used, and else only looked at. */
static void test_public_suffixes(void **state)
{
	static char list_path[sizeof(folder) + 8];
	const struct dmarc_public_suffixes *shadow = &config.engine.verdict.shadow;
	const struct dkim_public_suffixes *refused = &config.engine.verdict.dkim.refused;
	const struct breaker_bounds *breaker = &config.engine.limits.breaker;
	char text[256];

	(void)state;
	snprintf(list_path, sizeof(list_path), "%s/list", folder);
	file_write(list_path, "com\nhost.com\n");
	snprintf(text, sizeof(text), "dmarc { public-suffix-list = \"%s\" } dns { breaker-failures = 0 }\n", list_path);
	assert_int_equal(config_of(text), 0);
	assert_true(!shadow->organizational_domain && !refused->contain && !config.public_suffixes);
	config_free(&config);
	snprintf(text, sizeof(text), "dmarc { public-suffix-list = \"%s\" }\n", list_path);
	assert_int_equal(config_of(text), 0);
	assert_slice_equal(breaker->registrable_domain(breaker->arg, SLICE("a.b.host.com")), SLICE("b.host.com"));
	assert_true(!shadow->organizational_domain && !refused->contain);
	config_free(&config);
	snprintf(text, sizeof(text), "dmarc { public-suffix-list = \"%s\" } dkim { refuse-public-suffixes = true }\n",
	         list_path);
	assert_int_equal(config_of(text), 0);
	assert_true(!shadow->organizational_domain);
	assert_true(refused->contain(refused->arg, SLICE("host.com")));
	assert_false(refused->contain(refused->arg, SLICE("b.host.com")));
	config_free(&config);
	snprintf(text, sizeof(text), "dmarc { shadow-rfc7489 = true public-suffix-list = \"%s\" }\n", list_path);
	assert_int_equal(config_of(text), 0);
	assert_slice_equal(shadow->organizational_domain(shadow->arg, SLICE("a.b.host.com")), SLICE("b.host.com"));
	assert_null(refused->contain);
	config_free(&config);
	assert_int_equal(config_of("dmarc { shadow-rfc7489 = true }\n"), 0);
	assert_slice_equal(shadow->organizational_domain(shadow->arg, SLICE("a.b.co.uk")), SLICE("b.co.uk"));
	config_free(&config);
	assert_int_equal(unlink(list_path), 0);
}

static void test_forms_that_are_taken(void **state)
{
	static const char *const texts[] = {
		"dns { forward = {\"192.0.2.1\"} }\n",
		"dns { forward = {\"192.0.2.1@1\", \"2001:db8::1@65535\"} }\n",
		"dns { forward = {} }\n",
		"dns { dnssec = yes }\n",
		"dns { zone-file = \"\" trust-anchor-file = \"\" root-hints = \"\" }\n",
		"metrics { listen = \"\" }\n",
		"metrics { listen = \"127.0.0.1:8462\" }\n",
		"metrics { listen = \"0.0.0.0:1\" }\n",
		"listen = {\"tcp://*:8460\"}\n",
		"mta-sts { }\n",
		"/* comment */ shards = 1 // comment\n",
		"dns { forward = {\"192.0.2.1\"}\n}", /* no line end behind the last line */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (config_of(texts[i]) != 0)
			fail_msg("%s: %s", texts[i], problem);
		config_free(&config);
	}
}

/* What looks like a comment within a word or a string is none. */
static void test_comments(void **state)
{
	static const struct {
		const char *text, *own;
	} vectors[] = {
		{ "own-authserv-ids = a#b\n", "a" },
		{ "own-authserv-ids = a//b\n", "a//b" },
		{ "own-authserv-ids = \"a#b//c/*d\" # e\n", "a#b//c/*d" },
		{ "own-authserv-ids = 'a#b' // e\n", "a#b" },
		{ "own-authserv-ids = \"a\\\"#b\" # \"\n", "a\"#b" },
		{ "own-authserv-ids = 'a\\'#b' # '\n", "a'#b" },
		{ "own-authserv-ids = /* b */ c # d\n", "c" },
		{ "# \"\nown-authserv-ids = a # '\n", "a" },
		{ "own-authserv-ids = a # b", "a" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		if (config_of(vectors[i].text) != 0)
			fail_msg("%s: %s", vectors[i].text, problem);
		assert_slice_equal(config.engine.verdict.own_authserv_ids[0], slice_of_str(vectors[i].own));
		config_free(&config);
	}
	assert_int_equal(config_of("listen = {tcp://127.0.0.1:1, ipc:///tmp/x}\n"), 0);
	assert_string_equal(config.engine.listen[1], "ipc:///tmp/x");
	config_free(&config);
}

static void test_sections_given_twice_are_one(void **state)
{
	(void)state;
	assert_int_equal(config_of("dns { timeout = 50 }\nshards = 1\ndns { dnssec = false }\nshards = 2\n"), 0);
	assert_int_equal(config.engine.limits.dns_wait_ms_max, 50);
	assert_false(config.engine.resolver.dnssec);
	assert_int_equal(config.engine.shards, 2);
	config_free(&config);
}

/* A refused file leaves nothing behind for the next one. */
static void test_good_after_bad(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		check_refused("bad", "shards = many\n", 1, "shards");
		assert_int_equal(config_of("shards = 2\n"), 0);
		assert_int_equal(config.engine.shards, 2);
		config_free(&config);
	}
}

/* What libunbound would find out only when the first question comes. */
static void test_record_files(void **state)
{
	static const char *const keys[] = { "zone-file", "trust-anchor-file", "root-hints" };
	char text[256];

	(void)state;
	file_write(zone_path, "; comment\n\ngarbage trust\n");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		snprintf(text, sizeof(text), "dns {\n  %s = \"%s\"\n}\n", keys[i], zone_path);
		check_refused(keys[i], text, 2, "zone:3: ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_refused),
		cmocka_unit_test(test_nul_octet),
		cmocka_unit_test(test_errors_name_file_and_line),
		cmocka_unit_test(test_zone_file_fault),
		cmocka_unit_test(test_record_files),
		cmocka_unit_test(test_ranges_of_numbers),
		cmocka_unit_test(test_default_room),
		cmocka_unit_test(test_too_many_listeners),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key_arrives),
		cmocka_unit_test(test_who_may_connect), cmocka_unit_test(test_own_authserv_ids),
		cmocka_unit_test(test_public_suffixes),
		cmocka_unit_test(test_arc),
		cmocka_unit_test(test_sealer_refused),
		cmocka_unit_test(test_sealers),
		cmocka_unit_test(test_forms_that_are_taken),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_sections_given_twice_are_one),
		cmocka_unit_test(test_good_after_bad),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/assayd.conf", folder);
	snprintf(zone_path, sizeof(zone_path), "%s/zone", folder);
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)unlink(zone_path);
	(void)unlink(key_path);
	(void)rmdir(folder);
	return failed;
}
