/*
 * tagwords.h - what the values of single tags of a signature mean.
 *
 * Source:    RFC 6376 section 3.5, RFC 8463.
 * Purity:    no I/O, no clock, no allocation.
 * Errors:    false: the value is unknown or malformed; what was written to *_out then means nothing.
 */
#ifndef ASSAY_PROTO_DKIM_TAGWORDS_H
#define ASSAY_PROTO_DKIM_TAGWORDS_H

#include "proto/dkim/taglist.h"

/* a= */
bool dkim_algorithm_read(struct slice value, enum public_key_kind *kind_out, enum hash_algorithm *hash_out);
/* c=; NULL: there is none, and both are simple. */
bool dkim_canonicalizations_read(const struct dkim_tag *tag, enum canonicalization *header_out,
                                 enum canonicalization *body_out);
/* Digits; more than `digits_finite`, or a number that does not fit, are UINT64_MAX. */
bool dkim_number_read(struct slice value, size_t digits_finite, uint64_t *out);
/* l=; NULL: there is none. More than DKIM_LENGTH_DIGITS_MAX digits are malformed. */
bool dkim_length_read(const struct dkim_tag *tag, bool *has_out, uint64_t *out);

#endif
