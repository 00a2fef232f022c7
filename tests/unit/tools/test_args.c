/*
 * Goal:   the command line is read as INTERFACE says; wrong usage is found before anything is sent.
 * Method: a table of command lines, wrong ones first.
 */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "tools/assay/args.h"

#define WORDS_MAX 12
#define ALL       (ARGS_IP | ARGS_HELO | ARGS_FROM | ARGS_RCPT | ARGS_RECEIVED_AT | ARGS_AUTHSERV_ID)

/* Reads a copy of `words`: getopt may reorder it and the parser may cut it. `copies` is to be freed by free_all(). */
static enum args_outcome parse(const char *const *words, unsigned allowed, char **copies, struct args *args)
{
	int count = 0;

	for (; words[count]; count++)
		copies[count] = strdup(words[count]);
	copies[count] = NULL;
	return args_parse(count, copies, allowed, args);
}

static void free_all(char **copies, struct args *args)
{
	args_deinit(args);
	for (size_t i = 0; copies[i]; i++)
		free(copies[i]);
}

static void wrong_usage(void **state)
{
	static const char *const lines[][WORDS_MAX] = {
		{ "check", "--nonsense", NULL },
		{ "check", "-x", NULL },
		{ "check", "--ip", NULL },
		{ "check", "--ip", "1.2.3", NULL },
		{ "check", "--ip", "[::1]", NULL },
		{ "check", "--ip", "1.2.3.4/32", NULL },
		{ "check", "--received-at", "x", NULL },
		{ "check", "--received-at", "", NULL },
		{ "check", "--received-at", "-5", NULL },
		{ "check", "--received-at", "12 ", NULL },
		{ "check", "--received-at", "99999999999999999999", NULL },
		{ "check", "--timeout", "0", NULL },
		{ "check", "--json=yes", NULL },
		{ "check", "--mx", "host", NULL }, /* not of this command */
		{ "check", "--purge", NULL },
	};

	(void)state;
	assert_non_null(freopen("/dev/null", "w", stderr));
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		char *copies[WORDS_MAX];
		struct args args;

		if (parse(lines[i], ALL, copies, &args) != ARGS_WRONG)
			fail_msg("line %zu was taken: %s", i, lines[i][1]);
		free_all(copies, &args);
	}
}

static void all_options(void **state)
{
	static const char *const words[] = { "check",  "-s",     "tcp://h:1", "--ip=::1", "--helo", "mx",
					     "--from", "<a@b>",  "--rcpt",    "<c@d>",    "file",   "--rcpt",
					     "e@f",    "--json", "--",        "--file",   NULL };
	char *copies[COUNT_OF(words)];
	struct args args;

	(void)state;
	assert_int_equal(parse(words, ALL, copies, &args), ARGS_OK);
	assert_string_equal(args.server, "tcp://h:1");
	assert_string_equal(args.ip, "::1");
	assert_string_equal(args.helo, "mx");
	assert_string_equal(args.from, "a@b");
	assert_int_equal(args.rcpt_count, 2);
	assert_string_equal(args.rcpt[0], "c@d");
	assert_string_equal(args.rcpt[1], "e@f");
	assert_true(args.json);
	assert_int_equal(args.operand_count, 2);
	assert_string_equal(args.operands[0], "file");
	assert_string_equal(args.operands[1], "--file");
	assert_int_equal(args.timeout_ms, 10000);
	free_all(copies, &args);
}

static void tls_policy_options(void **state)
{
	static const char *const words[] = { "tls-policy", "--purge", "d.example", "--mx", "mx.example", NULL };
	char *copies[COUNT_OF(words)];
	struct args args;

	(void)state;
	assert_int_equal(parse(words, ARGS_MX | ARGS_PURGE, copies, &args), ARGS_OK);
	assert_true(args.purge);
	assert_string_equal(args.mx, "mx.example");
	assert_string_equal(args.operands[0], "d.example");
	free_all(copies, &args);
}

static void null_sender(void **state)
{
	static const char *const lines[][WORDS_MAX] = { { "spf", "--from", "", NULL },
							{ "spf", "--from", "<>", NULL },
							{ "spf", "--from=", NULL } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		char *copies[WORDS_MAX];
		struct args args;

		assert_int_equal(parse(lines[i], ALL, copies, &args), ARGS_OK);
		assert_string_equal(args.from, "");
		free_all(copies, &args);
	}
}

static void standard_input_is_an_operand(void **state)
{
	static const char *const words[] = { "check", "-", NULL };
	char *copies[COUNT_OF(words)];
	struct args args;

	(void)state;
	assert_int_equal(parse(words, ALL, copies, &args), ARGS_OK);
	assert_int_equal(args.operand_count, 1);
	assert_string_equal(args.operands[0], "-");
	assert_null(args.from);
	free_all(copies, &args);
}

UNIT_MAIN(cmocka_unit_test(wrong_usage), cmocka_unit_test(all_options), cmocka_unit_test(tls_policy_options),
	  cmocka_unit_test(null_sender),
	  cmocka_unit_test(standard_input_is_an_operand))
