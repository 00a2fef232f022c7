/* mta.c - what an MTA does at DATA: envelope first, the message as it arrives, then a verdict and a reply.
 *
 *   mta URLS CLIENT-IP HELO MAIL-FROM < MESSAGE
 *
 * Standard input stands for the SMTP connection behind "354". What is to be done is written to standard output. */
#include <assay.h>
#include <stdio.h>

static int failed(const struct assay_failure *failure)
{
	fprintf(stderr, "mta: %s\n", failure->text);
	return 1;
}

int main(int argc, char **argv)
{
	struct assay_options options = { .size = sizeof options, .digest_from_octets = 32768 };
	struct assay_call call = { .size = sizeof call, .id = "4Q1Z9", .deadline_ms = 5000 };
	struct assay_site site = { .size = sizeof site, .missing = ASSAY_MISSING_DEFER, .defer_temperror = 1 };
	struct assay_envelope envelope = { .size = sizeof envelope };
	struct assay_decision decision = { .size = sizeof decision };
	struct assay_failure failure;
	struct assay_client *client;
	struct assay_answer *answer = NULL;
	struct assay_mail *mail;
	char octets[4096];
	size_t count;

	if (argc != 5)
		return 2;
	envelope.client_ip = argv[2];
	envelope.helo = argv[3];
	envelope.mail_from = argv[4];
	if (assay_open(argv[1], &options, &client, &failure) != ASSAY_OK) /* once, when the MTA starts */
		return failed(&failure);
	if (assay_mail_begin(client, &call, &envelope, &mail, &failure) != ASSAY_OK)
		return failed(&failure);
	while ((count = fread(octets, 1, sizeof octets, stdin)) > 0)
		if (assay_mail_add(mail, octets, count, &failure) != ASSAY_OK)
			return failed(&failure);
	if (assay_mail_check(mail, &answer, &failure) != ASSAY_OK) /* no verdict: assay_decide() knows what that means here */
		fprintf(stderr, "mta: %s\n", failure.text);
	if (assay_decide(answer, &site, &decision, &failure) != ASSAY_OK)
		return failed(&failure);
	for (size_t i = 0; i < decision.delete_count; i++)
		printf("delete %s %u\n", decision.delete_fields[i]->name, (unsigned)decision.delete_fields[i]->index);
	for (size_t i = 0; i < decision.insert_count; i++)
		printf("insert %s: %s\n", decision.insert[i].name, decision.insert[i].value);
	printf("%s\n", decision.reply[0] ? decision.reply : "250 2.0.0 Ok");
	assay_answer_free(answer);
	assay_mail_end(mail);
	assay_close(client);
	return 0;
}
