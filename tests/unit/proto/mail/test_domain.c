/*
 * Goal:   names have one canonical form, and "below" goes by labels.
 * Method: tables; what is no name first.
 */
#include "proto/mail/domain.h"
#include "unit.h"

#define LABEL_63  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define NAME_253  LABEL_63 "." LABEL_63 "." LABEL_63 "." "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"

static void test_canonical(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: invalid */
	} vectors[] = {
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ ".a", NULL },
		{ "a..b", NULL },
		{ "a..", NULL },
		{ "a b", NULL },
		{ "a(b", NULL },
		{ "a'b", NULL },
		{ "a\\.b", NULL },
		{ "a@b", NULL },
		{ "[192.0.2.1]", NULL },
		{ "a\xff", NULL },
		{ "x" LABEL_63, NULL },
		{ "x" NAME_253, NULL },
		{ "x." NAME_253, NULL },
		{ "a", "a" },
		{ "A.Example.", "a.example" },
		{ "_dmarc.a-b.example", "_dmarc.a-b.example" },
		{ LABEL_63, LABEL_63 },
		{ NAME_253, NAME_253 },
		{ NAME_253 ".", NAME_253 },
		{ "B\xc3\xbc" "cher.Example", "xn--bcher-kva.example" },
		{ "stra\xc3\x9f" "e.example", "xn--strae-oqa.example" }, /* RFC 5891, not the mapping of 2003 */
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice out = SLICE_EMPTY;
		int result = domain_canonical(slice_of_str(vectors[i].in), &arena, &out);

		if (result != (vectors[i].out ? 0 : DOMAIN_INVALID))
			fail_msg("%s: %d", vectors[i].in, result);
		if (result)
			continue;
		assert_slice_equal(out, slice_of_str(vectors[i].out));
		assert_true(domain_is_canonical(out));
	}
	assert_int_equal(domain_canonical(SLICE("a\0b"), &arena, &(struct slice){ 0 }), DOMAIN_INVALID);
	assert_int_equal(domain_canonical(SLICE("\xc3\xbc\0b"), &arena, &(struct slice){ 0 }), DOMAIN_INVALID);
	arena_deinit(&arena);
}

/* RFC 1035 section 2.3.1 with "_", octet by octet. */
static bool is_canonical_plain(struct slice name)
{
	struct slice rest = name;

	if (name.len == 0 || name.len > 253)
		return false;
	while (rest.ptr) {
		struct slice label = slice_cut(&rest, '.');

		if (label.len == 0 || label.len > 63)
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-_", label.ptr[i], 38))
				return false;
	}
	return true;
}

/* Names of every length, of what names have and in some of them one other octet; seeded. */
static void test_canonical_at_every_length(void **state)
{
	static const char usual[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t name[260];
	uint32_t seed = 1;
	size_t valid = 0;

	(void)state;
	for (size_t round = 0; round < 80000; round++) {
		size_t len = round % 8 ? round % 70 : round / 8 % sizeof(name), labels = 1;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			name[i] = seed >> 28 == 0 ? '.' : (uint8_t)usual[(seed >> 8) % (sizeof(usual) - 1)];
		}
		if (len > 0 && round % 3 == 0)
			name[(seed >> 4) % len] = (uint8_t)(seed >> 16);
		for (size_t i = 0; i < len; i++)
			labels += name[i] == '.';
		valid += is_canonical_plain(slice_of(name, len));
		assert_int_equal(domain_is_canonical(slice_of(name, len)), is_canonical_plain(slice_of(name, len)));
		assert_int_equal(domain_label_count(slice_of(name, len)), len ? labels : 0);
	}
	assert_in_range(valid, 10000, 70000);
}

static void test_full_arena(void **state)
{
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(domain_canonical(SLICE("A.example"), &arena, &out), -ENOMEM);
	assert_int_equal(domain_canonical(SLICE("b\xc3\xbc" "cher.example"), &arena, &out), -ENOMEM);
	assert_int_equal(domain_canonical(SLICE("a.example"), &arena, &out), 0);
	arena_deinit(&arena);
}

static void test_labels(void **state)
{
	struct slice name = SLICE("a.b.c.example");

	(void)state;
	assert_int_equal(domain_label_count(SLICE_EMPTY), 0);
	assert_int_equal(domain_label_count(SLICE("example")), 1);
	assert_int_equal(domain_label_count(name), 4);
	assert_slice_equal(domain_parent(SLICE("example")), SLICE_EMPTY);
	assert_slice_equal(domain_parent(name), SLICE("b.c.example"));
	assert_slice_equal(domain_suffix(name, 1), SLICE("example"));
	assert_slice_equal(domain_suffix(name, 3), SLICE("b.c.example"));
	assert_slice_equal(domain_suffix(name, 4), name);
	assert_slice_equal(domain_suffix(name, 9), name);
}

static void test_below(void **state)
{
	(void)state;
	assert_false(domain_is_below(SLICE("b.example"), SLICE("b.example")));
	assert_false(domain_is_below(SLICE("ab.example"), SLICE("b.example")));
	assert_false(domain_is_below(SLICE("example"), SLICE("b.example")));
	assert_false(domain_is_below(SLICE("b.example"), SLICE_EMPTY));
	assert_false(domain_is_equal_or_below(SLICE("evil-example"), SLICE("example")));
	assert_true(domain_is_below(SLICE("A.B.example"), SLICE("b.EXAMPLE")));
	assert_true(domain_is_equal_or_below(SLICE("b.example"), SLICE("B.example")));
	assert_true(domain_equal(SLICE("b.example"), SLICE("B.eXample")));
	assert_false(domain_equal(SLICE("b.example"), SLICE("b.example.")));
}

UNIT_MAIN(cmocka_unit_test(test_canonical), cmocka_unit_test(test_canonical_at_every_length),
          cmocka_unit_test(test_full_arena), cmocka_unit_test(test_labels), cmocka_unit_test(test_below))
