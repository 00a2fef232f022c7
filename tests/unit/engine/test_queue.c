/*
 * Goal:   no connection's requests wait for more than one of another connection's; what was begun is ended first.
 * Method: requests are empty but for what the queue looks at; letters name connections, numbers their requests.
 */
#include "engine/queue.h"
#include "engine/request.h"
#include "unit.h"

enum { CONNS = 3, REQUESTS = 4 };

struct io_conn {
	struct io_conn_use use;
};

struct io_conn_use *io_conn_use(struct io_conn *conn)
{
	return &conn->use;
}

static struct io_conn conns[CONNS];
static struct request requests[CONNS][REQUESTS];
static struct queue queue;
static int64_t now_ns;

static struct request *named(const char *name)
{
	return &requests[name[0] - 'a'][name[1] - '1'];
}

/* Begins anew, with these put into the queue, one a nanosecond. */
static void queue_of(const char *names)
{
	queue_init(&queue);
	memset(conns, 0, sizeof(conns));
	memset(requests, 0, sizeof(requests));
	now_ns = 0;
	for (unsigned c = 0; c < CONNS; c++)
		for (unsigned r = 0; r < REQUESTS; r++)
			requests[c][r].conn = &conns[c];
	for (; *names; names += 3) {
		queue_add(&queue, named(names), ++now_ns);
		if (!names[2])
			return;
	}
}

static void check_order(const char *names)
{
	const struct request *request;

	for (; (request = queue_take(&queue, now_ns)); names += 3)
		if (request != named(names))
			fail_msg("not %.2s", names);
	assert_true(*names == 0 || names[-1] == 0);
	assert_true(queue_is_empty(&queue));
	assert_int_equal(queue.new_count, 0);
	for (unsigned c = 0; c < CONNS; c++)
		assert_null(conns[c].use.first_queued);
}

static void test_connections_in_turn(void **state)
{
	static const struct {
		const char *in, *out;
	} vectors[] = {
		{ "a1", "a1" },
		{ "a1 a2 a3", "a1 a2 a3" },
		{ "a1 a2 a3 b1", "a1 b1 a2 a3" },
		{ "a1 a2 a3 b1 b2 c1", "a1 b1 c1 a2 b2 a3" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		queue_of(vectors[i].in);
		check_order(vectors[i].out);
	}
}

/* A connection that comes while another is at it waits for one of its requests. */
static void test_late_comer(void **state)
{
	(void)state;
	queue_of("a1 a2 a3 a4");
	assert_ptr_equal(queue_take(&queue, now_ns), named("a1"));
	queue_add(&queue, named("b1"), now_ns);
	check_order("a2 b1 a3 a4");
}

static void test_what_was_begun_comes_first(void **state)
{
	(void)state;
	queue_of("a1 a2 b1");
	named("c1")->passes = named("c2")->passes = 1;
	queue_add(&queue, named("c1"), now_ns);
	queue_add(&queue, named("c2"), now_ns);
	assert_int_equal(queue.new_count, 3);
	check_order("c1 c2 a1 b1 a2");
}

static void test_removal(void **state)
{
	static const struct {
		const char *removed, *out;
	} vectors[] = {
		{ "a1", "a2 b1 a3" }, /* the next one takes its place */
		{ "a2", "a1 b1 a3" },
		{ "a3", "a1 b1 a2" },
		{ "b1", "a1 a2 a3" },
		{ "c1", "a1 b1 a2 a3" }, /* was not in */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		queue_of("a1 a2 a3 b1");
		queue_remove(&queue, named(vectors[i].removed), now_ns);
		check_order(vectors[i].out);
	}
	queue_of("a1");
	named("b1")->passes = 1;
	queue_add(&queue, named("b1"), now_ns);
	queue_remove(&queue, named("b1"), now_ns);
	check_order("a1");
}

static void test_waits(void **state)
{
	(void)state;
	queue_of("");
	assert_int_equal(queue_turn_wait_ns(&queue, 10), 0);
	assert_int_equal(queue_conn_wait_ns(&conns[0], 10), 0);
	queue_of("a1 a2 b1"); /* at 1, 2 and 3 */
	assert_int_equal(queue_turn_wait_ns(&queue, 10), 9);
	assert_int_equal(queue_conn_wait_ns(&conns[0], 10), 9);
	assert_int_equal(queue_conn_wait_ns(&conns[1], 10), 7);
	(void)queue_take(&queue, 20);
	assert_int_equal(queue_turn_wait_ns(&queue, 30), 27);       /* b1, first of its connection since 3 */
	assert_int_equal(queue_conn_wait_ns(&conns[0], 30), 28);    /* a2, here since 2 */
	(void)queue_take(&queue, 30);
	assert_int_equal(queue_turn_wait_ns(&queue, 31), 11);       /* a2, first of its connection since 20 */
}

UNIT_MAIN(cmocka_unit_test(test_connections_in_turn), cmocka_unit_test(test_late_comer),
          cmocka_unit_test(test_what_was_begun_comes_first), cmocka_unit_test(test_removal), cmocka_unit_test(test_waits))
