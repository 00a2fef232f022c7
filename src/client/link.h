/*
 * link.h - the connection to a server, made again whenever it is lost (internal).
 *
 * Source:    the SP transports for ipc and tcp and the request protocol, as docs/interop.md has them. libnng gives the stream of
 *            octets (nng_stream), not the socket: its REQ sockets (1.5.2) wait for ever, in a thread that all of them share,
 *            when a connection ends between two parts of one message.
 * Threading: the client's lock is free when these are called, but for link_replace().
 * Bounds:    a reply has at most LINK_REPLY_OCTETS_MAX octets; requests wait (out.h) until they are written, or given up.
 */
#ifndef ASSAY_CLIENT_LINK_H
#define ASSAY_CLIENT_LINK_H

#include "client/assay.h"
#include "client/server.h"

#define LINK_REPLY_OCTETS_MAX ((size_t)16 << 20) /* a verdict of a hostile message is below 1 MiB */

/* Why there is no connection, for people. */
const char *link_error_text(int error);

/*
 * `options`: what is said about TLS. 0 or an nng error, with *file_out the file that it is about, or NULL; link_close() in any
 * case.
 */
int link_open(struct server *server, const struct assay_options *options, const char **file_out);
/* Dials, and again until link_close(). */
void link_start(struct server *server);
void link_close(struct server *server);

/* Nothing comes from this connection any more: it is lost, and made anew; with the lock held. */
void link_replace(struct server *server);
/* Writes what waits, when it can. */
void link_write(struct server *server);

#endif
