#include "proto/ask/ask.h"

const char *dns_outcome_text(enum dns_outcome outcome)
{
	switch (outcome) {
	case DNS_FOUND: return "found";
	case DNS_NODATA: return "no record of this type";
	case DNS_NXDOMAIN: return "NXDOMAIN";
	case DNS_SERVFAIL: return "SERVFAIL";
	case DNS_BOGUS: return "DNSSEC validation failed";
	case DNS_TIMEOUT: return "time-out";
	case DNS_BUDGET: return "not asked: look-up budget spent";
	case DNS_INVALID: return "malformed answer";
	}
	return "unknown";
}
