#include "engine/breaker.h"

#include "base/hash.h"
#include "proto/ask/ask.h"

#include <stdlib.h>

#define WAYS 4
#define BREAKER_MEMORY_NS (BREAKER_MEMORY_S * INT64_C(1000000000))

/* A run of failures. */
struct breaker_zone {
	int64_t failed_ns;   /* the last one */
	int64_t probe_at_ns; /* the next probe, when it is open */
	uint64_t labels;     /* below the name that they have in common, a bit for each */
	unsigned failures;   /* of the name itself */
	bool is_open;
	uint8_t name_len;    /* 0: no run */
	uint8_t zone_len;    /* of the name: the registrable domain, its end */
	uint8_t name[DNS_NAME_OCTETS_MAX];
};

int breaker_init(struct breaker *breaker, const struct breaker_bounds *bounds, uint64_t seed)
{
	*breaker = (struct breaker){ .bounds = *bounds, .sets = (bounds->zones_max + WAYS - 1) / WAYS, .seed = seed };
	ASSERT(bounds->failures <= BREAKER_FAILURES_MAX);
	if (bounds->failures == 0)
		return 0;
	ASSERT(breaker->sets > 0);
	breaker->zones = calloc((size_t)breaker->sets * WAYS, sizeof(*breaker->zones));
	return breaker->zones ? 0 : -ENOMEM;
}

void breaker_deinit(struct breaker *breaker)
{
	free(breaker->zones);
}

/* --- names --- */

static struct slice last_octets(struct slice name, size_t octets)
{
	return slice_from(name, name.len - octets);
}

static bool is_under(struct slice name, struct slice above)
{
	return name.len >= above.len && slice_equal(last_octets(name, above.len), above) &&
	       (name.len == above.len || name.ptr[name.len - above.len - 1] == '.');
}

/* The last labels of the name; empty: it has fewer. */
static struct slice last_labels(struct slice name, unsigned labels)
{
	for (size_t i = name.len; i > 0; i--)
		if (name.ptr[i - 1] == '.' && --labels == 0)
			return slice_from(name, i);
	return labels == 1 ? name : SLICE_EMPTY;
}

/* Below what name servers are one party's. Empty: that is not known. */
static struct slice zone_of(const struct breaker *breaker, struct slice name)
{
	if (is_under(name, SLICE("in-addr.arpa")))
		return last_labels(name, 2 + 3); /* RFC 1035 section 3.5: octets */
	if (is_under(name, SLICE("ip6.arpa")))
		return last_labels(name, 2 + 12); /* RFC 3596 section 2.5: nibbles */
	if (!breaker->bounds.registrable_domain)
		return SLICE_EMPTY;
	return breaker->bounds.registrable_domain(breaker->bounds.arg, name);
}

/* What two names below `zone` end in, in whole labels. */
static struct slice common_of(struct slice a, struct slice b, size_t zone_len)
{
	size_t common = zone_len;

	for (size_t i = zone_len; i < a.len && i < b.len && a.ptr[a.len - 1 - i] == b.ptr[b.len - 1 - i]; i++)
		if (a.len == i + 1 || a.ptr[a.len - 2 - i] == '.')
			common = b.len == i + 1 || b.ptr[b.len - 2 - i] == '.' ? i + 1 : common;
	return last_octets(a, common);
}

/* A bit for the label of `name` that stands before `above`, which is not the whole name. */
static uint64_t label_bit(const struct breaker *breaker, struct slice name, struct slice above)
{
	struct slice below = slice_sub(name, 0, name.len - above.len - 1);
	size_t dot = slice_find_last(below, '.');
	struct slice label = dot == SLICE_NOT_FOUND ? below : slice_from(below, dot + 1);

	return UINT64_C(1) << (hash_octets(breaker->seed, breaker->seed, label) >> 58);
}

/* --- the table --- */

static struct slice name_of(const struct breaker_zone *zone)
{
	return slice_of(zone->name, zone->name_len);
}

static void zone_end(struct breaker *breaker, struct breaker_zone *zone)
{
	zone->name_len = 0;
	breaker->used--;
}

static struct breaker_zone *set_of(const struct breaker *breaker, struct slice domain)
{
	return breaker->zones + hash_octets(breaker->seed, breaker->seed, domain) % breaker->sets * WAYS;
}

/* NULL: there is no run of failures. */
static struct breaker_zone *zone_find(struct breaker *breaker, struct slice domain, int64_t now_ns)
{
	struct breaker_zone *set = set_of(breaker, domain);

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].name_len == 0 || !slice_equal(last_octets(name_of(&set[i]), set[i].zone_len), domain))
			continue;
		if (now_ns - set[i].failed_ns < BREAKER_MEMORY_NS)
			return &set[i];
		zone_end(breaker, &set[i]);
	}
	return NULL;
}

/* A place for a new run: a free one, or else that of the one longest ago. */
static struct breaker_zone *zone_place(struct breaker *breaker, struct slice domain, int64_t now_ns)
{
	struct breaker_zone *set = set_of(breaker, domain), *oldest = set;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].name_len == 0)
			return &set[i];
		if (set[i].failed_ns < oldest->failed_ns)
			oldest = &set[i];
	}
	breaker->dropped += now_ns - oldest->failed_ns < BREAKER_MEMORY_NS;
	zone_end(breaker, oldest);
	return oldest;
}

/* --- runs of failures --- */

static struct breaker_zone *run_begin(struct breaker *breaker, struct slice domain, struct slice name, int64_t now_ns)
{
	struct breaker_zone *zone = zone_place(breaker, domain, now_ns);

	*zone = (struct breaker_zone){ .name_len = (uint8_t)name.len, .zone_len = (uint8_t)domain.len };
	memcpy(zone->name, name.ptr, name.len);
	breaker->used++;
	return zone;
}

/* The failures so far have less in common with this one: all of them together are evidence of one label. */
static void run_widen(struct breaker *breaker, struct breaker_zone *zone, struct slice name)
{
	struct slice common = common_of(name, name_of(zone), zone->zone_len);

	if (common.len == zone->name_len)
		return;
	zone->labels = label_bit(breaker, name_of(zone), common);
	zone->failures = 0;
	zone->is_open = false;
	zone->name_len = (uint8_t)common.len;
	memcpy(zone->name, common.ptr, common.len);
}

static bool is_enough(const struct breaker *breaker, const struct breaker_zone *zone)
{
	return zone->failures + (unsigned)__builtin_popcountll(zone->labels) >= breaker->bounds.failures;
}

bool breaker_allows(struct breaker *breaker, struct slice name, int64_t now_ns)
{
	struct slice domain;
	struct breaker_zone *zone;

	if (breaker->used == 0 || !(domain = zone_of(breaker, name)).len)
		return true;
	zone = zone_find(breaker, domain, now_ns);
	if (!zone || !zone->is_open || !is_under(name, name_of(zone)))
		return true;
	if (now_ns < zone->probe_at_ns)
		return false;
	zone->probe_at_ns = now_ns + breaker->bounds.probe_ns;
	breaker->probes++;
	return true;
}

void breaker_failed(struct breaker *breaker, struct slice name, int64_t now_ns)
{
	struct slice domain;
	struct breaker_zone *zone;

	if (breaker->bounds.failures == 0 || !(domain = zone_of(breaker, name)).len)
		return;
	zone = zone_find(breaker, domain, now_ns);
	if (!zone)
		zone = run_begin(breaker, domain, name, now_ns);
	run_widen(breaker, zone, name);
	if (name.len == zone->name_len)
		zone->failures++;
	else
		zone->labels |= label_bit(breaker, name, name_of(zone));
	zone->failed_ns = now_ns;
	if (zone->is_open || !is_enough(breaker, zone))
		return;
	zone->is_open = true;
	zone->probe_at_ns = now_ns + breaker->bounds.probe_ns;
	breaker->opened++;
}

void breaker_answered(struct breaker *breaker, struct slice name, int64_t now_ns)
{
	struct slice domain;
	struct breaker_zone *zone;

	if (breaker->used == 0 || !(domain = zone_of(breaker, name)).len)
		return;
	zone = zone_find(breaker, domain, now_ns);
	if (!zone || !is_under(name, name_of(zone)))
		return;
	breaker->closed += zone->is_open;
	zone_end(breaker, zone);
}
