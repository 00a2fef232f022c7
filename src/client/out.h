/*
 * out.h - the requests that wait to be written to a server, each as a frame of the wire (internal).
 *
 * Threading: under the client's lock, but for out_frame().
 */
#ifndef ASSAY_CLIENT_OUT_H
#define ASSAY_CLIENT_OUT_H

#include "client/request.h"
#include "client/server.h"

#define OUT_AT_ONCE   8 /* frames in a write */
#define OUT_ID_OCTETS 4

/* In front of a frame's payload. */
size_t out_head_octets(const struct server *server);
/* A request as it is written. Whoever holds it frees it with heap_free(). */
struct frame {
	struct frame *next;
	struct attempt *attempt; /* NULL: it was given up */
	size_t octets;
	uint8_t data[];
};

/* A frame of the request, without its id; NULL: no memory. */
struct frame *out_frame(const struct server *server, const struct request *request, uint32_t deadline_ms);

/* Appends the attempt's frame, which is taken. link_write() has to follow. */
void out_put(struct server *server, struct frame *frame, struct attempt *attempt);
/* Frames for the next write; those given up are dropped, unless a part of them is out. Returns how many. */
unsigned out_gather(struct server *server, nng_iov iov[OUT_AT_ONCE]);
/* So many octets of them were written. */
void out_written(struct server *server, size_t octets);
/* The first goes, whatever was written of it. */
void out_drop_first(struct server *server);

#endif
