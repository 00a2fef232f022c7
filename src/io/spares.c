#include "io/spares.h"

#include "base/asan.h"

#include <stdlib.h>

struct io_spare {
	struct io_spare *next;
};

/* The size of a piece for so many octets, by its number; IO_SPARE_SIZES: none is so large. */
static unsigned size_for(size_t octets, size_t *size_out)
{
	unsigned number = 0;

	*size_out = IO_SPARE_OCTETS_LEAST;
	for (; number < IO_SPARE_SIZES && *size_out < octets; number++)
		*size_out *= 2;
	return number;
}

void *io_spares_take(struct io_spares *spares, size_t octets)
{
	size_t size;
	unsigned number = size_for(octets, &size);
	struct io_spare *spare;

	if (number == IO_SPARE_SIZES)
		return malloc(octets);
	spare = spares->first[number];
	if (spare) {
		ASAN_UNPOISON_MEMORY_REGION(spare, size);
		spares->first[number] = spare->next;
		spares->octets -= size;
		if (spares->unneeded > spares->octets)
			spares->unneeded = spares->octets;
	} else {
		spare = malloc(size);
	}
	/* Beyond the end of what it was taken for nobody has anything to look for. */
	if (spare)
		ASAN_POISON_MEMORY_REGION((unsigned char *)spare + octets, size - octets);
	return spare;
}

void io_spares_give(struct io_spares *spares, void *memory, size_t octets)
{
	size_t size;
	unsigned number = size_for(octets, &size);
	struct io_spare *spare = memory;

	if (!memory)
		return;
	if (number == IO_SPARE_SIZES) {
		free(memory);
		return;
	}
	ASAN_UNPOISON_MEMORY_REGION(memory, size);
	if (spares->octets + size > spares->octets_max) {
		free(memory);
		return;
	}
	spare->next = spares->first[number];
	spares->first[number] = spare;
	spares->octets += size;
	ASAN_POISON_MEMORY_REGION(spare, size);
}

static void first_free(struct io_spares *spares, unsigned number)
{
	struct io_spare *spare = spares->first[number];

	ASAN_UNPOISON_MEMORY_REGION(spare, IO_SPARE_OCTETS_LEAST << number);
	spares->first[number] = spare->next;
	spares->octets -= IO_SPARE_OCTETS_LEAST << number;
	free(spare);
}

void io_spares_age(struct io_spares *spares)
{
	size_t left = spares->octets - spares->unneeded;

	if (left < IO_SPARES_OCTETS_FEW)
		left = IO_SPARES_OCTETS_FEW;
	for (unsigned number = IO_SPARE_SIZES; number-- > 0;)
		while (spares->first[number] && spares->octets >= left + (IO_SPARE_OCTETS_LEAST << number))
			first_free(spares, number);
	spares->unneeded = spares->octets;
}

void io_spares_drop(struct io_spares *spares)
{
	for (unsigned number = 0; number < IO_SPARE_SIZES; number++)
		while (spares->first[number])
			first_free(spares, number);
}
