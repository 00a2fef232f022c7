/*
 * Goal:   no packet makes the reader fault, and what it calls an answer has its form.
 * Method: the first octet chooses the type asked for, and the arena's size; the rest is the packet. It is read twice, to
 *         the same answer.
 */
#include "proto/dns/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct slice name)
{
	ASSERT(name.len <= 4 * 253);
	for (size_t i = 0; i < name.len; i++)
		ASSERT(name.ptr[i] > 0x20 && name.ptr[i] < 0x7f && !(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z'));
}

static void check_record(enum dns_type type, const struct dns_record *record)
{
	switch (type) {
	case DNS_A: ASSERT(record->data.len == 4); break;
	case DNS_AAAA: ASSERT(record->data.len == 16); break;
	case DNS_MX:
	case DNS_PTR:
	case DNS_CNAME: check_name(record->data); break;
	case DNS_TXT:
	case DNS_SOA:
	case DNS_TLSA: break;
	}
	ASSERT(type == DNS_MX || record->preference == 0);
}

static void check_answer(enum dns_type type, const struct dns_answer *answer, size_t packet_len)
{
	ASSERT(answer->outcome == DNS_FOUND || answer->outcome == DNS_NODATA || answer->outcome == DNS_INVALID);
	ASSERT((answer->outcome == DNS_FOUND) == (answer->count > 0));
	ASSERT(answer->count * 11 <= packet_len && !answer->secure);
	ASSERT(answer->outcome != DNS_INVALID || answer->ttl == 0);
	for (size_t i = 0; i < answer->count; i++)
		check_record(type, &answer->records[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_CNAME, DNS_SOA, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };
	struct slice packet = size ? slice_of(data + 1, size - 1) : SLICE_EMPTY;
	enum dns_type type = types[size ? data[0] & 7 : 0];
	struct dns_answer first, second;
	struct arena arena, small;
	int result;

	arena_init(&arena, (size_t)32 << 20);
	arena_init(&small, size ? (size_t)(data[0] >> 3) * 64 : 0);
	ASSERT(dns_packet_read(packet, type, &arena, &first) == 0);
	ASSERT(dns_packet_read(packet, type, &arena, &second) == 0);
	check_answer(type, &first, packet.len);
	ASSERT(first.outcome == second.outcome && first.count == second.count && first.ttl == second.ttl);
	for (size_t i = 0; i < first.count; i++)
		ASSERT(slice_equal(first.records[i].data, second.records[i].data));
	result = dns_packet_read(packet, type, &small, &second);
	ASSERT(result == 0 || (result == -ENOMEM && small.full));
	ASSERT(result < 0 || (first.outcome == second.outcome && first.count == second.count));
	arena_deinit(&small);
	arena_deinit(&arena);
	return 0;
}
