/*
 * canon.h - DKIM canonicalization for the corpus and the floor, written apart from src/proto/dkim: a fault there
 * cannot hide behind the same fault here.
 *
 * Source: RFC 6376 section 3.4. Input has CRLF line ends.
 */
#ifndef ASSAY_BENCH_CANON_H
#define ASSAY_BENCH_CANON_H

#include "corpus/text.h"

#include <stdbool.h>

/* Adds the canonical body to `out`. */
void canon_body(const uint8_t *body, size_t len, bool relaxed, struct octets *out);
/* Adds one header field, given without its last CRLF, to `out`, without a CRLF at the end. */
void canon_field(const uint8_t *field, size_t len, bool relaxed, struct octets *out);

#endif
