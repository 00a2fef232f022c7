#include "proto/tlspolicy/discovery.h"

#include "base/text.h"
#include "proto/tlspolicy/txt_fields.h"

/* A name that is too long does not exist. */
static const struct dns_answer no_such_name = { .outcome = DNS_NXDOMAIN };

static void records_sift(const struct dns_answer *answer, struct slice version, enum discovery *found_out,
                         struct slice *text_out)
{
	struct slice rest;

	for (size_t i = 0; i < answer->count; i++) {
		if (!txt_version(answer->records[i].data, version, &rest))
			continue;
		*found_out = *found_out == DISCOVERY_NONE ? DISCOVERY_ONE : DISCOVERY_SEVERAL;
		*text_out = answer->records[i].data;
	}
}

int discovery_ask(const char *prefix, struct slice domain, struct slice version, const struct ask *ask,
                  struct arena *arena, enum discovery *found_out, struct slice *text_out,
                  const struct dns_answer **answer_out)
{
	const struct dns_answer *answer = &no_such_name;
	struct slice name;
	struct text text;

	text_init(&text, arena);
	text_str(&text, prefix);
	text_add(&text, domain);
	TRY(text_finish(&text, &name));
	if (name.len <= DNS_NAME_OCTETS_MAX && !(answer = ask_dns(ask, name, DNS_TXT, NULL)))
		return ASK_BLOCKED;
	*answer_out = answer;
	*found_out = dns_is_temporary_error(answer) ? DISCOVERY_FAULT : DISCOVERY_NONE;
	if (answer->outcome == DNS_FOUND)
		records_sift(answer, version, found_out, text_out);
	return 0;
}
