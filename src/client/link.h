/*
 * link.h - the connection to a server, made again whenever it is lost (internal).
 *
 * Source:    the SP transports for ipc and tcp and the request protocol, as docs/interop.md has them. libnng gives the stream of
 *            octets (nng_stream), not the socket: its REQ sockets (1.5.2) wait for ever, in a thread that all of them share,
 *            when a connection ends between two parts of one message.
 * Threading: the client's lock is free when these are called, but for link_put().
 * Bounds:    a reply has at most LINK_REPLY_OCTETS_MAX octets; requests wait here until they are written, or given up.
 */
#ifndef ASSAY_CLIENT_LINK_H
#define ASSAY_CLIENT_LINK_H

#include "client/request.h"
#include "client/server.h"

#define LINK_REPLY_OCTETS_MAX ((size_t)16 << 20) /* a verdict of a hostile message is below 1 MiB */

/* A request as it is written. Whoever holds it frees it with heap_free(). */
struct frame {
	struct frame *next;
	uint32_t id;
	size_t octets;
	uint8_t data[];
};

/* A frame of the request, without its id; NULL: no memory. */
struct frame *link_frame(const struct server *server, const struct request *request, uint32_t deadline_ms);

/* 0 or an nng error; link_close() in any case. */
int link_open(struct server *server);
/* Dials, and again until link_close(). */
void link_start(struct server *server);
void link_close(struct server *server);

/* Appends the frame, which is taken; with the lock held. link_write() has to follow. */
void link_put(struct server *server, struct frame *frame, uint32_t id);
/* Writes what waits, when it can. */
void link_write(struct server *server);

#endif
