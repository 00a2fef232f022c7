/*
 * loop.h - the event loop of a shard: one thread, one io_uring.
 *
 * Kernel:    io_uring with SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1); io_loop_new() names what is missing.
 * Turns:     a turn waits for completions or the next timer, hands the completions out, fires timers, then calls the
 *            turn function once: the place where gathered work is run in batches.
 * Completions: user_data names an operation slot and its generation, so that a late completion never
 *            reaches whoever uses the slot next. Kernel memory safety stays with the owner: memory that the kernel may
 *            still write to must outlive the operation, not only its slot.
 * Threading: all calls from the loop's thread, but io_loop_wake().
 */
#ifndef ASSAY_IO_LOOP_H
#define ASSAY_IO_LOOP_H

#include "base/error.h"
#include "io/timer.h"

#include <stddef.h>

struct io_loop;
struct io_uring_sqe;

#define IO_PROBLEM_SIZE 256 /* room for one line that says why a start failed */

/* Called in the loop's own thread (SINGLE_ISSUER). 0; or a negative errno and the cause in `problem`. */
MUST_CHECK int io_loop_new(struct io_loop **out, char problem[IO_PROBLEM_SIZE]);
void io_loop_free(struct io_loop *loop);

/* Called once in every turn: `begin` before completions are handed out, `turn` after timers have fired. */
void io_loop_on_turn(struct io_loop *loop, void (*begin)(void *arg), void (*turn)(void *arg), void *arg);

/* Runs turns until io_loop_stop(). 0 or the negative errno that the ring died of. */
MUST_CHECK int io_loop_run(struct io_loop *loop);
void io_loop_stop(struct io_loop *loop);
/* From any thread: makes the loop take a turn soon. */
void io_loop_wake(struct io_loop *loop);

/* The monotonic clock, read once a turn. */
int64_t io_now_ns(const struct io_loop *loop);
/* How long the loop has waited, in all, until this turn began. */
int64_t io_loop_asleep_ns(const struct io_loop *loop);
/* Seconds since 1970, read once a turn. */
int64_t io_wall_s(const struct io_loop *loop);

void io_timer_start(struct io_loop *loop, struct io_timer *timer, int64_t at_ns);
void io_timer_stop(struct io_loop *loop, struct io_timer *timer);

/*
 * Operations, for the rest of src/io. An open operation may be submitted as often as wanted; `complete` gets every
 * completion until io_op_close(). `id` 0 is no operation.
 */
struct io_op {
	uint64_t id;
};

struct io_completion {
	int result;     /* as of the system call: 0 or more, or a negative errno */
	unsigned flags; /* IORING_CQE_F_* */
};

/* 0, or -ENOMEM. */
MUST_CHECK int io_op_open(struct io_loop *loop, struct io_op *op,
                          void (*complete)(void *arg, struct io_completion completion), void *arg);
/* Later completions are dropped. */
void io_op_close(struct io_loop *loop, struct io_op *op);
/* A submission entry, zeroed but for the operation's user_data; `op` NULL: nobody waits for the completion. Never NULL. */
struct io_uring_sqe *io_sqe(struct io_loop *loop, const struct io_op *op);
/* For provided buffer rings. */
struct io_uring *io_loop_ring(struct io_loop *loop);

#endif
