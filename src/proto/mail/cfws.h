/*
 * cfws.h - what may stand between the tokens of a structured header field, and quoted strings.
 *
 * Source:    RFC 5322 sections 3.2.1 to 3.2.4, with the octets of RFC 6532 section 3.2; controls, which section 4
 *            allows as obsolete, are a breach of the grammar here.
 * Purity:    no I/O, no allocation; the cursor moves over what was read.
 * Bounds:    comments nest up to CFWS_COMMENT_DEPTH_MAX deep, without recursion.
 */
#ifndef ASSAY_PROTO_MAIL_CFWS_H
#define ASSAY_PROTO_MAIL_CFWS_H

#include "base/cursor.h"
#include "base/error.h"

#define CFWS_COMMENT_DEPTH_MAX 16 /* STANDARDS chapter 8, S13 */

#define CFWS_BREACH            1 /* of the grammar: the cursor stands at the octet that broke it */

/* Comments and folding white space, also none at all. 0 or CFWS_BREACH. */
MUST_CHECK int cfws_skip(struct cursor *c);
/* A quoted-string from its first quote to its last. 0 or CFWS_BREACH. */
MUST_CHECK int cfws_skip_quoted_string(struct cursor *c);
/* One white space, or a CRLF with the white space behind it; false: none is there. */
bool cfws_skip_fws(struct cursor *c);

#endif
