#include "proto/arc/chain.h"

#include "proto/dkim/taglist.h"
#include "proto/mail/cfws.h"

/*
 * arc-info     = instance [CFWS] ";" authres-payload         ; ARC-Authentication-Results
 * arc-ams-info = instance [CFWS] ";" tag-list                ; and ARC-Seal: taken as one tag list, in which i= may
 *                                                            ; stand anywhere, as it does in the field
 * instance     = [CFWS] %s"i" [CFWS] "=" [CFWS] position
 * position     = 1*2DIGIT                                    ; 1 - 50
 * seal-cv-tag  = %s"cv" [CFWS] "=" [CFWS] ("none" / "fail" / "pass")
 */

static const enum mail_name names[ARC_FIELDS] = {
	[ARC_AUTHENTICATION_RESULTS] = MAIL_NAME_ARC_AUTHENTICATION_RESULTS,
	[ARC_MESSAGE_SIGNATURE] = MAIL_NAME_ARC_MESSAGE_SIGNATURE,
	[ARC_SEAL] = MAIL_NAME_ARC_SEAL,
};

struct slice arc_field_name(enum arc_field field)
{
	return mail_name_text(names[field]);
}

size_t arc_chain_fields(const struct mail_message *message)
{
	size_t count = 0;

	for (enum arc_field kind = 0; kind < ARC_FIELDS; kind++)
		count += mail_field_count(message, names[kind]);
	return count;
}

/* 0: no instance. */
static unsigned position(struct slice text)
{
	uint64_t number;

	return slice_to_u64(text, 2, &number) && number <= ARC_INSTANCE_MAX ? (unsigned)number : 0;
}

static unsigned results_read(struct slice value, struct arc_links *out)
{
	struct cursor c = cursor_of(value);
	size_t start;
	struct slice digits;

	if (cfws_skip(&c) || !cursor_skip(&c, 'i') || cfws_skip(&c) || !cursor_skip(&c, '=') || cfws_skip(&c))
		return 0;
	for (start = c.at; !cursor_at_end(&c) && octet_is_digit((uint8_t)cursor_peek(&c));)
		(void)cursor_u8(&c);
	digits = slice_sub(value, start, c.at - start);
	if (cfws_skip(&c) || !cursor_skip(&c, ';'))
		return 0;
	out->payload = slice_from(value, c.at);
	return position(digits);
}

static unsigned tags_read(struct slice value, struct arc_links *out)
{
	const struct dkim_tag *instance, *cv, *names_signed;
	struct dkim_taglist list;

	if (dkim_taglist_parse(value, &list) || !(instance = dkim_taglist_find(&list, SLICE("i"))))
		return 0;
	cv = dkim_taglist_find(&list, SLICE("cv"));
	names_signed = dkim_taglist_find(&list, SLICE("h"));
	out->cv = cv ? cv->value : SLICE_EMPTY;
	out->from_signed = names_signed && dkim_colon_has(names_signed->value, SLICE("From"));
	return position(instance->value);
}

static void fault(struct arc_chain *chain, struct reason reason)
{
	if (chain->fault.id == REASON_NONE)
		chain->fault = reason;
}

static int fault_at(struct arc_chain *chain, enum reason_id id, struct slice what, unsigned instance,
                    struct arena *arena)
{
	struct slice number;
	struct text text;

	text_init(&text, arena);
	text_u64(&text, instance);
	TRY(text_finish(&text, &number));
	fault(chain, reason_of_2(id, what, number));
	return 0;
}

static int field_take(struct arc_chain *chain, const struct mail_field *field, enum arc_field kind, struct arena *arena)
{
	struct arc_links read = { .cv = SLICE_EMPTY }, *links;
	unsigned instance = kind == ARC_AUTHENTICATION_RESULTS ? results_read(field->value, &read)
	                                                       : tags_read(field->value, &read);

	if (instance == 0) {
		fault(chain, reason_of_1(REASON_ARC_INSTANCE, arc_field_name(kind)));
		return 0;
	}
	if (instance > chain->count)
		chain->count = instance;
	links = &chain->sets[instance - 1];
	if (links->fields[kind])
		return fault_at(chain, REASON_ARC_FIELD_TWICE, arc_field_name(kind), instance, arena);
	links->fields[kind] = field;
	if (kind == ARC_SEAL)
		links->cv = read.cv;
	else if (kind == ARC_MESSAGE_SIGNATURE)
		links->from_signed = read.from_signed;
	else
		links->payload = read.payload;
	return 0;
}

static bool field_is_arc(const struct mail_field *field, enum arc_field *out)
{
	for (*out = 0; *out < ARC_FIELDS; ++*out)
		if (field->id == names[*out])
			return true;
	return false;
}

/* From the top, for it is the first fault that is told. */
static int fields_take(const struct mail_message *message, struct arena *arena, struct arc_chain *chain)
{
	unsigned counts[ARC_FIELDS] = { 0 };
	enum arc_field kind;

	for (size_t i = 0; i < message->fields_count; i++) {
		if (!field_is_arc(&message->fields[i], &kind))
			continue;
		if (++counts[kind] > ARC_INSTANCE_MAX) {
			chain->fault = reason_of(REASON_ARC_SETS_EXCESSIVE);
			return 0;
		}
		TRY(field_take(chain, &message->fields[i], kind, arena));
	}
	return 0;
}

/* Steps 3.A to 3.C for one set. */
static int set_check(struct arc_chain *chain, unsigned instance, struct arena *arena)
{
	const struct arc_links *links = &chain->sets[instance - 1];
	const struct slice wanted = instance == 1 ? SLICE("none") : SLICE("pass");

	for (enum arc_field kind = 0; kind < ARC_FIELDS; kind++)
		if (!links->fields[kind])
			return fault_at(chain, REASON_ARC_FIELD_MISSING, arc_field_name(kind), instance, arena);
	if (!slice_equal_nocase(links->cv, wanted))
		return fault_at(chain, REASON_ARC_CV, links->cv, instance, arena);
	return 0;
}

int arc_chain_read(const struct mail_message *message, struct arena *arena, struct arc_chain *out)
{
	out->count = 0;
	out->fault = reason_of(REASON_NONE);
	/* Most messages: what is large of the chain is not even emptied for them. */
	if (arc_chain_fields(message) == 0)
		return 0;
	*out = (struct arc_chain){ .count = 0 };
	TRY(fields_take(message, arena, out));
	if (out->fault.id == REASON_ARC_SETS_EXCESSIVE)
		return 0;
	/* Step 2 comes before the structure: a chain that is declared broken need not have one. */
	if (out->count > 0 && slice_equal_nocase(out->sets[out->count - 1].cv, SLICE("fail"))) {
		out->fault = reason_of(REASON_ARC_CV_FAIL);
		return 0;
	}
	for (unsigned instance = 1; instance <= out->count && out->fault.id == REASON_NONE; instance++)
		TRY(set_check(out, instance, arena));
	return 0;
}
