#include "proto/dmarc/record.h"

#include <string.h>

/* dmarc-version: "v" *WSP "=" *WSP %s"DMARC1", then the end or a separator. */
static bool version(struct slice *rest)
{
	struct slice value = slice_cut(rest, ';');
	struct slice name;

	if (value.len == 0 || octet_lower(value.ptr[0]) != 'v')
		return false;
	name = slice_cut(&value, '=');
	return slice_equal_nocase(slice_trim_wsp(name), SLICE("v")) &&
	       slice_equal(slice_trim_wsp(value), SLICE("DMARC1"));
}

/* 1*(%x20-3A / %x3C-7E), and the HTAB that dmarc-urilist allows around its commas. */
static bool is_dmarc_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((value.ptr[i] < 0x20 && value.ptr[i] != '\t') || value.ptr[i] > 0x7e)
			return false;
	return value.len > 0;
}

static bool policy_read(struct slice value, enum dmarc_policy *out)
{
	if (slice_equal_nocase(value, SLICE("none")))
		*out = DMARC_POLICY_NONE;
	else if (slice_equal_nocase(value, SLICE("quarantine")))
		*out = DMARC_POLICY_QUARANTINE;
	else if (slice_equal_nocase(value, SLICE("reject")))
		*out = DMARC_POLICY_REJECT;
	else
		return false;
	return true;
}

/* The index of a value of one letter in `letters`; `otherwise` when it is none of them. */
static int letter_read(struct slice value, const char *letters, int otherwise)
{
	const char *at;

	if (value.len != 1 || value.ptr[0] == 0)
		return otherwise;
	at = strchr(letters, octet_lower(value.ptr[0]));
	return at ? (int)(at - letters) : otherwise;
}

/* dmarc-fo; the values "may appear in the list in any order", each once, "0" and "1" not together. */
static unsigned fo_read(struct slice value)
{
	unsigned fo = 0;

	while (value.ptr) {
		int which = letter_read(slice_cut(&value, ':'), "01ds", -1);

		if (which < 0 || (fo & 1u << which))
			return DMARC_FO_ALL_FAIL;
		fo |= 1u << which;
	}
	if (fo == 0 || ((fo & DMARC_FO_ALL_FAIL) && (fo & DMARC_FO_ANY_FAIL)))
		return DMARC_FO_ALL_FAIL;
	return fo;
}

/* RFC 3986 without the "!" and "," that section 4.8 wants encoded. */
static bool is_uri(struct slice s)
{
	size_t colon = slice_find(s, ':');
	struct slice scheme = slice_sub(s, 0, colon), rest;
	size_t at;

	if (colon == SLICE_NOT_FOUND || scheme.len == 0 || !octet_is_alpha(scheme.ptr[0]) || colon + 1 == s.len)
		return false;
	for (size_t i = 0; i < scheme.len; i++)
		if (!octet_is_alnum(scheme.ptr[i]) && !strchr("+-.", scheme.ptr[i]))
			return false;
	rest = slice_from(s, colon + 1);
	for (size_t i = 0; i < rest.len; i++)
		if (rest.ptr[i] == 0 || (!octet_is_alnum(rest.ptr[i]) && !strchr("-._~:/?#[]@$&'()*+;=%", rest.ptr[i])))
			return false;
	if (!slice_equal_nocase(scheme, SLICE("mailto")))
		return true;
	at = slice_find(rest, '@');
	return at != SLICE_NOT_FOUND && at > 0 && at + 1 < rest.len;
}

/* obs-dmarc-report-size: 1*DIGIT [ "k" / "m" / "g" / "t" ] */
static bool is_report_size(struct slice s)
{
	if (s.len && letter_read(slice_from(s, s.len - 1), "kmgt", -1) >= 0)
		s.len--;
	for (size_t i = 0; i < s.len; i++)
		if (!octet_is_digit(s.ptr[i]))
			return false;
	return s.len > 0;
}

bool dmarc_uri_next(struct slice *rest, struct slice *uri_out)
{
	while (rest->ptr) {
		struct slice item = slice_trim_wsp(slice_cut(rest, ','));
		struct slice uri = slice_cut(&item, '!');

		if ((item.ptr && !is_report_size(item)) || !is_uri(uri))
			continue;
		*uri_out = uri;
		return true;
	}
	return false;
}

enum tag { TAG_P, TAG_SP, TAG_NP, TAG_PSD, TAG_T, TAG_ADKIM, TAG_ASPF, TAG_FO, TAG_RUA, TAG_RUF, TAG_PCT, TAG_UNKNOWN };

/* Sets of tags, bits: those that each RFC knows. */
#define TAGS_RFC9989 ~(1u << TAG_PCT)
#define TAGS_RFC7489 ~(1u << TAG_NP | 1u << TAG_PSD | 1u << TAG_T)

static enum tag tag_find(struct slice name, unsigned known)
{
	static const char *const names[] = {
		[TAG_P] = "p",         [TAG_SP] = "sp",     [TAG_NP] = "np", [TAG_PSD] = "psd", [TAG_T] = "t",
		[TAG_ADKIM] = "adkim", [TAG_ASPF] = "aspf", [TAG_FO] = "fo", [TAG_RUA] = "rua", [TAG_RUF] = "ruf",
		[TAG_PCT] = "pct"
	};

	for (unsigned tag = 0; tag < TAG_UNKNOWN; tag++)
		if ((known & 1u << tag) && slice_equal_nocase(name, slice_of_str(names[tag])))
			return (enum tag)tag;
	return TAG_UNKNOWN;
}

/* dmarc-percent of RFC 7489 section 6.4: 1*3DIGIT, to 100. */
static unsigned pct_read(struct slice value)
{
	uint64_t pct;

	return slice_to_u64(value, 3, &pct) && pct <= 100 ? (unsigned)pct : 100;
}

static void policy_tag(struct slice value, enum dmarc_policy *policy, bool *has, bool *bad)
{
	*has = policy_read(value, policy);
	*bad = !*has;
}

static void tag_apply(struct dmarc_record *record, enum tag tag, struct slice value)
{
	static const enum dmarc_psd psd[] = { DMARC_PSD_YES, DMARC_PSD_NO, DMARC_PSD_UNKNOWN };

	switch (tag) {
	case TAG_P: policy_tag(value, &record->p, &record->has_p, &record->bad_p); break;
	case TAG_SP: policy_tag(value, &record->sp, &record->has_sp, &record->bad_sp); break;
	case TAG_NP: policy_tag(value, &record->np, &record->has_np, &record->bad_np); break;
	case TAG_PSD: record->psd = psd[letter_read(value, "ynu", 2)]; break;
	case TAG_T: record->testing = letter_read(value, "y", -1) == 0; break;
	case TAG_ADKIM: record->adkim_strict = letter_read(value, "s", -1) == 0; break;
	case TAG_ASPF: record->aspf_strict = letter_read(value, "s", -1) == 0; break;
	case TAG_FO: record->fo = fo_read(value); break;
	case TAG_RUA: record->rua = value; break;
	case TAG_RUF: record->ruf = value; break;
	case TAG_PCT: record->pct = pct_read(value); break;
	case TAG_UNKNOWN: break;
	}
}

/* Section 4.10.1, the last list but one. */
static void policies_settle(struct dmarc_record *record)
{
	struct slice rest = record->rua, uri;

	if (!record->has_p || record->bad_sp || record->bad_np) {
		record->applies = dmarc_uri_next(&rest, &uri);
		record->p = record->sp = record->np = DMARC_POLICY_NONE;
		return;
	}
	record->applies = true;
	if (!record->has_sp)
		record->sp = record->p;
	if (!record->has_np)
		record->np = record->sp;
}

static int parse(struct slice text, unsigned known, struct dmarc_record *out)
{
	struct dmarc_record record = { .text = text, .fo = DMARC_FO_ALL_FAIL, .pct = 100 };
	struct slice rest = text;
	unsigned seen = 0;

	if (!version(&rest))
		return DMARC_RECORD_OTHER;
	while (rest.ptr) {
		struct slice value = slice_cut(&rest, ';');
		enum tag tag = tag_find(slice_trim_wsp(slice_cut(&value, '=')), known);

		if (tag == TAG_UNKNOWN || !value.ptr)
			continue;
		/* RFC 6376 section 3.2 refuses a tag twice; of one that decides nothing the first is taken. */
		if (seen & 1u << tag) {
			if (tag <= TAG_T)
				return DMARC_RECORD_INVALID;
			continue;
		}
		seen |= 1u << tag;
		value = slice_trim_wsp(value);
		tag_apply(&record, tag, is_dmarc_value(value) ? value : SLICE_EMPTY);
	}
	policies_settle(&record);
	*out = record;
	return DMARC_RECORD_OK;
}

int dmarc_record_parse(struct slice text, struct dmarc_record *out)
{
	return parse(text, TAGS_RFC9989, out);
}

int dmarc_record_parse_rfc7489(struct slice text, struct dmarc_record *out)
{
	return parse(text, TAGS_RFC7489, out);
}
