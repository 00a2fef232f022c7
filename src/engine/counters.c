#include "engine/counters.h"

const struct counter_description counter_descriptions[COUNTER_COUNT] = {
#define COUNTER(id, name, gauge, help) [COUNTER_##id] = { name, help, gauge },
#include "engine/counters.def"
#undef COUNTER
};
