/*
 * print.h - answers as text: JSON of one line for scripts, and words for people.
 *
 * The keys of the JSON are an interface: they are only ever added. In words for people every octet that came from
 * outside is shown as printable ASCII, so that no message can write to the terminal what it likes.
 */
#ifndef ASSAY_TOOLS_PRINT_H
#define ASSAY_TOOLS_PRINT_H

#include <stdio.h>

#include "client/assay.h"

/* `path` goes into the object as "file". */
void print_json_verdict(FILE *out, const struct assay_verdict *verdict, const char *path);
void print_json_sender_verdict(FILE *out, const struct assay_verdict *verdict);
void print_json_status(FILE *out, const struct assay_status *status);
void print_json_tls_policy(FILE *out, const struct assay_tls_policy *policy);

/* `path` is a heading; NULL: none. */
void print_verdict(FILE *out, const struct assay_verdict *verdict, const char *path);
void print_sender_verdict(FILE *out, const struct assay_verdict *verdict);
void print_status(FILE *out, const struct assay_status *status);
void print_tls_policy(FILE *out, const struct assay_tls_policy *policy);

#endif
