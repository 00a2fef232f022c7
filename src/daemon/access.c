#include "daemon/access.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODE_DIGITS_MAX 4

/* libConfuse wants its default texts writable. */
static char names_default[] = "{}", tls_allow_default[] = "{}", tls_deny_default[] = "{}", tcp_allow_default[] = "{}",
	    tcp_deny_default[] = "{}", users_default[] = "{}", groups_default[] = "{}";

cfg_opt_t tls_options[] = {
	CFG_STR("certificate", "", CFGF_NONE), /* the chain, PEM */
	CFG_STR("key", "", CFGF_NONE),
	CFG_STR("client-ca", "", CFGF_NONE),
	CFG_STR_LIST("allow-names", names_default, CFGF_NONE), /* dNSNames of clients; ".name": all below it */
	CFG_STR_LIST("allow-addresses", tls_allow_default, CFGF_NONE),
	CFG_STR_LIST("deny-addresses", tls_deny_default, CFGF_NONE),
	CFG_INT("handshake-time", 5000, CFGF_NONE), /* milliseconds */
	CFG_INT("handshakes", 1024, CFGF_NONE),     /* under way, all shards */
	CFG_END(),
};
cfg_opt_t tcp_options[] = {
	CFG_STR_LIST("allow-addresses", tcp_allow_default, CFGF_NONE), /* none: everybody */
	CFG_STR_LIST("deny-addresses", tcp_deny_default, CFGF_NONE),   /* these first */
	CFG_END(),
};
cfg_opt_t ipc_options[] = {
	CFG_STR("mode", "", CFGF_NONE), /* of the socket's file, in octal; "": by the umask */
	CFG_STR("owner", "", CFGF_NONE),
	CFG_STR("group", "", CFGF_NONE),
	CFG_STR_LIST("allow-users", users_default, CFGF_NONE), /* who is one of them or in one of the groups; none: everybody */
	CFG_STR_LIST("allow-groups", groups_default, CFGF_NONE),
	CFG_END(),
};

/* --- words --- */

static bool mode_read(struct slice text, mode_t *out)
{
	mode_t mode = 0;

	if (text.len == 0 || text.len > MODE_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '7')
			return false;
		mode = mode << 3 | (mode_t)(text.ptr[i] - '0');
	}
	*out = mode;
	return mode <= 0777;
}

static bool number_read(const char *text, unsigned *out)
{
	uint64_t number;

	if (!slice_to_u64(slice_of_str(text), 10, &number) || number >= UINT32_MAX)
		return false;
	*out = (unsigned)number;
	return true;
}

/* A name, or a number that need not have one. */
static bool user_read(const char *text, uid_t *out)
{
	const struct passwd *user = getpwnam(text);

	if (user)
		*out = user->pw_uid;
	return user || number_read(text, out);
}

static bool group_read(const char *text, gid_t *out)
{
	const struct group *group = getgrnam(text);

	if (group)
		*out = group->gr_gid;
	return group || number_read(text, out);
}

/* --- checks --- */

static int check_with(cfg_t *cfg, cfg_opt_t *option, int (*check)(const char *path, char problem[IO_PROBLEM_SIZE]))
{
	const char *path = cfg_opt_getstr(option);
	char problem[IO_PROBLEM_SIZE];

	if (!*path || check(path, problem) == 0)
		return 0;
	cfg_error(cfg, "%s: %s", option->name, problem);
	return -1;
}

static int check_certificate(cfg_t *cfg, cfg_opt_t *option)
{
	return check_with(cfg, option, io_tls_check_certificate);
}

static int check_key(cfg_t *cfg, cfg_opt_t *option)
{
	return check_with(cfg, option, io_tls_check_key);
}

static int check_ca(cfg_t *cfg, cfg_opt_t *option)
{
	return check_with(cfg, option, io_tls_check_ca);
}

/* A name that no certificate can have would be a client that is silently refused. */
static int check_names(cfg_t *cfg, cfg_opt_t *option)
{
	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		const char *name = cfg_opt_getnstr(option, i);

		if (!config_is_host_name(name[0] == '.' ? name + 1 : name)) {
			cfg_error(cfg, "%s: \"%s\": wants a host name with A-labels, or a dot and one", option->name, name);
			return -1;
		}
	}
	return 0;
}

static int check_count(cfg_t *cfg, cfg_opt_t *option, unsigned most)
{
	if (cfg_opt_size(option) <= most)
		return 0;
	cfg_error(cfg, "%s: more than %u", option->name, most);
	return -1;
}

static int check_addresses(cfg_t *cfg, cfg_opt_t *option)
{
	struct io_network network;

	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		if (!io_network_parse(slice_of_str(cfg_opt_getnstr(option, i)), &network)) {
			cfg_error(cfg, "%s: \"%s\": wants ADDRESS or ADDRESS/PREFIX, with no bit set behind the prefix", option->name,
			          cfg_opt_getnstr(option, i));
			return -1;
		}
	}
	return check_count(cfg, option, IO_ADDRESSES_MAX);
}

static int check_mode(cfg_t *cfg, cfg_opt_t *option)
{
	mode_t mode;

	if (!*cfg_opt_getstr(option) || mode_read(slice_of_str(cfg_opt_getstr(option)), &mode))
		return 0;
	cfg_error(cfg, "%s = %s: wants an octal number such as \"0660\"", option->name, cfg_opt_getstr(option));
	return -1;
}

static int no_such(cfg_t *cfg, const cfg_opt_t *option, const char *name)
{
	cfg_error(cfg, "%s: \"%s\": there is none of that name", option->name, name);
	return -1;
}

static int check_users(cfg_t *cfg, cfg_opt_t *option)
{
	uid_t user;

	for (unsigned i = 0; i < cfg_opt_size(option); i++)
		if (*cfg_opt_getnstr(option, i) ? !user_read(cfg_opt_getnstr(option, i), &user) : option->flags & CFGF_LIST)
			return no_such(cfg, option, cfg_opt_getnstr(option, i));
	return check_count(cfg, option, IO_PEER_IDS_MAX);
}

static int check_groups(cfg_t *cfg, cfg_opt_t *option)
{
	gid_t group;

	for (unsigned i = 0; i < cfg_opt_size(option); i++)
		if (*cfg_opt_getnstr(option, i) ? !group_read(cfg_opt_getnstr(option, i), &group) : option->flags & CFGF_LIST)
			return no_such(cfg, option, cfg_opt_getnstr(option, i));
	return check_count(cfg, option, IO_PEER_IDS_MAX);
}

/* `names` is the caller's, for as long as the configuration is used. */
static struct io_tls_config tls_config_of(cfg_t *tls, struct slice *names)
{
	unsigned count = cfg_size(tls, "allow-names");

	for (unsigned i = 0; i < count; i++)
		names[i] = slice_of_str(cfg_getnstr(tls, "allow-names", i));
	return (struct io_tls_config){ .certificate = cfg_getstr(tls, "certificate"),
		                       .key = cfg_getstr(tls, "key"),
		                       .client_ca = cfg_getstr(tls, "client-ca"),
		                       .names = names,
		                       .names_count = count };
}

/* NULL: nothing; else what is missing. */
static const char *tls_lacks(cfg_t *tls)
{
	bool certificate = *cfg_getstr(tls, "certificate"), key = *cfg_getstr(tls, "key");

	if (certificate != key)
		return certificate ? "a certificate without its key" : "a key without its certificate";
	if (cfg_size(tls, "allow-names") && !*cfg_getstr(tls, "client-ca"))
		return "allow-names without client-ca";
	return NULL;
}

/* The whole section: what belongs together. */
static int check_tls(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	const char *lack = tls_lacks(section);
	char problem[IO_PROBLEM_SIZE] = "out of memory";
	struct slice *names;
	struct io_tls *tls;
	int result = -ENOMEM;

	if (lack) {
		cfg_error(cfg, "tls: %s", lack);
		return -1;
	}
	if (!*cfg_getstr(section, "certificate"))
		return 0;
	names = calloc(cfg_size(section, "allow-names") + 1, sizeof(*names));
	if (names) {
		struct io_tls_config config = tls_config_of(section, names);

		result = io_tls_new(&config, &tls, problem);
	}
	if (result == 0)
		io_tls_free(tls);
	else
		cfg_error(cfg, "tls: %s", problem);
	free(names);
	return result == 0 ? 0 : -1;
}

void access_checks_set(cfg_t *file)
{
	cfg_set_validate_func(file, "tls|certificate", check_certificate);
	cfg_set_validate_func(file, "tls|key", check_key);
	cfg_set_validate_func(file, "tls|client-ca", check_ca);
	cfg_set_validate_func(file, "tls|allow-names", check_names);
	cfg_set_validate_func(file, "tls|allow-addresses", check_addresses);
	cfg_set_validate_func(file, "tls|deny-addresses", check_addresses);
	cfg_set_validate_func(file, "tls", check_tls);
	cfg_set_validate_func(file, "tcp|allow-addresses", check_addresses);
	cfg_set_validate_func(file, "tcp|deny-addresses", check_addresses);
	cfg_set_validate_func(file, "ipc|mode", check_mode);
	cfg_set_validate_func(file, "ipc|owner", check_users);
	cfg_set_validate_func(file, "ipc|group", check_groups);
	cfg_set_validate_func(file, "ipc|allow-users", check_users);
	cfg_set_validate_func(file, "ipc|allow-groups", check_groups);
}

/* --- values --- */

static int addresses_read(cfg_t *section, const char *name, struct io_addresses *out)
{
	struct io_network network;

	for (unsigned i = 0; i < cfg_size(section, name); i++)
		if (io_network_parse(slice_of_str(cfg_getnstr(section, name, i)), &network))
			TRY(io_addresses_add(out, &network));
	return 0;
}

static int rules_read(cfg_t *section, struct io_address_rules *out)
{
	TRY(addresses_read(section, "allow-addresses", &out->allow));
	return addresses_read(section, "deny-addresses", &out->deny);
}

static void users_read(cfg_t *ipc, struct io_user_rules *out)
{
	for (unsigned i = 0; i < cfg_size(ipc, "allow-users"); i++)
		out->users_count += user_read(cfg_getnstr(ipc, "allow-users", i), &out->users[out->users_count]);
	for (unsigned i = 0; i < cfg_size(ipc, "allow-groups"); i++)
		out->groups_count += group_read(cfg_getnstr(ipc, "allow-groups", i), &out->groups[out->groups_count]);
}

static struct io_socket_file socket_file_of(cfg_t *ipc)
{
	struct io_socket_file file = IO_SOCKET_FILE_PLAIN;

	file.has_mode = mode_read(slice_of_str(cfg_getstr(ipc, "mode")), &file.mode);
	if (*cfg_getstr(ipc, "owner"))
		(void)user_read(cfg_getstr(ipc, "owner"), &file.owner);
	if (*cfg_getstr(ipc, "group"))
		(void)group_read(cfg_getstr(ipc, "group"), &file.group);
	return file;
}

static int tls_read(cfg_t *tls, struct daemon_config *out, char problem[IO_PROBLEM_SIZE])
{
	struct io_tls_config config;

	if (!*cfg_getstr(tls, "certificate"))
		return 0;
	out->tls_names = calloc(cfg_size(tls, "allow-names") + 1, sizeof(*out->tls_names));
	if (!out->tls_names)
		return -ENOMEM;
	config = tls_config_of(tls, out->tls_names);
	return io_tls_new(&config, &out->engine.tls, problem);
}

int access_read(cfg_t *file, struct daemon_config *out, char problem[IO_PROBLEM_SIZE])
{
	cfg_t *ipc = cfg_getsec(file, "ipc");

	snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
	TRY(rules_read(cfg_getsec(file, "tcp"), &out->engine.tcp_addresses));
	TRY(rules_read(cfg_getsec(file, "tls"), &out->engine.tls_addresses));
	users_read(ipc, &out->engine.ipc_users);
	out->engine.socket_file = socket_file_of(ipc);
	return tls_read(cfg_getsec(file, "tls"), out, problem);
}

void access_free(struct daemon_config *config)
{
	io_addresses_free(&config->engine.tcp_addresses.allow);
	io_addresses_free(&config->engine.tcp_addresses.deny);
	io_addresses_free(&config->engine.tls_addresses.allow);
	io_addresses_free(&config->engine.tls_addresses.deny);
	io_tls_free(config->engine.tls);
	free(config->tls_names);
}
