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

static const struct scan scan_plain = { "plain", wsp_run_plain, lone_line_end_plain, wsp_reduce_plain };

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
