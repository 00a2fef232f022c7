/*
 * print_service.c - status and TLS policy in words.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/assay/paper.h"
#include "tools/assay/print.h"

#define INDENT      2
#define LABEL_WIDTH 12

static struct assay_text text_of(const char *string)
{
	return (struct assay_text){ string, strlen(string) };
}

/* A labelled line; the caller ends it. */
static void label(const struct paper *paper, const char *name)
{
	fprintf(paper->out, "%*s", INDENT, "");
	paper_word(paper, PAPER_STRONG, name, LABEL_WIDTH);
}

static void duration(const struct paper *paper, uint64_t ms)
{
	uint64_t minutes = ms / 60000;

	if (minutes >= 24 * 60)
		fprintf(paper->out, "%" PRIu64 " d %" PRIu64 " h", minutes / (24 * 60), minutes / 60 % 24);
	else if (minutes >= 60)
		fprintf(paper->out, "%" PRIu64 " h %" PRIu64 " min", minutes / 60, minutes % 60);
	else if (minutes)
		fprintf(paper->out, "%" PRIu64 " min %" PRIu64 " s", minutes, ms / 1000 % 60);
	else
		fprintf(paper->out, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms / 100 % 10);
}

static int counter_width(const struct assay_status *status)
{
	size_t width = 0;

	for (size_t i = 0; i < status->counter_count; i++) {
		if (strlen(status->counters[i].name) > width)
			width = strlen(status->counters[i].name);
	}
	return width > 60 ? 60 : (int)width;
}

static void counters(const struct paper *paper, const struct assay_status *status)
{
	int width = counter_width(status);

	fputc('\n', paper->out);
	for (size_t i = 0; i < status->counter_count; i++) {
		const struct assay_counter *counter = &status->counters[i];

		fprintf(paper->out, "%*s", INDENT, "");
		paper_text(paper, text_of(counter->name));
		fprintf(paper->out, "%*s %12" PRIu64 "\n",
			width > (int)strlen(counter->name) ? width - (int)strlen(counter->name) : 0, "",
			counter->value);
	}
}

void print_status(FILE *out, const struct assay_status *status)
{
	struct paper paper = paper_of(out);

	paper_word(&paper, status->draining ? PAPER_WARN : PAPER_GOOD, status->draining ? "STOPPING" : "SERVING", 0);
	fputs(": assayd ", out);
	paper_text(&paper, text_of(status->version));
	fprintf(out, ", %u shard%s, up ", (unsigned)status->shards, status->shards == 1 ? "" : "s");
	duration(&paper, status->uptime_ms);
	fputs("\n\n", out);
	for (size_t i = 0; i < status->listener_count; i++) {
		label(&paper, i ? "" : "listens on");
		paper_text(&paper, text_of(status->listeners[i]));
		fputc('\n', out);
	}
	if (status->counter_count)
		counters(&paper, status);
}

static enum paper_colour tls_colour(enum assay_tls_result result)
{
	switch (result) {
	case ASSAY_TLS_POLICY:
	case ASSAY_TLS_RECORD:
	case ASSAY_TLS_SECURE: return PAPER_GOOD;
	case ASSAY_TLS_BOGUS:
	case ASSAY_TLS_INVALID: return PAPER_BAD;
	case ASSAY_TLS_TEMPERROR: return PAPER_WARN;
	default: return PAPER_PLAIN;
	}
}

static void part(const struct paper *paper, const char *name, enum assay_tls_result result)
{
	label(paper, name);
	paper_word(paper, tls_colour(result), assay_tls_result_word(result), 0);
	fputc('\n', paper->out);
}

static void items(const struct paper *paper, const char *const *strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		paper_paragraph(paper, PAPER_PLAIN, INDENT + LABEL_WIDTH, "", 0, strings[i]);
}

static void why(const struct paper *paper, struct assay_reason reason)
{
	paper_paragraph(paper, PAPER_PLAIN, INDENT + LABEL_WIDTH, "", 0, reason.text);
	paper_paragraph(paper, PAPER_PLAIN, INDENT + LABEL_WIDTH, "fix:", 5, reason.fix);
}

void print_tls_policy(FILE *out, const struct assay_tls_policy *policy)
{
	struct paper paper = paper_of(out);

	paper_text(&paper, policy->domain);
	fputs(policy->purged ? " (what was kept is forgotten)\n\n" : "\n\n", out);
	part(&paper, "mta-sts", policy->mta_sts);
	if (policy->mta_sts == ASSAY_TLS_POLICY) {
		fprintf(out, "%*smode ", INDENT + LABEL_WIDTH, "");
		paper_text(&paper, text_of(policy->mta_sts_mode));
		fprintf(out, ", for %" PRIu64 " s\n", policy->mta_sts_max_age);
	}
	items(&paper, policy->mta_sts_mx, policy->mta_sts_mx_count);
	why(&paper, policy->mta_sts_reason);
	part(&paper, "dane", policy->dane);
	if (policy->dane_mx_host.count) {
		fprintf(out, "%*sof ", INDENT + LABEL_WIDTH, "");
		paper_text(&paper, policy->dane_mx_host);
		fprintf(out, ": %s\n", assay_dane_delivery_word(policy->dane_delivery));
	}
	items(&paper, policy->dane_tlsa, policy->dane_tlsa_count);
	why(&paper, policy->dane_reason);
	part(&paper, "tlsrpt", policy->tlsrpt);
	items(&paper, policy->tlsrpt_rua, policy->tlsrpt_rua_count);
	why(&paper, policy->tlsrpt_reason);
	if (policy->has_mx_match) {
		label(&paper, "mx");
		paper_word(&paper, policy->mx_match ? PAPER_GOOD : PAPER_BAD,
			   policy->mx_match ? "allowed by the policy" : "not allowed by the policy", 0);
		fputc('\n', out);
	}
	label(&paper, "postfix");
	paper_text(&paper, text_of(*policy->postfix ? policy->postfix : "(its own default)"));
	fputc('\n', out);
	if (strcmp(policy->postfix, policy->postfix_tlsrpt) == 0)
		return;
	label(&paper, "  3.10");
	paper_text(&paper, text_of(policy->postfix_tlsrpt));
	fputc('\n', out);
}
