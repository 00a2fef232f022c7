/*
 * mail.c - a mail as it comes in: held, or hashed and let go.
 */
#include <string.h>

#include "client/call.h"
#include "client/envelope.h"
#include "client/failure.h"
#include "client/hasher.h"
#include "client/held.h"
#include "client/open.h"
#include "proto/mail/header.h"

/* What is read of a header to know which digests are needed: above what any daemon reads. */
#define FIELDS_MAX       65536
#define ARENA_OCTETS_MAX ((size_t)16 << 20)

enum stage {
	STAGE_HEADER,
	STAGE_BODY,
	STAGE_HASHED, /* the body goes to the hasher */
	STAGE_ASKED,  /* the verdict was asked for */
	STAGE_FAILED,
};

struct assay_mail {
	struct assay_client *client;
	struct envelope_copy copy;
	enum stage stage;
	unsigned line_ends; /* of CRLF CRLF: octets that the header has at its end so far */
	size_t octets;      /* of the whole message */
	size_t header_octets; /* without the empty line */
	struct held header, body;
	struct hasher *hasher;
	struct slice *pieces;
	struct exchange *exchange; /* NULL: none */
};

static enum assay_error fail(struct assay_mail *mail, enum assay_error error, struct assay_failure *failure)
{
	mail->stage = STAGE_FAILED;
	if (error == ASSAY_ERROR_TOO_LARGE)
		return failure_set(failure, error, "more than assay_options.octets_held_max");
	return failure_set(failure, error, "no memory for the message");
}

enum assay_error assay_mail_begin(struct assay_client *client, const struct assay_call *call,
				  const struct assay_envelope *envelope, struct assay_mail **mail_out,
				  struct assay_failure *failure)
{
	enum assay_error error = call_check(client, call, envelope, failure);
	struct assay_mail *mail;

	*mail_out = NULL;
	if (error)
		return error;
	mail = HEAP_NEW(&client->heap, struct assay_mail);
	if (!mail || !envelope_copy(&client->heap, call, envelope, &mail->copy)) {
		heap_free(&client->heap, mail);
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a mail");
	}
	mail->client = client;
	held_init(&mail->header, &client->heap);
	held_init(&mail->body, &client->heap);
	mail->line_ends = 2; /* a message that begins with CRLF has no header */
	*mail_out = mail;
	return ASSAY_OK;
}

/* ---- the octets ---- */

/* How many octets of the chunk are header, the empty line included; *ends_out: it ends there. */
static size_t header_part(struct assay_mail *mail, struct slice chunk, bool *ends_out)
{
	for (size_t i = 0; i < chunk.len; i++) {
		uint8_t octet = chunk.ptr[i];

		if (octet == '\r')
			mail->line_ends = mail->line_ends == 2 ? 3 : 1;
		else
			mail->line_ends = octet == '\n' && mail->line_ends % 2 ? mail->line_ends + 1 : 0;
		if (mail->line_ends == 4) {
			*ends_out = true;
			return i + 1;
		}
	}
	*ends_out = false;
	return chunk.len;
}

static enum assay_error hold(struct assay_mail *mail, struct held *held, struct slice octets)
{
	if (octets.len > mail->client->octets_held_max - mail->header.octets - mail->body.octets)
		return ASSAY_ERROR_TOO_LARGE;
	return held_add(held, octets);
}

static void *source_take(void *arg, size_t octets)
{
	const struct assay_allocator *heap = arg;

	return heap->allocate(heap->arg, octets);
}

static void source_give(void *arg, void *memory, size_t octets)
{
	const struct assay_allocator *heap = arg;

	(void)octets;
	heap->release(heap->arg, memory);
}

static enum assay_error bodies_asked(struct assay_mail *mail, struct dkim_bodies *out)
{
	const struct mail_bounds bounds = { SIZE_MAX, FIELDS_MAX, SIZE_MAX };
	const struct arena_source source = { source_take, source_give, &mail->client->heap };
	struct slice header = slice_of(held_joined(&mail->header), mail->header_octets);
	struct mail_message message;
	struct arena arena;
	int parsed;

	arena_init_from(&arena, ARENA_OCTETS_MAX, &source);
	parsed = mail_parse(header, &bounds, &arena, &message);
	if (parsed >= 0)
		dkim_bodies_asked(&message, out);
	arena_deinit(&arena);
	return parsed < 0 ? ASSAY_ERROR_MEMORY : ASSAY_OK;
}

/* From here on the body is not held any more: what was is hashed. */
static enum assay_error hash_begin(struct assay_mail *mail)
{
	const struct assay_allocator *heap = &mail->client->heap;
	struct dkim_bodies bodies;
	enum assay_error error;

	error = held_join(&mail->header);
	if (!error)
		error = bodies_asked(mail, &bodies);
	if (!error)
		error = hasher_new(heap, &bodies, &mail->hasher);
	for (const struct held_chunk *chunk = mail->body.first; !error && chunk; chunk = chunk->next)
		error = hasher_feed(mail->hasher, slice_of(chunk->octets, chunk->used));
	held_deinit(&mail->body);
	mail->stage = STAGE_HASHED;
	return error;
}

static bool goes_as_digests(const struct assay_mail *mail)
{
	return mail->client->digest_from_octets > 0 && mail->octets >= mail->client->digest_from_octets;
}

static enum assay_error header_add(struct assay_mail *mail, struct slice *chunk)
{
	bool ends;
	size_t part = header_part(mail, *chunk, &ends);
	enum assay_error error = hold(mail, &mail->header, slice_sub(*chunk, 0, part));

	*chunk = slice_from(*chunk, part);
	mail->header_octets = mail->header.octets - (ends ? 2 : 0);
	if (ends)
		mail->stage = STAGE_BODY;
	return error;
}

enum assay_error assay_mail_add(struct assay_mail *mail, const void *octets, size_t count, struct assay_failure *failure)
{
	struct slice chunk = slice_of(octets, count);
	enum assay_error error = client_check(mail->client, failure);

	if (error)
		return error;
	if (mail->stage >= STAGE_ASKED)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_mail_add() after the end of the message");
	if (count == 0)
		return ASSAY_OK;
	mail->octets += count;
	if (mail->stage == STAGE_HEADER)
		error = header_add(mail, &chunk);
	if (!error && mail->stage == STAGE_BODY && goes_as_digests(mail))
		error = hash_begin(mail);
	if (!error && chunk.len && mail->stage == STAGE_HASHED)
		error = hasher_feed(mail->hasher, chunk);
	else if (!error && chunk.len)
		error = hold(mail, &mail->body, chunk);
	return error ? fail(mail, error, failure) : ASSAY_OK;
}

/* ---- the verdict ---- */

static enum assay_error make_whole(struct assay_mail *mail, struct exchange **out, struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckMessage check = ASSAY__V1__CHECK_MESSAGE__INIT;
	struct request_pieces pieces = { .octets = mail->octets };
	struct slice *list;

	list = heap_new(&mail->client->heap, (mail->header.count + mail->body.count) * sizeof *list);
	mail->pieces = list;
	if (!list)
		return fail(mail, ASSAY_ERROR_MEMORY, failure);
	for (const struct held_chunk *chunk = mail->header.first; chunk; chunk = chunk->next)
		list[pieces.count++] = slice_of(chunk->octets, chunk->used);
	for (const struct held_chunk *chunk = mail->body.first; chunk; chunk = chunk->next)
		list[pieces.count++] = slice_of(chunk->octets, chunk->used);
	pieces.list = list;
	check.message = request_message(&pieces);
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	request.check_message = &check;
	return call_make(mail->client, &mail->copy.call, &request, &mail->copy.envelope, &check.envelope, &pieces,
			 ASSAY__V1__RESPONSE__RESULT_VERDICT, out, failure);
}

static enum assay_error make_digest(struct assay_mail *mail, struct exchange **out, struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckDigest check = ASSAY__V1__CHECK_DIGEST__INIT;
	struct hasher_result result;

	if (mail->stage != STAGE_HASHED && hash_begin(mail) != ASSAY_OK)
		return fail(mail, ASSAY_ERROR_MEMORY, failure);
	if (hasher_finish(mail->hasher, &result) != ASSAY_OK)
		return fail(mail, ASSAY_ERROR_MEMORY, failure);
	check.header = request_octets(held_joined(&mail->header), mail->header_octets);
	check.digests = result.digests;
	check.n_digests = result.digests_count;
	check.body_bare_cr = result.bare_cr;
	check.body_bare_lf = result.bare_lf;
	check.message_octets = mail->octets;
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_DIGEST;
	request.check_digest = &check;
	return call_make(mail->client, &mail->copy.call, &request, &mail->copy.envelope, &check.envelope, NULL,
			 ASSAY__V1__RESPONSE__RESULT_VERDICT, out, failure);
}

static enum assay_error make_message(struct assay_mail *mail, struct exchange **out, struct assay_failure *failure)
{
	enum assay_error error;

	if (mail->stage >= STAGE_ASKED)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "the verdict was asked for already, or the mail failed");
	error = (goes_as_digests(mail) ? make_digest : make_whole)(mail, out, failure);
	mail->stage = STAGE_ASKED;
	return error;
}

static enum assay_error make_sender(struct assay_mail *mail, struct exchange **out, struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckSender check = ASSAY__V1__CHECK_SENDER__INIT;

	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_SENDER;
	request.check_sender = &check;
	return call_make(mail->client, &mail->copy.call, &request, &mail->copy.envelope, &check.envelope, NULL,
			 ASSAY__V1__RESPONSE__RESULT_SENDER_VERDICT, out, failure);
}

/* A call of the mail that is over is let go; one that is under way, or has its callback still to come, is in the way. */
static enum assay_error exchange_clear(struct assay_mail *mail, struct assay_failure *failure)
{
	enum assay_error error = client_check(mail->client, failure);

	if (error || !mail->exchange)
		return error;
	if (!exchange_is_over(mail->exchange))
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "a call of this mail is under way");
	exchange_release(mail->exchange);
	mail->exchange = NULL;
	return ASSAY_OK;
}

enum assay_error assay_mail_check(struct assay_mail *mail, struct assay_answer **answer_out,
				  struct assay_failure *failure)
{
	enum assay_error error;

	*answer_out = NULL;
	error = exchange_clear(mail, failure);
	if (!error)
		error = make_message(mail, &mail->exchange, failure);
	if (error)
		return error;
	exchange_start(mail->exchange, NULL, NULL);
	return exchange_wait(mail->exchange, answer_out, failure);
}

enum assay_error assay_mail_start(struct assay_mail *mail, assay_done_fn done, void *arg, struct assay_failure *failure)
{
	enum assay_error error = exchange_clear(mail, failure);

	if (!error)
		error = make_message(mail, &mail->exchange, failure);
	/* The callback may end the mail: behind this nothing of it may be touched. */
	if (!error)
		exchange_start(mail->exchange, done, arg);
	return error;
}

enum assay_error assay_mail_start_sender(struct assay_mail *mail, assay_done_fn done, void *arg,
					 struct assay_failure *failure)
{
	enum assay_error error = exchange_clear(mail, failure);

	if (!error)
		error = make_sender(mail, &mail->exchange, failure);
	if (!error)
		exchange_start(mail->exchange, done, arg);
	return error;
}

void assay_mail_end(struct assay_mail *mail)
{
	const struct assay_allocator *heap;

	if (!mail || client_check(mail->client, NULL) != ASSAY_OK)
		return;
	heap = &mail->client->heap;
	if (mail->exchange)
		exchange_release(mail->exchange);
	hasher_free(mail->hasher);
	held_deinit(&mail->header);
	held_deinit(&mail->body);
	heap_free(heap, mail->pieces);
	heap_free(heap, mail->copy.memory);
	heap_free(heap, mail);
}
