/*
 * 64 octets at once, with AVX-512; what goes is squeezed out by VPCOMPRESSB, of VBMI2. Where nothing is written AVX2 is
 * quicker: it compares into vectors, of which only the last has to become a mask (2 ms for 50 MB against 8).
 */
#include "base/scan_parts.h"

#ifdef __x86_64__
#include <immintrin.h>

#define WIDTH  64
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))

/* The first `len` of a vector's octets, or all. */
AVX512 static inline __mmask64 first(size_t len)
{
	return len >= WIDTH ? ~UINT64_C(0) : (UINT64_C(1) << len) - 1;
}

/* Octets that the mask leaves out are not read, and are zero. */
AVX512 static inline __m512i load(__mmask64 mask, const uint8_t *p)
{
	return _mm512_maskz_loadu_epi8(mask, p);
}

AVX512 static inline __mmask64 equal(__m512i octets, char c)
{
	return _mm512_cmpeq_epi8_mask(octets, _mm512_set1_epi8(c));
}

AVX512 static struct scan_reduced wsp_reduce(struct slice s, uint8_t *out, size_t out_max)
{
	size_t len = scan_reduce_len(s, out_max), i = 0, written = 0, clean = 0;

	for (; i < len && clean < SCAN_CLEAN_OCTETS; i += WIDTH) {
		__mmask64 mask = first(len - i);
		__m512i octets = load(mask, s.ptr + i), next = load(mask, s.ptr + i + 1);
		__mmask64 tabs = equal(octets, '\t'), wsp = equal(octets, ' ') | tabs;
		__mmask64 line_end = equal(next, '\r') & equal(load(mask, s.ptr + i + 2), '\n');
		__mmask64 dropped = wsp & (equal(next, ' ') | equal(next, '\t') | line_end);

		octets = _mm512_mask_mov_epi8(octets, tabs, _mm512_set1_epi8(' '));
		_mm512_storeu_si512((void *)(out + written), _mm512_maskz_compress_epi8(~dropped, octets));
		written += (unsigned)__builtin_popcountll(mask & ~dropped);
		clean = dropped | tabs ? 0 : clean + WIDTH;
	}
	return (struct scan_reduced){ i < len ? i : len, written };
}

/* Without CRLFs. */
AVX512 static size_t join_lines(struct slice s, uint8_t *out)
{
	__mmask64 carry = 0; /* the octet before is the CR of a CRLF */
	size_t written = 0;

	for (size_t i = 0; i < s.len; i += WIDTH) {
		__mmask64 mask = first(s.len - i);
		__m512i octets = load(mask, s.ptr + i), next = load(first(s.len - i - 1), s.ptr + i + 1);
		__mmask64 line_end = equal(octets, '\r') & equal(next, '\n');
		__mmask64 kept = mask & ~(line_end | line_end << 1 | carry);

		_mm512_storeu_si512((void *)(out + written), _mm512_maskz_compress_epi8(kept, octets));
		written += (unsigned)__builtin_popcountll(kept);
		carry = line_end >> (WIDTH - 1);
	}
	return written;
}

/* Lines first, then runs of white space, in place: what is written ends before what is read next. */
AVX512 static size_t unfold(struct slice s, uint8_t *out)
{
	size_t len = join_lines(s, out), written = 0;

	for (size_t i = 0; i < len; i += WIDTH) {
		__mmask64 mask = first(len - i);
		__m512i octets = load(mask, out + i), next = load(first(len - i - 1), out + i + 1);
		__mmask64 tabs = equal(octets, '\t'), wsp = equal(octets, ' ') | tabs;
		__mmask64 kept = mask & ~(wsp & (equal(next, ' ') | equal(next, '\t')));

		octets = _mm512_mask_mov_epi8(octets, tabs, _mm512_set1_epi8(' '));
		_mm512_storeu_si512((void *)(out + written), _mm512_maskz_compress_epi8(kept, octets));
		written += (unsigned)__builtin_popcountll(kept);
	}
	return written;
}

AVX512 static void field_ends(const uint8_t *p, size_t blocks, uint64_t *masks_out)
{
	for (; blocks > 0; blocks--, p += BLOCK_OCTETS) {
		__m512i next = _mm512_loadu_si512((const void *)(p + 1));
		__mmask64 line_ends = equal(_mm512_loadu_si512((const void *)p), '\n') &
				      equal(_mm512_loadu_si512((const void *)(p - 1)), '\r');

		*masks_out++ = line_ends & ~(equal(next, ' ') | equal(next, '\t'));
	}
}

const struct scan scan_avx512 = {
	"avx512", scan_wsp_run_avx2, scan_lone_line_end_avx2, wsp_reduce, unfold, field_ends
};
#endif
