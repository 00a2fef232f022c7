/*
 * Goal:   answers are kept as long as their class is, within the bound of octets; one shard looks a name up and all hear of
 *         it; nothing that a reader may still hold is freed.
 * Method: a clock that the test sets; then threads that look up, drop and read at once (sanitizers watch).
 */
#include "engine/cache.h"
#include "engine/post.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define S INT64_C(1000000000)

static const struct cache_bounds bounds = {
	.octets_max = 1 << 20,
	.ttl_s_min = 30,
	.ttl_s_max = 1000,
	.negative_ttl_s_max = 100,
	.failure_ttl_s = 5,
	.bogus_ttl_s = 20,
};

static struct cache *cache;
static unsigned dropped;

static void begin(const struct cache_bounds *with, unsigned shards)
{
	assert_int_equal(cache_new(with, shards, &cache), 0);
}

static struct cache_question question(const char *name)
{
	return (struct cache_question){ slice_of_str(name), DNS_TXT, cache_hash(cache, slice_of_str(name), DNS_TXT) };
}

static struct cached *answer(const char *name, enum dns_outcome outcome, uint32_t ttl)
{
	struct cache_question q = question(name);
	struct cached *cached = cached_new(&q);

	assert_non_null(cached);
	cached->answer = (struct dns_answer){ .outcome = outcome, .ttl = ttl };
	return cached;
}

static void keep(const char *name, enum dns_outcome outcome, uint32_t ttl, int64_t now_ns)
{
	struct cached *cached = answer(name, outcome, ttl);

	cache_keep(cache, cached, now_ns, &dropped);
	cached_unref(cache, cached);
}

/* What may stand in, not counted. */
static struct cached *find_stale(const struct cache_question *q, int64_t now_ns, bool renew)
{
	bool stale = false;
	struct cached *cached = cache_find_stale(cache, q, now_ns, renew, &stale);

	if (cached)
		cached_unref(cache, cached);
	return cached;
}

static bool is_known(const char *name, int64_t now_ns)
{
	struct cache_question q = question(name);

	return cache_find(cache, &q, now_ns) != NULL;
}

static void check_lifetime(enum dns_outcome outcome, uint32_t ttl, int64_t lifetime_s)
{
	begin(&bounds, 1);
	keep("a.example", outcome, ttl, 7 * S);
	if (lifetime_s == 0) {
		assert_false(is_known("a.example", 7 * S));
	} else {
		assert_true(is_known("a.example", (7 + lifetime_s) * S - 1));
		assert_false(is_known("a.example", (7 + lifetime_s) * S));
	}
	cache_free(cache);
}

static void test_each_class_has_its_lifetime(void **state)
{
	(void)state;
	check_lifetime(DNS_FOUND, 300, 300);
	check_lifetime(DNS_FOUND, 0, 30);
	check_lifetime(DNS_FOUND, 5000, 1000);
	check_lifetime(DNS_NXDOMAIN, 60, 60);
	check_lifetime(DNS_NXDOMAIN, 5000, 100);
	check_lifetime(DNS_NODATA, 0, 30);
	check_lifetime(DNS_NODATA, 5000, 100);
	check_lifetime(DNS_SERVFAIL, 300, 5);
	check_lifetime(DNS_TIMEOUT, 300, 5);
	check_lifetime(DNS_INVALID, 300, 5);
	check_lifetime(DNS_BOGUS, 300, 20);
	check_lifetime(DNS_BUDGET, 300, 0);
	check_lifetime(DNS_SILENT, 300, 0);
}

static void test_type_and_name_tell_answers_apart(void **state)
{
	struct cache_question q;

	(void)state;
	begin(&bounds, 1);
	keep("a.example", DNS_FOUND, 300, 0);
	assert_false(is_known("b.example", 0));
	q = question("a.example");
	q.type = DNS_A;
	assert_null(cache_find(cache, &q, 0));
	cache_free(cache);
}

static const struct cache_bounds prefetching = {
	.octets_max = 1 << 20, .ttl_s_min = 1, .ttl_s_max = 1000, .negative_ttl_s_max = 100, .failure_ttl_s = 5, .prefetch_s = 4,
};

static bool serves_on(const char *name, int64_t now_ns, bool *refresh)
{
	struct cache_question q = question(name);

	return cache_find_in_use(cache, &q, now_ns, refresh) != NULL;
}

static void test_answer_in_use_serves_on_while_it_is_looked_up_again(void **state)
{
	struct cache_question q;
	struct cache_waiter waiter;
	struct cached *found;
	bool refresh;

	(void)state;
	begin(&prefetching, 1);
	q = question("a.example");
	keep("a.example", DNS_FOUND, 300, 0);
	assert_true(serves_on("a.example", 300 * S - 1, &refresh) && !refresh);
	/* libunbound would say the same for a second yet. */
	assert_true(serves_on("a.example", 301 * S - 1, &refresh) && !refresh);
	assert_true(serves_on("a.example", 302 * S + S / 2, &refresh) && refresh);
	assert_true(serves_on("a.example", 302 * S + S / 2, &refresh) && !refresh);
	assert_false(is_known("a.example", 303 * S));
	assert_int_equal(cache_take_off(cache, &q, &waiter, 303 * S, &found), CACHE_OWNED);
	keep("a.example", DNS_SERVFAIL, 0, 303 * S);
	assert_true(serves_on("a.example", 304 * S - 1, &refresh) && !refresh);
	assert_false(serves_on("a.example", 304 * S, &refresh));
	keep("a.example", DNS_FOUND, 300, 304 * S);
	assert_true(serves_on("a.example", 607 * S, &refresh) && refresh);
	assert_null(cache_land(cache, &q, NULL, 607 * S, &dropped));
	cache_free(cache);
}

static void test_what_does_not_serve_on(void **state)
{
	bool refresh;

	(void)state;
	begin(&prefetching, 1);
	keep("short.example", DNS_FOUND, 2, 0);
	assert_true(serves_on("short.example", 4 * S - 1, &refresh));
	assert_false(serves_on("short.example", 4 * S, &refresh));
	keep("failed.example", DNS_SERVFAIL, 0, 0);
	assert_true(serves_on("failed.example", 5 * S - 1, &refresh) && !refresh);
	assert_false(serves_on("failed.example", 5 * S, &refresh));
	cache_free(cache);
	begin(&bounds, 1);
	keep("off.example", DNS_FOUND, 300, 0);
	assert_false(serves_on("off.example", 300 * S, &refresh));
	cache_free(cache);
}

static void test_names_are_not_refreshed_all_at_once(void **state)
{
	unsigned due = 0;
	char name[32];
	bool refresh;

	(void)state;
	begin(&prefetching, 1);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		keep(name, DNS_FOUND, 300, 0);
		assert_true(serves_on(name, 301 * S + 3 * S / 4, &refresh));
		due += refresh;
	}
	assert_in_range(due, 20, 80);
	cache_free(cache);
}

static void test_newer_answer_takes_the_place(void **state)
{
	struct cache_question q;

	(void)state;
	begin(&bounds, 1);
	keep("a.example", DNS_NXDOMAIN, 50, 0);
	keep("a.example", DNS_FOUND, 300, 1);
	q = question("a.example");
	assert_int_equal(cache_find(cache, &q, 2)->answer.outcome, DNS_FOUND);
	assert_int_equal(cache_entries(cache), 1);
	/* A failure says nothing against what is known and fresh. */
	keep("a.example", DNS_SERVFAIL, 0, 3);
	assert_int_equal(cache_find(cache, &q, 4)->answer.outcome, DNS_FOUND);
	keep("a.example", DNS_SERVFAIL, 0, 400 * S);
	assert_int_equal(cache_find(cache, &q, 401 * S)->answer.outcome, DNS_SERVFAIL);
	cache_free(cache);
}

static void test_stale_answers_serve_when_allowed(void **state)
{
	struct cache_bounds with = bounds;
	struct cache_question q;

	(void)state;
	begin(&bounds, 1);
	q = question("a.example");
	keep("a.example", DNS_FOUND, 100, 0);
	assert_null(find_stale(&q, 101 * S, true));
	cache_free(cache);
	with.stale_s_max = 50;
	begin(&with, 1);
	q = question("a.example");
	keep("a.example", DNS_FOUND, 100, 0);
	assert_null(cache_find(cache, &q, 101 * S));
	/* For one in a hurry, and nobody else... */
	assert_non_null(find_stale(&q, 101 * S, false));
	assert_null(cache_find(cache, &q, 101 * S));
	assert_non_null(find_stale(&q, 101 * S, true));
	/* For a while it is not asked for again... */
	assert_non_null(cache_find(cache, &q, 105 * S));
	assert_null(cache_find(cache, &q, 106 * S));
	/* ...and for ever it does not serve. */
	assert_non_null(find_stale(&q, 149 * S, true));
	assert_null(cache_find(cache, &q, 150 * S));
	assert_null(find_stale(&q, 150 * S, true));
	/* A failure is none to be served in place of another. */
	keep("b.example", DNS_SERVFAIL, 0, 0);
	q = question("b.example");
	assert_null(find_stale(&q, 6 * S, true));
	cache_free(cache);
}

static void test_octets_are_bounded_and_the_used_stay(void **state)
{
	struct cache_bounds with = bounds;
	unsigned dropped_in_all = 0;
	char name[64];

	(void)state;
	with.octets_max = 200000;
	begin(&with, 1);
	keep("hot.example", DNS_FOUND, 1000, 0);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		keep(name, DNS_FOUND, 1000, 0);
		dropped_in_all += dropped;
		assert_true(is_known("hot.example", 0));
		epochs_collect(cache_epochs(cache));
		assert_true(cache_octets(cache) <= with.octets_max);
	}
	assert_int_equal(dropped_in_all + cache_entries(cache), 20001);
	assert_true(cache_entries(cache) > 100);
	cache_free(cache);
}

/* What a turn drops is not free before the turn is over: that must not make it drop all the rest as well. */
static void test_a_full_cache_drops_no_more_than_it_needs(void **state)
{
	struct cache_bounds with = bounds;
	unsigned dropped_in_all = 0;
	size_t full;
	char name[64];

	(void)state;
	with.octets_max = 200000;
	begin(&with, 1);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		keep(name, DNS_FOUND, 1000, 0);
		epochs_collect(cache_epochs(cache));
	}
	full = cache_entries(cache);
	(void)epochs_begin(cache_epochs(cache), 0);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "m%u.example", i);
		keep(name, DNS_FOUND, 1000, 0);
		dropped_in_all += dropped;
		assert_true(cache_octets(cache) <= with.octets_max);
	}
	assert_in_range(dropped_in_all, 1, 40);
	assert_true(cache_entries(cache) > full * 8 / 10);
	epochs_end(cache_epochs(cache), 0, EPOCH_NONE);
	cache_free(cache);
}

static void test_one_looks_up_the_others_wait(void **state)
{
	struct cache_waiter second, third, *waiters;
	struct cached *found, *cached;
	struct cache_question q;

	(void)state;
	begin(&bounds, 3);
	q = question("a.example");
	assert_int_equal(cache_take_off(cache, &q, NULL, 0, &found), CACHE_OWNED);
	assert_int_equal(cache_take_off(cache, &q, &second, 0, &found), CACHE_WAITING);
	assert_int_equal(cache_take_off(cache, &q, &third, 0, &found), CACHE_WAITING);
	cached = answer("a.example", DNS_FOUND, 300);
	waiters = cache_land(cache, &q, cached, 0, &dropped);
	assert_ptr_equal(waiters, &third);
	assert_ptr_equal(waiters->next, &second);
	assert_null(waiters->next->next);
	assert_int_equal(cache_take_off(cache, &q, &second, 0, &found), CACHE_FOUND);
	assert_ptr_equal(found, cached);
	cached_unref(cache, cached);
	/* Landed in vain: the next one looks up. */
	q = question("b.example");
	assert_int_equal(cache_take_off(cache, &q, NULL, 0, &found), CACHE_OWNED);
	assert_null(cache_land(cache, &q, NULL, 0, &dropped));
	assert_int_equal(cache_take_off(cache, &q, NULL, 0, &found), CACHE_OWNED);
	cache_free(cache);
}

static void test_what_is_held_is_not_freed(void **state)
{
	struct cache_question q;
	struct cached *held;
	size_t octets;

	(void)state;
	begin(&bounds, 2);
	q = question("a.example");
	(void)epochs_begin(cache_epochs(cache), 0);
	keep("a.example", DNS_FOUND, 300, 0);
	octets = cache_octets(cache);
	held = cache_find(cache, &q, 0);
	assert_non_null(held);
	keep("a.example", DNS_NXDOMAIN, 300, 1);
	assert_int_equal(held->answer.outcome, DNS_FOUND);
	assert_int_equal(cache_octets(cache), 2 * octets);
	epochs_collect(cache_epochs(cache));
	assert_int_equal(cache_octets(cache), 2 * octets);
	epochs_end(cache_epochs(cache), 0, EPOCH_NONE);
	epochs_collect(cache_epochs(cache));
	assert_int_equal(cache_octets(cache), octets);
	cache_free(cache);
}

/* One that was counted stays without an epoch; one that has gone cannot be counted any more. */
static void test_what_is_counted_is_not_freed(void **state)
{
	struct cache_question q;
	struct cached *held, *late;

	(void)state;
	begin(&bounds, 1);
	q = question("a.example");
	(void)epochs_begin(cache_epochs(cache), 0);
	keep("a.example", DNS_FOUND, 300, 0);
	held = cache_find(cache, &q, 0);
	assert_true(cached_try_ref(held));
	keep("a.example", DNS_NXDOMAIN, 300, 1);
	late = cache_find(cache, &q, 1);
	keep("a.example", DNS_FOUND, 300, 2);
	assert_false(cached_try_ref(late));
	epochs_end(cache_epochs(cache), 0, EPOCH_NONE);
	epochs_collect(cache_epochs(cache));
	assert_int_equal(held->answer.outcome, DNS_FOUND);
	cached_unref(cache, held);
	cache_free(cache);
}

/* An old turn keeps memory from being freed, but not answers from being kept. */
static void test_a_held_epoch_empties_nothing(void **state)
{
	struct cache_bounds with = bounds;
	char name[64];

	(void)state;
	with.octets_max = 200000;
	begin(&with, 2);
	(void)epochs_begin(cache_epochs(cache), 0);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		keep(name, DNS_FOUND, 1000, 0);
		assert_true(is_known(name, 0));
	}
	assert_true(cache_entries(cache) > 100);
	epochs_end(cache_epochs(cache), 0, EPOCH_NONE);
	for (unsigned i = 0; i < 3000 / EPOCH_FREED_MAX + 1; i++)
		epochs_collect(cache_epochs(cache));
	assert_true(cache_octets(cache) <= with.octets_max);
	cache_free(cache);
}

/* --- at once --- */

#define THREADS 4
#define ROUNDS 20000
#define NAMES 64

static void *reader_and_writer(void *arg)
{
	unsigned self = (unsigned)(uintptr_t)arg, random = self * 7919 + 1, unused;
	char name[32];

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct cached *found;
		struct cache_question q;

		random = random * 1103515245 + 12345;
		snprintf(name, sizeof(name), "n%u.example", random >> 16 & (NAMES - 1));
		q = question(name);
		(void)epochs_begin(cache_epochs(cache), self);
		found = cache_find(cache, &q, i);
		if (found) {
			if (!slice_equal(slice_of(found->name, found->name_len), q.name) || found->answer.ttl != 77)
				abort();
		}
		if (!found || random >> 24 == 0) {
			struct cached *cached = answer(name, DNS_FOUND, 77);

			cache_keep(cache, cached, i, &unused);
			cached_unref(cache, cached);
		}
		/* Now and then beyond the turn, counted. */
		if (found && (random >> 20) % 16 == 0 && cached_try_ref(found)) {
			epochs_end(cache_epochs(cache), self, EPOCH_NONE);
			if (found->answer.ttl != 77)
				abort();
			cached_unref(cache, found);
		}
		epochs_end(cache_epochs(cache), self, EPOCH_NONE);
		epochs_collect(cache_epochs(cache));
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct cache_bounds with = bounds;
	pthread_t threads[THREADS];

	(void)state;
	with.octets_max = 8000;
	begin(&with, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader_and_writer, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	epochs_collect(cache_epochs(cache));
	assert_true(cache_octets(cache) <= with.octets_max + THREADS * 1024);
	cache_free(cache);
}

/* --- posts --- */

static unsigned delivered[THREADS];

struct numbered {
	struct post post;
	unsigned from, number;
};

static void on_post(struct post *post, struct shard *shard)
{
	struct numbered *numbered = (struct numbered *)post;

	(void)shard;
	/* Of one sender in its order. */
	if (numbered->number != delivered[numbered->from]++)
		abort();
	free(numbered);
}

static struct postbox box;

static void *poster(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct numbered *numbered = calloc(1, sizeof(*numbered));
		bool wake;

		numbered->post.deliver = on_post;
		numbered->from = (unsigned)(uintptr_t)arg;
		numbered->number = i;
		if (!post_put(&box, &numbered->post, &wake))
			abort();
	}
	return NULL;
}

static void test_posts_arrive_in_order(void **state)
{
	pthread_t threads[THREADS];
	struct post late = { .deliver = on_post };
	unsigned all = 0;
	bool wake;

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, (void *)i), 0);
	while (all < THREADS * ROUNDS) {
		(void)post_deliver_all(&box, NULL);
		for (unsigned i = all = 0; i < THREADS; i++)
			all += delivered[i];
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_false(post_deliver_all(&box, NULL));
	post_close(&box);
	assert_false(post_put(&box, &late, &wake));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_class_has_its_lifetime),
		cmocka_unit_test(test_type_and_name_tell_answers_apart),
		cmocka_unit_test(test_answer_in_use_serves_on_while_it_is_looked_up_again),
		cmocka_unit_test(test_what_does_not_serve_on),
		cmocka_unit_test(test_names_are_not_refreshed_all_at_once),
		cmocka_unit_test(test_newer_answer_takes_the_place),
		cmocka_unit_test(test_stale_answers_serve_when_allowed),
		cmocka_unit_test(test_octets_are_bounded_and_the_used_stay),
		cmocka_unit_test(test_a_full_cache_drops_no_more_than_it_needs),
		cmocka_unit_test(test_one_looks_up_the_others_wait),
		cmocka_unit_test(test_what_is_held_is_not_freed),
		cmocka_unit_test(test_what_is_counted_is_not_freed),
		cmocka_unit_test(test_a_held_epoch_empties_nothing),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_posts_arrive_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
