/*
 * public_suffixes.h - a public suffix list (https://publicsuffix.org/list/), read through libpsl.
 *
 * Both divisions count, that of registries and that of private owners: DMARC by RFC 7489 makes no difference.
 * Threading: read by any number of threads at once after it was opened.
 */
#ifndef ASSAY_IO_PUBLIC_SUFFIXES_H
#define ASSAY_IO_PUBLIC_SUFFIXES_H

#include "base/slice.h"
#include "io/loop.h"

#define IO_PUBLIC_SUFFIXES_PATH "/usr/share/publicsuffix/public_suffix_list.dat" /* where Debian keeps it fresh */

struct io_public_suffixes;

/*
 * `path`: text, or libpsl's compiled form; "": IO_PUBLIC_SUFFIXES_PATH, or where there is none the list that libpsl was
 * built with. 0; or a negative errno and a line for people in `problem`: a file that is no such list is refused.
 */
MUST_CHECK int io_public_suffixes_open(const char *path, struct io_public_suffixes **out,
				       char problem[IO_PROBLEM_SIZE]);
/* NULL is allowed. */
void io_public_suffixes_close(struct io_public_suffixes *suffixes);

/* The file that was read, or "libpsl": for people. */
const char *io_public_suffixes_source(const struct io_public_suffixes *suffixes);

/*
 * The public suffix that `name` ends in and one label more, as a slice of `name`; empty when `name` is a public suffix
 * itself. `name`: A-labels in lower case without a final dot; empty, and for those of other shapes, comes back empty.
 * `arg`: a struct io_public_suffixes, so that this is a function that can be handed on.
 */
struct slice io_public_suffixes_organizational_domain(void *arg, struct slice name);
/* Is it a public suffix itself? Of such a name. */
bool io_public_suffixes_contain(void *arg, struct slice name);

#endif
