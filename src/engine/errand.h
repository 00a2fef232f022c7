/*
 * errand.h - requests of a busy shard, done by another; private to src/engine.
 *
 * A connection belongs to the shard that accepted it; its requests need not. A shard that has more to do than another sends
 * requests there: the octets stay where they were received, the other shard decodes and evaluates them and makes the
 * reply, and the errand comes back with it, for the connection's own shard to send.
 *
 * Ownership: an errand is part of the request at home, which waits for it whatever happens to the connection. While it is
 *            away, the shard it is with alone may touch it.
 * Bounds:    those of the request at home, of whose memory it is a part; the other shard admits it without a further look.
 */
#ifndef ASSAY_ENGINE_ERRAND_H
#define ASSAY_ENGINE_ERRAND_H

#include "base/slice.h"
#include "engine/post.h"

#include <stddef.h>

struct request;
struct shard;

#define ERRAND_REPLY_OCTETS 3072 /* room for most replies; larger ones are allocated */

struct errand {
	struct post post;
	struct request *home; /* the request that it is of */
	struct slice body;    /* the message to be decoded; octets of the request at home */
	bool declined;        /* the other shard takes no more: it is for the home shard to do */
	uint8_t *reply;       /* NULL: none was made */
	size_t reply_len;
	uint8_t room[ERRAND_REPLY_OCTETS];
};

/* What a shard has to do, in evaluations: those that wait, and what receiving and replying took in this turn. */
unsigned errand_load(const struct shard *shard);
/* At a turn's end: lets the other shards know that, and what part of its time the requests of its own connections take. */
void errand_load_publish(struct shard *shard, int64_t now_ns);
/* errand_send() would send a request to a shard where it waits for less than here, and less than half of limits.queue-time. */
bool errand_is_sooner(const struct shard *shard);
/* Sends the request to a shard that has less to do. False: there is none, or no memory, or no room; nothing was done. */
bool errand_send(struct request *request, struct slice body);
/* Room for the reply, to be filled before errand_return(); NULL: out of memory. */
uint8_t *errand_reply(struct errand *errand, size_t octets);
/* Back to its home, with or without a reply. The last thing the other shard does with it. */
void errand_return(struct errand *errand);

#endif
