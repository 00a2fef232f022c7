/* Verification in lanes: what is added up, and the comparison with R. The tables come from ed25519_table.c. */
#include "crypto/ed25519_private.h"

#include "crypto/probe.h"

#include <stdlib.h>

/* Groups of eight jobs whose results share the one inversion. */
#define JOBS_MAX   CRYPTO_ED25519_JOBS_BEST
#define GROUPS_MAX (JOBS_MAX / ED25519_LANES)

/* The digits of eight jobs; all 0 in a lane that has nothing to do, which then ends as the neutral point. */
struct digits {
	int16_t key[ED25519_KEY_DIGITS][ED25519_LANES];
	int16_t base[ED25519_BASE_DIGITS][ED25519_LANES];
};

struct group {
	struct crypto_ed25519_job *job[ED25519_LANES]; /* NULL: nothing to do */
	struct ge8_p2 sum;                             /* [s]B + [k](-A) */
};

/* The neutral point: y+x = y-x = 1. */
static const struct ed25519_entry neutral = { { [0] = 1, [FE8_LIMBS] = 1 } };

/*
 * Lane by lane |digit| times the row's point, negated where the digit is: -(x, y) = (-x, y) changes y+x and y-x for each
 * other, and the sign of 2dxy.
 */
ED25519_INLINE struct ge8_affine entries_select(const struct ed25519_entry *const row[ED25519_LANES],
                                                const int16_t digit[ED25519_LANES])
{
	__m512i low[8], high[8];
	struct fe8 sum, diff, t2d;
	unsigned negative = 0;

	ED25519_UNROLL
	for (int lane = 0; lane < ED25519_LANES; lane++) {
		int d = digit[lane], magnitude = d < 0 ? -d : d;
		const struct ed25519_entry *entry = magnitude ? row[lane] + magnitude - 1 : &neutral;

		negative |= (unsigned)(d < 0) << lane;
		low[lane] = _mm512_load_si512((const void *)entry->word);
		high[lane] = _mm512_load_si512((const void *)(entry->word + 8));
	}
	lanes_transpose(low);
	lanes_transpose(high);
	sum = (struct fe8){ { low[0], low[1], low[2], low[3], low[4] } };
	diff = (struct fe8){ { low[5], low[6], low[7], high[0], high[1] } };
	t2d = (struct fe8){ { high[2], high[3], high[4], high[5], high[6] } };
	return (struct ge8_affine){ fe8_choose((__mmask8)negative, sum, diff), fe8_choose((__mmask8)negative, diff, sum),
		                    fe8_choose((__mmask8)negative, t2d, fe8_neg(t2d)) };
}

/* One term of a step: a row of each lane and its digits. */
struct term {
	const struct ed25519_entry *const *row;
	const int16_t *digit;
};

#define TERMS_MAX (ED25519_KEY_ROWS + ED25519_BASE_ROWS)

struct rows {
	const struct ed25519_entry *key[ED25519_KEY_ROWS][ED25519_LANES];
	const struct ed25519_entry *base[ED25519_BASE_ROWS][ED25519_LANES];
};

/* What is added at a step: see ed25519_private.h. At least one term. */
static int step_terms(const struct rows *rows, const struct digits *digits, int step, struct term terms[TERMS_MAX])
{
	int count = 0;

	for (int i = 0; i < ED25519_KEY_ROWS && ED25519_STEPS * i + step < ED25519_KEY_DIGITS; i++)
		terms[count++] = (struct term){ rows->key[i], digits->key[ED25519_STEPS * i + step] };
	if (step % 2)
		return count;
	for (int i = 0; i < ED25519_BASE_ROWS && ED25519_BASE_STEPS * i + step / 2 < ED25519_BASE_DIGITS; i++)
		terms[count++] = (struct term){ rows->base[i], digits->base[ED25519_BASE_STEPS * i + step / 2] };
	return count;
}

ED25519_VECTOR static struct ge8_p2 terms_sum(const struct rows *rows, const struct digits *digits)
{
	struct ge8_sd sum = ge8_neutral();

	for (int step = ED25519_STEPS - 1;; step--) {
		struct term terms[TERMS_MAX];
		int count = step_terms(rows, digits, step, terms);
		struct ge8_p2 p;

		for (int i = 0; i < count - 1; i++)
			sum = ge8_to_sd(ge8_add_affine(sum, entries_select(terms[i].row, terms[i].digit)));
		p = ge8_to_p2(ge8_add_affine(sum, entries_select(terms[count - 1].row, terms[count - 1].digit)));
		if (step == 0)
			return p;
		for (int i = 1; i < ED25519_KEY_WIDTH; i++)
			p = ge8_to_p2(ge8_double(p));
		sum = ge8_to_sd(ge8_double(p));
	}
}

static void rows_find(const struct crypto_ed25519 *ed25519, const struct group *group, struct rows *rows_out)
{
	for (int lane = 0; lane < ED25519_LANES; lane++) {
		for (int i = 0; i < ED25519_KEY_ROWS; i++)
			rows_out->key[i][lane] = group->job[lane] ? group->job[lane]->key->row[i] : &neutral;
		for (int i = 0; i < ED25519_BASE_ROWS; i++)
			rows_out->base[i][lane] = ed25519->row[i];
	}
}

/* Jobs that are invalid whatever the sum is, leave the group. */
static void group_check(struct group *group, struct ed25519_scalar s[ED25519_LANES])
{
	for (int lane = 0; lane < ED25519_LANES; lane++) {
		struct crypto_ed25519_job *job = group->job[lane];

		if (job && (job->key->state != ED25519_KEY_READY ||
		            job->signature.len != CRYPTO_ED25519_SIGNATURE_OCTETS ||
		            !ed25519_scalar_read(job->signature.ptr + 32, &s[lane])))
			group->job[lane] = NULL;
	}
}

static void group_digits(const struct group *group, const struct ed25519_scalar s[ED25519_LANES], struct digits *digits_out)
{
	uint8_t hashes[ED25519_LANES][64];

	memset(digits_out, 0, sizeof(*digits_out));
	ed25519_hash((const struct crypto_ed25519_job *const *)group->job, hashes);
	for (int lane = 0; lane < ED25519_LANES; lane++) {
		struct ed25519_scalar k;

		if (!group->job[lane])
			continue;
		k = ed25519_scalar_reduce(hashes[lane]);
		ed25519_scalar_digits(&k, ED25519_KEY_WIDTH, ED25519_KEY_DIGITS, &digits_out->key[0][lane], ED25519_LANES);
		ed25519_scalar_digits(&s[lane], ED25519_BASE_WIDTH, ED25519_BASE_DIGITS, &digits_out->base[0][lane],
		                      ED25519_LANES);
	}
}

ED25519_VECTOR static void group_add_up(const struct crypto_ed25519 *ed25519, struct group *group)
{
	struct ed25519_scalar s[ED25519_LANES];
	struct digits digits;
	struct rows rows;

	group_check(group, s);
	group_digits(group, s, &digits);
	rows_find(ed25519, group, &rows);
	group->sum = terms_sum(&rows, &digits);
}

/* RFC 8032 section 5.1.2: the sum as 32 octets, which are compared with R's. */
ED25519_VECTOR static void group_compare(struct group *group, struct fe8 inverse)
{
	uint64_t sum[4][ED25519_LANES];
	__m512i x[4], y[4];

	fe8_to_words(fe8_mul(group->sum.x, inverse), x);
	fe8_to_words(fe8_mul(group->sum.y, inverse), y);
	y[3] = _mm512_or_si512(y[3], _mm512_slli_epi64(x[0], 63));
	for (int i = 0; i < 4; i++)
		lanes_store(sum[i], y[i]);
	for (int lane = 0; lane < ED25519_LANES; lane++) {
		uint64_t r[4];

		if (!group->job[lane])
			continue;
		memcpy(r, group->job[lane]->signature.ptr, sizeof(r));
		group->job[lane]->valid = r[0] == sum[0][lane] && r[1] == sum[1][lane] && r[2] == sum[2][lane] &&
		                          r[3] == sum[3][lane];
	}
}

/* Montgomery's trick again; no Z is 0 (ed25519_point.h), so no group can spoil another. */
ED25519_VECTOR static void groups_compare(struct group groups[], size_t count)
{
	struct fe8 product[GROUPS_MAX], inverse;

	product[0] = groups[0].sum.z;
	for (size_t i = 1; i < count; i++)
		product[i] = fe8_mul(product[i - 1], groups[i].sum.z);
	inverse = fe8_invert(product[count - 1]);
	for (size_t i = count - 1; i > 0; i--) {
		group_compare(&groups[i], fe8_mul(inverse, product[i - 1]));
		inverse = fe8_mul(inverse, groups[i].sum.z);
	}
	group_compare(&groups[0], inverse);
}

/* Keys that were not used before, eight at a time. */
static void jobs_keys_make(struct crypto_ed25519_job *jobs, size_t count)
{
	struct crypto_ed25519_key *chosen[ED25519_LANES];
	size_t chosen_count = 0;

	for (size_t i = 0; i < count; i++) {
		struct crypto_ed25519_key *key = jobs[i].key;

		if (key->state == ED25519_KEY_NEW) {
			key->state = ED25519_KEY_CHOSEN;
			chosen[chosen_count++] = key;
		}
		if (chosen_count == ED25519_LANES || (chosen_count > 0 && i + 1 == count)) {
			ed25519_keys_make(chosen, chosen_count);
			chosen_count = 0;
		}
	}
}

static void verify_some(const struct crypto_ed25519 *ed25519, struct crypto_ed25519_job *jobs, size_t count)
{
	struct group groups[GROUPS_MAX];
	size_t groups_count = (count + ED25519_LANES - 1) / ED25519_LANES;

	jobs_keys_make(jobs, count);
	for (size_t g = 0; g < groups_count; g++) {
		for (size_t lane = 0; lane < ED25519_LANES; lane++) {
			size_t i = ED25519_LANES * g + lane;

			groups[g].job[lane] = i < count ? &jobs[i] : NULL;
		}
		group_add_up(ed25519, &groups[g]);
	}
	groups_compare(groups, groups_count);
}

void crypto_ed25519_verify(const struct crypto_ed25519 *ed25519, struct crypto_ed25519_job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		jobs[i].valid = false;
	for (size_t done = 0; done < count; done += JOBS_MAX)
		verify_some(ed25519, jobs + done, count - done < JOBS_MAX ? count - done : JOBS_MAX);
}

/* The known answer in every lane but one, a wrong one there; each lane has its turn. */
static bool answers_are_known(const struct crypto_ed25519 *ed25519, struct crypto_ed25519_key *key)
{
	static const uint8_t other[CRYPTO_DIGEST_OCTETS_MAX] = { 1 };
	struct slice digest = crypto_probe_digest(CRYPTO_SHA256);

	for (size_t wrong = 0; wrong < ED25519_LANES; wrong++) {
		struct crypto_ed25519_job jobs[ED25519_LANES];

		for (size_t i = 0; i < ED25519_LANES; i++)
			jobs[i] = (struct crypto_ed25519_job){ key, crypto_probe_ed25519_signature,
				                               i == wrong ? slice_of(other, sizeof(other)) : digest, false };
		crypto_ed25519_verify(ed25519, jobs, ED25519_LANES);
		for (size_t i = 0; i < ED25519_LANES; i++)
			if (jobs[i].valid != (i != wrong))
				return false;
	}
	return true;
}

static int probe(const struct crypto_ed25519 *ed25519)
{
	struct crypto_ed25519_key *key;
	bool works;

	TRY(crypto_ed25519_key_new(crypto_probe_ed25519.point.ptr, &key));
	works = answers_are_known(ed25519, key);
	crypto_ed25519_key_free(key);
	return works ? 0 : CRYPTO_ED25519_WRONG;
}

int crypto_ed25519_new(const struct crypto_cpu *cpu, struct crypto_ed25519 **ed25519_out)
{
	struct crypto_ed25519 *ed25519;
	int result;

	if (!cpu->avx512_ifma)
		return CRYPTO_ED25519_UNSUPPORTED;
	ed25519 = aligned_alloc(_Alignof(struct crypto_ed25519), sizeof(*ed25519));
	if (!ed25519)
		return -ENOMEM;
	ed25519_base_make(ed25519);
	result = probe(ed25519);
	if (result)
		crypto_ed25519_free(ed25519);
	else
		*ed25519_out = ed25519;
	return result;
}

void crypto_ed25519_free(struct crypto_ed25519 *ed25519)
{
	free(ed25519);
}

int crypto_ed25519_key_new(const uint8_t point[CRYPTO_ED25519_KEY_OCTETS], struct crypto_ed25519_key **key_out)
{
	struct crypto_ed25519_key *key = aligned_alloc(_Alignof(struct crypto_ed25519_key), sizeof(*key));

	if (!key)
		return -ENOMEM;
	memcpy(key->point, point, sizeof(key->point));
	key->state = ED25519_KEY_NEW;
	*key_out = key;
	return 0;
}

void crypto_ed25519_key_free(struct crypto_ed25519_key *key)
{
	free(key);
}

size_t crypto_ed25519_key_bytes(void)
{
	return sizeof(struct crypto_ed25519_key);
}

size_t crypto_ed25519_bytes(void)
{
	return sizeof(struct crypto_ed25519);
}
