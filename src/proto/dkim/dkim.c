#include "proto/dkim/dkim.h"

int dkim_verify(const struct mail_message *message, const struct slice *author_domains, size_t author_domains_count,
                int64_t now, const struct dkim_config *config, const struct ask *ask, struct arena *arena,
                struct dkim_result *out)
{
	(void)author_domains;
	(void)author_domains_count;
	(void)now;
	(void)config;
	(void)ask;
	(void)arena;
	*out = (struct dkim_result){ .ignored = mail_field_count(message, SLICE("DKIM-Signature")) };
	return 0;
}

const char *dkim_word_text(enum dkim_word word)
{
	static const char *const words[] = {
		[DKIM_PASS] = "pass",       [DKIM_FAIL] = "fail",           [DKIM_POLICY] = "policy",
		[DKIM_NEUTRAL] = "neutral", [DKIM_TEMPERROR] = "temperror", [DKIM_PERMERROR] = "permerror",
	};

	ASSERT((size_t)word < sizeof(words) / sizeof(*words));
	return words[word];
}
