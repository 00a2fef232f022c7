/*
 * mta_sts.h - MTA-STS: the TXT record, the policy document, and which MX hosts it allows.
 *
 * Source:    RFC 8461 sections 3.1 (record), 3.2 (document), 3.3 (media type), 4.1 (MX hosts).
 * Purity:    no I/O, no clock.
 * Ownership: slices point into the text; the list of patterns is in the arena.
 * Bounds:    limits.h.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_MTA_STS_H
#define ASSAY_PROTO_TLSPOLICY_MTA_STS_H

#include "base/arena.h"
#include "proto/tlspolicy/limits.h"

enum mta_sts_record_result {
	MTA_STS_RECORD_OK = 0,
	MTA_STS_RECORD_OTHER = 1,   /* does not begin with the version: some other record */
	MTA_STS_RECORD_INVALID = 2,
};

/* `text`: the character-strings of one TXT record joined. */
enum mta_sts_record_result mta_sts_record_parse(struct slice text, struct slice *id_out);

enum mta_sts_mode { MTA_STS_NONE, MTA_STS_TESTING, MTA_STS_ENFORCE };

/* "none", "testing" or "enforce". */
const char *mta_sts_mode_text(enum mta_sts_mode mode);

struct mta_sts_policy {
	enum mta_sts_mode mode;
	uint64_t max_age_s;         /* MTA_STS_MAX_AGE_S_MAX at most: larger ones are cut to it */
	const struct slice *mx;     /* as written; none only with MTA_STS_NONE */
	size_t mx_count;
};

#define MTA_STS_POLICY_INVALID 1

/*
 * 0; MTA_STS_POLICY_INVALID and in *problem_out what is wrong with it (static text); -ENOMEM. Of a field that is not mx
 * and stands twice, the first counts; unknown fields are read over.
 */
MUST_CHECK int mta_sts_policy_parse(struct slice text, struct arena *arena, struct mta_sts_policy *out,
                                    const char **problem_out);

/* The lines of a document, without white space and line ends around them; false at the end. */
bool mta_sts_policy_line(struct slice *rest, struct slice *line_out);

/* `host`: a canonical domain name. "*." stands for exactly one label. */
bool mta_sts_mx_matches(const struct mta_sts_policy *policy, struct slice host);

/* Is this Content-Type text/plain, whatever its parameters? */
bool mta_sts_media_type_is_plain(struct slice content_type);

#endif
