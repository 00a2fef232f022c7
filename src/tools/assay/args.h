/*
 * args.h - the command line of `assay`.
 *
 * Ownership: everything points into argv, but for the list of rcpt, which args_deinit() frees.
 */
#ifndef ASSAY_TOOLS_ARGS_H
#define ASSAY_TOOLS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses. */
enum { EXIT_VERDICT = 0, EXIT_USAGE = 2, EXIT_SERVER = 3 };

/* Options a command may take: bits of args_parse()'s `allowed`. All take -s, --timeout, --json, --help. */
enum args_option {
	ARGS_IP = 1 << 0,
	ARGS_HELO = 1 << 1,
	ARGS_FROM = 1 << 2,
	ARGS_RCPT = 1 << 3,
	ARGS_RECEIVED_AT = 1 << 4,
	ARGS_AUTHSERV_ID = 1 << 5,
	ARGS_MX = 1 << 6,
	ARGS_DIGEST = 1 << 7,
	ARGS_PURGE = 1 << 8,
};

struct args {
	const char *server; /* NULL: the library's default */
	uint32_t timeout_ms;
	bool json;
	const char *ip; /* NULL: not given; so for all that follow */
	const char *helo;
	char *from;        /* without angle brackets; "" is the null sender */
	const char **rcpt; /* without angle brackets */
	size_t rcpt_count;
	int64_t received_at; /* 0: not given */
	const char *authserv_id;
	const char *mx;
	bool digest; /* send digests instead of bodies */
	bool purge;
	char **operands;
	int operand_count;
};

enum args_outcome { ARGS_OK, ARGS_HELP, ARGS_WRONG };

/*
 * Reads argv behind the command's name, argv[0]. ARGS_WRONG: the reason was written to standard error.
 * In any case args_deinit() is to follow.
 */
enum args_outcome args_parse(int argc, char **argv, unsigned allowed, struct args *args);
void args_deinit(struct args *args);

/* Says on standard error what is wrong with the usage of `command`, and returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int args_usage_error(const char *command, const char *format, ...);

#endif
