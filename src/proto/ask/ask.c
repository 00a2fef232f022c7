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
	case DNS_SILENT: return "not asked: the servers of this domain do not answer";
	}
	return "unknown";
}

int dns_answer_read(const struct dns_answer *answer, const struct dns_form *form, struct arena *arena,
                    const void **object_out)
{
	void *object;

	*object_out = answer->object;
	if (answer->form == form)
		return 0;
	if (!(*object_out = object = arena_alloc(arena, form->size)))
		return -ENOMEM;
	return form->read(answer, arena, object);
}
