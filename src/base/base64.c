#include "base/base64.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Value of a digit plus one; 0: none. */
static const uint8_t digit_of[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
	['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
	['/'] = 64,
};

#define OVERSHOOT 8 /* octets that may be written behind those that were decoded: 32 at once for 24 */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

#ifdef __x86_64__
#define AVX2   __attribute__((target("avx2")))
#define DIGITS 32 /* that are read at once */

/*
 * The values of 32 digits; false: one of them is none. A digit's high half says what is to be added to it ("/" shares its
 * half with "+"), and the two halves have no bit in common in the tables when the digit is one.
 */
AVX2 static inline bool digits_value(__m256i *digits)
{
	const __m256i high_bits = _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
	                                           0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
	                                           0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
	const __m256i low_bits = _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a,
	                                          0x1b, 0x1b, 0x1b, 0x1a, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	                                          0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
	const __m256i offsets = _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 19, 4, -65,
	                                         -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i slash = _mm256_set1_epi8('/'), half = _mm256_set1_epi8(0x0f);
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(*digits, 4), half);
	__m256i low = _mm256_and_si256(*digits, half);
	__m256i which = _mm256_add_epi8(_mm256_cmpeq_epi8(*digits, slash), high);

	if (!_mm256_testz_si256(_mm256_shuffle_epi8(high_bits, high), _mm256_shuffle_epi8(low_bits, low)))
		return false;
	*digits = _mm256_add_epi8(*digits, _mm256_shuffle_epi8(offsets, which));
	return true;
}

/* Four values of six bits to three octets, all to the front. */
AVX2 static inline __m256i values_join(__m256i values)
{
	const __m256i order = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4, 10, 9,
	                                       8, 14, 13, 12, -1, -1, -1, -1);
	__m256i twelves = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
	__m256i groups = _mm256_madd_epi16(twelves, _mm256_set1_epi32(0x00011000));

	return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, order), _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
}

AVX2 static size_t blocks_decode_avx2(struct slice text, size_t at, uint8_t *octets, size_t *len)
{
	for (; text.len - at >= DIGITS; at += DIGITS, *len += DIGITS / 4 * 3) {
		__m256i digits = _mm256_loadu_si256((const __m256i *)(const void *)(text.ptr + at));

		if (!digits_value(&digits))
			break;
		_mm256_storeu_si256((__m256i *)(void *)(octets + *len), values_join(digits));
	}
	return at;
}

static size_t blocks_decode(struct slice text, size_t at, uint8_t *octets, size_t *len)
{
	return __builtin_cpu_supports("avx2") ? blocks_decode_avx2(text, at, octets, len) : at;
}
#else
static size_t blocks_decode(struct slice text, size_t at, uint8_t *octets, size_t *len)
{
	(void)text;
	(void)octets;
	(void)len;
	return at;
}
#endif

/* Groups of four digits that nothing interrupts, from `at` on; returns where they end. */
static size_t groups_decode(struct slice text, size_t at, uint8_t *octets, size_t *len)
{
	at = blocks_decode(text, at, octets, len);
	for (; text.len - at >= 4; at += 4, *len += 3) {
		const uint8_t *p = text.ptr + at;
		uint32_t a = digit_of[p[0]], b = digit_of[p[1]], c = digit_of[p[2]], d = digit_of[p[3]], group;

		if (!a || !b || !c || !d)
			break;
		group = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
		octets[*len] = (uint8_t)(group >> 16);
		octets[*len + 1] = (uint8_t)(group >> 8);
		octets[*len + 2] = (uint8_t)group;
	}
	return at;
}

int base64_decode(struct slice text, struct arena *arena, struct slice *out)
{
	uint8_t *octets = arena_take(arena, text.len / 4 * 3 + 3 + OVERSHOOT);
	size_t digits = 0, padding = 0, len = 0;
	uint32_t bits = 0;

	if (!octets)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c;

		if (digits % 4 == 0 && !padding && (i = groups_decode(text, i, octets, &len)) == text.len)
			break;
		c = text.ptr[i];
		if (is_space(c))
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (!digit_of[c] || padding)
			return BASE64_INVALID;
		bits = bits << 6 | (uint32_t)(digit_of[c] - 1);
		if (++digits % 4 != 1)
			octets[len++] = (uint8_t)(bits >> (digits % 4 == 2 ? 4 : digits % 4 == 3 ? 2 : 0));
	}
	if (digits % 4 == 1 || (padding && (digits % 4 == 0 || digits % 4 + padding != 4)))
		return BASE64_INVALID;
	if ((digits % 4 == 2 && (bits & 15)) || (digits % 4 == 3 && (bits & 3)))
		return BASE64_INVALID;
	*out = slice_of(octets, len);
	return BASE64_OK;
}

void base64_add(struct text *text, struct slice octets)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < octets.len; at += 3) {
		size_t left = octets.len - at;
		uint32_t group = (uint32_t)octets.ptr[at] << 16 | (uint32_t)(left > 1 ? octets.ptr[at + 1] : 0) << 8 |
		                 (uint32_t)(left > 2 ? octets.ptr[at + 2] : 0);

		text_octet(text, (uint8_t)digits[group >> 18]);
		text_octet(text, (uint8_t)digits[group >> 12 & 63]);
		text_octet(text, left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=');
		text_octet(text, left > 2 ? (uint8_t)digits[group & 63] : '=');
	}
}
