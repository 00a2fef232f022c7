/*
 * text.h - octets that grow, for the programs of bench/. Running out of memory ends the program with a line.
 */
#ifndef ASSAY_BENCH_TEXT_H
#define ASSAY_BENCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct octets {
	uint8_t *at; /* NUL-terminated beyond `len` once something was added */
	size_t len, size;
};

void octets_add(struct octets *octets, const void *from, size_t count);
void octets_text(struct octets *octets, const char *text);
__attribute__((format(printf, 2, 3))) void octets_format(struct octets *octets, const char *format, ...);
void octets_base64(struct octets *octets, const uint8_t *from, size_t count);
/* Empty again; the memory stays. */
void octets_clear(struct octets *octets);
void octets_free(struct octets *octets);

/* Prints "NAME: text" to standard error and ends with status 3. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
/* malloc, calloc and realloc that never return NULL. */
void *memory_new(size_t count, size_t size);
void *memory_grow(void *memory, size_t count, size_t size);

#endif
