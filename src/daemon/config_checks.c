#include "daemon/access.h"
#include "daemon/metrics.h"
#include "daemon/sealers.h"
#include "io/https.h"
#include "io/listen.h"
#include "proto/arc/limits.h"
#include "proto/mail/domain.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A number's name, unit in its comment, default and range. Sections stand before the bar. */
static const struct number {
	const char *name;
	long least, most;
} numbers[] = {
	{ "shards", 0, ENGINE_SHARDS_MAX },
	{ "dns|timeout", 10, 60000 },
	{ "dns|max-lookups", 10, 1000 },
	{ "dns|cache-size", MIB, 64L * 1024 * MIB },
	{ "dns|max-queries", 64, 65536 },
	{ "dns|max-queries-per-domain", 10, 65536 },
	{ "dns|min-ttl", 0, 3600 },
	{ "dns|max-ttl", 1, 604800 },
	{ "dns|max-negative-ttl", 1, 86400 },
	{ "dns|failure-ttl", 1, 300 },
	{ "dns|bogus-ttl", 1, 300 },
	{ "dns|serve-stale", 0, 604800 },
	{ "dns|prefetch", 0, 60 },
	{ "dns|breaker-failures", 0, BREAKER_FAILURES_MAX },
	{ "dns|breaker-time", 10, 60000 },
	{ "dns|breaker-zones", 4, 1000000 },
	{ "spf|max-lookups", 1, 100 },
	{ "spf|max-void-lookups", 0, 100 },
	{ "dkim|max-signatures", 1, 32 },
	{ "dkim|min-rsa-bits", 512, 8192 },
	{ "dkim|max-rsa-bits", 1024, 8192 },
	{ "dkim|clock-drift", 0, 86400 },
	{ "dkim|max-verify-time", 100, 1000000 },
	{ "arc|max-sets", 1, ARC_SETS_VERIFIED_MAX },
	{ "mta-sts|https-port", 1, 65535 },
	{ "mta-sts|timeout", 100, 600000 },
	{ "mta-sts|max-connections", 1, 1024 },
	{ "mta-sts|max-connections-per-address", 1, 1024 },
	{ "mta-sts|max-waiting", 1, 1000000 },
	{ "mta-sts|cache-size", MIB, 64L * 1024 * MIB },
	{ "mta-sts|failure-ttl", 1, 86400 },
	{ "mta-sts|refresh", 1, 604800 },
	{ "limits|message-size", 1024, 1024L * MIB },
	{ "limits|octets-held", 16 * MIB, 1024L * 1024 * MIB },
	{ "limits|connection-octets-held", MIB, 1024L * 1024 * MIB },
	{ "limits|request-memory", 65536, 1024L * MIB },
	{ "limits|in-flight", 1, 10000000 },
	{ "limits|connection-in-flight", 1, 1000000 },
	{ "limits|queue-time", 1, 600000 },
	{ "limits|connections", 1, 1000000 },
	{ "limits|header-size", 1024, 64 * MIB },
	{ "limits|header-fields", 10, 100000 },
	{ "limits|header-field-size", 1024, 64 * MIB },
	{ "limits|drain-time", 0, 600000 },
	{ "limits|stall-time", 100, 3600000 },
	{ "limits|stall-octets", 1, 1024L * MIB },
	{ "limits|idle-time", 0, 86400000 },
	{ "limits|keepalive-time", 0, 7200000 },
	{ "tls|handshake-time", 100, 600000 },
	{ "tls|handshakes", 1, 1000000 },
	{ "limits|key-cache-size", MIB, 64L * 1024 * MIB },
	{ "limits|replay-memory", 0, 1024L * MIB },
};

static const struct number *number_of(cfg_t *cfg, const char *option)
{
	const char *section = cfg_name(cfg);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const char *bar = strchr(numbers[i].name, '|');
		size_t section_len = bar ? (size_t)(bar - numbers[i].name) : 0;

		if (strcmp(bar ? bar + 1 : numbers[i].name, option) != 0)
			continue;
		if (bar ? strlen(section) == section_len && memcmp(section, numbers[i].name, section_len) == 0
		        : strcmp(section, "root") == 0)
			return &numbers[i];
	}
	return NULL;
}

static int check_number(cfg_t *cfg, cfg_opt_t *option)
{
	const struct number *number = number_of(cfg, option->name);
	long value = cfg_opt_getnint(option, cfg_opt_size(option) - 1);

	ASSERT(number);
	if (value >= number->least && value <= number->most)
		return 0;
	cfg_error(cfg, "%s = %ld: not within %ld to %ld", option->name, value, number->least, number->most);
	return -1;
}

static int check_listen(cfg_t *cfg, cfg_opt_t *option)
{
	char problem[IO_PROBLEM_SIZE];

	if (cfg_opt_size(option) > IO_LISTENERS_MAX) {
		cfg_error(cfg, "listen: more than %d addresses", IO_LISTENERS_MAX);
		return -1;
	}
	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		if (io_url_check(cfg_opt_getnstr(option, i), problem) < 0) {
			cfg_error(cfg, "listen: %s", problem);
			return -1;
		}
	}
	return 0;
}

/* An address, or address@port. */
static int check_forward(cfg_t *cfg, cfg_opt_t *option)
{
	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		struct slice whole = slice_of_str(cfg_opt_getnstr(option, i)), port = whole, address;
		struct ip_address ip;
		uint64_t number = 53;

		address = slice_cut(&port, '@');
		if (!ip_parse(address, &ip) || (port.ptr && !slice_to_u64(port, 5, &number)) || number < 1 || number > 65535) {
			cfg_error(cfg, "forward: %.*s: wants ADDRESS or ADDRESS@PORT", SLICE_FMT(whole));
			return -1;
		}
	}
	return 0;
}

static int check_file(cfg_t *cfg, cfg_opt_t *option)
{
	const char *path = cfg_opt_getstr(option);

	if (!*path || access(path, R_OK) == 0)
		return 0;
	cfg_error(cfg, "%s = %s: %s", option->name, path, strerror(errno));
	return -1;
}

static int check_ca_file(cfg_t *cfg, cfg_opt_t *option)
{
	char problem[IO_PROBLEM_SIZE];

	TRY(check_file(cfg, option));
	if (!*cfg_opt_getstr(option) || io_https_check_ca_file(cfg_opt_getstr(option), problem))
		return 0;
	cfg_error(cfg, "%s: %s", option->name, problem);
	return -1;
}

static int check_directory(cfg_t *cfg, cfg_opt_t *option)
{
	const char *path = cfg_opt_getstr(option);
	struct stat status;

	if (!*path)
		return 0;
	if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
		errno = ENOTDIR;
	/* What is read-only by its file system the daemon can do without. */
	else if (access(path, R_OK | W_OK | X_OK) == 0 || errno == EROFS)
		return 0;
	cfg_error(cfg, "%s = %s: %s", option->name, path, strerror(errno));
	return -1;
}

/* Records in zone-file format, which libunbound would read only later. */
static int check_records_file(cfg_t *cfg, cfg_opt_t *option)
{
	char problem[IO_PROBLEM_SIZE];

	TRY(check_file(cfg, option));
	if (io_resolver_check_zone_file(cfg_opt_getstr(option), problem) == 0)
		return 0;
	cfg_error(cfg, "%s: %s", option->name, problem);
	return -1;
}

static int check_zone_file(cfg_t *cfg, cfg_opt_t *option)
{
	char problem[IO_PROBLEM_SIZE];

	if (io_resolver_check_zone_file(cfg_opt_getstr(option), problem) == 0)
		return 0;
	cfg_error(cfg, "%s", problem);
	return -1;
}

static int check_public_suffix_list(cfg_t *cfg, cfg_opt_t *option)
{
	struct io_public_suffixes *suffixes;
	char problem[IO_PROBLEM_SIZE];

	if (io_public_suffixes_open(cfg_opt_getstr(option), &suffixes, problem) < 0) {
		cfg_error(cfg, "%s: %s", option->name, problem);
		return -1;
	}
	io_public_suffixes_close(suffixes);
	return 0;
}

static int check_authserv_ids(cfg_t *cfg, cfg_opt_t *option)
{
	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		const char *id = cfg_opt_getnstr(option, i);

		if (*id == 0 || strcmp(id, ".") == 0) {
			cfg_error(cfg, "%s: \"%s\" names nobody", option->name, id);
			return -1;
		}
	}
	return 0;
}

bool config_is_host_name(const char *name)
{
	uint8_t lower[DOMAIN_OCTETS_MAX];
	size_t len = strlen(name);

	if (len > sizeof(lower))
		return false;
	slice_lower(slice_of(name, len), lower);
	return domain_is_canonical(slice_of(lower, len));
}

/* As they are compared: a name that could never equal a canonical one would be trust that silently is not given. */
static int check_sealers(cfg_t *cfg, cfg_opt_t *option)
{
	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		struct slice sealer = slice_of_str(cfg_opt_getnstr(option, i));
		struct slice name = slice_starts_with(sealer, SLICE(".")) ? slice_from(sealer, 1) : sealer;

		if (!domain_is_canonical(name)) {
			cfg_error(cfg, "%s: \"%.*s\": wants a domain name in lower case, with A-labels", option->name,
			          SLICE_FMT(sealer));
			return -1;
		}
	}
	return 0;
}

/*
 * RFC 8601 section 2.5 wants a name of the farm, "in the form of a domain name"; what would have to be quoted is read
 * differently by different readers, and then a forged field of that name might stay.
 */
static int check_authserv_id(cfg_t *cfg, cfg_opt_t *option)
{
	const char *id = cfg_opt_getstr(option);

	if (!*id || config_is_host_name(id))
		return 0;
	cfg_error(cfg, "authserv-id: no domain name (ASCII letters, digits, hyphens and dots; A-labels for others)");
	return -1;
}

bool config_policy_read(const char *word, enum dmarc_policy *out)
{
	for (*out = DMARC_POLICY_NONE; *out <= DMARC_POLICY_REJECT; ++*out)
		if (strcmp(word, dmarc_policy_text(*out)) == 0)
			return true;
	return false;
}

static int check_policy(cfg_t *cfg, cfg_opt_t *option)
{
	enum dmarc_policy policy;

	if (config_policy_read(cfg_opt_getstr(option), &policy))
		return 0;
	cfg_error(cfg, "%s = %s: wants none, quarantine or reject", option->name, cfg_opt_getstr(option));
	return -1;
}

static int check_kernels(cfg_t *cfg, cfg_opt_t *option)
{
	enum crypto_kernels_wish wish;
	char problem[IO_PROBLEM_SIZE];

	if (engine_kernels_check(cfg_opt_getstr(option), &wish, problem))
		return 0;
	cfg_error(cfg, "%s = %s: %s", option->name, cfg_opt_getstr(option), problem);
	return -1;
}

static int check_metrics_listen(cfg_t *cfg, cfg_opt_t *option)
{
	const char *listen = cfg_opt_getstr(option);

	if (!*listen || metrics_address_check(listen))
		return 0;
	cfg_error(cfg, "metrics: %s: wants ADDRESS:PORT", listen);
	return -1;
}

void config_checks_set(cfg_t *file)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		cfg_set_validate_func(file, numbers[i].name, check_number);
	cfg_set_validate_func(file, "listen", check_listen);
	cfg_set_validate_func(file, "dns|forward", check_forward);
	cfg_set_validate_func(file, "dns|trust-anchor-file", check_records_file);
	cfg_set_validate_func(file, "dns|root-hints", check_records_file);
	cfg_set_validate_func(file, "dns|zone-file", check_zone_file);
	cfg_set_validate_func(file, "mta-sts|ca-file", check_ca_file);
	cfg_set_validate_func(file, "state-directory", check_directory);
	cfg_set_validate_func(file, "own-authserv-ids", check_authserv_ids);
	cfg_set_validate_func(file, "arc|trusted-sealers", check_sealers);
	sealers_check(file);
	access_checks_set(file);
	cfg_set_validate_func(file, "dmarc|public-suffix-list", check_public_suffix_list);
	cfg_set_validate_func(file, "dmarc|no-author", check_policy);
	cfg_set_validate_func(file, "authserv-id", check_authserv_id);
	cfg_set_validate_func(file, "crypto|kernels", check_kernels);
	cfg_set_validate_func(file, "metrics|listen", check_metrics_listen);
}
