/*
 * post.h - messages from shard to shard; private to src/engine.
 *
 * Putting:   from any thread, without a lock; the receiver is woken when it may be asleep and its box was empty.
 * Ownership: a post is part of what it is about and belongs to whoever has it; nothing is allocated.
 * Closing:   a shard that has run its last turn closes its box: what is put then comes back to the sender.
 */
#ifndef ASSAY_ENGINE_POST_H
#define ASSAY_ENGINE_POST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct shard;

struct post {
	struct post *next;
	void (*deliver)(struct post *post, struct shard *shard); /* in the receiver's thread; takes the post */
};

struct postbox {
	_Alignas(64) _Atomic(struct post *) newest;
};

/* False: the box is closed. *wake_out: the receiver is to be woken. */
bool post_put(struct postbox *box, struct post *post, bool *wake_out);
/* Delivers what is there, in order; returns whether there was anything. */
bool post_deliver_all(struct postbox *box, struct shard *shard);
/* What is still in it is left to those whose it is. */
void post_close(struct postbox *box);

#endif
