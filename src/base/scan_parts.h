/*
 * scan_parts.h - what the ways of scanning share; private to src/base.
 */
#ifndef ASSAY_BASE_SCAN_PARTS_H
#define ASSAY_BASE_SCAN_PARTS_H

#include "base/block.h"
#include "base/scan.h"

#ifdef __x86_64__
extern const struct scan scan_avx2, scan_avx512;
size_t scan_wsp_run_avx2(struct slice s);
size_t scan_lone_line_end_avx2(struct slice s);
#endif
#ifdef __aarch64__
extern const struct scan scan_neon;
#endif

/* The same, octet by octet, from `i` on: what is left behind the last whole vector. */
size_t scan_wsp_run_rest(struct slice s, size_t i);
size_t scan_lone_line_end_rest(struct slice s, size_t i);
/* The next `len` octets at `from`, behind which two more can be read. Returns how many were written. */
size_t scan_wsp_reduce_part(const uint8_t *from, size_t len, uint8_t *out);
/* By runs, each copied as a whole: where little is to be changed. */
size_t scan_unfold_runs(struct slice s, uint8_t *out);
void scan_field_ends_plain(const uint8_t *p, size_t blocks, uint64_t *masks_out);

static inline size_t scan_reduce_len(struct slice s, size_t out_max)
{
	return s.len - 2 < out_max ? s.len - 2 : out_max;
}

#endif
