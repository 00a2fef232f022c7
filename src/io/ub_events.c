#include "io/ub_events.h"

#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unbound.h>
#include <unbound-event.h>

struct base {
	struct ub_event_base super;
	struct io_loop *loop;
	const struct event *calling; /* whose function runs; NULL: none's, or it deleted or added its event */
};

struct event {
	struct ub_event super;
	struct base *base;
	struct io_loop *loop;
	int fd; /* -1: a timer only */
	short bits;
	void (*call)(int fd, short bits, void *arg);
	void *arg;
	struct io_op op;
	struct io_timer timer;
	bool polling;
};

static struct event *event_of(struct ub_event *super)
{
	return (struct event *)(void *)super;
}

static void poll_arm(struct event *event)
{
	unsigned mask = (event->bits & UB_EV_READ ? POLLIN : 0u) | (event->bits & UB_EV_WRITE ? POLLOUT : 0u);

	io_uring_prep_poll_add(io_sqe(event->loop, &event->op), event->fd, mask);
	event->polling = true;
}

/*
 * Armed again after the call: the socket of a UDP query is nearly always closed in there, and a poll armed before would only have
 * to be cancelled. The call may free the event, so it is looked at only when nobody did.
 */
static void persistent_call(struct event *event, short bits)
{
	struct base *base = event->base;

	base->calling = event;
	if (bits)
		event->call(event->fd, bits, event->arg);
	if (base->calling == event)
		poll_arm(event);
	base->calling = NULL;
}

static void poll_complete(void *arg, struct io_completion completion)
{
	struct event *event = arg;
	short bits = 0;

	event->polling = false;
	if (completion.result < 0)
		return;
	if (completion.result & (POLLIN | POLLHUP | POLLERR))
		bits |= UB_EV_READ;
	if (completion.result & (POLLOUT | POLLHUP | POLLERR))
		bits |= UB_EV_WRITE;
	bits &= event->bits;
	if (event->bits & UB_EV_PERSIST) {
		persistent_call(event, bits);
		return;
	}
	io_op_close(event->loop, &event->op);
	if (bits)
		event->call(event->fd, bits, event->arg);
}

static void timer_fire(void *arg)
{
	struct event *event = arg;

	event->call(event->fd, UB_EV_TIMEOUT, event->arg);
}

static void poll_stop(struct event *event)
{
	if (event->polling)
		io_uring_prep_poll_remove(io_sqe(event->loop, NULL), event->op.id);
	event->polling = false;
	io_op_close(event->loop, &event->op);
}

static int event_del(struct ub_event *super)
{
	struct event *event = event_of(super);

	if (event->base->calling == event)
		event->base->calling = NULL;
	poll_stop(event);
	io_timer_stop(event->loop, &event->timer);
	return 0;
}

static void timer_set(struct event *event, const struct timeval *after)
{
	io_timer_start(event->loop, &event->timer,
	               io_now_ns(event->loop) + after->tv_sec * INT64_C(1000000000) + after->tv_usec * INT64_C(1000));
}

static int event_add(struct ub_event *super, struct timeval *timeout)
{
	struct event *event = event_of(super);

	event_del(super);
	if (event->fd >= 0 && event->bits & (UB_EV_READ | UB_EV_WRITE)) {
		if (io_op_open(event->loop, &event->op, poll_complete, event) < 0)
			return -1;
		poll_arm(event);
	}
	if (timeout && event->bits & UB_EV_TIMEOUT)
		timer_set(event, timeout);
	return 0;
}

static void event_add_bits(struct ub_event *super, short bits)
{
	event_of(super)->bits |= bits;
}

static void event_del_bits(struct ub_event *super, short bits)
{
	event_of(super)->bits &= (short)~bits;
}

static void event_set_fd(struct ub_event *super, int fd)
{
	event_of(super)->fd = fd;
}

static void event_free(struct ub_event *super)
{
	if (!super)
		return;
	event_del(super);
	free(event_of(super));
}

static int event_add_timer(struct ub_event *super, struct ub_event_base *base, void (*call)(int, short, void *),
                           void *arg, struct timeval *after)
{
	struct event *event = event_of(super);

	(void)base;
	event->call = call;
	event->arg = arg;
	timer_set(event, after);
	return 0;
}

static int event_del_timer(struct ub_event *super)
{
	io_timer_stop(event_of(super)->loop, &event_of(super)->timer);
	return 0;
}

static int no_signal_add(struct ub_event *super, struct timeval *timeout)
{
	(void)super;
	(void)timeout;
	return -1;
}

static int no_signal_del(struct ub_event *super)
{
	(void)super;
	return -1;
}

static void no_winsock_unregister(struct ub_event *super)
{
	(void)super;
}

static void no_winsock_wouldblock(struct ub_event *super, int bit)
{
	(void)super;
	(void)bit;
}

static struct ub_event *event_new(struct ub_event_base *super, int fd, short bits, void (*call)(int, short, void *),
                                  void *arg)
{
	static struct ub_event_vmt methods = {
		.add_bits = event_add_bits,
		.del_bits = event_del_bits,
		.set_fd = event_set_fd,
		.free = event_free,
		.add = event_add,
		.del = event_del,
		.add_timer = event_add_timer,
		.del_timer = event_del_timer,
		.add_signal = no_signal_add,
		.del_signal = no_signal_del,
		.winsock_unregister_wsaevent = no_winsock_unregister,
		.winsock_tcp_wouldblock = no_winsock_wouldblock,
	};
	struct event *event = calloc(1, sizeof(*event));

	if (!event)
		return NULL;
	event->super.magic = UB_EVENT_MAGIC;
	event->super.vmt = &methods;
	event->base = (struct base *)(void *)super;
	event->loop = event->base->loop;
	event->fd = fd;
	event->bits = bits;
	event->call = call;
	event->arg = arg;
	io_timer_init(&event->timer, timer_fire, event);
	return &event->super;
}

static void base_free(struct ub_event_base *super)
{
	free(super);
}

static int base_dispatch(struct ub_event_base *super)
{
	(void)super;
	return -1; /* the loop dispatches */
}

static int base_loopexit(struct ub_event_base *super, struct timeval *after)
{
	(void)super;
	(void)after;
	return -1;
}

static struct ub_event *no_signal_new(struct ub_event_base *super, int fd, void (*call)(int, short, void *), void *arg)
{
	(void)super;
	(void)fd;
	(void)call;
	(void)arg;
	return NULL;
}

static struct ub_event *no_winsock_register(struct ub_event_base *super, void *wsaevent,
                                            void (*call)(int, short, void *), void *arg)
{
	(void)super;
	(void)wsaevent;
	(void)call;
	(void)arg;
	return NULL;
}

struct ub_event_base *io_ub_event_base_new(struct io_loop *loop)
{
	static struct ub_event_base_vmt methods = {
		.free = base_free,
		.dispatch = base_dispatch,
		.loopexit = base_loopexit,
		.new_event = event_new,
		.new_signal = no_signal_new,
		.winsock_register_wsaevent = no_winsock_register,
	};
	struct base *base = calloc(1, sizeof(*base));

	if (!base)
		return NULL;
	base->super.magic = UB_EVENT_MAGIC;
	base->super.vmt = &methods;
	base->loop = loop;
	return &base->super;
}
