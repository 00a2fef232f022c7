#include "client/lane.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void lanes_init(struct lanes *lanes, nng_socket socket)
{
	*lanes = (struct lanes){ .socket = socket };
	pthread_mutex_init(&lanes->lock, NULL);
}

static void lane_free(struct lane *lane)
{
	nng_ctx_close(lane->context);
	nng_aio_free(lane->aio);
	free(lane);
}

void lanes_deinit(struct lanes *lanes)
{
	while (lanes->idle) {
		struct lane *lane = lanes->idle;

		lanes->idle = lane->next;
		lane_free(lane);
	}
	pthread_mutex_destroy(&lanes->lock);
}

static struct lane *lane_new(nng_socket socket)
{
	struct lane *lane = calloc(1, sizeof *lane);

	if (!lane)
		return NULL;
	if (nng_aio_alloc(&lane->aio, NULL, NULL) != 0) {
		free(lane);
		return NULL;
	}
	if (nng_ctx_open(&lane->context, socket) != 0) {
		nng_aio_free(lane->aio);
		free(lane);
		return NULL;
	}
	return lane;
}

struct lane *lanes_take(struct lanes *lanes)
{
	struct lane *lane;

	pthread_mutex_lock(&lanes->lock);
	lane = lanes->idle;
	if (lane)
		lanes->idle = lane->next;
	pthread_mutex_unlock(&lanes->lock);
	return lane ? lane : lane_new(lanes->socket);
}

void lanes_give(struct lanes *lanes, struct lane *lane)
{
	pthread_mutex_lock(&lanes->lock);
	lane->next = lanes->idle;
	lanes->idle = lane;
	pthread_mutex_unlock(&lanes->lock);
}

/* What is left until the deadline, as nng wants it. */
static nng_duration time_left(uint64_t deadline_ms)
{
	uint64_t now = clock_ms();
	uint64_t left = deadline_ms > now ? deadline_ms - now : 0;

	return left > INT32_MAX ? INT32_MAX : (nng_duration)left;
}

int lane_exchange(struct lane *lane, nng_msg *request, uint64_t deadline_ms, nng_msg **reply_out)
{
	int error;

	*reply_out = NULL;
	nng_aio_set_timeout(lane->aio, time_left(deadline_ms));
	nng_aio_set_msg(lane->aio, request);
	nng_ctx_send(lane->context, lane->aio);
	nng_aio_wait(lane->aio);
	error = nng_aio_result(lane->aio);
	if (error) {
		nng_msg_free(request); /* nng takes it only when it could send */
		return error;
	}
	nng_aio_set_timeout(lane->aio, time_left(deadline_ms));
	nng_ctx_recv(lane->context, lane->aio);
	nng_aio_wait(lane->aio);
	error = nng_aio_result(lane->aio);
	if (error == 0)
		*reply_out = nng_aio_get_msg(lane->aio);
	return error;
}
