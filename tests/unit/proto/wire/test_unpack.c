/*
 * Goal:   the decoder gives what protobuf-c packed, with bytes that lie in the input, and refuses everything else.
 * Method: refusals as tables of octets; round trips through protobuf-c's packer; every cut of a message, and an arena that
 *         is full at every allocation. Bounds that Request cannot reach are tested with a schema made here.
 */
#include "proto/wire/unpack.h"
#include "unit.h"

#include "assay.pb-c.h"

#include <stdlib.h>

static struct arena arena;

static int unpack_as(const ProtobufCMessageDescriptor *descriptor, struct slice input, ProtobufCMessage **out)
{
	const char *problem = NULL;
	int result;

	arena_reset(&arena);
	result = wire_unpack(descriptor, input, &arena, out, &problem);
	assert_non_null(problem);
	assert_int_equal(result == WIRE_INVALID, *problem != 0);
	return result;
}

static int unpack(struct slice input, Assay__V1__Request **out)
{
	ProtobufCMessage *message = NULL;
	int result = unpack_as(&assay__v1__request__descriptor, input, &message);

	*out = (Assay__V1__Request *)(void *)message;
	return result;
}

static struct slice bytes_of(ProtobufCBinaryData bytes)
{
	return slice_of(bytes.data, bytes.len);
}

static ProtobufCBinaryData bytes_make(const char *text)
{
	ProtobufCBinaryData bytes = { .len = strlen(text) };

	memcpy(&bytes.data, &text, sizeof(bytes.data));
	return bytes;
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct slice input;
	} vectors[] = {
		{ "field_number_0", SLICE_INIT("\0\0") },
		{ "field_number_0_of_bytes", SLICE_INIT("\2\0") },
		{ "field_number_above_29_bits", SLICE_INIT("\200\200\200\200\20\0") },
		{ "field_number_of_64_bits", SLICE_INIT("\370\377\377\377\377\377\377\377\377\1\0") },
		{ "tag_of_11_octets", SLICE_INIT("\220\200\200\200\200\200\200\200\200\200\0\0") },
		{ "group_start", SLICE_INIT("\13") },
		{ "group", SLICE_INIT("\13\14") },
		{ "group_of_unknown_field", SLICE_INIT("\273\7\274\7") },
		{ "group_end", SLICE_INIT("\14") },
		{ "wire_type_6", SLICE_INIT("\16\0\0\0\0\0\0\0\0") },
		{ "wire_type_7", SLICE_INIT("\17\0\0\0\0\0\0\0\0") },
		{ "varint_of_11_octets", SLICE_INIT("\20\200\200\200\200\200\200\200\200\200\200\0") },
		{ "varint_without_end", SLICE_INIT("\20\200\200\200\200\200\200\200\200\200\200\200\200\200\200\200\200") },
		{ "varint_cut", SLICE_INIT("\20\200") },
		{ "tag_cut", SLICE_INIT("\220") },
		{ "value_missing", SLICE_INIT("\20") },
		{ "length_beyond_end", SLICE_INIT("\12\2a") },
		{ "length_of_64_bits", SLICE_INIT("\12\377\377\377\377\377\377\377\377\377\1a") },
		{ "length_wraps", SLICE_INIT("\12\376\377\377\377\377\377\377\377\377\1a") },
		{ "unknown_fixed64_cut", SLICE_INIT("\271\7\1\2\3\4\5\6\7") },
		{ "unknown_fixed32_cut", SLICE_INIT("\275\7\1\2\3") },
		{ "unknown_length_cut", SLICE_INIT("\272\7\3ab") },
		{ "bytes_as_varint", SLICE_INIT("\10\1") },
		{ "bytes_as_fixed64", SLICE_INIT("\11\1\2\3\4\5\6\7\10") },
		{ "bytes_as_fixed32", SLICE_INIT("\15\1\2\3\4") },
		{ "number_as_bytes", SLICE_INIT("\22\1a") },
		{ "number_as_fixed32", SLICE_INIT("\25\1\2\3\4") },
		{ "message_as_varint", SLICE_INIT("\120\1") },
		{ "fault_in_inner_message", SLICE_INIT("\122\1\12") },
		{ "fault_in_innermost_message", SLICE_INIT("\122\3\12\1\12") },
		{ "inner_length_beyond_inner_end", SLICE_INIT("\122\4\12\2\12\1a") },
		{ "string_with_nul", SLICE_INIT("\122\7\12\5\12\3a\0b") },
		{ "string_ends_in_nul", SLICE_INIT("\122\6\12\4\12\2a\0") },
		{ "repeated_as_varint", SLICE_INIT("\122\4\12\2\40\1") },
		{ "fault_behind_good_fields", SLICE_INIT("\12\2id\20\1\13") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		Assay__V1__Request *request;

		if (unpack(vectors[i].input, &request) != WIRE_INVALID)
			fail_msg("%s: not refused", vectors[i].name);
	}
}

static void test_empty_input_has_every_default(void **state)
{
	Assay__V1__Request *request;

	(void)state;
	assert_int_equal(unpack(SLICE_EMPTY, &request), 0);
	assert_int_equal(request->id.len, 0);
	assert_int_equal(request->deadline_ms, 0);
	assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL__NOT_SET);
	assert_int_equal(unpack(SLICE("\122\0"), &request), 0);
	assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE);
	assert_null(request->check_message->envelope);
	assert_int_equal(unpack(SLICE("\122\2\12\0"), &request), 0);
	assert_string_equal(request->check_message->envelope->client_ip, "");
	assert_int_equal(request->check_message->envelope->n_rcpt_to, 0);
}

static void test_unknown_fields_are_skipped(void **state)
{
	static const struct {
		const char *name;
		struct slice field;
	} vectors[] = {
		{ "varint", SLICE_INIT("\270\7\226\1") },
		{ "fixed64", SLICE_INIT("\271\7\1\2\3\4\5\6\7\10") },
		{ "length", SLICE_INIT("\272\7\5\12\377\377\377\377") },
		{ "length_0", SLICE_INIT("\272\7\0") },
		{ "fixed32", SLICE_INIT("\275\7\1\2\3\4") },
		{ "highest_number", SLICE_INIT("\370\377\377\377\17\1") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		uint8_t octets[64];
		struct slice field = vectors[i].field;
		Assay__V1__Request *request;

		memcpy(octets, "\12\2id", 4);
		memcpy(octets + 4, field.ptr, field.len);
		memcpy(octets + 4 + field.len, "\20\7", 2);
		if (unpack(slice_of(octets, field.len + 6), &request) != 0)
			fail_msg("%s: refused", vectors[i].name);
		assert_slice_equal(bytes_of(request->id), SLICE("id"));
		assert_int_equal(request->deadline_ms, 7);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *name;
		struct slice input;
		uint32_t deadline_ms;
	} vectors[] = {
		{ "zero", SLICE_INIT("\20\0"), 0 },
		{ "longer_than_needed", SLICE_INIT("\20\207\200\0"), 7 },
		{ "ten_octets", SLICE_INIT("\20\207\200\200\200\200\200\200\200\200\0"), 7 },
		{ "largest", SLICE_INIT("\20\377\377\377\377\17"), UINT32_MAX },
		/* As every protobuf decoder: a 32-bit field takes the low bits. */
		{ "above_32_bits", SLICE_INIT("\20\201\200\200\200\20"), 1 },
		{ "last_one_wins", SLICE_INIT("\20\1\20\2\20\3"), 3 },
		{ "tag_longer_than_needed", SLICE_INIT("\220\0\5"), 5 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		Assay__V1__Request *request;

		if (unpack(vectors[i].input, &request) != 0)
			fail_msg("%s: refused", vectors[i].name);
		assert_int_equal(request->deadline_ms, vectors[i].deadline_ms);
	}
}

/* The last one wins, whatever came before: nothing of the first call may shine through the second. */
static void test_oneof_given_twice(void **state)
{
	Assay__V1__Request *request;

	(void)state;
	assert_int_equal(unpack(SLICE("\122\3\22\1m\362\1\0"), &request), 0);
	assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL_STATUS);
	assert_ptr_equal(request->status->base.descriptor, &assay__v1__status__descriptor);
	assert_int_equal(unpack(SLICE("\362\1\0\122\3\22\1m"), &request), 0);
	assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE);
	assert_slice_equal(bytes_of(request->check_message->message), SLICE("m"));
	assert_int_equal(unpack(SLICE("\122\3\22\1m\122\2\12\0"), &request), 0);
	assert_non_null(request->check_message->envelope);
	assert_int_equal(request->check_message->message.len, 0);
}

/* --- round trips --- */

static Assay__V1__Envelope envelope;
static Assay__V1__CheckMessage check_message = ASSAY__V1__CHECK_MESSAGE__INIT;
static Assay__V1__CheckDigest check_digest = ASSAY__V1__CHECK_DIGEST__INIT;
static Assay__V1__BodyDigest digests[3] = { ASSAY__V1__BODY_DIGEST__INIT, ASSAY__V1__BODY_DIGEST__INIT,
	                                    ASSAY__V1__BODY_DIGEST__INIT };

static void envelope_fill(void)
{
	static ProtobufCBinaryData rcpt_to[3];
	static char client_ip[] = "2001:db8::1";

	assay__v1__envelope__init(&envelope);
	rcpt_to[0] = bytes_make("a@example.org");
	rcpt_to[1] = bytes_make("");
	rcpt_to[2] = bytes_make("c@example.org");
	envelope.client_ip = client_ip;
	envelope.helo = bytes_make("mta.example.org");
	envelope.mail_from = bytes_make("sender@example.org");
	envelope.n_rcpt_to = 3;
	envelope.rcpt_to = rcpt_to;
	envelope.received_at = INT64_MIN;
}

/* `request` packed, in memory of exactly its size; to be freed. */
static struct slice pack(const Assay__V1__Request *request)
{
	size_t len = assay__v1__request__get_packed_size(request);
	uint8_t *packed = malloc(len);

	assert_non_null(packed);
	assert_int_equal(assay__v1__request__pack(request, packed), len);
	return slice_of(packed, len);
}

static void slice_free(struct slice s)
{
	free((void *)(uintptr_t)s.ptr);
}

static struct slice pack_message(void)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;

	envelope_fill();
	check_message.envelope = &envelope;
	check_message.message = bytes_make("From: a@example.org\r\n\r\nbody\r\n");
	request.id = bytes_make("queue-id");
	request.deadline_ms = 20000;
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	request.check_message = &check_message;
	return pack(&request);
}

static struct slice pack_digest(void)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	static Assay__V1__BodyDigest *pointers[3];

	for (unsigned i = 0; i < 3; i++) {
		digests[i].canonicalization = i % 2;
		digests[i].hash = ASSAY__V1__BODY_DIGEST__HASH__SHA256;
		digests[i].octets_max = UINT64_MAX - i;
		digests[i].has_octets_max = i != 1;
		digests[i].digest = bytes_make("0123456789abcdef0123456789abcdef");
		pointers[i] = &digests[i];
	}
	envelope_fill();
	check_digest.envelope = &envelope;
	check_digest.header = bytes_make("From: a@example.org\r\n");
	check_digest.n_digests = 3;
	check_digest.digests = pointers;
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_DIGEST;
	request.check_digest = &check_digest;
	return pack(&request);
}

static void check_inside(struct slice input, ProtobufCBinaryData bytes, const char *text)
{
	assert_slice_equal(bytes_of(bytes), slice_of_str(text));
	assert_true(bytes.data >= input.ptr && bytes.data + bytes.len <= input.ptr + input.len);
}

static void check_envelope(struct slice input, const Assay__V1__Envelope *got)
{
	assert_string_equal(got->client_ip, "2001:db8::1");
	check_inside(input, got->helo, "mta.example.org");
	check_inside(input, got->mail_from, "sender@example.org");
	assert_int_equal(got->n_rcpt_to, 3);
	check_inside(input, got->rcpt_to[0], "a@example.org");
	check_inside(input, got->rcpt_to[1], "");
	check_inside(input, got->rcpt_to[2], "c@example.org");
	assert_true(got->received_at == INT64_MIN);
	assert_int_equal(got->authserv_id.len, 0);
}

static void test_round_trip_of_check_message(void **state)
{
	struct slice input = pack_message();
	Assay__V1__Request *request;

	(void)state;
	assert_int_equal(unpack(input, &request), 0);
	check_inside(input, request->id, "queue-id");
	assert_int_equal(request->deadline_ms, 20000);
	assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE);
	check_envelope(input, request->check_message->envelope);
	check_inside(input, request->check_message->message, "From: a@example.org\r\n\r\nbody\r\n");
	slice_free(input);
}

static void test_round_trip_of_check_digest(void **state)
{
	struct slice input = pack_digest();
	Assay__V1__CheckDigest *got;
	Assay__V1__Request *request;

	(void)state;
	assert_int_equal(unpack(input, &request), 0);
	got = request->check_digest;
	check_envelope(input, got->envelope);
	check_inside(input, got->header, "From: a@example.org\r\n");
	assert_int_equal(got->n_digests, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(got->digests[i]->canonicalization, i % 2);
		assert_true(got->digests[i]->octets_max == UINT64_MAX - i);
		assert_int_equal(got->digests[i]->has_octets_max, i != 1);
		check_inside(input, got->digests[i]->digest, "0123456789abcdef0123456789abcdef");
	}
	slice_free(input);
}

/* protobuf-c packs again what was decoded, to the same octets: nothing was lost or added. */
static void test_packs_again_to_the_same(void **state)
{
	struct slice (*const packers[])(void) = { pack_message, pack_digest };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(packers); i++) {
		struct slice input = packers[i](), again;
		Assay__V1__Request *request;

		assert_int_equal(unpack(input, &request), 0);
		again = pack(request);
		assert_true(slice_equal(again, input));
		slice_free(again);
		slice_free(input);
	}
}

/* A string is a copy with a NUL: the input's next octet belongs to another field. */
static void test_strings_are_copies(void **state)
{
	Assay__V1__Request *request;

	(void)state;
	assert_int_equal(unpack(SLICE("\122\7\12\5\12\3abc\20\1"), &request), 0);
	assert_string_equal(request->check_message->envelope->client_ip, "abc");
}

/* --- every cut, every allocation --- */

static void test_cut_at_every_octet(void **state)
{
	struct slice (*const packers[])(void) = { pack_message, pack_digest };
	unsigned refused = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(packers); i++) {
		struct slice input = packers[i]();

		for (size_t len = 0; len < input.len; len++) {
			uint8_t *octets = malloc(len ? len : 1);
			Assay__V1__Request *request;
			int result;

			assert_non_null(octets);
			memcpy(octets, input.ptr, len);
			result = unpack(slice_of(octets, len), &request);
			assert_true(result == 0 || result == WIRE_INVALID);
			refused += result == WIRE_INVALID;
			/* A cut between fields is a shorter message; its call, which packs last, is never half there. */
			if (result == 0)
				assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL__NOT_SET);
			free(octets);
		}
		slice_free(input);
	}
	assert_true(refused > 100);
}

static void test_full_at_every_allocation(void **state)
{
	struct slice (*const packers[])(void) = { pack_message, pack_digest };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(packers); i++) {
		struct slice input = packers[i]();
		unsigned failed = 0;
		int result = -ENOMEM;

		for (size_t bytes_max = 0; result != 0; bytes_max += 16) {
			struct arena small;
			ProtobufCMessage *message;
			const char *problem;

			arena_init(&small, bytes_max);
			result = wire_unpack(&assay__v1__request__descriptor, input, &small, &message, &problem);
			assert_true(result == 0 || result == -ENOMEM);
			assert_int_equal(small.full, result != 0);
			failed += result != 0;
			arena_deinit(&small);
		}
		assert_true(failed >= 5);
		slice_free(input);
	}
}

/* --- bounds --- */

static void test_repeated_bound(void **state)
{
	size_t len = WIRE_REPEATED_MAX * 2;
	uint8_t *octets = malloc(len + 2);
	ProtobufCMessage *message;

	(void)state;
	assert_non_null(octets);
	for (size_t at = 0; at < len + 2; at += 2)
		memcpy(octets + at, "\42\0", 2); /* Envelope.rcpt_to, empty */
	assert_int_equal(unpack_as(&assay__v1__envelope__descriptor, slice_of(octets, len + 2), &message), WIRE_INVALID);
	assert_int_equal(unpack_as(&assay__v1__envelope__descriptor, slice_of(octets, len), &message), 0);
	assert_int_equal(((Assay__V1__Envelope *)(void *)message)->n_rcpt_to, WIRE_REPEATED_MAX);
	free(octets);
}

/* A message that has only itself inside. */
struct nested {
	ProtobufCMessage base;
	struct nested *child;
};

static void nested_init(ProtobufCMessage *message);

static const ProtobufCMessageDescriptor nested_descriptor;
static const ProtobufCFieldDescriptor nested_fields[] = {
	{ .name = "child",
	  .id = 1,
	  .label = PROTOBUF_C_LABEL_NONE,
	  .type = PROTOBUF_C_TYPE_MESSAGE,
	  .offset = offsetof(struct nested, child),
	  .descriptor = &nested_descriptor },
};
static const ProtobufCIntRange nested_ranges[] = { { 1, 0 }, { 0, 1 } };
static const ProtobufCMessageDescriptor nested_descriptor = {
	.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
	.name = "nested",
	.sizeof_message = sizeof(struct nested),
	.n_fields = 1,
	.fields = nested_fields,
	.n_field_ranges = 1,
	.field_ranges = nested_ranges,
	.message_init = nested_init,
};

static void nested_init(ProtobufCMessage *message)
{
	*(struct nested *)(void *)message = (struct nested){ .base = { .descriptor = &nested_descriptor } };
}

static void test_depth_bound(void **state)
{
	uint8_t octets[2 * (WIRE_DEPTH_MAX + 2)] = { 0 };
	ProtobufCMessage *message;

	(void)state;
	for (unsigned depth = 0; depth <= WIRE_DEPTH_MAX + 1; depth++) {
		size_t len = 2 * (size_t)depth;
		const struct nested *at;

		for (unsigned i = 0; i < depth; i++)
			memcpy(octets + 2 * i, (uint8_t[]){ 0x0a, (uint8_t)(2 * (depth - 1 - i)) }, 2);
		if (depth > WIRE_DEPTH_MAX) {
			assert_int_equal(unpack_as(&nested_descriptor, slice_of(octets, len), &message), WIRE_INVALID);
			continue;
		}
		assert_int_equal(unpack_as(&nested_descriptor, slice_of(octets, len), &message), 0);
		at = (struct nested *)(void *)message;
		for (unsigned i = 0; i < depth; i++)
			at = at->child;
		assert_null(at->child);
	}
}

/* --- which schemas --- */

static void test_unknown_field_types_are_known_beforehand(void **state)
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
		{ "repeated_uint32", PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_LABEL_REPEATED, false },
		{ "repeated_bool", PROTOBUF_C_TYPE_BOOL, PROTOBUF_C_LABEL_REPEATED, false },
		{ "repeated_bytes", PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_LABEL_REPEATED, true },
		{ "uint32", PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_LABEL_NONE, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		ProtobufCFieldDescriptor inner_field = { .name = "f", .id = 1, .label = vectors[i].label, .type = vectors[i].type };
		ProtobufCMessageDescriptor inner = { .n_fields = 1, .fields = &inner_field };
		ProtobufCFieldDescriptor field = { .name = "m", .id = 1, .type = PROTOBUF_C_TYPE_MESSAGE, .descriptor = &inner };
		ProtobufCMessageDescriptor outer = { .n_fields = 1, .fields = &field };

		if (wire_can_unpack(&inner) != vectors[i].can || wire_can_unpack(&outer) != vectors[i].can)
			fail_msg("%s", vectors[i].name);
	}
}

static void test_request_is_within_reach(void **state)
{
	(void)state;
	assert_true(wire_can_unpack(&assay__v1__request__descriptor));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_empty_input_has_every_default),
		cmocka_unit_test(test_unknown_fields_are_skipped),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_oneof_given_twice),
		cmocka_unit_test(test_round_trip_of_check_message),
		cmocka_unit_test(test_round_trip_of_check_digest),
		cmocka_unit_test(test_packs_again_to_the_same),
		cmocka_unit_test(test_strings_are_copies),
		cmocka_unit_test(test_cut_at_every_octet),
		cmocka_unit_test(test_full_at_every_allocation),
		cmocka_unit_test(test_repeated_bound),
		cmocka_unit_test(test_depth_bound),
		cmocka_unit_test(test_unknown_field_types_are_known_beforehand),
		cmocka_unit_test(test_request_is_within_reach),
	};
	int failed;

	arena_init(&arena, 16 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return failed;
}
