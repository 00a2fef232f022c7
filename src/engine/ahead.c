#include "engine/ahead.h"

#include "engine/request.h"

static void name_told(void *arg, struct slice name)
{
	struct request *request = arg;
	struct ahead *ahead = &request->ahead;
	uint8_t lower[DNS_NAME_OCTETS_MAX];
	uint64_t hash;

	if (ahead->count == AHEAD_NAMES || name.len == 0 || name.len > sizeof(lower))
		return;
	hash = answers_hash(request->shard, name, DNS_TXT, lower);
	ahead->hashes[ahead->count++] = hash;
	cache_fetch(request->shard->cache, hash, CACHE_FETCH_BUCKET);
}

static void fetch(const struct request *request, enum cache_step step)
{
	for (unsigned i = 0; i < request->ahead.count; i++)
		cache_fetch(request->shard->cache, request->ahead.hashes[i], step);
}

static void step(struct request *request)
{
	switch (request->call == CALL_CHECK_MESSAGE ? request->ahead.steps : AHEAD_STEPS) {
	case 0:
		/* A failure is found again when its turn comes. */
		if (request_read(request) == 0)
			verdict_first_names(&request->input, request->reading, name_told, request);
		break;
	case 1: fetch(request, CACHE_FETCH_ANSWER); break;
	case 2: fetch(request, CACHE_FETCH_OBJECT); break;
	default: break;
	}
	request->ahead.steps++;
}

void ahead_look(struct shard *shard)
{
	struct request *next[AHEAD_PLACES];
	unsigned waiting, count = 0;
	size_t octets = 0;

	if (queue_peek(&shard->queue, next, 1) == 0 || next[0]->ahead.steps)
		return;
	waiting = queue_peek(&shard->queue, next, AHEAD_PLACES);
	while (count < waiting && octets < AHEAD_OCTETS)
		octets += next[count++]->input.message.len;
	for (unsigned done = 0; done < AHEAD_STEPS; done++)
		for (unsigned i = 0; i < count; i++)
			step(next[i]);
}
