#include "proto/verdict/override.h"

/* "remote-ip[1]": the first smtp.remote-ip that the first hop names, whatever the method. */
static struct slice first_client(const struct arc_set *set)
{
	for (size_t i = 0; i < set->methods_count; i++) {
		const struct arc_method *method = &set->methods[i];

		for (size_t k = 0; k < method->properties_count; k++)
			if (slice_equal_nocase(method->properties[k].ptype, SLICE("smtp")) &&
			    slice_equal_nocase(method->properties[k].property, SLICE("remote-ip")))
				return method->properties[k].value;
	}
	return SLICE_EMPTY;
}

/* arc=pass as[2].d=d2.example as[2].s=s2 as[1].d=d1.example as[1].s=s3 remote-ip[1]=2001:DB8::1A */
static int comment_write(const struct arc_result *arc, struct arena *arena, struct slice *out)
{
	struct slice client = first_client(&arc->sets[0]);
	struct text text;

	text_init(&text, arena);
	text_str(&text, "arc=pass");
	for (size_t i = arc->sets_count; i > 0; i--) {
		const struct dkim_signature_result *seal = &arc->sets[i - 1].seal.as;

		text_printf(&text, " as[%zu].d=", i);
		text_printable(&text, seal->domain);
		text_printf(&text, " as[%zu].s=", i);
		text_printable(&text, seal->selector);
	}
	if (client.len > 0) {
		text_str(&text, " remote-ip[1]=");
		text_printable(&text, client);
	}
	return text_finish(&text, out);
}

int verdict_override(const struct arc_result *arc, struct dmarc_result *dmarc, struct arena *arena,
		     struct verdict_override *out)
{
	if (dmarc->result != DMARC_RESULT_FAIL || dmarc->disposition == DMARC_POLICY_NONE)
		return 0;
	out->instance = arc_witness(arc, dmarc->from_domain);
	if (out->instance == 0)
		return 0;
	TRY(comment_write(arc, arena, &out->comment));
	out->applies = true;
	out->disposition = dmarc->disposition;
	dmarc->disposition = DMARC_POLICY_NONE;
	dmarc->reason = reason_of_2(REASON_DMARC_ARC_OVERRIDE, arc->sets[out->instance - 1].seal.as.domain,
				    dmarc->from_domain);
	return 0;
}
