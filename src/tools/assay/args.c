#include "tools/assay/args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/assay.h"

#define TIMEOUT_MS_MAX 3600000

enum {
	OPTION_TIMEOUT = 0x1000,
	OPTION_JSON,
	OPTION_IP,
	OPTION_HELO,
	OPTION_FROM,
	OPTION_RCPT,
	OPTION_RECEIVED_AT,
	OPTION_AUTHSERV_ID,
	OPTION_MX,
	OPTION_DIGEST,
	OPTION_PURGE
};

static const struct option options[] = {
	{ "server", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "ip", required_argument, NULL, OPTION_IP },
	{ "helo", required_argument, NULL, OPTION_HELO },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "rcpt", required_argument, NULL, OPTION_RCPT },
	{ "received-at", required_argument, NULL, OPTION_RECEIVED_AT },
	{ "authserv-id", required_argument, NULL, OPTION_AUTHSERV_ID },
	{ "mx", required_argument, NULL, OPTION_MX },
	{ "digest", no_argument, NULL, OPTION_DIGEST },
	{ "purge", no_argument, NULL, OPTION_PURGE },
	{ NULL, 0, NULL, 0 },
};

int args_usage_error(const char *command, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "assay %s: ", command);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nTry 'assay %s --help'.\n", command);
	return EXIT_USAGE;
}

/* The bit of a command's own option; 0 for those that every command takes. */
static unsigned option_bit(int option)
{
	switch (option) {
	case OPTION_IP: return ARGS_IP;
	case OPTION_HELO: return ARGS_HELO;
	case OPTION_FROM: return ARGS_FROM;
	case OPTION_RCPT: return ARGS_RCPT;
	case OPTION_RECEIVED_AT: return ARGS_RECEIVED_AT;
	case OPTION_AUTHSERV_ID: return ARGS_AUTHSERV_ID;
	case OPTION_MX: return ARGS_MX;
	case OPTION_DIGEST: return ARGS_DIGEST;
	case OPTION_PURGE: return ARGS_PURGE;
	default: return 0;
	}
}

static const char *option_name(int option)
{
	for (const struct option *o = options; o->name; o++) {
		if (o->val == option)
			return o->name;
	}
	return "?";
}

static bool parse_number(const char *text, int64_t min, int64_t max, int64_t *number_out)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end || number < min || number > max)
		return false;
	*number_out = number;
	return true;
}

static bool is_ip(const char *text)
{
	unsigned char octets[16];

	return inet_pton(AF_INET, text, octets) == 1 || inet_pton(AF_INET6, text, octets) == 1;
}

/* Takes one pair of angle brackets off, in place. */
static char *without_brackets(char *path)
{
	size_t len = strlen(path);

	if (len < 2 || path[0] != '<' || path[len - 1] != '>')
		return path;
	path[len - 1] = '\0';
	return path + 1;
}

static bool add_rcpt(struct args *args, char *path)
{
	const char **rcpt = realloc(args->rcpt, (args->rcpt_count + 1) * sizeof *rcpt);

	if (!rcpt)
		return false;
	rcpt[args->rcpt_count++] = without_brackets(path);
	args->rcpt = rcpt;
	return true;
}

/* False when the value cannot be used. */
static bool take_option(struct args *args, int option, char *value)
{
	int64_t number;

	switch (option) {
	case 's': args->server = value; return true;
	case OPTION_JSON: args->json = true; return true;
	case OPTION_IP: args->ip = value; return is_ip(value);
	case OPTION_HELO: args->helo = value; return true;
	case OPTION_FROM: args->from = without_brackets(value); return true;
	case OPTION_RCPT: return add_rcpt(args, value);
	case OPTION_RECEIVED_AT: return parse_number(value, 1, INT64_MAX, &args->received_at);
	case OPTION_AUTHSERV_ID: args->authserv_id = value; return true;
	case OPTION_MX: args->mx = value; return true;
	case OPTION_DIGEST: args->digest = true; return true;
	case OPTION_PURGE: args->purge = true; return true;
	case OPTION_TIMEOUT:
		if (!parse_number(value, 1, TIMEOUT_MS_MAX, &number))
			return false;
		args->timeout_ms = (uint32_t)number;
		return true;
	default: return false;
	}
}

/* What getopt_long() found wrong, in our words. */
static enum args_outcome wrong_option(const char *command, int result, char **argv)
{
	if (result == ':')
		args_usage_error(command, "%s needs a value", argv[optind - 1]);
	else if (optopt > ' ' && optopt <= '~')
		args_usage_error(command, "there is no option -%c", optopt);
	else if (optopt)
		args_usage_error(command, "--%s takes no value", option_name(optopt));
	else
		args_usage_error(command, "there is no option %s", argv[optind - 1]);
	return ARGS_WRONG;
}

enum args_outcome args_parse(int argc, char **argv, unsigned allowed, struct args *args)
{
	const char *command = argv[0];
	int option;

	*args = (struct args){ .timeout_ms = ASSAY_DEADLINE_MS_DEFAULT };
	optind = 0; /* GNU: start anew */
	while ((option = getopt_long(argc, argv, ":s:h", options, NULL)) != -1) {
		unsigned bit = option_bit(option);

		if (option == 'h')
			return ARGS_HELP;
		if (option == '?' || option == ':')
			return wrong_option(command, option, argv);
		if (bit && !(allowed & bit)) {
			args_usage_error(command, "--%s has no meaning here", option_name(option));
			return ARGS_WRONG;
		}
		if (!take_option(args, option, optarg)) {
			args_usage_error(command, "\"%s\" is no value for --%s", optarg, option_name(option));
			return ARGS_WRONG;
		}
	}
	args->operands = argv + optind;
	args->operand_count = argc - optind;
	return ARGS_OK;
}

void args_deinit(struct args *args)
{
	free(args->rcpt);
	args->rcpt = NULL;
}
