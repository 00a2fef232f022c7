#include "base/scan.h"

#include "base/scan_parts.h"

static bool is_wsp_run(uint8_t c, uint8_t next)
{
	return c == '\t' || (c == ' ' && (next == ' ' || next == '\t' || next == '\r'));
}

static bool is_lone_line_end(uint8_t c, uint8_t next)
{
	return (c == '\r') != (next == '\n');
}

size_t scan_wsp_run_rest(struct slice s, size_t i)
{
	while (i + 1 < s.len && !is_wsp_run(s.ptr[i], s.ptr[i + 1]))
		i++;
	return i;
}

size_t scan_lone_line_end_rest(struct slice s, size_t i)
{
	while (i + 1 < s.len && !is_lone_line_end(s.ptr[i], s.ptr[i + 1]))
		i++;
	return i;
}

/* No branch depends on the octets: who sends them knows what mispredicts. */
size_t scan_wsp_reduce_part(const uint8_t *from, size_t len, uint8_t *out)
{
	size_t written = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned wsp = (unsigned)octet_is_wsp(from[i]);
		unsigned line_end = (unsigned)(from[i + 1] == '\r') & (unsigned)(from[i + 2] == '\n');
		unsigned dropped = wsp & ((unsigned)octet_is_wsp(from[i + 1]) | line_end);

		out[written] = wsp ? ' ' : from[i];
		written += 1 - dropped;
	}
	return written;
}

/* Octets that stay as they are, wherever they stand: up to a tab, a CR, or a space that is not single, or the last. */
static size_t unfolded_octets(struct slice s)
{
	uint8_t copy[BLOCK_OCTETS];

	for (size_t at = 0; at < s.len; at += BLOCK_OCTETS) {
		const uint8_t *block = block_of(s, at, copy);
		uint64_t spaces = block_equal(block, ' ');
		uint64_t others = block_equal(block, '\t') | block_equal(block, '\r');
		/* What follows the block's last octet is not known: a space there is looked at singly. */
		uint64_t found = others | (spaces & ((spaces | others) >> 1 | UINT64_C(1) << (BLOCK_OCTETS - 1)));

		if (s.len - at < BLOCK_OCTETS)
			found |= spaces & UINT64_C(1) << (s.len - at - 1);
		if (found)
			return at + (size_t)__builtin_ctzll(found);
	}
	return s.len;
}

/* White space and line ends at the start; *wsp_out is set when there is white space among them. */
static size_t fold_octets(struct slice s, bool *wsp_out)
{
	size_t i = 0;

	for (; i < s.len; i++) {
		if (octet_is_wsp(s.ptr[i]))
			*wsp_out = true;
		else if (s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n')
			i++;
		else
			break;
	}
	return i;
}

size_t scan_unfold_runs(struct slice s, uint8_t *out)
{
	size_t written = 0;

	while (s.len > 0) {
		bool wsp = false;
		size_t octets;

		s = slice_from(s, fold_octets(s, &wsp));
		if (wsp)
			out[written++] = ' ';
		if (s.len == 0)
			break;
		/* The first one is neither white space nor a line end; a CR here is text. */
		octets = 1 + unfolded_octets(slice_from(s, 1));
		memcpy(out + written, s.ptr, octets);
		written += octets;
		s = slice_from(s, octets);
	}
	return written;
}

void scan_field_ends_plain(const uint8_t *p, size_t blocks, uint64_t *masks_out)
{
	for (; blocks > 0; blocks--, p += BLOCK_OCTETS, masks_out++) {
		*masks_out = 0;
		for (unsigned i = 0; i < BLOCK_OCTETS; i++)
			if (p[i] == '\n' && *(p + i - 1) == '\r' && !octet_is_wsp(p[i + 1]))
				*masks_out |= UINT64_C(1) << i;
	}
}

static size_t wsp_run_plain(struct slice s)
{
	return scan_wsp_run_rest(s, 0);
}

static size_t lone_line_end_plain(struct slice s)
{
	return scan_lone_line_end_rest(s, 0);
}

static struct scan_reduced wsp_reduce_plain(struct slice s, uint8_t *out, size_t out_max)
{
	size_t len = scan_reduce_len(s, out_max);

	if (len > SCAN_CLEAN_OCTETS)
		len = SCAN_CLEAN_OCTETS; /* so that it need not count them */
	return (struct scan_reduced){ len, scan_wsp_reduce_part(s.ptr, len, out) };
}

static const struct scan scan_plain = { "plain",          wsp_run_plain,    lone_line_end_plain,
					wsp_reduce_plain, scan_unfold_runs, scan_field_ends_plain };

#if defined(__x86_64__)
static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
	return has_avx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2");
}

const struct scan *scan_best(void)
{
	return has_avx512() ? &scan_avx512 : has_avx2() ? &scan_avx2 : &scan_plain;
}

const struct scan *scan_get(size_t i)
{
	const struct scan *ways[] = { &scan_plain, has_avx2() ? &scan_avx2 : NULL, has_avx512() ? &scan_avx512 : NULL };

	return i < sizeof(ways) / sizeof(ways[0]) ? ways[i] : NULL;
}
#elif defined(__aarch64__)
/* Part of every processor of this kind. */
const struct scan *scan_best(void)
{
	return &scan_neon;
}

const struct scan *scan_get(size_t i)
{
	return i == 0 ? &scan_plain : i == 1 ? &scan_neon : NULL;
}
#else
const struct scan *scan_best(void)
{
	return &scan_plain;
}

const struct scan *scan_get(size_t i)
{
	return i == 0 ? &scan_plain : NULL;
}
#endif
