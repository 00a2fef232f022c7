#include "proto/mail/domain.h"
#include "proto/spf/limits.h"
#include "proto/spf/run.h"

#include <string.h>

const char *spf_word_text(enum spf_word word)
{
	switch (word) {
	case SPF_NONE: return "none";
	case SPF_NEUTRAL: return "neutral";
	case SPF_PASS: return "pass";
	case SPF_FAIL: return "fail";
	case SPF_SOFTFAIL: return "softfail";
	case SPF_TEMPERROR: return "temperror";
	case SPF_PERMERROR: return "permerror";
	}
	return "permerror";
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 0x80)
			return false;
	return true;
}

/* Inside of a Quoted-string (RFC 5321 section 4.1.2). */
static bool is_quoted_content(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"')
			return false;
		if (s.ptr[i] == '\\' && ++i == s.len)
			return false;
	}
	return true;
}

/*
 * May these octets be a local-part? Looser than RFC 5321 section 4.1.2, because the openspf suite has an unquoted
 * space; but what makes two readers disagree on where the domain begins (routes, comments, brackets) is none.
 */
static bool is_local_part(struct slice s)
{
	static const struct slice specials = { (const uint8_t *)"()<>[]:;,@\\\"", 12 };

	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	if (s.len > 1 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
		return is_quoted_content(slice_sub(s, 1, s.len - 2));
	for (size_t i = 0; i < s.len; i++)
		if (slice_find(specials, s.ptr[i]) != SLICE_NOT_FOUND)
			return false;
	return true;
}

/* What is checked: the arguments <domain> and <sender> of section 4.1. */
struct identity {
	enum spf_scope scope;
	struct slice given; /* the HELO argument or reverse-path */
	struct slice local_part;
	struct slice domain; /* canonical when `valid` */
	bool valid;
};

/* 0 or -ENOMEM. *domain stays as it is unless it is valid. */
static int canonical_domain(struct slice *domain, struct arena *arena, bool *valid_out)
{
	struct slice canonical;
	int result;

	*valid_out = false;
	if (domain->len > SPF_IDENTITY_OCTETS_MAX)
		return 0;
	result = domain_canonical(*domain, arena, &canonical);
	if (result < 0 || result == DOMAIN_INVALID || !spf_domain_is_checkable(canonical))
		return result < 0 ? result : 0;
	*domain = canonical;
	*valid_out = true;
	return 0;
}

/* Section 2.3. EHLO comes before SMTPUTF8 is agreed on, so its name has A-labels (RFC 8616 section 4). */
static int identity_of_helo(const struct spf_input *input, struct arena *arena, struct identity *out)
{
	*out = (struct identity){
		.scope = SPF_HELO, .given = input->helo, .local_part = SLICE("postmaster"), .domain = input->helo
	};
	return is_ascii(input->helo) ? canonical_domain(&out->domain, arena, &out->valid) : 0;
}

/* Section 2.4, and 4.3 for the missing local-part. */
static int identity_of_mail_from(const struct spf_input *input, struct arena *arena, struct identity *out)
{
	size_t at = slice_find_last(input->mail_from, '@');

	if (input->mail_from.len == 0)
		return identity_of_helo(input, arena, out);
	*out = (struct identity){ .scope = SPF_MAILFROM, .given = input->mail_from, .domain = input->mail_from };
	if (at == SLICE_NOT_FOUND || input->mail_from.len > SPF_IDENTITY_OCTETS_MAX)
		return 0;
	out->domain = slice_from(input->mail_from, at + 1);
	out->local_part = at ? slice_sub(input->mail_from, 0, at) : SLICE("postmaster");
	return is_local_part(out->local_part) ? canonical_domain(&out->domain, arena, &out->valid) : 0;
}

/* An IPv4-mapped address may come as 16 octets; section 5 has it an IPv4 client. */
static struct ip_address client_of(const struct spf_input *input)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip_address v4 = { .is_v6 = false };

	if (!input->client.is_v6 || memcmp(input->client.octets, mapped, sizeof(mapped)) != 0)
		return input->client;
	memcpy(v4.octets, input->client.octets + sizeof(mapped), 4);
	return v4;
}

static int run_init(struct spf_run *run, const struct spf_input *input, const struct identity *identity)
{
	struct text sender;

	run->local_part_is_ascii = is_ascii(identity->local_part);
	run->values = (struct spf_macro_values){
		.local_part = identity->local_part,
		.sender_domain = identity->domain,
		.domain = identity->domain,
		.helo = input->helo.len <= SPF_IDENTITY_OCTETS_MAX ? input->helo : SLICE_EMPTY,
		.validated = SLICE("unknown"),
		.receiver = input->receiver.len ? input->receiver : SLICE("unknown"),
		.client = client_of(input),
		.now = input->now,
	};
	text_init(&sender, run->arena);
	text_add(&sender, identity->local_part);
	text_octet(&sender, '@');
	text_add(&sender, identity->domain);
	return text_finish(&sender, &run->values.sender);
}

/*
 * Made fit for an SMTP reply: control octets are dropped (they could only come from the HELO argument), what has
 * octets beyond ASCII is no explanation (section 6.2), and the rest is cut.
 */
static int explanation_text(struct spf_run *run, const struct spf_expansion *expansion, struct slice *out)
{
	struct slice raw = slice_of(expansion->octets, expansion->len);
	struct text text;

	if (!is_ascii(raw))
		return 0;
	text_init(&text, run->arena);
	for (size_t i = 0; i < raw.len && text.len < SPF_EXPLANATION_OCTETS_MAX; i++)
		if (raw.ptr[i] >= 0x20 && raw.ptr[i] < 0x7f)
			text_octet(&text, raw.ptr[i]);
	return text_finish(&text, out);
}

/* The explain-string of a domain: anything but one good TXT record is as if there were no exp= (section 6.2). */
static int explain(struct spf_run *run, const struct spf_host *host, struct slice name, struct slice *out)
{
	struct spf_expansion expansion = { .place = SPF_MACRO_IN_TEXT };
	const struct dns_answer *answer = spf_ask(run, name, DNS_TXT);
	uint32_t letters;
	int step;

	if (!answer)
		return SPF_STEP_BLOCKED;
	if (answer->count != 1 || !spf_macro_string_check(answer->records[0].data, SPF_MACRO_IN_TEXT, &letters))
		return 0;
	if (letters & SPF_MACRO_BIT('p') && (step = spf_find_validated(run, host->domain)))
		return step;
	run->values.domain = host->domain;
	spf_macro_expand(answer->records[0].data, &run->values, &expansion);
	return explanation_text(run, &expansion, out);
}

/* Section 6.2: `host` is the one whose mechanism gave the "fail", after redirects; never an included one. */
static int explanation(struct spf_run *run, const struct spf_host *host, struct slice *out)
{
	const struct spf_term *exp = host->word == SPF_FAIL ? host->record->exp : NULL;
	struct slice name;
	int step;

	if (!exp)
		return 0;
	step = spf_target(run, host, exp, &name);
	ASSERT(step != SPF_STEP_EXCEPTION);
	if (step != SPF_STEP_MATCH)
		return step;
	return explain(run, host, name, out);
}

static struct reason reason_of_match(const struct spf_host *host)
{
	switch (host->word) {
	case SPF_PASS: break;
	case SPF_FAIL: return reason_of_2(REASON_SPF_FAIL, host->term->text, host->domain);
	case SPF_SOFTFAIL: return reason_of_2(REASON_SPF_SOFTFAIL, host->term->text, host->domain);
	default: return reason_of_2(REASON_SPF_NEUTRAL, host->term->text, host->domain);
	}
	if (host->term->kind == SPF_TERM_INCLUDE)
		return reason_of_2(REASON_SPF_PASS_INCLUDED, host->term->text, host->decider->text);
	return reason_of_2(REASON_SPF_PASS, host->term->text, host->domain);
}

/* The bits that a term compares; those that ask about the client's name or a macro do not draw a network. */
static bool network_prefix(const struct spf_term *term, bool is_v6, uint8_t *out)
{
	switch (term->kind) {
	case SPF_TERM_ALL: *out = 0; return true;
	case SPF_TERM_A:
	case SPF_TERM_MX:
	case SPF_TERM_IP4:
	case SPF_TERM_IP6: *out = is_v6 ? term->prefix_v6 : term->prefix_v4; return true;
	default: return false;
	}
}

static void set_result(const struct spf_run *run, const struct spf_host *host, struct spf_result *out)
{
	out->result = host->word;
	if (host->word == SPF_NONE) {
		out->reason = host->none_reason;
	} else if (!host->term) {
		out->reason = reason_of_1(REASON_SPF_NO_MATCH, host->domain);
	} else {
		out->reason = reason_of_match(host);
		out->mechanism = host->decider->text;
		out->mechanism_domain = host->decider_domain;
		out->has_network_prefix = network_prefix(host->decider, run->values.client.is_v6, &out->network_prefix);
	}
}

static int evaluate(struct spf_run *run, struct slice domain, struct spf_result *out)
{
	struct spf_host host = { .domain = domain, .needed_for = SLICE("the SPF record") };
	int step = spf_check_host(run, &host);

	if (step == SPF_STEP_EXCEPTION) {
		out->result = run->exception;
		out->reason = run->exception_reason;
		return 0;
	}
	if (step)
		return step;
	set_result(run, &host, out);
	return explanation(run, &host, &out->explanation);
}

static int check(const struct spf_input *input, const struct spf_config *config, const struct ask *ask,
		 struct arena *arena, const struct identity *identity, struct spf_result *out)
{
	struct spf_run run = { .config = config, .ask = ask, .arena = arena };

	/* Until the evaluation is through, nothing that could be taken for a verdict. */
	*out = (struct spf_result){ .result = SPF_TEMPERROR, .scope = identity->scope, .domain = identity->domain };
	if (!identity->valid) {
		out->result = SPF_NONE;
		out->reason = reason_of_1(identity->scope == SPF_HELO ? REASON_SPF_NO_HELO : REASON_SPF_NO_DOMAIN,
					  identity->given);
		return 0;
	}
	TRY(run_init(&run, input, identity));
	return evaluate(&run, identity->domain, out);
}

int spf_check_mail_from(const struct spf_input *input, const struct spf_config *config, const struct ask *ask,
			struct arena *arena, struct spf_result *out)
{
	struct identity identity;

	TRY(identity_of_mail_from(input, arena, &identity));
	return check(input, config, ask, arena, &identity, out);
}

int spf_check_helo(const struct spf_input *input, const struct spf_config *config, const struct ask *ask,
		   struct arena *arena, struct spf_result *out)
{
	struct identity identity;

	TRY(identity_of_helo(input, arena, &identity));
	return check(input, config, ask, arena, &identity, out);
}
