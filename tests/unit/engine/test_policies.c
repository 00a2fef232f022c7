/*
 * Goal:   the table of policies keeps what is used, within its octets; one fetch a domain; a failure is remembered for its id
 *         and its time; what has expired is not served.
 * Method: the table without its thread: what the thread does with the lock held is done by the test.
 */
#include "engine/policies_parts.h"
#include "unit.h"

#include <stdlib.h>

#define NOW 1000000

static struct policies *policies;
static char problem[IO_PROBLEM_SIZE];

static int begin(void **state)
{
	const struct io_https_config https = { .port = 1, .connections_max = 1, .address_connections_max = 1, .waiting_max = 1 };
	struct policies *made = aligned_alloc(64, (sizeof(*made) + 63) / 64 * 64);

	(void)state;
	memset(made, 0, sizeof(*made));
	made->config = (struct policies_config){ .octets_max = 15000, .failure_s = 300, .refresh_s = 86400 };
	made->asked_end = &made->asked;
	made->writes_end = &made->writes;
	made->seed = 7;
	pthread_mutex_init(&made->lock, NULL);
	assert_int_equal(io_https_new(&https, &made->https, problem), 0);
	policies = made;
	return 0;
}

static int end(void **state)
{
	(void)state;
	policies_free(policies);
	return 0;
}

static void keep(const char *domain, const char *id, size_t text_len, int64_t lifetime_s)
{
	static const uint8_t text[8192];
	struct policy_entry *entry = policy_entry_get(policies, slice_of_str(domain));

	policy_entry_keep(policies, entry, policy_kept_new(slice_of_str(id), slice_of(text, text_len), NOW, NOW + lifetime_s), NOW);
	policies_shrink(policies);
}

static bool has(const char *domain, int64_t now_s)
{
	struct policy_kept *kept = policies_find(policies, slice_of_str(domain), now_s);

	policy_kept_unref(kept);
	return kept;
}

static void test_until_it_expires(void **state)
{
	(void)state;
	assert_false(has("a.example", NOW));
	keep("a.example", "1", 10, 100);
	assert_true(has("a.example", NOW));
	assert_true(has("a.example", NOW + 99));
	assert_false(has("a.example", NOW + 100));
	assert_false(has("b.example", NOW));
}

static void test_least_recently_used_go_first(void **state)
{
	(void)state;
	keep("a.example", "1", 4000, 100);
	keep("b.example", "1", 4000, 100);
	keep("c.example", "1", 4000, 100);
	assert_true(has("a.example", NOW));
	keep("d.example", "1", 4000, 100);
	assert_false(has("b.example", NOW));
	assert_true(has("a.example", NOW) && has("c.example", NOW) && has("d.example", NOW));
	assert_true(policies->octets <= policies->config.octets_max);
	assert_int_equal(policies_counter(policies, COUNTER_POLICIES_DROPPED), 1);
	assert_int_equal(policies_counter(policies, COUNTER_POLICIES), 3);
	assert_int_equal(policies_counter(policies, COUNTER_POLICY_OCTETS), policies->octets);
}

static void test_a_newer_one_takes_its_place(void **state)
{
	struct policy_kept *old;

	(void)state;
	keep("a.example", "1", 4000, 100);
	old = policies_find(policies, SLICE("a.example"), NOW);
	keep("a.example", "2", 10, 100);
	assert_int_equal(policies->entries, 1);
	assert_true(policies->octets < 4000);
	assert_slice_equal(old->id, SLICE("1"));
	policy_kept_unref(old);
}

static void test_refresh_is_due_before_it_expires(void **state)
{
	static const struct {
		int64_t lifetime_s, least, most;
	} vectors[] = { { 300, 75, 150 }, { 86400, 21600, 43200 }, { 604800, 43200, 86400 }, { 31557600, 43200, 86400 } };
	int64_t lowest = INT64_MAX, highest = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		for (unsigned n = 0; n < 200; n++) {
			int64_t in;

			keep("a.example", "1", 10, vectors[i].lifetime_s);
			in = policies->newest->refresh_at_s - NOW;
			assert_true(in >= vectors[i].least && in <= vectors[i].most);
			lowest = in < lowest ? in : lowest;
			highest = in > highest ? in : highest;
		}
	}
	assert_true(lowest < 100 && highest > 80000);
}

static struct policy_question question_of(const char *id)
{
	static struct ip_address address = { .octets = { 127, 0, 0, 1 } };

	return (struct policy_question){ SLICE("a.example"), slice_of_str(id), &address, 1, false };
}

static void test_one_fetch_a_domain(void **state)
{
	struct policy_question question = question_of("1");
	bool joined;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct policy_waiter *waiter = calloc(1, sizeof(*waiter));

		assert_int_equal(policies_fetch(policies, &question, waiter, NOW, &joined), POLICIES_WAITING);
		assert_int_equal(joined, i > 0);
	}
	assert_non_null(policies->asked);
	assert_null(policies->asked->next);
	assert_string_equal(policies->asked->get.host, "mta-sts.a.example");
}

static void test_answers_at_once(void **state)
{
	struct policy_question question = question_of("1"), other = question_of("2");
	struct policy_waiter waiter = { .kept = NULL };
	struct policy_entry *entry;
	bool joined;

	(void)state;
	keep("a.example", "1", 10, 100);
	assert_int_equal(policies_fetch(policies, &question, &waiter, NOW, &joined), POLICIES_ANSWERED);
	assert_int_equal(waiter.outcome, POLICY_FOUND);
	policy_kept_unref(waiter.kept);
	/* A failure is of its id, for its time. */
	entry = policy_entry_find(policies, SLICE("a.example"));
	entry->failure = POLICY_INVALID;
	entry->failure_until_s = NOW + 300;
	strcpy(entry->failure_id, "2");
	strcpy(entry->failure_detail, "why");
	assert_int_equal(policies_fetch(policies, &other, &waiter, NOW + 299, &joined), POLICIES_ANSWERED);
	assert_int_equal(waiter.outcome, POLICY_INVALID);
	assert_string_equal(waiter.detail, "why");
	assert_int_equal(policies_fetch(policies, &other, calloc(1, sizeof(waiter)), NOW + 300, &joined), POLICIES_WAITING);
}

static void test_refreshed_although_it_is_kept(void **state)
{
	struct policy_question question = question_of("1");
	bool joined;

	(void)state;
	keep("a.example", "1", 10, 100);
	question.again = true;
	assert_int_equal(policies_fetch(policies, &question, calloc(1, sizeof(struct policy_waiter)), NOW, &joined),
	                 POLICIES_WAITING);
}

static void test_forgotten(void **state)
{
	(void)state;
	assert_false(policies_forget(policies, SLICE("a.example")));
	keep("a.example", "1", 10, 100);
	assert_true(policies_forget(policies, SLICE("a.example")));
	assert_false(has("a.example", NOW));
	assert_false(policies_forget(policies, SLICE("a.example")));
}

static void test_closed(void **state)
{
	struct policy_question question = question_of("1");
	struct policy_waiter waiter = { .kept = NULL };
	bool joined;

	(void)state;
	policies_close(policies);
	assert_int_equal(policies_fetch(policies, &question, &waiter, NOW, &joined), POLICIES_ANSWERED);
	assert_int_equal(waiter.outcome, POLICY_BUSY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

UNIT_MAIN(TEST(test_until_it_expires), TEST(test_least_recently_used_go_first), TEST(test_a_newer_one_takes_its_place),
          TEST(test_refresh_is_due_before_it_expires), TEST(test_one_fetch_a_domain), TEST(test_answers_at_once),
          TEST(test_refreshed_although_it_is_kept), TEST(test_forgotten), TEST(test_closed))
