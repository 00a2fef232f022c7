/*
 * txt_fields.h - the form that the TXT records of MTA-STS and TLSRPT share.
 *
 * Source: RFC 8461 section 3.1, RFC 8460 section 3:
 *   record    = version 1*(delimiter field) [delimiter]
 *   delimiter = *WSP ";" *WSP
 *   field     = name "=" value
 *   name      = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
 * Purity: no allocation, no I/O. Ownership: slices point into the text.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_TXT_FIELDS_H
#define ASSAY_PROTO_TLSPOLICY_TXT_FIELDS_H

#include "base/slice.h"

/*
 * Does the text begin with the version (in exactly this case of letters) and a delimiter? Then *rest_out stands behind
 * that. A record that does not is not one of this kind.
 */
bool txt_version(struct slice text, struct slice version, struct slice *rest_out);

enum txt_field { TXT_FIELD, TXT_FIELDS_END, TXT_FIELDS_MALFORMED };

/* The next field; *rest begins as txt_version() left it. The value is not judged, but has no delimiter in it and no WSP at its ends. */
enum txt_field txt_field_next(struct slice *rest, struct slice *name_out, struct slice *value_out);

/* A field name, of both records and of policy documents. */
bool txt_field_name(struct slice name);
/* 1*(%x21-3A / %x3C / %x3E-7E): what the value of an unknown field may hold. */
bool txt_extension_value(struct slice value);

#endif
