#include "base/scan.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static bool is_wsp_run(uint8_t c, uint8_t next)
{
	return c == '\t' || (c == ' ' && (next == ' ' || next == '\t' || next == '\r'));
}

static bool is_lone_line_end(uint8_t c, uint8_t next)
{
	return (c == '\r') != (next == '\n');
}

/* Where the pair is, from `i` on, octet by octet. */
static size_t rest(struct slice s, size_t i, bool (*is)(uint8_t c, uint8_t next))
{
	while (i + 1 < s.len && !is(s.ptr[i], s.ptr[i + 1]))
		i++;
	return i;
}

#ifdef __x86_64__
#define WIDTH 32
#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline __m256i equal(__m256i octets, char c)
{
	return _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(c));
}

AVX2 static size_t wsp_run_avx2(struct slice s)
{
	size_t i = 0;

	for (; i + WIDTH < s.len; i += WIDTH) {
		__m256i octets = load(s.ptr + i), next = load(s.ptr + i + 1);
		__m256i ends = _mm256_or_si256(_mm256_or_si256(equal(next, ' '), equal(next, '\t')), equal(next, '\r'));
		__m256i found = _mm256_or_si256(equal(octets, '\t'), _mm256_and_si256(equal(octets, ' '), ends));
		unsigned mask = (unsigned)_mm256_movemask_epi8(found);

		if (mask)
			return i + (unsigned)__builtin_ctz(mask);
	}
	return rest(s, i, is_wsp_run);
}

/* Those among 32 octets that are a CR without an LF behind it, or are before an LF and no CR. */
AVX2 static inline __m256i lone_line_ends(const uint8_t *p)
{
	return _mm256_xor_si256(equal(load(p), '\r'), equal(load(p + 1), '\n'));
}

AVX2 static size_t lone_line_end_avx2(struct slice s)
{
	size_t i = 0;

	for (; i + 2 * WIDTH < s.len; i += 2 * WIDTH) {
		__m256i found = _mm256_or_si256(lone_line_ends(s.ptr + i), lone_line_ends(s.ptr + i + WIDTH));

		if (!_mm256_testz_si256(found, found))
			break;
	}
	for (; i + WIDTH < s.len; i += WIDTH) {
		__m256i found = lone_line_ends(s.ptr + i);
		unsigned mask = (unsigned)_mm256_movemask_epi8(found);

		if (mask)
			return i + (unsigned)__builtin_ctz(mask);
	}
	return rest(s, i, is_lone_line_end);
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}
#else
static bool has_avx2(void)
{
	return false;
}

static size_t wsp_run_avx2(struct slice s)
{
	return rest(s, 0, is_wsp_run);
}

static size_t lone_line_end_avx2(struct slice s)
{
	return rest(s, 0, is_lone_line_end);
}
#endif

size_t scan_wsp_run(struct slice s)
{
	return has_avx2() ? wsp_run_avx2(s) : rest(s, 0, is_wsp_run);
}

size_t scan_lone_line_end(struct slice s)
{
	return has_avx2() ? lone_line_end_avx2(s) : rest(s, 0, is_lone_line_end);
}
