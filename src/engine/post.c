#include "engine/post.h"

#include <stddef.h>

/* Stands in a closed box. */
static struct post closed;

bool post_put(struct postbox *box, struct post *post, bool *wake_out)
{
	struct post *newest = atomic_load_explicit(&box->newest, memory_order_relaxed);

	do {
		if (newest == &closed)
			return false;
		post->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(&box->newest, &newest, post, memory_order_release,
	                                                memory_order_relaxed));
	*wake_out = !newest;
	return true;
}

bool post_deliver_all(struct postbox *box, struct shard *shard)
{
	struct post *post, *oldest = NULL;

	if (!atomic_load_explicit(&box->newest, memory_order_relaxed))
		return false;
	post = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
	while (post) {
		struct post *next = post->next;

		post->next = oldest;
		oldest = post;
		post = next;
	}
	while (oldest) {
		struct post *next = oldest->next;

		oldest->deliver(oldest, shard);
		oldest = next;
	}
	return true;
}

void post_close(struct postbox *box)
{
	(void)atomic_exchange_explicit(&box->newest, &closed, memory_order_acq_rel);
}
