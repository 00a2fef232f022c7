#include "engine/zone_load.h"

#include "base/error.h"
#include "base/hash.h"
#include "proto/mail/domain.h"

#define ZONE_LABELS 2

void zone_load_init(struct zone_load *load, uint64_t seed, unsigned under_way_max)
{
	*load = (struct zone_load){ .seed = seed, .under_way_max = under_way_max };
}

bool zone_load_begin(struct zone_load *load, struct slice name, uint32_t *slot_out)
{
	struct slice zone = domain_suffix(name, ZONE_LABELS);
	uint32_t slot = (uint32_t)hash_octets(load->seed, load->seed, zone) & (ZONE_LOAD_SLOTS - 1);

	if (load->under_way[slot] >= load->under_way_max)
		return false;
	load->under_way[slot]++;
	*slot_out = slot;
	return true;
}

void zone_load_end(struct zone_load *load, uint32_t slot)
{
	ASSERT(load->under_way[slot] > 0);
	load->under_way[slot]--;
}
