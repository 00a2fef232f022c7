#include "crypto/keys.h"

#include "base/hash.h"
#include "crypto/key_private.h"

#include <stdlib.h>
#include <string.h>

#define KEY_BYTES_TYPICAL 3072 /* RSA, 2048 bits */
#define SLOTS_MIN         64
#define SLOTS_MAX         ((size_t)1 << 20)

int crypto_keys_init(struct crypto_keys *keys, struct crypto_provider *provider, size_t bytes_max, uint64_t seed)
{
	size_t slots = SLOTS_MIN;

	while (slots < SLOTS_MAX && slots < bytes_max / KEY_BYTES_TYPICAL)
		slots *= 2;
	*keys = (struct crypto_keys){ .provider = provider, .bytes_max = bytes_max, .seed = seed };
	keys->slots_count = slots;
	keys->slots = calloc(slots, sizeof(struct crypto_key *));
	return keys->slots ? 0 : -ENOMEM;
}

static uint64_t octets_digest(const struct crypto_keys *keys, const struct crypto_key_octets *octets)
{
	uint64_t hash = keys->seed ^ (uint64_t)octets->kind;

	hash = hash_octets(hash, keys->seed, octets->modulus);
	hash = hash_octets(hash, keys->seed, octets->exponent);
	return hash_octets(hash, keys->seed, octets->point);
}

static bool octets_equal(const struct crypto_key_octets *a, const struct crypto_key_octets *b)
{
	return a->kind == b->kind && slice_equal(a->modulus, b->modulus) && slice_equal(a->exponent, b->exponent) &&
	       slice_equal(a->point, b->point);
}

static struct crypto_key **slot_of(struct crypto_keys *keys, uint64_t digest)
{
	return &keys->slots[digest & (keys->slots_count - 1)];
}

static void use_link(struct crypto_keys *keys, struct crypto_key *key)
{
	key->newer = NULL;
	key->older = keys->newest;
	if (keys->newest)
		keys->newest->newer = key;
	else
		keys->oldest = key;
	keys->newest = key;
}

static void use_unlink(struct crypto_keys *keys, struct crypto_key *key)
{
	if (key->newer)
		key->newer->older = key->older;
	else
		keys->newest = key->older;
	if (key->older)
		key->older->newer = key->newer;
	else
		keys->oldest = key->newer;
}

static struct crypto_key *keys_find(struct crypto_keys *keys, uint64_t digest, const struct crypto_key_octets *octets)
{
	struct crypto_key *key = *slot_of(keys, digest);

	while (key && !(key->digest == digest && octets_equal(&key->octets, octets)))
		key = key->same_slot;
	return key;
}

static void keys_drop(struct crypto_keys *keys, struct crypto_key *key)
{
	struct crypto_key **slot = slot_of(keys, key->digest);

	while (*slot != key)
		slot = &(*slot)->same_slot;
	*slot = key->same_slot;
	use_unlink(keys, key);
	keys->bytes -= key->bytes;
	keys->count--;
	crypto_key_unref(key);
}

/* Makes room first. */
static void keys_keep(struct crypto_keys *keys, struct crypto_key *key)
{
	struct crypto_key **slot = slot_of(keys, key->digest);

	while (key->bytes > keys->bytes_max - keys->bytes) {
		struct crypto_key *oldest = keys->oldest;

		if (oldest->used) {
			oldest->used = false;
			use_unlink(keys, oldest);
			use_link(keys, oldest);
			continue;
		}
		keys_drop(keys, oldest);
		keys->counters.evictions++;
	}
	key->same_slot = *slot;
	*slot = crypto_key_ref(key);
	use_link(keys, key);
	keys->bytes += key->bytes;
	keys->count++;
}

void crypto_keys_deinit(struct crypto_keys *keys)
{
	while (keys->oldest)
		keys_drop(keys, keys->oldest);
	free(keys->slots);
	keys->slots = NULL;
}

int crypto_keys_get(struct crypto_keys *keys, const struct crypto_key_octets *octets, struct crypto_key **key_out)
{
	uint64_t digest = octets_digest(keys, octets);
	struct crypto_key *key = keys_find(keys, digest, octets);
	int result;

	if (key) {
		keys->counters.hits++;
		key->used = true;
		*key_out = crypto_key_ref(key);
		return 0;
	}
	keys->counters.misses++;
	result = crypto_key_new(keys->provider, octets, &key);
	keys->counters.unusable += result == CRYPTO_KEY_UNUSABLE;
	if (result)
		return result;
	key->digest = digest;
	if (key->bytes <= keys->bytes_max)
		keys_keep(keys, key);
	*key_out = key;
	return 0;
}
