#include "io/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 2000 /* a process that was killed lets go of its locks at once; one that stops needs a moment */

enum { STATEMENT_PUT, STATEMENT_REMOVE, STATEMENT_BEGIN, STATEMENT_COMMIT, STATEMENT_ROLLBACK, STATEMENTS };

struct io_store {
	sqlite3 *database;
	sqlite3_stmt *statements[STATEMENTS];
};

static const char *const texts[STATEMENTS] = {
	[STATEMENT_PUT] = "INSERT INTO records (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
	[STATEMENT_REMOVE] = "DELETE FROM records WHERE key = ?1",
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
};

#define CREATE "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

/* A file, its log, and the log's index: they belong together. */
static const char *const parts[] = { "", "-wal", "-shm" };

/* The lock is taken at once and kept: who comes second learns of it when it starts. */
static const char setup[] = "PRAGMA locking_mode = EXCLUSIVE;"
			    "PRAGMA journal_mode = WAL;"
			    "PRAGMA synchronous = NORMAL;"
			    "PRAGMA trusted_schema = OFF;"
			    CREATE
			    "BEGIN IMMEDIATE;"
			    "COMMIT;";

static int error_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return -EBADMSG;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY: return -EACCES;
	default: return -EIO;
	}
}

void io_store_close(struct io_store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->database);
	free(store);
}

static int check(sqlite3 *database)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &statement, NULL);
	bool good = false;

	if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(statement, 0);

		good = text && strcmp((const char *)text, "ok") == 0;
		code = good ? SQLITE_OK : SQLITE_CORRUPT;
	}
	sqlite3_finalize(statement);
	return code;
}

static int prepare(struct io_store *store)
{
	int code = SQLITE_OK;

	for (unsigned i = 0; code == SQLITE_OK && i < STATEMENTS; i++)
		code = sqlite3_prepare_v2(store->database, texts[i], -1, &store->statements[i], NULL);
	return code;
}

/* Whom a site sends mail to is nobody else's business. SQLite gives what it makes beside the file the same mode. */
static void mode_set(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	struct stat status;
	char name[4096];

	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		snprintf(name, sizeof(name), "%s%s", path, parts[i]);
		if (lstat(name, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)))
			(void)chmod(name, S_IRUSR | S_IWUSR);
	}
}

static void problem_set(char problem[IO_PROBLEM_SIZE], const char *path, sqlite3 *database, int code)
{
	const char *why = (code & 0xff) == SQLITE_ERROR && database ? sqlite3_errmsg(database) : sqlite3_errstr(code);

	snprintf(problem, IO_PROBLEM_SIZE, "%s: %s", path, error_of(code) == -EBUSY ? "in use by another process" : why);
}

static int open_file(const char *path, struct io_store **out, char problem[IO_PROBLEM_SIZE])
{
	struct io_store *store = calloc(1, sizeof(*store));
	int code;

	snprintf(problem, IO_PROBLEM_SIZE, "%s: out of memory", path);
	if (!store)
		return -ENOMEM;
	mode_set(path);
	code = sqlite3_open_v2(path, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(store->database, BUSY_MS);
		code = sqlite3_exec(store->database, setup, NULL, NULL, NULL);
	}
	if (code == SQLITE_OK)
		code = check(store->database);
	if (code == SQLITE_OK)
		code = prepare(store);
	if (code == SQLITE_OK) {
		*out = store;
		return 0;
	}
	problem_set(problem, path, store->database, code);
	io_store_close(store);
	return error_of(code);
}

/* With its log, which belongs to it. */
static int move_aside(const char *path)
{
	char from[4096], to[4096];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (snprintf(from, sizeof(from), "%s%s", path, parts[i]) >= (int)sizeof(from) ||
		    snprintf(to, sizeof(to), "%s.broken%s", path, parts[i]) >= (int)sizeof(to))
			return -ENAMETOOLONG;
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int io_store_open(const char *path, struct io_store **out, bool *moved_out, char problem[IO_PROBLEM_SIZE])
{
	int result = open_file(path, out, problem);

	*moved_out = false;
	if (result != -EBADMSG)
		return result;
	if (move_aside(path) < 0)
		return result;
	*moved_out = true;
	return open_file(path, out, problem);
}

/* The transaction is never committed. */
int io_store_check(const char *path, char problem[IO_PROBLEM_SIZE])
{
	struct io_store store = { .database = NULL };
	struct stat status;
	int code;

	if (lstat(path, &status) < 0 && errno == ENOENT)
		return 0;
	code = sqlite3_open_v2(path, &store.database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(store.database, "BEGIN IMMEDIATE;" CREATE, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = prepare(&store);
	if (code != SQLITE_OK)
		problem_set(problem, path, store.database, code);
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store.statements[i]);
	sqlite3_close(store.database);
	return code == SQLITE_OK || error_of(code) == -EBUSY ? 0 : error_of(code);
}

int io_store_each(struct io_store *store, void (*take)(void *arg, struct slice key, struct slice value), void *arg)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(store->database, "SELECT key, value FROM records", -1, &statement, NULL);

	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(statement);
		if (code != SQLITE_ROW)
			break;
		take(arg,
		     slice_of(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)),
		     slice_of(sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)));
	}
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : error_of(code);
}

static int run(struct io_store *store, unsigned which)
{
	int code = sqlite3_step(store->statements[which]);

	(void)sqlite3_reset(store->statements[which]);
	(void)sqlite3_clear_bindings(store->statements[which]);
	return code == SQLITE_DONE ? 0 : error_of(code);
}

int io_store_begin(struct io_store *store)
{
	return run(store, STATEMENT_BEGIN);
}

int io_store_put(struct io_store *store, struct slice key, struct slice value)
{
	sqlite3_stmt *statement = store->statements[STATEMENT_PUT];

	if (sqlite3_bind_text64(statement, 1, (const char *)key.ptr, key.len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK ||
	    sqlite3_bind_text64(statement, 2, (const char *)value.ptr, value.len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
		return -ENOMEM;
	return run(store, STATEMENT_PUT);
}

int io_store_remove(struct io_store *store, struct slice key)
{
	sqlite3_stmt *statement = store->statements[STATEMENT_REMOVE];

	if (sqlite3_bind_text64(statement, 1, (const char *)key.ptr, key.len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
		return -ENOMEM;
	return run(store, STATEMENT_REMOVE);
}

int io_store_commit(struct io_store *store)
{
	int result = run(store, STATEMENT_COMMIT);

	if (result < 0 && run(store, STATEMENT_ROLLBACK) < 0)
		return result;
	return result;
}
