#include "io/loop.h"

#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define RING_ENTRIES 1024        /* submissions of one turn before an extra system call is needed */
#define COMPLETION_ENTRIES 16384 /* completions the kernel holds without taking its slow overflow path */
#define SLOTS_FIRST 256

struct op_slot {
	void (*complete)(void *arg, struct io_completion completion);
	void *arg;
	uint32_t generation; /* even: free; odd: open */
	uint32_t next_free;
};

struct io_loop {
	struct io_uring ring;
	struct io_timers timers;
	int64_t now_ns, wall_s;
	int64_t asleep_ns; /* in all waits */
	bool stopped;
	struct op_slot *slots;
	uint32_t slots_count, free_slot; /* free_slot == slots_count: none */
	void (*begin)(void *arg);
	void (*turn)(void *arg);
	void *turn_arg;
	int wake_fd;
	struct io_op wake_op;
};

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void clock_read(struct io_loop *loop)
{
	struct timespec now;

	loop->now_ns = monotonic_ns();
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	loop->wall_s = now.tv_sec;
}

static void wake_arm(struct io_loop *loop)
{
	io_uring_prep_poll_multishot(io_sqe(loop, &loop->wake_op), loop->wake_fd, POLLIN);
}

static void wake_complete(void *arg, struct io_completion completion)
{
	struct io_loop *loop = arg;
	eventfd_t count;

	(void)eventfd_read(loop->wake_fd, &count);
	if (!(completion.flags & IORING_CQE_F_MORE))
		wake_arm(loop);
}

/* Which kernel features the engine rests on, each with what its lack probably means. */
static int ring_open(struct io_uring *ring, char problem[IO_PROBLEM_SIZE])
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
		         IORING_SETUP_SUBMIT_ALL,
		.cq_entries = COMPLETION_ENTRIES,
	};
	int result = io_uring_queue_init_params(RING_ENTRIES, ring, &params);
	const char *cause = "";

	if (result == 0 && !(params.features & IORING_FEAT_EXT_ARG)) {
		io_uring_queue_exit(ring);
		result = -EINVAL;
	}
	if (result == 0)
		return 0;
	if (result == -EINVAL)
		cause = ": the kernel is older than Linux 6.1";
	else if (result == -EPERM || result == -EACCES)
		cause = ": forbidden; see kernel.io_uring_disabled and the container's seccomp profile";
	else if (result == -ENOSYS)
		cause = ": the kernel is built without it, or the container hides it";
	else if (result == -ENOMEM)
		cause = ": raise the limit on locked memory (LimitMEMLOCK)";
	snprintf(problem, IO_PROBLEM_SIZE, "io_uring: %s%s", strerror(-result), cause);
	return result;
}

int io_loop_new(struct io_loop **out, char problem[IO_PROBLEM_SIZE])
{
	struct io_loop *loop = calloc(1, sizeof(*loop));
	int result;

	if (!loop) {
		snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
		return -ENOMEM;
	}
	loop->timers = IO_TIMERS_INIT;
	result = ring_open(&loop->ring, problem);
	if (result < 0)
		goto fail;
	clock_read(loop);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	result = loop->wake_fd < 0 ? -errno : io_op_open(loop, &loop->wake_op, wake_complete, loop);
	if (result < 0) {
		snprintf(problem, IO_PROBLEM_SIZE, "eventfd: %s", strerror(-result));
		if (loop->wake_fd >= 0)
			close(loop->wake_fd);
		io_uring_queue_exit(&loop->ring);
		goto fail;
	}
	wake_arm(loop);
	*out = loop;
	return 0;
fail:
	free(loop->slots);
	free(loop);
	return result;
}

void io_loop_free(struct io_loop *loop)
{
	if (!loop)
		return;
	io_uring_queue_exit(&loop->ring);
	close(loop->wake_fd);
	free(loop->slots);
	free(loop);
}

void io_loop_on_turn(struct io_loop *loop, void (*begin)(void *arg), void (*turn)(void *arg), void *arg)
{
	loop->begin = begin;
	loop->turn = turn;
	loop->turn_arg = arg;
}

static void complete(struct io_loop *loop, const struct io_uring_cqe *cqe)
{
	uint32_t slot = (uint32_t)cqe->user_data, generation = (uint32_t)(cqe->user_data >> 32);

	if (cqe->user_data == 0)
		return;
	ASSERT(slot < loop->slots_count);
	if (loop->slots[slot].generation == generation)
		loop->slots[slot].complete(loop->slots[slot].arg,
		                           (struct io_completion){ cqe->res, cqe->flags });
}

/* One at a time, each given back before it is handled: a handler may submit, which may run the ring. */
static void completions_handle(struct io_loop *loop)
{
	struct io_uring_cqe *cqe;
	unsigned left = io_uring_cq_ready(&loop->ring);

	while (left-- > 0 && io_uring_peek_cqe(&loop->ring, &cqe) == 0) {
		struct io_uring_cqe copy = *cqe;

		io_uring_cqe_seen(&loop->ring, cqe);
		complete(loop, &copy);
	}
}

static int wait_for_completions(struct io_loop *loop)
{
	int64_t next_ns = io_timers_next(&loop->timers);
	int64_t from_ns = monotonic_ns(), wait_ns = next_ns - from_ns; /* the turn before may have been long */
	struct io_uring_cqe *cqe;
	struct __kernel_timespec wait;
	int result;

	if (next_ns == INT64_MAX)
		wait_ns = INT64_C(3600) * 1000000000;
	if (wait_ns < 0)
		wait_ns = 0;
	wait.tv_sec = wait_ns / 1000000000;
	wait.tv_nsec = wait_ns % 1000000000;
	result = io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &wait, NULL);
	clock_read(loop);
	loop->asleep_ns += loop->now_ns - from_ns;
	return result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY ? 0 : result;
}

int io_loop_run(struct io_loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped) {
		TRY(wait_for_completions(loop));
		if (loop->begin)
			loop->begin(loop->turn_arg);
		completions_handle(loop);
		io_timers_fire(&loop->timers, loop->now_ns);
		if (loop->turn)
			loop->turn(loop->turn_arg);
	}
	return 0;
}

void io_loop_stop(struct io_loop *loop)
{
	loop->stopped = true;
}

void io_loop_wake(struct io_loop *loop)
{
	(void)eventfd_write(loop->wake_fd, 1);
}

int64_t io_now_ns(const struct io_loop *loop)
{
	return loop->now_ns;
}

int64_t io_loop_asleep_ns(const struct io_loop *loop)
{
	return loop->asleep_ns;
}

int64_t io_wall_s(const struct io_loop *loop)
{
	return loop->wall_s;
}

void io_timer_start(struct io_loop *loop, struct io_timer *timer, int64_t at_ns)
{
	io_timers_start(&loop->timers, timer, at_ns);
}

void io_timer_stop(struct io_loop *loop, struct io_timer *timer)
{
	io_timers_stop(&loop->timers, timer);
}

static int slots_grow(struct io_loop *loop)
{
	uint32_t count = loop->slots_count ? loop->slots_count * 2 : SLOTS_FIRST;
	struct op_slot *slots = realloc(loop->slots, count * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = loop->slots_count; i < count; i++)
		slots[i] = (struct op_slot){ .next_free = i + 1 };
	loop->slots = slots;
	loop->slots_count = count;
	return 0;
}

int io_op_open(struct io_loop *loop, struct io_op *op, void (*complete_fn)(void *arg, struct io_completion completion),
               void *arg)
{
	struct op_slot *slot;
	uint32_t index;

	if (loop->free_slot == loop->slots_count)
		TRY(slots_grow(loop));
	index = loop->free_slot;
	slot = &loop->slots[index];
	loop->free_slot = slot->next_free;
	slot->generation++;
	slot->complete = complete_fn;
	slot->arg = arg;
	op->id = (uint64_t)slot->generation << 32 | index;
	return 0;
}

void io_op_close(struct io_loop *loop, struct io_op *op)
{
	uint32_t index = (uint32_t)op->id;
	struct op_slot *slot = &loop->slots[index];

	if (op->id == 0)
		return;
	ASSERT(slot->generation == op->id >> 32);
	slot->generation++;
	slot->next_free = loop->free_slot;
	loop->free_slot = index;
	op->id = 0;
}

struct io_uring_sqe *io_sqe(struct io_loop *loop, const struct io_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	while (!sqe) {
		int result = io_uring_submit(&loop->ring);

		ASSERT(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY);
		sqe = io_uring_get_sqe(&loop->ring);
	}
	memset(sqe, 0, sizeof(*sqe));
	/* The preparation helpers leave user_data alone. */
	sqe->user_data = op ? op->id : 0;
	return sqe;
}

struct io_uring *io_loop_ring(struct io_loop *loop)
{
	return &loop->ring;
}
