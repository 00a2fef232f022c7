/*
 * input.h - a message read from a file.
 */
#ifndef ASSAY_TOOLS_INPUT_H
#define ASSAY_TOOLS_INPUT_H

#include <stddef.h>

/*
 * Reads all of `path` ("-": standard input) and turns each LF without a CR before it into CRLF, as an MTA that
 * takes mail from a local file would; all other octets stay. 0 and octets that the caller frees, or a negated
 * errno value (-EFBIG: larger than 1 GiB).
 */
int input_read(const char *path, char **octets_out, size_t *count_out);

/* The conversion alone. 0 or -ENOMEM. */
int input_to_crlf(const char *octets, size_t count, char **octets_out, size_t *count_out);

#endif
