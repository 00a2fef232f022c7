/*
 * listen.h - listening sockets from nng URLs.
 *
 * Forms:  tcp://HOST:PORT (HOST: a numeric address, [v6], a name, or * for every address), tls+tcp://HOST:PORT, ipc:///PATH.
 * Errors: 0; or a negative errno with a line for people in `problem`. A socket that another process serves is
 *         -EADDRINUSE, also where SO_REUSEPORT would let both have it.
 */
#ifndef ASSAY_IO_LISTEN_H
#define ASSAY_IO_LISTEN_H

#include "io/loop.h"

#include <sys/types.h>

#define IO_PATH_SIZE 108 /* sun_path */
#define IO_LISTENERS_MAX 64 /* of one server */

/* Of the file of an ipc socket. Who may write to it may connect. */
struct io_socket_file {
	bool has_mode;
	mode_t mode; /* else the process's umask decides */
	uid_t owner; /* -1: as it comes */
	gid_t group; /* as well */
};

#define IO_SOCKET_FILE_PLAIN { .owner = (uid_t)-1, .group = (gid_t)-1 }

struct io_listener {
	int fd;
	bool is_ipc, is_tls;
	char path[IO_PATH_SIZE]; /* ipc: to be removed; empty: it was */
};

/* Is the URL of a form that io_listener_open() takes? Needs no rights and opens nothing. */
MUST_CHECK int io_url_check(const char *url, char problem[IO_PROBLEM_SIZE]);
bool io_url_is_tls(const char *url);
/*
 * `shared`: one of several sockets on the same TCP address (SO_REUSEPORT), between which the kernel spreads connections;
 * the first of them must be opened with `first`. An ipc socket is opened once and its descriptor used by every loop. `file`: of
 * ipc; it is made so before anybody can connect.
 */
MUST_CHECK int io_listener_open(const char *url, bool first, const struct io_socket_file *file, struct io_listener *out,
                                char problem[IO_PROBLEM_SIZE]);
/*
 * From any thread, while loops use the descriptor: who connects from now on is refused, and who was not accepted yet is let go. An
 * ipc socket's file goes.
 */
void io_listener_stop(struct io_listener *listener);
void io_listener_close(struct io_listener *listener);

#endif
