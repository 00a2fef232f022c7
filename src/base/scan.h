/*
 * scan.h - looks over many octets at once, for what is rare among them.
 *
 * By vectors where the processor has them (AVX2, asked at run time), else octet by octet: the same answer, which
 * tests/unit/base/test_scan.c holds the two to.
 */
#ifndef ASSAY_BASE_SCAN_H
#define ASSAY_BASE_SCAN_H

#include "base/slice.h"

/*
 * Both look at pairs of neighbours, and return the offset of the first of the first such pair; when there is none, that of the
 * last octet, whose neighbour is not known. `s`: one octet or more.
 */

/* A tab; or a space before a space, a tab or a CR. */
size_t scan_wsp_run(struct slice s);
/* A CR that no LF follows, or an LF that no CR precedes. */
size_t scan_lone_line_end(struct slice s);

#endif
