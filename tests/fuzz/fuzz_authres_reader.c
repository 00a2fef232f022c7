/*
 * Goal:   any octets are read to an end, in bounds; what the reader says of a field is what decides whose it is; a
 *         field that keeps the grammar, written anew with what was read of it, reads the same.
 * Method: the input is a field value. It is read item by item; its authserv-id, taken for ours, makes it ours; an id
 *         that stands nowhere in it does not, if it can be read; the writer's field is read back.
 */
#include "proto/authres/authres.h"
#include "proto/authres/own.h"
#include "proto/authres/reader.h"
#include "proto/mail/domain.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The items of a field. AUTHRES_UNREADABLE when it breaks off. */
static int count_items(struct slice field, struct arena *arena, struct authres_reader *reader, size_t *items_out)
{
	struct authres_item item = { .kind = AUTHRES_RESULT };
	int result = authres_read(reader, field, arena);

	for (*items_out = 0; result == 0 && item.kind != AUTHRES_END; ++*items_out) {
		ASSERT(*items_out <= field.len + 1);
		result = authres_next(reader, &item);
		ASSERT(item.value.len <= field.len);
	}
	ASSERT(result == 0 || result == AUTHRES_UNREADABLE);
	return result;
}

static void check_own(struct slice field, const struct authres_reader *reader, int read, struct arena *arena)
{
	struct authres_own own = { .id = SLICE("zzz.example.zzz") };
	bool unsure = read || !reader->has_authserv_id || reader->version != AUTHRES_VERSION, is_own;

	ASSERT(authres_is_own(field, &own, arena, &is_own) == 0);
	ASSERT(!unsure || is_own);
	if (unsure)
		return;
	own.id = slice_trim_wsp(reader->authserv_id);
	ASSERT(authres_is_own(field, &own, arena, &is_own) == 0);
	ASSERT(is_own || own.id.len == 0);
}

static bool has_a_label(struct slice name)
{
	while (name.ptr)
		if (slice_starts_with(slice_cut(&name, '.'), SLICE("xn--")))
			return true;
	return false;
}

/* Our own words cannot be attacker's: methods and names are written as they are, so only readable ones are. */
static void check_round_trip(struct slice field, struct arena *arena)
{
	struct authres_reader reader, again;
	struct authres_item item, same;
	struct authres_writer writer;
	struct slice written;

	if (authres_read(&reader, field, arena) || reader.version != AUTHRES_VERSION || !reader.has_authserv_id)
		return;
	authres_begin(&writer, arena, reader.authserv_id);
	while (authres_next(&reader, &item) == 0 && item.kind != AUTHRES_END)
		if (item.kind == AUTHRES_PROPERTY && item.value.len) {
			authres_method(&writer, "x", "y");
			authres_property(&writer, "z.z", item.value);
		}
	ASSERT(authres_finish(&writer, &written) == 0);
	ASSERT(authres_read(&again, written, arena) == 0 || reader.authserv_id.len == 0);
	ASSERT(authres_read(&reader, field, arena) == 0);
	while (authres_next(&reader, &item) == 0 && item.kind != AUTHRES_END) {
		if (item.kind != AUTHRES_PROPERTY || item.value.len == 0)
			continue;
		ASSERT(authres_next(&again, &same) == 0 && same.kind == AUTHRES_RESULT);
		/* Values above the writer's bound are left out. */
		if (item.value.len > 500)
			continue;
		ASSERT(authres_next(&again, &same) == 0 && same.kind == AUTHRES_PROPERTY);
		/* Only A-labels are longer than what they stand for. */
		ASSERT(same.value.len <= item.value.len ||
		       (has_a_label(same.value) && same.value.len <= DOMAIN_OCTETS_MAX));
	}
	ASSERT(!again.deviates);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice field = slice_of(data, size);
	struct authres_reader reader;
	struct arena arena;
	size_t items;
	int read;

	arena_init(&arena, (size_t)256 << 20);
	read = count_items(field, &arena, &reader, &items);
	check_own(field, &reader, read, &arena);
	if (read == 0)
		check_round_trip(field, &arena);
	arena_deinit(&arena);
	return 0;
}
