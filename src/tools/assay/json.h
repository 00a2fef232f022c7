/*
 * json.h - small helpers over jansson.
 *
 * Errors: none: a value that cannot be made for want of memory becomes null or is left out.
 */
#ifndef ASSAY_TOOLS_JSON_H
#define ASSAY_TOOLS_JSON_H

#include <jansson.h>

#include "client/assay.h"

/* Octets as a JSON string; what is not UTF-8 becomes U+FFFD, one for each octet. */
json_t *json_text(struct assay_text text);
/* As json_text(), but null when it is empty. */
json_t *json_text_or_null(struct assay_text text);
/* A folded header field's value in one line: each CRLF and the white space behind it become one space. */
json_t *json_unfolded(struct assay_text field);
json_t *json_strings(const char *const *strings, size_t count);
/* Adds to an object and takes the reference of `value`. */
void json_add(json_t *object, const char *key, json_t *value);
void json_add_string(json_t *object, const char *key, const char *string);
/* Writes one line and drops the reference. */
void json_print(FILE *out, json_t *object);

#endif
