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

int reason_render(const struct reason *reason, struct arena *arena, struct slice *out)
{
	struct slice rest = slice_of_str(row_of(reason->id)->what);
	struct text text;

	text_init(&text, arena);
	while (rest.ptr) {
		struct slice words = slice_cut(&rest, '{');

		text_add(&text, words);
		if (!rest.ptr)
			break;
		/* "{1}" or "{2}"; the tables have no other brace. */
		text_printable(&text, slice_sub(reason->detail[rest.ptr[0] - '1'], 0, REASON_DETAIL_OCTETS_MAX));
		rest = slice_from(rest, 2);
	}
	return text_finish(&text, out);
}
