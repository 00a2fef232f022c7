/*
 * print_verdict.c - a verdict in words: what it comes to, then each method, why, and what would mend it.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/assay/paper.h"
#include "tools/assay/print.h"

#define INDENT       2
#define METHOD_WIDTH 7  /* "dmarc" and two spaces */
#define RESULT_WIDTH 11 /* "temperror" and two spaces */
#define DETAIL       (INDENT + METHOD_WIDTH + RESULT_WIDTH)
#define FIX_WIDTH    5 /* "fix: " */
#define WIDE_PREFIX  16 /* below it a term covers more than 65,536 IPv4 addresses: hardly all the sender's own */

static enum paper_colour result_colour(enum assay_result result)
{
	switch (result) {
	case ASSAY_PASS: return PAPER_GOOD;
	case ASSAY_FAIL:
	case ASSAY_PERMERROR: return PAPER_BAD;
	case ASSAY_SOFTFAIL:
	case ASSAY_POLICY:
	case ASSAY_TEMPERROR: return PAPER_WARN;
	default: return PAPER_PLAIN;
	}
}

/* "  dkim   pass       ": the caller goes on behind it. */
static void method(const struct paper *paper, const char *name, enum assay_result result)
{
	fprintf(paper->out, "%*s", INDENT, "");
	paper_word(paper, PAPER_STRONG, name, METHOD_WIDTH);
	paper_word(paper, result_colour(result), assay_result_word(result), RESULT_WIDTH);
}

static void reason(const struct paper *paper, struct assay_reason reason)
{
	paper_paragraph(paper, PAPER_PLAIN, DETAIL, "", 0, reason.text);
	paper_paragraph(paper, PAPER_PLAIN, DETAIL, "fix:", FIX_WIDTH, reason.fix);
}

static void spf(const struct paper *paper, const struct assay_spf *spf)
{
	if (!spf)
		return;
	method(paper, "spf", spf->result);
	paper_text(paper, spf->domain);
	fprintf(paper->out, " (%s)\n", spf->scope == ASSAY_SPF_HELO ? "HELO" : "MAIL FROM");
	reason(paper, spf->reason);
	if (spf->result == ASSAY_PASS && spf->has_network_prefix && spf->network_prefix < WIDE_PREFIX)
		paper_paragraph(paper, PAPER_WARN, DETAIL, "", 0,
				"that term covers a network that strangers are likely to share");
	if (spf->explanation)
		paper_paragraph(paper, PAPER_PLAIN, DETAIL, "they say:", 10, spf->explanation);
}

static void dkim(const struct paper *paper, const struct assay_dkim *dkim)
{
	method(paper, "dkim", dkim->result);
	paper_text(paper, dkim->domain);
	fputs(", selector ", paper->out);
	paper_text(paper, dkim->selector);
	fputs(", ", paper->out);
	paper_text(paper, dkim->algorithm);
	if (dkim->key_bits)
		fprintf(paper->out, ", %u bits", (unsigned)dkim->key_bits);
	fputs(dkim->testing ? ", testing\n" : "\n", paper->out);
	if (dkim->result == ASSAY_PASS && !dkim->reason.text[0])
		paper_paragraph(paper, PAPER_PLAIN, DETAIL, "", 0, "the signature is good");
	reason(paper, dkim->reason);
	if (dkim->body_partly_unsigned)
		paper_paragraph(paper, PAPER_WARN, DETAIL, "", 0, "a part of the body is not signed (l=)");
	if (dkim->seen_times > 1)
		fprintf(paper->out, "%*sseen %u times, from %u clients or more\n", DETAIL, "", (unsigned)dkim->seen_times,
			(unsigned)dkim->seen_clients);
}

static void dkim_all(const struct paper *paper, const struct assay_verdict *verdict)
{
	if (verdict->dkim_count == 0 && !verdict->dkim_ignored) {
		method(paper, "dkim", ASSAY_NONE);
		fputs("the message is not signed\n", paper->out);
	}
	for (size_t i = 0; i < verdict->dkim_count; i++)
		dkim(paper, verdict->dkim[i]);
	if (verdict->dkim_ignored)
		reason(paper, verdict->dkim_ignored_reason);
}

/* A sentence under way: its stream, and what it has written. */
struct sentence {
	FILE *out;
	char *text;
	size_t size;
};

/* Without memory there is no stream, and then nothing is said. */
static bool sentence_begin(struct sentence *sentence)
{
	sentence->out = open_memstream(&sentence->text, &sentence->size);
	return sentence->out != NULL;
}

static void sentence_end(struct sentence *sentence, const struct paper *paper, int indent, const char *label, int width)
{
	if (fclose(sentence->out) == 0)
		paper_paragraph(paper, PAPER_WARN, indent, label, width, sentence->text);
	free(sentence->text);
}

/* "2: lists.example (trusted) found spf=pass, dkim=pass, dmarc=pass". Of a hop, which may have been made up. */
static void arc_set(const struct paper *paper, const struct assay_arc_set *set)
{
	fprintf(paper->out, "%*s%u: ", DETAIL, "", (unsigned)set->instance);
	paper_text(paper, set->seal->domain);
	fputs(set->believable ? " (trusted) found" : " says it found", paper->out);
	for (size_t i = 0; i < set->method_count; i++) {
		fputs(i ? ", " : " ", paper->out);
		paper_text(paper, set->methods[i]->method);
		fputc('=', paper->out);
		paper_text(paper, set->methods[i]->result);
	}
	fputs(set->method_count ? "\n" : " nothing that can be read\n", paper->out);
}

/* Without a chain there is nothing to tell. */
static void arc(const struct paper *paper, const struct assay_arc *arc)
{
	if (!arc || !arc->evaluated || arc->result == ASSAY_NONE)
		return;
	method(paper, "arc", arc->result);
	fprintf(paper->out, "%u hop%s\n", (unsigned)arc->instance, arc->instance == 1 ? "" : "s");
	reason(paper, arc->reason);
	for (size_t i = arc->set_count; i > 0; i--)
		arc_set(paper, arc->sets[i - 1]);
}

/* One line, and only when there is something to tell. */
static void shadow(const struct paper *paper, const struct assay_dmarc_shadow *shadow)
{
	struct sentence sentence;

	if (!shadow || !shadow->differs || !sentence_begin(&sentence))
		return;
	fprintf(sentence.out, "RFC 7489 differs: %s", assay_result_word(shadow->result));
	if (shadow->result == ASSAY_FAIL)
		fprintf(sentence.out, ", %s", assay_policy_word(shadow->disposition));
	if (shadow->result == ASSAY_FAIL && shadow->disposition != shadow->disposition_unsampled)
		fprintf(sentence.out, " for %u %%, else %s", (unsigned)shadow->pct,
			assay_policy_word(shadow->disposition_unsampled));
	sentence_end(&sentence, paper, DETAIL, "", 0);
}

/* What the reader of the mail takes the author for. */
static void unicode(const struct paper *paper, const struct assay_unicode *unicode)
{
	if (!unicode)
		return;
	if (!unicode->name[0]) {
		paper_paragraph(paper, PAPER_WARN, DETAIL, "", 0,
				"its xn-- labels stay: they cannot be shown safely");
		return;
	}
	fprintf(paper->out, "%*sreads ", DETAIL, "");
	paper_unicode(paper, unicode->name);
	fputc('\n', paper->out);
	if (unicode->mixes_scripts)
		paper_paragraph(paper, PAPER_WARN, DETAIL, "", 0,
				"it mixes letters of several scripts, as names that imitate others do");
}

static void dmarc(const struct paper *paper, const struct assay_dmarc *dmarc)
{
	if (!dmarc)
		return;
	method(paper, "dmarc", dmarc->result);
	if (dmarc->from_domain.count)
		paper_text(paper, dmarc->from_domain);
	else
		fputs("no author domain", paper->out);
	if (dmarc->has_policy)
		fprintf(paper->out, ", policy %s%s", assay_policy_word(dmarc->policy),
			dmarc->testing ? ", testing" : "");
	fputc('\n', paper->out);
	unicode(paper, dmarc->from_domain_unicode);
	reason(paper, dmarc->reason);
	if (dmarc->override)
		paper_paragraph(paper, PAPER_WARN, DETAIL, "", 0, dmarc->override->comment);
	shadow(paper, dmarc->shadow);
}

static void flags(const struct paper *paper, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} texts[] = {
		{ ASSAY_FLAG_BARE_CR, "a CR stands without an LF: this is how SMTP smuggling begins" },
		{ ASSAY_FLAG_BARE_LF, "an LF stands without a CR: this is how SMTP smuggling begins" },
		{ ASSAY_FLAG_NUL_IN_HEADER, "there is a NUL octet in the header" },
		{ ASSAY_FLAG_MALFORMED_HEADER, "a line of the header is no header field" },
		{ ASSAY_FLAG_MALFORMED_FROM, "the From field names no author that can be checked" },
		{ ASSAY_FLAG_HEADER_OVER_BOUNDS, "the header is larger than the server reads" },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (flags & texts[i].flag)
			paper_paragraph(paper, PAPER_WARN, INDENT, "note", METHOD_WIDTH, texts[i].text);
	}
}

static void duplicates(const struct paper *paper, const struct assay_verdict *verdict)
{
	struct sentence sentence;

	if (verdict->duplicate_count == 0 || !sentence_begin(&sentence))
		return;
	fputs("there is more than one field", sentence.out);
	for (size_t i = 0; i < verdict->duplicate_count; i++)
		fprintf(sentence.out, "%s%s", i ? ", " : " ", verdict->duplicate_fields[i]);
	fputs(": what is shown may be another one than was signed", sentence.out);
	sentence_end(&sentence, paper, INDENT, "note", METHOD_WIDTH);
}

static void deletions(const struct paper *paper, const struct assay_verdict *verdict)
{
	struct sentence sentence;
	const char *name = "";

	if (verdict->delete_count == 0 || !sentence_begin(&sentence))
		return;
	fputs("before adding the field below, remove", sentence.out);
	for (size_t i = 0; i < verdict->delete_count; i++) {
		const struct assay_deletion *deletion = verdict->delete_fields[i];
		bool again = strcmp(name, deletion->name) == 0;

		fprintf(sentence.out, "%s%s%s %u", i ? "," : "", again ? "" : " ", again ? "" : deletion->name,
			(unsigned)deletion->index);
		name = deletion->name;
	}
	fputs(" (counted from the top): forged as if they were yours, or not readable", sentence.out);
	sentence_end(&sentence, paper, INDENT, "note", METHOD_WIDTH);
}

/* A field as it goes into the message, but with the line ends of this system. */
static void field(const struct paper *paper, const char *name, struct assay_text field)
{
	size_t start = 0;

	if (field.count == 0)
		return;
	fprintf(paper->out, "%*s", INDENT, "");
	paper_word(paper, PAPER_FAINT, name, 0);
	for (size_t i = 0; i + 1 < field.count; i++) {
		if (memcmp(field.octets + i, "\r\n", 2) != 0)
			continue;
		paper_text(paper, (struct assay_text){ field.octets + start, i - start });
		fprintf(paper->out, "\n%*s", INDENT + 4, "");
		for (start = i + 2; start < field.count && strchr(" \t", field.octets[start]); start++)
			continue;
	}
	paper_text(paper, (struct assay_text){ field.octets + start, field.count - start });
	fputc('\n', paper->out);
}

static void fields(const struct paper *paper, const struct assay_verdict *verdict)
{
	fputc('\n', paper->out);
	field(paper, "Authentication-Results: ", verdict->authentication_results);
	field(paper, "Received-SPF: ", verdict->received_spf);
}

/* What DMARC comes to, for the first line. */
static const char *headline_word(const struct assay_dmarc *dmarc, enum paper_colour *colour_out)
{
	*colour_out = result_colour(dmarc->result);
	switch (dmarc->result) {
	case ASSAY_PASS: return "GENUINE";
	case ASSAY_FAIL: break;
	case ASSAY_NONE: return "UNPROVEN";
	case ASSAY_TEMPERROR: return "TRY AGAIN";
	default: break;
	}
	if (dmarc->disposition == ASSAY_POLICY_REJECT)
		return "REJECT";
	if (dmarc->disposition == ASSAY_POLICY_QUARANTINE)
		return "QUARANTINE";
	if (dmarc->result != ASSAY_FAIL)
		return "NOT CHECKABLE";
	*colour_out = PAPER_WARN;
	if (dmarc->override)
		return "VOUCHED FOR";
	return "SUSPECT";
}

static void headline_sentence(const struct paper *paper, const struct assay_dmarc *dmarc)
{
	struct assay_text from = dmarc->from_domain.count ? dmarc->from_domain
							  : (struct assay_text){ "the author", strlen("the author") };
	const char *before = "", *behind = "";

	switch (dmarc->result) {
	case ASSAY_PASS: before = "this mail is really from "; break;
	case ASSAY_FAIL:
		before = "nothing shows that this is from ";
		behind = dmarc->override                           ? " but the word of a trusted sealer"
			 : dmarc->disposition == ASSAY_POLICY_NONE ? "; its policy asks for no action"
								   : "; its policy asks for this";
		break;
	case ASSAY_NONE: behind = " publishes no DMARC policy"; break;
	case ASSAY_TEMPERROR:
		before = "a passing fault hides who ";
		behind = " is";
		break;
	default: behind = " cannot be checked by DMARC"; break;
	}
	fputs(before, paper->out);
	paper_text(paper, from);
	fputs(behind, paper->out);
}

static void headline(const struct paper *paper, const struct assay_dmarc *dmarc)
{
	enum paper_colour colour;
	const char *word;

	if (!dmarc)
		return;
	word = headline_word(dmarc, &colour);
	paper_word(paper, colour, word, (int)strlen(word));
	fputs(": ", paper->out);
	headline_sentence(paper, dmarc);
	fputs("\n\n", paper->out);
}

void print_verdict(FILE *out, const struct assay_verdict *verdict, const char *path)
{
	struct paper paper = paper_of(out);

	if (path) {
		paper_text(&paper, (struct assay_text){ path, strlen(path) });
		fputs(": ", out);
	}
	headline(&paper, verdict->dmarc);
	if (!verdict->spf)
		paper_paragraph(&paper, PAPER_FAINT, INDENT, "spf", METHOD_WIDTH,
				"not checked: no client address was given (--ip)");
	spf(&paper, verdict->spf);
	spf(&paper, verdict->spf_helo);
	dkim_all(&paper, verdict);
	arc(&paper, verdict->arc);
	dmarc(&paper, verdict->dmarc);
	flags(&paper, verdict->flags);
	duplicates(&paper, verdict);
	deletions(&paper, verdict);
	fields(&paper, verdict);
	if (path)
		fputc('\n', out);
}

void print_sender_verdict(FILE *out, const struct assay_verdict *verdict)
{
	struct paper paper = paper_of(out);

	spf(&paper, verdict->spf);
	spf(&paper, verdict->spf_helo);
	fields(&paper, verdict);
}
