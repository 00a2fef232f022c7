/*
 * reason.h - why a result is what it is: for postmasters to act on, for metrics to count.
 *
 * Every reason is a row of one table (spf.def, dkim.def, arc.def, dmarc.def, tlspolicy.def, mail.def in this folder):
 *   REASON(id, "code", "what happened, with {1} and {2}", "what would fix it, or empty")
 * `code` is a stable word for metrics and scripts; {1} and {2} are replaced by the detail slices.
 *
 * Purity: no I/O, no globals; texts are static.
 */
#ifndef ASSAY_PROTO_REASON_H
#define ASSAY_PROTO_REASON_H

#include "base/text.h"

enum reason_id {
	REASON_NONE = 0, /* nothing to explain; renders as the empty text */
#define REASON(id, code, what, fix) REASON_##id,
#include "proto/reason/reasons.def"
#undef REASON
	REASON_COUNT
};

struct reason {
	enum reason_id id;
	struct slice detail[2]; /* {1} and {2}: outside octets, rendered printable; valid as long as the verdict */
};

const char *reason_code(enum reason_id id);
/* The fix for people; "" when there is nothing to say. */
const char *reason_fix(enum reason_id id);
/*
 * Each detail is cut at REASON_DETAIL_OCTETS_MAX octets and rendered by text_printable(). *out has a NUL behind it, that is
 * not counted; it is static or in the arena. 0 or -ENOMEM.
 */
MUST_CHECK int reason_render(const struct reason *reason, struct arena *arena, struct slice *out);

#define REASON_DETAIL_OCTETS_MAX 300

static inline struct reason reason_of(enum reason_id id)
{
	return (struct reason){ .id = id };
}

static inline struct reason reason_of_1(enum reason_id id, struct slice detail)
{
	return (struct reason){ .id = id, .detail = { detail } };
}

static inline struct reason reason_of_2(enum reason_id id, struct slice first, struct slice second)
{
	return (struct reason){ .id = id, .detail = { first, second } };
}

#endif
