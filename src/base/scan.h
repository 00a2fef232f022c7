/*
 * scan.h - looks over many octets at once, for what is rare among them.
 *
 * Each way of scanning (plain octets, AVX2, AVX-512, NEON) finds the same; tests/unit/base/test_scan.c holds them to it.
 * scan_best() is the quickest that this processor has, asked at run time.
 *
 * Purity:    no I/O, no allocation, no state.
 * Bounds:    O(octets). Nothing is read behind a slice's end; what field_ends() reads around its blocks stands there.
 */
#ifndef ASSAY_BASE_SCAN_H
#define ASSAY_BASE_SCAN_H

#include "base/slice.h"

/* Where scan.wsp_reduce() stops: so many octets in a row (or some more) needed no change. */
#define SCAN_CLEAN_OCTETS 256
/* What it may write, without meaning, behind what it was allowed to. */
#define SCAN_OVERSHOOT 64

struct scan_reduced {
	size_t read, written;
};

struct scan {
	const char *name;
	/*
	 * These two look at pairs of neighbours, and return the offset of the first of the first such pair; when there is
	 * none, that of the last octet, whose neighbour is not known. `s`: one octet or more.
	 */
	/* A tab; or a space before a space, a tab or a CR. */
	size_t (*wsp_run)(struct slice s);
	/* A CR that no LF follows, or an LF that no CR precedes. */
	size_t (*lone_line_end)(struct slice s);
	/*
	 * Copies octets, but of each run of spaces and tabs its last only, as a space, and nothing of one that CRLF follows
	 * (RFC 6376 section 3.4.4 a). `s`: three octets or more. The last two are not read as such: what becomes of an
	 * octet is known with the two behind it. Reads no more than `out_max` octets; `out` has room for SCAN_OVERSHOOT
	 * more. Stops before when SCAN_CLEAN_OCTETS needed no change.
	 */
	struct scan_reduced (*wsp_reduce)(struct slice s, uint8_t *out, size_t out_max);
	/*
	 * Copies octets, but no CRLF, and of each run of spaces and tabs, which a CRLF does not interrupt, its last only, as a
	 * space (RFC 6376 section 3.4.2). `out` has room for all of it and SCAN_OVERSHOOT. Returns how many were written.
	 */
	size_t (*unfold)(struct slice s, uint8_t *out);
	/*
	 * Where header fields end (RFC 5322 section 2.2.3): for each 64 octets from `p` on a mask, bit i of which is of octet i:
	 * an LF behind a CR, that neither a space nor a tab follows. `p` has an octet before it and one behind the last block.
	 */
	void (*field_ends)(const uint8_t *p, size_t blocks, uint64_t *masks_out);
};

const struct scan *scan_best(void);
/* Every way that this processor has, plain octets first, the best last; NULL: not so many. */
const struct scan *scan_get(size_t i);

#endif
