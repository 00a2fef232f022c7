/*
 * spares.h - memory of frames that did not come whole, kept for the next ones; private to src/io.
 *
 * With large requests about one frame in forty is cut in two by where a read ends. Its memory is asked of malloc() once, and
 * then goes round: pieces of some sizes (powers of two), the last one given back first, for it is warm.
 * Bounds:    a piece is less than twice what it was taken for, or IO_SPARE_OCTETS_LEAST; at most IO_SPARES_OCTETS_MAX are kept,
 *            and of pieces beyond IO_SPARE_OCTETS_MOST none.
 * Threading: the loop's thread.
 */
#ifndef ASSAY_IO_SPARES_H
#define ASSAY_IO_SPARES_H

#include <stddef.h>

#define IO_SPARE_OCTETS_LEAST ((size_t)4 << 10)
#define IO_SPARE_OCTETS_MOST ((size_t)512 << 10)
#define IO_SPARE_SIZES 8 /* from the least to the most */
#define IO_SPARES_OCTETS_MAX ((size_t)4 << 20)

struct io_spare;

struct io_spares {
	struct io_spare *first[IO_SPARE_SIZES];
	size_t octets; /* of the pieces that are kept */
};

/* Memory for so many octets, at least 1; NULL: there is none. */
void *io_spares_take(struct io_spares *spares, size_t octets);
/* Takes back what was taken for so many octets. NULL is nothing. */
void io_spares_give(struct io_spares *spares, void *memory, size_t octets);
/* Frees what is kept. */
void io_spares_drop(struct io_spares *spares);

#endif
