/*
 * limits.h - the bounds of DKIM verification that no configuration moves.
 */
#ifndef ASSAY_PROTO_DKIM_LIMITS_H
#define ASSAY_PROTO_DKIM_LIMITS_H

#include "proto/dkim/dkim.h"

/* DKIM-Signature fields looked at, from the top. Every verified one needs an id for each key it may try. */
#define DKIM_FIELDS_MAX 64
/* RFC 6376 section 3.6.2.2 leaves several key records undefined; LESSONS row 20: try two. */
#define DKIM_KEYS_TRIED_MAX 2
/* TXT records of one answer that are read at all: those that are no keys (below a wildcard, say) are passed over. */
#define DKIM_KEY_RECORDS_READ_MAX 64
#define DKIM_SIGNATURE_ID_OF(field, key) ((field) * DKIM_KEYS_TRIED_MAX + (key))

/* RFC 6376 section 3.5 defines 14 tags and allows unknown ones; bounds the search for duplicates. */
#define DKIM_TAGS_MAX 64
/* Names in h=: a header has at most as many fields (LESSONS row 6). */
#define DKIM_SIGNED_NAMES_MAX 1000
/* base64 text of p=: an RSA key of 16,384 bits takes 2,800 (LESSONS row 6). */
#define DKIM_KEY_TEXT_OCTETS_MAX 4096
/* base64 text of b= with its folding: a signature of 16,384 bits takes 2,732. */
#define DKIM_SIGNATURE_TEXT_OCTETS_MAX 8192

/* RFC 6376 section 3.5: l= has up to 76 digits; t= and x= up to 12, longer ones count as infinite. */
#define DKIM_LENGTH_DIGITS_MAX 76
#define DKIM_TIME_DIGITS_MAX 12

_Static_assert(DKIM_SIGNATURE_ID_OF(DKIM_FIELDS_MAX, 0) <= DKIM_SIGNATURE_IDS, "every try has an id");

#endif
