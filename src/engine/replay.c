#include "engine/replay.h"

#include <stdlib.h>

#define SET_ENTRIES 4

struct replay_entry {
	uint64_t tag;     /* of the signature; 0: free */
	uint64_t clients; /* a bit for each, by the hash of its address */
	int64_t last_s;
	uint32_t times;
};

struct replay_set {
	struct replay_entry entries[SET_ENTRIES];
};

int replay_init(struct replay *replay, size_t octets, uint64_t seed)
{
	size_t count = 1;

	*replay = (struct replay){ .seed = seed };
	if (octets < sizeof(struct replay_set))
		return 0;
	while (2 * count * sizeof(struct replay_set) <= octets)
		count *= 2;
	replay->sets = calloc(count, sizeof(struct replay_set));
	replay->sets_count = count;
	return replay->sets ? 0 : -ENOMEM;
}

void replay_deinit(struct replay *replay)
{
	free(replay->sets);
	*replay = (struct replay){ .sets = NULL };
}

/* The finalizer of splitmix64; the seed keeps senders from choosing what collides. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t hash_add(uint64_t hash, struct slice s)
{
	hash = mix(hash ^ s.len);
	for (size_t i = 0; i < s.len; i++)
		hash = mix(hash + s.ptr[i] + 1);
	return hash;
}

static struct replay_entry *entry_of(struct replay_set *set, uint64_t tag)
{
	struct replay_entry *oldest = &set->entries[0];

	for (size_t i = 0; i < SET_ENTRIES; i++) {
		if (set->entries[i].tag == tag)
			return &set->entries[i];
		if (set->entries[i].last_s < oldest->last_s)
			oldest = &set->entries[i];
	}
	return oldest;
}

struct replay_sight replay_see(struct replay *replay, const struct dkim_signature_result *signature,
                               const struct ip_address *client, int64_t now_s)
{
	struct replay_sight sight = { .times = 0 };
	struct replay_entry *entry;
	uint64_t tag, octets_hash;

	if (!replay->sets || signature->result != DKIM_PASS)
		return sight;
	tag = hash_add(hash_add(replay->seed, signature->domain_canonical), signature->signature_start) | 1;
	entry = entry_of(&replay->sets[(tag >> 1) & (replay->sets_count - 1)], tag);
	if (entry->tag != tag || now_s - entry->last_s > REPLAY_WINDOW_S) {
		sight.replaced = entry->tag && now_s - entry->last_s <= REPLAY_WINDOW_S;
		*entry = (struct replay_entry){ .tag = tag };
	}
	if (client) {
		octets_hash = hash_add(replay->seed, slice_of(client->octets, client->is_v6 ? 16 : 4));
		entry->clients |= UINT64_C(1) << octets_hash % REPLAY_CLIENTS_MAX;
	}
	entry->last_s = now_s;
	entry->times += entry->times < UINT32_MAX;
	sight.times = entry->times;
	sight.clients = (uint32_t)__builtin_popcountll(entry->clients);
	return sight;
}
