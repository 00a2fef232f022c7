#include "proto/dkim/tagwords.h"

bool dkim_algorithm_read(struct slice value, enum public_key_kind *kind_out, enum hash_algorithm *hash_out)
{
	static const struct {
		const char *name;
		enum public_key_kind kind;
		enum hash_algorithm hash;
	} known[] = {
		{ "rsa-sha256", PUBLIC_KEY_RSA, HASH_SHA256 },
		{ "ed25519-sha256", PUBLIC_KEY_ED25519, HASH_SHA256 },
		{ "rsa-sha1", PUBLIC_KEY_RSA, HASH_SHA1 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (slice_equal_nocase(value, slice_of_str(known[i].name))) {
			*kind_out = known[i].kind;
			*hash_out = known[i].hash;
			return true;
		}
	}
	return false;
}

static bool canon_word(struct slice word, enum canonicalization *out)
{
	*out = slice_equal_nocase(word, SLICE("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
	return *out == CANON_RELAXED || slice_equal_nocase(word, SLICE("simple"));
}

bool dkim_canonicalizations_read(const struct dkim_tag *tag, enum canonicalization *header_out,
                                 enum canonicalization *body_out)
{
	struct slice body, header;

	*header_out = *body_out = CANON_SIMPLE;
	if (!tag)
		return true;
	body = tag->value;
	header = slice_cut(&body, '/');
	if (!body.ptr) /* one word names that of the header */
		body = SLICE("simple");
	return canon_word(header, header_out) && canon_word(body, body_out);
}

static bool all_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!octet_is_digit(s.ptr[i]))
			return false;
	return s.len > 0;
}

bool dkim_number_read(struct slice value, size_t digits_finite, uint64_t *out)
{
	if (!all_digits(value))
		return false;
	if (!slice_to_u64(value, digits_finite, out))
		*out = UINT64_MAX;
	return true;
}

bool dkim_length_read(const struct dkim_tag *tag, bool *has_out, uint64_t *out)
{
	*has_out = tag != NULL;
	return !tag || (tag->value.len <= DKIM_LENGTH_DIGITS_MAX &&
	                dkim_number_read(tag->value, DKIM_LENGTH_DIGITS_MAX, out));
}
