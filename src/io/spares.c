#include "io/spares.h"

#include "base/asan.h"

#include <stdlib.h>

struct io_spare {
	struct io_spare *next;
};

/* The size of pieces of that number: 4, 5, 6 and 7 quarters of each power of two. */
static size_t size_of(unsigned number)
{
	return IO_SPARE_OCTETS_LEAST / 4 * (4 + number % 4) << number / 4;
}

/* The number of the smallest pieces for so many octets; IO_SPARE_SIZES: none is so large. */
static unsigned number_for(size_t octets)
{
	unsigned number = 0;

	while (number + 4 < IO_SPARE_SIZES && size_of(number + 4) < octets)
		number += 4;
	while (number < IO_SPARE_SIZES && size_of(number) < octets)
		number++;
	return number;
}

static struct io_spare *first_take(struct io_spares *spares, unsigned number)
{
	struct io_spares_of_size *of_size = &spares->sizes[number];
	struct io_spare *spare = of_size->first;

	ASAN_UNPOISON_MEMORY_REGION(spare, size_of(number));
	of_size->first = spare->next;
	of_size->kept--;
	if (of_size->unneeded > of_size->kept)
		of_size->unneeded = of_size->kept;
	spares->octets -= size_of(number);
	return spare;
}

void *io_spares_take(struct io_spares *spares, size_t octets)
{
	unsigned number = number_for(octets);
	struct io_spare *spare;

	if (number == IO_SPARE_SIZES)
		return malloc(octets);
	spare = spares->sizes[number].first ? first_take(spares, number) : malloc(size_of(number));
	/* Beyond the end of what it was taken for nobody has anything to look for. */
	if (spare)
		ASAN_POISON_MEMORY_REGION((unsigned char *)spare + octets, size_of(number) - octets);
	return spare;
}

void io_spares_give(struct io_spares *spares, void *memory, size_t octets)
{
	unsigned number = number_for(octets);
	struct io_spare *spare = memory;

	if (!memory)
		return;
	if (number == IO_SPARE_SIZES) {
		free(memory);
		return;
	}
	ASAN_UNPOISON_MEMORY_REGION(memory, size_of(number));
	if (spares->octets + size_of(number) > spares->octets_max) {
		free(memory);
		return;
	}
	spare->next = spares->sizes[number].first;
	spares->sizes[number].first = spare;
	spares->sizes[number].kept++;
	spares->octets += size_of(number);
	ASAN_POISON_MEMORY_REGION(spare, size_of(number));
}

void io_spares_age(struct io_spares *spares)
{
	for (unsigned number = IO_SPARE_SIZES; number-- > 0;) {
		struct io_spares_of_size *of_size = &spares->sizes[number];

		for (unsigned left = of_size->unneeded; left && spares->octets > IO_SPARES_OCTETS_FEW; left--)
			free(first_take(spares, number));
		of_size->unneeded = of_size->kept;
	}
}

void io_spares_drop(struct io_spares *spares)
{
	for (unsigned number = 0; number < IO_SPARE_SIZES; number++)
		while (spares->sizes[number].first)
			free(first_take(spares, number));
}
