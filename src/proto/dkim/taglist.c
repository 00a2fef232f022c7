#include "proto/dkim/taglist.h"

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

/* Of what stands around and in values: a CR has its LF and that its white space; there are no other controls. */
static bool octets_are_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];

		if ((c > ' ' && c != 0x7f) || octet_is_wsp(c))
			continue;
		if (c != '\r' || s.len - i < 3 || s.ptr[i + 1] != '\n' || !octet_is_wsp(s.ptr[i + 2]))
			return false;
		i += 2;
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
	if (!octets_are_valid(text))
		return DKIM_TAGLIST_INVALID;
	while (rest.ptr) {
		struct slice spec = slice_cut(&rest, ';');

		if (!rest.ptr && out->count > 0 && slice_trim_fws(spec).len == 0)
			break;
		if (out->count == DKIM_TAGS_MAX || !tag_spec(spec, &tag) || dkim_taglist_find(out, tag.name))
			return DKIM_TAGLIST_INVALID;
		out->tags[out->count++] = tag;
	}
	return out->count > 0 ? DKIM_TAGLIST_OK : DKIM_TAGLIST_INVALID;
}

const struct dkim_tag *dkim_taglist_find(const struct dkim_taglist *list, struct slice name)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal(list->tags[i].name, name))
			return &list->tags[i];
	return NULL;
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
