#include "proto/arc/testimony.h"

#include "proto/authres/own.h"
#include "proto/authres/reader.h"

/* Without folds; runs of white space one space. What the reader took has no other controls. */
static void unfold(struct text *text, struct slice s)
{
	bool space = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ') {
			space = true;
			continue;
		}
		if (space)
			text_octet(text, ' ');
		space = false;
		text_octet(text, s.ptr[i]);
	}
}

static void note_arc(struct arc_testimony *out, struct slice result)
{
	out->has_arc = true;
	out->arc = slice_equal_nocase(result, SLICE("pass"))   ? ARC_PASS
	           : slice_equal_nocase(result, SLICE("none")) ? ARC_NONE
	                                                       : ARC_FAIL;
}

/* Reads to the end, noting the word on ARC. 0: it has results; AUTHRES_UNREADABLE: not, or it cannot be read; -ENOMEM. */
static int results_read(struct authres_reader *reader, struct arc_testimony *out)
{
	struct arc_testimony noted = *out;
	struct authres_item item;
	bool any = false;

	for (;;) {
		int result = authres_next(reader, &item);

		if (result)
			return result;
		if (item.kind == AUTHRES_END)
			break;
		any = any || item.kind == AUTHRES_RESULT;
		if (item.kind == AUTHRES_RESULT && !noted.has_arc && slice_equal_nocase(item.method, SLICE("arc")))
			note_arc(&noted, item.value);
	}
	if (!any)
		return AUTHRES_UNREADABLE;
	*out = noted;
	return 0;
}

static int field_take(struct slice value, struct slice authserv_id, struct arena *arena, struct text *text,
                      struct arc_testimony *out)
{
	struct authres_reader reader;
	struct slice results;
	int result = authres_read(&reader, value, arena);

	TRY(result);
	if (result || !reader.has_authserv_id || !slice_equal_nocase(reader.authserv_id, authserv_id))
		return 0;
	results = slice_trim_fws(reader.results);
	result = results_read(&reader, out);
	TRY(result);
	while (results.len > 0 && (results.ptr[results.len - 1] == ';' || results.ptr[results.len - 1] <= ' '))
		results.len--;
	if (result == 0)
		unfold(text, results);
	return 0;
}

int arc_testimony_gather(const struct arc_seal_input *input, struct arena *arena, struct arc_testimony *out)
{
	const struct mail_field *field;
	struct text text;

	*out = (struct arc_testimony){ .has_arc = false };
	text_init(&text, arena);
	if (input->findings.ptr)
		TRY(field_take(input->findings, input->authserv_id, arena, &text, out));
	else
		for (field = mail_field_top(input->message, MAIL_NAME_AUTHENTICATION_RESULTS); field;
		     field = mail_field_below(input->message, field))
			TRY(field_take(field->value, input->authserv_id, arena, &text, out));
	return text_finish(&text, &out->results);
}
