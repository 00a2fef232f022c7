/*
 * Goal:   a set of TLSA records of any octets is read without a fault; what is selected is usable and prints as such.
 * Method: the input is cut into records: a length of one octet, then so many octets.
 */
#include "proto/tlspolicy/tlsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_record records[2 * TLSA_RECORDS_MAX];
	struct dns_answer answer = { .records = records };
	struct slice rest = slice_of(data, size);
	struct arena arena;
	struct tlsa *list;
	size_t count;

	while (rest.len && answer.count < sizeof(records) / sizeof(*records)) {
		struct slice rdata = slice_sub(rest, 1, rest.ptr[0]);

		records[answer.count++] = (struct dns_record){ .data = rdata };
		rest = slice_from(rest, 1 + rdata.len);
	}
	arena_init(&arena, (size_t)1 << 20);
	ASSERT(tlsa_select(&answer, &arena, &list, &count) == 0 && count <= TLSA_RECORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct slice text;

		ASSERT(tlsa_is_usable(&list[i]) && tlsa_text(&list[i], &arena, &text) == 0);
		ASSERT(text.len == 6 + 2 * list[i].data.len);
	}
	arena_deinit(&arena);
	return 0;
}
