/*
 * queue.h - which request is evaluated next; private to src/engine.
 *
 * Requests that have been evaluated before come first: they hold answers and memory already. New ones are taken from the connections in turn,
 * one of each, so that a connection with a thousand requests waiting delays another one's by one evaluation, not by a thousand.
 * Ownership: links lie in the requests; a request is in the queue at most once, and taken out before it is freed.
 */
#ifndef ASSAY_ENGINE_QUEUE_H
#define ASSAY_ENGINE_QUEUE_H

#include "io/server.h"

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_LEAST 256 /* so many may wait, however long that takes, while none is refused */

struct io_conn;
struct request;

struct link {
	struct link *next, *prev; /* NULL: in no list */
};

struct queue {
	struct link again;   /* evaluated before, first come first served */
	struct link turns;   /* of new ones, the first of each connection */
	unsigned new_count, conns_count;
	/* How long a request takes, of those taken while there was no end of them. */
	int64_t each_ns, busy_ns, turn_ns;
	unsigned busy_taken;
	bool busy;
	int64_t refused_ns; /* the last time, */
	bool refusing;      /* and since then new ones have been waiting all the time */
	/* When all is read that waits. */
	int64_t look_ns;
	bool looking;
};

/* What a request is queued by. */
struct queued {
	struct link turn;    /* in one of the queue's lists; the first new one of its connection alone */
	struct link of_conn; /* new ones: the connection's own list, in a circle */
	bool is_again, is_new;
};

void queue_init(struct queue *queue);
bool queue_is_empty(const struct queue *queue);
void queue_add(struct queue *queue, struct request *request);
/* The next one; NULL: none. */
struct request *queue_take(struct queue *queue);
/*
 * The next one, if it is a new one, has waited for longer than that, and nobody is to wait for so long: QUEUE_LEAST and more are waiting, or some
 * were refused lately and there was no end of new ones since. (Where there was one it is no overload, whatever a request took before.) So
 * others have passed it by, or a request takes longer than it did. A policy that is refreshed is not late: nobody waits for it. NULL: there
 * is none such.
 */
struct request *queue_take_late(struct queue *queue, int64_t now_ns, int64_t wait_ns_max);
/* The next new ones, if no request that was evaluated before is in front of them; not taken. Returns how many. */
unsigned queue_peek(const struct queue *queue, struct request **out, unsigned max);
/* Takes it out if it is in. */
void queue_remove(struct queue *queue, struct request *request);

/* Around what a turn takes: measures how long a request takes. */
void queue_turn_begin(struct queue *queue, int64_t now_ns);
void queue_turn_end(struct queue *queue);
/*
 * How many evaluations this turn may have: about four milliseconds of them, for the more there are of them the better are batches
 * filled and the fewer system calls they share. What connections send meanwhile lies in their sockets, unseen: so where all was read and these
 * were full they are fewer; and where reading was not even ended, a part of the requests that were `received` in this turn, or who has to
 * be refused would be told so late.
 */
unsigned queue_turn_part(const struct queue *queue, enum io_backlog backlog, unsigned received);
/*
 * How far the next turn reads, after one with this backlog. Most turns read a part, which stays in the caches until it is evaluated: what
 * waits longer leaves them, and with large messages comes back at the price of a third of their verdicts. But who is refused is to be told
 * soon, and who reads a part does not know how many wait. So now and then all is read, and goes on being read until there was an end of it
 * and nobody was refused lately.
 */
enum io_reading queue_reading(struct queue *queue, enum io_backlog backlog, int64_t now_ns);
/* A request was refused because there are too many. */
void queue_refused(struct queue *queue, int64_t now_ns);
/* How long a new request of this connection would wait, if no other one passes it by. */
int64_t queue_wait_ns(const struct queue *queue, struct io_conn *conn);
/*
 * A new request of this connection would wait for longer than that, where nobody is to; while some are refused, for so long that it might when
 * its turn comes, for others pass it by and not all take equally long.
 */
bool queue_is_late(const struct queue *queue, struct io_conn *conn, int64_t now_ns, int64_t wait_ns_max);

#endif
