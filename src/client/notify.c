/*
 * notify.c - who started an exchange without waiting for it is told what came of it (see exchange_parts.h).
 */
#include <unistd.h>

#include "client/exchange_parts.h"

void notify_queue(struct exchange *exchange)
{
	struct assay_client *client = exchange->client;
	const uint64_t one = 1;

	if (client->done_last)
		client->done_last->next_done = exchange;
	else
		client->done_first = exchange;
	client->done_last = exchange;
	(void)!write(client->descriptor, &one, sizeof one);
}

void notify_run(struct exchange *exchange)
{
	struct assay_client *client = exchange->client;
	struct assay_answer *answer = NULL;
	assay_done_fn notify;

	pthread_mutex_lock(&client->lock);
	notify = exchange->notify;
	if (notify) {
		answer = exchange->answer;
		exchange->answer = NULL;
		exchange->notifying = exchange->told = true;
		exchange->notifier = pthread_self();
	}
	pthread_mutex_unlock(&client->lock);
	if (notify)
		notify(exchange->notify_arg, answer, answer ? NULL : &exchange->failure);
	pthread_mutex_lock(&client->lock);
	exchange->notifying = false;
	pthread_cond_broadcast(&exchange->changed);
	exchange_unref(exchange);
	pthread_mutex_unlock(&client->lock);
}

static struct exchange *done_take(struct assay_client *client)
{
	struct exchange *exchange;

	pthread_mutex_lock(&client->lock);
	exchange = client->done_first;
	if (exchange)
		client->done_first = exchange->next_done;
	if (!client->done_first)
		client->done_last = NULL;
	pthread_mutex_unlock(&client->lock);
	return exchange;
}

void exchanges_dispatch(struct assay_client *client)
{
	struct exchange *exchange;
	uint64_t count;

	(void)!read(client->descriptor, &count, sizeof count);
	while ((exchange = done_take(client)))
		notify_run(exchange);
}
