/*
 * growth.h - structs of programs that were compiled with an older assay.h (internal).
 *
 * Each begins with its size and may get fields at its end. A struct that ends before the last field of its first version is
 * refused; a field that came later is read from a copy, whose rest is 0 (as options_read() does), never from the caller's.
 */
#ifndef ASSAY_CLIENT_GROWTH_H
#define ASSAY_CLIENT_GROWTH_H

#include <stddef.h>

/* Octets of `struct type` up to that field and with it. */
#define SIZE_WITH(type, field) (offsetof(struct type, field) + sizeof(((struct type *)0)->field))

#define CALL_SIZE_FIRST     SIZE_WITH(assay_call, deadline_ms)
#define ENVELOPE_SIZE_FIRST SIZE_WITH(assay_envelope, authserv_id)
#define SEALING_SIZE_FIRST  SIZE_WITH(assay_sealing, authentication_results)
#define SITE_SIZE_FIRST     SIZE_WITH(assay_site, reject_flags)
#define DECISION_SIZE_FIRST SIZE_WITH(assay_decision, insert_count)
#define OPTIONS_SIZE_FIRST  SIZE_WITH(assay_options, connect_ms)
#define SERVER_SIZE_FIRST   SIZE_WITH(assay_server, in_flight)

/* What can be copied between a struct of the caller's and ours, whose size is `ours`. */
static inline size_t size_shared(size_t theirs, size_t ours)
{
	return theirs < ours ? theirs : ours;
}

#endif
