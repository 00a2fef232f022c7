/*
 * Goal:   a TXT record of any octets is read as one of MTA-STS without a fault, and an id is one.
 * Method: the input is one record.
 */
#include "base/error.h"
#include "proto/tlspolicy/mta_sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice id;

	if (mta_sts_record_parse(slice_of(data, size), &id) != MTA_STS_RECORD_OK)
		return 0;
	ASSERT(id.len >= 1 && id.len <= MTA_STS_ID_OCTETS_MAX);
	for (size_t i = 0; i < id.len; i++)
		ASSERT(octet_is_alnum(id.ptr[i]));
	return 0;
}
