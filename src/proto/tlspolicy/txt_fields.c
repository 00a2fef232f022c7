#include "proto/tlspolicy/txt_fields.h"

#include "proto/tlspolicy/limits.h"

static void skip_wsp(struct slice *rest)
{
	while (rest->len && octet_is_wsp(rest->ptr[0]))
		*rest = slice_from(*rest, 1);
}

bool txt_version(struct slice text, struct slice version, struct slice *rest_out)
{
	struct slice rest;

	if (!slice_starts_with(text, version))
		return false;
	rest = slice_from(text, version.len);
	skip_wsp(&rest);
	if (rest.len == 0 || rest.ptr[0] != ';')
		return false;
	*rest_out = slice_from(rest, 1);
	skip_wsp(rest_out);
	return true;
}

bool txt_field_name(struct slice name)
{
	if (name.len == 0 || name.len > TXT_FIELD_NAME_OCTETS_MAX || !octet_is_alnum(name.ptr[0]))
		return false;
	for (size_t i = 1; i < name.len; i++) {
		uint8_t c = name.ptr[i];

		if (!octet_is_alnum(c) && c != '_' && c != '-' && c != '.')
			return false;
	}
	return true;
}

bool txt_extension_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (c < 0x21 || c > 0x7e || c == ';' || c == '=')
			return false;
	}
	return value.len > 0;
}

enum txt_field txt_field_next(struct slice *rest, struct slice *name_out, struct slice *value_out)
{
	struct slice field;
	size_t equals;

	if (rest->len == 0)
		return TXT_FIELDS_END;
	field = slice_cut(rest, ';');
	/* White space stands before a delimiter, not at the end of the record. */
	if (!rest->ptr && octet_is_wsp(field.ptr[field.len - 1]))
		return TXT_FIELDS_MALFORMED;
	field = slice_trim_wsp(field);
	skip_wsp(rest);
	equals = slice_find(field, '=');
	if (equals == SLICE_NOT_FOUND)
		return TXT_FIELDS_MALFORMED;
	*name_out = slice_sub(field, 0, equals);
	*value_out = slice_from(field, equals + 1);
	return txt_field_name(*name_out) ? TXT_FIELD : TXT_FIELDS_MALFORMED;
}
