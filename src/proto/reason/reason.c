#include "proto/reason/reason.h"

struct reason_row {
	const char *code, *what, *fix;
};

static const struct reason_row rows[REASON_COUNT] = {
	[REASON_NONE] = { "none", "", "" },
#define REASON(id, code, what, fix) [REASON_##id] = { code, what, fix },
#include "proto/reason/reasons.def"
#undef REASON
};

static const struct reason_row *row_of(enum reason_id id)
{
	ASSERT(id < REASON_COUNT);
	return &rows[id];
}

const char *reason_code(enum reason_id id)
{
	return row_of(id)->code;
}

const char *reason_fix(enum reason_id id)
{
	return row_of(id)->fix;
}

static struct slice detail_of(const struct reason *reason, unsigned i)
{
	return slice_sub(reason->detail[i], 0, REASON_DETAIL_OCTETS_MAX);
}

int reason_render(const struct reason *reason, struct arena *arena, struct slice *out)
{
	struct slice what = slice_of_str(row_of(reason->id)->what), words = slice_cut(&what, '{');
	struct text text;

	/* As it stands in the table, with its NUL. */
	if (!what.ptr) {
		*out = words;
		return 0;
	}
	text_init(&text, arena);
	/* At once what is needed, unless a detail has octets that are not printable. */
	(void)text_reserve(&text, words.len + what.len + detail_of(reason, 0).len + detail_of(reason, 1).len);
	text_add(&text, words);
	while (what.ptr) {
		/* "{1}" or "{2}"; the tables have no other brace. */
		text_printable(&text, detail_of(reason, (unsigned)(what.ptr[0] - '1')));
		what = slice_from(what, 2);
		text_add(&text, slice_cut(&what, '{'));
	}
	return text_finish(&text, out);
}
