/*
 * Goal:   any octets are read to an end, in bounds; a receiver that was read, taken for ours, makes the field ours; no
 *         value breaks out of its pair.
 * Method: the input is a field value.
 */
#include "proto/authres/own.h"
#include "proto/authres/received_spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_own(struct slice field, struct slice id, struct arena *arena)
{
	const struct authres_own own = { .id = id };
	bool out;

	ASSERT(authres_is_own_received_spf(field, &own, arena, &out) == 0);
	return out;
}

static void check_written(struct slice value, struct arena *arena)
{
	const struct received_spf_pair pairs[] = { { "x", value }, { "receiver", SLICE("r.example") } };
	struct slice out, key, read;
	struct cursor in;

	ASSERT(received_spf_write("pass", pairs, 2, arena, &out) == 0);
	ASSERT(received_spf_read(&in, out) == 0);
	do
		ASSERT(received_spf_next(&in, &key, &read) == 0);
	while (slice_equal(key, SLICE("x")));
	ASSERT(slice_equal(key, SLICE("receiver")) && slice_equal(read, SLICE("r.example")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice field = slice_of(data, size), key = SLICE("result"), value;
	struct cursor in;
	struct arena arena;
	bool named = false;
	int result;

	arena_init(&arena, (size_t)256 << 20);
	result = received_spf_read(&in, field);
	for (size_t pairs = 0; result == 0 && key.len; pairs++) {
		ASSERT(pairs <= size);
		result = received_spf_next(&in, &key, &value);
		if (result || !slice_equal_nocase(key, SLICE("receiver")))
			continue;
		named = true;
		ASSERT(is_own(field, value, &arena) || value.len == 0);
	}
	ASSERT((result == 0 && named) || is_own(field, SLICE("zzz.example.zzz"), &arena));
	check_written(field, &arena);
	arena_deinit(&arena);
	return 0;
}
