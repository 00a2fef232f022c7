#include "proto/verdict/field.h"

#include "proto/authres/authres.h"
#include "proto/authres/received_spf.h"
#include "proto/mail/domain.h"

/* A reason in the field is a hint for who reads headers; the whole of it is in the verdict. */
#define REASON_OCTETS_MAX 160

static int write_reason(struct authres_writer *writer, const struct reason *reason, struct arena *arena)
{
	struct slice text;

	TRY(reason_render(reason, arena, &text));
	authres_reason(writer, slice_sub(text, 0, REASON_OCTETS_MAX));
	return 0;
}

/* Without the local-part, which hardly any policy looks at (RFC 8601 section 2.7.2). */
static int write_spf(struct authres_writer *writer, const struct spf_result *spf, struct arena *arena)
{
	authres_method(writer, "spf", spf_word_text(spf->result));
	if (spf->result != SPF_PASS && spf->result != SPF_NONE)
		TRY(write_reason(writer, &spf->reason, arena));
	authres_property(writer, spf->scope == SPF_HELO ? "smtp.helo" : "smtp.mailfrom", spf->domain);
	return 0;
}

/* d= only when it is a domain: of anything else the octets are the sender's alone. */
static int write_signature(struct authres_writer *writer, const struct dkim_signature_result *signature,
			   struct arena *arena)
{
	authres_method(writer, "dkim", dkim_word_text(signature->result));
	if (signature->result != DKIM_PASS)
		TRY(write_reason(writer, &signature->reason, arena));
	authres_property(writer, "header.d", signature->domain_canonical);
	authres_property_address(writer, "header.i", signature->identity);
	authres_property(writer, "header.s", signature->selector);
	authres_property(writer, "header.a", signature->algorithm);
	authres_property(writer, "header.b", signature->signature_start);
	if (signature->body_partly_unsigned)
		authres_property(writer, "policy.dkim-rules", SLICE("unsigned-body"));
	return 0;
}

static int write_dkim(struct authres_writer *writer, const struct verdict_field *field, const struct dkim_result *dkim,
		      struct arena *arena)
{
	if (field->over_bounds.id != REASON_NONE) {
		authres_method(writer, "dkim", dkim_word_text(DKIM_PERMERROR));
		return write_reason(writer, &field->over_bounds, arena);
	}
	/* "none" is "not signed" (RFC 8601 section 2.7.1): not to be said of signatures that a limit left aside. */
	if (dkim->count == 0 && dkim->ignored == 0)
		authres_method(writer, "dkim", "none");
	for (size_t i = 0; i < dkim->count; i++)
		TRY(write_signature(writer, &dkim->signatures[i], arena));
	if (dkim->ignored == 0)
		return 0;
	authres_method(writer, "dkim", dkim_word_text(DKIM_POLICY));
	return write_reason(writer, &dkim->ignored_reason, arena);
}

static int write_arc(struct authres_writer *writer, const struct verdict_field *field, const struct arc_result *arc,
		     struct arena *arena)
{
	char ip[IP_TEXT_SIZE];
	struct slice oldest_pass;
	struct text text;

	if (!arc->evaluated)
		return 0;
	authres_method(writer, "arc", arc_word_text(arc->result));
	if (arc->result == ARC_NONE)
		return 0;
	if (arc->result == ARC_FAIL)
		TRY(write_reason(writer, &arc->reason, arena));
	if (field->client)
		authres_property(writer, "smtp.remote-ip", slice_of(ip, ip_format(field->client, ip)));
	if (!arc->has_oldest_pass)
		return 0;
	text_init(&text, arena);
	text_u64(&text, arc->oldest_pass);
	TRY(text_finish(&text, &oldest_pass));
	authres_property(writer, "header.oldest-pass", oldest_pass);
	return 0;
}

static int write_dmarc(struct authres_writer *writer, const struct dmarc_result *dmarc, struct arena *arena)
{
	authres_method(writer, "dmarc", dmarc_word_text(dmarc->result));
	if (dmarc->result != DMARC_RESULT_PASS && dmarc->result != DMARC_RESULT_NONE)
		TRY(write_reason(writer, &dmarc->reason, arena));
	authres_property(writer, "header.from", dmarc->from_domain);
	if (dmarc->has_policy)
		authres_property(writer, "policy.dmarc", slice_of_str(dmarc_policy_text(dmarc_policy_asked(dmarc))));
	return 0;
}

int verdict_field_write(const struct verdict_field *field, const struct verdict *verdict, struct arena *arena,
			struct slice *out)
{
	struct authres_writer writer;

	authres_begin(&writer, arena, field->authserv_id);
	if (verdict->has_spf)
		TRY(write_spf(&writer, &verdict->spf, arena));
	if (verdict->has_spf_helo)
		TRY(write_spf(&writer, &verdict->spf_helo, arena));
	if (field->message) {
		TRY(write_dkim(&writer, field, &verdict->dkim, arena));
		TRY(write_arc(&writer, field, &verdict->arc, arena));
		TRY(write_dmarc(&writer, &verdict->dmarc, arena));
	}
	return authres_finish(&writer, out);
}

int verdict_received_spf_write(const struct spf_input *input, const struct spf_result *spf, struct arena *arena,
			       struct slice *out)
{
	struct received_spf_pair pairs[] = {
		{ "receiver", input->receiver },
		{ "client-ip", SLICE_EMPTY },
		{ "identity", SLICE("mailfrom") },
		{ "envelope-from", input->mail_from },
		{ "helo", input->helo },
		{ "mechanism", spf->mechanism.len ? spf->mechanism : SLICE("default") },
		{ "problem", SLICE_EMPTY },
	};
	char client[IP_TEXT_SIZE];
	struct slice problem;
	/* With A-labels, as the other field has it. */
	int named = domain_canonical(input->receiver, arena, &pairs[0].value);

	if (named)
		pairs[0].value = input->receiver;
	TRY(named);
	pairs[1].value = slice_of(client, ip_format(&input->client, client));
	if (spf->scope == SPF_HELO)
		pairs[2].value = SLICE("helo");
	if (spf->result == SPF_TEMPERROR || spf->result == SPF_PERMERROR) {
		TRY(reason_render(&spf->reason, arena, &problem));
		pairs[6].value = slice_sub(problem, 0, REASON_OCTETS_MAX);
	}
	return received_spf_write(spf_word_text(spf->result), pairs, sizeof(pairs) / sizeof(*pairs), arena, out);
}
