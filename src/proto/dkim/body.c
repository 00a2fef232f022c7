#include "proto/dkim/body.h"

/*
 * body = *( *octet CRLF ) [ *octet ]        ; a CR or LF alone is an octet; a last line without CRLF gets one
 *
 * What may still turn out to be nothing is held, as counts and flags: line ends (they may be trailing empty
 * lines), white space (it may end a line), a CR (its LF may open the next chunk). As soon as another octet
 * follows, all that is held comes out before it, in this order. The first CRLF behind text is not held: it
 * comes out in every case, whether more follows or not.
 */

#define CRLF_8 "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
static const uint8_t line_ends[] = CRLF_8 CRLF_8 CRLF_8 CRLF_8 CRLF_8 CRLF_8 CRLF_8 CRLF_8;
#define LINE_ENDS ((sizeof(line_ends) - 1) / 2)

void dkim_body_init(struct dkim_body *body, enum canonicalization canon)
{
	memset(body, 0, offsetof(struct dkim_body, gathered));
	body->canon = canon;
	body->scan = scan_best();
}

void dkim_body_feed(struct dkim_body *body, struct slice chunk)
{
	ASSERT(body->chunk.len == 0 && !body->held_due && !body->finished);
	body->chunk = chunk;
}

void dkim_body_finish(struct dkim_body *body)
{
	ASSERT(body->chunk.len == 0 && !body->held_due && !body->finished);
	body->finished = true;
	/* No LF came: the CR was an octet. */
	body->held_due = body->cr_held;
}

static bool emit(struct dkim_body *body, struct slice octets, struct slice *out)
{
	body->octets_out += octets.len;
	*out = octets;
	return true;
}

static struct slice chunk_take(struct dkim_body *body, size_t len)
{
	struct slice taken = slice_sub(body->chunk, 0, len);

	body->chunk = slice_from(body->chunk, len);
	return taken;
}

/* The next piece of what is held and is now known to stay. */
static bool held_next(struct dkim_body *body, struct slice *out)
{
	if (body->line_ends_held) {
		uint64_t count = body->line_ends_held < LINE_ENDS ? body->line_ends_held : LINE_ENDS;

		body->line_ends_held -= count;
		return emit(body, slice_of(line_ends, 2 * (size_t)count), out);
	}
	if (body->wsp_held) {
		body->wsp_held = false;
		return emit(body, SLICE(" "), out);
	}
	if (body->cr_held) {
		body->cr_held = false;
		body->in_line = true;
		return emit(body, SLICE("\r"), out);
	}
	return false;
}

static bool final_line_end(struct dkim_body *body, struct slice *out)
{
	if (!body->in_line && (body->canon == CANON_RELAXED || body->octets_out > 0))
		return false;
	body->in_line = false;
	return emit(body, slice_of(line_ends, 2), out);
}

/* A CRLF was read. */
static bool line_end(struct dkim_body *body, struct slice *out)
{
	body->wsp_held = false;
	if (!body->in_line) {
		body->line_ends_held++;
		return false;
	}
	body->in_line = false;
	return emit(body, slice_of(line_ends, 2), out);
}

/* Octets from the front in which relaxed canonicalization has nothing to change, trailing line ends apart. */
static size_t relaxed_run(const struct dkim_body *body)
{
	struct slice s = body->chunk;
	size_t i = body->scan->wsp_run(s);

	/* The last octet's successor is not known yet. */
	return i + 1 == s.len && !octet_is_wsp(s.ptr[i]) ? s.len : i;
}

/* Text comes out, up to the first CRLF of those at its end; the others are held. */
static bool text_emit(struct dkim_body *body, struct slice run, struct slice *out)
{
	uint64_t ends = 0;

	while (run.len >= 2 && run.ptr[run.len - 2] == '\r' && run.ptr[run.len - 1] == '\n') {
		run.len -= 2;
		ends++;
	}
	body->in_line = ends == 0;
	if (ends > 0) {
		run.len += 2;
		body->line_ends_held = ends - 1;
	}
	return emit(body, run, out);
}

/* Text begins here, and comes out as it stands. */
static bool run_next(struct dkim_body *body, size_t len, struct slice *out)
{
	struct slice run = chunk_take(body, len);

	if (body->chunk.len == 0 && run.ptr[run.len - 1] == '\r') {
		body->cr_held = true;
		run.len--;
	}
	return text_emit(body, run, out);
}

/*
 * Text begins here, in which there is much to change. The first octet is neither white space nor CRLF, so something comes
 * out. A CR at the end whose LF is not read yet is left to the next time.
 */
static bool gathered_next(struct dkim_body *body, struct slice *out)
{
	struct scan_reduced reduced = body->scan->wsp_reduce(body->chunk, body->gathered, DKIM_BODY_GATHER_OCTETS);

	if (body->chunk.ptr[reduced.read - 1] == '\r' && body->chunk.ptr[reduced.read] == '\n') {
		reduced.read--;
		reduced.written--;
	}
	ASSERT(reduced.written > 0);
	(void)chunk_take(body, reduced.read);
	return text_emit(body, slice_of(body->gathered, reduced.written), out);
}

/* Shorter runs are gathered: a slice more costs its reader about as much as copying so many octets. */
#define RUN_MIN 256

static bool text_next(struct dkim_body *body, struct slice *out)
{
	size_t len = body->canon == CANON_SIMPLE ? body->chunk.len : relaxed_run(body);

	return len < RUN_MIN && len < body->chunk.len && body->chunk.len > 2 ? gathered_next(body, out)
	                                                                     : run_next(body, len, out);
}

static size_t wsp_run(struct slice s, size_t from)
{
	while (from < s.len && octet_is_wsp(s.ptr[from]))
		from++;
	return from;
}

/* Empty lines behind an empty line, in a tight loop: a body may be nothing else. Relaxed: blank ones, too. */
static uint64_t empty_lines_skip(struct dkim_body *body)
{
	struct slice s = body->chunk;
	uint64_t count = 0;
	size_t len = 0;

	for (;;) {
		size_t end = body->canon == CANON_RELAXED ? wsp_run(s, len) : len;

		if (end + 2 > s.len || s.ptr[end] != '\r' || s.ptr[end + 1] != '\n')
			break;
		len = end + 2;
		count++;
	}
	(void)chunk_take(body, len);
	return count;
}

/* Works through what opens the chunk until something comes out or, held things first, has to come out. */
static bool chunk_next(struct dkim_body *body, struct slice *out)
{
	while (body->chunk.len > 0 && !body->held_due) {
		uint8_t first = body->chunk.ptr[0];

		if (body->cr_held) {
			body->held_due = first != '\n';
			if (body->held_due)
				break;
			body->cr_held = false;
			(void)chunk_take(body, 1);
			if (line_end(body, out))
				return true;
		} else if (first == '\r' && body->chunk.len == 1) {
			body->cr_held = true;
			(void)chunk_take(body, 1);
		} else if (first == '\r' && body->chunk.ptr[1] == '\n') {
			(void)chunk_take(body, 2);
			if (line_end(body, out))
				return true;
			body->line_ends_held += empty_lines_skip(body);
		} else if (body->canon == CANON_RELAXED && octet_is_wsp(first)) {
			(void)chunk_take(body, wsp_run(body->chunk, 1));
			body->wsp_held = true;
		} else if (body->line_ends_held || body->wsp_held) {
			body->held_due = true;
		} else {
			return text_next(body, out);
		}
	}
	return false;
}

bool dkim_body_next(struct dkim_body *body, struct slice *out)
{
	do {
		if (body->held_due && held_next(body, out))
			return true;
		body->held_due = false;
		if (chunk_next(body, out))
			return true;
	} while (body->held_due);
	return body->finished && final_line_end(body, out);
}
