#include "daemon/sealers.h"

#include "proto/mail/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What a reader sees or a client acts on, and what DKIM signed (RFC 6376 section 5.4.1, RFC 8617 section 4.1.2). */
static char headers_default[] = "{\"mime-version\", \"date\", \"from\", \"sender\", \"reply-to\", \"to\", \"cc\", "
				"\"subject\", \"message-id\", \"in-reply-to\", \"references\", \"content-type\", "
				"\"content-transfer-encoding\", \"list-id\", \"list-post\", \"list-unsubscribe\", "
				"\"list-unsubscribe-post\", \"dkim-signature\"}";

cfg_opt_t sealer_options[] = {
	CFG_STR("selector", "", CFGF_NONE),
	CFG_STR("key-file", "", CFGF_NONE),
	CFG_STR_LIST("headers", headers_default, CFGF_NONE), /* h= of ARC-Message-Signature */
	CFG_END(),
};

/* The file's octets, to be wiped and freed. NULL: `problem` says why not. */
static char *key_read(const char *path, size_t *len_out, const char **problem)
{
	FILE *file = fopen(path, "re");
	char *text = file ? malloc(SEALER_KEY_OCTETS_MAX) : NULL;
	struct stat status;

	*problem = file ? "out of memory" : strerror(errno);
	if (text && fstat(fileno(file), &status) == 0 && (status.st_mode & S_IROTH))
		*problem = "everybody may read it";
	else if (text && (*len_out = fread(text, 1, SEALER_KEY_OCTETS_MAX, file)) == SEALER_KEY_OCTETS_MAX)
		*problem = "is too large for a key";
	else if (text)
		*problem = ferror(file) ? "cannot be read" : NULL;
	if (file)
		fclose(file);
	if (!*problem)
		return text;
	if (text)
		explicit_bzero(text, SEALER_KEY_OCTETS_MAX);
	free(text);
	return NULL;
}

static void key_free(char *text)
{
	if (text)
		explicit_bzero(text, SEALER_KEY_OCTETS_MAX);
	free(text);
}

static int check_key_file(cfg_t *cfg, cfg_opt_t *option)
{
	const char *path = cfg_opt_getstr(option), *problem;
	char why[IO_PROBLEM_SIZE];
	size_t len;
	char *text = key_read(path, &len, &problem);
	bool usable = text && engine_sealer_key_check(slice_of(text, len), why);

	key_free(text);
	if (usable)
		return 0;
	cfg_error(cfg, "key-file = %s: %s", path, problem ? problem : why);
	return -1;
}

/* Printable, and never a field that a later hop takes away or that ARC forbids (RFC 8617 section 4.1.2). */
static bool is_signable(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > 126 || name.ptr[i] == ':' || name.ptr[i] == ';')
			return false;
	return name.len > 0 && !slice_starts_with_nocase(name, SLICE("ARC-")) &&
	       !slice_equal_nocase(name, SLICE("Authentication-Results"));
}

/* Called for every item, with the list so far. */
static int check_headers(cfg_t *cfg, cfg_opt_t *option)
{
	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		struct slice name = slice_of_str(cfg_opt_getnstr(option, i));

		if (!is_signable(name)) {
			cfg_error(cfg, "headers: \"%.*s\" is not to be signed", SLICE_FMT(name));
			return -1;
		}
	}
	return 0;
}

/* RFC 6376 section 5.4; and who trusts a sealer believes it only then (proto/arc/trust.h). */
static bool signs_from(cfg_t *sealer)
{
	for (unsigned i = 0; i < cfg_size(sealer, "headers"); i++)
		if (slice_equal_nocase(slice_of_str(cfg_getnstr(sealer, "headers", i)), SLICE("From")))
			return true;
	return false;
}

/* A whole section: its title is d=. */
static int check_sealer(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *sealer = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	struct slice domain = slice_of_str(cfg_title(sealer));

	if (cfg_opt_size(option) > SEALERS_MAX)
		cfg_error(cfg, "sealer: more than %d", SEALERS_MAX);
	else if (!domain_is_canonical(domain) || domain_label_count(domain) < 2)
		cfg_error(cfg, "sealer \"%s\": wants a domain name in lower case, with A-labels", cfg_title(sealer));
	else if (!domain_is_canonical(slice_of_str(cfg_getstr(sealer, "selector"))))
		cfg_error(cfg, "sealer \"%s\": wants a selector, in lower case", cfg_title(sealer));
	else if (!signs_from(sealer))
		cfg_error(cfg, "sealer \"%s\": headers: wants From among them", cfg_title(sealer));
	else if (!*cfg_getstr(sealer, "key-file"))
		cfg_error(cfg, "sealer \"%s\": wants a key-file", cfg_title(sealer));
	else
		return 0;
	return -1;
}

void sealers_check(cfg_t *file)
{
	cfg_set_validate_func(file, "sealer|key-file", check_key_file);
	cfg_set_validate_func(file, "sealer|headers", check_headers);
	cfg_set_validate_func(file, "sealer", check_sealer);
}

static int sealer_read(cfg_t *section, unsigned index, struct arc_sealer *sealer, struct slice *key)
{
	unsigned count = cfg_size(section, "headers");
	struct slice *names = calloc(count ? count : 1, sizeof(*names));
	const char *problem;
	char *text;

	sealer->names = names;
	if (!names)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		names[i] = slice_of_str(cfg_getnstr(section, "headers", i));
	*sealer = (struct arc_sealer){
		.domain = slice_of_str(cfg_title(section)),
		.selector = slice_of_str(cfg_getstr(section, "selector")),
		.names = names,
		.names_count = count,
		.signer = index,
	};
	text = key_read(cfg_getstr(section, "key-file"), &key->len, &problem);
	key->ptr = (const uint8_t *)text;
	return text ? 0 : -EINVAL;
}

int sealers_read(cfg_t *file, struct engine_config *out)
{
	unsigned count = cfg_size(file, "sealer");
	struct arc_sealer *sealers = calloc(count ? count : 1, sizeof(*sealers));
	struct slice *keys = calloc(count ? count : 1, sizeof(*keys));

	out->sealers = sealers;
	out->sealer_keys = keys;
	if (!sealers || !keys)
		return -ENOMEM;
	out->sealers_count = count; /* for sealers_free(), however far it comes */
	for (unsigned i = 0; i < count; i++)
		TRY(sealer_read(cfg_getnsec(file, "sealer", i), i, &sealers[i], &keys[i]));
	return 0;
}

void sealers_free(struct engine_config *config)
{
	for (size_t i = 0; i < config->sealers_count; i++) {
		free((void *)(uintptr_t)config->sealers[i].names);
		key_free((char *)(uintptr_t)config->sealer_keys[i].ptr);
	}
	free((void *)(uintptr_t)config->sealers);
	free((void *)(uintptr_t)config->sealer_keys);
}
