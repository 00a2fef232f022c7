#include "engine/policies.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "proto/mail/domain.h"
#include "proto/wire/unpack.h"

#include <string.h>

#define ID_OCTETS_MAX 128
#define CALL_NUMBER_LEAST 10 /* the fields of Request that are calls, of this version and of all to come (docs/wire.md) */
#define CALL_NUMBER_MOST 99
#define STATUS_OCTETS_MAX 256 /* of a Status request, with its id */
#define ENVELOPE_OCTETS_MAX ((size_t)1024) /* helo, mail_from, authserv_id: an SMTP line (RFC 5321 section 4.5.3.1) */
#define REPLY_MARGIN_MS_MAX 100            /* left of a deadline for the evaluation after the last look-up */
#define DEADLINE_MARGIN_MS 5000            /* beyond dns.timeout, for a request without a deadline */
#define REQUEST_NO_MEMORY "the request needs more memory than limits.request-memory"

/* --- refusals --- */

#define QUEUE_IS_LATE "limits.queue-time is reached"

struct refusal {
	Assay__V1__Error__Code code;
	const char *text; /* NULL: none */
};

static struct refusal refuse(Assay__V1__Error__Code code, const char *text)
{
	return (struct refusal){ code, text };
}

/* More came than the shard can do. */
static struct refusal refuse_overload(struct shard *shard, enum counter_id bound, const char *text)
{
	counter_up(shard->counters, bound);
	queue_refused(&shard->queue, io_now_ns(shard->loop));
	return refuse(ASSAY__V1__ERROR__CODE__OVERLOADED, text);
}

static struct refusal refuse_no_room(struct shard *shard)
{
	return refuse_overload(shard, COUNTER_OVER_OCTETS_HELD, REQUEST_NO_ROOM);
}

/* --- the request --- */

static struct slice slice_of_bytes(ProtobufCBinaryData bytes)
{
	return slice_of(bytes.data, bytes.len);
}

/* What is wrong with the envelope; NULL: nothing. */
static const char *envelope_read(const struct request *request, const Assay__V1__Envelope *envelope,
                                 struct verdict_input *input)
{
	Assay__V1__Envelope none;

	if (!envelope) {
		assay__v1__envelope__init(&none);
		envelope = &none;
	}
	input->helo = slice_of_bytes(envelope->helo);
	input->mail_from = slice_of_bytes(envelope->mail_from);
	input->authserv_id = slice_of_bytes(envelope->authserv_id);
	input->received_at = envelope->received_at ? envelope->received_at : io_wall_s(request->shard->loop);
	input->has_client = envelope->client_ip[0] != 0;
	if (input->has_client && !ip_parse(slice_of_str(envelope->client_ip), &input->client))
		return "envelope.client_ip: not an IP address";
	if (input->helo.len > ENVELOPE_OCTETS_MAX)
		return "envelope.helo: longer than 1024 octets";
	if (input->mail_from.len > ENVELOPE_OCTETS_MAX)
		return "envelope.mail_from: longer than 1024 octets";
	if (input->authserv_id.len > ENVELOPE_OCTETS_MAX)
		return "envelope.authserv_id: longer than 1024 octets";
	if (envelope->received_at < 0)
		return "envelope.received_at: before 1970";
	return NULL;
}

static void wait_start(struct request *request, uint32_t deadline_ms)
{
	const struct engine_limits *limits = &request->shard->limits;
	int64_t now_ns = io_now_ns(request->shard->loop);
	unsigned wait_ms = limits->dns_wait_ms_max, margin_ms;

	if (deadline_ms > limits->deadline_ms_max)
		deadline_ms = limits->deadline_ms_max;
	else if (deadline_ms == 0)
		deadline_ms = wait_ms + DEADLINE_MARGIN_MS;
	margin_ms = deadline_ms / 10 < REPLY_MARGIN_MS_MAX ? deadline_ms / 10 : REPLY_MARGIN_MS_MAX;
	if (wait_ms > deadline_ms - margin_ms)
		wait_ms = deadline_ms - margin_ms;
	request->since_ns = now_ns;
	/* Half of the margin is for the way back. */
	request->deadline_ns = now_ns + deadline_ms * INT64_C(1000000) - margin_ms * INT64_C(500000);
	request->policy_end_ns = now_ns + (deadline_ms - margin_ms) * INT64_C(1000000);
	request->look_ups_end_ns = now_ns + wait_ms * INT64_C(1000000);
	io_timer_start(request->shard->loop, &request->wait, request->look_ups_end_ns);
}

static struct refusal refuse_message_size(struct shard *shard)
{
	counter_up(shard->counters, COUNTER_OVER_MESSAGE_SIZE);
	return refuse(ASSAY__V1__ERROR__CODE__TOO_LARGE, "the message is larger than limits.message-size");
}

static struct refusal call_message(struct request *request, const Assay__V1__CheckMessage *call)
{
	const char *problem = envelope_read(request, call->envelope, &request->input);

	if (problem)
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, problem);
	if (call->message.len > request->shard->limits.message_octets_max)
		return refuse_message_size(request->shard);
	counter_up(request->shard->counters, COUNTER_REQUESTS_CHECK_MESSAGE);
	request->call = CALL_CHECK_MESSAGE;
	request->input.message = slice_of_bytes(call->message);
	return (struct refusal){ .text = NULL };
}

static struct refusal call_digest(struct request *request, const Assay__V1__CheckDigest *call)
{
	const char *problem = envelope_read(request, call->envelope, &request->input);

	if (!problem)
		problem = digests_read(call, &request->arena, &request->digests);
	if (problem)
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, problem);
	if (!request->digests)
		return refuse(ASSAY__V1__ERROR__CODE__TOO_LARGE, REQUEST_NO_MEMORY);
	if (call->header.len > request->shard->limits.message_octets_max ||
	    call->message_octets > request->shard->limits.message_octets_max)
		return refuse_message_size(request->shard);
	counter_up(request->shard->counters, COUNTER_REQUESTS_CHECK_DIGEST);
	request->call = CALL_CHECK_MESSAGE;
	request->input.message = slice_of_bytes(call->header);
	request->input.body_bare_cr = call->body_bare_cr;
	request->input.body_bare_lf = call->body_bare_lf;
	return (struct refusal){ .text = NULL };
}

static struct refusal call_sender(struct request *request, const Assay__V1__CheckSender *call)
{
	const char *problem = envelope_read(request, call->envelope, &request->input);

	if (!problem && !request->input.has_client)
		problem = "envelope.client_ip: missing";
	if (problem)
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, problem);
	counter_up(request->shard->counters, COUNTER_REQUESTS_CHECK_SENDER);
	request->call = CALL_CHECK_SENDER;
	return (struct refusal){ .text = NULL };
}

/* The sealer that is asked for; without a name the first. NULL: there is none. */
static const struct arc_sealer *sealer_of(const struct engine_config *config, struct slice domain)
{
	for (size_t i = 0; i < config->sealers_count; i++)
		if (domain.len == 0 || slice_equal_nocase(config->sealers[i].domain, domain))
			return &config->sealers[i];
	return NULL;
}

static struct refusal call_seal(struct request *request, const Assay__V1__Seal *call)
{
	const char *problem = envelope_read(request, call->envelope, &request->input);

	if (request->shard->config->sealers_count == 0)
		return refuse(ASSAY__V1__ERROR__CODE__UNSUPPORTED, "no sealer is configured");
	request->sealer = sealer_of(request->shard->config, slice_of_bytes(call->domain));
	if (!problem && !request->sealer)
		problem = "domain: there is no such sealer";
	if (!problem && call->authentication_results.len > request->shard->config->verdict.bounds.field_octets_max)
		problem = "authentication_results: longer than limits.header-field-size";
	if (problem)
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, problem);
	if (call->message.len > request->shard->limits.message_octets_max)
		return refuse_message_size(request->shard);
	counter_up(request->shard->counters, COUNTER_REQUESTS_SEAL);
	request->call = CALL_SEAL;
	request->input.message = slice_of_bytes(call->message);
	if (call->authentication_results.len > 0)
		request->findings = slice_of_bytes(call->authentication_results);
	return (struct refusal){ .text = NULL };
}

/* What is kept of it is forgotten before anything is asked. */
static int purge(struct request *request)
{
	struct slice domain;
	int result;

	TRY(result = domain_canonical(request->tls_domain, &request->arena, &domain));
	request->tls_purged = result == 0 && policies_forget(request->shard->policies, domain);
	counter_add(request->shard->counters, COUNTER_POLICIES_PURGED, request->tls_purged);
	return 0;
}

static struct refusal call_tls_policy(struct request *request, const Assay__V1__TlsPolicy *call)
{
	request->tls_domain = slice_of_bytes(call->domain);
	request->tls_mx_host = slice_of_bytes(call->mx_host);
	if (request->tls_domain.len == 0)
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, "domain: missing");
	if (request->tls_domain.len > ENVELOPE_OCTETS_MAX)
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, "domain: longer than 1024 octets");
	if (request->tls_mx_host.len > ENVELOPE_OCTETS_MAX)
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, "mx_host: longer than 1024 octets");
	counter_up(request->shard->counters, COUNTER_REQUESTS_TLS_POLICY);
	request->call = CALL_TLS_POLICY;
	if (call->purge && purge(request) < 0)
		return refuse(ASSAY__V1__ERROR__CODE__INTERNAL, "out of memory");
	return (struct refusal){ .text = NULL };
}

/* No call that we know: one of a later version, or none? */
static struct refusal call_unknown(struct slice body)
{
	if (wire_has_field_between(body, CALL_NUMBER_LEAST, CALL_NUMBER_MOST))
		return refuse(ASSAY__V1__ERROR__CODE__UNSUPPORTED, "call: this server does not know it");
	return refuse(ASSAY__V1__ERROR__CODE__INVALID, "call: none is set");
}

static struct refusal call_read(struct request *request, const Assay__V1__Request *call, struct slice body)
{
	request->id = slice_of_bytes(call->id);
	if (request->id.len > ID_OCTETS_MAX) {
		request->id = SLICE_EMPTY;
		return refuse(ASSAY__V1__ERROR__CODE__INVALID, "id: longer than 128 octets");
	}
	switch (call->call_case) {
	case ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE: return call_message(request, call->check_message);
	case ASSAY__V1__REQUEST__CALL_CHECK_DIGEST: return call_digest(request, call->check_digest);
	case ASSAY__V1__REQUEST__CALL_CHECK_SENDER: return call_sender(request, call->check_sender);
	case ASSAY__V1__REQUEST__CALL_SEAL: return call_seal(request, call->seal);
	case ASSAY__V1__REQUEST__CALL_TLS_POLICY: return call_tls_policy(request, call->tls_policy);
	case ASSAY__V1__REQUEST__CALL__NOT_SET: return call_unknown(body);
	default: return refuse(ASSAY__V1__ERROR__CODE__UNSUPPORTED, "this server does not answer this call");
	}
}

/* `refusal`: what admit() says of it; Status is answered all the same. */
static void request_start(struct request *request, struct slice body, struct refusal refusal)
{
	struct reply_to to;
	const char *problem;
	ProtobufCMessage *message;
	Assay__V1__Request *call;
	int result = wire_unpack(&assay__v1__request__descriptor, body, &request->arena, &message, &problem);

	call = (Assay__V1__Request *)message;
	if (result == 0 && call->call_case == ASSAY__V1__REQUEST__CALL_STATUS) {
		request->id = slice_sub(slice_of_bytes(call->id), 0, ID_OCTETS_MAX);
		to = request_reply_to(request);
		counter_up(request->shard->counters, COUNTER_REQUESTS_STATUS);
		reply_status(&to, &request->arena);
		request_free(request);
		return;
	}
	if (!refusal.text && result < 0)
		refusal = refuse(ASSAY__V1__ERROR__CODE__TOO_LARGE, REQUEST_NO_MEMORY);
	if (!refusal.text && result > 0)
		refusal = refuse(ASSAY__V1__ERROR__CODE__INVALID, problem);
	if (!refusal.text)
		refusal = call_read(request, call, body);
	if (!refusal.text && !request_memory_is_within(request))
		refusal = refuse_no_room(request->shard);
	if (refusal.text) {
		to = request_reply_to(request);
		reply_error(&to, refusal.code, refusal.text);
		request_free(request);
		return;
	}
	wait_start(request, call->deadline_ms);
	request_wake(request);
}

void request_refuse_late(struct request *request)
{
	struct reply_to to = request_reply_to(request);

	counter_up(request->shard->counters, COUNTER_OVER_QUEUE_TIME);
	counter_up(request->shard->counters, COUNTER_OVER_QUEUE_TURN);
	queue_refused(&request->shard->queue, io_now_ns(request->shard->loop));
	reply_error(&to, ASSAY__V1__ERROR__CODE__OVERLOADED, QUEUE_IS_LATE);
	request_free(request);
}

/* --- arrival --- */

static struct request *request_of_conn(struct shard *shard, struct io_conn *conn, struct io_frame frame,
                                       struct slice backtrace)
{
	struct request *request = request_new(shard, io_conn_use(conn));

	if (!request)
		return NULL;
	request->conn = io_conn_ref(conn);
	request->frame = frame;
	memcpy(request->backtrace, backtrace.ptr, backtrace.len);
	request->backtrace_len = backtrace.len;
	return request;
}

/* Soon done, and not worth the way to another shard; and may be Status, which is wanted most when all else is refused. */
static bool is_small(struct slice body)
{
	return body.len <= STATUS_OCTETS_MAX;
}

/* Admission: what is too much is refused at once, before any work. */
static struct refusal admit(struct shard *shard, struct io_conn *conn, const struct io_frame *frame, struct slice body)
{
	if (frame->state == IO_FRAME_TOO_LARGE)
		return refuse_message_size(shard);
	if (frame->state == IO_FRAME_NO_ROOM)
		return refuse_no_room(shard);
	if (frame->state == IO_FRAME_CONN_NO_ROOM) {
		counter_up(shard->counters, COUNTER_OVER_CONNECTION_OCTETS_HELD);
		return refuse(ASSAY__V1__ERROR__CODE__OVERLOADED, "limits.connection-octets-held is reached");
	}
	if (shard->draining)
		return refuse(ASSAY__V1__ERROR__CODE__OVERLOADED, "the server is stopping");
	if (shard->requests_count >= shard->limits.in_flight_max)
		return refuse_overload(shard, COUNTER_OVER_IN_FLIGHT, "limits.in-flight is reached");
	if (io_conn_use(conn)->in_flight >= shard->limits.connection_in_flight_max) {
		counter_up(shard->counters, COUNTER_OVER_CONNECTION_IN_FLIGHT);
		return refuse(ASSAY__V1__ERROR__CODE__OVERLOADED, "limits.connection-in-flight is reached");
	}
	/* A long queue only makes late what it holds: who would have to wait for longer goes elsewhere, or is told so at once. */
	if (queue_is_late(&shard->queue, conn, io_now_ns(shard->loop), shard_queue_ns_max(shard)) &&
	    (is_small(body) || !errand_is_sooner(shard)))
		return refuse_overload(shard, COUNTER_OVER_QUEUE_TIME, QUEUE_IS_LATE);
	return (struct refusal){ .text = NULL };
}

void request_do(struct request *request, struct slice body)
{
	request_start(request, body, (struct refusal){ .text = NULL });
}

void request_receive_errand(struct shard *shard, struct errand *errand)
{
	struct request *request = request_new(shard, &shard->errands);

	if (!request) {
		errand->declined = true;
		errand_return(errand);
		return;
	}
	request->errand = errand;
	request_do(request, errand->body);
}

void request_receive(struct shard *shard, struct io_conn *conn, struct io_frame frame)
{
	struct slice backtrace, body;
	struct request *request = NULL;
	struct refusal refusal;

	counter_up(shard->counters, COUNTER_REQUESTS);
	shard->received++;
	if (!wire_backtrace_split(frame.octets, &backtrace, &body)) {
		counter_up(shard->counters, frame.octets.len < WIRE_BACKTRACE_OCTETS_MAX ? COUNTER_REQUESTS_MALFORMED
		                                                                         : COUNTER_OVER_HOPS);
		io_frame_release(&frame);
		return;
	}
	refusal = admit(shard, conn, &frame, body);
	if (!refusal.text || (frame.state == IO_FRAME_WHOLE && is_small(body)))
		request = request_of_conn(shard, conn, frame, backtrace);
	if (!request && !refusal.text)
		refusal = refuse(ASSAY__V1__ERROR__CODE__OVERLOADED, "out of memory");
	if (request) {
		if (refusal.text || is_small(body) || !errand_send(request, body))
			request_start(request, body, refusal);
		return;
	}
	reply_error(&(struct reply_to){ .shard = shard, .conn = conn, .backtrace = backtrace }, refusal.code, refusal.text);
	io_frame_release(&frame);
}

void request_refresh(struct shard *shard, struct slice domain)
{
	struct request *request;

	if (shard->draining || shard->requests_count >= shard->limits.in_flight_max)
		return;
	request = request_new(shard, &shard->own);
	if (!request)
		return;
	request->call = CALL_TLS_REFRESH;
	if (arena_copy(&request->arena, domain, &request->tls_domain) < 0) {
		request_free(request);
		return;
	}
	wait_start(request, 0);
	request_wake(request);
}
