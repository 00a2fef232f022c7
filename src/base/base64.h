/*
 * base64.h - RFC 4648 section 4, as mail uses it.
 */
#ifndef ASSAY_BASE_BASE64_H
#define ASSAY_BASE_BASE64_H

#include "base/text.h"

enum base64_result { BASE64_OK = 0, BASE64_INVALID = 1 };

/*
 * Decodes `text`, in which SP, HTAB, CR and LF may stand anywhere (RFC 6376 section 2.10). Padding
 * may be left out or be whole; other octets, data behind padding, and bits set in the unused end of
 * the last octet group are invalid. 0 and octets in the arena; BASE64_INVALID; -ENOMEM.
 */
MUST_CHECK int base64_decode(struct slice text, struct arena *arena, struct slice *out);

/* Appends `octets` in base64, with padding. */
void base64_add(struct text *text, struct slice octets);

#endif
