#include "proto/authres/own.h"

#include "proto/authres/reader.h"
#include "proto/authres/received_spf.h"
#include "proto/mail/domain.h"

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 0x80)
			return false;
	return true;
}

/* What a name could be made of; "mx.example/1" and "mx.example 1" begin with one. */
static struct slice name_at_start(struct slice id)
{
	size_t len = 0;

	while (len < id.len && (octet_is_alnum(id.ptr[len]) || id.ptr[len] == '-' || id.ptr[len] == '_' ||
				id.ptr[len] == '.' || id.ptr[len] >= 0x80))
		len++;
	return slice_sub(id, 0, len);
}

/* `name`: what an id begins with, canonical; empty when it is no domain name. */
static int matches(struct slice id, struct slice name, struct slice own, struct arena *arena, bool *out)
{
	bool below = own.len > 1 && own.ptr[0] == '.';
	int result;

	*out = *out || (own.len && slice_equal_nocase(id, own));
	if (*out || name.len == 0 || own.len == 0)
		return 0;
	result = domain_canonical(slice_from(own, below), arena, &own);
	TRY(result);
	if (result == 0)
		*out = below ? domain_is_below(name, own) : domain_equal(name, own);
	return 0;
}

static int id_is_own(struct slice id, const struct authres_own *own, struct arena *arena, bool *out)
{
	struct slice name;
	int result;

	id = slice_trim_wsp(id);
	result = domain_canonical(name_at_start(id), arena, &name);
	TRY(result);
	if (result)
		name = SLICE_EMPTY;
	*out = result && !is_ascii(id);
	TRY(matches(id, name, own->id, arena, out));
	for (size_t i = 0; i < own->ids_count && !*out; i++)
		TRY(matches(id, name, own->ids[i], arena, out));
	return 0;
}

/* What is no domain name ("<UNKNOWN>", as some write it) names nobody, and so perhaps us. */
static int receiver_is_own(struct slice receiver, const struct authres_own *own, struct arena *arena, bool *out)
{
	struct slice name;
	int result = domain_canonical(slice_trim_wsp(receiver), arena, &name);

	TRY(result);
	*out = result == DOMAIN_INVALID;
	return *out ? 0 : id_is_own(name, own, arena, out);
}

/* To the end: a fault behind the authserv-id counts as well. 0, AUTHRES_UNREADABLE or -ENOMEM. */
static int read_through(struct authres_reader *reader, struct slice value, struct arena *arena)
{
	struct authres_item item = { .kind = AUTHRES_RESULT };
	int result = authres_read(reader, value, arena);

	while (result == 0 && item.kind != AUTHRES_END)
		result = authres_next(reader, &item);
	return result;
}

int authres_is_own(struct slice field_value, const struct authres_own *own, struct arena *arena, bool *out)
{
	struct authres_reader reader;
	int result = read_through(&reader, field_value, arena);

	TRY(result);
	*out = result || !reader.has_authserv_id || reader.version != AUTHRES_VERSION;
	return *out ? 0 : id_is_own(reader.authserv_id, own, arena, out);
}

/* Of a field with several receivers each counts: which one a reader takes is anybody's guess. */
int authres_is_own_received_spf(struct slice field_value, const struct authres_own *own, struct arena *arena, bool *out)
{
	struct slice key = SLICE("result"), value;
	bool named = false, is_own = false;
	struct cursor in;
	int result = received_spf_read(&in, field_value);

	while (result == 0 && key.len && !is_own) {
		result = received_spf_next(&in, &key, &value);
		if (result || !slice_equal_nocase(key, SLICE("receiver")))
			continue;
		named = true;
		TRY(receiver_is_own(value, own, arena, &is_own));
	}
	*out = result || !named || is_own;
	return 0;
}

static int own_fields(const struct mail_message *message, enum mail_name name,
		      int (*ask)(struct slice value, const struct authres_own *own, struct arena *arena, bool *out),
		      const struct authres_own *own, struct arena *arena, struct authres_positions *out)
{
	uint32_t position = (uint32_t)mail_field_count(message, name);
	const struct mail_field *field;
	uint32_t *at;

	*out = (struct authres_positions){ .at = NULL };
	if (position == 0)
		return 0;
	at = ARENA_NEW_ARRAY(arena, position, uint32_t);
	if (!at)
		return -ENOMEM;
	for (field = mail_field_bottom(message, name); field; field = mail_field_above(message, field)) {
		bool is_own;

		TRY(ask(field->value, own, arena, &is_own));
		if (is_own)
			at[out->count++] = position;
		position--;
	}
	out->at = at;
	return 0;
}

int authres_own_fields(const struct mail_message *message, const struct authres_own *own, struct arena *arena,
		       struct authres_positions *out)
{
	return own_fields(message, MAIL_NAME_AUTHENTICATION_RESULTS, authres_is_own, own, arena, out);
}

int authres_own_received_spf(const struct mail_message *message, const struct authres_own *own, struct arena *arena,
			     struct authres_positions *out)
{
	return own_fields(message, MAIL_NAME_RECEIVED_SPF, authres_is_own_received_spf, own, arena, out);
}
