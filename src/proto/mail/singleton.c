#include "proto/mail/singleton.h"

static const enum mail_name names[MAIL_SINGLETONS] = {
	MAIL_NAME_FROM,        MAIL_NAME_SENDER,       MAIL_NAME_REPLY_TO,
	MAIL_NAME_TO,          MAIL_NAME_CC,           MAIL_NAME_MESSAGE_ID,
	MAIL_NAME_IN_REPLY_TO, MAIL_NAME_REFERENCES,   MAIL_NAME_SUBJECT,
	MAIL_NAME_DATE,        MAIL_NAME_MIME_VERSION, MAIL_NAME_CONTENT_TYPE,
	MAIL_NAME_CONTENT_TRANSFER_ENCODING,
};

uint32_t mail_singletons_repeated(const struct mail_message *message)
{
	uint32_t repeated = 0;

	for (unsigned i = 0; i < MAIL_SINGLETONS; i++)
		repeated |= (uint32_t)(mail_field_count(message, names[i]) > 1) << i;
	return repeated;
}

enum mail_name mail_singleton(unsigned i)
{
	ASSERT(i < MAIL_SINGLETONS);
	return names[i];
}

const char *mail_singleton_name(unsigned i)
{
	return (const char *)mail_name_text(mail_singleton(i)).ptr;
}
