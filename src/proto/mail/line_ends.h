/*
 * line_ends.h - CRs and LFs that stand alone, in octets that come in chunks.
 *
 * Source:    RFC 5322 section 2.3, RFC 5321 section 2.3.8: they end no line; where one is taken for a line's end, SMTP
 *            smuggling is near (STANDARDS chapter 8, S7).
 * Purity:    no I/O, no clock, no allocation.
 * Bounds:    O(octets) time; ends early when both have been seen.
 */
#ifndef ASSAY_PROTO_MAIL_LINE_ENDS_H
#define ASSAY_PROTO_MAIL_LINE_ENDS_H

#include "base/slice.h"

/* Zeroed at the start. */
struct mail_line_ends {
	bool bare_cr, bare_lf;
	bool cr_held; /* the last octet so far: its LF may come */
};

void mail_line_ends_feed(struct mail_line_ends *ends, struct slice chunk);
/* No more octets will come. */
void mail_line_ends_finish(struct mail_line_ends *ends);

#endif
