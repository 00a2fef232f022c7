/*
 * failure.h - how the parts of libassay report what went wrong (internal).
 *
 * Errors: these functions return the code that they wrote, so that a caller can `return failure_set(...)`.
 */
#ifndef ASSAY_CLIENT_FAILURE_H
#define ASSAY_CLIENT_FAILURE_H

#include "client/assay.h"

/* Writes code and text (printable ASCII; other octets become '?', an empty text the general one). */
__attribute__((format(printf, 3, 4))) enum assay_error failure_set(struct assay_failure *failure,
								   enum assay_error error, const char *format, ...);

/* Whatever is not printable ASCII becomes "?". */
void failure_make_printable(char *text);

#endif
