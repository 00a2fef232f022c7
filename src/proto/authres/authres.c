#include "proto/authres/authres.h"

#include "proto/authres/words.h"
#include "proto/mail/address.h"
#include "proto/mail/domain.h"

#define FIELD_NAME_OCTETS (sizeof("Authentication-Results: ") - 1)

#define FIELD_OCTETS_USUAL 512 /* of a whole field; it may grow */
#define FOLD "\r\n\t"

/* Does a token fit on this line, with a space before it and room for a ";" behind? Else it begins the next. */
static bool fits(const struct authres_writer *writer, size_t token_len)
{
	return writer->column + 1 + token_len + 1 <= AUTHRES_LINE_OCTETS_MAX;
}

static void put_token(struct authres_writer *writer, struct slice token)
{
	bool fit = fits(writer, token.len);

	text_add(&writer->text, fit ? SLICE(" ") : SLICE(FOLD));
	text_add(&writer->text, token);
	writer->column = (fit ? writer->column : 0) + 1 + token.len;
}

/* The token is there already, from `start` on: what separates it is put before it. */
static void separate(struct authres_writer *writer, size_t start)
{
	size_t len = writer->text.len - start;
	bool fit = fits(writer, len);

	text_insert(&writer->text, start, fit ? SLICE(" ") : SLICE(FOLD));
	writer->column = (fit ? writer->column : 0) + 1 + len;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 0x80)
			return false;
	return true;
}

/* A name with U-labels (an authserv-id, a selector: RFC 8616) is written with A-labels. */
void authres_value(struct text *text, struct slice value)
{
	bool token = authres_is_token(value);
	struct slice ascii;

	if (!token && !is_ascii(value)) {
		int result = domain_canonical(value, text->arena, &ascii);

		text->failed = text->failed || result < 0;
		if (result == 0)
			value = ascii;
		token = authres_is_token(value);
	}
	if (token)
		text_add(text, value);
	else
		authres_quote(text, value);
}

void authres_begin(struct authres_writer *writer, struct arena *arena, struct slice authserv_id)
{
	*writer = (struct authres_writer){ .column = FIELD_NAME_OCTETS };
	text_init(&writer->text, arena);
	(void)text_reserve(&writer->text, FIELD_OCTETS_USUAL - 1); /* a failure sticks */
	authres_value(&writer->text, authserv_id);
	writer->column += writer->text.len;
}

void authres_method(struct authres_writer *writer, const char *method, const char *result)
{
	size_t start;

	text_add(&writer->text, SLICE(";" FOLD));
	start = writer->text.len;
	text_str(&writer->text, method);
	text_octet(&writer->text, '=');
	text_str(&writer->text, result);
	writer->column = 1 + writer->text.len - start;
	writer->any = true;
}

/* "name=" and what `add` makes of the value, as one token. */
static void property(struct authres_writer *writer, const char *name, struct slice value,
		     void (*add)(struct text *text, struct slice value))
{
	size_t start = writer->text.len;

	if (value.len == 0 || value.len > AUTHRES_VALUE_OCTETS_MAX)
		return;
	text_str(&writer->text, name);
	text_octet(&writer->text, '=');
	add(&writer->text, value);
	separate(writer, start);
}

void authres_property(struct authres_writer *writer, const char *ptype_property, struct slice value)
{
	property(writer, ptype_property, value, authres_value);
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
		authres_value(text, value);
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
		text_octet(&writer->text, ';');
		writer->column++;
		put_token(writer, SLICE("none"));
	}
	return text_finish(&writer->text, out);
}
