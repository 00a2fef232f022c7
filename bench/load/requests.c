#include "load/requests.h"

#include "assay.pb-c.h"
#include "client/hasher.h"
#include "corpus/text.h"
#include "proto/mail/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPF_TEMPERROR ASSAY__V1__SPF__RESULT__TEMPERROR
#define DKIM_TEMPERROR ASSAY__V1__DKIM__RESULT__TEMPERROR
#define DMARC_TEMPERROR ASSAY__V1__DMARC__RESULT__TEMPERROR
#define PADDING_FIELD 3000 /* a number that no message of the schema has */

static ProtobufCBinaryData bytes_of(const void *octets, size_t len)
{
	ProtobufCBinaryData bytes = { .len = len };

	memcpy(&bytes.data, &octets, sizeof(octets));
	return bytes;
}

static ProtobufCBinaryData bytes_of_text(const char *text)
{
	return bytes_of(text, strlen(text));
}

static char *text_of(const char *text)
{
	char *out;

	memcpy(&out, &text, sizeof(out));
	return out;
}

static void pack(const Assay__V1__Request *call, struct request *out)
{
	uint8_t *octets;

	out->len = assay__v1__request__get_packed_size(call);
	octets = memory_new(out->len, 1);
	assay__v1__request__pack(call, octets);
	out->octets = octets;
}

/* Fills `digest` from the message, and gives what holds its digests. */
static struct hasher *digest_make(const struct entry *entry, Assay__V1__CheckDigest *digest)
{
	const struct mail_bounds bounds = { SIZE_MAX, 65536, SIZE_MAX };
	struct hasher_result result;
	struct mail_message message;
	struct dkim_bodies bodies;
	struct hasher *hasher;
	struct arena arena;

	arena_init(&arena, (size_t)64 << 20);
	if (mail_parse(slice_of(entry->octets, entry->len), &bounds, &arena, &message) < 0)
		die("out of memory");
	dkim_bodies_asked(&message, &bodies);
	if (hasher_new(&heap_default, &bodies, &hasher) != ASSAY_OK || hasher_feed(hasher, message.body) != ASSAY_OK ||
	    hasher_finish(hasher, &result) != ASSAY_OK)
		die("the body cannot be hashed");
	digest->header = bytes_of(message.header.ptr, message.header.len);
	digest->digests = result.digests;
	digest->n_digests = result.digests_count;
	digest->body_bare_cr = result.bare_cr;
	digest->body_bare_lf = result.bare_lf;
	digest->message_octets = entry->len;
	arena_deinit(&arena);
	return hasher;
}

static void entry_pack(const struct request_options *options, const struct entry *entry, struct request *out)
{
	Assay__V1__Request call = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckMessage message = ASSAY__V1__CHECK_MESSAGE__INIT;
	Assay__V1__CheckSender sender = ASSAY__V1__CHECK_SENDER__INIT;
	Assay__V1__CheckDigest digest = ASSAY__V1__CHECK_DIGEST__INIT;
	struct hasher *hasher = NULL;
	Assay__V1__Envelope envelope;
	ProtobufCBinaryData rcpt;

	assay__v1__envelope__init(&envelope);
	envelope.client_ip = text_of(entry->client_ip);
	envelope.helo = bytes_of_text(entry->helo);
	envelope.mail_from = bytes_of_text(entry->mail_from);
	envelope.received_at = entry->received_at;
	if (entry->rcpt_to) {
		rcpt = bytes_of_text(entry->rcpt_to);
		envelope.rcpt_to = &rcpt;
		envelope.n_rcpt_to = 1;
	}
	call.deadline_ms = options->deadline_ms;
	if (options->kind == REQUEST_SENDER) {
		sender.envelope = &envelope;
		call.call_case = ASSAY__V1__REQUEST__CALL_CHECK_SENDER;
		call.check_sender = &sender;
	} else if (options->digest) {
		hasher = digest_make(entry, &digest);
		digest.envelope = &envelope;
		call.call_case = ASSAY__V1__REQUEST__CALL_CHECK_DIGEST;
		call.check_digest = &digest;
	} else {
		message.envelope = &envelope;
		message.message = bytes_of(entry->octets, entry->len);
		call.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
		call.check_message = &message;
	}
	pack(&call, out);
	hasher_free(hasher);
	out->entry = entry;
}

static void label_find(struct requests *requests)
{
	const struct request *cold = &requests->cold;
	const char *label = cold->entry->label;
	size_t size = 0;

	requests->label_len = strlen(label);
	for (size_t at = 0; at + requests->label_len <= cold->len; at++) {
		if (memcmp(cold->octets + at, label, requests->label_len) != 0)
			continue;
		if (requests->label_places_count == size) {
			size = size ? size * 2 : 16;
			requests->label_places = memory_grow(requests->label_places, size, sizeof(size_t));
		}
		requests->label_places[requests->label_places_count++] = at;
	}
	if (requests->label_len < 17 || requests->label_places_count == 0)
		die("the corpus' cold message is not usable");
}

static void corpus_pack(const struct request_options *options, struct requests *out)
{
	const struct corpus *corpus = corpus_read(options->corpus, options->messages_max);

	out->count = corpus->count;
	out->at = memory_new(out->count, sizeof(*out->at));
	for (size_t i = 0; i < out->count; i++)
		entry_pack(options, &corpus->entries[i], &out->at[i]);
	if (options->cold) {
		entry_pack(options, corpus->cold, &out->cold);
		label_find(out);
	}
}

/* Not zeros: nothing on the way is to find them easy. */
static uint8_t *filling(size_t octets)
{
	uint8_t *made = memory_new(octets, 1);

	for (size_t i = 0; i < octets; i++)
		made[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (uint8_t)('a' + i * 7 % 26);
	return made;
}

static void status_pack(const struct request_options *options, struct request *out)
{
	Assay__V1__Request call = ASSAY__V1__REQUEST__INIT;
	Assay__V1__Status status = ASSAY__V1__STATUS__INIT;
	ProtobufCMessageUnknownField unknown = { .tag = PADDING_FIELD, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED };
	size_t octets = options->octets > 16 ? options->octets - 16 : 0;
	uint8_t *field = filling(octets + 8);
	size_t head = 0;

	call.call_case = ASSAY__V1__REQUEST__CALL_STATUS;
	call.status = &status;
	if (octets) {
		/* protobuf-c packs an unknown field as its octets stand, length included. */
		for (size_t rest = octets; rest || head == 0; rest >>= 7)
			field[head++] = (uint8_t)((rest & 127) | (rest > 127 ? 128 : 0));
		unknown.data = field;
		unknown.len = head + octets;
		call.base.n_unknown_fields = 1;
		call.base.unknown_fields = &unknown;
	}
	pack(&call, out);
	free(field);
}

static void refused_pack(const struct request_options *options, struct request *out)
{
	Assay__V1__Request call = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckMessage message = ASSAY__V1__CHECK_MESSAGE__INIT;
	Assay__V1__Envelope envelope;
	size_t octets = options->octets > 40 ? options->octets - 40 : 0;
	uint8_t *octets_made;

	assay__v1__envelope__init(&envelope);
	envelope.client_ip = text_of("no address");
	envelope.helo = bytes_of_text("mail.example");
	message.envelope = &envelope;
	octets_made = filling(octets);
	message.message = bytes_of(octets_made, octets);
	call.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	call.check_message = &message;
	pack(&call, out);
	free(octets_made);
}

void requests_make(const struct request_options *options, struct requests *out)
{
	*out = (struct requests){ .kind = options->kind };
	if (options->kind == REQUEST_CHECK || options->kind == REQUEST_SENDER) {
		corpus_pack(options, out);
		return;
	}
	out->count = 1;
	out->at = memory_new(1, sizeof(*out->at));
	if (options->kind == REQUEST_STATUS)
		status_pack(options, out->at);
	else if (options->kind == REQUEST_REFUSED)
		refused_pack(options, out->at);
	else
		*out->at = (struct request){ .octets = filling(options->octets), .len = options->octets };
}

/* Names that no run has asked for before: the time of the first one, and a number. */
void requests_cold(const struct requests *requests, uint64_t number, uint8_t *to)
{
	static uint32_t run;
	struct timespec now;
	char label[32];

	if (run == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		run = (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000) | 1;
	}
	snprintf(label, sizeof(label), "k%08x%08x", run, (uint32_t)number);
	memcpy(to, requests->cold.octets, requests->cold.len);
	for (size_t i = 0; i < requests->label_places_count; i++)
		memcpy(to + requests->label_places[i], label, 17);
}

/* --- answers --- */

static bool differs(const char *what, unsigned got, unsigned want, char *why, size_t size)
{
	if (got == want)
		return false;
	snprintf(why, size, "%s is %u, expected %u", what, got, want);
	return true;
}

static enum answer verdict_judge(const struct entry *entry, bool is_sender, const struct reply *reply, char *why,
                                 size_t size)
{
	bool deferred = false;

	if (reply->spf == SPF_TEMPERROR && entry->spf != SPF_TEMPERROR)
		deferred = true;
	else if (differs("spf", reply->spf, entry->spf, why, size))
		return ANSWER_WRONG;
	if (!is_sender && differs("number of signatures", reply->dkim_count, entry->signatures_count, why, size))
		return ANSWER_WRONG;
	for (unsigned i = 0; !is_sender && i < reply->dkim_count && i < REPLY_DKIM_MAX; i++) {
		if (reply->dkim[i] == DKIM_TEMPERROR && entry->signatures[i].result != DKIM_TEMPERROR)
			deferred = true;
		else if (differs("dkim", reply->dkim[i], entry->signatures[i].result, why, size))
			return ANSWER_WRONG;
	}
	/* Without a result there is no disposition that could be compared. */
	if (!is_sender && reply->dmarc == DMARC_TEMPERROR && entry->dmarc != DMARC_TEMPERROR)
		deferred = true;
	else if (!is_sender && (differs("dmarc", reply->dmarc, entry->dmarc, why, size) ||
	                        differs("disposition", reply->disposition, entry->disposition, why, size)))
		return ANSWER_WRONG;
	if (deferred)
		snprintf(why, size, "temperror");
	return deferred ? ANSWER_DEFERRED : ANSWER_RIGHT;
}

enum answer requests_judge(const struct requests *requests, const struct request *request, const struct reply *reply,
                           char *why, size_t size)
{
	static const enum reply_kind kinds[] = {
		[REQUEST_CHECK] = REPLY_VERDICT,  [REQUEST_SENDER] = REPLY_SENDER_VERDICT,
		[REQUEST_STATUS] = REPLY_STATUS, [REQUEST_REFUSED] = REPLY_ERROR,
	};

	if (requests->kind == REQUEST_ECHO)
		return ANSWER_RIGHT;
	if (reply->kind == REPLY_ERROR && reply->error == ASSAY__V1__ERROR__CODE__OVERLOADED) {
		snprintf(why, size, "error OVERLOADED");
		return ANSWER_REFUSED;
	}
	if (reply->kind == REPLY_ERROR && kinds[requests->kind] != REPLY_ERROR)
		snprintf(why, size, "error %u", reply->error);
	else if (reply->kind != kinds[requests->kind])
		snprintf(why, size, "reply of kind %d, expected %d", (int)reply->kind, (int)kinds[requests->kind]);
	else if (reply->kind == REPLY_ERROR)
		return differs("error", reply->error, ASSAY__V1__ERROR__CODE__INVALID, why, size) ? ANSWER_WRONG : ANSWER_RIGHT;
	else if (!request->entry)
		return ANSWER_RIGHT;
	else
		return verdict_judge(request->entry, requests->kind == REQUEST_SENDER, reply, why, size);
	return ANSWER_WRONG;
}
