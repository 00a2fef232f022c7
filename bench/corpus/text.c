#include "corpus/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 256

void die(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(3);
}

void *memory_new(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		die("out of memory");
	return memory;
}

void *memory_grow(void *memory, size_t count, size_t size)
{
	memory = reallocarray(memory, count, size);
	if (!memory)
		die("out of memory");
	return memory;
}

/* Room for `more` octets and a NUL. */
static void reserve(struct octets *octets, size_t more)
{
	size_t size = octets->size ? octets->size : SIZE_FIRST;

	while (size - octets->len < more + 1)
		size *= 2;
	if (size == octets->size)
		return;
	octets->at = memory_grow(octets->at, size, 1);
	octets->size = size;
}

void octets_add(struct octets *octets, const void *from, size_t count)
{
	reserve(octets, count);
	if (count)
		memcpy(octets->at + octets->len, from, count);
	octets->len += count;
	octets->at[octets->len] = 0;
}

void octets_text(struct octets *octets, const char *text)
{
	octets_add(octets, text, strlen(text));
}

void octets_format(struct octets *octets, const char *format, ...)
{
	va_list arguments;
	int needed;

	va_start(arguments, format);
	needed = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (needed < 0)
		die("cannot format");
	reserve(octets, (size_t)needed);
	va_start(arguments, format);
	vsnprintf((char *)octets->at + octets->len, (size_t)needed + 1, format, arguments);
	va_end(arguments);
	octets->len += (size_t)needed;
}

void octets_base64(struct octets *octets, const uint8_t *from, size_t count)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < count; i += 3) {
		uint32_t group = (uint32_t)from[i] << 16;
		char text[4];

		group |= i + 1 < count ? (uint32_t)from[i + 1] << 8 : 0;
		group |= i + 2 < count ? from[i + 2] : 0;
		text[0] = digits[group >> 18];
		text[1] = digits[group >> 12 & 63];
		text[2] = '=';
		text[3] = '=';
		if (i + 1 < count)
			text[2] = digits[group >> 6 & 63];
		if (i + 2 < count)
			text[3] = digits[group & 63];
		octets_add(octets, text, sizeof(text));
	}
}

void octets_clear(struct octets *octets)
{
	octets->len = 0;
}

void octets_free(struct octets *octets)
{
	free(octets->at);
	*octets = (struct octets){ NULL, 0, 0 };
}
