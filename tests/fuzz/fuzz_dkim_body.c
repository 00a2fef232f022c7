/*
 * Goal:   the canonical body does not depend on how the body is cut (LESSONS row 21), and has its form (RFC 6376
 *         section 3.4).
 * Method: the first octet gives the sizes of the chunks, the rest is the body; it is worked through cut and whole.
 *         What comes out, put in again, comes out the same. Every way of scanning that the processor has gives the same.
 */
#include "base/text.h"
#include "proto/dkim/body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(struct dkim_body *body, struct text *out)
{
	struct slice s;

	while (dkim_body_next(body, &s)) {
		ASSERT(s.len > 0);
		text_add(out, s);
	}
}

/* Chunks of 1 to `chunk_max` octets in turn, each a copy of its own; 0: the whole as it is. */
static struct slice canonicalize(enum canonicalization canon, const struct scan *scan, struct slice in, size_t chunk_max,
                                 struct arena *arena)
{
	struct dkim_body body;
	struct text text;
	struct slice out;
	size_t len = 0;

	text_init(&text, arena);
	dkim_body_init(&body, canon);
	body.scan = scan;
	for (size_t at = 0; at < in.len; at += len) {
		len = chunk_max ? len % chunk_max + 1 : in.len;
		if (len > in.len - at)
			len = in.len - at;
		uint8_t *chunk = malloc(len);

		ASSERT(chunk);
		memcpy(chunk, in.ptr + at, len);
		dkim_body_feed(&body, slice_of(chunk, len));
		drain(&body, &text);
		free(chunk);
	}
	dkim_body_finish(&body);
	drain(&body, &text);
	ASSERT(text_finish(&text, &out) == 0);
	ASSERT(body.octets_out == out.len);
	return out;
}

static void check_form(enum canonicalization canon, struct slice out)
{
	ASSERT(canon == CANON_RELAXED || out.len >= 2);
	ASSERT(out.len == 0 || slice_ends_with_nocase(out, SLICE("\r\n")));
	ASSERT(out.len < 4 || !slice_ends_with_nocase(out, SLICE("\r\n\r\n")));
	for (size_t i = 0; canon == CANON_RELAXED && i < out.len; i++) {
		ASSERT(out.ptr[i] != '\t');
		ASSERT(out.ptr[i] != ' ' || out.ptr[i + 1] != ' ');
		ASSERT(out.ptr[i] != ' ' || out.ptr[i + 1] != '\r' || out.ptr[i + 2] != '\n');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;

	if (size < 1)
		return 0;
	for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
		enum canonicalization c = (enum canonicalization)canon;
		struct slice in = slice_of(data + 1, size - 1), whole;

		arena_init(&arena, (size_t)64 << 20);
		whole = canonicalize(c, scan_get(0), in, 0, &arena);
		check_form(c, whole);
		for (size_t i = 0; scan_get(i); i++) {
			ASSERT(slice_equal(canonicalize(c, scan_get(i), in, data[0] + 1u, &arena), whole));
			ASSERT(slice_equal(canonicalize(c, scan_get(i), in, 0, &arena), whole));
			ASSERT(slice_equal(canonicalize(c, scan_get(i), whole, 0, &arena), whole));
		}
		arena_deinit(&arena);
	}
	return 0;
}
