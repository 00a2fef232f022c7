#include "proto/mail/singleton.h"

#define NAME(text)                                                                                                     \
	{                                                                                                              \
		text, sizeof(text) - 1                                                                                 \
	}

static const struct {
	const char *text;
	size_t len;
} names[MAIL_SINGLETONS] = {
	NAME("From"),
	NAME("Sender"),
	NAME("Reply-To"),
	NAME("To"),
	NAME("Cc"),
	NAME("Message-ID"),
	NAME("In-Reply-To"),
	NAME("References"),
	NAME("Subject"),
	NAME("Date"),
	NAME("MIME-Version"),
	NAME("Content-Type"),
	NAME("Content-Transfer-Encoding"),
};

uint32_t mail_singletons_repeated(const struct mail_message *message)
{
	uint32_t seen = 0, repeated = 0;

	for (size_t at = 0; at < message->fields_count; at++) {
		struct slice name = message->fields[at].name;

		for (unsigned i = 0; i < MAIL_SINGLETONS; i++) {
			uint32_t bit = UINT32_C(1) << i;

			if (name.len != names[i].len || !slice_equal_nocase(name, slice_of(names[i].text, name.len)))
				continue;
			repeated |= seen & bit;
			seen |= bit;
		}
	}
	return repeated;
}

const char *mail_singleton_name(unsigned i)
{
	ASSERT(i < MAIL_SINGLETONS);
	return names[i].text;
}
