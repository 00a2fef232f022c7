/*
 * main.c - `assay`, the command for people and scripts: finds the command and runs it.
 */
#include <stdio.h>
#include <string.h>

#include "tools/assay/args.h"
#include "tools/assay/command.h"
#include "tools/assay/usage.h"

static const struct {
	const char *name;
	unsigned allowed; /* its own options */
	int (*run)(const struct args *args);
} commands[] = {
	{ "check", ARGS_IP | ARGS_HELO | ARGS_FROM | ARGS_RCPT | ARGS_RECEIVED_AT | ARGS_AUTHSERV_ID | ARGS_DIGEST,
	  command_check },
	{ "spf", ARGS_IP | ARGS_HELO | ARGS_FROM | ARGS_RECEIVED_AT | ARGS_AUTHSERV_ID, command_spf },
	{ "tls-policy", ARGS_MX | ARGS_PURGE, command_tls_policy },
	{ "status", 0, command_status },
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

/* A verdict that could not be written is none. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("assay: standard output");
	return EXIT_SERVER;
}

static int run(size_t command, int argc, char **argv)
{
	struct args args;
	int status = EXIT_USAGE;

	switch (args_parse(argc, argv, commands[command].allowed, &args)) {
	case ARGS_OK: status = commands[command].run(&args); break;
	case ARGS_HELP:
		usage_print(stdout, commands[command].name);
		status = 0;
		break;
	case ARGS_WRONG: break;
	}
	args_deinit(&args);
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		usage_print(stderr, NULL);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return finish(run(i, argc - 1, argv + 1));
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		usage_print(stdout, NULL);
		return finish(0);
	}
	if (strcmp(name, "--version") == 0) {
		printf("assay %s\n", assay_version());
		return finish(0);
	}
	fprintf(stderr, "assay: there is no command \"%s\".\nTry 'assay --help'.\n", name);
	return EXIT_USAGE;
}
