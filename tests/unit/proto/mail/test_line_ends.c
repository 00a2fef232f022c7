/*
 * Goal:   lone CRs and LFs are found wherever the octets are cut.
 * Method: each text is fed at every pair of cuts.
 */
#include "proto/mail/line_ends.h"
#include "unit.h"

static const struct {
	struct slice text;
	bool bare_cr, bare_lf;
} cases[] = {
	{ SLICE_INIT("\n"), false, true },          { SLICE_INIT("\r"), true, false },
	{ SLICE_INIT("\n\r"), true, true },         { SLICE_INIT("a\nb\r\n"), false, true },
	{ SLICE_INIT("a\rb\r\n"), true, false },    { SLICE_INIT("\r\r\n"), true, false },
	{ SLICE_INIT("\r\n\n"), false, true },      { SLICE_INIT("\r\nx\r"), true, false },
	{ SLICE_INIT("x\n\r\ny\rz"), true, true },  { SLICE_INIT(""), false, false },
	{ SLICE_INIT("\r\n"), false, false },       { SLICE_INIT("\r\n\r\n"), false, false },
	{ SLICE_INIT("a\r\nb\r\n"), false, false },
};

static void found_at_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice text = cases[i].text;

		for (size_t first = 0; first <= text.len; first++) {
			for (size_t second = first; second <= text.len; second++) {
				struct mail_line_ends ends = { .cr_held = false };

				mail_line_ends_feed(&ends, slice_sub(text, 0, first));
				mail_line_ends_feed(&ends, slice_sub(text, first, second - first));
				mail_line_ends_feed(&ends, slice_from(text, second));
				mail_line_ends_finish(&ends);
				if (ends.bare_cr != cases[i].bare_cr || ends.bare_lf != cases[i].bare_lf)
					fail_msg("case %zu, cut at %zu and %zu: CR %d, LF %d", i, first, second,
						 ends.bare_cr, ends.bare_lf);
			}
		}
	}
}

UNIT_MAIN(cmocka_unit_test(found_at_every_cut))
