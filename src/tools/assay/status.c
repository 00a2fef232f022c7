/*
 * status.c - `assay status`: how the daemon is doing.
 */
#include <stdio.h>

#include "tools/assay/command.h"
#include "tools/assay/print.h"

static int ask_status(struct assay_client *client, const struct args *args)
{
	struct assay_call call = command_call(args);
	struct assay_failure failure;
	struct assay_answer *answer;

	if (assay_get_status(client, &call, &answer, &failure) != ASSAY_OK)
		return command_failed(NULL, &failure);
	if (args->json)
		print_json_status(stdout, assay_answer_status(answer));
	else
		print_status(stdout, assay_answer_status(answer));
	assay_answer_free(answer);
	return EXIT_VERDICT;
}

int command_status(const struct args *args)
{
	struct assay_client *client;
	int status;

	if (args->operand_count)
		return args_usage_error("status", "what is \"%s\"?", args->operands[0]);
	client = command_connect(args, &status);
	if (!client)
		return status;
	status = ask_status(client, args);
	assay_close(client);
	return status;
}
