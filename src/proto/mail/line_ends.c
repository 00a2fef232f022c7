#include "proto/mail/line_ends.h"

#include "base/scan.h"

void mail_line_ends_feed(struct mail_line_ends *ends, struct slice chunk)
{
	const struct scan *scan = scan_best();
	struct slice left = chunk;

	if (chunk.len == 0)
		return;
	ends->bare_cr |= ends->cr_held && chunk.ptr[0] != '\n';
	ends->bare_lf |= !ends->cr_held && chunk.ptr[0] == '\n';
	ends->cr_held = chunk.ptr[chunk.len - 1] == '\r';
	while (left.len > 0 && !(ends->bare_cr && ends->bare_lf)) {
		size_t at = scan->lone_line_end(left);

		if (at + 1 == left.len)
			return; /* the last octet: its neighbour is in the next chunk */
		ends->bare_cr |= left.ptr[at] == '\r';
		ends->bare_lf |= left.ptr[at] != '\r';
		left = slice_from(left, at + 1);
	}
}

void mail_line_ends_finish(struct mail_line_ends *ends)
{
	ends->bare_cr |= ends->cr_held;
}
