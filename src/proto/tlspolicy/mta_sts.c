#include "proto/tlspolicy/mta_sts.h"

#include "proto/tlspolicy/txt_fields.h"

/* --- the record --- */

/* 1*32(ALPHA / DIGIT) */
static bool is_id(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!octet_is_alnum(value.ptr[i]))
			return false;
	return value.len > 0 && value.len <= MTA_STS_ID_OCTETS_MAX;
}

enum mta_sts_record_result mta_sts_record_parse(struct slice text, struct slice *id_out)
{
	struct slice rest, name, value, id = SLICE_EMPTY;
	enum txt_field next;

	if (!txt_version(text, SLICE("v=STSv1"), &rest))
		return MTA_STS_RECORD_OTHER;
	while ((next = txt_field_next(&rest, &name, &value)) == TXT_FIELD) {
		bool names_id = slice_equal(name, SLICE("id"));

		if (names_id ? !is_id(value) : !txt_extension_value(value))
			return MTA_STS_RECORD_INVALID;
		if (names_id && id.len == 0)
			id = value;
	}
	if (next == TXT_FIELDS_MALFORMED || id.len == 0)
		return MTA_STS_RECORD_INVALID;
	*id_out = id;
	return MTA_STS_RECORD_OK;
}

/* --- the document --- */

const char *mta_sts_mode_text(enum mta_sts_mode mode)
{
	switch (mode) {
	case MTA_STS_NONE: return "none";
	case MTA_STS_TESTING: return "testing";
	case MTA_STS_ENFORCE: return "enforce";
	}
	return "";
}

static bool mode_read(struct slice value, enum mta_sts_mode *out)
{
	for (*out = MTA_STS_NONE; *out <= MTA_STS_ENFORCE; ++*out)
		if (slice_equal(value, slice_of_str(mta_sts_mode_text(*out))))
			return true;
	return false;
}

/* One character of UTF-8 (RFC 3629) that is not ASCII; 0: none. */
static size_t utf8_octets(struct slice s)
{
	static const struct {
		uint8_t lead_min, lead_max, second_min, second_max;
		size_t octets;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (s.ptr[0] < forms[i].lead_min || s.ptr[0] > forms[i].lead_max || s.len < forms[i].octets)
			continue;
		if (s.ptr[1] < forms[i].second_min || s.ptr[1] > forms[i].second_max)
			return 0;
		for (size_t at = 2; at < forms[i].octets; at++)
			if ((s.ptr[at] & 0xc0) != 0x80)
				return 0;
		return forms[i].octets;
	}
	return 0;
}

/* sts-policy-ext-value: printable characters of ASCII and UTF-8, and spaces between them. */
static bool is_extension_value(struct slice value)
{
	size_t octets;

	for (struct slice rest = value; rest.len; rest = slice_from(rest, octets)) {
		octets = rest.ptr[0] >= 0x20 && rest.ptr[0] <= 0x7e ? 1 : rest.ptr[0] < 0x80 ? 0 : utf8_octets(rest);
		if (octets == 0)
			return false;
	}
	return value.len > 0;
}

/* One label of a host name: letters, digits, and hyphens within. */
static bool is_label(struct slice label)
{
	for (size_t i = 0; i < label.len; i++)
		if (!octet_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
			return false;
	return label.len > 0 && label.len <= 63 && label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

/* sts-policy-mx-value: ["*."] Domain; no address, which a name whose last label is a number would be read as. */
static bool is_mx_pattern(struct slice pattern)
{
	struct slice rest = slice_starts_with(pattern, SLICE("*.")) ? slice_from(pattern, 2) : pattern, label = rest;
	uint64_t number;

	if (rest.len == 0 || rest.len > 253)
		return false;
	while (rest.ptr) {
		label = slice_cut(&rest, '.');
		if (!is_label(label))
			return false;
	}
	return !slice_to_u64(label, 20, &number);
}

struct reader {
	struct mta_sts_policy policy;
	struct slice *mx;
	bool has_version, has_mode, has_max_age;
	const char *problem;
};

static bool wrong(struct reader *reader, const char *problem)
{
	reader->problem = problem;
	return false;
}

static bool version_take(struct reader *reader, struct slice value)
{
	reader->has_version = true;
	return slice_equal(value, SLICE("STSv1")) || wrong(reader, "its version is not STSv1");
}

static bool mode_take(struct reader *reader, struct slice value)
{
	bool first = !reader->has_mode;

	reader->has_mode = true;
	return !first || mode_read(value, &reader->policy.mode) || wrong(reader, "its mode is none of enforce, testing, none");
}

static bool max_age_take(struct reader *reader, struct slice value)
{
	uint64_t max_age;

	if (reader->has_max_age)
		return true;
	reader->has_max_age = true;
	if (!slice_to_u64(value, MTA_STS_MAX_AGE_DIGITS_MAX, &max_age))
		return wrong(reader, "its max_age is no number of seconds");
	reader->policy.max_age_s = max_age < MTA_STS_MAX_AGE_S_MAX ? max_age : MTA_STS_MAX_AGE_S_MAX;
	return true;
}

static bool mx_take(struct reader *reader, struct slice value)
{
	if (!is_mx_pattern(value))
		return wrong(reader, "an mx is no host name and no pattern of one");
	if (reader->policy.mx_count == MTA_STS_PATTERNS_MAX)
		return wrong(reader, "it has more mx than are read");
	reader->mx[reader->policy.mx_count++] = value;
	return true;
}

static bool field_take(struct reader *reader, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_sub(line, 0, colon), value = slice_trim_wsp(slice_from(line, colon + 1));

	if (colon == SLICE_NOT_FOUND)
		return wrong(reader, "a line is no field: it has no colon");
	if (slice_equal(name, SLICE("version")))
		return reader->has_version || version_take(reader, value);
	if (slice_equal(name, SLICE("mode")))
		return mode_take(reader, value);
	if (slice_equal(name, SLICE("max_age")))
		return max_age_take(reader, value);
	if (slice_equal(name, SLICE("mx")))
		return mx_take(reader, value);
	return (txt_field_name(name) && is_extension_value(value)) || wrong(reader, "a field breaks the grammar");
}

bool mta_sts_policy_line(struct slice *rest, struct slice *line_out)
{
	if (rest->len == 0)
		return false;
	*line_out = slice_cut(rest, '\n');
	if (line_out->len && line_out->ptr[line_out->len - 1] == '\r')
		line_out->len--;
	while (line_out->len && octet_is_wsp(line_out->ptr[line_out->len - 1]))
		line_out->len--;
	return true;
}

static size_t patterns_room(struct slice text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	return lines < MTA_STS_PATTERNS_MAX ? lines : MTA_STS_PATTERNS_MAX;
}

int mta_sts_policy_parse(struct slice text, struct arena *arena, struct mta_sts_policy *out, const char **problem_out)
{
	struct reader reader = { .problem = NULL };
	struct slice rest = text, line;
	bool good = text.len > 0 && text.len <= MTA_STS_DOCUMENT_OCTETS_MAX;

	if (!good)
		reader.problem = text.len ? "it is larger than 64 KiB" : "it is empty";
	reader.mx = ARENA_NEW_ARRAY(arena, good ? patterns_room(text) : 0, struct slice);
	if (!reader.mx)
		return -ENOMEM;
	while (good && mta_sts_policy_line(&rest, &line))
		good = field_take(&reader, line);
	if (good && !reader.has_version)
		good = wrong(&reader, "it has no version");
	if (good && !reader.has_mode)
		good = wrong(&reader, "it has no mode");
	if (good && !reader.has_max_age)
		good = wrong(&reader, "it has no max_age");
	if (good && reader.policy.mx_count == 0 && reader.policy.mode != MTA_STS_NONE)
		good = wrong(&reader, "it has no mx");
	*problem_out = reader.problem;
	*out = reader.policy;
	out->mx = reader.mx;
	return good ? 0 : MTA_STS_POLICY_INVALID;
}

/* --- application --- */

bool mta_sts_mx_matches(const struct mta_sts_policy *policy, struct slice host)
{
	size_t dot = slice_find(host, '.');

	for (size_t i = 0; i < policy->mx_count; i++) {
		struct slice pattern = policy->mx[i];

		if (!slice_starts_with(pattern, SLICE("*."))) {
			if (slice_equal_nocase(pattern, host))
				return true;
		} else if (dot != SLICE_NOT_FOUND && dot > 0 &&
		           slice_equal_nocase(slice_from(pattern, 2), slice_from(host, dot + 1))) {
			return true;
		}
	}
	return false;
}

bool mta_sts_media_type_is_plain(struct slice content_type)
{
	return slice_equal_nocase(slice_trim_wsp(slice_cut(&content_type, ';')), SLICE("text/plain"));
}
