#include "proto/dkim/signature.h"

#include "base/base64.h"
#include "base/block.h"
#include "proto/dkim/tagwords.h"
#include "proto/mail/domain.h"

#include <string.h>

/* As many as fit into a value of Authentication-Results. */
#define SIGNATURE_START_OCTETS_MAX 500

/* What reading a field works on. */
struct reading {
	struct dkim_taglist list;
	enum dkim_form form;
	struct arena *arena;
	struct dkim_signature *out;
	struct slice signature_text; /* the value of b= without white space; of one too long to be decoded the start */
};

static int unusable(struct reading *reading, enum dkim_word result, struct reason reason)
{
	reading->out->fault = (struct dkim_fault){ .result = result, .reason = reason };
	return DKIM_SIGNATURE_UNUSABLE;
}

static int malformed(struct reading *reading, const struct dkim_tag *tag)
{
	return unusable(reading, DKIM_PERMERROR, reason_of_2(REASON_DKIM_TAG_INVALID, tag->name, tag->value));
}

static inline const struct dkim_tag *tag_of(const struct reading *reading, const char *name)
{
	return dkim_taglist_find(&reading->list, slice_of_str(name));
}

static struct slice value_of(const struct reading *reading, const char *name)
{
	const struct dkim_tag *tag = tag_of(reading, name);

	return tag ? tag->value : SLICE_EMPTY;
}

/* Runs of octets that are neither white space nor line ends, as the bits of `solid`, are appended. */
static uint8_t *runs_add(uint8_t *end, const uint8_t *block, uint64_t solid)
{
	while (solid) {
		unsigned from = (unsigned)__builtin_ctzll(solid);
		uint64_t behind = ~(solid >> from);
		unsigned len = behind ? (unsigned)__builtin_ctzll(behind) : BLOCK_OCTETS;

		memcpy(end, block + from, len);
		end += len;
		solid = from + len < BLOCK_OCTETS ? solid >> (from + len) << (from + len) : 0;
	}
	return end;
}

/*
 * White space has no meaning in base64 (RFC 6376 section 3.5): it is left out once, so that decoding need not stop for it. Of a
 * value that is too long to be decoded the start is enough.
 */
static int signature_text(struct reading *reading, struct slice value)
{
	bool start_only = value.len > DKIM_SIGNATURE_TEXT_OCTETS_MAX;
	uint8_t *start = arena_take(reading->arena, start_only ? SIGNATURE_START_OCTETS_MAX + BLOCK_OCTETS : value.len);
	uint8_t *end = start, copy[BLOCK_OCTETS];

	if (!start)
		return -ENOMEM;
	for (size_t at = 0; at < value.len && !(start_only && end - start >= SIGNATURE_START_OCTETS_MAX); at += BLOCK_OCTETS) {
		const uint8_t *block = block_of(value, at, copy); /* behind the end there are zeroes */

		end = runs_add(end, block, block_within(block, ' ' + 1, 0xff));
	}
	reading->signature_text = slice_of(start, (size_t)(end - start));
	reading->out->signature_start = slice_sub(reading->signature_text, 0, SIGNATURE_START_OCTETS_MAX);
	return 0;
}

static int identity_default(struct reading *reading)
{
	struct text text;

	if (reading->out->domain.len == 0)
		return 0;
	text_init(&text, reading->arena);
	text_octet(&text, '@');
	text_add(&text, reading->out->domain);
	return text_finish(&text, &reading->out->identity);
}

/* domain-name of RFC 5321: no final dot; U-labels as RFC 8616 has them. 0, DOMAIN_INVALID or -ENOMEM. */
static int domain_name(struct slice name, struct arena *arena, struct slice *out)
{
	if (name.len == 0 || name.ptr[name.len - 1] == '.')
		return DOMAIN_INVALID;
	return domain_canonical(name, arena, out);
}

/* What results show of any signature, the unusable ones too. */
static int as_written(struct reading *reading)
{
	struct dkim_signature *out = reading->out;

	out->algorithm = value_of(reading, "a");
	out->domain = value_of(reading, "d");
	out->selector = value_of(reading, "s");
	TRY(domain_name(out->domain, reading->arena, &out->domain_canonical));
	TRY(signature_text(reading, value_of(reading, "b")));
	if (reading->form != DKIM_FORM_SIGNATURE)
		return 0;
	out->identity = value_of(reading, "i");
	return tag_of(reading, "i") ? 0 : identity_default(reading);
}

static int required(struct reading *reading)
{
	static const char *const names[][8] = {
		[DKIM_FORM_SIGNATURE] = { "v", "a", "b", "bh", "d", "h", "s" },
		[DKIM_FORM_ARC_MESSAGE_SIGNATURE] = { "a", "b", "bh", "d", "h", "s" },
		[DKIM_FORM_ARC_SEAL] = { "a", "b", "d", "s" },
	};

	for (const char *const *letters = names[reading->form]; *letters; letters++) {
		struct slice name = slice_of(*letters, (*letters)[1] ? 2 : 1);

		if (!dkim_taglist_find(&reading->list, name))
			return unusable(reading, DKIM_PERMERROR, reason_of_1(REASON_DKIM_TAG_MISSING, name));
	}
	return 0;
}

/* RFC 8617 section 4.1.3: "NOT allowed and, if found, MUST result in a cv status of fail". */
static int seal_names_nothing(struct reading *reading)
{
	reading->out->header_canon = CANON_RELAXED;
	return tag_of(reading, "h") ? unusable(reading, DKIM_PERMERROR, reason_of(REASON_ARC_SEAL_NAMES)) : 0;
}

static int version(struct reading *reading)
{
	struct slice value = value_of(reading, "v");

	return slice_equal(value, SLICE("1"))
	               ? 0
	               : unusable(reading, DKIM_PERMERROR, reason_of_1(REASON_DKIM_VERSION, value));
}

static int algorithm(struct reading *reading)
{
	struct slice value = reading->out->algorithm;

	if (dkim_algorithm_read(value, &reading->out->kind, &reading->out->hash))
		return 0;
	/* LESSONS row 9: what we do not know is not the signer's fault. */
	return unusable(reading, DKIM_NEUTRAL, reason_of_1(REASON_DKIM_ALGORITHM_UNKNOWN, value));
}

static int canonicalizations(struct reading *reading)
{
	const struct dkim_tag *tag = tag_of(reading, "c");

	if (dkim_canonicalizations_read(tag, &reading->out->header_canon, &reading->out->body_canon))
		return 0;
	return unusable(reading, DKIM_PERMERROR, reason_of_1(REASON_DKIM_CANONICALIZATION_UNKNOWN, tag->value));
}

static int query_methods(struct reading *reading)
{
	const struct dkim_tag *tag = tag_of(reading, "q");

	if (!tag || dkim_colon_has(tag->value, SLICE("dns/txt")))
		return 0;
	return unusable(reading, DKIM_PERMERROR, reason_of_1(REASON_DKIM_QUERY_UNKNOWN, tag->value));
}

static int domain(struct reading *reading)
{
	if (reading->out->domain_canonical.len == 0 || domain_label_count(reading->out->domain_canonical) < 2)
		return malformed(reading, tag_of(reading, "d"));
	return 0;
}

/* RFC 6376 section 3.6.2.1; the whole has to be a name that can be asked for. */
static int query_name(struct reading *reading)
{
	struct slice selector = SLICE_EMPTY;
	int result = domain_name(reading->out->selector, reading->arena, &selector);
	struct text text;

	if (result < 0)
		return result;
	text_init(&text, reading->arena);
	text_add(&text, selector);
	text_str(&text, "._domainkey.");
	text_add(&text, reading->out->domain_canonical);
	TRY(text_finish(&text, &reading->out->query_name));
	if (result == DOMAIN_INVALID || reading->out->query_name.len > DOMAIN_OCTETS_MAX)
		return malformed(reading, tag_of(reading, "s"));
	return 0;
}

static int hex_digit(uint8_t c)
{
	uint8_t lower = octet_lower(c);

	return octet_is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* dkim-quoted-printable (RFC 6376 section 2.11): "=" and two hexadecimal digits; white space does not count. */
static int quoted_printable(struct slice in, struct arena *arena, struct slice *out)
{
	uint8_t *octets = arena_alloc(arena, in.len);
	size_t len = 0;

	if (!octets)
		return -ENOMEM;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.ptr[i];

		if (c <= ' ')
			continue;
		if (c == '=') {
			int high = i + 2 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
			int low = i + 2 < in.len ? hex_digit(in.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return DKIM_SIGNATURE_UNUSABLE;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		octets[len++] = c;
	}
	*out = slice_of(octets, len);
	return 0;
}

static int identity(struct reading *reading)
{
	const struct dkim_tag *tag = tag_of(reading, "i");
	struct dkim_signature *out = reading->out;
	struct slice decoded;
	size_t at;
	int result;

	out->identity_domain = out->domain_canonical;
	if (!tag || reading->form != DKIM_FORM_SIGNATURE)
		return 0;
	result = quoted_printable(tag->value, reading->arena, &decoded);
	if (result)
		return result < 0 ? result : malformed(reading, tag);
	at = slice_find_last(decoded, '@');
	if (at == SLICE_NOT_FOUND)
		return malformed(reading, tag);
	result = domain_name(slice_from(decoded, at + 1), reading->arena, &out->identity_domain);
	if (result)
		return result < 0 ? result : malformed(reading, tag);
	if (!domain_is_equal_or_below(out->identity_domain, out->domain_canonical))
		return unusable(reading, DKIM_PERMERROR,
		                reason_of_2(REASON_DKIM_IDENTITY_OUTSIDE, tag->value, out->domain));
	return 0;
}

static bool is_field_name(const struct dkim_name *name)
{
	if (name->id != MAIL_NAME_OTHER)
		return true;
	for (size_t i = 0; i < name->text.len; i++)
		if (name->text.ptr[i] <= ' ' || name->text.ptr[i] > 126)
			return false;
	return name->text.len > 0;
}

/*
 * RFC 8617 section 4.1.2 forbids all fields of ARC in h=, but signers have named ARC-Authentication-Results from the
 * start; with ARC-Seal there the two would sign each other. An empty item covers nothing, as an absent field does.
 */
static bool is_arc_signable(const struct dkim_name *name)
{
	return name->text.len == 0 || (is_field_name(name) && name->id != MAIL_NAME_ARC_SEAL);
}

static int signed_names(struct reading *reading)
{
	const struct dkim_tag *tag = tag_of(reading, "h");
	bool arc = reading->form != DKIM_FORM_SIGNATURE, from = arc;
	struct dkim_names *names = &reading->out->names;
	int result = dkim_names_read(tag->value, reading->arena, names);

	if (result == DKIM_NAMES_EXCESSIVE)
		return unusable(reading, DKIM_PERMERROR, reason_of(REASON_DKIM_NAMES_EXCESSIVE));
	TRY(result);
	for (size_t i = 0; i < names->count; i++) {
		const struct dkim_name *name = &names->items[i];

		if (!(arc ? is_arc_signable(name) : is_field_name(name)))
			return malformed(reading, tag);
		from = from || name->id == MAIL_NAME_FROM;
	}
	return from ? 0 : unusable(reading, DKIM_PERMERROR, reason_of(REASON_DKIM_FROM_NOT_SIGNED));
}

/* UINT64_MAX for one of more than `digits_finite` digits or that does not fit. */
static int number(struct reading *reading, const char *name, size_t digits_finite, bool *has_out, uint64_t *out)
{
	const struct dkim_tag *tag = tag_of(reading, name);

	*has_out = tag != NULL;
	return !tag || dkim_number_read(tag->value, digits_finite, out) ? 0 : malformed(reading, tag);
}

static int seal_time(struct reading *reading)
{
	return number(reading, "t", DKIM_TIME_DIGITS_MAX, &reading->out->has_time, &reading->out->time);
}

/* t= and x= may be of any length (RFC 6376 section 3.5: "to be infinite"). */
static int numbers(struct reading *reading)
{
	const struct dkim_tag *length = tag_of(reading, "l");
	struct dkim_signature *out = reading->out;
	int result = 0;

	if (!dkim_length_read(length, &out->has_length, &out->length))
		result = malformed(reading, length);
	if (!result)
		result = number(reading, "t", DKIM_TIME_DIGITS_MAX, &out->has_time, &out->time);
	if (!result)
		result = number(reading, "x", DKIM_TIME_DIGITS_MAX, &out->has_expiry, &out->expiry);
	if (!result && out->has_time && out->has_expiry && out->expiry <= out->time && out->expiry != UINT64_MAX)
		result = malformed(reading, tag_of(reading, "x"));
	return result;
}

/* `text`: the tag's value, or that without white space. */
static int base64_tag(struct reading *reading, const struct dkim_tag *tag, struct slice text, size_t octets_exact, struct slice *out)
{
	int result;

	if (tag->value.len > DKIM_SIGNATURE_TEXT_OCTETS_MAX)
		return malformed(reading, tag);
	result = base64_decode(text, reading->arena, out);
	if (result < 0)
		return result;
	if (result || out->len == 0 || (octets_exact && out->len != octets_exact))
		return malformed(reading, tag);
	return 0;
}

static int body_hash(struct reading *reading)
{
	const struct dkim_tag *tag = tag_of(reading, "bh");

	return base64_tag(reading, tag, tag->value, dkim_hash_octets(reading->out->hash), &reading->out->body_hash);
}

static int signature(struct reading *reading)
{
	const struct dkim_tag *tag = tag_of(reading, "b");

	reading->out->signature_area = tag->area;
	return base64_tag(reading, tag, reading->signature_text, 0, &reading->out->signature);
}

typedef int (*step_fn)(struct reading *reading);

int dkim_signature_parse(const struct mail_field *field, enum dkim_form form, struct arena *arena,
                         struct dkim_signature *out)
{
	static const step_fn steps[][16] = {
		[DKIM_FORM_SIGNATURE] = { required, version, algorithm, canonicalizations, query_methods, domain,
		                          identity, signed_names, numbers, body_hash, signature, query_name },
		[DKIM_FORM_ARC_MESSAGE_SIGNATURE] = { required, algorithm, canonicalizations, query_methods, domain,
		                                      identity, signed_names, numbers, body_hash, signature,
		                                      query_name },
		[DKIM_FORM_ARC_SEAL] = { required, seal_names_nothing, algorithm, domain, identity, seal_time, signature,
		                         query_name },
	};
	struct reading reading; /* not all zeroes first: the list is large */

	reading.form = form;
	reading.arena = arena;
	reading.out = out;
	*out = (struct dkim_signature){ 0 };
	if (dkim_taglist_parse(field->value, &reading.list))
		return unusable(&reading, DKIM_PERMERROR, reason_of(REASON_DKIM_SYNTAX));
	TRY(as_written(&reading));
	for (const step_fn *step = steps[form]; *step; step++) {
		int result = (*step)(&reading);

		if (result)
			return result;
	}
	return 0;
}
