/*
 * Goal:   the octets are those of protobuf_c_message_pack(), whatever the message, and stay within the room.
 * Method: messages with every member drawn from values that matter, made from the descriptors; protobuf-c packs the
 *         same, and unpacks what was packed. Rooms of every size up to the message's, in memory of exactly that size.
 *         Types and labels that Response does not have are tested with a schema made here.
 */
#include "proto/wire/pack.h"
#include "proto/wire/unpack.h"
#include "unit.h"

#include "assay.pb-c.h"

#include <stdlib.h>

#define MESSAGES 3000
#define SEED UINT64_C(0x9e3779b97f4a7c15)

static struct arena arena;
static uint64_t state_of_random = SEED;

static uint32_t random_below(uint32_t bound)
{
	state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state_of_random >> 33) % bound;
}

/* --- messages --- */

static ProtobufCMessage *message_make(const ProtobufCMessageDescriptor *descriptor, unsigned depth);

static uint64_t number_make(void)
{
	static const uint64_t edges[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT32_MAX, INT64_MAX, UINT64_MAX,
		                          (uint64_t)INT64_MIN, UINT64_C(1) << 35 };

	return random_below(2) ? edges[random_below(COUNT_OF(edges))] : (uint64_t)random_below(1000);
}

/* Around the lengths at which the length in front gets an octet more. */
static size_t length_make(void)
{
	static const size_t edges[] = { 0, 0, 1, 2, 120, 127, 128, 129, 16383, 16384 };

	return random_below(20) ? random_below(40) : edges[random_below(COUNT_OF(edges))];
}

static void *octets_make(size_t len)
{
	uint8_t *octets = arena_alloc(&arena, len + 1);

	assert_non_null(octets);
	for (size_t i = 0; i < len; i++)
		octets[i] = (uint8_t)(1 + random_below(255));
	return octets;
}

/* `there`: not NULL, as elements of arrays are. */
static void value_make(const ProtobufCFieldDescriptor *field, uint8_t *at, unsigned depth, bool there)
{
	size_t len;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: *(uint32_t *)(void *)at = (uint32_t)number_make(); return;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64: *(uint64_t *)(void *)at = number_make(); return;
	case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)(void *)at = (protobuf_c_boolean)random_below(2); return;
	case PROTOBUF_C_TYPE_STRING:
		*(char **)(void *)at = there || random_below(8) ? octets_make(length_make()) : NULL;
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)(void *)at =
			there || random_below(4) ? message_make(field->descriptor, depth + 1) : NULL;
		return;
	case PROTOBUF_C_TYPE_BYTES:
		len = length_make();
		*(ProtobufCBinaryData *)(void *)at = (ProtobufCBinaryData){ len, len ? octets_make(len) : NULL };
		return;
	default: fail_msg("%s: a type that the test does not know", field->name);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
}

static void repeated_make(const ProtobufCFieldDescriptor *field, uint8_t *message, unsigned depth)
{
	size_t count = random_below(4);
	uint8_t *array = arena_alloc_array(&arena, count, size_of(field));

	assert_non_null(array);
	for (size_t i = 0; i < count; i++)
		value_make(field, array + i * size_of(field), depth, true);
	*(size_t *)(void *)(message + field->quantifier_offset) = count;
	*(void **)(void *)(message + field->offset) = array;
}

static void field_make(const ProtobufCFieldDescriptor *field, uint8_t *message, unsigned depth)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		repeated_make(field, message, depth);
		return;
	}
	/* Of a oneof the last that was drawn; mostly the first ones, else there would hardly be anything else. */
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *which = (uint32_t *)(void *)(message + field->quantifier_offset);

		if (*which && random_below(6))
			return;
		*which = field->id;
	} else if (random_below(3) == 0) {
		return;
	}
	value_make(field, message + field->offset, depth, false);
}

static ProtobufCMessage *message_make(const ProtobufCMessageDescriptor *descriptor, unsigned depth)
{
	ProtobufCMessage *message = arena_alloc(&arena, descriptor->sizeof_message);

	assert_non_null(message);
	assert_true(depth <= WIRE_DEPTH_MAX);
	descriptor->message_init(message);
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		field_make(&descriptor->fields[i], (uint8_t *)message, depth);
	return message;
}

/* --- against protobuf-c --- */

/* In memory of exactly its size; to be freed. */
static struct slice pack(const ProtobufCMessage *message)
{
	size_t len = wire_pack(message, NULL, 0);
	uint8_t *octets = malloc(len ? len : 1);

	assert_non_null(octets);
	assert_int_equal(wire_pack(message, octets, len), len);
	return slice_of(octets, len);
}

static struct slice pack_peers(const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	uint8_t *octets = malloc(len ? len : 1);

	assert_non_null(octets);
	assert_int_equal(protobuf_c_message_pack(message, octets), len);
	return slice_of(octets, len);
}

static void slice_free(struct slice s)
{
	free((void *)(uintptr_t)s.ptr);
}

static void check_same(const ProtobufCMessage *message)
{
	struct slice ours = pack(message), peers = pack_peers(message), again;
	ProtobufCMessage *read;

	assert_slice_equal(ours, peers);
	read = protobuf_c_message_unpack(message->descriptor, NULL, ours.len, ours.ptr);
	assert_non_null(read);
	again = pack(read);
	assert_slice_equal(again, ours);
	protobuf_c_message_free_unpacked(read, NULL);
	slice_free(again);
	slice_free(peers);
	slice_free(ours);
}

static void test_random_messages(void **state)
{
	static const ProtobufCMessageDescriptor *const descriptors[] = {
		&assay__v1__response__descriptor,
		&assay__v1__verdict__descriptor,
		&assay__v1__request__descriptor,
	};

	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++) {
		arena_reset(&arena);
		check_same(message_make(descriptors[i % COUNT_OF(descriptors)], 0));
	}
}

static void test_empty_messages(void **state)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict verdict = ASSAY__V1__VERDICT__INIT;

	(void)state;
	assert_int_equal(wire_pack(&response.base, NULL, 0), 0);
	/* A case without its message, as protobuf-c has it: nothing. */
	response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
	check_same(&response.base);
	response.verdict = &verdict;
	assert_int_equal(wire_pack(&response.base, NULL, 0), 2);
	check_same(&response.base);
}

/* --- room --- */

static void test_every_size_of_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		const ProtobufCMessage *message;
		struct slice whole;

		arena_reset(&arena);
		message = message_make(&assay__v1__verdict__descriptor, 0);
		whole = pack(message);
		for (size_t size = 0; size < whole.len + 3; size += size < 300 ? 1 : 61) {
			uint8_t *room = malloc(size ? size : 1);

			assert_non_null(room);
			assert_int_equal(wire_pack(message, room, size), whole.len);
			if (size >= whole.len)
				assert_slice_equal(slice_of(room + size - whole.len, whole.len), whole);
			free(room);
		}
		slice_free(whole);
	}
}

/* --- what Response does not have --- */

struct any {
	ProtobufCMessage base;
	uint32_t which;
	size_t count;
	union {
		int32_t number;
		uint32_t large;
		char *text;
		ProtobufCBinaryData bytes;
		ProtobufCMessage *child;
		void *array;
	} as;
};

static struct any any_of(const ProtobufCMessageDescriptor *descriptor)
{
	return (struct any){ .base = { .descriptor = descriptor } };
}

static ProtobufCFieldDescriptor field_of(ProtobufCType type, uint32_t id)
{
	return (ProtobufCFieldDescriptor){
		.id = id,
		.type = type,
		.label = PROTOBUF_C_LABEL_NONE,
		.quantifier_offset = offsetof(struct any, which),
		.offset = offsetof(struct any, as),
	};
}

static void check_any(const ProtobufCFieldDescriptor *field, const struct any *filled)
{
	ProtobufCMessageDescriptor descriptor = {
		.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC, .sizeof_message = sizeof(struct any), .n_fields = 1, .fields = field
	};
	struct any message = *filled;
	struct slice ours, peers;

	message.base.descriptor = &descriptor;
	ours = pack(&message.base);
	peers = pack_peers(&message.base);
	assert_slice_equal(ours, peers);
	slice_free(ours);
	slice_free(peers);
}

static void test_int32(void **state)
{
	static const int32_t numbers[] = { 0, 1, -1, INT32_MIN, INT32_MAX };
	static const uint32_t ids[] = { 1, 15, 16, 2047, 2048, 536870911 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		for (size_t k = 0; k < COUNT_OF(ids); k++) {
			ProtobufCFieldDescriptor field = field_of(PROTOBUF_C_TYPE_INT32, ids[k]);
			struct any message = any_of(NULL);

			message.as.number = numbers[i];
			check_any(&field, &message);
		}
}

/* The member of a oneof that is set travels with its default too; of texts and messages only what is there. */
static void test_oneof_members(void **state)
{
	static const ProtobufCType types[] = { PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_TYPE_BOOL, PROTOBUF_C_TYPE_BYTES,
		                               PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_MESSAGE };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++)
		for (uint32_t which = 0; which < 3; which++) {
			ProtobufCFieldDescriptor field = field_of(types[i], 1);
			struct any message = any_of(NULL);
			char empty[] = "";

			field.flags = PROTOBUF_C_FIELD_FLAG_ONEOF;
			message.which = which;
			check_any(&field, &message);
			if (types[i] == PROTOBUF_C_TYPE_STRING)
				message.as.text = empty;
			check_any(&field, &message);
		}
}

static void test_known_types_and_labels(void **state)
{
	static const struct {
		const char *name;
		ProtobufCType type;
		ProtobufCLabel label;
		bool can;
	} vectors[] = {
		{ "fixed32", PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_LABEL_NONE, false },
		{ "fixed64", PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_LABEL_NONE, false },
		{ "sint32", PROTOBUF_C_TYPE_SINT32, PROTOBUF_C_LABEL_NONE, false },
		{ "double", PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_LABEL_NONE, false },
		{ "repeated_number", PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_LABEL_REPEATED, false },
		{ "optional_number", PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_LABEL_OPTIONAL, false },
		{ "required_bytes", PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_LABEL_REQUIRED, false },
		{ "number", PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_LABEL_NONE, true },
		{ "repeated_bytes", PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_LABEL_REPEATED, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		ProtobufCFieldDescriptor leaf = { .type = vectors[i].type, .label = vectors[i].label };
		ProtobufCMessageDescriptor inner = { .n_fields = 1, .fields = &leaf };
		ProtobufCFieldDescriptor field = { .type = PROTOBUF_C_TYPE_MESSAGE,
			                           .label = PROTOBUF_C_LABEL_NONE,
			                           .descriptor = &inner };
		ProtobufCMessageDescriptor outer = { .n_fields = 1, .fields = &field };

		if (wire_can_pack(&inner) != vectors[i].can || wire_can_pack(&outer) != vectors[i].can)
			fail_msg("%s", vectors[i].name);
	}
}

static void test_response_is_within_reach(void **state)
{
	(void)state;
	assert_true(wire_can_pack(&assay__v1__response__descriptor));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_messages),
		cmocka_unit_test(test_empty_messages),
		cmocka_unit_test(test_every_size_of_room),
		cmocka_unit_test(test_int32),
		cmocka_unit_test(test_oneof_members),
		cmocka_unit_test(test_known_types_and_labels),
		cmocka_unit_test(test_response_is_within_reach),
	};
	int failed;

	arena_init(&arena, (size_t)256 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return failed;
}
