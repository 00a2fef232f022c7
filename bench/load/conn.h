/*
 * conn.h - one connection of the load generator: SP frames over tcp, TLS or ipc, without libnng and without waiting.
 *
 * Source: as src/io/server.h, from the other side. Requests are sent from where they lie (sendmsg); each is known by
 *         its place in the table of slots and a generation, which together are its request id.
 * Bounds: `slots` requests in flight, a reply of CONN_REPLY_MAX octets.
 */
#ifndef ASSAY_BENCH_CONN_H
#define ASSAY_BENCH_CONN_H

#include "load/requests.h"

#define CONN_REPLY_MAX ((size_t)16 << 20)
#define CONN_SLOTS_MAX 32768

struct slot {
	const struct request *request;
	int64_t intended_ns;   /* when it was due to be sent */
	uint8_t head[13];      /* what stands before the request in its frame */
	uint8_t head_len;
	bool is_cold, in_flight;
	uint16_t generation;
	uint8_t *own;          /* a cold request's octets */
};

struct conn {
	int fd;
	struct ssl_st *ssl;    /* NULL: plain */
	bool is_ipc, lost, may_write;
	struct slot *slots;
	unsigned slots_count, free_count, in_flight;
	unsigned *free;        /* stack */
	unsigned *queue;       /* ring of slots to be sent, `slots_count` places */
	unsigned queue_first, queue_count;
	size_t first_sent;     /* octets of the first one that are out */
	uint8_t *held;         /* a reply that has not come whole */
	size_t held_len, held_size;
};

/* Connects and greets; ends the program with a line when that fails. */
void conn_open(struct conn *conn, const char *url, unsigned slots);
void conn_close(struct conn *conn);

/* Takes a free slot and queues a request; there is one. */
void conn_queue(struct conn *conn, const struct requests *requests, const struct request *request, bool is_cold,
                uint64_t cold_number, int64_t intended_ns);
/* Sends what the socket takes. */
void conn_flush(struct conn *conn);
/*
 * Reads what is there into `buffer` and hands out whole replies, each with its slot, which is free afterwards. Returns false
 * when there was nothing (more) to read.
 */
bool conn_read(struct conn *conn, uint8_t *buffer, size_t size,
               void (*replied)(void *arg, struct conn *conn, struct slot *slot, const uint8_t *body, size_t len),
               void *arg);

#endif
