/*
 * calls.c - the calls of assay.h that wait for their answer.
 */
#include <string.h>

#include "client/call.h"
#include "client/failure.h"
#include "client/growth.h"
#include "client/open.h"

uint32_t call_deadline_ms(const struct assay_call *call)
{
	return call && call->deadline_ms ? call->deadline_ms : ASSAY_DEADLINE_MS_DEFAULT;
}

enum assay_error call_check(const struct assay_client *client, const struct assay_call *call,
			    const struct assay_envelope *envelope, struct assay_failure *failure)
{
	if (call && call->size < CALL_SIZE_FIRST)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_call.size is not set");
	if (call && call->id && strlen(call->id) > ASSAY_ID_OCTETS_MAX)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_call.id has more than %d octets",
				   ASSAY_ID_OCTETS_MAX);
	if (envelope && envelope->size < ENVELOPE_SIZE_FIRST)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_envelope.size is not set");
	return client_check(client, failure);
}

enum assay_error call_make(struct assay_client *client, const struct assay_call *call, Assay__V1__Request *wire,
			   const struct assay_envelope *envelope, Assay__V1__Envelope **at,
			   const struct request_pieces *message, Assay__V1__Response__ResultCase expected,
			   struct exchange **out, struct assay_failure *failure)
{
	enum assay_error error = call_check(client, call, envelope, failure);
	Assay__V1__Envelope wire_envelope;
	struct request request = { .packed = NULL };

	*out = NULL;
	if (error)
		return error;
	if (!request_envelope(&client->heap, at ? envelope : NULL, &wire_envelope))
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for the request");
	if (at)
		*at = &wire_envelope;
	error = request_pack(&client->heap, wire, call ? call->id : NULL, message, expected, &request);
	request_envelope_deinit(&client->heap, &wire_envelope);
	if (error)
		return failure_set(failure, error, "the request cannot be packed: %s", assay_error_text(error));
	*out = exchange_new(client, &request, call_deadline_ms(call));
	return *out ? ASSAY_OK : failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for the request");
}

/* As call_make(), and waits for the answer. */
static enum assay_error call_daemon(struct assay_client *client, const struct assay_call *call, Assay__V1__Request *wire,
				    const struct assay_envelope *envelope, Assay__V1__Envelope **at,
				    const struct request_pieces *message, Assay__V1__Response__ResultCase expected,
				    struct assay_answer **answer_out, struct assay_failure *failure)
{
	struct exchange *exchange;
	enum assay_error error;

	*answer_out = NULL;
	error = call_make(client, call, wire, envelope, at, message, expected, &exchange, failure);
	if (error)
		return error;
	exchange_start(exchange, NULL, NULL);
	error = exchange_wait(exchange, answer_out, failure);
	exchange_release(exchange);
	return error;
}

static enum assay_error check_whole(struct assay_client *client, const struct assay_call *call,
				    const struct assay_envelope *envelope, const void *message, size_t octets,
				    struct assay_answer **answer_out, struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckMessage check = ASSAY__V1__CHECK_MESSAGE__INIT;
	struct slice piece = slice_of(message, octets);
	const struct request_pieces pieces = { &piece, 1, octets };

	check.message = request_message(&pieces);
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	request.check_message = &check;
	return call_daemon(client, call, &request, envelope, &check.envelope, &pieces,
			   ASSAY__V1__RESPONSE__RESULT_VERDICT, answer_out, failure);
}

static enum assay_error check_digest(struct assay_client *client, const struct assay_call *call,
				     const struct assay_envelope *envelope, const void *message, size_t octets,
				     struct assay_answer **answer_out, struct assay_failure *failure)
{
	struct assay_mail *mail;
	enum assay_error error = assay_mail_begin(client, call, envelope, &mail, failure);

	if (error)
		return error;
	error = assay_mail_add(mail, message, octets, failure);
	if (!error)
		error = assay_mail_check(mail, answer_out, failure);
	assay_mail_end(mail);
	return error;
}

enum assay_error assay_check_message(struct assay_client *client, const struct assay_call *call,
				     const struct assay_envelope *envelope, const void *message, size_t octets,
				     struct assay_answer **answer_out, struct assay_failure *failure)
{
	bool digests = client->digest_from_octets > 0 && octets >= client->digest_from_octets;

	*answer_out = NULL;
	return (digests ? check_digest : check_whole)(client, call, envelope, message, octets, answer_out, failure);
}

enum assay_error assay_check_sender(struct assay_client *client, const struct assay_call *call,
				    const struct assay_envelope *envelope, struct assay_answer **answer_out,
				    struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckSender check = ASSAY__V1__CHECK_SENDER__INIT;

	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_SENDER;
	request.check_sender = &check;
	return call_daemon(client, call, &request, envelope, &check.envelope, NULL,
			   ASSAY__V1__RESPONSE__RESULT_SENDER_VERDICT, answer_out, failure);
}

enum assay_error assay_seal_message(struct assay_client *client, const struct assay_call *call,
				    const struct assay_envelope *envelope, const struct assay_sealing *sealing,
				    const void *message, size_t octets, struct assay_answer **answer_out,
				    struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__Seal seal = ASSAY__V1__SEAL__INIT;
	struct slice piece = slice_of(message, octets);
	const struct request_pieces pieces = { &piece, 1, octets };

	*answer_out = NULL;
	if (sealing && sealing->size < SEALING_SIZE_FIRST)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_sealing.size is not set");
	seal.message = request_message(&pieces);
	seal.domain = request_bytes(sealing ? sealing->domain : NULL);
	seal.authentication_results = request_bytes(sealing ? sealing->authentication_results : NULL);
	request.call_case = ASSAY__V1__REQUEST__CALL_SEAL;
	request.seal = &seal;
	return call_daemon(client, call, &request, envelope, &seal.envelope, &pieces, ASSAY__V1__RESPONSE__RESULT_SEAL,
			   answer_out, failure);
}

static enum assay_error ask_tls_policy(struct assay_client *client, const struct assay_call *call, const char *domain,
				       const char *mx_host, bool purge, struct assay_answer **answer_out,
				       struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__TlsPolicy policy = ASSAY__V1__TLS_POLICY__INIT;

	policy.domain = request_bytes(domain);
	policy.mx_host = request_bytes(mx_host);
	policy.purge = purge;
	request.call_case = ASSAY__V1__REQUEST__CALL_TLS_POLICY;
	request.tls_policy = &policy;
	return call_daemon(client, call, &request, NULL, NULL, NULL, ASSAY__V1__RESPONSE__RESULT_TLS_POLICY, answer_out,
			   failure);
}

enum assay_error assay_get_tls_policy(struct assay_client *client, const struct assay_call *call, const char *domain,
				      const char *mx_host, struct assay_answer **answer_out,
				      struct assay_failure *failure)
{
	return ask_tls_policy(client, call, domain, mx_host, false, answer_out, failure);
}

enum assay_error assay_purge_tls_policy(struct assay_client *client, const struct assay_call *call, const char *domain,
					const char *mx_host, struct assay_answer **answer_out,
					struct assay_failure *failure)
{
	return ask_tls_policy(client, call, domain, mx_host, true, answer_out, failure);
}

enum assay_error assay_get_status(struct assay_client *client, const struct assay_call *call,
				  struct assay_answer **answer_out, struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__Status status = ASSAY__V1__STATUS__INIT;

	request.call_case = ASSAY__V1__REQUEST__CALL_STATUS;
	request.status = &status;
	return call_daemon(client, call, &request, NULL, NULL, NULL, ASSAY__V1__RESPONSE__RESULT_STATUS, answer_out,
			   failure);
}
