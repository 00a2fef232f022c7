#include "proto/authres/authres.h"

#include "proto/authres/words.h"
#include "proto/mail/address.h"
#include "proto/mail/domain.h"

#define FIELD_NAME_OCTETS (sizeof("Authentication-Results: ") - 1)

static void put(struct authres_writer *writer, struct slice s)
{
	text_add(&writer->text, s);
	writer->column += s.len;
}

static void fold(struct authres_writer *writer)
{
	text_str(&writer->text, "\r\n\t");
	writer->column = 1;
}

/* Puts a token on this line, or on the next when it would leave no room for a ";" behind it. */
static void put_token(struct authres_writer *writer, struct slice token)
{
	if (writer->column + 1 + token.len + 1 > AUTHRES_LINE_OCTETS_MAX)
		fold(writer);
	else
		put(writer, SLICE(" "));
	put(writer, token);
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 0x80)
			return false;
	return true;
}

/* A name with U-labels (an authserv-id, a selector: RFC 8616) is written with A-labels. */
static void value_add(struct text *text, struct slice value)
{
	struct slice ascii;

	if (!is_ascii(value)) {
		int result = domain_canonical(value, text->arena, &ascii);

		text->failed = text->failed || result < 0;
		if (result == 0)
			value = ascii;
	}
	if (authres_is_token(value))
		text_add(text, value);
	else
		authres_quote(text, value);
}

void authres_begin(struct authres_writer *writer, struct arena *arena, struct slice authserv_id)
{
	*writer = (struct authres_writer){ .column = FIELD_NAME_OCTETS };
	text_init(&writer->text, arena);
	value_add(&writer->text, authserv_id);
	writer->column += writer->text.len;
}

void authres_method(struct authres_writer *writer, const char *method, const char *result)
{
	put(writer, SLICE(";"));
	fold(writer);
	put(writer, slice_of_str(method));
	put(writer, SLICE("="));
	put(writer, slice_of_str(result));
	writer->any = true;
}

/* "name=" and what `add` makes of the value, as one token. */
static void property(struct authres_writer *writer, const char *name, struct slice value,
		     void (*add)(struct text *text, struct slice value))
{
	struct text text;
	struct slice token;

	if (value.len == 0 || value.len > AUTHRES_VALUE_OCTETS_MAX)
		return;
	text_init(&text, writer->text.arena);
	text_str(&text, name);
	text_octet(&text, '=');
	add(&text, value);
	if (text_finish(&text, &token))
		writer->text.failed = true;
	else
		put_token(writer, token);
}

void authres_property(struct authres_writer *writer, const char *ptype_property, struct slice value)
{
	property(writer, ptype_property, value, value_add);
}

/*
 * [[local-part] "@"] domain-name. A local-part that is not ASCII is left out rather than maimed; a domain is written
 * with its A-labels. Anything of another shape is a value.
 */
static void address_add(struct text *text, struct slice value)
{
	struct slice local = SLICE_EMPTY, name = value, ascii;
	bool at = value.ptr[0] == '@';
	int result;

	if (at)
		name = slice_from(value, 1);
	else
		at = mail_path_split(value, &local, &name) == 0;
	result = domain_canonical(name, text->arena, &ascii);
	if (result < 0)
		text->failed = true;
	if (result || !authres_is_domain_name(ascii, false)) {
		value_add(text, value);
		return;
	}
	if (is_ascii(local))
		text_add(text, local);
	if (at)
		text_octet(text, '@');
	text_add(text, domain_equal(name, ascii) ? name : ascii);
}

void authres_property_address(struct authres_writer *writer, const char *ptype_property, struct slice value)
{
	property(writer, ptype_property, value, address_add);
}

/*
 * Free text, so it may be folded where it has spaces (FWS in a quoted-string, RFC 5322 section 3.2.4): a space there
 * may become a HTAB, and several become one.
 */
void authres_reason(struct authres_writer *writer, struct slice reason)
{
	struct text text;
	struct slice rest, word;

	if (reason.len == 0)
		return;
	text_init(&text, writer->text.arena);
	text_str(&text, "reason=");
	authres_quote(&text, slice_sub(reason, 0, AUTHRES_VALUE_OCTETS_MAX));
	if (text_finish(&text, &rest)) {
		writer->text.failed = true;
		return;
	}
	while (rest.ptr) {
		word = slice_cut(&rest, ' ');
		if (word.len)
			put_token(writer, word);
	}
}

int authres_finish(struct authres_writer *writer, struct slice *out)
{
	if (!writer->any) {
		put(writer, SLICE(";"));
		put_token(writer, SLICE("none"));
	}
	return text_finish(&writer->text, out);
}
