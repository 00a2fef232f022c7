/*
 * Goal:   a TXT record of any octets is read as one of TLSRPT without a fault; addresses hold no delimiter and nothing that
 *         is not printable.
 * Method: the input is one record.
 */
#include "base/error.h"
#include "proto/tlspolicy/tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tlsrpt_record record;

	if (tlsrpt_record_parse(slice_of(data, size), &record) != TLSRPT_RECORD_OK)
		return 0;
	ASSERT(record.rua_count >= 1 && record.rua_count <= TLSRPT_URIS_MAX);
	for (size_t n = 0; n < record.rua_count; n++)
		for (size_t i = 0; i < record.rua[n].len; i++) {
			uint8_t c = record.rua[n].ptr[i];

			ASSERT(c > ' ' && c < 0x7f && c != ',' && c != ';' && c != '!' && c != '"');
		}
	return 0;
}
