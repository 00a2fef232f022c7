/*
 * spares.h - memory of frames that did not come whole, kept for the next ones; private to src/io.
 *
 * With large requests about one frame in forty is cut in two by where a read ends, and those that are larger than a block always.
 * Its memory is asked of malloc() once, and then goes round: pieces of some sizes (four from one power of two to the next), the
 * last one given back first, for it is warm. Given back to the kernel each time, it would be cleared and mapped anew by pages,
 * which costs as much as all the rest of a large request (bench/RESULTS.md).
 * Bounds:    a piece is up to a quarter larger than what it was taken for, or IO_SPARE_OCTETS_LEAST; at most octets_max are kept,
 *            and of pieces beyond IO_SPARE_OCTETS_MOST none. What nobody needed for a while goes (io_spares_age()).
 * Threading: the loop's thread.
 */
#ifndef ASSAY_IO_SPARES_H
#define ASSAY_IO_SPARES_H

#include <stddef.h>

#define IO_SPARE_OCTETS_LEAST ((size_t)4 << 10)
#define IO_SPARE_OCTETS_MOST ((size_t)64 << 20)
#define IO_SPARE_SIZES 57 /* from the least to the most */
#define IO_SPARES_OCTETS_FEW ((size_t)4 << 20) /* so much stays for ever */

struct io_spare;

/* Pieces of one size. */
struct io_spares_of_size {
	struct io_spare *first;
	unsigned kept;
	unsigned unneeded; /* the fewest that were kept at any time since io_spares_age() */
};

struct io_spares {
	struct io_spares_of_size sizes[IO_SPARE_SIZES];
	size_t octets; /* of the pieces that are kept */
	size_t octets_max;
};

/* Memory for so many octets, at least 1; NULL: there is none. */
void *io_spares_take(struct io_spares *spares, size_t octets);
/* Takes back what was taken for so many octets. NULL is nothing. */
void io_spares_give(struct io_spares *spares, void *memory, size_t octets);
/* Frees what was not needed since it was last called, the largest pieces first, while there are more than IO_SPARES_OCTETS_FEW. */
void io_spares_age(struct io_spares *spares);
/* Frees what is kept. */
void io_spares_drop(struct io_spares *spares);

#endif
