#include "proto/wire/backtrace.h"

bool wire_backtrace_split(struct slice frame, struct slice *backtrace_out, struct slice *body_out)
{
	for (size_t end = 4; end <= frame.len && end <= WIRE_BACKTRACE_OCTETS_MAX; end += 4) {
		if (frame.ptr[end - 4] & 0x80) {
			*backtrace_out = slice_sub(frame, 0, end);
			*body_out = slice_from(frame, end);
			return true;
		}
	}
	return false;
}
