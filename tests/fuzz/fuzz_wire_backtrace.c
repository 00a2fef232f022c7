/*
 * Goal:   the header of a frame is whole words, of which only the last has its top bit set; nothing of the frame is lost.
 * Method: the input is the frame.
 */
#include "proto/wire/backtrace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice backtrace, body;
	size_t words = size / 4 < WIRE_HOPS_MAX + 1 ? size / 4 : WIRE_HOPS_MAX + 1;
	bool split = wire_backtrace_split(slice_of(data, size), &backtrace, &body);

	if (split) {
		ASSERT(backtrace.ptr == data && backtrace.len % 4 == 0 && backtrace.len > 0);
		ASSERT(body.ptr == data + backtrace.len && body.len == size - backtrace.len);
		ASSERT(data[backtrace.len - 4] & 0x80);
		words = backtrace.len / 4 - 1;
	}
	for (size_t i = 0; i < words; i++)
		ASSERT(!(data[i * 4] & 0x80));
	return 0;
}
