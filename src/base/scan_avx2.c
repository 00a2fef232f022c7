/* 32 octets at once, with AVX2. */
#include "base/scan_parts.h"

#ifdef __x86_64__
#include <immintrin.h>

#define WIDTH 32
#define AVX2  __attribute__((target("avx2")))

AVX2 static inline __m256i load(const uint8_t *p)
{
	return _mm256_loadu_si256((const void *)p);
}

AVX2 static inline __m256i equal(__m256i octets, char c)
{
	return _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(c));
}

AVX2 static inline __m256i either(__m256i a, __m256i b)
{
	return _mm256_or_si256(a, b);
}

/* Those among 32 octets that are a tab, or a space before a space, a tab or a CR. */
AVX2 static inline __m256i wsp_runs(const uint8_t *p)
{
	__m256i octets = load(p), next = load(p + 1);
	__m256i ends = either(either(equal(next, ' '), equal(next, '\t')), equal(next, '\r'));

	return either(equal(octets, '\t'), _mm256_and_si256(equal(octets, ' '), ends));
}

AVX2 size_t scan_wsp_run_avx2(struct slice s)
{
	size_t i = 0;

	for (; i + 2 * WIDTH < s.len; i += 2 * WIDTH) {
		__m256i found = either(wsp_runs(s.ptr + i), wsp_runs(s.ptr + i + WIDTH));

		if (!_mm256_testz_si256(found, found))
			break;
	}
	for (; i + WIDTH < s.len; i += WIDTH) {
		__m256i found = wsp_runs(s.ptr + i);
		unsigned mask = (unsigned)_mm256_movemask_epi8(found);

		if (mask)
			return i + (unsigned)__builtin_ctz(mask);
	}
	return scan_wsp_run_rest(s, i);
}

/* Those among 32 octets that are a CR without an LF behind it, or are before an LF and no CR. */
AVX2 static inline __m256i lone_line_ends(const uint8_t *p)
{
	return _mm256_xor_si256(equal(load(p), '\r'), equal(load(p + 1), '\n'));
}

AVX2 size_t scan_lone_line_end_avx2(struct slice s)
{
	size_t i = 0;

	for (; i + 2 * WIDTH < s.len; i += 2 * WIDTH) {
		__m256i found = either(lone_line_ends(s.ptr + i), lone_line_ends(s.ptr + i + WIDTH));

		if (!_mm256_testz_si256(found, found))
			break;
	}
	for (; i + WIDTH < s.len; i += WIDTH) {
		__m256i found = lone_line_ends(s.ptr + i);
		unsigned mask = (unsigned)_mm256_movemask_epi8(found);

		if (mask)
			return i + (unsigned)__builtin_ctz(mask);
	}
	return scan_lone_line_end_rest(s, i);
}

/* Blocks in which nothing is dropped are copied as a whole, tabs as spaces; the others octet by octet. */
AVX2 static struct scan_reduced wsp_reduce(struct slice s, uint8_t *out, size_t out_max)
{
	size_t len = scan_reduce_len(s, out_max), i = 0, written = 0, clean = 0;

	for (; i + WIDTH <= len && clean < SCAN_CLEAN_OCTETS; i += WIDTH) {
		__m256i octets = load(s.ptr + i), next = load(s.ptr + i + 1);
		__m256i tabs = equal(octets, '\t'), wsp = either(equal(octets, ' '), tabs);
		__m256i line_end = _mm256_and_si256(equal(next, '\r'), equal(load(s.ptr + i + 2), '\n'));
		__m256i ends = either(either(equal(next, ' '), equal(next, '\t')), line_end);

		if (!_mm256_testz_si256(wsp, ends)) {
			written += scan_wsp_reduce_part(s.ptr + i, WIDTH, out + written);
			clean = 0;
			continue;
		}
		_mm256_storeu_si256((void *)(out + written), _mm256_blendv_epi8(octets, _mm256_set1_epi8(' '), tabs));
		written += WIDTH;
		clean = _mm256_testz_si256(tabs, tabs) ? clean + WIDTH : 0;
	}
	if (clean < SCAN_CLEAN_OCTETS) {
		written += scan_wsp_reduce_part(s.ptr + i, len - i, out + written);
		i = len;
	}
	return (struct scan_reduced){ i, written };
}

/* Those among 32 octets that are the LF of a CRLF before no white space. */
AVX2 static inline uint64_t field_ends_half(const uint8_t *p)
{
	__m256i next = load(p + 1), line_ends = _mm256_and_si256(equal(load(p), '\n'), equal(load(p - 1), '\r'));
	__m256i ends = _mm256_andnot_si256(either(equal(next, ' '), equal(next, '\t')), line_ends);

	return (unsigned)_mm256_movemask_epi8(ends);
}

AVX2 static void field_ends(const uint8_t *p, size_t blocks, uint64_t *masks_out)
{
	for (; blocks > 0; blocks--, p += BLOCK_OCTETS)
		*masks_out++ = field_ends_half(p) | field_ends_half(p + WIDTH) << WIDTH;
}

const struct scan scan_avx2 = { "avx2",     scan_wsp_run_avx2, scan_lone_line_end_avx2,
				wsp_reduce, scan_unfold_runs,  field_ends };
#endif
