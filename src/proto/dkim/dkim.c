#include "proto/dkim/dkim.h"

#include "proto/dkim/candidates.h"
#include "proto/dkim/header.h"
#include "proto/dkim/key.h"
#include "proto/dkim/limits.h"
#include "proto/dkim/verify.h"
#include "proto/mail/domain.h"

#define ED25519_SIGNATURE_OCTETS 64 /* RFC 8032 section 5.1.6 */
#define START_OCTETS_MIN 8 /* RFC 6008 section 4 */

/* One signature on its way. */
struct check {
	struct dkim_verification *all;
	const struct dkim_target *target;
	const struct dkim_signature *signature;
	const struct dkim_key *keys[DKIM_KEYS_TRIED_MAX]; /* those that fit */
	size_t keys_count;
	uint64_t verify_ns; /* of these keys */
	struct dkim_signature_result *out;
};

/* Ends a check; 0, for a verdict is data. */
static int conclude(struct check *check, enum dkim_word result, struct reason reason)
{
	check->out->result = result;
	check->out->reason = reason;
	return 0;
}

static int reason_of_numbers(struct arena *arena, enum reason_id id, uint64_t first, uint64_t second,
                             struct reason *out)
{
	struct text text;

	*out = reason_of(id);
	text_init(&text, arena);
	text_u64(&text, first);
	TRY(text_finish(&text, &out->detail[0]));
	text_init(&text, arena);
	text_u64(&text, second);
	return text_finish(&text, &out->detail[1]);
}

static int conclude_numbers(struct check *check, enum dkim_word result, enum reason_id id, uint64_t first,
                            uint64_t second)
{
	struct reason reason;

	TRY(reason_of_numbers(check->all->arena, id, first, second, &reason));
	return conclude(check, result, reason);
}

/* A signature that may speak for an author, and not a link of a chain. */
static bool is_dkim(const struct check *check)
{
	return check->target->form == DKIM_FORM_SIGNATURE;
}

static bool is_after(uint64_t time, int64_t now, uint64_t allowance)
{
	return now < 0 || (time > (uint64_t)now && time - (uint64_t)now > allowance);
}

static bool is_before(uint64_t time, int64_t now, uint64_t allowance)
{
	return now > 0 && (uint64_t)now > time && (uint64_t)now - time > allowance;
}

/* What of the signature itself keeps it from counting here, before anything is asked. Returns whether it goes on. */
static bool signature_is_acceptable(struct check *check, int *result_out)
{
	const struct dkim_signature *signature = check->signature;
	const struct dkim_config *config = check->all->config;
	uint64_t drift = config->clock_drift_s;

	if (signature->hash == HASH_SHA1 && !config->allow_rsa_sha1)
		*result_out = conclude(check, DKIM_PERMERROR,
		                       reason_of_1(REASON_DKIM_ALGORITHM_REFUSED, signature->algorithm));
	else if (config->refused.contain && config->refused.contain(config->refused.arg, signature->domain_canonical))
		*result_out = conclude(check, DKIM_POLICY,
		                       reason_of_1(REASON_DKIM_PUBLIC_SUFFIX, signature->domain));
	else if (signature->has_expiry && is_before(signature->expiry, check->all->now, drift))
		*result_out = conclude_numbers(check, DKIM_PERMERROR, REASON_DKIM_EXPIRED, signature->expiry, 0);
	/* Of ARC a clock that is ahead would break the chain for good: t= is not what it is relied on for. */
	else if (is_dkim(check) && signature->has_time && is_after(signature->time, check->all->now, drift))
		*result_out = conclude_numbers(check, DKIM_POLICY, REASON_DKIM_FUTURE, signature->time, 0);
	else
		return true;
	return false;
}

static struct reason key_fault_reason(const struct check *check, enum dkim_key_fault fault)
{
	static const enum reason_id ids[] = {
		[DKIM_KEY_WITHOUT_DATA] = REASON_DKIM_KEY_WITHOUT_DATA,
		[DKIM_KEY_REVOKED] = REASON_DKIM_KEY_REVOKED,
		[DKIM_KEY_NOT_FOR_MAIL] = REASON_DKIM_KEY_SERVICE,
		[DKIM_KEY_UNKNOWN_TYPE] = REASON_DKIM_KEY_TYPE,
		[DKIM_KEY_MALFORMED] = REASON_DKIM_KEY_MALFORMED,
		[DKIM_KEY_BAD_NUMBERS] = REASON_DKIM_KEY_EXPONENT,
	};

	return reason_of_2(ids[fault], check->signature->query_name, check->signature->algorithm);
}

/* Does the key fit the signature? If not, the result says why. */
static int key_fit(struct check *check, const struct dkim_key *key, bool *fits_out)
{
	const struct dkim_signature *signature = check->signature;
	const struct dkim_config *config = check->all->config;
	struct slice at = signature->query_name;
	uint64_t verify_ns;

	*fits_out = false;
	check->out->testing = key->testing;
	if (key->fault != DKIM_KEY_USABLE)
		return conclude(check, DKIM_PERMERROR, key_fault_reason(check, key->fault));
	if (key->key.kind != signature->kind)
		return conclude(check, DKIM_PERMERROR, reason_of_2(REASON_DKIM_KEY_TYPE, at, signature->algorithm));
	if (!(signature->hash == HASH_SHA1 ? key->allows_sha1 : key->allows_sha256))
		return conclude(check, DKIM_PERMERROR, reason_of_2(REASON_DKIM_KEY_HASH, at, signature->algorithm));
	if (key->strict_identity && !domain_equal(signature->identity_domain, signature->domain_canonical))
		return conclude(check, DKIM_PERMERROR, reason_of_1(REASON_DKIM_KEY_STRICT, signature->identity));
	check->out->key_bits = key->key.bits;
	/* LESSONS row 7: our choice, not the signer's fault. */
	if (key->key.kind == PUBLIC_KEY_RSA && key->key.bits < config->rsa_bits_min)
		return conclude_numbers(check, DKIM_POLICY, REASON_DKIM_KEY_SHORT, key->key.bits, config->rsa_bits_min);
	if (key->key.kind == PUBLIC_KEY_RSA && key->key.bits > config->rsa_bits_max)
		return conclude_numbers(check, DKIM_POLICY, REASON_DKIM_KEY_LONG, key->key.bits, config->rsa_bits_max);
	verify_ns = check->verify_ns + dkim_key_verify_ns(&key->key);
	if (verify_ns > check->all->verify_ns_each)
		return conclude(check, DKIM_POLICY, reason_of_1(REASON_BUDGET, SLICE("dkim.max-verify-time")));
	check->verify_ns = verify_ns;
	*fits_out = true;
	return 0;
}

/* The keys that fit, in the order of the answer; when none does, the result is that of the first key record. */
static int keys_read(struct check *check, const struct dns_answer *answer)
{
	struct dkim_signature_result *out = check->out, first = { 0 };
	const struct dkim_key_records *records;
	const void *object;

	TRY(dns_answer_read(answer, &dkim_key_form, check->all->arena, &object));
	records = object;
	for (size_t i = 0; i < records->count && check->keys_count < DKIM_KEYS_TRIED_MAX; i++) {
		const struct dkim_key *key = &records->keys[i];
		bool fits;

		TRY(key_fit(check, key, &fits));
		if (fits)
			check->keys[check->keys_count++] = key;
		if (i == 0)
			first = *out;
	}
	if (check->keys_count > 0) {
		out->testing = check->keys[0]->testing;
		out->key_bits = check->keys[0]->key.bits;
		return 0;
	}
	if (records->count > 0)
		*out = first;
	else
		return conclude(check, DKIM_PERMERROR,
		                reason_of_1(REASON_DKIM_KEY_NONE_VALID, check->signature->query_name));
	return 0;
}

static int keys_find(struct check *check, const struct dns_answer *answer)
{
	struct slice name = check->signature->query_name;
	struct slice outcome = slice_of_str(dns_outcome_text(answer->outcome));

	if (dns_is_temporary_error(answer))
		return conclude(check, DKIM_TEMPERROR, reason_of_2(REASON_DKIM_KEY_UNAVAILABLE, name, outcome));
	if (dns_is_void(answer))
		return conclude(check, DKIM_PERMERROR, reason_of_2(REASON_DKIM_KEY_NOT_FOUND, name, outcome));
	return keys_read(check, answer);
}

static const struct body_digest *body_digest(const struct check *check)
{
	const struct body_question question = {
		.body = check->all->message->body,
		.canon = check->signature->body_canon,
		.hash = check->signature->hash,
		.octets_max = check->signature->has_length ? check->signature->length : UINT64_MAX,
	};

	return ask_body_digest(check->all->ask, &question);
}

/* Is the body the one that was signed? If not, the result says so. */
static int body_compare(struct check *check, const struct body_digest *digest, bool *same_out)
{
	const struct dkim_signature *signature = check->signature;
	uint64_t octets = digest->canonical_octets;
	size_t hash_octets = dkim_hash_octets(signature->hash);

	*same_out = false;
	if (digest->fault)
		return conclude(check, DKIM_TEMPERROR,
		                reason_of(digest->missing ? REASON_DKIM_DIGEST_MISSING : REASON_DKIM_SIGNATURE_UNCHECKED));
	if (signature->has_length && signature->length > octets)
		return conclude_numbers(check, DKIM_PERMERROR, REASON_DKIM_BODY_SHORT, signature->length, octets);
	check->out->body_partly_unsigned = signature->has_length && signature->length < octets;
	if (!slice_equal(signature->body_hash, slice_of(digest->octets, hash_octets)))
		return conclude_numbers(check, DKIM_FAIL, REASON_DKIM_BODY_HASH, octets, 0);
	*same_out = true;
	return 0;
}

/* What the header of the message has to do with it. */
static int header_cover(struct check *check, const struct slice **parts_out, size_t *parts_count_out)
{
	struct dkim_verification *all = check->all;

	if (check->target->form == DKIM_FORM_ARC_SEAL)
		return check->target->cover(check->target->cover_arg, check->signature, parts_out, parts_count_out);
	if (!all->header_ready) {
		dkim_header_init(&all->header, all->message);
		all->header_ready = true;
	}
	return dkim_header_signed(&all->header, check->target->field, check->signature, all->arena, parts_out,
	                          parts_count_out);
}

static int signature_ask(struct check *check, size_t key, enum signature_answer *answer_out)
{
	const struct ask *ask = check->all->ask;
	struct signature_question question = {
		.id = check->target->id + (unsigned)key,
		.key = check->keys[key]->key,
		.hash = check->signature->hash,
		.signature = check->signature->signature,
	};

	if (ask_signature_known(ask, question.id, answer_out))
		return 0;
	TRY(header_cover(check, &question.signed_parts, &question.signed_parts_count));
	*answer_out = ask_signature(ask, &question);
	return 0;
}

/* The signature is right: what may still keep it from being a pass. */
static int conclude_valid(struct check *check, uint64_t body_octets)
{
	struct slice added;

	if (check->out->body_partly_unsigned)
		return conclude_numbers(check, DKIM_POLICY, REASON_DKIM_BODY_UNSIGNED, check->signature->length,
		                        body_octets);
	if (!is_dkim(check))
		return conclude(check, DKIM_PASS, reason_of_1(REASON_DKIM_PASS, check->signature->domain));
	added = dkim_header_uncovered(check->all->message, check->signature);
	if (added.len > 0)
		return conclude(check, DKIM_POLICY, reason_of_1(REASON_DKIM_FIELD_ADDED, added));
	if (dkim_header_leaves_out(check->all->message, check->signature, MAIL_NAME_CONTENT_TYPE))
		return conclude(check, DKIM_PASS,
		                reason_of_1(REASON_DKIM_CONTENT_TYPE_UNSIGNED, check->signature->domain));
	return conclude(check, DKIM_PASS, reason_of_1(REASON_DKIM_PASS, check->signature->domain));
}

static size_t signature_octets(const struct public_key *key)
{
	return key->kind == PUBLIC_KEY_RSA ? key->modulus.len : ED25519_SIGNATURE_OCTETS;
}

/* Each key that fits in turn; a wrong signature is worth a fault's doubt, and a fault no verdict. */
static int keys_try(struct check *check, uint64_t body_octets)
{
	const struct dkim_signature *signature = check->signature;
	bool fault = false, tried = false;

	for (size_t i = 0; i < check->keys_count; i++) {
		const struct dkim_key *key = check->keys[i];
		enum signature_answer answer = SIGNATURE_FAULT;

		if (signature->signature.len != signature_octets(&key->key))
			continue;
		tried = true;
		TRY(signature_ask(check, i, &answer));
		check->out->testing = key->testing;
		check->out->key_bits = key->key.bits;
		if (answer == SIGNATURE_PENDING)
			return ASK_BLOCKED;
		if (answer == SIGNATURE_VALID)
			return conclude_valid(check, body_octets);
		fault |= answer != SIGNATURE_INVALID;
	}
	if (fault)
		return conclude(check, DKIM_TEMPERROR, reason_of(REASON_DKIM_SIGNATURE_UNCHECKED));
	if (tried)
		return conclude(check, DKIM_FAIL, reason_of(REASON_DKIM_SIGNATURE_WRONG));
	return conclude_numbers(check, DKIM_FAIL, REASON_DKIM_SIGNATURE_LENGTH, signature->signature.len,
	                        signature_octets(&check->keys[0]->key));
}

/*
 * A signature that may be needed when the body's digest is in: asked for with it, so that both are computed in one batch
 * and the message is evaluated once less. Wasted when the body turns out to be another one, which is rare.
 */
static int signature_ask_ahead(struct check *check)
{
	enum signature_answer unused;

	if (check->signature->signature.len != signature_octets(&check->keys[0]->key))
		return 0;
	return signature_ask(check, 0, &unused);
}

/* The key and the body's digest are asked for together; the signature as soon as there is a key. */
static int signature_check(struct check *check)
{
	const struct dns_answer *answer = ask_dns(check->all->ask, check->signature->query_name, DNS_TXT, &dkim_key_form);
	const struct body_digest *digest;
	bool same;

	if (answer) {
		TRY(keys_find(check, answer));
		if (check->keys_count == 0)
			return 0;
	}
	if (check->target->form == DKIM_FORM_ARC_SEAL)
		return answer ? keys_try(check, 0) : ASK_BLOCKED;
	digest = body_digest(check);
	if (answer && !digest)
		TRY(signature_ask_ahead(check));
	if (!answer || !digest)
		return ASK_BLOCKED;
	TRY(body_compare(check, digest, &same));
	return same ? keys_try(check, digest->canonical_octets) : 0;
}

void dkim_describe(const struct dkim_signature *signature, struct dkim_signature_result *out)
{
	*out = (struct dkim_signature_result){
		.result = DKIM_TEMPERROR,
		.domain = signature->domain,
		.domain_canonical = signature->domain_canonical,
		.selector = signature->selector,
		.identity = signature->identity,
		.algorithm = signature->algorithm,
		.signature_start = signature->signature_start,
		.signed_at = signature->has_time && signature->time <= INT64_MAX ? (int64_t)signature->time : 0,
	};
}

int dkim_field_verify(struct dkim_verification *all, const struct dkim_target *target,
                      struct dkim_signature_result *out)
{
	struct check check = { .all = all, .target = target, .signature = target->signature, .out = out };
	const struct dkim_signature *signature = target->signature;
	int result;

	dkim_describe(signature, out);
	if (signature->fault.reason.id != REASON_NONE)
		return conclude(&check, signature->fault.result, signature->fault.reason);
	if (!signature_is_acceptable(&check, &result))
		return result;
	return signature_check(&check);
}

static size_t common_octets(struct slice a, struct slice b)
{
	size_t len = 0;

	while (len < a.len && len < b.len && a.ptr[len] == b.ptr[len])
		len++;
	return len;
}

/* RFC 6008 section 4: "long enough to be unique among the results being reported". Copies cannot be told apart. */
static void starts_cut(struct dkim_signature_result *results, size_t count)
{
	size_t lens[DKIM_FIELDS_MAX];

	ASSERT(count <= DKIM_FIELDS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct slice start = results[i].signature_start;

		lens[i] = START_OCTETS_MIN;
		for (size_t j = 0; j < count; j++) {
			size_t common = j == i ? 0 : common_octets(start, results[j].signature_start);

			if (common >= lens[i] && !slice_equal(start, results[j].signature_start))
				lens[i] = common + 1;
		}
	}
	for (size_t i = 0; i < count; i++)
		results[i].signature_start = slice_sub(results[i].signature_start, 0, lens[i]);
}

int dkim_read(const struct mail_message *message, const struct slice *author_domains, size_t author_domains_count,
              const struct dkim_config *config, struct arena *arena, struct dkim_reading *out)
{
	struct dkim_candidates candidates;
	struct dkim_read *signatures;

	TRY(dkim_candidates_choose(message, config->signatures_max, author_domains, author_domains_count, arena,
	                           &candidates));
	signatures = ARENA_NEW_ARRAY(arena, candidates.chosen_count, struct dkim_read);
	if (!signatures)
		return -ENOMEM;
	*out = (struct dkim_reading){ .signatures = signatures, .ignored = candidates.total - candidates.chosen_count };
	for (size_t i = 0; i < candidates.count; i++) {
		struct dkim_read *read = &signatures[out->count];
		int result;

		if (!candidates.chosen[i])
			continue;
		read->field = candidates.fields[i];
		read->number = i;
		result = dkim_signature_parse(read->field, DKIM_FORM_SIGNATURE, arena, &read->signature);
		TRY(result);
		out->count++;
	}
	return 0;
}

int dkim_verify(const struct mail_message *message, const struct dkim_reading *reading, int64_t now,
                const struct dkim_config *config, const struct ask *ask, struct arena *arena, struct dkim_result *out)
{
	struct dkim_verification all = { .message = message, .now = now, .config = config, .ask = ask, .arena = arena };
	struct dkim_signature_result *results = ARENA_NEW_ARRAY(arena, reading->count, struct dkim_signature_result);
	bool blocked = false;

	if (!results)
		return -ENOMEM;
	if (reading->count)
		all.verify_ns_each = (uint64_t)config->verify_us_max * 1000 / reading->count;
	for (size_t i = 0; i < reading->count; i++) {
		const struct dkim_read *read = &reading->signatures[i];
		struct dkim_target target = {
			.field = read->field,
			.form = DKIM_FORM_SIGNATURE,
			.signature = &read->signature,
			.id = (unsigned)DKIM_SIGNATURE_ID_OF(read->number, 0),
		};
		int result = dkim_field_verify(&all, &target, &results[i]);

		TRY(result);
		blocked |= result == ASK_BLOCKED;
	}
	if (blocked)
		return ASK_BLOCKED;
	starts_cut(results, reading->count);
	*out = (struct dkim_result){ .signatures = results, .count = reading->count, .ignored = reading->ignored };
	if (out->ignored == 0)
		return 0;
	return reason_of_numbers(arena, REASON_DKIM_IGNORED, out->ignored, config->signatures_max,
	                         &out->ignored_reason);
}

const char *dkim_word_text(enum dkim_word word)
{
	static const char *const words[] = {
		[DKIM_PASS] = "pass",       [DKIM_FAIL] = "fail",           [DKIM_POLICY] = "policy",
		[DKIM_NEUTRAL] = "neutral", [DKIM_TEMPERROR] = "temperror", [DKIM_PERMERROR] = "permerror",
	};

	ASSERT((size_t)word < sizeof(words) / sizeof(*words));
	return words[word];
}
