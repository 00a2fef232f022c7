#include "proto/verdict/verdict.h"

#include "proto/dkim/signature.h"
#include "proto/dmarc/walk.h"
#include "proto/mail/domain.h"
#include "proto/mail/singleton.h"
#include "proto/verdict/field.h"
#include "proto/verdict/override.h"

/* One pass over one message. */
struct pass {
	const struct verdict_input *input;
	const struct verdict_config *config;
	const struct ask *ask;
	struct arena *arena;
	struct verdict *out;
	const struct verdict_reading *reading; /* NULL: SPF alone */
	bool blocked; /* something asked for is pending; the parts that do not need it still go on */
};

/* Forwards -ENOMEM; notes ASK_BLOCKED. */
#define PART(pass, expr)                                                                                               \
	do {                                                                                                           \
		int part_result_ = (expr);                                                                             \
		TRY(part_result_);                                                                                     \
		(pass)->blocked |= part_result_ == ASK_BLOCKED;                                                        \
	} while (0)

static struct slice authserv_id(const struct verdict_input *input, const struct verdict_config *config)
{
	return input->authserv_id.len ? input->authserv_id : config->authserv_id;
}

static int number_text(size_t number, struct arena *arena, struct slice *out)
{
	struct text text;

	text_init(&text, arena);
	text_u64(&text, number);
	return text_finish(&text, out);
}

/* Says which bound, for good: a header too large now is too large tomorrow (nothing temporary about it). */
static int over_bounds_reason(int parsed, const struct mail_bounds *bounds, struct arena *arena,
                              struct verdict_reading *out)
{
	size_t count = out->message.fields_count;
	struct slice number, name = SLICE_EMPTY;

	switch ((enum mail_parse_result)parsed) {
	case MAIL_OK: return 0;
	case MAIL_HEADER_TOO_LARGE:
		TRY(number_text(bounds->header_octets_max, arena, &number));
		out->over_bounds = reason_of_1(REASON_HEADER_TOO_LARGE, number);
		return 0;
	case MAIL_TOO_MANY_FIELDS:
		TRY(number_text(bounds->fields_max, arena, &number));
		out->over_bounds = reason_of_1(REASON_HEADER_TOO_MANY_FIELDS, number);
		return 0;
	case MAIL_FIELD_TOO_LARGE: break;
	}
	TRY(number_text(bounds->field_octets_max, arena, &number));
	if (count)
		name = out->message.fields[count - 1].name;
	out->over_bounds = reason_of_2(REASON_HEADER_FIELD_TOO_LARGE, number, name);
	return 0;
}

int verdict_read_message(const struct verdict_input *input, const struct verdict_config *config, struct arena *arena,
                         struct verdict_reading *out)
{
	struct verdict_flags *flags = &out->flags;
	int parsed;

	*out = (struct verdict_reading){ .over_bounds = reason_of(REASON_NONE) };
	parsed = mail_parse(input->message, &config->bounds, arena, &out->message);
	TRY(parsed);
	TRY(over_bounds_reason(parsed, &config->bounds, arena, out));
	TRY(mail_author(&out->message, arena, &out->author));
	/* What was not read may hold another From field: no author is certain. */
	if (parsed != MAIL_OK && out->author.state != MAIL_AUTHOR_SEVERAL_FIELDS)
		out->author.state = MAIL_AUTHOR_MALFORMED;
	flags->header_over_bounds = parsed != MAIL_OK;
	flags->bare_cr = out->message.bare_cr || input->body_bare_cr;
	flags->bare_lf = out->message.bare_lf || input->body_bare_lf;
	flags->nul_in_header = out->message.nul;
	flags->malformed_header = out->message.malformed_line;
	flags->repeated_fields = mail_singletons_repeated(&out->message);
	flags->malformed_from = out->author.state != MAIL_AUTHOR_OK || out->author.domains_more;
	/* Of a header that was not read to its end no signature can be judged. */
	if (parsed != MAIL_OK)
		return 0;
	return dkim_read(&out->message, out->author.domains, out->author.domains_count, &config->dkim, arena, &out->dkim);
}

static struct spf_input spf_input_of(const struct pass *pass)
{
	return (struct spf_input){
		.client = pass->input->client,
		.helo = pass->input->helo,
		.mail_from = pass->input->mail_from,
		.receiver = authserv_id(pass->input, pass->config),
		.now = pass->input->received_at,
	};
}

/* A tree walk for each author domain, and one for an identifier that may be aligned. */
static unsigned dmarc_lookups(const struct pass *pass)
{
	size_t authors = pass->reading->author.domains_count;

	if (authors > DMARC_AUTHOR_DOMAINS_MAX)
		authors = DMARC_AUTHOR_DOMAINS_MAX;
	return DMARC_WALK_QUERIES_MAX * (unsigned)(authors ? authors + 1 : 1);
}

/*
 * The envelope is anybody's choice: a record that costs all look-ups there are must not keep the author's policy
 * from being read, or it would buy a temporary error for a forged author.
 */
static struct ask spf_ask(const struct pass *pass)
{
	struct ask ask = *pass->ask;

	if (pass->reading)
		ask.lookups_reserved = pass->config->dkim.signatures_max + arc_lookups(&pass->reading->message, &pass->config->arc) +
		                       dmarc_lookups(pass);
	return ask;
}

/* Nor may a chain, which is as cheap to make up. */
static struct ask arc_ask(const struct pass *pass)
{
	struct ask ask = *pass->ask;

	ask.lookups_reserved = dmarc_lookups(pass);
	return ask;
}

static int check_spf_mail_from(struct pass *pass)
{
	struct spf_input spf = spf_input_of(pass);
	struct ask ask = spf_ask(pass);

	if (!pass->out->has_spf)
		return 0;
	return spf_check_mail_from(&spf, &pass->config->spf, &ask, pass->arena, &pass->out->spf);
}

/* For the null reverse-path the check above was of HELO already (RFC 7208 section 2.4). */
static int check_spf_helo(struct pass *pass)
{
	struct spf_input spf = spf_input_of(pass);
	struct ask ask = spf_ask(pass);

	if (!pass->out->has_spf_helo)
		return 0;
	return spf_check_helo(&spf, &pass->config->spf, &ask, pass->arena, &pass->out->spf_helo);
}

static int check_dkim(struct pass *pass)
{
	return dkim_verify(&pass->reading->message, &pass->reading->dkim, pass->input->received_at, &pass->config->dkim,
	                   pass->ask, pass->arena, &pass->out->dkim);
}

static int check_arc(struct pass *pass)
{
	const struct verdict_config *config = pass->config;
	struct ask ask = arc_ask(pass);

	/* There may be a chain in what was not read, or more of one: no error of ARC is temporary, and none is "none". */
	if (config->arc.verify && pass->reading->over_bounds.id != REASON_NONE) {
		pass->out->arc = (struct arc_result){ .evaluated = true, .result = ARC_FAIL, .reason = pass->reading->over_bounds };
		return 0;
	}
	return arc_validate(&pass->reading->message, pass->input->received_at, &config->arc, &config->dkim, &ask, pass->arena,
	                    &pass->out->arc);
}

/* RFC 9989 section 4.4.2: the MAIL FROM identity; HELO only where that is what RFC 7208 section 2.4 takes for it. */
static struct dmarc_identifier spf_identifier(const struct spf_result *spf)
{
	struct dmarc_identifier id = { .state = DMARC_ID_NOT_PASS };

	if (domain_is_canonical(spf->domain))
		id.domain = spf->domain;
	if (spf->result == SPF_PASS)
		id.state = DMARC_ID_PASS;
	else if (spf->result == SPF_TEMPERROR)
		id.state = DMARC_ID_TEMPERROR;
	return id;
}

/* 4.4.1: a signature that verified, whatever its key record says about testing; no other result counts. */
static struct dmarc_identifier dkim_identifier(const struct dkim_signature_result *signature)
{
	struct dmarc_identifier id = { .domain = signature->domain_canonical, .state = DMARC_ID_NOT_PASS };

	if (signature->result == DKIM_PASS)
		id.state = DMARC_ID_PASS;
	else if (signature->result == DKIM_TEMPERROR)
		id.state = DMARC_ID_TEMPERROR;
	return id;
}

static int check_dmarc(struct pass *pass)
{
	const struct verdict *out = pass->out;
	struct dmarc_identifier spf, *dkim = ARENA_NEW_ARRAY(pass->arena, out->dkim.count, struct dmarc_identifier);
	struct dmarc_input input = { .author = &pass->reading->author, .dkim = dkim, .dkim_count = out->dkim.count,
				     .no_author = pass->config->no_author };

	if (!dkim)
		return -ENOMEM;
	if (out->has_spf) {
		spf = spf_identifier(&out->spf);
		input.spf = &spf;
	}
	for (size_t i = 0; i < out->dkim.count; i++)
		dkim[i] = dkim_identifier(&out->dkim.signatures[i]);
	PART(pass, dmarc_evaluate(&input, pass->ask, pass->arena, &pass->out->dmarc));
	if (!pass->blocked)
		PART(pass, dmarc_shadow_evaluate(&input, &pass->config->shadow, pass->ask, &out->dmarc, &pass->out->shadow));
	if (!pass->blocked)
		TRY(ulabels_of(out->dmarc.from_domain, pass->arena, &pass->out->author_ulabels));
	if (!pass->blocked && pass->reading->author.domains_count == 1)
		TRY(verdict_override(&out->arc, &pass->out->dmarc, pass->arena, &pass->out->override));
	if (pass->reading->over_bounds.id != REASON_NONE)
		pass->out->dmarc.reason = pass->reading->over_bounds;
	return 0;
}

static int write_received_spf(const struct pass *pass)
{
	const struct spf_input input = spf_input_of(pass);

	if (!pass->config->received_spf || !pass->out->has_spf)
		return 0;
	return verdict_received_spf_write(&input, &pass->out->spf, pass->arena, &pass->out->received_spf);
}

static int write_fields(const struct pass *pass, bool message)
{
	const struct verdict_field field = {
		.authserv_id = authserv_id(pass->input, pass->config),
		.message = message,
		.client = pass->input->has_client ? &pass->input->client : NULL,
		.over_bounds = message ? pass->reading->over_bounds : reason_of(REASON_NONE),
	};

	TRY(verdict_field_write(&field, pass->out, pass->arena, &pass->out->authentication_results));
	return write_received_spf(pass);
}

/* RFC 8601 section 5: after the signatures, which may cover them, are checked. */
static int find_forged_fields(const struct pass *pass)
{
	const struct authres_own own = {
		.id = authserv_id(pass->input, pass->config),
		.ids = pass->config->own_authserv_ids,
		.ids_count = pass->config->own_authserv_ids_count,
	};

	TRY(authres_own_fields(&pass->reading->message, &own, pass->arena, &pass->out->forged));
	return authres_own_received_spf(&pass->reading->message, &own, pass->arena, &pass->out->forged_received_spf);
}

/* Both identities. They come first in a pass, so that what is kept of them is at the start of its arena. */
static int check_spf(struct pass *pass, struct verdict_kept *kept)
{
	struct verdict *out = pass->out;

	out->has_spf = pass->input->has_client;
	out->has_spf_helo = pass->input->has_client && pass->input->helo.len && pass->input->mail_from.len;
	if (kept->spf) {
		out->spf = kept->mail_from;
		out->spf_helo = kept->helo;
		return 0;
	}
	PART(pass, check_spf_mail_from(pass));
	PART(pass, check_spf_helo(pass));
	if (pass->blocked)
		return 0;
	*kept = (struct verdict_kept){
		.spf = true, .mail_from = out->spf, .helo = out->spf_helo, .mark = arena_mark(pass->arena)
	};
	return 0;
}

void verdict_first_names(const struct verdict_input *input, const struct verdict_reading *reading,
                         void (*tell)(void *arg, struct slice name), void *arg)
{
	const struct mail_author *author = &reading->author;
	uint8_t octets[DOMAIN_OCTETS_MAX];
	struct slice local_part, domain;

	if (input->has_client && mail_path_split(input->mail_from, &local_part, &domain) == 0)
		tell(arg, domain);
	if (input->has_client)
		tell(arg, input->helo);
	for (size_t i = 0; i < reading->dkim.count; i++)
		tell(arg, reading->dkim.signatures[i].signature.query_name);
	if (author->domains_count == 1)
		tell(arg, dmarc_records_name(author->domains[0], octets));
}

int verdict_check_message(const struct verdict_input *input, const struct verdict_config *config,
                          struct verdict_reading *reading, const struct ask *ask, struct arena *arena,
                          struct verdict *out)
{
	const struct mail_author *author = &reading->author;
	struct pass pass = {
		.input = input, .config = config, .reading = reading, .ask = ask, .arena = arena, .out = out
	};

	*out = (struct verdict){ .flags = reading->flags };
	TRY(check_spf(&pass, &reading->kept));
	PART(&pass, check_dkim(&pass));
	PART(&pass, check_arc(&pass));
	/*
	 * DMARC needs whole results; but what its policy needs goes out with the first questions, and that of every
	 * author before the alignment of one: it could spend all look-ups.
	 */
	if (pass.blocked || author->domains_count > 1)
		dmarc_prefetch(author, ask);
	if (!pass.blocked)
		TRY(check_dmarc(&pass));
	if (pass.blocked)
		return ASK_BLOCKED;
	TRY(find_forged_fields(&pass));
	return write_fields(&pass, true);
}

int verdict_check_sender(const struct verdict_input *input, const struct verdict_config *config, const struct ask *ask,
			 struct arena *arena, struct verdict *out)
{
	struct pass pass = { .input = input, .config = config, .ask = ask, .arena = arena, .out = out };

	*out = (struct verdict){ .has_spf = input->has_client };
	PART(&pass, check_spf_mail_from(&pass));
	return pass.blocked ? ASK_BLOCKED : write_fields(&pass, false);
}
