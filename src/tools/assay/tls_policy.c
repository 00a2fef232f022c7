/*
 * tls_policy.c - `assay tls-policy`: how to send to a domain.
 */
#include <stdio.h>

#include "tools/assay/command.h"
#include "tools/assay/print.h"

static int ask_policy(struct assay_client *client, const struct args *args)
{
	const char *domain = args->operands[0];
	struct assay_call call = command_call(args);
	struct assay_failure failure;
	struct assay_answer *answer;
	enum assay_error error = args->purge ? assay_purge_tls_policy(client, &call, domain, args->mx, &answer, &failure)
					     : assay_get_tls_policy(client, &call, domain, args->mx, &answer, &failure);

	if (error != ASSAY_OK)
		return command_failed(domain, &failure);
	if (args->json)
		print_json_tls_policy(stdout, assay_answer_tls_policy(answer));
	else
		print_tls_policy(stdout, assay_answer_tls_policy(answer));
	assay_answer_free(answer);
	return EXIT_VERDICT;
}

int command_tls_policy(const struct args *args)
{
	struct assay_client *client;
	int status;

	if (args->operand_count != 1)
		return args_usage_error("tls-policy", "one DOMAIN is needed");
	client = command_connect(args, &status);
	if (!client)
		return status;
	status = ask_policy(client, args);
	assay_close(client);
	return status;
}
