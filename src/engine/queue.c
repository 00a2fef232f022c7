#include "engine/queue.h"

#include "engine/request.h"

#include <stddef.h>

static void link_init(struct link *list)
{
	list->next = list->prev = list;
}

static void link_before(struct link *link, struct link *next)
{
	link->next = next;
	link->prev = next->prev;
	next->prev->next = link;
	next->prev = link;
}

static void link_remove(struct link *link)
{
	link->next->prev = link->prev;
	link->prev->next = link->next;
	link->next = link->prev = NULL;
}

static struct request *of_turn(const struct link *link)
{
	return (struct request *)((uintptr_t)link - offsetof(struct request, queued.turn));
}

static struct request *of_conn(const struct link *link)
{
	return (struct request *)((uintptr_t)link - offsetof(struct request, queued.of_conn));
}

void queue_init(struct queue *queue)
{
	link_init(&queue->again);
	link_init(&queue->turns);
	queue->new_count = 0;
}

bool queue_is_empty(const struct queue *queue)
{
	return queue->again.next == &queue->again && queue->turns.next == &queue->turns;
}

void queue_add(struct queue *queue, struct request *request, int64_t now_ns)
{
	struct queued *queued = &request->queued;
	struct io_conn_use *use = io_conn_use(request->conn);
	struct request *first = use->first_queued;

	queued->arrived_ns = queued->turn_ns = now_ns;
	queued->is_again = request->passes > 0;
	queued->is_new = !queued->is_again;
	if (queued->is_again) {
		link_before(&queued->turn, &queue->again);
		return;
	}
	queue->new_count++;
	if (first) {
		link_before(&queued->of_conn, &first->queued.of_conn);
		return;
	}
	link_init(&queued->of_conn);
	link_before(&queued->turn, &queue->turns);
	use->first_queued = request;
}

/* The next one of the same connection takes its place, or waits behind all others. */
static void new_remove(struct queue *queue, struct request *request, struct link *behind, int64_t now_ns)
{
	struct io_conn_use *use = io_conn_use(request->conn);
	struct request *next = of_conn(request->queued.of_conn.next);

	if (use->first_queued == request) {
		use->first_queued = next == request ? NULL : next;
		if (use->first_queued) {
			next->queued.turn_ns = now_ns;
			link_before(&next->queued.turn, behind);
		}
		link_remove(&request->queued.turn);
	}
	link_remove(&request->queued.of_conn);
	request->queued.is_new = false;
	queue->new_count--;
}

struct request *queue_take(struct queue *queue, int64_t now_ns)
{
	struct request *request;

	if (queue->again.next != &queue->again) {
		request = of_turn(queue->again.next);
		link_remove(&request->queued.turn);
		request->queued.is_again = false;
		return request;
	}
	if (queue->turns.next == &queue->turns)
		return NULL;
	request = of_turn(queue->turns.next);
	new_remove(queue, request, &queue->turns, now_ns);
	return request;
}

void queue_remove(struct queue *queue, struct request *request, int64_t now_ns)
{
	if (request->queued.is_again) {
		link_remove(&request->queued.turn);
		request->queued.is_again = false;
	} else if (request->queued.is_new) {
		new_remove(queue, request, &request->queued.turn, now_ns);
	}
}

int64_t queue_turn_wait_ns(const struct queue *queue, int64_t now_ns)
{
	return queue->turns.next == &queue->turns ? 0 : now_ns - of_turn(queue->turns.next)->queued.turn_ns;
}

int64_t queue_conn_wait_ns(struct io_conn *conn, int64_t now_ns)
{
	const struct request *first = io_conn_use(conn)->first_queued;

	return first ? now_ns - first->queued.arrived_ns : 0;
}
