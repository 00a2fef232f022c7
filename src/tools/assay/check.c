/*
 * check.c - `assay check`: a verdict for each message.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/assay/command.h"
#include "tools/assay/input.h"
#include "tools/assay/print.h"

static int check_octets(struct assay_client *client, const struct args *args, const char *path, const char *octets,
			size_t count)
{
	struct assay_envelope envelope = command_envelope(args);
	struct assay_call call = command_call(args);
	struct assay_failure failure;
	struct assay_answer *answer;

	if (assay_check_message(client, &call, &envelope, octets, count, &answer, &failure) != ASSAY_OK)
		return command_failed(path, &failure);
	if (args->json)
		print_json_verdict(stdout, assay_answer_verdict(answer), path);
	else
		print_verdict(stdout, assay_answer_verdict(answer), args->operand_count > 1 ? path : NULL);
	assay_answer_free(answer);
	return EXIT_VERDICT;
}

static int check_file(struct assay_client *client, const struct args *args, const char *path)
{
	char *octets;
	size_t count;
	int status, error = input_read(path, &octets, &count);

	if (error) {
		fprintf(stderr, "assay: %s: %s\n", path, strerror(-error));
		return EXIT_SERVER;
	}
	status = check_octets(client, args, path, octets, count);
	free(octets);
	return status;
}

int command_check(const struct args *args)
{
	struct assay_client *client;
	int status = EXIT_VERDICT;

	if (args->operand_count == 0)
		return args_usage_error("check", "which FILE? (- is standard input)");
	client = command_connect(args, &status);
	if (!client)
		return status;
	for (int i = 0; i < args->operand_count; i++) {
		if (check_file(client, args, args->operands[i]) != EXIT_VERDICT)
			status = EXIT_SERVER;
		fflush(stdout);
	}
	assay_close(client);
	return status;
}
