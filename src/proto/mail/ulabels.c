#include "proto/mail/ulabels.h"

#include "proto/mail/domain.h"

#include <idn2.h>

#define ACE_PREFIX SLICE("xn--") /* RFC 5890 section 2.3.2.1 */

/* Bits: a label has a set of them. */
enum script {
	SCRIPT_COMMON = 0, /* digits, hyphens: go with all */
	SCRIPT_LATIN = 1 << 0,
	SCRIPT_GREEK = 1 << 1,
	SCRIPT_CYRILLIC = 1 << 2,
	SCRIPT_ARMENIAN = 1 << 3,
	SCRIPT_DEVANAGARI = 1 << 4,
	SCRIPT_BENGALI = 1 << 5,
	SCRIPT_GURMUKHI = 1 << 6,
	SCRIPT_GUJARATI = 1 << 7,
	SCRIPT_ORIYA = 1 << 8,
	SCRIPT_TAMIL = 1 << 9,
	SCRIPT_TELUGU = 1 << 10,
	SCRIPT_KANNADA = 1 << 11,
	SCRIPT_MALAYALAM = 1 << 12,
	SCRIPT_SINHALA = 1 << 13,
	SCRIPT_THAI = 1 << 14,
	SCRIPT_LAO = 1 << 15,
	SCRIPT_TIBETAN = 1 << 16,
	SCRIPT_MYANMAR = 1 << 17,
	SCRIPT_GEORGIAN = 1 << 18,
	SCRIPT_ETHIOPIC = 1 << 19,
	SCRIPT_KHMER = 1 << 20,
	SCRIPT_HANGUL = 1 << 21,
	SCRIPT_HIRAGANA = 1 << 22,
	SCRIPT_KATAKANA = 1 << 23,
	SCRIPT_BOPOMOFO = 1 << 24,
	SCRIPT_HAN = 1 << 25,
	SCRIPT_KANA = SCRIPT_HIRAGANA | SCRIPT_KATAKANA,
};

/*
 * What is shown: the scripts that UAX 31 recommends for identifiers (table 5) and that are written from left to right,
 * by the blocks of the Unicode Character Database. What in a block is no letter, mark or digit is no part of a U-label
 * (RFC 5892), and so refused by libidn2 already. In order.
 */
static const struct {
	uint32_t first, last;
	enum script script;
} shown[] = {
	{ '-', '.', SCRIPT_COMMON },
	{ '0', '9', SCRIPT_COMMON },
	{ '_', '_', SCRIPT_COMMON },
	{ 'a', 'z', SCRIPT_LATIN },
	{ 0x00df, 0x00f6, SCRIPT_LATIN },
	{ 0x00f8, 0x024f, SCRIPT_LATIN },
	{ 0x0370, 0x03ff, SCRIPT_GREEK },
	{ 0x0400, 0x052f, SCRIPT_CYRILLIC },
	{ 0x0561, 0x0587, SCRIPT_ARMENIAN },
	{ 0x0900, 0x097f, SCRIPT_DEVANAGARI },
	{ 0x0980, 0x09ff, SCRIPT_BENGALI },
	{ 0x0a00, 0x0a7f, SCRIPT_GURMUKHI },
	{ 0x0a80, 0x0aff, SCRIPT_GUJARATI },
	{ 0x0b00, 0x0b7f, SCRIPT_ORIYA },
	{ 0x0b80, 0x0bff, SCRIPT_TAMIL },
	{ 0x0c00, 0x0c7f, SCRIPT_TELUGU },
	{ 0x0c80, 0x0cff, SCRIPT_KANNADA },
	{ 0x0d00, 0x0d7f, SCRIPT_MALAYALAM },
	{ 0x0d80, 0x0dff, SCRIPT_SINHALA },
	{ 0x0e00, 0x0e7f, SCRIPT_THAI },
	{ 0x0e80, 0x0eff, SCRIPT_LAO },
	{ 0x0f00, 0x0fff, SCRIPT_TIBETAN },
	{ 0x1000, 0x109f, SCRIPT_MYANMAR },
	{ 0x10d0, 0x10ff, SCRIPT_GEORGIAN },
	{ 0x1200, 0x137f, SCRIPT_ETHIOPIC },
	{ 0x1780, 0x17ff, SCRIPT_KHMER },
	{ 0x1e00, 0x1eff, SCRIPT_LATIN },
	{ 0x1f00, 0x1fff, SCRIPT_GREEK },
	{ 0x3005, 0x3007, SCRIPT_HAN },
	{ 0x3041, 0x3096, SCRIPT_HIRAGANA },
	{ 0x309d, 0x309e, SCRIPT_HIRAGANA },
	{ 0x30a1, 0x30fa, SCRIPT_KATAKANA },
	{ 0x30fc, 0x30fe, SCRIPT_KATAKANA },
	{ 0x3105, 0x312f, SCRIPT_BOPOMOFO },
	{ 0x3400, 0x4dbf, SCRIPT_HAN },
	{ 0x4e00, 0x9fff, SCRIPT_HAN },
	{ 0xac00, 0xd7a3, SCRIPT_HANGUL },
	{ 0x20000, 0x3134f, SCRIPT_HAN },
};

/* False: it is not to be shown. */
static bool script_of(uint32_t character, enum script *script_out)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		if (character < shown[i].first || character > shown[i].last)
			continue;
		*script_out = shown[i].script;
		return true;
	}
	return false;
}

/* UTS 39 section 5.2: one script, or those of Japanese, Korean or Chinese, each with Latin. */
static bool scripts_go_together(unsigned scripts)
{
	static const unsigned sets[] = {
		SCRIPT_LATIN | SCRIPT_HAN | SCRIPT_KANA,
		SCRIPT_LATIN | SCRIPT_HAN | SCRIPT_HANGUL,
		SCRIPT_LATIN | SCRIPT_HAN | SCRIPT_BOPOMOFO,
	};

	if ((scripts & (scripts - 1)) == 0)
		return true;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		if ((scripts & ~sets[i]) == 0)
			return true;
	return false;
}

/* False: a character of it is not to be shown. */
static bool scripts_judge(const uint32_t *characters, bool *mixes_out)
{
	unsigned scripts = 0;
	enum script script;

	*mixes_out = false;
	for (; *characters; characters++) {
		if (!script_of(*characters, &script))
			return false;
		scripts = *characters == '.' ? 0 : scripts | script;
		*mixes_out = *mixes_out || !scripts_go_together(scripts);
	}
	return true;
}

/* An A-label is one only if its U-label leads back to it (RFC 5891 section 5.4); libidn2 does not see to that. */
static int leads_back(struct slice utf8, struct slice name, struct arena *arena)
{
	struct slice again;
	int result = domain_canonical(utf8, arena, &again);

	return result || domain_equal(again, name) ? result : DOMAIN_INVALID;
}

static int show(const char *ascii, const char *utf8, struct slice name, struct arena *arena, struct ulabels *out)
{
	uint32_t *characters = NULL;
	bool mixes = false, safe;
	struct slice copy;
	int result;

	if (idn2_to_unicode_8z4z(ascii, &characters, 0) != IDN2_OK)
		return 0;
	safe = scripts_judge(characters, &mixes);
	idn2_free(characters);
	if (!safe)
		return 0;
	TRY(arena_copy(arena, slice_of_str(utf8), &copy));
	result = leads_back(copy, name, arena);
	if (result < 0)
		return result;
	if (result == 0) {
		out->name = copy;
		out->mixes_scripts = mixes;
	}
	return 0;
}

static bool has_alabels(struct slice name)
{
	for (; name.len; name = domain_parent(name))
		if (slice_starts_with(name, ACE_PREFIX))
			return true;
	return false;
}

int ulabels_of(struct slice name, struct arena *arena, struct ulabels *out)
{
	struct slice copy;
	char *utf8 = NULL;
	int result;

	*out = (struct ulabels){ .exist = has_alabels(name) };
	if (!out->exist)
		return 0;
	TRY(arena_copy(arena, name, &copy));
	if (idn2_to_unicode_8z8z((const char *)copy.ptr, &utf8, 0) != IDN2_OK)
		return 0;
	result = show((const char *)copy.ptr, utf8, name, arena, out);
	idn2_free(utf8);
	return result;
}
