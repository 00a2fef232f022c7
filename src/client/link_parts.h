/*
 * link_parts.h - what the files of a connection share (internal).
 *
 * link.c dials, opens and closes; link_io.c greets, writes and reads; link_end.c is for when it is lost.
 */
#ifndef ASSAY_CLIENT_LINK_PARTS_H
#define ASSAY_CLIENT_LINK_PARTS_H

#include "client/link.h"

#define LINK_REDIAL_MS_MAX 2000
#define LINK_IN_OCTETS_MIN ((size_t)16 << 10) /* of the buffer that is read into */

/* ---- link.c ---- */

/* Dials again, a while from now. */
void link_redial(struct server *server);

/* ---- link_io.c ---- */

/* A connection was made: takes the stream. */
void link_greet(struct server *server, nng_stream *stream);
/* The callbacks of the server's nng_aio. */
void link_on_rx(void *server);
void link_on_tx(void *server);

/* ---- link_end.c ---- */

/* Ends it, with an nng error or 0; with the lock held. link_settle() has to follow when it is free. */
void link_down(struct server *server, int error);
/* Does what is due when reader and writer both have ended; else nothing. */
void link_settle(struct server *server);
/* A read or a write was handed to nng. */
void link_handed(struct server *server);
/* What waits at this server, which cannot be reached now, goes to one that can. */
void link_attempts_leave(struct server *server);

#endif
