#include "proto/dkim/key.h"

#include "base/base64.h"
#include "proto/dkim/der.h"

#define ED25519_OCTETS      32
#define ED25519_VERIFY_NS   150000
#define RSA_VERIFY_NS       2000 /* and for each multiplication so much for each pair of 64-bit words of the modulus: */
#define RSA_PAIR_NS(pairs)  ((pairs) * 6 / 5)
#define RSA_EXPONENT_OCTETS 4 /* e < 2^32: the cost of a verification grows with its size as with the modulus's */

static struct slice value_or(const struct dkim_taglist *list, struct slice name, struct slice otherwise)
{
	const struct dkim_tag *tag = dkim_taglist_find(list, name);

	return tag ? tag->value : otherwise;
}

/* RFC 6376 section 3.6.1: v=, where there is one, comes first and is exactly DKIM1; p= is required. */
static bool is_key_record(const struct dkim_taglist *list)
{
	const struct dkim_tag *version = dkim_taglist_find(list, SLICE("v"));

	if (!version)
		return dkim_taglist_find(list, SLICE("p"));
	return version == &list->tags[0] && slice_equal(version->value, SLICE("DKIM1"));
}

static bool is_odd(struct slice number)
{
	return number.ptr[number.len - 1] & 1;
}

static unsigned bits_of(struct slice number)
{
	unsigned high = 0;

	for (uint8_t first = number.ptr[0]; first; first >>= 1)
		high++;
	return 8 * (unsigned)(number.len - 1) + high;
}

/* Whatever of a key's numbers makes arithmetic with it dear or a forgery cheap; STANDARDS 2.8. */
static bool rsa_numbers_are_sound(struct slice n, struct slice e)
{
	return is_odd(n) && is_odd(e) && e.len <= RSA_EXPONENT_OCTETS && (e.len > 1 || e.ptr[0] >= 3);
}

static enum dkim_key_fault rsa_key(struct slice octets, struct public_key *key)
{
	if (!der_rsa_public_key(octets, &key->modulus, &key->exponent))
		return DKIM_KEY_MALFORMED;
	key->bits = bits_of(key->modulus);
	return rsa_numbers_are_sound(key->modulus, key->exponent) ? DKIM_KEY_USABLE : DKIM_KEY_BAD_NUMBERS;
}

/* RFC 8463 section 4.2: the octets themselves, without ASN.1 around them. */
static enum dkim_key_fault ed25519_key(struct slice octets, struct public_key *key)
{
	key->point = octets;
	key->bits = 8 * ED25519_OCTETS;
	return octets.len == ED25519_OCTETS ? DKIM_KEY_USABLE : DKIM_KEY_MALFORMED;
}

static bool key_kind(struct slice type, enum public_key_kind *out)
{
	*out = slice_equal_nocase(type, SLICE("ed25519")) ? PUBLIC_KEY_ED25519 : PUBLIC_KEY_RSA;
	return *out == PUBLIC_KEY_ED25519 || slice_equal_nocase(type, SLICE("rsa"));
}

static int key_data(struct slice text, struct arena *arena, struct dkim_key *out)
{
	struct slice octets;
	int result;

	out->fault = DKIM_KEY_MALFORMED;
	if (text.len > DKIM_KEY_TEXT_OCTETS_MAX)
		return 0;
	result = base64_decode(text, arena, &octets);
	if (result)
		return result < 0 ? result : 0;
	out->fault = out->key.kind == PUBLIC_KEY_RSA ? rsa_key(octets, &out->key) : ed25519_key(octets, &out->key);
	return 0;
}

int dkim_key_parse(struct slice record, struct arena *arena, struct dkim_key *out)
{
	const struct slice any = SLICE("*");
	struct slice services, hashes, flags;
	const struct dkim_tag *data;
	struct dkim_taglist list;

	*out = (struct dkim_key){ 0 };
	if (dkim_taglist_parse(record, &list) || !is_key_record(&list))
		return DKIM_KEY_NO_RECORD;
	services = value_or(&list, SLICE("s"), any);
	hashes = value_or(&list, SLICE("h"), SLICE("sha1:sha256"));
	flags = value_or(&list, SLICE("t"), SLICE_EMPTY);
	data = dkim_taglist_find(&list, SLICE("p"));
	out->testing = dkim_colon_has(flags, SLICE("y"));
	out->strict_identity = dkim_colon_has(flags, SLICE("s"));
	out->allows_sha256 = dkim_colon_has(hashes, SLICE("sha256"));
	out->allows_sha1 = dkim_colon_has(hashes, SLICE("sha1"));
	if (!data)
		out->fault = DKIM_KEY_WITHOUT_DATA;
	else if (data->value.len == 0)
		out->fault = DKIM_KEY_REVOKED;
	else if (!dkim_colon_has(services, any) && !dkim_colon_has(services, SLICE("email")))
		out->fault = DKIM_KEY_NOT_FOR_MAIL;
	else if (!key_kind(value_or(&list, SLICE("k"), SLICE("rsa")), &out->key.kind))
		out->fault = DKIM_KEY_UNKNOWN_TYPE;
	else
		return key_data(data->value, arena, out);
	return 0;
}

static int records_read(const struct dns_answer *answer, struct arena *arena, void *object)
{
	struct dkim_key_records *records = object;
	size_t count = answer->count < DKIM_KEY_RECORDS_READ_MAX ? answer->count : DKIM_KEY_RECORDS_READ_MAX;

	records->keys = ARENA_NEW_ARRAY(arena, count, struct dkim_key);
	if (!records->keys)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int result = dkim_key_parse(answer->records[i].data, arena, &records->keys[records->count]);

		TRY(result);
		records->count += result != DKIM_KEY_NO_RECORD;
	}
	return 0;
}

const struct dns_form dkim_key_form = { sizeof(struct dkim_key_records), records_read };

/* By squaring for each bit of the exponent and multiplying for each that is set, but for the first one. */
static unsigned multiplications(struct slice exponent)
{
	unsigned count = bits_of(exponent);

	for (size_t i = 0; i < exponent.len; i++)
		count += (unsigned)__builtin_popcount(exponent.ptr[i]);
	return count - 2;
}

uint64_t dkim_key_verify_ns(const struct public_key *key)
{
	uint64_t words = (key->bits + 63) / 64;

	if (key->kind == PUBLIC_KEY_ED25519)
		return ED25519_VERIFY_NS;
	return RSA_VERIFY_NS + RSA_PAIR_NS(words * words * multiplications(key->exponent));
}
