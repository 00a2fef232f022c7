#include "proto/dkim/taglist.h"

#include "base/block.h"

/*
 * tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]
 * tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
 * tag-name  = ALPHA *( ALPHA / DIGIT / "_" )
 * tag-value = [ tval *( 1*(WSP / FWS) tval ) ]
 * tval      = 1*( %x21-3A / %x3C-7E / UTF8-octet )
 * FWS       = [*WSP CRLF] 1*WSP
 */

static bool tag_name_is_valid(struct slice name)
{
	if (name.len == 0 || !octet_is_alpha(name.ptr[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!octet_is_alnum(name.ptr[i]) && name.ptr[i] != '_')
			return false;
	return true;
}

/* Controls but tabs among a block's octets. */
static uint64_t controls_of(const uint8_t *block)
{
	return (block_within(block, 0, 0x1f) & ~block_equal(block, '\t')) | block_equal(block, 0x7f);
}

/* A CR with its LF, and white space behind them. */
static bool fold_is_at(struct slice s, size_t at)
{
	return s.len - at >= 3 && s.ptr[at] == '\r' && s.ptr[at + 1] == '\n' && octet_is_wsp(s.ptr[at + 2]);
}

/* Of what stands around and in values: there are no controls but those of folds. */
static bool octets_are_valid(struct slice s)
{
	uint8_t copy[BLOCK_OCTETS];
	size_t lf_due = SIZE_MAX;

	for (size_t at = 0; at < s.len; at += BLOCK_OCTETS) {
		uint64_t controls = controls_of(block_of(s, at, copy));

		if (s.len - at < BLOCK_OCTETS)
			controls &= block_bits_below(s.len - at);
		for (; controls; controls &= controls - 1) {
			size_t control = at + (size_t)__builtin_ctzll(controls);

			if (control == lf_due)
				continue;
			if (!fold_is_at(s, control))
				return false;
			lf_due = control + 1;
		}
	}
	return true;
}

static bool tag_spec(struct slice spec, struct dkim_tag *out)
{
	size_t equals = slice_find(spec, '=');

	if (equals == SLICE_NOT_FOUND)
		return false;
	out->name = slice_trim_fws(slice_sub(spec, 0, equals));
	out->area = slice_from(spec, equals + 1);
	out->value = slice_trim_fws(out->area);
	return tag_name_is_valid(out->name);
}

enum dkim_taglist_result dkim_taglist_parse(struct slice text, struct dkim_taglist *out)
{
	struct slice rest = text;
	struct dkim_tag tag;

	out->count = 0;
	memset(out->letters, 0, sizeof(out->letters));
	if (!octets_are_valid(text))
		return DKIM_TAGLIST_INVALID;
	while (rest.ptr) {
		struct slice spec = slice_cut(&rest, ';');

		if (!rest.ptr && out->count > 0 && slice_trim_fws(spec).len == 0)
			break;
		if (out->count == DKIM_TAGS_MAX || !tag_spec(spec, &tag) || dkim_taglist_find(out, tag.name))
			return DKIM_TAGLIST_INVALID;
		out->tags[out->count++] = tag;
		if (tag.name.len == 1 && tag.name.ptr[0] >= 'a' && tag.name.ptr[0] <= 'z')
			out->letters[tag.name.ptr[0] - 'a'] = (uint8_t)out->count;
	}
	return out->count > 0 ? DKIM_TAGLIST_OK : DKIM_TAGLIST_INVALID;
}

bool dkim_colon_next(struct slice *rest, struct slice *item_out)
{
	if (!rest->ptr)
		return false;
	*item_out = slice_trim_fws(slice_cut(rest, ':'));
	return true;
}

bool dkim_colon_has(struct slice value, struct slice word)
{
	struct slice item;

	while (dkim_colon_next(&value, &item))
		if (slice_equal_nocase(item, word))
			return true;
	return false;
}
