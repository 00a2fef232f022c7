/*
 * store.h - records that survive a restart: a key and a value of octets each, in an SQLite file.
 *
 * Durability: a transaction is whole or not there, whenever the process is killed (write-ahead log, synced at checkpoints:
 *             after a loss of power the last ones may be missing, and the file is good all the same).
 * Exclusive:  one process at a time; a second one is told so.
 * Threading:  one thread at a time.
 */
#ifndef ASSAY_IO_STORE_H
#define ASSAY_IO_STORE_H

#include "base/error.h"
#include "base/slice.h"
#include "io/loop.h"

struct io_store;

/*
 * Opens the file, or makes it. A file that is no database, or a broken one, is moved aside to "PATH.broken" first, and
 * *moved_out tells. 0; or a negative errno and a line for people.
 */
MUST_CHECK int io_store_open(const char *path, struct io_store **out, bool *moved_out, char problem[IO_PROBLEM_SIZE]);
void io_store_close(struct io_store *store);

/* Hands out every record; the slices are valid during the call only. 0 or a negative errno. */
MUST_CHECK int io_store_each(struct io_store *store, void (*take)(void *arg, struct slice key, struct slice value), void *arg);

/* Writes stand between begin and commit. 0; a negative errno: it, and what stands with it, may not be written. */
MUST_CHECK int io_store_begin(struct io_store *store);
MUST_CHECK int io_store_put(struct io_store *store, struct slice key, struct slice value);
MUST_CHECK int io_store_remove(struct io_store *store, struct slice key);
MUST_CHECK int io_store_commit(struct io_store *store);

#endif
