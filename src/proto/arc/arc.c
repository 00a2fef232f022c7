#include "proto/arc/arc.h"

#include "proto/arc/cover.h"
#include "proto/arc/findings.h"
#include "proto/arc/trust.h"
#include "proto/dkim/verify.h"

/* One chain on its way. */
struct validation {
	struct dkim_verification dkim;
	const struct arc_config *config;
	const struct arc_chain *chain;
	struct arc_cover cover;
	struct dkim_signature *read; /* the signature fields of all sets: of each the two of target_of() */
	struct arc_set *sets;
	struct arc_result *out;
	bool blocked; /* something asked for is pending */
};

static int conclude(struct arc_result *out, enum arc_word word, struct reason reason)
{
	out->result = word;
	out->reason = reason;
	return 0;
}

/* An ARC-Seal, for the call back out of dkim_field_verify(). */
struct seal {
	struct arc_cover *cover;
	unsigned instance;
};

static int seal_cover(void *arg, const struct dkim_signature *signature, const struct slice **parts_out,
                      size_t *parts_count_out)
{
	const struct seal *seal = arg;

	return arc_cover_seal(seal->cover, seal->instance, signature, parts_out, parts_count_out);
}

static struct arc_signature *signature_of(struct validation *validation, enum arc_field kind, unsigned instance)
{
	struct arc_set *set = &validation->sets[instance - 1];

	return kind == ARC_SEAL ? &set->seal : &set->message_signature;
}

static struct dkim_signature *read_of(const struct validation *validation, enum arc_field kind, unsigned instance)
{
	return &validation->read[2 * (instance - 1) + (kind == ARC_SEAL)];
}

static struct dkim_target target_of(const struct validation *validation, enum arc_field kind, unsigned instance)
{
	return (struct dkim_target){
		.field = validation->chain->sets[instance - 1].fields[kind],
		.form = kind == ARC_SEAL ? DKIM_FORM_ARC_SEAL : DKIM_FORM_ARC_MESSAGE_SIGNATURE,
		.signature = read_of(validation, kind, instance),
		.id = ARC_SIGNATURE_ID_OF(instance, kind == ARC_SEAL ? 1u : 0u),
	};
}

enum standing { PENDING, PASSED, FAILED };

static int signature_verify(struct validation *validation, enum arc_field kind, unsigned instance, enum standing *out)
{
	struct arc_signature *signature = signature_of(validation, kind, instance);
	struct dkim_target target = target_of(validation, kind, instance);
	struct seal seal = { &validation->cover, instance };
	int result;

	target.cover = seal_cover;
	target.cover_arg = &seal;
	result = dkim_field_verify(&validation->dkim, &target, &signature->as);
	TRY(result);
	signature->looked_at = result == 0;
	validation->blocked |= result == ASK_BLOCKED;
	*out = result == ASK_BLOCKED ? PENDING : signature->as.result == DKIM_PASS ? PASSED : FAILED;
	return 0;
}

static int fail_signature(struct validation *validation, enum arc_field kind, unsigned instance)
{
	static const enum reason_id ids[] = { [ARC_MESSAGE_SIGNATURE] = REASON_ARC_MESSAGE_SIGNATURE,
					      [ARC_SEAL] = REASON_ARC_SEAL };
	struct slice number, why;
	struct text text;

	text_init(&text, validation->dkim.arena);
	text_u64(&text, instance);
	TRY(text_finish(&text, &number));
	TRY(reason_render(&signature_of(validation, kind, instance)->as.reason, validation->dkim.arena, &why));
	return conclude(validation->out, ARC_FAIL, reason_of_2(ids[kind], number, why));
}

/* A signature without which the chain fails. Nothing is decided by what stands behind one that is pending. */
static int signature_require(struct validation *validation, enum arc_field kind, unsigned instance)
{
	enum standing standing;

	TRY(signature_verify(validation, kind, instance, &standing));
	return standing == FAILED && !validation->blocked ? fail_signature(validation, kind, instance) : 0;
}

/* Steps 4 and 6: in their order, so that the first failure is the same however answers arrive. */
static int chain_verify(struct validation *validation)
{
	unsigned count = validation->chain->count;

	TRY(signature_require(validation, ARC_MESSAGE_SIGNATURE, count));
	for (unsigned instance = count; instance > 0 && validation->out->result != ARC_FAIL; instance--)
		TRY(signature_require(validation, ARC_SEAL, instance));
	return 0;
}

/*
 * Step 5, and what trust needs: whoever sealed above a trusted hop is not needed where that hop's own message signature
 * still passes. The status does not depend on it.
 */
static int older_verify(struct validation *validation)
{
	struct arc_result *out = validation->out;
	struct arc_trust trust = arc_trust_begin(validation->config, validation->chain, validation->sets);
	bool seeking = validation->config->find_oldest_pass;

	arc_trust_step(&trust, validation->chain->count, true);
	for (unsigned instance = validation->chain->count - 1; instance > 0; instance--) {
		enum standing standing = FAILED;

		if (seeking || arc_trust_wants_signature(&trust, instance))
			TRY(signature_verify(validation, ARC_MESSAGE_SIGNATURE, instance, &standing));
		arc_trust_step(&trust, instance, standing == PASSED);
		if (seeking && standing == FAILED) {
			out->oldest_pass = instance + 1;
			seeking = false;
		}
	}
	out->has_oldest_pass = validation->config->find_oldest_pass || validation->chain->count == 1;
	return 0;
}

/* What can be said of every hop before anything is verified. */
static int hops_describe(struct validation *validation)
{
	for (unsigned instance = 1; instance <= validation->chain->count; instance++) {
		const struct arc_links *links = &validation->chain->sets[instance - 1];
		struct arc_set *set = &validation->sets[instance - 1];

		set->cv = links->cv;
		TRY(arc_findings_read(links->payload, validation->dkim.arena, set));
		for (enum arc_field kind = ARC_MESSAGE_SIGNATURE; kind <= ARC_SEAL; kind++) {
			struct dkim_target target = target_of(validation, kind, instance);
			struct dkim_signature *read = read_of(validation, kind, instance);
			int result = dkim_signature_parse(target.field, target.form, validation->dkim.arena, read);

			TRY(result);
			dkim_describe(read, &signature_of(validation, kind, instance)->as);
		}
	}
	return 0;
}

static int sets_validate(struct validation *validation)
{
	struct arc_result *out = validation->out;

	validation->sets = ARENA_NEW_ARRAY(validation->dkim.arena, validation->chain->count, struct arc_set);
	validation->read = ARENA_NEW_ARRAY(validation->dkim.arena, 2 * validation->chain->count, struct dkim_signature);
	if (!validation->sets || !validation->read)
		return -ENOMEM;
	TRY(hops_describe(validation));
	out->sets = validation->sets;
	out->sets_count = validation->chain->count;
	TRY(chain_verify(validation));
	if (out->result == ARC_FAIL)
		return 0;
	TRY(older_verify(validation));
	if (validation->blocked)
		return ASK_BLOCKED;
	return conclude(out, ARC_PASS, reason_of_1(REASON_ARC_PASS, out->sets[out->sets_count - 1].seal.as.domain));
}

static int fail_length(const struct arc_config *config, struct arena *arena, struct arc_result *out)
{
	struct slice number;
	struct text text;

	text_init(&text, arena);
	text_u64(&text, config->sets_max);
	TRY(text_finish(&text, &number));
	return conclude(out, ARC_FAIL, reason_of_1(REASON_ARC_SETS_MANY, number));
}

/* Every seal, and the newest message signature or all of them. */
static unsigned signatures_most(const struct arc_config *config, unsigned sets)
{
	return config->find_oldest_pass || config->trusted_sealers_count ? 2 * sets : sets + 1;
}

int arc_validate(const struct mail_message *message, int64_t now, const struct arc_config *config,
                 const struct dkim_config *dkim, const struct ask *ask, struct arena *arena, struct arc_result *out)
{
	/* RFC 8301 was there before ARC was: there never was an rsa-sha1 to be kind to. */
	struct dkim_config strict = *dkim;
	struct arc_chain chain;
	struct validation validation = {
		.dkim = { .message = message, .now = now, .config = &strict, .ask = ask, .arena = arena },
		.config = config,
		.chain = &chain,
		.cover = { .chain = &chain, .arena = arena },
		.out = out,
	};

	ASSERT(config->sets_max <= ARC_SETS_VERIFIED_MAX);
	strict.allow_rsa_sha1 = false;
	*out = (struct arc_result){ .evaluated = config->verify, .reason = reason_of(REASON_ARC_NOT_EVALUATED) };
	if (!config->verify)
		return 0;
	TRY(arc_chain_read(message, arena, &chain));
	out->instance = chain.count;
	if (chain.fault.id != REASON_NONE)
		return conclude(out, ARC_FAIL, chain.fault);
	if (chain.count == 0)
		return conclude(out, ARC_NONE, reason_of(REASON_ARC_NOT_PRESENT));
	if (chain.count > config->sets_max)
		return fail_length(config, arena, out);
	/* As much as the signatures of DKIM may cost together: a chain is one more signature of a message. */
	validation.dkim.verify_ns_each = (uint64_t)dkim->verify_us_max * 1000 / signatures_most(config, chain.count);
	return sets_validate(&validation);
}

unsigned arc_lookups(const struct mail_message *message, const struct arc_config *config)
{
	size_t sets = config->verify ? (arc_chain_fields(message) + ARC_FIELDS - 1) / ARC_FIELDS : 0;

	if (sets > config->sets_max)
		return 0;
	return sets ? signatures_most(config, (unsigned)sets) : 0;
}

const char *arc_word_text(enum arc_word word)
{
	switch (word) {
	case ARC_NONE: return "none";
	case ARC_PASS: return "pass";
	case ARC_FAIL: break;
	}
	return "fail";
}
