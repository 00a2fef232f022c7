/*
 * unit.h - what every unit test includes: cmocka, and a main of one group.
 */
#ifndef ASSAY_TESTS_UNIT_H
#define ASSAY_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* SLICE() for tables: an initializer, where a compound literal is no constant. */
#define SLICE_INIT(literal) { (const uint8_t *)("" literal), sizeof(literal) - 1 }

/* Compares octets and shows both as text when they differ. */
#define assert_slice_equal(actual, expected)                                                                     \
	do {                                                                                                     \
		struct slice actual_ = (actual), expected_ = (expected);                                         \
		if (!slice_equal(actual_, expected_))                                                            \
			fail_msg("got \"%.*s\", want \"%.*s\"", SLICE_FMT(actual_), SLICE_FMT(expected_));        \
	} while (0)

#define UNIT_MAIN(...)                                                   \
	int main(void)                                                   \
	{                                                                \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };       \
		return cmocka_run_group_tests(tests, NULL, NULL);        \
	}

#endif
