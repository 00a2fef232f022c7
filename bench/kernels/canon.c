/*
 * Body canonicalization, of attachments (base64) and of text (prose); the other side is a loop over octets.
 */
#include "kernels/kernels.h"

#include "proto/dkim/body.h"

#include <string.h>

#define OCTETS 65536

struct canon_state {
	enum canonicalization canon;
	uint8_t body[OCTETS];
	uint64_t octets_out;
};

static double ours_run(void *arg)
{
	struct canon_state *state = arg;
	struct dkim_body body;
	struct slice part;
	uint64_t octets = 0;

	dkim_body_init(&body, state->canon);
	dkim_body_feed(&body, slice_of(state->body, OCTETS));
	while (dkim_body_next(&body, &part))
		octets += part.len;
	dkim_body_finish(&body);
	while (dkim_body_next(&body, &part))
		octets += part.len;
	state->octets_out = octets;
	return OCTETS;
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

void kernels_canon_add(struct kernel_cases *cases)
{
	static struct canon_state relaxed_base64 = { .canon = CANON_RELAXED };
	static struct canon_state relaxed_prose = { .canon = CANON_RELAXED };
	static struct canon_state simple = { .canon = CANON_SIMPLE };

	base64_fill(relaxed_base64.body);
	prose_fill(relaxed_prose.body);
	base64_fill(simple.body);
	kernel_add(cases, &(struct kernel_case){ .name = "canon_relaxed", .figure = "base64", .unit = "octets/s",
	                                         .run = { ours_run, ours_run }, .state = &relaxed_base64 });
	kernel_add(cases, &(struct kernel_case){ .name = "canon_relaxed", .figure = "prose", .unit = "octets/s",
	                                         .run = { ours_run, ours_run }, .state = &relaxed_prose });
	kernel_add(cases, &(struct kernel_case){ .name = "canon_simple", .unit = "octets/s",
	                                         .run = { ours_run, ours_run }, .state = &simple });
}
