/*
 * Goal:   no connection's requests wait for more than one of another connection's; what was begun is ended first.
 * Method: requests are empty but for what the queue looks at; letters name connections, numbers their requests.
 */
#include <inttypes.h>

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

static struct request *named(const char *name)
{
	return &requests[name[0] - 'a'][name[1] - '1'];
}

/* Begins anew, with these put into the queue. */
static void queue_of(const char *names)
{
	queue_init(&queue);
	memset(conns, 0, sizeof(conns));
	memset(requests, 0, sizeof(requests));
	for (unsigned c = 0; c < CONNS; c++) {
		for (unsigned r = 0; r < REQUESTS; r++) {
			requests[c][r].conn = &conns[c];
			requests[c][r].use = &conns[c].use;
		}
	}
	for (; *names; names += 3) {
		queue_add(&queue, named(names));
		if (!names[2])
			return;
	}
}

static void check_order(const char *names)
{
	const struct request *request;

	for (; (request = queue_take(&queue)); names += names[2] ? 3 : 2)
		if (!*names || request != named(names))
			fail_msg("not \"%s\"", names);
	assert_int_equal(*names, 0);
	assert_true(queue_is_empty(&queue));
	assert_int_equal(queue.new_count, 0);
	assert_int_equal(queue.conns_count, 0);
	for (unsigned c = 0; c < CONNS; c++)
		assert_true(!conns[c].use.first_queued && conns[c].use.queued == 0);
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
	assert_ptr_equal(queue_take(&queue), named("a1"));
	queue_add(&queue, named("b1"));
	check_order("a2 b1 a3 a4");
}

static void test_what_was_begun_comes_first(void **state)
{
	(void)state;
	queue_of("a1 a2 b1");
	named("c1")->passes = named("c2")->passes = 1;
	queue_add(&queue, named("c1"));
	queue_add(&queue, named("c2"));
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
		queue_remove(&queue, named(vectors[i].removed));
		check_order(vectors[i].out);
	}
	queue_of("a1");
	named("b1")->passes = 1;
	queue_add(&queue, named("b1"));
	queue_remove(&queue, named("b1"));
	check_order("a1");
}

/* As many before it as its connection has, from each connection; but no more than there are. */
static void test_wait_is_the_connections(void **state)
{
	static const struct {
		const char *in;
		int64_t waits[CONNS];
	} vectors[] = {
		{ "", { 0, 0, 0 } },
		{ "a1", { 1, 1, 1 } },
		{ "a1 a2 a3", { 3, 1, 1 } },
		{ "a1 a2 a3 b1", { 4, 4, 2 } },
		{ "a1 a2 a3 a4 b1 b2 c1", { 7, 7, 6 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		queue_of(vectors[i].in);
		queue.each_ns = 1;
		for (unsigned c = 0; c < CONNS; c++)
			if (queue_wait_ns(&queue, &conns[c]) != vectors[i].waits[c])
				fail_msg("%s: %c waits %d", vectors[i].in, 'a' + c, (int)queue_wait_ns(&queue, &conns[c]));
	}
}

enum { SAMPLE = 64 };

/* Turns that take `each` requests and last `turn_ns`; `busy`: one is left in the queue every time. */
static void turns(unsigned count, unsigned each, int64_t turn_ns, bool busy)
{
	static int64_t now_ns;

	for (; count; count--, now_ns += turn_ns) {
		queue_turn_begin(&queue, now_ns);
		for (unsigned i = 0; i < each; i++) {
			queue_add(&queue, named("a1"));
			(void)queue_take(&queue);
		}
		if (busy)
			queue_add(&queue, named("a2"));
		queue_turn_end(&queue);
		queue_remove(&queue, named("a2"));
	}
}

static void test_pace_is_measured(void **state)
{
	(void)state;
	queue_of("");
	turns(100, 10, 1000000, false); /* waiting for requests is not taking long for them */
	assert_int_equal(queue.each_ns, 0);
	turns(SAMPLE / 8 + 1, 8, 800, true);
	assert_int_equal(queue.each_ns, 100);
	turns(100 * SAMPLE / 8, 8, 1600, true);
	assert_in_range(queue.each_ns, 190, 200);
}

enum { LATELY_NS = 50000000, SINCE_NS = 1000000000 };

/* Those that have waited for too long are taken out, oldest first, while the queue is long; a short one is no overload. */
static void test_late_ones(void **state)
{
	enum { MANY = QUEUE_LEAST + 10 };
	static struct request many[MANY];

	(void)state;
	queue_of("");
	for (unsigned i = 0; i < MANY; i++) {
		many[i] = (struct request){ .conn = &conns[i & 1], .use = &conns[i & 1].use, .since_ns = SINCE_NS + i / 2 };
		queue_add(&queue, &many[i]);
	}
	assert_null(queue_take_late(&queue, SINCE_NS + 100, 100));
	assert_ptr_equal(queue_take_late(&queue, SINCE_NS + 102, 100), &many[0]);
	/* Of the same connection, which has not had its turn. */
	assert_ptr_equal(queue_take_late(&queue, SINCE_NS + 102, 100), &many[2]);
	assert_null(queue_take_late(&queue, SINCE_NS + 102, 100));
	assert_ptr_equal(queue_take(&queue), &many[4]);
	assert_int_equal(queue.busy_taken, 1); /* what is refused says nothing about the time that requests take */
	assert_ptr_equal(queue_take_late(&queue, SINCE_NS + 102, 100), &many[1]);
	for (unsigned left = queue.new_count; left >= QUEUE_LEAST; left--)
		assert_non_null(queue_take_late(&queue, SINCE_NS + 1000, 100));
	assert_int_equal(queue.new_count, QUEUE_LEAST - 1);
	assert_null(queue_take_late(&queue, SINCE_NS + 1000, 100));
	while (queue_take(&queue))
		continue;
	assert_null(queue_take_late(&queue, SINCE_NS + 1000, 100));
	assert_true(!conns[0].use.first_queued && !conns[1].use.first_queued && queue.conns_count == 0);
}

/* While some are refused nobody waits for longer, however few there are. */
static void test_late_while_some_are_refused(void **state)
{
	(void)state;
	queue_of("a1 b1");
	named("a1")->since_ns = named("b1")->since_ns = SINCE_NS;
	assert_null(queue_take_late(&queue, SINCE_NS + 200, 100));
	queue_refused(&queue, SINCE_NS + 150);
	assert_null(queue_take_late(&queue, SINCE_NS + 100, 100));
	assert_ptr_equal(queue_take_late(&queue, SINCE_NS + 149 + LATELY_NS, 100), named("a1"));
	assert_null(queue_take_late(&queue, SINCE_NS + 150 + LATELY_NS, 100));
	check_order("b1");
	assert_null(queue_take_late(&queue, SINCE_NS + 200, 100));
}

/* Where all had their turn there is no overload, however long a request took when there was. */
static void test_an_end_of_new_ones_is_the_end_of_refusing(void **state)
{
	(void)state;
	queue_of("a1 a2");
	queue.each_ns = 100;
	queue_refused(&queue, SINCE_NS);
	(void)queue_take(&queue);
	queue_turn_end(&queue);
	assert_true(queue_is_late(&queue, &conns[0], SINCE_NS + 1, 100));
	(void)queue_take(&queue);
	named("b1")->passes = 1;
	queue_add(&queue, named("b1")); /* waits, but was evaluated before */
	queue_turn_end(&queue);
	queue_add(&queue, named("a3"));
	assert_false(queue_is_late(&queue, &conns[0], SINCE_NS + 1, 100));
	assert_int_equal(queue_reading(&queue, IO_BACKLOG_NONE, SINCE_NS + 1), IO_READING_ALL); /* how far is read is another matter */
	queue_refused(&queue, SINCE_NS + 2);
	assert_true(queue_is_late(&queue, &conns[0], SINCE_NS + 2, 100));
}

/* Nobody waits for a policy that is refreshed: it has its turn when it comes. */
static void test_a_refresh_is_not_late(void **state)
{
	(void)state;
	queue_of("a1 a2");
	queue_refused(&queue, SINCE_NS + 200);
	named("a1")->call = CALL_TLS_REFRESH;
	named("a1")->since_ns = named("a2")->since_ns = SINCE_NS;
	assert_null(queue_take_late(&queue, SINCE_NS + 200, 100));
	assert_ptr_equal(queue_take(&queue), named("a1"));
	assert_ptr_equal(queue_take_late(&queue, SINCE_NS + 200, 100), named("a2"));
}

/* What was begun is not refused, nor anybody before it. */
static void test_what_was_begun_is_not_late(void **state)
{
	static struct request many[QUEUE_LEAST];
	struct request begun = { .passes = 1, .use = &conns[0].use };

	(void)state;
	queue_of("");
	for (unsigned i = 0; i < QUEUE_LEAST; i++) {
		many[i] = (struct request){ .use = &conns[0].use };
		queue_add(&queue, &many[i]);
	}
	queue_add(&queue, &begun);
	assert_null(queue_take_late(&queue, 2, 1));
	assert_ptr_equal(queue_take(&queue), &begun);
	assert_ptr_equal(queue_take_late(&queue, 2, 1), &many[0]);
}

/* Who would wait for longer is told so where the queue is long; and for three quarters of it while some are refused. */
static void test_who_is_let_in(void **state)
{
	static struct request many[QUEUE_LEAST];

	(void)state;
	queue_of("a1 a2 a3");
	queue.each_ns = 100;
	assert_false(queue_is_late(&queue, &conns[0], SINCE_NS, 396)); /* three are waiting: that is no overload */
	queue_refused(&queue, SINCE_NS);
	assert_true(queue_is_late(&queue, &conns[0], SINCE_NS, 396));
	assert_false(queue_is_late(&queue, &conns[0], SINCE_NS, 400));
	assert_false(queue_is_late(&queue, &conns[1], SINCE_NS, 396)); /* waits for one of the other's */
	assert_false(queue_is_late(&queue, &conns[0], SINCE_NS + LATELY_NS, 396));
	queue_of("");
	queue.each_ns = 100;
	for (unsigned i = 0; i < QUEUE_LEAST; i++) {
		assert_false(queue_is_late(&queue, &conns[0], SINCE_NS, 4));
		many[i] = (struct request){ .use = &conns[0].use };
		queue_add(&queue, &many[i]);
	}
	assert_true(queue_is_late(&queue, &conns[0], SINCE_NS, QUEUE_LEAST * 100 - 1));
	assert_false(queue_is_late(&queue, &conns[0], SINCE_NS, QUEUE_LEAST * 100));
	queue_refused(&queue, SINCE_NS);
	assert_true(queue_is_late(&queue, &conns[0], SINCE_NS, QUEUE_LEAST * 100));
	assert_false(queue_is_late(&queue, &conns[0], SINCE_NS, QUEUE_LEAST * 100 / 3 * 4 + 4));
}

/* Dear requests make for few in a turn, and those that wait to be read for fewer; but never for none. */
static void test_part_of_a_turn(void **state)
{
	static const struct {
		int64_t each_ns;
		unsigned part;
	} vectors[] = {
		{ 1000000000, 16 }, { 1000000, 16 }, { 500001, 16 }, { 400000, 20 }, { 200000, 40 }, { 31250, 256 }, { 1, 256 }, { 0, 256 },
	};

	(void)state;
	queue_of("");
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		queue.each_ns = vectors[i].each_ns;
		assert_int_equal(queue_turn_part(&queue, IO_BACKLOG_NONE, 1000), vectors[i].part);
		assert_int_equal(queue_turn_part(&queue, IO_BACKLOG_PART, 1000), vectors[i].part);
		assert_int_equal(queue_turn_part(&queue, IO_BACKLOG_FULL, 1000), vectors[i].part < 32 ? vectors[i].part : 32);
		assert_int_equal(queue_turn_part(&queue, IO_BACKLOG_MORE, 0), 4);
		assert_int_equal(queue_turn_part(&queue, IO_BACKLOG_MORE, 320), 10);
		assert_int_equal(queue_turn_part(&queue, IO_BACKLOG_MORE, 30000), 256);
	}
}

/* A part is read, and all of it now and then, or while there is no end of it, or when some were refused lately. */
static void test_how_far_is_read(void **state)
{
	static const struct {
		int64_t ms; /* the turn's */
		enum io_backlog backlog;
		bool refuses; /* before it ends */
		enum io_reading next;
	} turns[] = {
		{ 1000, IO_BACKLOG_NONE, false, IO_READING_ALL },  { 1001, IO_BACKLOG_FULL, false, IO_READING_PART },
		{ 1050, IO_BACKLOG_PART, false, IO_READING_PART }, { 1051, IO_BACKLOG_PART, false, IO_READING_ALL },
		{ 1055, IO_BACKLOG_MORE, false, IO_READING_ALL },  { 1150, IO_BACKLOG_MORE, false, IO_READING_ALL },
		{ 1154, IO_BACKLOG_NONE, false, IO_READING_PART }, { 1155, IO_BACKLOG_PART, true, IO_READING_ALL },
		{ 1160, IO_BACKLOG_NONE, false, IO_READING_ALL },  { 1200, IO_BACKLOG_NONE, true, IO_READING_ALL },
		{ 1249, IO_BACKLOG_FULL, false, IO_READING_ALL },  { 1250, IO_BACKLOG_FULL, false, IO_READING_PART },
		{ 1299, IO_BACKLOG_NONE, false, IO_READING_PART }, { 1300, IO_BACKLOG_NONE, false, IO_READING_ALL },
	};

	(void)state;
	queue_of("");
	for (size_t i = 0; i < COUNT_OF(turns); i++) {
		int64_t now_ns = turns[i].ms * 1000000;

		if (turns[i].refuses)
			queue_refused(&queue, now_ns);
		if (queue_reading(&queue, turns[i].backlog, now_ns) != turns[i].next)
			fail_msg("after the turn at %" PRId64, turns[i].ms);
	}
}

static void check_peek(unsigned max, const char *names)
{
	struct request *next[8];
	unsigned count = queue_peek(&queue, next, max);

	for (unsigned i = 0; i < count; i++, names += names[2] ? 3 : 2)
		if (!*names || next[i] != named(names))
			fail_msg("not \"%s\"", names);
	assert_int_equal(*names, 0);
}

/* Those that are seen ahead are the ones whose turn comes. */
static void test_looking_ahead(void **state)
{
	(void)state;
	queue_of("");
	check_peek(3, "");
	queue_of("a1 a2 b1 c1");
	check_peek(2, "a1 b1");
	check_peek(3, "a1 b1 c1");
	check_peek(8, "a1 b1 c1 a2");
	queue_of("a1 a2");
	check_peek(3, "a1 a2");
	queue_of("b1 a1 a2 a3 b2 b3");
	check_peek(5, "b1 a1 b2 a2 b3");
	check_peek(8, "b1 a1 b2 a2 b3 a3");
	queue_of("a1 a2 a3 a4");
	check_peek(3, "a1 a2 a3");
	assert_ptr_equal(queue_take(&queue), named("a1"));
	check_peek(3, "a2 a3 a4");
	requests[1][0].passes = 1;
	queue_add(&queue, named("b1"));
	check_peek(3, "");
	check_order("b1 a2 a3 a4");
}

UNIT_MAIN(cmocka_unit_test(test_connections_in_turn), cmocka_unit_test(test_late_comer),
          cmocka_unit_test(test_what_was_begun_comes_first), cmocka_unit_test(test_removal), cmocka_unit_test(test_wait_is_the_connections),
          cmocka_unit_test(test_pace_is_measured), cmocka_unit_test(test_late_ones),
          cmocka_unit_test(test_late_while_some_are_refused),
          cmocka_unit_test(test_an_end_of_new_ones_is_the_end_of_refusing),
          cmocka_unit_test(test_a_refresh_is_not_late),
          cmocka_unit_test(test_what_was_begun_is_not_late),
          cmocka_unit_test(test_who_is_let_in),
          cmocka_unit_test(test_part_of_a_turn), cmocka_unit_test(test_how_far_is_read), cmocka_unit_test(test_looking_ahead))
