/*
 * keys.h - the keys a shard has made ready, found again by their octets.
 *
 * Decoding a key costs several times a verification, and a farm sees the same few thousand signers all day.
 *
 * Ownership: the cache holds one reference to each key in it; a key it lets go lives on with its other holders.
 * Threading: one cache a thread.
 * Bounds:    bytes_max of crypto_key_bytes() in all; the oldest keys go first, but those used since they were last in question get
 *            another round: a hit writes nothing but a flag in the key. A key above bytes_max by itself is made, and not kept.
 */
#ifndef ASSAY_CRYPTO_KEYS_H
#define ASSAY_CRYPTO_KEYS_H

#include "crypto/key.h"

struct crypto_keys_counters {
	uint64_t hits, misses, evictions;
	uint64_t unusable; /* misses that ended in CRYPTO_KEY_UNUSABLE: such keys are not kept */
};

struct crypto_keys {
	struct crypto_provider *provider; /* borrowed */
	struct crypto_key **slots;
	size_t slots_count; /* a power of two */
	struct crypto_key *newest, *oldest;
	size_t count;
	size_t bytes, bytes_max;
	uint64_t seed;
	struct crypto_keys_counters counters;
};

/* `seed`: random, unknown to signers, who choose the octets that are hashed with it. 0 or -ENOMEM. */
MUST_CHECK int crypto_keys_init(struct crypto_keys *keys, struct crypto_provider *provider, size_t bytes_max,
                                uint64_t seed);
void crypto_keys_deinit(struct crypto_keys *keys);

/* The key of these octets, with a reference for the caller. As crypto_key_new(). */
MUST_CHECK int crypto_keys_get(struct crypto_keys *keys, const struct crypto_key_octets *octets,
                               struct crypto_key **key_out);

#endif
