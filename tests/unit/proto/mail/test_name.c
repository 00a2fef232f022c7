/*
 * Goal:   every name in names.def is found whatever its case, stands in the list of its length, and nothing else is found.
 * Method: all of them, in three spellings; then each with one octet changed, added or left out.
 */
#include "proto/mail/name.h"

#include "unit.h"

static void spell(struct slice text, bool (*upper)(size_t i), uint8_t *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = octet_lower(text.ptr[i]);

		out[i] = upper(i) && octet_is_alpha(c) ? (uint8_t)(c & ~0x20) : c;
	}
}

static bool never(size_t i)
{
	(void)i;
	return false;
}

static bool always(size_t i)
{
	(void)i;
	return true;
}

static bool odd(size_t i)
{
	return i & 1;
}

static void test_each_is_found(void **state)
{
	bool (*const spellings[])(size_t) = { never, always, odd };
	uint8_t text[64];

	(void)state;
	assert_true(MAIL_NAMES > 30);
	for (unsigned id = MAIL_NAME_OTHER + 1; id < MAIL_NAMES; id++) {
		struct slice name = mail_name_text((enum mail_name)id);

		assert_true(name.len > 0 && name.len < sizeof(text));
		assert_int_equal(mail_name_of(name), id);
		for (size_t i = 0; i < COUNT_OF(spellings); i++) {
			spell(name, spellings[i], text);
			assert_int_equal(mail_name_of(slice_of(text, name.len)), id);
		}
	}
}

static void test_others_are_not(void **state)
{
	static const char *const others[] = { "", "x", "Fro", "Fromm", "X-Nothing", "ARC-Seal-", "dkim_signature" };
	uint8_t text[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_int_equal(mail_name_of(slice_of_str(others[i])), MAIL_NAME_OTHER);
	for (unsigned id = MAIL_NAME_OTHER + 1; id < MAIL_NAMES; id++) {
		struct slice name = mail_name_text((enum mail_name)id);

		for (size_t i = 0; i < name.len; i++) {
			memcpy(text, name.ptr, name.len);
			text[i] ^= 0x40; /* '-' becomes 'm', letters something else: never only another case */
			assert_int_equal(mail_name_of(slice_of(text, name.len)), MAIL_NAME_OTHER);
			text[i] = 0x0d; /* what "-" would be if case were folded by a bit */
			assert_int_equal(mail_name_of(slice_of(text, name.len)), MAIL_NAME_OTHER);
		}
	}
	assert_int_equal(mail_name_text(MAIL_NAME_OTHER).len, 0);
}

UNIT_MAIN(cmocka_unit_test(test_each_is_found), cmocka_unit_test(test_others_are_not))
