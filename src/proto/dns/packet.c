#include "proto/dns/packet.h"

#include "base/cursor.h"

#include <string.h>

#define NAME_OCTETS_MAX 255
#define NAME_TEXT_MAX (NAME_OCTETS_MAX * 4)
#define CLASS_IN 1
#define RCODE_MASK 0xf
#define RCODE_NXDOMAIN 3

/* A name in wire form, uncompressed and in lower case: names are equal when these octets are. */
struct name {
	uint8_t octets[NAME_OCTETS_MAX];
	size_t len;
};

/* A name that may be compressed (RFC 1035 section 4.1.4); pointers must go backwards. */
static void take_name(struct cursor *c, struct name *name)
{
	struct cursor at = *c;
	size_t lowest = c->at;
	bool jumped = false;

	name->len = 0;
	for (;;) {
		uint8_t len = cursor_u8(&at);
		struct slice label;

		if ((len & 0xc0) == 0xc0) {
			size_t target = (size_t)(len & 0x3f) << 8 | cursor_u8(&at);

			if (!jumped && !at.failed)
				c->at = at.at;
			jumped = true;
			if (at.failed || target >= lowest)
				break;
			lowest = at.at = target;
			continue;
		}
		label = cursor_take(&at, len);
		if (at.failed || len > 63 || name->len + 1 + len > NAME_OCTETS_MAX)
			break;
		name->octets[name->len++] = len;
		slice_lower(label, name->octets + name->len);
		name->len += label.len;
		if (len == 0) {
			if (!jumped)
				c->at = at.at;
			return;
		}
	}
	c->failed = true;
}

static bool name_equal(const struct name *a, const struct name *b)
{
	return a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}

/* As text without a final dot; an octet that would read as something else stands as \DDD. */
static int name_text(const struct name *name, struct arena *arena, struct slice *out)
{
	char text[NAME_TEXT_MAX];
	size_t len = 0;

	for (size_t at = 0; name->octets[at]; at += 1u + name->octets[at]) {
		if (at)
			text[len++] = '.';
		for (size_t i = 1; i <= name->octets[at]; i++) {
			uint8_t c = name->octets[at + i];

			if (c > 0x20 && c < 0x7f && c != '.' && c != '\\') {
				text[len++] = (char)c;
			} else {
				text[len++] = '\\';
				text[len++] = (char)('0' + c / 100);
				text[len++] = (char)('0' + c / 10 % 10);
				text[len++] = (char)('0' + c % 10);
			}
		}
	}
	return arena_copy(arena, slice_of(text, len), out);
}

struct record {
	struct name owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t rdata_at;
	uint16_t rdata_len;
};

static void take_record(struct cursor *c, struct record *record)
{
	take_name(c, &record->owner);
	record->type = cursor_u16(c);
	record->class = cursor_u16(c);
	record->ttl = cursor_u32(c);
	record->rdata_len = cursor_u16(c);
	record->rdata_at = c->at;
	(void)cursor_take(c, record->rdata_len);
}

struct reader {
	struct slice packet;
	struct cursor answers; /* at the answer section */
	uint16_t answers_count, authorities_count;
	struct arena *arena;
};

/* Character-strings joined with nothing between (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2). */
static int read_txt(struct slice rdata, struct arena *arena, struct dns_record *out, bool *valid)
{
	struct cursor c = cursor_of(rdata);
	uint8_t *joined = arena_alloc(arena, rdata.len);
	size_t len = 0;

	if (!joined)
		return -ENOMEM;
	while (!cursor_at_end(&c)) {
		struct slice string = cursor_take(&c, cursor_u8(&c));

		if (string.len)
			memcpy(joined + len, string.ptr, string.len);
		len += string.len;
	}
	*valid = !c.failed;
	out->data = slice_of(joined, len);
	return 0;
}

/* Over the rdata, with all that stands before it: names in it may point there. */
static struct cursor rdata_cursor(const struct reader *reader, const struct record *record)
{
	return (struct cursor){ .all = slice_sub(reader->packet, 0, record->rdata_at + record->rdata_len),
		                .at = record->rdata_at };
}

static int read_rdata(const struct reader *reader, const struct record *record, struct dns_record *out, bool *valid)
{
	struct cursor c = rdata_cursor(reader, record);
	struct slice rdata = slice_sub(reader->packet, record->rdata_at, record->rdata_len);
	struct name name;

	switch ((enum dns_type)record->type) {
	case DNS_TXT: return read_txt(rdata, reader->arena, out, valid);
	case DNS_A: *valid = rdata.len == 4; break;
	case DNS_AAAA: *valid = rdata.len == 16; break;
	case DNS_MX: out->preference = cursor_u16(&c); __attribute__((fallthrough));
	case DNS_PTR:
	case DNS_CNAME:
		take_name(&c, &name);
		*valid = !c.failed && cursor_at_end(&c);
		return *valid ? name_text(&name, reader->arena, &out->data) : 0;
	case DNS_SOA:
	case DNS_TLSA: *valid = true; break;
	}
	return arena_copy(reader->arena, rdata, &out->data);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

enum alias { ALIAS_NONE, ALIAS_FOLLOWED, ALIAS_MALFORMED };

/* The alias at `owner`, if the answer section has one: `owner` becomes its target. */
static enum alias follow_alias(const struct reader *reader, struct name *owner, uint32_t *ttl)
{
	struct cursor c = reader->answers;
	struct record record;

	for (unsigned i = 0; i < reader->answers_count; i++) {
		take_record(&c, &record);
		if (c.failed)
			return ALIAS_MALFORMED;
		if (record.type == DNS_CNAME && record.class == CLASS_IN && name_equal(&record.owner, owner)) {
			struct cursor target = rdata_cursor(reader, &record);

			take_name(&target, owner);
			*ttl = least(*ttl, record.ttl);
			return !target.failed && cursor_at_end(&target) ? ALIAS_FOLLOWED : ALIAS_MALFORMED;
		}
	}
	return ALIAS_NONE;
}

static int read_records(const struct reader *reader, const struct name *owner, enum dns_type type,
                        struct dns_answer *out)
{
	struct dns_record *records = ARENA_NEW_ARRAY(reader->arena, reader->answers_count, struct dns_record);
	struct cursor c = reader->answers;
	struct record record;

	if (!records)
		return -ENOMEM;
	out->records = records;
	for (unsigned i = 0; i < reader->answers_count; i++) {
		bool valid = true;

		take_record(&c, &record);
		if (c.failed)
			break;
		if (record.type != type || record.class != CLASS_IN || !name_equal(&record.owner, owner))
			continue;
		TRY(read_rdata(reader, &record, &records[out->count], &valid));
		if (!valid) {
			c.failed = true;
			break;
		}
		out->ttl = least(out->ttl, record.ttl);
		out->count++;
	}
	if (c.failed)
		*out = (struct dns_answer){ .outcome = DNS_INVALID };
	else
		out->outcome = out->count ? DNS_FOUND : DNS_NODATA;
	return 0;
}

/* RFC 2308 section 5: the lesser of the TTL of the SOA record and its last field; without one it is not to be kept. */
static uint32_t negative_ttl(const struct reader *reader)
{
	struct cursor c = reader->answers;
	struct record record;

	for (unsigned i = 0; i < (unsigned)reader->answers_count + reader->authorities_count; i++) {
		take_record(&c, &record);
		if (c.failed)
			return 0;
		if (i >= reader->answers_count && record.type == DNS_SOA && record.class == CLASS_IN && record.rdata_len >= 4) {
			struct cursor minimum = { .all = reader->packet, .at = record.rdata_at + record.rdata_len - 4u };

			return least(record.ttl, cursor_u32(&minimum));
		}
	}
	return 0;
}

int dns_packet_read(struct slice packet, enum dns_type type, struct arena *arena, struct dns_answer *out)
{
	struct cursor c = cursor_of(packet);
	struct reader reader = { .packet = packet, .arena = arena };
	struct name owner;
	uint16_t flags, questions;
	enum alias alias = type == DNS_CNAME ? ALIAS_NONE : ALIAS_FOLLOWED;
	unsigned aliases = 0;
	uint32_t ttl = UINT32_MAX;

	*out = (struct dns_answer){ .outcome = DNS_INVALID };
	(void)cursor_take(&c, 2);
	flags = cursor_u16(&c);
	questions = cursor_u16(&c);
	reader.answers_count = cursor_u16(&c);
	reader.authorities_count = cursor_u16(&c);
	(void)cursor_take(&c, 2);
	take_name(&c, &owner);
	(void)cursor_take(&c, 4);
	if (c.failed || questions != 1)
		return 0;
	reader.answers = c;
	if ((flags & RCODE_MASK) == RCODE_NXDOMAIN) {
		*out = (struct dns_answer){ .outcome = DNS_NXDOMAIN, .ttl = negative_ttl(&reader) };
		return 0;
	}
	while (alias == ALIAS_FOLLOWED) {
		alias = follow_alias(&reader, &owner, &ttl);
		if (alias == ALIAS_MALFORMED || (alias == ALIAS_FOLLOWED && ++aliases > DNS_ALIASES_MAX))
			return 0;
	}
	out->ttl = ttl;
	TRY(read_records(&reader, &owner, type, out));
	if (out->outcome == DNS_NODATA)
		out->ttl = least(ttl, negative_ttl(&reader));
	return aliases && out->outcome != DNS_INVALID ? name_text(&owner, arena, &out->alias) : 0;
}
