/*
 * body.h - DKIM body canonicalization, as a stream of slices.
 *
 * Source:    RFC 6376 sections 3.4.3 and 3.4.4.
 * Purity:    no I/O, no clock, no allocation.
 * Ownership: the state is the caller's; slices returned point into the chunk fed last, or into static
 *            text, and are valid until the next feed.
 * Errors:    none: every octet string has a canonical form.
 * Bounds:    O(octets) time and O(1) space, however the body is cut into chunks. Runs that need no change come
 *            out as one slice.
 * Use:       feed a chunk, call next until it returns false, feed the next chunk ...; then finish, and
 *            next until false once more.
 */
#ifndef ASSAY_PROTO_DKIM_BODY_H
#define ASSAY_PROTO_DKIM_BODY_H

#include "proto/ask/ask.h"

struct dkim_body {
	enum canonicalization canon;
	struct slice chunk;          /* what of the chunk is not worked through yet */
	uint64_t octets_out;         /* canonical octets so far, what l= is compared with */
	uint64_t line_ends_held;     /* CRLFs that may turn out to be trailing empty lines */
	bool wsp_held;               /* white space that may turn out to be at a line's end */
	bool cr_held;                /* the chunk ended in CR */
	bool in_line;                /* the last octets that came out are not a line's end */
	bool held_due;               /* what is held turned out to stay, and comes out next */
	bool finished;
};

void dkim_body_init(struct dkim_body *body, enum canonicalization canon);
/* Only when next has returned false (or at the start). `chunk` is borrowed until then. */
void dkim_body_feed(struct dkim_body *body, struct slice chunk);
/* No more chunks will come. */
void dkim_body_finish(struct dkim_body *body);
/* The next canonical octets (never an empty slice), or false: feed more, or all is out after finish. */
bool dkim_body_next(struct dkim_body *body, struct slice *out);

#endif
