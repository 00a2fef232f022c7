/*
 * authres.h - the Authentication-Results field: written so that no octet of the sender can break it.
 *
 * Source:    RFC 8601 sections 2.2, 2.7 and 5; RFC 9989 section 9.1 (policy.dmarc); STANDARDS chapter 5.
 * Purity:    no I/O, no clock.
 * Errors:    0 or -ENOMEM; sticky in the writer, as in base/text.h.
 */
#ifndef ASSAY_PROTO_AUTHRES_AUTHRES_H
#define ASSAY_PROTO_AUTHRES_AUTHRES_H

#include "base/text.h"

#define AUTHRES_LINE_OCTETS_MAX 77 /* "folded under 78"; the first line counts the field name too */

struct authres_writer {
	struct text text;
	size_t column;    /* octets on the current line */
	bool any;         /* a method was written */
};

/* A value as a token, or else as a quoted-string with "?" for all that is not printable ASCII. */
void authres_value(struct text *text, struct slice value);
/* Starts a field value: the authserv-id, as a token or a quoted-string. */
void authres_begin(struct authres_writer *writer, struct arena *arena, struct slice authserv_id);
/* A new resinfo: "; method=result", at the start of a line of its own. Both are our own words. */
void authres_method(struct authres_writer *writer, const char *method, const char *result);
/* reason=value; folded when needed. Left out when empty. */
void authres_reason(struct authres_writer *writer, struct slice reason);
/* ptype.property=value: a token as it is, anything else as quoted-string, controls dropped. Left out when empty. */
void authres_property(struct authres_writer *writer, const char *ptype_property, struct slice value);
/* As authres_property() for a mailbox-like value: local-part "@" domain-name, or "@" domain-name (RFC 8601 pvalue). */
void authres_property_address(struct authres_writer *writer, const char *ptype_property, struct slice value);
/* "; none" when no method was written. 0 and the value, or -ENOMEM. */
MUST_CHECK int authres_finish(struct authres_writer *writer, struct slice *out);

#endif
