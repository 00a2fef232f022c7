/*
 * field.h - a verdict as the value of an Authentication-Results field.
 *
 * Source: RFC 8601 sections 2.2 and 2.7; RFC 9989 section 9.1; RFC 6008 (header.b); RFC 8617 section 6.
 * Order:  spf of MAIL FROM before spf of HELO (readers take the first spf= they see), dkim from the top of the
 *         header, arc, dmarc. A method that was not carried out is not named.
 */
#ifndef ASSAY_PROTO_VERDICT_FIELD_H
#define ASSAY_PROTO_VERDICT_FIELD_H

#include "proto/verdict/verdict.h"

struct verdict_field {
	struct slice authserv_id;
	bool message;              /* a whole message was checked: DKIM, ARC and DMARC are named */
	const struct ip_address *client; /* NULL: not known */
	struct reason over_bounds; /* REASON_NONE, or why the header was not read to its end */
};

MUST_CHECK int verdict_field_write(const struct verdict_field *field, const struct verdict *verdict,
				   struct arena *arena, struct slice *out);

/* The value of a Received-SPF field (RFC 7208 section 9.1) on the identity that `spf` is about. 0 or -ENOMEM. */
MUST_CHECK int verdict_received_spf_write(const struct spf_input *input, const struct spf_result *spf,
					  struct arena *arena, struct slice *out);

#endif
