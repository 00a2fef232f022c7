/*
 * Goal:   a field that may stand once and stands twice is named (RFC 5322 section 3.6, RFC 6376 section 8.15; LESSONS
 *         11), and nothing else is.
 * Method: headers with the list of names that is to come out, in the order of the table.
 */
#include "proto/mail/singleton.h"

#include "unit.h"

#define ONCE                                                                                                           \
	"From: a\r\nSender: a\r\nReply-To: a\r\nTo: a\r\nCc: a\r\nMessage-ID: <a>\r\nIn-Reply-To: <a>\r\n"             \
	"References: <a>\r\nSubject: a\r\nDate: a\r\nMIME-Version: 1.0\r\nContent-Type: a\r\n"                         \
	"Content-Transfer-Encoding: 8bit\r\n"
#define ALL                                                                                                            \
	"From Sender Reply-To To Cc Message-ID In-Reply-To References Subject Date MIME-Version Content-Type "          \
	"Content-Transfer-Encoding"

static const struct {
	const char *what, *header, *names;
} vectors[] = {
	{ "twice", "From: a\r\nSubject: a\r\nSubject: b\r\n", "Subject" },
	{ "in another case", "SUBJECT: a\r\nsubject: b\r\n", "Subject" },
	{ "with white space before the colon", "To: a\r\nTo : b\r\n", "To" },
	{ "three times", "From: a\r\nFrom: a\r\nFrom: a\r\n", "From" },
	{ "the same value", "Date: a\r\nDate: a\r\n", "Date" },
	{ "two of them, whatever their order", "Date: a\r\nFrom: a\r\nDate: a\r\nFrom: b\r\n", "From Date" },
	{ "each twice", ONCE ONCE, ALL },
	{ "nothing", "", "" },
	{ "each once", ONCE, "" },
	{ "fields that may be repeated", "Received: a\r\nReceived: a\r\nResent-From: a\r\nResent-From: a\r\n", "" },
	{ "names that begin alike", "To: a\r\nTox: a\r\nT: a\r\nSubject: a\r\nSubject-: a\r\n", "" },
	{ "one in the body", "Subject: a\r\n\r\nSubject: b\r\n", "" },
	{ "one in a fold", "Subject: a\r\n Subject: b\r\n", "" },
	{ "a line that is no field", "Subject: a\r\nSubject\r\n", "" },
};

static void test_vectors(void **state)
{
	static const struct mail_bounds bounds = { 65536, 100, 65536 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		char names[512] = "";
		struct mail_message message;
		struct arena arena;
		uint32_t found;

		arena_init(&arena, 1 << 20);
		assert_int_equal(mail_parse(slice_of_str(vectors[i].header), &bounds, &arena, &message), MAIL_OK);
		found = mail_singletons_repeated(&message);
		for (unsigned k = 0; k < MAIL_SINGLETONS; k++)
			if (found & UINT32_C(1) << k)
				sprintf(names + strlen(names), "%s%s", *names ? " " : "", mail_singleton_name(k));
		if (strcmp(names, vectors[i].names) != 0 || found >> MAIL_SINGLETONS)
			fail_msg("%s: %s", vectors[i].what, names);
		arena_deinit(&arena);
	}
}

UNIT_MAIN(cmocka_unit_test(test_vectors))
