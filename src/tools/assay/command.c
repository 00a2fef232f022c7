#include "tools/assay/command.h"

#include <stdio.h>

struct assay_client *command_connect(const struct args *args, int *status_out)
{
	struct assay_options options = {
		.size = sizeof options,
		.connect_ms = args->timeout_ms,
		.digest_from_octets = args->digest ? 1 : 0,
	};
	struct assay_failure failure;
	struct assay_client *client;

	if (assay_open(args->server, &options, &client, &failure) == ASSAY_OK)
		return client;
	*status_out = command_failed(NULL, &failure);
	if (failure.error == ASSAY_ERROR_ARGUMENT)
		*status_out = EXIT_USAGE;
	return NULL;
}

struct assay_envelope command_envelope(const struct args *args)
{
	return (struct assay_envelope){
		.size = sizeof(struct assay_envelope),
		.client_ip = args->ip,
		.helo = args->helo,
		.mail_from = args->from,
		.rcpt_to = args->rcpt,
		.rcpt_count = args->rcpt_count,
		.received_at = args->received_at,
		.authserv_id = args->authserv_id,
	};
}

struct assay_call command_call(const struct args *args)
{
	return (struct assay_call){ .size = sizeof(struct assay_call), .deadline_ms = args->timeout_ms };
}

int command_failed(const char *subject, const struct assay_failure *failure)
{
	const char *general = failure->error == ASSAY_ERROR_CONNECT ? "cannot reach the server: " : "";

	fprintf(stderr, "assay: %s%s%s%s\n", subject ? subject : "", subject ? ": " : "", general, failure->text);
	return EXIT_SERVER;
}
