#include "proto/wire/unpack.h"

#include "base/cursor.h"
#include "proto/wire/types.h"

#include <string.h>

struct unpacker {
	struct arena *arena;
	const char **problem;
};

/* What stands behind a tag: a number, or a length-delimited piece. */
struct wire_value {
	enum wire_type type;
	uint64_t number;
	struct slice octets;
};

static int invalid(const struct unpacker *unpacker, const char *problem)
{
	*unpacker->problem = problem;
	return WIRE_INVALID;
}

static uint64_t take_long_varint(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t octet = cursor_u8(c);

		if (shift < 64)
			value |= (uint64_t)(octet & 0x7f) << shift;
		if (!(octet & 0x80))
			return value;
	}
	c->failed = true;
	return 0;
}

/* Nearly all tags and lengths have one octet. */
static inline uint64_t take_varint(struct cursor *c)
{
	int octet = cursor_peek(c);

	if (octet < 0 || octet >= 0x80)
		return take_long_varint(c);
	c->at++;
	return (uint64_t)octet;
}

static uint64_t take_little_endian(struct cursor *c, size_t octets)
{
	struct slice taken = cursor_take(c, octets);
	uint64_t value = 0;

	for (size_t i = taken.len; i > 0; i--)
		value = value << 8 | taken.ptr[i - 1];
	return value;
}

/* The next field's number and value. Groups (wire types 3 and 4) are not part of proto3. */
static int take_field(const struct unpacker *unpacker, struct cursor *c, uint32_t *number_out,
                      struct wire_value *value_out)
{
	uint64_t tag = take_varint(c), len;

	*number_out = (uint32_t)(tag >> 3);
	*value_out = (struct wire_value){ .type = (enum wire_type)(tag & 7) };
	if (!c->failed && (tag > UINT32_MAX || *number_out == 0))
		return invalid(unpacker, "a field number is out of range");
	switch (value_out->type) {
	case WIRE_VARINT: value_out->number = take_varint(c); break;
	case WIRE_FIXED64: value_out->number = take_little_endian(c, 8); break;
	case WIRE_FIXED32: value_out->number = take_little_endian(c, 4); break;
	case WIRE_LENGTH:
		len = take_varint(c);
		if (len > cursor_left(c))
			return invalid(unpacker, "a field is longer than its message");
		value_out->octets = cursor_take(c, (size_t)len);
		break;
	default: return invalid(unpacker, "an unknown wire type");
	}
	return c->failed ? invalid(unpacker, "the message ends within a field") : 0;
}

static int unpack_message(const struct unpacker *unpacker, const ProtobufCMessageDescriptor *descriptor,
                          struct slice input, unsigned depth, ProtobufCMessage **out);

static int unpack_string(const struct unpacker *unpacker, struct slice octets, char **out)
{
	struct slice copy;

	/* A C string would end early: what follows a NUL must not vanish. */
	if (slice_find(octets, 0) != SLICE_NOT_FOUND)
		return invalid(unpacker, "a string holds a NUL octet");
	TRY(arena_copy(unpacker->arena, octets, &copy));
	memcpy(out, &copy.ptr, sizeof(*out));
	return 0;
}

/* Stores one value at `at`, an element of the field's type. */
static int store(const struct unpacker *unpacker, const ProtobufCFieldDescriptor *field, const struct wire_value *value,
                 unsigned depth, void *at)
{
	if (value->type != wire_type_of(field->type))
		return invalid(unpacker, "a field has another type than in the schema");
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: *(uint32_t *)at = (uint32_t)value->number; return 0;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64: *(uint64_t *)at = value->number; return 0;
	case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)at = value->number != 0; return 0;
	case PROTOBUF_C_TYPE_STRING: return unpack_string(unpacker, value->octets, at);
	case PROTOBUF_C_TYPE_MESSAGE:
		return unpack_message(unpacker, field->descriptor, value->octets, depth + 1, at);
	case PROTOBUF_C_TYPE_BYTES: {
		ProtobufCBinaryData bytes = { .len = value->octets.len };

		memcpy(&bytes.data, &value->octets.ptr, sizeof(bytes.data));
		*(ProtobufCBinaryData *)at = bytes;
		return 0;
	}
	default: return invalid(unpacker, "a type that this decoder does not know");
	}
}

static void *member(ProtobufCMessage *message, unsigned offset)
{
	return (uint8_t *)message + offset;
}

/* How often the field comes from `c` on, which stands behind it for the first time: it is counted in. */
static int count_repeated(const struct unpacker *unpacker, struct cursor c, uint32_t id, size_t *count_out)
{
	struct wire_value value;
	uint32_t number;

	for (*count_out = 1; !cursor_at_end(&c); *count_out += number == id) {
		int result = take_field(unpacker, &c, &number, &value);

		if (result)
			return result;
	}
	return *count_out > WIRE_REPEATED_MAX ? invalid(unpacker, "a field is repeated too often") : 0;
}

/* The first of them makes the array for all; the count so far is what has been stored. */
static int store_repeated(const struct unpacker *unpacker, const ProtobufCFieldDescriptor *field,
                          const struct wire_value *value, struct cursor behind, unsigned depth,
                          ProtobufCMessage *message)
{
	size_t *count = member(message, field->quantifier_offset), all;
	uint8_t **array = member(message, field->offset);
	int result = 0;

	if (!*array) {
		result = count_repeated(unpacker, behind, field->id, &all);
		if (result)
			return result;
		*array = arena_alloc_array(unpacker->arena, all, wire_element_size(field->type));
		if (!*array)
			return -ENOMEM;
	}
	result = store(unpacker, field, value, depth, *array + *count * wire_element_size(field->type));
	if (result == 0)
		(*count)++;
	return result;
}

/* `behind`: what follows the field. */
static int store_field(const struct unpacker *unpacker, const ProtobufCFieldDescriptor *field,
                       const struct wire_value *value, struct cursor behind, unsigned depth, ProtobufCMessage *message)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return store_repeated(unpacker, field, value, behind, depth, message);
	/* The last one wins; the members of a oneof share their memory, which a wider one may have filled. */
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		*(uint32_t *)member(message, field->quantifier_offset) = field->id;
	return store(unpacker, field, value, depth, member(message, field->offset));
}

/* Fields mostly come in the order of their numbers, as they stand in the descriptor: the search begins at the last one found. */
static const ProtobufCFieldDescriptor *field_find(const ProtobufCMessageDescriptor *descriptor, uint32_t number,
                                                  unsigned *last)
{
	unsigned i = *last;

	if (i < descriptor->n_fields && descriptor->fields[i].id > number)
		i = 0;
	while (i < descriptor->n_fields && descriptor->fields[i].id < number)
		i++;
	if (i == descriptor->n_fields || descriptor->fields[i].id != number)
		return NULL;
	*last = i;
	return &descriptor->fields[i];
}

static int unpack_message(const struct unpacker *unpacker, const ProtobufCMessageDescriptor *descriptor,
                          struct slice input, unsigned depth, ProtobufCMessage **out)
{
	struct cursor c = cursor_of(input);
	ProtobufCMessage *message;
	unsigned last = 0;
	int result = 0;

	if (depth > WIRE_DEPTH_MAX)
		return invalid(unpacker, "messages nest too deep");
	message = arena_take(unpacker->arena, descriptor->sizeof_message);
	if (!message)
		return -ENOMEM;
	descriptor->message_init(message);
	while (result == 0 && !cursor_at_end(&c)) {
		const ProtobufCFieldDescriptor *field;
		struct wire_value value;
		uint32_t number;

		result = take_field(unpacker, &c, &number, &value);
		if (result == 0 && (field = field_find(descriptor, number, &last)))
			result = store_field(unpacker, field, &value, c, depth, message);
	}
	*out = message;
	return result;
}

int wire_unpack(const ProtobufCMessageDescriptor *descriptor, struct slice input, struct arena *arena,
                ProtobufCMessage **out, const char **problem)
{
	struct unpacker unpacker = { .arena = arena, .problem = problem };

	*problem = "";
	return unpack_message(&unpacker, descriptor, input, 0, out);
}

bool wire_has_field_between(struct slice input, uint32_t least, uint32_t most)
{
	const char *problem;
	struct unpacker unpacker = { .problem = &problem };
	struct cursor c = cursor_of(input);
	struct wire_value value;
	uint32_t number;

	while (!cursor_at_end(&c) && take_field(&unpacker, &c, &number, &value) == 0)
		if (value.type == WIRE_LENGTH && number >= least && number <= most)
			return true;
	return false;
}

bool wire_can_unpack(const ProtobufCMessageDescriptor *descriptor)
{
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		/* Repeated numbers travel packed, which no request needs. */
		if (wire_element_size(field->type) == 0 ||
		    (field->label == PROTOBUF_C_LABEL_REPEATED && wire_type_of(field->type) != WIRE_LENGTH))
			return false;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && !wire_can_unpack(field->descriptor))
			return false;
	}
	return true;
}
