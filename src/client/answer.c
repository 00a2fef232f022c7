#include "client/answer.h"

#include <string.h>

#include "client/answer_parts.h"
#include "client/failure.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

struct assay_answer {
	struct answer_memory memory;
	const struct assay_verdict *verdict;
	const struct assay_tls_policy *tls_policy;
	const struct assay_seal *seal;
	const struct assay_status *status;
};

struct assay_text answer_text(ProtobufCBinaryData data)
{
	return data.len ? (struct assay_text){ (const char *)data.data, data.len } : (struct assay_text){ "", 0 };
}

const char *answer_string(const char *string)
{
	return string ? string : "";
}

const char *const *answer_strings(char **strings)
{
	return (const char *const *)strings;
}

struct assay_reason answer_reason(const Assay__V1__Reason *wire)
{
	if (!wire)
		return (struct assay_reason){ "", "", "" };
	return (struct assay_reason){ answer_string(wire->text), answer_string(wire->fix), answer_string(wire->code) };
}

static enum assay_error error_of(const Assay__V1__Error *wire, struct assay_failure *failure)
{
	static const enum assay_error errors[] = {
		[ASSAY__V1__ERROR__CODE__INVALID] = ASSAY_ERROR_INVALID,
		[ASSAY__V1__ERROR__CODE__TOO_LARGE] = ASSAY_ERROR_TOO_LARGE,
		[ASSAY__V1__ERROR__CODE__OVERLOADED] = ASSAY_ERROR_OVERLOADED,
		[ASSAY__V1__ERROR__CODE__DEADLINE] = ASSAY_ERROR_DEADLINE,
		[ASSAY__V1__ERROR__CODE__UNSUPPORTED] = ASSAY_ERROR_UNSUPPORTED,
		[ASSAY__V1__ERROR__CODE__INTERNAL] = ASSAY_ERROR_INTERNAL,
	};
	enum assay_error error = ASSAY_ERROR_INTERNAL;

	if ((int)wire->code >= 0 && (size_t)wire->code < COUNT_OF(errors) && errors[wire->code] != ASSAY_OK)
		error = errors[wire->code];
	return failure_set(failure, error, "%s", answer_string(wire->text));
}

static enum assay_error no_memory(const struct assay_answer *answer, struct assay_failure *failure)
{
	if (answer->memory.too_large)
		return failure_set(failure, ASSAY_ERROR_PROTOCOL, "the server's reply takes more memory than any reply may");
	return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for the server's reply");
}

/* Fills the part of the answer that the call `expected` asks for. */
static enum assay_error answer_fill(struct assay_answer *answer, const Assay__V1__Response *wire,
				    Assay__V1__Response__ResultCase expected, struct assay_failure *failure)
{
	if (wire->result_case == ASSAY__V1__RESPONSE__RESULT_ERROR)
		return error_of(wire->error, failure);
	if (wire->result_case != expected)
		return failure_set(failure, ASSAY_ERROR_PROTOCOL, "the server's reply is to another call");
	switch (expected) {
	case ASSAY__V1__RESPONSE__RESULT_VERDICT:
		answer->verdict = answer_verdict(&answer->memory, wire->verdict);
		break;
	case ASSAY__V1__RESPONSE__RESULT_SENDER_VERDICT:
		answer->verdict = answer_verdict(&answer->memory, wire->sender_verdict);
		break;
	case ASSAY__V1__RESPONSE__RESULT_TLS_POLICY:
		answer->tls_policy = answer_tls_policy(&answer->memory, wire->tls_policy);
		break;
	case ASSAY__V1__RESPONSE__RESULT_SEAL: answer->seal = answer_seal(&answer->memory, wire->seal); break;
	case ASSAY__V1__RESPONSE__RESULT_STATUS: answer->status = answer_status(&answer->memory, wire->status); break;
	default: return failure_set(failure, ASSAY_ERROR_PROTOCOL, "the server's reply is empty");
	}
	return answer->memory.failed ? no_memory(answer, failure) : ASSAY_OK;
}

static enum assay_error answer_unpack(struct assay_answer *answer, const uint8_t *octets, size_t count,
				      ProtobufCBinaryData id, Assay__V1__Response__ResultCase expected,
				      struct assay_failure *failure)
{
	const Assay__V1__Response *wire = assay__v1__response__unpack(&answer->memory.allocator, count, octets);

	if (answer->memory.failed)
		return no_memory(answer, failure);
	if (!wire)
		return failure_set(failure, ASSAY_ERROR_PROTOCOL, "the server's reply is no assay.v1.Response");
	if (wire->id.len != id.len || (id.len && memcmp(wire->id.data, id.data, id.len) != 0))
		return failure_set(failure, ASSAY_ERROR_PROTOCOL, "the server's reply is to another request");
	return answer_fill(answer, wire, expected, failure);
}

enum assay_error answer_read(const struct assay_allocator *heap, const uint8_t *octets, size_t count,
			     ProtobufCBinaryData id, Assay__V1__Response__ResultCase expected, struct assay_answer **answer_out,
			     struct assay_failure *failure)
{
	struct assay_answer *answer = HEAP_NEW(heap, struct assay_answer);
	enum assay_error error;

	*answer_out = NULL;
	if (!answer)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for the server's reply");
	answer_memory_init(&answer->memory, heap);
	error = answer_unpack(answer, octets, count, id, expected, failure);
	if (error == ASSAY_OK)
		*answer_out = answer;
	else
		assay_answer_free(answer);
	return error;
}

const struct assay_verdict *assay_answer_verdict(const struct assay_answer *answer)
{
	return answer->verdict;
}

const struct assay_tls_policy *assay_answer_tls_policy(const struct assay_answer *answer)
{
	return answer->tls_policy;
}

const struct assay_seal *assay_answer_seal(const struct assay_answer *answer)
{
	return answer->seal;
}

const struct assay_status *assay_answer_status(const struct assay_answer *answer)
{
	return answer->status;
}

void assay_answer_free(struct assay_answer *answer)
{
	struct assay_allocator heap;

	if (!answer)
		return;
	heap = answer->memory.heap;
	answer_memory_deinit(&answer->memory);
	heap_free(&heap, answer);
}
