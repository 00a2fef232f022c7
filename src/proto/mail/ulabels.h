/*
 * ulabels.h - a domain name as a reader is shown it: U-labels beside the A-labels that are compared and asked for.
 *
 * Source:    RFC 5890 section 2.3.2.1, RFC 5891 section 5 (what a U-label is); UTS 39 section 5.2 (which scripts go
 *            together); STANDARDS chapter 8, S9.
 * Purity:    no I/O, no globals.
 * Bounds:    O(octets); a U-label has at most 4 octets for each of its A-label's.
 */
#ifndef ASSAY_PROTO_MAIL_ULABELS_H
#define ASSAY_PROTO_MAIL_ULABELS_H

#include "base/arena.h"

struct ulabels {
	bool exist;         /* the name has A-labels */
	/*
	 * UTF-8: letters, marks and digits of scripts written from left to right, hyphens, underscores and dots. Empty: an
	 * A-label that stands for no U-label, or for one with anything else: what is invisible, reorders the text around it
	 * or is no letter is not shown at all.
	 */
	struct slice name;
	/*
	 * A label of `name` has letters of scripts that no language writes together ("highly restrictive" in UTS 39), as
	 * names that imitate others do. A name that imitates in one script alone is not found so.
	 */
	bool mixes_scripts;
};

/* `name`: canonical (domain.h). 0, or -ENOMEM. The result lives in the arena. */
MUST_CHECK int ulabels_of(struct slice name, struct arena *arena, struct ulabels *out);

#endif
