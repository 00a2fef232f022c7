/*
 * body.h - DKIM body canonicalization, as a stream of slices.
 *
 * Source:    RFC 6376 sections 3.4.3 and 3.4.4.
 * Purity:    no I/O, no clock, no allocation.
 * Ownership: the state is the caller's and does not move; slices returned point into the chunk fed last, into
 *            the state or into static text, and are valid until the next call.
 * Errors:    none: every octet string has a canonical form.
 * Bounds:    O(octets) time and O(1) space, however the body is cut into chunks. Runs that need no change come
 *            out as one slice; where changes are dense, octets are gathered, so that slices are not many: of a
 *            chunk, about one for each 150 octets at the worst.
 * Use:       feed a chunk, call next until it returns false, feed the next chunk ...; then finish, and
 *            next until false once more.
 */
#ifndef ASSAY_PROTO_DKIM_BODY_H
#define ASSAY_PROTO_DKIM_BODY_H

#include "base/scan.h"
#include "proto/ask/ask.h"

#define DKIM_BODY_GATHER_OCTETS 512

struct dkim_body {
	enum canonicalization canon;
	const struct scan *scan;     /* the best there is after init; a test may put in another */
	struct slice chunk;          /* what of the chunk is not worked through yet */
	uint64_t octets_out;         /* canonical octets so far, what l= is compared with */
	uint64_t line_ends_held;     /* CRLFs that may turn out to be trailing empty lines */
	bool wsp_held;               /* white space that may turn out to be at a line's end */
	bool cr_held;                /* the chunk ended in CR */
	bool in_line;                /* the last octets that came out are not a line's end */
	bool held_due;               /* what is held turned out to stay, and comes out next */
	bool finished;
	uint8_t gathered[DKIM_BODY_GATHER_OCTETS + SCAN_OVERSHOOT];
};

void dkim_body_init(struct dkim_body *body, enum canonicalization canon);
/* Only when next has returned false (or at the start). `chunk` is borrowed until then. */
void dkim_body_feed(struct dkim_body *body, struct slice chunk);
/* No more chunks will come. */
void dkim_body_finish(struct dkim_body *body);
/* The next canonical octets (never an empty slice), or false: feed more, or all is out after finish. */
bool dkim_body_next(struct dkim_body *body, struct slice *out);

#endif
