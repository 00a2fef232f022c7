#include "engine/queue.h"

#include "engine/request.h"

#include <stddef.h>

#define SAMPLE 64   /* requests that are timed together */
#define SMOOTHING 4 /* a sample's part of the new mean is one of so many */
#define TURN_NS INT64_C(4000000)
#define TURN_LEAST 16     /* evaluations: two batches with full lanes */
#define TURN_MOST 256
#define TURN_FULL 32      /* while sockets are full */
#define TURN_FEW 4        /* one of them may be a large message, and take as long as all that was read */
#define RECEIVED_PART 32  /* one evaluation for so many requests that were received: about a tenth of the core */
#define LOOK_NS INT64_C(50000000) /* between two looks at all that waits */
#define LATELY_NS INT64_C(50000000) /* since one was refused */
#define SURE(wait_ns) ((wait_ns) / 4 * 3) /* who is to wait for so long is mostly not late */
#define REQUEST_PASSES 2  /* evaluations of most requests: before and after their crypto */

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
	*queue = (struct queue){ .refused_ns = -LATELY_NS };
	link_init(&queue->again);
	link_init(&queue->turns);
}

bool queue_is_empty(const struct queue *queue)
{
	return queue->again.next == &queue->again && queue->turns.next == &queue->turns;
}

void queue_add(struct queue *queue, struct request *request)
{
	struct queued *queued = &request->queued;
	struct io_conn_use *use = request->use;
	struct request *first = use->first_queued;

	queued->is_again = request->passes > 0;
	queued->is_new = !queued->is_again;
	if (queued->is_again) {
		link_before(&queued->turn, &queue->again);
		return;
	}
	queue->new_count++;
	use->queued++;
	if (first) {
		link_before(&queued->of_conn, &first->queued.of_conn);
		return;
	}
	queue->conns_count++;
	link_init(&queued->of_conn);
	link_before(&queued->turn, &queue->turns);
	use->first_queued = request;
}

/* The next one of the same connection gets a place before `behind`. */
static void new_remove(struct queue *queue, struct request *request, struct link *behind)
{
	struct io_conn_use *use = request->use;
	struct request *next = of_conn(request->queued.of_conn.next);

	queue->new_count--;
	use->queued--;
	if (use->first_queued == request) {
		use->first_queued = use->queued ? next : NULL;
		if (use->queued)
			link_before(&next->queued.turn, behind);
		else
			queue->conns_count--;
		link_remove(&request->queued.turn);
	}
	link_remove(&request->queued.of_conn);
	request->queued.is_new = false;
}

static void again_remove(struct request *request)
{
	link_remove(&request->queued.turn);
	request->queued.is_again = false;
}

struct request *queue_take(struct queue *queue)
{
	struct request *request;

	if (queue->again.next != &queue->again) {
		request = of_turn(queue->again.next);
		again_remove(request);
		return request;
	}
	if (queue->turns.next == &queue->turns)
		return NULL;
	request = of_turn(queue->turns.next);
	new_remove(queue, request, &queue->turns);
	queue->busy_taken++;
	return request;
}

static bool was_refused_lately(const struct queue *queue, int64_t now_ns)
{
	return now_ns - queue->refused_ns < LATELY_NS;
}

static bool is_refusing(const struct queue *queue, int64_t now_ns)
{
	return queue->refusing && was_refused_lately(queue, now_ns);
}

static bool is_pressed(const struct queue *queue, int64_t now_ns)
{
	return queue->new_count >= QUEUE_LEAST || is_refusing(queue, now_ns);
}

struct request *queue_take_late(struct queue *queue, int64_t now_ns, int64_t wait_ns_max)
{
	struct request *request;

	if (queue->new_count == 0 || queue->again.next != &queue->again || !is_pressed(queue, now_ns))
		return NULL;
	request = of_turn(queue->turns.next);
	if (now_ns - request->since_ns <= wait_ns_max || request->call == CALL_TLS_REFRESH)
		return NULL;
	/* It is no evaluation: it does not count as taken, and its connection keeps its turn. */
	new_remove(queue, request, &request->queued.turn);
	return request;
}

/* One of each connection, then the next of each, and so on. */
unsigned queue_peek(const struct queue *queue, struct request **out, unsigned max)
{
	unsigned count = 0;

	if (queue->again.next != &queue->again)
		return 0;
	for (const struct link *turn = queue->turns.next; count < max && turn != &queue->turns; turn = turn->next)
		out[count++] = of_turn(turn);
	for (unsigned i = 0; i < count && count < max; i++) {
		struct request *next = of_conn(out[i]->queued.of_conn.next);

		if (next != out[i]->use->first_queued)
			out[count++] = next;
	}
	return count;
}

void queue_remove(struct queue *queue, struct request *request)
{
	if (request->queued.is_again)
		again_remove(request);
	else if (request->queued.is_new)
		new_remove(queue, request, &request->queued.turn);
}

void queue_turn_begin(struct queue *queue, int64_t now_ns)
{
	if (queue->busy)
		queue->busy_ns += now_ns - queue->turn_ns;
	queue->turn_ns = now_ns;
	if (queue->busy && queue->busy_taken >= SAMPLE) {
		int64_t each_ns = queue->busy_ns / queue->busy_taken;

		queue->each_ns = queue->each_ns ? queue->each_ns + (each_ns - queue->each_ns) / SMOOTHING : each_ns;
	}
	if (!queue->busy || queue->busy_taken >= SAMPLE) {
		queue->busy_ns = 0;
		queue->busy_taken = 0;
	}
}

static unsigned within(int64_t value, unsigned least, unsigned most)
{
	return value < least ? least : value > most ? most : (unsigned)value;
}

unsigned queue_turn_part(const struct queue *queue, enum io_backlog backlog, unsigned received)
{
	int64_t part = queue->each_ns ? REQUEST_PASSES * TURN_NS / queue->each_ns : TURN_MOST;

	switch (backlog) {
	case IO_BACKLOG_NONE:
	case IO_BACKLOG_PART: break;
	case IO_BACKLOG_FULL: return within(part, TURN_LEAST, TURN_FULL);
	case IO_BACKLOG_MORE: return within(received / RECEIVED_PART, TURN_FEW, TURN_MOST);
	}
	return within(part, TURN_LEAST, TURN_MOST);
}

enum io_reading queue_reading(struct queue *queue, enum io_backlog backlog, int64_t now_ns)
{
	bool looked = queue->looking;

	queue->looking = looked ? backlog == IO_BACKLOG_MORE || was_refused_lately(queue, now_ns) : now_ns >= queue->look_ns;
	if (looked && !queue->looking)
		queue->look_ns = now_ns + LOOK_NS;
	return queue->looking ? IO_READING_ALL : IO_READING_PART;
}

void queue_refused(struct queue *queue, int64_t now_ns)
{
	queue->refusing = true;
	queue->refused_ns = now_ns;
	queue->look_ns = now_ns;
}

void queue_turn_end(struct queue *queue)
{
	queue->busy = !queue_is_empty(queue);
	queue->refusing = queue->refusing && queue->new_count > 0;
}

int64_t queue_wait_ns(const struct queue *queue, struct io_conn *conn)
{
	uint64_t rounds = io_conn_use(conn)->queued + (uint64_t)1, ahead = rounds * queue->conns_count;

	return (int64_t)(ahead < queue->new_count ? ahead : queue->new_count) * queue->each_ns;
}

bool queue_is_late(const struct queue *queue, struct io_conn *conn, int64_t now_ns, int64_t wait_ns_max)
{
	return is_pressed(queue, now_ns) &&
	       queue_wait_ns(queue, conn) > (is_refusing(queue, now_ns) ? SURE(wait_ns_max) : wait_ns_max);
}
