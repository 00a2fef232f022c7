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
	const char *what = row_of(reason->id)->what;
	struct text text;

	text_init(&text, arena);
	for (; *what; what++) {
		if (what[0] == '{' && (what[1] == '1' || what[1] == '2') && what[2] == '}') {
			text_printable(&text, slice_sub(reason->detail[what[1] - '1'], 0, REASON_DETAIL_OCTETS_MAX));
			what += 2;
		} else {
			text_octet(&text, (uint8_t)*what);
		}
	}
	return text_finish(&text, out);
}
