/*
 * Goal:   no octets make the decoder fault; what it takes is a message whose bytes lie in the input and that says the
 *         same after protobuf-c has packed it.
 * Method: the input is a Request. What came out is packed by protobuf-c, decoded again by both, and packed again; our
 *         own packer writes the same octets.
 */
#include "proto/wire/pack.h"
#include "proto/wire/unpack.h"

#include "assay.pb-c.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct slice input, ProtobufCBinaryData bytes)
{
	ASSERT(bytes.len == 0 || (bytes.data >= input.ptr && bytes.len <= input.len &&
	                          (size_t)(bytes.data - input.ptr) <= input.len - bytes.len));
}

static void check_envelope(struct slice input, const Assay__V1__Envelope *envelope)
{
	if (!envelope)
		return;
	ASSERT(strlen(envelope->client_ip) <= input.len);
	check_inside(input, envelope->helo);
	check_inside(input, envelope->mail_from);
	check_inside(input, envelope->authserv_id);
	ASSERT(envelope->n_rcpt_to <= WIRE_REPEATED_MAX);
	for (size_t i = 0; i < envelope->n_rcpt_to; i++)
		check_inside(input, envelope->rcpt_to[i]);
}

static void check_digest(struct slice input, const Assay__V1__CheckDigest *check)
{
	check_envelope(input, check->envelope);
	check_inside(input, check->header);
	for (size_t i = 0; i < check->n_digests; i++)
		check_inside(input, check->digests[i]->digest);
}

static void check_seal(struct slice input, const Assay__V1__Seal *seal)
{
	check_envelope(input, seal->envelope);
	check_inside(input, seal->message);
	check_inside(input, seal->domain);
	check_inside(input, seal->authentication_results);
}

static void check_request(struct slice input, const Assay__V1__Request *request)
{
	check_inside(input, request->id);
	switch (request->call_case) {
	case ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE:
		check_envelope(input, request->check_message->envelope);
		check_inside(input, request->check_message->message);
		break;
	case ASSAY__V1__REQUEST__CALL_CHECK_SENDER: check_envelope(input, request->check_sender->envelope); break;
	case ASSAY__V1__REQUEST__CALL_CHECK_DIGEST: check_digest(input, request->check_digest); break;
	case ASSAY__V1__REQUEST__CALL_TLS_POLICY: check_inside(input, request->tls_policy->mx_host); break;
	case ASSAY__V1__REQUEST__CALL_STATUS: ASSERT(request->status); break;
	case ASSAY__V1__REQUEST__CALL_SEAL: check_seal(input, request->seal); break;
	default: ASSERT(request->call_case == ASSAY__V1__REQUEST__CALL__NOT_SET);
	}
}

static int unpack(struct slice input, struct arena *arena, Assay__V1__Request **out)
{
	ProtobufCMessage *message = NULL;
	const char *problem = NULL;
	int result = wire_unpack(&assay__v1__request__descriptor, input, arena, &message, &problem);

	ASSERT(result == 0 || result == WIRE_INVALID || result == -ENOMEM);
	ASSERT(problem && (result == WIRE_INVALID) == (*problem != 0));
	*out = (Assay__V1__Request *)(void *)message;
	return result;
}

static void check_packed_by_us(const Assay__V1__Request *request, struct slice peers)
{
	uint8_t *packed = malloc(peers.len + 1);

	if (request->base.n_unknown_fields == 0) {
		ASSERT(packed && wire_pack(&request->base, packed, peers.len) == peers.len);
		ASSERT(slice_equal(slice_of(packed, peers.len), peers));
	}
	free(packed);
}

static struct slice pack(const Assay__V1__Request *request)
{
	size_t len = assay__v1__request__get_packed_size(request);
	uint8_t *packed = malloc(len + 1);

	ASSERT(packed && assay__v1__request__pack(request, packed) == len);
	check_packed_by_us(request, slice_of(packed, len));
	return slice_of(packed, len);
}

static void check_packed_again(const Assay__V1__Request *request, struct arena *arena)
{
	struct slice packed = pack(request), again;
	Assay__V1__Request *same, *peers;

	ASSERT(unpack(packed, arena, &same) == 0);
	again = pack(same);
	ASSERT(slice_equal(packed, again));
	free((void *)(uintptr_t)again.ptr);
	peers = assay__v1__request__unpack(NULL, packed.len, packed.ptr);
	ASSERT(peers);
	again = pack(peers);
	ASSERT(slice_equal(packed, again));
	free((void *)(uintptr_t)again.ptr);
	assay__v1__request__free_unpacked(peers, NULL);
	free((void *)(uintptr_t)packed.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);
	Assay__V1__Request *request;
	struct arena arena, small;

	arena_init(&arena, (size_t)64 << 20);
	arena_init(&small, size * 4);
	if (unpack(input, &arena, &request) == 0) {
		check_request(input, request);
		check_packed_again(request, &arena);
	}
	if (unpack(input, &small, &request) == 0)
		check_request(input, request);
	arena_deinit(&small);
	arena_deinit(&arena);
	return 0;
}
