/*
 * queue.h - which request is evaluated next; private to src/engine.
 *
 * Requests that have been evaluated before come first: they hold answers and memory already. New ones are taken from the connections in turn,
 * one of each, so that a connection with a thousand requests waiting delays another one's by one evaluation, not by a thousand.
 * Ownership: links lie in the requests; a request is in the queue at most once, and taken out before it is freed.
 */
#ifndef ASSAY_ENGINE_QUEUE_H
#define ASSAY_ENGINE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct io_conn;
struct request;

struct link {
	struct link *next, *prev; /* NULL: in no list */
};

struct queue {
	struct link again;   /* evaluated before, first come first served */
	struct link turns;   /* of new ones, the first of each connection */
	unsigned new_count;
};

/* What a request is queued by. */
struct queued {
	struct link turn;    /* in one of the queue's lists; the first new one of its connection alone */
	struct link of_conn; /* new ones: the connection's own list, in a circle */
	int64_t arrived_ns, turn_ns; /* put into the queue; became the first of its connection */
	bool is_again, is_new;
};

void queue_init(struct queue *queue);
bool queue_is_empty(const struct queue *queue);
void queue_add(struct queue *queue, struct request *request, int64_t now_ns);
/* The next one; NULL: none. */
struct request *queue_take(struct queue *queue, int64_t now_ns);
/* Takes it out if it is in. */
void queue_remove(struct queue *queue, struct request *request, int64_t now_ns);
/* How long the next new one has waited for its turn, and the oldest new one of this connection altogether; 0 where there is none. */
int64_t queue_turn_wait_ns(const struct queue *queue, int64_t now_ns);
int64_t queue_conn_wait_ns(struct io_conn *conn, int64_t now_ns);

#endif
