#include "client/server.h"

#include <time.h>

#include "client/out.h"

/* ---- time ---- */

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct timespec monotonic_time(uint64_t ms)
{
	return (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
}

void monotonic_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

uint64_t back_off_ms(uint64_t first, unsigned times, uint64_t max, uint32_t random)
{
	uint64_t ms = times < 16 ? first << times : max;

	if (ms > max)
		ms = max;
	return ms / 2 + random % (ms / 2 + 1);
}

/* ---- requests under way ---- */

static struct attempt **bucket_of(struct server *server, uint32_t id)
{
	return &server->attempts[id % ATTEMPT_BUCKETS];
}

void server_attempt_add(struct server *server, struct attempt *attempt)
{
	struct attempt **bucket;

	attempt->id = ++server->last_id | UINT32_C(0x80000000);
	attempt->is_active = true;
	attempt->is_out = false;
	attempt->frame = NULL;
	bucket = bucket_of(server, attempt->id);
	attempt->next = *bucket;
	*bucket = attempt;
}

void server_attempt_remove(struct attempt *attempt)
{
	struct attempt **at = bucket_of(attempt->server, attempt->id);

	while (*at != attempt)
		at = &(*at)->next;
	*at = attempt->next;
	attempt->is_active = false;
	if (attempt->frame)
		out_give_up(attempt);
	attempt->server->in_flight--;
}

struct attempt *server_attempt_find(const struct server *server, uint32_t id)
{
	struct attempt *attempt = server->attempts[id % ATTEMPT_BUCKETS];

	while (attempt && attempt->id != id)
		attempt = attempt->next;
	return attempt;
}

/* ---- health ---- */

/* A server that was silent is tried with one request at a time until it answers. */
enum server_class server_class(const struct server *server, uint64_t now_ms)
{
	if (server->busy_until_ms > now_ms)
		return SERVER_BUSY;
	if (server->failures >= SERVER_FAILURES_SUSPECT && (server->silent_until_ms > now_ms || server->in_flight > 0))
		return SERVER_SILENT;
	return server->state == LINK_UP ? SERVER_WELL : SERVER_AWAY;
}

void server_answered(struct server *server)
{
	server_is_there(server);
	server->refusals = 0;
	server->busy_until_ms = 0;
}

void server_is_there(struct server *server)
{
	server->failures = server->silences = 0;
}

void server_refused(struct server *server, uint64_t now_ms, uint32_t random)
{
	server_is_there(server);
	server->overloaded++;
	/* What was sent before the first refusal came counts as one. */
	if (server->busy_until_ms > now_ms)
		return;
	server->busy_until_ms = now_ms + back_off_ms(SERVER_BUSY_MS_FIRST, server->refusals++, SERVER_BUSY_MS_MAX, random);
}

void server_failed(struct server *server, uint64_t now_ms, uint32_t random)
{
	server->unanswered++;
	if (++server->failures >= SERVER_FAILURES_SUSPECT && server->silent_until_ms <= now_ms)
		server->silent_until_ms = now_ms + back_off_ms(SERVER_SILENT_MS_FIRST, server->silences++,
							       SERVER_SILENT_MS_MAX, random);
}

void server_heard(struct server *server)
{
	server->unheard = 0;
}

bool server_unheard(struct server *server, uint64_t began_ms, uint64_t now_ms)
{
	if (server->state != LINK_UP)
		return false;
	if (server->unheard++ == 0)
		server->unheard_since_ms = began_ms;
	return server->unheard >= SERVER_UNHEARD_MAX && now_ms - server->unheard_since_ms >= SERVER_UNHEARD_MS_MIN;
}
