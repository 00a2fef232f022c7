/*
 * Goal:   STANDARDS S9: a name is shown as its reader sees it, a mix of scripts is told, and what could deceive or
 *         harm is not shown at all.
 * Method: tables; what is not shown first.
 */
#include "proto/mail/ulabels.h"
#include "unit.h"

#define MIXED true

static const struct {
	const char *name, *shown; /* shown NULL: no A-labels; "": not to be shown */
	bool mixes_scripts;
} vectors[] = {
	{ "", NULL, false },
	{ "example", NULL, false },
	{ "axn--bcher-kva.example", NULL, false },
	/* No U-label is behind it. */
	{ "xn--zzzzzzz999999.example", "", false },
	{ "xn--.example", "", false },
	{ "xn--abc-.example", "", false },
	{ "xn--a-ecp.example", "", false },                /* DISALLOWED in RFC 5892 */
	{ "xn--a-zbv.example", "", false },                /* leads back to another name */
	{ "xn--b-lha.example", "", false },               /* a capital letter: no U-label has one */
	{ "xn--ls8h.example", "", false },                 /* an emoji */
	{ "xn--a-sgn.example", "", false },                /* U+200C, zero width */
	{ "xn--ab-5da.example", "", false },               /* U+00AD, soft hyphen */
	{ "xn--ab-g4t.example", "", false },               /* U+202E, RIGHT-TO-LEFT OVERRIDE */
	{ "xn--ab-g1t.example", "", false },               /* U+200B, zero width */
	{ "xn--4dbcagdahymbxekheh6e0a7fei0b.example", "", false }, /* Hebrew reorders what stands around it */
	{ "xn--bcher-kva.xn--ls8h.example", "", false },
	{ "xn--bcher-kva.example", "b\xc3\xbc" "cher.example", false },
	/* Each label by itself. */
	{ "mail_1.xn--bcher-kva.xn--e1afmkfd.example",
	  "mail_1.b\xc3\xbc" "cher.\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.example", false },
	{ "xn--80ak6aa92e.example", "\xd0\xb0\xd1\x80\xd1\x80\xd3\x8f\xd0\xb5.example", false },
	{ "xn--pypal-4ve.example", "p\xd0\xb0ypal.example", MIXED },
	{ "a.xn--pypal-4ve", "a.p\xd0\xb0ypal", MIXED },
	{ "xn--pypal-4ve.xn--bcher-kva", "p\xd0\xb0ypal.b\xc3\xbc" "cher", MIXED },
	{ "xn--zckzah9945czlbtz6h.example",
	  "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88.example", false }, /* Japanese */
	{ "xn--p8s937b4q9bln7a.example",
	  "\xed\x95\x9c\xea\xb5\xad\xe6\xbc\xa2\xe5\xad\x97.example", false }, /* Korean */
	{ "xn--n1a958t.example", "\xe3\x82\xab\xd0\xbe.example", MIXED }, /* kana and Cyrillic */
	{ "xn--mxa8w.example", "\xce\xb1\xd0\xb0.example", MIXED }, /* Greek and Cyrillic */
	{ "xn--j2bd4cyah0f.example",
	  "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4\xa6\xe0\xa5\x80.example", false },
};

static void names_are_shown(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const char *shown = vectors[i].shown;
		struct ulabels ulabels;

		assert_int_equal(ulabels_of(slice_of_str(vectors[i].name), &arena, &ulabels), 0);
		if (ulabels.exist != (shown != NULL) || !slice_equal(ulabels.name, slice_of_str(shown ? shown : "")) ||
		    ulabels.mixes_scripts != vectors[i].mixes_scripts)
			fail_msg("%s: %d \"%.*s\" %d", vectors[i].name, ulabels.exist, SLICE_FMT(ulabels.name),
				 ulabels.mixes_scripts);
	}
	arena_deinit(&arena);
}

static void full_arena(void **state)
{
	struct ulabels ulabels;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(ulabels_of(SLICE("xn--bcher-kva.example"), &arena, &ulabels), -ENOMEM);
	assert_int_equal(ulabels_of(SLICE("bcher.example"), &arena, &ulabels), 0);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_shown),
		cmocka_unit_test(full_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
