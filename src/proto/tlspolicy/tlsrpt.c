#include "proto/tlspolicy/tlsrpt.h"

#include "proto/tlspolicy/txt_fields.h"

#include <string.h>

/* The characters of RFC 3986, percent signs in their place, without "!" "," and ";", which section 3 wants encoded. */
static bool is_uri_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];

		if (c == '%' && (i + 2 >= s.len || !memchr("0123456789abcdefABCDEF", s.ptr[i + 1], 22) ||
		                 !memchr("0123456789abcdefABCDEF", s.ptr[i + 2], 22)))
			return false;
		if (!octet_is_alnum(c) && !memchr("-._~:/?#[]@$&'()*+=%", c, 20))
			return false;
	}
	return true;
}

/* mailto: a mailbox; https: a host of two labels at least. */
static bool is_address(struct slice uri)
{
	struct slice rest = uri, scheme = slice_cut(&rest, ':'), host;
	size_t at = slice_find(rest, '@');

	if (!is_uri_text(uri))
		return false;
	if (slice_equal_nocase(scheme, SLICE("mailto")))
		return at != SLICE_NOT_FOUND && at > 0 && at + 1 < rest.len;
	if (!slice_equal_nocase(scheme, SLICE("https")) || !slice_starts_with(rest, SLICE("//")))
		return false;
	rest = slice_from(rest, 2);
	host = slice_cut(&rest, '/');
	at = slice_find(host, '.');
	return at != SLICE_NOT_FOUND && at > 0 && at + 1 < host.len;
}

/* tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri) */
static bool rua_take(struct slice list, struct tlsrpt_record *record)
{
	while (list.ptr) {
		struct slice uri = slice_trim_wsp(slice_cut(&list, ','));

		if (!is_address(uri) || record->rua_count == TLSRPT_URIS_MAX)
			return false;
		record->rua[record->rua_count++] = uri;
	}
	return true;
}

enum tlsrpt_record_result tlsrpt_record_parse(struct slice text, struct tlsrpt_record *out)
{
	struct slice rest, name, value;
	enum txt_field next;

	if (!txt_version(text, SLICE("v=TLSRPTv1"), &rest))
		return TLSRPT_RECORD_OTHER;
	out->rua_count = 0;
	while ((next = txt_field_next(&rest, &name, &value)) == TXT_FIELD)
		if (slice_equal(name, SLICE("rua")) ? !rua_take(value, out) : !txt_extension_value(value))
			return TLSRPT_RECORD_INVALID;
	return next == TXT_FIELDS_END && out->rua_count > 0 ? TLSRPT_RECORD_OK : TLSRPT_RECORD_INVALID;
}
