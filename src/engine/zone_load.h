/*
 * zone_load.h - how many look-ups of a shard are under way for each domain; private to src/engine.
 *
 * A record made to amplify (RFC 7208 section 11.1: macros make each name a new one), or a domain whose servers are silent,
 * must not fill the resolver (STANDARDS chapter 8, S2 and S3). A name counts for its two rightmost labels.
 * Bounds: ZONE_LOAD_SLOTS counts, in which seeded hashes put the domains: two may share one, and then its bound.
 */
#ifndef ASSAY_ENGINE_ZONE_LOAD_H
#define ASSAY_ENGINE_ZONE_LOAD_H

#include "base/slice.h"

#include <stdint.h>

#define ZONE_LOAD_SLOTS 16384 /* a power of two: 64 KiB */

struct zone_load {
	uint64_t seed;
	unsigned under_way_max; /* dns.max-queries-per-domain */
	uint32_t under_way[ZONE_LOAD_SLOTS];
};

void zone_load_init(struct zone_load *load, uint64_t seed, unsigned under_way_max);
/* A look-up of `name` (lower case) begins. False: there are too many, and it does not. *slot_out is for its end. */
bool zone_load_begin(struct zone_load *load, struct slice name, uint32_t *slot_out);
void zone_load_end(struct zone_load *load, uint32_t slot);

#endif
