#include "proto/spf/record.h"

#include "proto/spf/limits.h"
#include "proto/spf/macro.h"

#define VERSION SLICE("v=spf1")

bool spf_record_is_spf(struct slice text)
{
	return slice_starts_with_nocase(text, VERSION) && (text.len == VERSION.len || text.ptr[VERSION.len] == ' ');
}

/* ip4-cidr-length and ip6-cidr-length without the "/": no leading zeros. */
static bool parse_prefix(struct slice digits, unsigned bits_max, uint8_t *bits_out)
{
	uint64_t bits;

	if (!slice_to_u64(digits, 3, &bits) || bits > bits_max || (digits.len > 1 && digits.ptr[0] == '0'))
		return false;
	*bits_out = (uint8_t)bits;
	return true;
}

/* Takes "/" and digits off the end of *s, if they are there. */
static bool cut_prefix_length(struct slice *s, struct slice *digits_out)
{
	size_t at = s->len;

	while (at > 0 && octet_is_digit(s->ptr[at - 1]))
		at--;
	if (at == 0 || at == s->len || s->ptr[at - 1] != '/')
		return false;
	*digits_out = slice_from(*s, at);
	s->len = at - 1;
	return true;
}

/*
 * Takes the dual-cidr-length off the end of *rest. It cannot be taken for a part of the domain-spec: that ends in a
 * top label, which has no "/", or in a macro.
 */
static enum reason_id parse_dual_cidr(struct slice *rest, struct spf_term *term)
{
	struct slice digits, before;

	term->prefix_v4 = 32;
	term->prefix_v6 = 128;
	before = *rest;
	if (cut_prefix_length(&before, &digits) && before.len && before.ptr[before.len - 1] == '/') {
		if (!parse_prefix(digits, 128, &term->prefix_v6))
			return REASON_SPF_PREFIX;
		before.len--;
		*rest = before;
	}
	if (cut_prefix_length(rest, &digits) && !parse_prefix(digits, 32, &term->prefix_v4))
		return REASON_SPF_PREFIX;
	return REASON_NONE;
}

static enum reason_id parse_domain_spec(struct slice spec, struct spf_term *term)
{
	struct ip_address address;

	term->domain_spec = spec;
	if (spf_domain_spec_check(spec, &term->letters))
		return REASON_NONE;
	return ip_parse(spec, &address) ? REASON_SPF_ADDRESS_AS_NAME : REASON_SPF_DOMAIN_SPEC;
}

/* [ ":" domain-spec ], all of `rest`. */
static enum reason_id parse_optional_domain(struct slice rest, struct spf_term *term)
{
	if (rest.len == 0)
		return REASON_NONE;
	return rest.ptr[0] == ':' ? parse_domain_spec(slice_from(rest, 1), term) : REASON_SPF_ARGUMENTS;
}

static enum reason_id parse_domain(struct slice rest, struct spf_term *term)
{
	return rest.len ? parse_optional_domain(rest, term) : REASON_SPF_ARGUMENTS;
}

static enum reason_id parse_host(struct slice rest, struct spf_term *term)
{
	enum reason_id error = parse_dual_cidr(&rest, term);

	return error ? error : parse_optional_domain(rest, term);
}

static enum reason_id parse_all(struct slice rest, struct spf_term *term)
{
	(void)term;
	return rest.len ? REASON_SPF_ARGUMENTS : REASON_NONE;
}

static enum reason_id parse_network(struct slice rest, struct spf_term *term)
{
	bool v6 = term->kind == SPF_TERM_IP6;
	uint8_t *prefix = v6 ? &term->prefix_v6 : &term->prefix_v4;
	struct slice network;

	*prefix = v6 ? 128 : 32;
	if (rest.len == 0 || rest.ptr[0] != ':')
		return REASON_SPF_ARGUMENTS;
	rest = slice_from(rest, 1);
	network = slice_cut(&rest, '/');
	if (!(v6 ? ip_parse_v6(network, &term->network) : ip_parse_v4(network, &term->network)))
		return REASON_SPF_NETWORK;
	return !rest.ptr || parse_prefix(rest, v6 ? 128 : 32, prefix) ? REASON_NONE : REASON_SPF_PREFIX;
}

static const struct mechanism {
	const char *name;
	enum spf_term_kind kind;
	enum reason_id (*parse)(struct slice rest, struct spf_term *term);
} mechanisms[] = {
	{ "all", SPF_TERM_ALL, parse_all },
	{ "include", SPF_TERM_INCLUDE, parse_domain },
	{ "a", SPF_TERM_A, parse_host },
	{ "mx", SPF_TERM_MX, parse_host },
	{ "ptr", SPF_TERM_PTR, parse_optional_domain },
	{ "ip4", SPF_TERM_IP4, parse_network },
	{ "ip6", SPF_TERM_IP6, parse_network },
	{ "exists", SPF_TERM_EXISTS, parse_domain },
};

static struct slice parse_qualifier(struct slice text, enum spf_word *word_out)
{
	*word_out = SPF_PASS;
	switch (text.ptr[0]) {
	case '+': break;
	case '-': *word_out = SPF_FAIL; break;
	case '~': *word_out = SPF_SOFTFAIL; break;
	case '?': *word_out = SPF_NEUTRAL; break;
	default: return text;
	}
	return slice_from(text, 1);
}

/* directive = [ qualifier ] mechanism */
static enum reason_id parse_directive(struct slice text, struct spf_term *term)
{
	struct slice rest = parse_qualifier(text, &term->word);
	size_t name_len = 0;

	while (name_len < rest.len && rest.ptr[name_len] != ':' && rest.ptr[name_len] != '/')
		name_len++;
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++) {
		if (!slice_equal_nocase(slice_sub(rest, 0, name_len), slice_of_str(mechanisms[i].name)))
			continue;
		term->kind = mechanisms[i].kind;
		return mechanisms[i].parse(slice_from(rest, name_len), term);
	}
	return REASON_SPF_MECHANISM;
}

/* The length of name "=" at the start of a term, without the "="; 0: it is no modifier. */
static size_t modifier_name_len(struct slice text)
{
	size_t len = 0;

	if (!octet_is_alpha(text.ptr[0]))
		return 0;
	while (len < text.len &&
	       (octet_is_alnum(text.ptr[len]) || text.ptr[len] == '-' || text.ptr[len] == '_' || text.ptr[len] == '.'))
		len++;
	return len < text.len && text.ptr[len] == '=' ? len : 0;
}

/* What is parsed so far. */
struct parse {
	struct spf_term *terms; /* room for every word of the record */
	size_t count;           /* mechanisms */
	struct spf_term redirect, exp;
	bool has_all, has_redirect, has_exp;
};

/* redirect and exp: "MUST NOT appear in a record more than once each" (section 6). */
static enum reason_id parse_known_modifier(struct spf_term *term, struct spf_term *slot, bool *seen, struct slice value)
{
	if (*seen)
		return REASON_SPF_MODIFIER_TWICE;
	*seen = true;
	*slot = *term;
	return parse_domain_spec(value, slot);
}

static enum reason_id parse_modifier(struct parse *parse, struct spf_term *term, size_t name_len)
{
	struct slice name = slice_sub(term->text, 0, name_len);
	struct slice value = slice_from(term->text, name_len + 1);

	if (slice_equal_nocase(name, SLICE("redirect"))) {
		term->kind = SPF_TERM_REDIRECT;
		return parse_known_modifier(term, &parse->redirect, &parse->has_redirect, value);
	}
	if (slice_equal_nocase(name, SLICE("exp"))) {
		term->kind = SPF_TERM_EXP;
		return parse_known_modifier(term, &parse->exp, &parse->has_exp, value);
	}
	return spf_macro_string_check(value, SPF_MACRO_IN_NAME, &term->letters) ? REASON_NONE : REASON_SPF_MODIFIER;
}

static bool is_visible(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f)
			return false;
	return true;
}

static enum reason_id parse_term(struct parse *parse, struct slice text)
{
	struct spf_term term = { .text = text };
	size_t name_len = modifier_name_len(text);
	enum reason_id error;

	if (!is_visible(text))
		return REASON_SPF_OCTETS;
	if (name_len)
		return parse_modifier(parse, &term, name_len);
	error = parse_directive(text, &term);
	if (error || parse->has_all)
		return error;
	parse->terms[parse->count++] = term;
	parse->has_all = term.kind == SPF_TERM_ALL;
	return REASON_NONE;
}

static size_t count_words(struct slice rest)
{
	size_t words = 0;

	while (rest.ptr)
		words += slice_cut(&rest, ' ').len > 0;
	return words;
}

/* terms *SP, where terms are words with one SP or more between. */
static enum reason_id parse_terms(struct parse *parse, struct slice rest, struct slice *error_term_out)
{
	while (rest.ptr) {
		struct slice text = slice_cut(&rest, ' ');
		enum reason_id error = text.len ? parse_term(parse, text) : REASON_NONE;

		if (error) {
			*error_term_out = text;
			return error;
		}
	}
	return REASON_NONE;
}

int spf_record_parse(struct slice text, struct arena *arena, struct spf_record *out)
{
	struct slice rest = slice_from(text, VERSION.len);
	struct parse *parse = ARENA_NEW(arena, struct parse);
	size_t words = count_words(rest);

	*out = (struct spf_record){ .error = REASON_NONE };
	if (!parse)
		return -ENOMEM;
	if (text.len > SPF_RECORD_OCTETS_MAX || words > SPF_TERMS_MAX) {
		out->error = text.len > SPF_RECORD_OCTETS_MAX ? REASON_SPF_RECORD_LONG : REASON_SPF_TERMS_MANY;
		return 0;
	}
	parse->terms = ARENA_NEW_ARRAY(arena, words, struct spf_term);
	if (!parse->terms)
		return -ENOMEM;
	out->error = parse_terms(parse, rest, &out->error_term);
	out->terms = parse->terms;
	out->terms_count = parse->count;
	out->redirect = parse->has_redirect && !parse->has_all ? &parse->redirect : NULL;
	out->exp = parse->has_exp ? &parse->exp : NULL;
	return 0;
}
