#include "engine/request.h"

#include "engine/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_OCTETS_LEAST ((size_t)32 * 1024) /* the first chunks of both arenas */
#define SPARE_MAX 1024                     /* requests kept for the next ones */

/* --- what evaluators ask --- */

static const struct dns_answer *on_dns(void *arg, const struct dns_question *question)
{
	return answers_ask(arg, question);
}

static const struct body_digest *on_body_digest(void *arg, const struct body_question *question)
{
	const struct request *request = arg;

	return request->digests ? digests_find(request->digests, question) : work_body_digest(arg, question);
}

static bool on_signature_known(void *arg, unsigned id, enum signature_answer *answer_out)
{
	return work_signature_known(arg, id, answer_out);
}

static enum signature_answer on_signature(void *arg, const struct signature_question *question)
{
	return work_signature(arg, question);
}

static const struct signing_answer *on_sign(void *arg, const struct signing_question *question)
{
	return work_sign(arg, question);
}

static const struct policy_answer *on_policy_kept(void *arg, struct slice domain)
{
	return policy_work_kept(arg, domain);
}

static const struct policy_answer *on_policy_fetch(void *arg, const struct policy_question *question)
{
	return policy_work_fetch(arg, question);
}

static const struct ask_ops ask_ops = {
	.dns = on_dns,
	.body_digest = on_body_digest,
	.signature_known = on_signature_known,
	.signature = on_signature,
	.sign = on_sign,
	.policy_kept = on_policy_kept,
	.policy_fetch = on_policy_fetch,
};

/* --- life --- */

struct reply_to request_reply_to(struct request *request)
{
	return (struct reply_to){
		.shard = request->shard,
		.conn = request->conn,
		.errand = request->errand,
		.backtrace = slice_of(request->backtrace, request->backtrace_len),
		.id = request->id,
	};
}

static struct request *request_take(struct shard *shard)
{
	struct request *request = shard->spare;

	if (request) {
		shard->spare = request->next;
		shard->spare_count--;
	} else {
		request = malloc(sizeof(*request));
	}
	if (!request)
		return NULL;
	*request = (struct request){ .shard = shard };
	arena_init_from(&request->arena, shard->limits.request_memory_max, &shard->chunks.source);
	arena_init_from(&request->scratch, shard->limits.request_memory_max, &shard->chunks.source);
	return request;
}

static void policy_wait_over(struct request *request)
{
	request->policy_over = true;
	io_timer_start(request->shard->loop, &request->wait, request->deadline_ns);
	policy_work_close(request);
	request_wake(request);
}

static bool waits_for_policies(const struct request *request)
{
	return (request->call == CALL_TLS_POLICY || request->call == CALL_TLS_REFRESH) && !request->policy_over;
}

static void look_ups_wait_over(struct request *request)
{
	request->look_ups_over = true;
	io_timer_start(request->shard->loop, &request->wait,
	               waits_for_policies(request) ? request->policy_end_ns : request->deadline_ns);
	counter_up(request->shard->counters, COUNTER_REQUESTS_LATE);
	answers_close(request);
	request_wake(request);
}

/*
 * First no look-up is waited for any more, then no policy; then nothing is: the queue, or the crypto of others, took too
 * long.
 */
static void wait_over(void *arg)
{
	struct request *request = arg;
	struct reply_to to = request_reply_to(request);

	if (request->look_ups_over && waits_for_policies(request)) {
		policy_wait_over(request);
		return;
	}
	if (request->look_ups_over) {
		reply_error(&to, ASSAY__V1__ERROR__CODE__DEADLINE, "no verdict within the deadline");
		request_free(request);
		return;
	}
	look_ups_wait_over(request);
}

void request_wait_no_more(struct request *request)
{
	/* Another shard has it, and does so there. */
	if (!request->deadline_ns)
		return;
	if (!request->look_ups_over)
		look_ups_wait_over(request);
	if (waits_for_policies(request))
		policy_wait_over(request);
}

static void optional_wait_over(void *arg)
{
	struct request *request = arg;

	answers_close_optional(request);
	request_wake(request);
}

/* Half of the time that is left, for all optional look-ups together: the other half is for what comes after them. */
void request_wait_optional(struct request *request)
{
	int64_t now_ns = io_now_ns(request->shard->loop);

	if (request->optional_began)
		return;
	request->optional_began = true;
	io_timer_start(request->shard->loop, &request->wait_optional, now_ns + (request->look_ups_end_ns - now_ns) / 2);
}

struct request *request_new(struct shard *shard, struct io_conn_use *use)
{
	struct request *request = request_take(shard);

	if (!request)
		return NULL;
	request->use = use;
	use->in_flight++;
	request->ask = (struct ask){ .ops = &ask_ops, .arg = request };
	answers_init(&request->answers);
	io_timer_init(&request->wait, wait_over, request);
	io_timer_init(&request->wait_optional, optional_wait_over, request);
	request->next = shard->requests;
	request->prev = NULL;
	if (request->next)
		request->next->prev = request;
	shard->requests = request;
	shard->requests_count++;
	return request;
}

bool request_memory_is_within(struct request *request)
{
	struct shard *shard = request->shard;
	size_t octets = request->arena.bytes_used + request->scratch.bytes_used + request->answers.octets;

	octets = octets < REQUEST_OCTETS_LEAST ? REQUEST_OCTETS_LEAST : octets;
	shard->requests_octets += octets - request->octets;
	request->octets = octets;
	return shard->requests_octets <= shard->limits.octets_held_max || shard->requests_count == 1;
}

void request_free(struct request *request)
{
	struct shard *shard = request->shard;

	io_timer_stop(shard->loop, &request->wait);
	io_timer_stop(shard->loop, &request->wait_optional);
	answers_drop(request);
	work_drop(request);
	policy_work_drop(request);
	queue_remove(&shard->queue, request);
	request->use->in_flight--;
	if (request->conn) {
		io_frame_release(&request->frame);
		io_conn_unref(request->conn);
	}
	if (request->errand)
		errand_return(request->errand);
	if (request->prev)
		request->prev->next = request->next;
	else
		shard->requests = request->next;
	if (request->next)
		request->next->prev = request->prev;
	shard->requests_count--;
	shard->requests_octets -= request->octets;
	arena_deinit(&request->arena);
	arena_deinit(&request->scratch);
	if (shard->spare_count == SPARE_MAX) {
		free(request);
		return;
	}
	request->next = shard->spare;
	shard->spare = request;
	shard->spare_count++;
}

void requests_drop_spare(struct shard *shard)
{
	while (shard->spare) {
		struct request *next = shard->spare->next;

		free(shard->spare);
		shard->spare = next;
	}
}

void request_wake(struct request *request)
{
	struct shard *shard = request->shard;

	/* Crypto work points into the scratch arena: no new evaluation before it is done. */
	if (request->queued.is_new || request->queued.is_again || request->is_running || request->work.pending)
		return;
	queue_add(&shard->queue, request);
}

/* --- evaluation --- */

/* What calls come to. */
union outcome {
	struct verdict verdict;
	struct arc_sealed sealed;
	struct tlspolicy tls;
	struct mta_sts refreshed;
};

int request_read(struct request *request)
{
	struct verdict_reading *reading;

	if (request->reading)
		return 0;
	reading = ARENA_NEW(&request->arena, struct verdict_reading);
	if (!reading)
		return -ENOMEM;
	TRY(verdict_read_message(&request->input, &request->shard->config->verdict, &request->arena, reading));
	request->reading = reading;
	return 0;
}

static int evaluate(struct request *request, union outcome *out)
{
	const struct verdict_config *config = &request->shard->config->verdict;

	switch (request->call) {
	case CALL_CHECK_SENDER:
		return verdict_check_sender(&request->input, config, &request->ask, &request->scratch, &out->verdict);
	case CALL_SEAL:
		return verdict_seal(&request->input, request->sealer, request->findings, config, &request->ask,
		                    &request->scratch, &out->sealed);
	case CALL_TLS_POLICY:
		return tlspolicy_evaluate(request->tls_domain, request->tls_mx_host, &request->shard->config->tlspolicy,
		                          &request->ask, &request->scratch, &out->tls);
	case CALL_TLS_REFRESH:
		return mta_sts_evaluate(request->tls_domain, true, &request->shard->config->tlspolicy, &request->ask,
		                        &request->scratch, &out->refreshed);
	case CALL_CHECK_MESSAGE: break;
	}
	TRY(request_read(request));
	return verdict_check_message(&request->input, config, request->reading, &request->ask, &request->scratch,
	                             &out->verdict);
}

static int reply_outcome(struct request *request, const union outcome *outcome)
{
	struct reply_to to = request_reply_to(request);

	switch (request->call) {
	case CALL_SEAL: return reply_sealed(&to, &outcome->sealed, &request->scratch);
	case CALL_TLS_POLICY: return reply_tls_policy(&to, &outcome->tls, request->tls_purged, &request->scratch);
	case CALL_TLS_REFRESH: return 0;
	case CALL_CHECK_MESSAGE:
	case CALL_CHECK_SENDER: break;
	}
	return reply_verdict(&to, &request->input, &outcome->verdict, request->call == CALL_CHECK_SENDER,
	                     &request->scratch);
}

static void reply_memory(struct request *request)
{
	struct reply_to to = request_reply_to(request);

	if (!request->arena.full && !request->scratch.full) {
		reply_error(&to, ASSAY__V1__ERROR__CODE__INTERNAL, "out of memory");
		return;
	}
	counter_up(request->shard->counters, COUNTER_OVER_REQUEST_MEMORY);
	reply_error(&to, ASSAY__V1__ERROR__CODE__TOO_LARGE,
	            "the message needs more memory to check than limits.request-memory allows");
}

static void reply_no_room(struct request *request)
{
	struct reply_to to = request_reply_to(request);

	counter_up(request->shard->counters, COUNTER_OVER_OCTETS_HELD);
	queue_refused(&request->shard->queue, io_now_ns(request->shard->loop));
	reply_error(&to, ASSAY__V1__ERROR__CODE__OVERLOADED, REQUEST_NO_ROOM);
}

/* Evaluates once. Returns ASK_BLOCKED when there is something to wait for. */
static int run_once(struct request *request)
{
	struct reply_to to = request_reply_to(request);
	union outcome outcome;
	int result;

	arena_reset_to(&request->scratch, request->reading ? request->reading->kept.mark : (struct arena_mark){ .chunk = NULL });
	counter_up(request->shard->counters, COUNTER_PASSES);
	if (++request->passes == request->shard->limits.passes_max) {
		counter_up(request->shard->counters, COUNTER_OVER_PASSES);
		answers_close(request);
	}
	result = evaluate(request, &outcome);
	if (request->arena.full)
		result = -ENOMEM;
	if (result == 0)
		result = reply_outcome(request, &outcome);
	if (result == ASK_BLOCKED && request->passes >= 2 * request->shard->limits.passes_max)
		reply_error(&to, ASSAY__V1__ERROR__CODE__INTERNAL, "the evaluation did not end");
	else if (result == ASK_BLOCKED && request_memory_is_within(request))
		return ASK_BLOCKED;
	else if (result == ASK_BLOCKED)
		reply_no_room(request);
	else if (result < 0)
		reply_memory(request);
	return 0;
}

void request_run(struct request *request)
{
	int result;

	request->is_running = true;
	result = run_once(request);
	request->is_running = false;
	if (result == 0)
		request_free(request);
	else if (!request->answers.pending && !policy_work_is_pending(request))
		request_wake(request); /* answered while it ran; or crypto work will wake it */
}
