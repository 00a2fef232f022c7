#include "load/reply.h"

/* Field numbers of assay.proto. */
#define RESPONSE_ERROR 2
#define RESPONSE_VERDICT 10
#define RESPONSE_SENDER_VERDICT 11
#define RESPONSE_STATUS 30
#define ERROR_CODE 1
#define VERDICT_SPF 2
#define VERDICT_DKIM 4
#define VERDICT_DMARC 7
#define RESULT 1 /* of Spf, Dkim and Dmarc */
#define DMARC_DISPOSITION 7

struct field {
	uint64_t number, value;  /* value: of a number, or the length of octets */
	const uint8_t *octets;   /* NULL: a number */
};

struct reader {
	const uint8_t *at, *end;
	bool good;
};

static uint64_t varint(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		uint8_t octet = *reader->at++;

		value |= (uint64_t)(octet & 127) << shift;
		if (octet < 128)
			return value;
	}
	reader->good = false;
	return 0;
}

static uint64_t skip(struct reader *reader, uint64_t octets)
{
	if (octets > (uint64_t)(reader->end - reader->at)) {
		reader->good = false;
		return 0;
	}
	reader->at += octets;
	return octets;
}

static bool next(struct reader *reader, struct field *field)
{
	uint64_t key;

	if (!reader->good || reader->at == reader->end)
		return false;
	key = varint(reader);
	*field = (struct field){ .number = key >> 3 };
	switch (key & 7) {
	case 0: field->value = varint(reader); break;
	case 1: skip(reader, 8); break;
	case 2:
		field->value = varint(reader);
		field->octets = reader->at;
		skip(reader, field->value);
		break;
	case 5: skip(reader, 4); break;
	default: reader->good = false;
	}
	return reader->good;
}

static struct reader reader_of(const uint8_t *octets, size_t len)
{
	return (struct reader){ octets, octets + len, true };
}

/* The value of one number field; 0 when it is not there. */
static unsigned number_of(const struct field *message, uint64_t number)
{
	struct reader reader = reader_of(message->octets, (size_t)message->value);
	struct field field;

	while (next(&reader, &field))
		if (field.number == number && !field.octets)
			return (unsigned)field.value;
	return 0;
}

static bool verdict_scan(const struct field *verdict, struct reply *out)
{
	struct reader reader = reader_of(verdict->octets, (size_t)verdict->value);
	struct field field;

	while (next(&reader, &field)) {
		if (!field.octets)
			continue;
		if (field.number == VERDICT_SPF) {
			out->spf = number_of(&field, RESULT);
		} else if (field.number == VERDICT_DMARC) {
			out->dmarc = number_of(&field, RESULT);
			out->disposition = number_of(&field, DMARC_DISPOSITION);
		} else if (field.number == VERDICT_DKIM) {
			if (out->dkim_count < REPLY_DKIM_MAX)
				out->dkim[out->dkim_count] = number_of(&field, RESULT);
			out->dkim_count++;
		}
	}
	return reader.good;
}

bool reply_scan(const uint8_t *octets, size_t len, struct reply *out)
{
	struct reader reader = reader_of(octets, len);
	struct field field;
	bool good = true;

	*out = (struct reply){ .kind = REPLY_NOTHING };
	while (next(&reader, &field)) {
		if (!field.octets)
			continue;
		if (field.number == RESPONSE_ERROR) {
			out->kind = REPLY_ERROR;
			out->error = number_of(&field, ERROR_CODE);
		} else if (field.number == RESPONSE_STATUS) {
			out->kind = REPLY_STATUS;
		} else if (field.number == RESPONSE_VERDICT || field.number == RESPONSE_SENDER_VERDICT) {
			out->kind = field.number == RESPONSE_VERDICT ? REPLY_VERDICT : REPLY_SENDER_VERDICT;
			good = verdict_scan(&field, out);
		}
	}
	return good && reader.good;
}
