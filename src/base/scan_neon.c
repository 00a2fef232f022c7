/* 16 octets at once, with NEON. */
#include "base/scan_parts.h"

#ifdef __aarch64__
#include <arm_neon.h>

#define WIDTH 16

static inline uint8x16_t equal(uint8x16_t octets, uint8_t c)
{
	return vceqq_u8(octets, vdupq_n_u8(c));
}

static inline uint8x16_t is_wsp(uint8x16_t octets)
{
	return vorrq_u8(equal(octets, ' '), equal(octets, '\t'));
}

static inline bool has_any(uint8x16_t found)
{
	return vmaxvq_u8(found) != 0;
}

/* Where the first octet of ones is; there is one. Four bits of each octet make a word. */
static inline size_t first(uint8x16_t found)
{
	uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(found), 4);

	return (unsigned)__builtin_ctzll(vget_lane_u64(vreinterpret_u64_u8(nibbles), 0)) / 4;
}

static size_t wsp_run(struct slice s)
{
	size_t i = 0;

	for (; i + WIDTH < s.len; i += WIDTH) {
		uint8x16_t octets = vld1q_u8(s.ptr + i), next = vld1q_u8(s.ptr + i + 1);
		uint8x16_t ends = vorrq_u8(is_wsp(next), equal(next, '\r'));
		uint8x16_t found = vorrq_u8(equal(octets, '\t'), vandq_u8(equal(octets, ' '), ends));

		if (has_any(found))
			return i + first(found);
	}
	return scan_wsp_run_rest(s, i);
}

static size_t lone_line_end(struct slice s)
{
	size_t i = 0;

	for (; i + WIDTH < s.len; i += WIDTH) {
		uint8x16_t found = veorq_u8(equal(vld1q_u8(s.ptr + i), '\r'), equal(vld1q_u8(s.ptr + i + 1), '\n'));

		if (has_any(found))
			return i + first(found);
	}
	return scan_lone_line_end_rest(s, i);
}

/* Blocks in which nothing is dropped are copied as a whole, tabs as spaces; the others octet by octet. */
static struct scan_reduced wsp_reduce(struct slice s, uint8_t *out, size_t out_max)
{
	size_t len = scan_reduce_len(s, out_max), i = 0, written = 0, clean = 0;

	for (; i + WIDTH <= len && clean < SCAN_CLEAN_OCTETS; i += WIDTH) {
		uint8x16_t octets = vld1q_u8(s.ptr + i), next = vld1q_u8(s.ptr + i + 1), tabs = equal(octets, '\t');
		uint8x16_t line_end = vandq_u8(equal(next, '\r'), equal(vld1q_u8(s.ptr + i + 2), '\n'));

		if (has_any(vandq_u8(is_wsp(octets), vorrq_u8(is_wsp(next), line_end)))) {
			written += scan_wsp_reduce_part(s.ptr + i, WIDTH, out + written);
			clean = 0;
			continue;
		}
		vst1q_u8(out + written, vbslq_u8(tabs, vdupq_n_u8(' '), octets));
		written += WIDTH;
		clean = has_any(tabs) ? 0 : clean + WIDTH;
	}
	if (clean < SCAN_CLEAN_OCTETS) {
		written += scan_wsp_reduce_part(s.ptr + i, len - i, out + written);
		i = len;
	}
	return (struct scan_reduced){ i, written };
}

const struct scan scan_neon = { "neon", wsp_run, lone_line_end, wsp_reduce, scan_unfold_runs, scan_field_ends_plain };
#endif
