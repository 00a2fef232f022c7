#include "proto/arc/seal.h"

#include "base/base64.h"
#include "proto/arc/cover.h"
#include "proto/arc/testimony.h"
#include "proto/authres/authres.h"
#include "proto/dkim/header.h"

#define LINE_OCTETS_MAX  77 /* RFC 5322 section 2.1.1: 78 with what a rewriting hop may add */
#define WORD_OCTETS_LONG 60 /* h= and b= get a space where they have run on for so long */
#define BEFORE_SIGNATURE " a=rsa-sha256; b="

/* One set on its way. */
struct sealing {
	const struct arc_seal_input *input;
	const struct arc_sealer *sealer;
	const struct ask *ask;
	struct arena *arena;
	struct arc_testimony testimony;
	struct arc_chain chain; /* with the new set on top, once its fields are made */
	struct mail_field fields[ARC_FIELDS];
	struct arc_sealed *out;
};

/*
 * A line folded where it has spaces: canonical form has one there in either case, so what was signed in one line stays
 * signed. The value begins with its first space.
 */
static int fold(struct slice line, enum arc_field kind, struct arena *arena, struct slice *out)
{
	size_t column = arc_field_name(kind).len + 1;
	struct text text;

	text_init(&text, arena);
	while (line.ptr) {
		struct slice word = slice_cut(&line, ' ');

		if (word.len == 0)
			continue;
		if (column + 1 + word.len > LINE_OCTETS_MAX) {
			text_str(&text, "\r\n");
			column = 0;
		}
		text_octet(&text, ' ');
		text_add(&text, word);
		column += 1 + word.len;
	}
	return text_finish(&text, out);
}

/* A field as the parser of messages would have read it. */
static int field_make(struct sealing *sealing, enum arc_field kind, struct text *line)
{
	struct mail_field *field = &sealing->fields[kind];
	struct slice name = arc_field_name(kind), in_one_line, value;
	struct text raw;

	TRY(text_finish(line, &in_one_line));
	TRY(fold(in_one_line, kind, sealing->arena, &value));
	text_init(&raw, sealing->arena);
	text_add(&raw, name);
	text_octet(&raw, ':');
	text_add(&raw, value);
	text_str(&raw, "\r\n");
	TRY(text_finish(&raw, &field->raw));
	field->name = slice_sub(field->raw, 0, name.len);
	field->value = slice_sub(field->raw, name.len + 1, value.len);
	sealing->chain.sets[sealing->out->instance - 1].fields[kind] = field;
	return 0;
}

static int results_make(struct sealing *sealing)
{
	struct text line;

	text_init(&line, sealing->arena);
	text_printf(&line, "i=%u; ", sealing->out->instance);
	authres_value(&line, sealing->input->authserv_id);
	if (!sealing->testimony.has_arc)
		text_printf(&line, "; arc=%s", arc_word_text(sealing->out->cv));
	text_add(&line, sealing->testimony.results);
	return field_make(sealing, ARC_AUTHENTICATION_RESULTS, &line);
}

/* --- signatures --- */

/* Base64 in words, which fold() may put on lines of their own. */
static int signature_text(struct slice octets, struct arena *arena, struct text *line)
{
	struct slice whole;
	struct text text;

	text_init(&text, arena);
	base64_add(&text, octets);
	TRY(text_finish(&text, &whole));
	for (size_t at = 0; at < whole.len; at += WORD_OCTETS_LONG) {
		if (at > 0)
			text_octet(line, ' ');
		text_add(line, slice_sub(whole, at, WORD_OCTETS_LONG));
	}
	return 0;
}

/* h=: of each name as many as the message has. */
static void names_text(const struct sealing *sealing, struct text *line)
{
	size_t run = 0, count = 0;

	for (size_t i = 0; i < sealing->sealer->names_count; i++) {
		struct slice name = sealing->sealer->names[i];
		size_t times = mail_field_count_of(sealing->input->message, name);

		for (; times > 0 && count < DKIM_SIGNED_NAMES_MAX; times--) {
			if (count++ > 0)
				text_octet(line, ':');
			if (run + name.len > WORD_OCTETS_LONG) {
				text_octet(line, ' ');
				run = 0;
			}
			text_add(line, name);
			run += name.len + 1;
		}
	}
}

static void tags_end(const struct sealing *sealing, struct text *line)
{
	text_printf(line, "; i=%u; s=", sealing->out->instance);
	text_add(line, sealing->sealer->selector);
	text_printf(line, "; t=%lld", (long long)sealing->input->now);
}

/* The tags in the order of their names, with `signature` (perhaps none yet) as b=. */
static int message_signature_make(struct sealing *sealing, const struct body_digest *digest, struct slice signature)
{
	struct text line;

	text_init(&line, sealing->arena);
	text_str(&line, BEFORE_SIGNATURE);
	TRY(signature_text(signature, sealing->arena, &line));
	text_str(&line, "; bh=");
	base64_add(&line, slice_of(digest->octets, dkim_hash_octets(HASH_SHA256)));
	text_str(&line, "; c=relaxed/relaxed; d=");
	text_add(&line, sealing->sealer->domain);
	text_str(&line, "; h=");
	names_text(sealing, &line);
	tags_end(sealing, &line);
	return field_make(sealing, ARC_MESSAGE_SIGNATURE, &line);
}

static int seal_make(struct sealing *sealing, struct slice signature)
{
	struct text line;

	text_init(&line, sealing->arena);
	text_str(&line, BEFORE_SIGNATURE);
	TRY(signature_text(signature, sealing->arena, &line));
	text_printf(&line, "; cv=%s; d=", arc_word_text(sealing->out->cv));
	text_add(&line, sealing->sealer->domain);
	tags_end(sealing, &line);
	return field_make(sealing, ARC_SEAL, &line);
}

/* Where the value of b= belongs, in a field that has none yet. */
static struct slice signature_area(const struct mail_field *field)
{
	return slice_sub(field->value, sizeof(BEFORE_SIGNATURE) - 1, 0);
}

/* 0 and *signature_out, or out->result is ARC_SEAL_FAULT; ASK_BLOCKED. */
static int sign(struct sealing *sealing, enum arc_field kind, const struct slice *parts, size_t parts_count,
                struct slice *signature_out)
{
	const struct signing_question question = {
		.id = kind == ARC_SEAL ? 1 : 0,
		.signer = sealing->sealer->signer,
		.parts = parts,
		.parts_count = parts_count,
	};
	const struct signing_answer *answer = ask_sign(sealing->ask, &question);

	if (!answer)
		return ASK_BLOCKED;
	if (answer->fault)
		sealing->out->result = ARC_SEAL_FAULT;
	*signature_out = answer->signature;
	return 0;
}

/* RFC 6376 section 3.7, with the body's digest. */
static int message_sign(struct sealing *sealing)
{
	const struct body_question question = {
		.body = sealing->input->message->body,
		.canon = CANON_RELAXED,
		.hash = HASH_SHA256,
		.octets_max = UINT64_MAX,
	};
	const struct body_digest *digest = ask_body_digest(sealing->ask, &question);
	const struct mail_field *field = &sealing->fields[ARC_MESSAGE_SIGNATURE];
	struct dkim_signature covered = { .header_canon = CANON_RELAXED };
	struct dkim_header header;
	const struct slice *parts;
	struct slice named, signature;
	struct text names;
	size_t count;
	int result;

	if (!digest)
		return ASK_BLOCKED;
	if (digest->fault) {
		sealing->out->result = ARC_SEAL_FAULT;
		return 0;
	}
	TRY(message_signature_make(sealing, digest, SLICE_EMPTY));
	text_init(&names, sealing->arena);
	names_text(sealing, &names);
	TRY(text_finish(&names, &named));
	result = dkim_names_read(named, sealing->arena, &covered.names);
	TRY(result);
	ASSERT(result != DKIM_NAMES_EXCESSIVE);
	covered.signature_area = signature_area(field);
	dkim_header_init(&header, sealing->input->message);
	TRY(dkim_header_signed(&header, field, &covered, sealing->arena, &parts, &count));
	result = sign(sealing, ARC_MESSAGE_SIGNATURE, parts, count, &signature);
	return result ? result : message_signature_make(sealing, digest, signature);
}

/* Section 5.1.1; the seal of a broken chain covers its own set alone (5.1.2). */
static int chain_sign(struct sealing *sealing)
{
	struct arc_cover cover = {
		.chain = &sealing->chain,
		.first = sealing->out->cv == ARC_FAIL ? sealing->out->instance : 1,
		.arena = sealing->arena,
	};
	const struct slice *parts;
	struct slice signature;
	size_t count;
	int result;

	TRY(seal_make(sealing, SLICE_EMPTY));
	TRY(arc_cover_seal(&cover, sealing->out->instance, signature_area(&sealing->fields[ARC_SEAL]), &parts, &count));
	result = sign(sealing, ARC_SEAL, parts, count, &signature);
	return result ? result : seal_make(sealing, signature);
}

/* --- the chain below --- */

static int refuse(struct arc_sealed *out, enum reason_id id)
{
	out->result = ARC_NOT_SEALED;
	out->reason = reason_of(id);
	return 0;
}

/* What cv= has to say. */
static int chain_status(struct sealing *sealing, const struct arc_config *config, const struct dkim_config *dkim)
{
	const struct arc_testimony *testimony = &sealing->testimony;
	const struct arc_seal_input *input = sealing->input;
	struct arc_config now = *config;
	struct arc_result found;
	int result;

	sealing->out->cv = ARC_FAIL;
	if (sealing->chain.fault.id != REASON_NONE)
		return 0;
	sealing->out->cv = ARC_NONE;
	if (sealing->chain.count == 0)
		return 0;
	/* "none" of a message that has a chain: whoever said so had not looked. */
	if (testimony->has_arc && testimony->arc != ARC_NONE) {
		sealing->out->cv = testimony->arc;
		return 0;
	}
	now.verify = true;
	now.trusted_sealers_count = 0;
	now.find_oldest_pass = false;
	result = arc_validate(input->message, input->now, &now, dkim, sealing->ask, sealing->arena, &found);
	if (result == 0)
		sealing->out->cv = found.result;
	return result;
}

/* The last field signed is the topmost one. */
static void fields_show(const struct sealing *sealing)
{
	for (unsigned i = 0; i < ARC_ADDED; i++) {
		enum arc_field kind = (enum arc_field)(ARC_SEAL - i);

		sealing->out->fields[i] = (struct arc_added){
			.name = (const char *)arc_field_name(kind).ptr,
			.value = slice_from(sealing->fields[kind].value, 1),
		};
	}
}

static int set_make(struct sealing *sealing)
{
	int result;

	sealing->out->instance = ++sealing->chain.count;
	TRY(results_make(sealing));
	result = message_sign(sealing);
	if (result || sealing->out->result != ARC_SEALED)
		return result;
	result = chain_sign(sealing);
	if (result || sealing->out->result != ARC_SEALED)
		return result;
	fields_show(sealing);
	sealing->out->reason = reason_of_1(REASON_ARC_SEALED, sealing->sealer->domain);
	return 0;
}

int arc_seal(const struct arc_seal_input *input, const struct arc_sealer *sealer, const struct arc_config *config,
             const struct dkim_config *dkim, const struct ask *ask, struct arena *arena, struct arc_sealed *out)
{
	struct sealing sealing = { .input = input, .sealer = sealer, .ask = ask, .arena = arena, .out = out };
	int result;

	*out = (struct arc_sealed){ .result = ARC_SEALED, .reason = reason_of(REASON_ARC_SEAL_FAULT) };
	TRY(arc_chain_read(input->message, arena, &sealing.chain));
	if (sealing.chain.fault.id == REASON_ARC_CV_FAIL)
		return refuse(out, REASON_ARC_SEALED_BROKEN);
	if (sealing.chain.fault.id == REASON_ARC_SETS_EXCESSIVE || sealing.chain.count == ARC_INSTANCE_MAX)
		return refuse(out, REASON_ARC_SETS_EXCESSIVE);
	TRY(arc_testimony_gather(input, arena, &sealing.testimony));
	result = chain_status(&sealing, config, dkim);
	return result ? result : set_make(&sealing);
}
