/*
 * Goal:   no value of a DKIM-Signature, ARC-Message-Signature or ARC-Seal field makes the reader fault, and what it
 *         calls usable is within its bounds.
 * Method: the input is the field's value; it is read in each form.
 */
#include "proto/dkim/signature.h"
#include "proto/mail/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool names(const struct dkim_signature *signature, enum mail_name name)
{
	for (size_t i = 0; i < signature->names.count; i++)
		if (signature->names.items[i].id == name)
			return true;
	return false;
}

static void check_usable(const struct mail_field *field, enum dkim_form form, const struct dkim_signature *signature)
{
	const uint8_t *value = field->value.ptr;
	struct slice area = signature->signature_area;

	ASSERT(domain_is_canonical(signature->query_name) && domain_is_canonical(signature->identity_domain));
	ASSERT(domain_is_equal_or_below(signature->identity_domain, signature->domain_canonical));
	ASSERT(domain_is_below(signature->query_name, signature->domain_canonical));
	ASSERT(signature->body_hash.len == (form == DKIM_FORM_ARC_SEAL ? 0 : dkim_hash_octets(signature->hash)));
	ASSERT(signature->signature.len > 0);
	ASSERT(area.ptr > value && area.ptr[-1] == '=');
	ASSERT(area.ptr + area.len <= value + field->value.len);
	ASSERT(area.ptr + area.len == value + field->value.len || area.ptr[area.len] == ';');
	ASSERT(form != DKIM_FORM_SIGNATURE || names(signature, MAIL_NAME_FROM));
	ASSERT(form == DKIM_FORM_SIGNATURE || !names(signature, MAIL_NAME_ARC_SEAL));
}

static void read_as(enum dkim_form form, struct slice value)
{
	struct mail_field field = { .value = value };
	struct dkim_signature signature;
	struct slice why;
	struct arena arena;
	int result;

	arena_init(&arena, (size_t)64 << 20);
	result = dkim_signature_parse(&field, form, &arena, &signature);
	ASSERT(result == 0 || result == DKIM_SIGNATURE_UNUSABLE);
	ASSERT(signature.signature_start.len <= 500 && signature.signature_start.len <= value.len);
	if (result == 0) {
		check_usable(&field, form, &signature);
	} else {
		ASSERT(signature.fault.result == DKIM_PERMERROR || signature.fault.result == DKIM_NEUTRAL);
		ASSERT(signature.fault.reason.id != REASON_NONE);
		ASSERT(reason_render(&signature.fault.reason, &arena, &why) == 0 && why.len > 0);
	}
	arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_as(DKIM_FORM_SIGNATURE, slice_of(data, size));
	read_as(DKIM_FORM_ARC_MESSAGE_SIGNATURE, slice_of(data, size));
	read_as(DKIM_FORM_ARC_SEAL, slice_of(data, size));
	return 0;
}
