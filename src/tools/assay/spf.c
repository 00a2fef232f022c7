/*
 * spf.c - `assay spf`: may this host send mail for that sender?
 */
#include <stdio.h>

#include "tools/assay/command.h"
#include "tools/assay/print.h"

static int check_sender(struct assay_client *client, const struct args *args)
{
	struct assay_envelope envelope = command_envelope(args);
	struct assay_call call = command_call(args);
	struct assay_failure failure;
	struct assay_answer *answer;

	if (assay_check_sender(client, &call, &envelope, &answer, &failure) != ASSAY_OK)
		return command_failed(NULL, &failure);
	if (args->json)
		print_json_sender_verdict(stdout, assay_answer_verdict(answer));
	else
		print_sender_verdict(stdout, assay_answer_verdict(answer));
	assay_answer_free(answer);
	return EXIT_VERDICT;
}

int command_spf(const struct args *args)
{
	struct assay_client *client;
	int status;

	if (args->operand_count)
		return args_usage_error("spf", "what is \"%s\"?", args->operands[0]);
	if (!args->ip || !args->helo || !args->from)
		return args_usage_error("spf", "--ip, --helo and --from are all needed (--from '' is the null sender)");
	client = command_connect(args, &status);
	if (!client)
		return status;
	status = check_sender(client, args);
	assay_close(client);
	return status;
}
