#include "engine/reply_parts.h"

#include "engine/errand.h"
#include "proto/authres/received_spf.h"
#include "proto/mail/singleton.h"
#include "proto/wire/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 301
#define REPLY_OCTETS_USUAL 4096 /* a larger one is packed twice */

/* Room for a response, behind the backtrace; NULL: nobody is there to get it. An errand's home has the backtrace. */
static uint8_t *response_room(const struct reply_to *to, size_t octets)
{
	uint8_t *at;

	if (!to->conn)
		return to->errand ? errand_reply(to->errand, octets) : NULL;
	at = io_conn_reply(to->conn, to->backtrace.len + octets);
	if (at)
		memcpy(at, to->backtrace.ptr, to->backtrace.len);
	return at ? at + to->backtrace.len : NULL;
}

/* How long a response is, is known when it is packed: so that is done beside the room for it, and copied. */
void reply_send(const struct reply_to *to, Assay__V1__Response *response)
{
	uint8_t usual[REPLY_OCTETS_USUAL], *at;
	size_t len;

	response->id = bytes_of(to->id);
	len = wire_pack(&response->base, usual, sizeof(usual));
	at = response_room(to, len);
	if (!at)
		return;
	if (len <= sizeof(usual))
		memcpy(at, usual + sizeof(usual) - len, len);
	else
		len = wire_pack(&response->base, at, len);
}

static void count_error(struct shard *shard, Assay__V1__Error__Code code)
{
	switch (code) {
	case ASSAY__V1__ERROR__CODE__INVALID: counter_up(shard->counters, COUNTER_ERRORS_INVALID); break;
	case ASSAY__V1__ERROR__CODE__TOO_LARGE: counter_up(shard->counters, COUNTER_ERRORS_TOO_LARGE); break;
	case ASSAY__V1__ERROR__CODE__OVERLOADED: counter_up(shard->counters, COUNTER_ERRORS_OVERLOADED); break;
	case ASSAY__V1__ERROR__CODE__DEADLINE: counter_up(shard->counters, COUNTER_ERRORS_DEADLINE); break;
	case ASSAY__V1__ERROR__CODE__UNSUPPORTED: counter_up(shard->counters, COUNTER_ERRORS_UNSUPPORTED); break;
	default: counter_up(shard->counters, COUNTER_ERRORS_INTERNAL); break;
	}
}

void reply_error(const struct reply_to *to, Assay__V1__Error__Code code, const char *text)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Error error;
	char copy[TEXT_SIZE];

	snprintf(copy, sizeof(copy), "%s", text);
	assay__v1__error__init(&error);
	error.code = code;
	error.text = copy;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_ERROR;
	response.error = &error;
	count_error(to->shard, code);
	reply_send(to, &response);
}

/* --- status --- */

static void counter_make(Assay__V1__Counter *counter, const char *name, uint64_t value, bool gauge)
{
	assay__v1__counter__init(counter);
	counter->name = text_of(name);
	counter->value = value;
	counter->gauge = gauge;
}

/* Every counter, and of the reasons those that were given. Returns how many; 0: the arena is full. */
static size_t counters_make(const struct engine *engine, struct arena *arena, Assay__V1__Counter *counters)
{
	size_t count = 0;

	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		counter_make(&counters[count++], counter_descriptions[i].name,
		             engine_counter(engine, (enum counter_id)i), counter_descriptions[i].gauge);
	for (unsigned id = REASON_NONE + 1; id < REASON_COUNT; id++) {
		uint64_t value = engine_reason_count(engine, (enum reason_id)id);
		struct text name;
		struct slice written;

		if (value == 0)
			continue;
		text_init(&name, arena);
		text_printf(&name, "reasons_total{code=\"%s\"}", reason_code((enum reason_id)id));
		if (text_finish(&name, &written) < 0)
			return 0;
		counter_make(&counters[count++], (const char *)written.ptr, value, false);
	}
	return count;
}

/* A Response with the status alone, into the shard's memory for it. */
static int status_pack(struct shard *shard, struct arena *arena)
{
	const struct engine_config *config = shard->config;
	struct packed_status *kept = &shard->status;
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__StatusResult status;
	Assay__V1__Counter *counters = ARENA_NEW_ARRAY(arena, COUNTER_COUNT + REASON_COUNT, Assay__V1__Counter);
	Assay__V1__Counter **pointers = ARENA_NEW_ARRAY(arena, COUNTER_COUNT + REASON_COUNT, Assay__V1__Counter *);
	char **listeners = ARENA_NEW_ARRAY(arena, config->listen_count, char *);
	uint8_t *octets;
	size_t len;

	assay__v1__status_result__init(&status);
	if (counters && pointers && listeners)
		status.n_counters = counters_make(shard->engine, arena, counters);
	if (status.n_counters == 0)
		return -ENOMEM;
	for (size_t i = 0; i < status.n_counters; i++)
		pointers[i] = &counters[i];
	for (size_t i = 0; i < config->listen_count; i++)
		listeners[i] = text_of(config->listen[i]);
	status.version = text_of(config->version);
	status.shards = config->shards;
	status.uptime_ms = engine_uptime_ms(shard->engine);
	status.counters = pointers;
	status.n_listeners = config->listen_count;
	status.listeners = listeners;
	status.draining = engine_is_stopping(shard->engine);
	response.result_case = ASSAY__V1__RESPONSE__RESULT_STATUS;
	response.status = &status;
	len = wire_pack(&response.base, NULL, 0);
	octets = realloc(kept->octets, len);
	if (!octets)
		return -ENOMEM;
	kept->octets = octets;
	kept->len = wire_pack(&response.base, octets, len);
	return 0;
}

/*
 * Every counter's name is in it, so it is dear to make: that is done once a turn, however many ask. The id stands before it:
 * a message may be packed in parts.
 */
void reply_status(const struct reply_to *to, struct arena *arena)
{
	struct packed_status *kept = &to->shard->status;
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	int64_t now_ns = io_now_ns(to->shard->loop);
	size_t head;
	uint8_t *at;

	if (!kept->octets || kept->turn_ns != now_ns) {
		if (status_pack(to->shard, arena) < 0) {
			reply_error(to, ASSAY__V1__ERROR__CODE__INTERNAL, "out of memory");
			return;
		}
		kept->turn_ns = now_ns;
	}
	response.id = bytes_of(to->id);
	head = wire_pack(&response.base, NULL, 0);
	at = response_room(to, head + kept->len);
	if (!at)
		return;
	at += wire_pack(&response.base, at, head);
	memcpy(at, kept->octets, kept->len);
}

/* --- verdicts --- */

int reply_reason(const struct reason *reason, struct arena *arena, Assay__V1__Reason **out)
{
	Assay__V1__Reason *made = ARENA_NEW(arena, Assay__V1__Reason);
	struct slice text;

	if (!made)
		return -ENOMEM;
	TRY(reason_render(reason, arena, &text));
	assay__v1__reason__init(made);
	made->text = text_of((const char *)text.ptr);
	made->fix = text_of(reason_fix(reason->id));
	made->code = text_of(reason_code(reason->id));
	*out = made;
	return 0;
}

static int spf_make(const struct spf_result *spf, struct arena *arena, Assay__V1__Spf **out)
{
	Assay__V1__Spf *made = ARENA_NEW(arena, Assay__V1__Spf);
	struct slice explanation;

	if (!made)
		return -ENOMEM;
	TRY(arena_copy(arena, spf->explanation, &explanation));
	assay__v1__spf__init(made);
	made->result = (Assay__V1__Spf__Result)(spf->result + 1);
	made->scope = spf->scope == SPF_HELO ? ASSAY__V1__SPF__SCOPE__HELO : ASSAY__V1__SPF__SCOPE__MAILFROM;
	made->domain = bytes_of(spf->domain);
	made->explanation = text_of((const char *)explanation.ptr);
	made->mechanism = bytes_of(spf->mechanism);
	made->mechanism_domain = bytes_of(spf->mechanism_domain);
	made->network_prefix = spf->network_prefix;
	made->has_network_prefix = spf->has_network_prefix;
	*out = made;
	return reply_reason(&spf->reason, arena, &made->reason);
}

int reply_dkim(const struct dkim_signature_result *signature, struct arena *arena, Assay__V1__Dkim **out)
{
	Assay__V1__Dkim *made = ARENA_NEW(arena, Assay__V1__Dkim);

	if (!made)
		return -ENOMEM;
	assay__v1__dkim__init(made);
	made->result = (Assay__V1__Dkim__Result)(signature->result + 1);
	made->domain = bytes_of(signature->domain);
	made->selector = bytes_of(signature->selector);
	made->identity = bytes_of(signature->identity);
	made->algorithm = bytes_of(signature->algorithm);
	made->signature_start = bytes_of(signature->signature_start);
	made->key_bits = signature->key_bits;
	made->testing = signature->testing;
	made->signed_at = signature->signed_at;
	made->body_partly_unsigned = signature->body_partly_unsigned;
	*out = made;
	return reply_reason(&signature->reason, arena, &made->reason);
}

/* At the time of receipt, as t= and x= are judged. */
static void sight_add(struct shard *shard, const struct verdict_input *input,
                      const struct dkim_signature_result *signature, Assay__V1__Dkim *out)
{
	const struct ip_address *client = input->has_client ? &input->client : NULL;
	struct replay_sight sight = replay_see(&shard->replay, signature, client, input->received_at);

	out->seen_times = sight.times;
	out->seen_clients = sight.clients;
	counter_add(shard->counters, COUNTER_DKIM_SEEN_AGAIN, sight.times > 1);
	counter_add(shard->counters, COUNTER_OVER_REPLAY_MEMORY, sight.replaced);
}

static int dkim_list_make(const struct reply_to *to, const struct verdict_input *input, const struct dkim_result *dkim,
                          struct arena *arena, Assay__V1__Verdict *out)
{
	out->dkim = ARENA_NEW_ARRAY(arena, dkim->count, Assay__V1__Dkim *);
	if (!out->dkim)
		return -ENOMEM;
	out->dkim_ignored = (uint32_t)dkim->ignored;
	for (; out->n_dkim < dkim->count; out->n_dkim++) {
		const struct dkim_signature_result *signature = &dkim->signatures[out->n_dkim];

		TRY(reply_dkim(signature, arena, &out->dkim[out->n_dkim]));
		sight_add(to->shard, input, signature, out->dkim[out->n_dkim]);
	}
	return dkim->ignored ? reply_reason(&dkim->ignored_reason, arena, &out->dkim_ignored_reason) : 0;
}

static int shadow_make(const struct dmarc_shadow *shadow, struct arena *arena, Assay__V1__Dmarc__Shadow **out)
{
	Assay__V1__Dmarc__Shadow *made;

	if (!shadow->evaluated)
		return 0;
	made = ARENA_NEW(arena, Assay__V1__Dmarc__Shadow);
	if (!made)
		return -ENOMEM;
	assay__v1__dmarc__shadow__init(made);
	made->result = (Assay__V1__Dmarc__Result)(shadow->result + 1);
	made->organizational_domain = bytes_of(shadow->organizational_domain);
	made->policy_domain = bytes_of(shadow->policy_domain);
	made->has_policy = shadow->has_policy;
	made->policy = (Assay__V1__Dmarc__Policy)shadow->policy;
	made->pct = shadow->pct;
	made->disposition = (Assay__V1__Dmarc__Policy)shadow->disposition;
	made->disposition_unsampled = (Assay__V1__Dmarc__Policy)shadow->disposition_unsampled;
	made->differs = shadow->differs;
	*out = made;
	return 0;
}

static int override_make(const struct verdict_override *override, struct arena *arena, Assay__V1__Dmarc__Override **out)
{
	Assay__V1__Dmarc__Override *made;

	if (!override->applies)
		return 0;
	made = ARENA_NEW(arena, Assay__V1__Dmarc__Override);
	if (!made)
		return -ENOMEM;
	assay__v1__dmarc__override__init(made);
	made->type = text_of("local_policy");
	made->comment = text_of((const char *)override->comment.ptr);
	made->disposition = (Assay__V1__Dmarc__Policy)override->disposition;
	made->arc_instance = override->instance;
	*out = made;
	return 0;
}

/* Text from an arena has a NUL behind it. */
static int unicode_make(const struct ulabels *ulabels, struct arena *arena, Assay__V1__Dmarc__Unicode **out)
{
	Assay__V1__Dmarc__Unicode *made;

	if (!ulabels->exist)
		return 0;
	made = ARENA_NEW(arena, Assay__V1__Dmarc__Unicode);
	if (!made)
		return -ENOMEM;
	assay__v1__dmarc__unicode__init(made);
	if (ulabels->name.len > 0)
		made->name = text_of((const char *)ulabels->name.ptr);
	made->mixes_scripts = ulabels->mixes_scripts;
	*out = made;
	return 0;
}

static int dmarc_make(const struct verdict *verdict, struct arena *arena, Assay__V1__Dmarc **out)
{
	const struct dmarc_result *dmarc = &verdict->dmarc;
	Assay__V1__Dmarc *made = ARENA_NEW(arena, Assay__V1__Dmarc);

	if (!made)
		return -ENOMEM;
	assay__v1__dmarc__init(made);
	made->result = (Assay__V1__Dmarc__Result)(dmarc->result + 1);
	made->from_domain = bytes_of(dmarc->from_domain);
	made->policy_domain = bytes_of(dmarc->policy_domain);
	made->organizational_domain = bytes_of(dmarc->organizational_domain);
	made->policy = (Assay__V1__Dmarc__Policy)dmarc->policy;
	made->has_policy = dmarc->has_policy;
	made->disposition = (Assay__V1__Dmarc__Policy)dmarc->disposition;
	made->spf_aligned = dmarc->spf_aligned;
	made->dkim_aligned = dmarc->dkim_aligned;
	made->testing = dmarc->testing;
	made->record = bytes_of(dmarc->record);
	*out = made;
	TRY(shadow_make(&verdict->shadow, arena, &made->shadow));
	TRY(override_make(&verdict->override, arena, &made->override));
	TRY(unicode_make(&verdict->author_ulabels, arena, &made->from_domain_unicode));
	return reply_reason(&dmarc->reason, arena, &made->reason);
}

static int duplicates_make(uint32_t repeated, struct arena *arena, Assay__V1__Flags *out)
{
	if (!repeated)
		return 0;
	out->duplicate_fields = ARENA_NEW_ARRAY(arena, MAIL_SINGLETONS, char *);
	if (!out->duplicate_fields)
		return -ENOMEM;
	for (unsigned i = 0; i < MAIL_SINGLETONS; i++)
		if (repeated & UINT32_C(1) << i)
			out->duplicate_fields[out->n_duplicate_fields++] = text_of(mail_singleton_name(i));
	return 0;
}

static int flags_make(const struct verdict_flags *flags, struct arena *arena, Assay__V1__Flags **out)
{
	Assay__V1__Flags *made = ARENA_NEW(arena, Assay__V1__Flags);

	if (!made)
		return -ENOMEM;
	assay__v1__flags__init(made);
	made->bare_cr = flags->bare_cr;
	made->bare_lf = flags->bare_lf;
	made->nul_in_header = flags->nul_in_header;
	made->malformed_header = flags->malformed_header;
	made->malformed_from = flags->malformed_from;
	made->header_over_bounds = flags->header_over_bounds;
	*out = made;
	return duplicates_make(flags->repeated_fields, arena, made);
}

static void deletions_add(const char *name, const struct authres_positions *forged, Assay__V1__Deletion *made,
                          Assay__V1__Verdict *out)
{
	for (size_t i = 0; i < forged->count; i++) {
		Assay__V1__Deletion *deletion = &made[out->n_delete_fields];

		assay__v1__deletion__init(deletion);
		deletion->name = text_of(name);
		deletion->index = forged->at[i];
		out->delete_fields[out->n_delete_fields++] = deletion;
	}
}

static int deletions_make(const struct verdict *verdict, struct arena *arena, Assay__V1__Verdict *out)
{
	size_t count = verdict->forged.count + verdict->forged_received_spf.count;
	Assay__V1__Deletion *made;

	if (count == 0)
		return 0;
	made = ARENA_NEW_ARRAY(arena, count, Assay__V1__Deletion);
	out->delete_fields = ARENA_NEW_ARRAY(arena, count, Assay__V1__Deletion *);
	if (!made || !out->delete_fields)
		return -ENOMEM;
	deletions_add(AUTHRES_FIELD_NAME, &verdict->forged, made, out);
	deletions_add(RECEIVED_SPF_FIELD_NAME, &verdict->forged_received_spf, made, out);
	return 0;
}

static int verdict_make(const struct reply_to *to, const struct verdict_input *input, const struct verdict *verdict,
                        bool is_sender_verdict, struct arena *arena, Assay__V1__Verdict *out)
{
	out->authentication_results = bytes_of(verdict->authentication_results);
	out->received_spf = bytes_of(verdict->received_spf);
	if (verdict->has_spf)
		TRY(spf_make(&verdict->spf, arena, &out->spf));
	if (verdict->has_spf_helo)
		TRY(spf_make(&verdict->spf_helo, arena, &out->spf_helo));
	if (is_sender_verdict)
		return 0;
	TRY(dkim_list_make(to, input, &verdict->dkim, arena, out));
	TRY(reply_arc(&verdict->arc, arena, &out->arc));
	TRY(dmarc_make(verdict, arena, &out->dmarc));
	TRY(deletions_make(verdict, arena, out));
	return flags_make(&verdict->flags, arena, &out->flags);
}

/* LESSONS row 7: keys that still count, and that a site may want to see the end of. */
static void count_signature(struct counters *counters, const struct dkim_signature_result *signature)
{
	bool rsa = slice_starts_with_nocase(signature->algorithm, SLICE("rsa-"));

	counter_up(counters, (enum counter_id)(COUNTER_DKIM_PASS + (int)signature->result));
	counter_reason_up(counters, signature->reason.id);
	counter_add(counters, COUNTER_DKIM_RSA_BELOW_2048,
	            signature->result == DKIM_PASS && rsa && signature->key_bits < 2048);
}

static void count_verdict(struct shard *shard, const struct verdict *verdict, bool is_sender_verdict)
{
	struct counters *counters = shard->counters;

	if (verdict->has_spf) {
		counter_up(counters, (enum counter_id)(COUNTER_SPF_NONE + (int)verdict->spf.result));
		counter_reason_up(counters, verdict->spf.reason.id);
	}
	if (is_sender_verdict)
		return;
	for (size_t i = 0; i < verdict->dkim.count; i++)
		count_signature(counters, &verdict->dkim.signatures[i]);
	if (verdict->arc.evaluated) {
		counter_up(counters, (enum counter_id)(COUNTER_ARC_NONE + (int)verdict->arc.result));
		counter_reason_up(counters, verdict->arc.reason.id);
	}
	if (verdict->arc.reason.id == REASON_ARC_SETS_MANY || verdict->arc.reason.id == REASON_ARC_SETS_EXCESSIVE)
		counter_up(counters, COUNTER_OVER_ARC_SETS);
	if (verdict->override.applies)
		counter_up(counters, COUNTER_ARC_OVERRIDES);
	counter_reason_up(counters, verdict->dmarc.reason.id);
	counter_add(counters, COUNTER_DKIM_IGNORED, verdict->dkim.ignored);
	counter_reason_up(counters, verdict->dkim.ignored_reason.id);
	counter_up(counters, (enum counter_id)(COUNTER_DMARC_NONE + (int)verdict->dmarc.result));
	if (verdict->shadow.evaluated)
		counter_up(counters, verdict->shadow.differs ? COUNTER_DMARC_SHADOW_DIFFERS : COUNTER_DMARC_SHADOW_SAME);
	counter_add(counters, COUNTER_FORGED_FIELDS, verdict->forged.count + verdict->forged_received_spf.count);
}

int reply_verdict(const struct reply_to *to, const struct verdict_input *input, const struct verdict *verdict,
                  bool is_sender_verdict, struct arena *arena)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict made = ASSAY__V1__VERDICT__INIT;

	TRY(verdict_make(to, input, verdict, is_sender_verdict, arena, &made));
	if (is_sender_verdict) {
		response.result_case = ASSAY__V1__RESPONSE__RESULT_SENDER_VERDICT;
		response.sender_verdict = &made;
	} else {
		response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
		response.verdict = &made;
	}
	count_verdict(to->shard, verdict, is_sender_verdict);
	reply_send(to, &response);
	return 0;
}
