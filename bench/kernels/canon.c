/*
 * Body canonicalization, of attachments (base64) and of text: prose with single spaces, and prose with two of them behind a
 * sentence and some at line ends, where changes are. The other side is a loop over octets that writes out the same.
 */
#include "kernels/kernels.h"

#include "proto/dkim/body.h"

#include <string.h>

#define OCTETS 65536
#define TIMES  16 /* a run: asking for the time takes as long as one body */

struct canon_state {
	enum canonicalization canon;
	uint8_t body[OCTETS];
	uint8_t plain[OCTETS + 2]; /* canonical, by the plain loop */
	size_t plain_len;
};

/* Held back, as all of it may turn out to be nothing: line ends, then white space. */
struct plain {
	uint8_t *out;
	size_t len, line_ends;
	bool wsp;
};

static void plain_held(struct plain *plain)
{
	for (; plain->line_ends > 0; plain->line_ends--) {
		plain->out[plain->len++] = '\r';
		plain->out[plain->len++] = '\n';
	}
	if (plain->wsp)
		plain->out[plain->len++] = ' ';
	plain->wsp = false;
}

/* RFC 6376 sections 3.4.3 and 3.4.4, an octet after the other. */
static void plain_canon(struct canon_state *state)
{
	bool relaxed = state->canon == CANON_RELAXED;
	struct plain plain = { .out = state->plain };

	for (size_t i = 0; i < OCTETS; i++) {
		uint8_t octet = state->body[i];

		if (octet == '\r' && i + 1 < OCTETS && state->body[i + 1] == '\n') {
			plain.wsp = false;
			plain.line_ends++;
			i++;
		} else if (relaxed && (octet == ' ' || octet == '\t')) {
			plain.wsp = true;
		} else {
			if (plain.line_ends > 0 || plain.wsp)
				plain_held(&plain);
			plain.out[plain.len++] = octet;
		}
	}
	plain.line_ends = plain.len > 0 || !relaxed;
	plain.wsp = false;
	plain_held(&plain);
	state->plain_len = plain.len;
}

static double plain_run(void *arg)
{
	for (int i = 0; i < TIMES; i++)
		plain_canon(arg);
	return TIMES * OCTETS;
}

/* What takes the slices looks at their lengths only. */
static void ours_canon(const struct canon_state *state)
{
	struct dkim_body body;
	struct slice part;
	size_t octets = 0;

	dkim_body_init(&body, state->canon);
	dkim_body_feed(&body, slice_of(state->body, OCTETS));
	while (dkim_body_next(&body, &part))
		octets += part.len;
	dkim_body_finish(&body);
	while (dkim_body_next(&body, &part))
		octets += part.len;
	kernel_require(octets == state->plain_len, "a canonical body has another length than the plain loop's");
}

static double ours_run(void *arg)
{
	for (int i = 0; i < TIMES; i++)
		ours_canon(arg);
	return TIMES * OCTETS;
}

/* Once, octet for octet. */
static void same_require(struct canon_state *state)
{
	struct dkim_body body;
	struct slice part;
	size_t at = 0;

	plain_canon(state);
	dkim_body_init(&body, state->canon);
	dkim_body_feed(&body, slice_of(state->body, OCTETS));
	for (;;) {
		if (!dkim_body_next(&body, &part)) {
			if (body.finished)
				break;
			dkim_body_finish(&body);
			continue;
		}
		kernel_require(at + part.len <= state->plain_len && memcmp(state->plain + at, part.ptr, part.len) == 0,
		               "a canonical body is not the plain loop's");
		at += part.len;
	}
	kernel_require(at == state->plain_len, "a canonical body is not the plain loop's");
}

/* Lines of 76 out of the alphabet of base64. */
static void base64_fill(uint8_t *body)
{
	kernel_random(2, body, OCTETS);
	for (size_t i = 0; i < OCTETS; i++)
		body[i] = (uint8_t)('A' + body[i] % 26);
	for (size_t i = 76; i + 1 < OCTETS; i += 78)
		memcpy(body + i, "\r\n", 2);
	memcpy(body + OCTETS - 2, "\r\n", 2);
}

/* Words of 1 to 10 letters, lines of about 72. */
static void prose_fill(uint8_t *body)
{
	size_t line = 0, word = 0;

	kernel_random(3, body, OCTETS);
	for (size_t i = 0; i < OCTETS; i++, line++) {
		uint8_t random = body[i];

		body[i] = (uint8_t)('a' + random % 26);
		if (line >= 70 && i + 1 < OCTETS) {
			memcpy(body + i++, "\r\n", 2);
			line = word = 0;
		} else if (word++ > random % 10u) {
			body[i] = ' ';
			word = 0;
		}
	}
	memcpy(body + OCTETS - 2, "\r\n", 2);
}

/* Two spaces in about every twelfth place of one, and before every fourth line's end a space. */
static void changes_fill(uint8_t *body)
{
	size_t spaces = 0, lines = 0;

	prose_fill(body);
	for (size_t i = 2; i + 2 < OCTETS; i++) {
		if (body[i] == ' ' && ++spaces % 12 == 0 && body[i + 1] != '\r')
			body[++i] = ' ';
		else if (body[i] == '\r' && ++lines % 4 == 0)
			body[i - 1] = ' ';
	}
}

static void figure_add(struct kernel_cases *cases, const char *name, const char *figure, struct canon_state *state)
{
	same_require(state);
	kernel_add(cases, &(struct kernel_case){ .name = name, .figure = figure, .unit = "octets/s",
	                                         .run = { ours_run, plain_run }, .state = state });
}

void kernels_canon_add(struct kernel_cases *cases)
{
	static struct canon_state base64 = { .canon = CANON_RELAXED }, prose = { .canon = CANON_RELAXED };
	static struct canon_state changes = { .canon = CANON_RELAXED }, simple = { .canon = CANON_SIMPLE };

	base64_fill(base64.body);
	prose_fill(prose.body);
	changes_fill(changes.body);
	base64_fill(simple.body);
	figure_add(cases, "canon_relaxed", "base64", &base64);
	figure_add(cases, "canon_relaxed", "prose", &prose);
	figure_add(cases, "canon_relaxed", "changes", &changes);
	figure_add(cases, "canon_simple", NULL, &simple);
}
