#include "proto/mail/name.h"

#include "base/error.h"

#define LENGTH_MAX 26

static const struct slice texts[MAIL_NAMES] = {
#define LENGTH(n)
#define NAME(id, text) [MAIL_NAME_##id] = { (const uint8_t *)text, sizeof(text) - 1 },
#include "proto/mail/names.def"
#undef LENGTH
#undef NAME
};

/* The first name of each length; those of length n end where those of n + 1 begin. */
static const uint8_t begin[LENGTH_MAX + 2] = {
	1,
	1,
#define LENGTH(n) [n] = MAIL_NAMES_OF_##n,
#define NAME(id, text)
#include "proto/mail/names.def"
#undef LENGTH
#undef NAME
};

/* First and last letter, whatever the case: few names of a length have both in common. */
#define FINGERPRINT(first, last) (uint16_t)(((uint8_t)(first) | 0x20) << 8 | ((uint8_t)(last) | 0x20))

static const uint16_t fingerprints[MAIL_NAMES] = {
#define LENGTH(n)
#define NAME(id, text) [MAIL_NAME_##id] = FINGERPRINT(text[0], text[sizeof(text) - 2]),
#include "proto/mail/names.def"
#undef LENGTH
#undef NAME
};

enum mail_name mail_name_of(struct slice name)
{
	uint16_t fingerprint;

	if (name.len == 0 || name.len > LENGTH_MAX)
		return MAIL_NAME_OTHER;
	fingerprint = FINGERPRINT(name.ptr[0], name.ptr[name.len - 1]);
	for (unsigned id = begin[name.len]; id < begin[name.len + 1]; id++)
		if (fingerprint == fingerprints[id] && slice_equal_nocase(name, texts[id]))
			return (enum mail_name)id;
	return MAIL_NAME_OTHER;
}

struct slice mail_name_text(enum mail_name name)
{
	ASSERT((unsigned)name < MAIL_NAMES);
	return texts[name];
}
