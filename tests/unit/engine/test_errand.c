/*
 * Goal:   a shard gives away what another can do sooner: less than half where it alone receives, nothing where both do, unless its own
 *         requests would wait for long.
 * Method: one shard receives; what it keeps is queued, what it sends is noted as on its way. The test is what lies around.
 */
#include "engine/errand.h"
#include "engine/request.h"
#include "unit.h"

static struct shard shards[2];
static const struct engine_config config = { .shards = 2 };
static unsigned posted;
static int64_t now_ns, asleep_ns; /* the loops' clock, and how long they have waited */

int64_t io_now_ns(const struct io_loop *loop)
{
	(void)loop;
	return now_ns;
}

struct shard *engine_shard(struct engine *engine, unsigned index)
{
	(void)engine;
	return &shards[index];
}

bool shard_post(struct shard *shard, struct post *post)
{
	assert_ptr_equal(shard, &shards[1]);
	(void)post;
	posted++;
	return true;
}

uint8_t *io_conn_reply(struct io_conn *conn, size_t octets)
{
	(void)conn;
	(void)octets;
	fail();
	return NULL;
}

void request_do(struct request *request, struct slice body)
{
	(void)request;
	(void)body;
	fail();
}

static bool has_no_room;

bool request_memory_is_within(struct request *request)
{
	(void)request;
	return !has_no_room;
}

void request_free(struct request *request)
{
	(void)request;
	fail();
}

void request_receive_errand(struct shard *shard, struct errand *errand)
{
	(void)shard;
	(void)errand;
	fail();
}

static void shards_init(void)
{
	static struct counters counters;

	memset(shards, 0, sizeof(shards));
	now_ns = INT64_C(1000000000);
	shards[0].config = shards[1].config = &config;
	shards[0].counters = &counters;
	shards[0].limits.queue_ms_max = 25;
	shards[1].index = 1;
}

int64_t io_loop_asleep_ns(const struct io_loop *loop)
{
	(void)loop;
	return asleep_ns;
}

/* How many of so many requests, received in one turn, are sent to the other shard. */
static unsigned sent(unsigned requests)
{
	struct request request = { .shard = &shards[0] };

	arena_init(&request.arena, 1 << 20);
	posted = 0;
	for (unsigned i = 0; i < requests; i++) {
		shards[0].received++;
		if (!errand_send(&request, SLICE_EMPTY))
			shards[0].queue.new_count++;
	}
	assert_int_equal(atomic_load(&shards[1].load.coming), posted);
	arena_deinit(&request.arena);
	return posted;
}

/* The same, where so much waits there and none of it came from its own connections. */
static unsigned sent_of(unsigned requests, unsigned waiting_there)
{
	shards_init();
	atomic_store(&shards[1].load.queued, waiting_there);
	return sent(requests);
}

static void test_one_stays(void **state)
{
	(void)state;
	assert_int_equal(sent_of(1, 0), 0);
	assert_int_equal(sent_of(2, 0), 1);
	assert_int_equal(sent_of(2, 1), 0);
}

static void test_who_receives_evaluates_less(void **state)
{
	(void)state;
	assert_in_range(sent_of(11, 0), 6, 7);
	assert_in_range(sent_of(100, 0), 65, 75);
}

static void test_who_is_as_busy_is_left_alone(void **state)
{
	(void)state;
	/* As much as this shard has when all stay: those it received, and half of that for receiving. */
	assert_int_equal(sent_of(100, 150), 0);
	assert_in_range(sent_of(100, 140), 1, 10);
}

/* It is refused here, as one that stays. */
static void test_no_room_no_errand(void **state)
{
	(void)state;
	has_no_room = true;
	assert_int_equal(sent_of(100, 0), 0);
	has_no_room = false;
}

/* Beside what waits, what a shard tells of itself is what it received in the turn. */
static void test_load(void **state)
{
	struct shard *shard = &shards[0];

	(void)state;
	memset(shards, 0, sizeof(shards));
	assert_int_equal(errand_load(shard), 0);
	shard->queue.new_count = 7;
	shard->received = 10;
	assert_int_equal(errand_load(shard), 12);
}

/* From now on it is reckoned. */
static void begin(unsigned shard)
{
	shards[shard].own_asleep_ns = asleep_ns;
	atomic_store(&shards[shard].load.own_ns, now_ns);
}

/* A shard was busy for so much of 4 ms, and so many requests came from its own connections and from the other shard. */
static void receive(unsigned shard, int64_t busy_ns, unsigned received, unsigned errands)
{
	shards[shard].received = received;
	shards[shard].errands_arrived += errands;
	now_ns += 4000000;
	asleep_ns += 4000000 - busy_ns;
	errand_load_publish(&shards[shard], now_ns);
	shards[shard].received = 0;
	atomic_store(&shards[shard].load.queued, 0);
}

static unsigned own_of(int64_t busy_ns, unsigned received, unsigned errands)
{
	shards_init();
	begin(1);
	receive(1, busy_ns, received, errands);
	return atomic_load(&shards[1].load.own);
}

static void test_part_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(own_of(4000000, 100, 0), 256);
	assert_int_equal(own_of(4000000, 1, 0), 256);
	assert_int_equal(own_of(1000000, 100, 0), 64);
	assert_int_equal(own_of(4000000, 100, 300), 64);
	assert_int_equal(own_of(2000000, 100, 100), 64);
	assert_int_equal(own_of(4000000, 0, 100), 0);
	assert_int_equal(own_of(4000000, 0, 0), 0);
	/* A turn that took longer than it was awake for: clocks are read at different moments. */
	assert_int_equal(own_of(5000000, 100, 0), 256);
	assert_int_equal(own_of(-1, 100, 0), 0);
	/* Nothing of a time before counts. */
	assert_int_equal(own_of(4000000, 100, 0), 256);
	receive(1, 1000000, 100, 0);
	assert_int_equal(atomic_load(&shards[1].load.own), 64);
	receive(1, 4000000, 0, 100);
	assert_int_equal(atomic_load(&shards[1].load.own), 0);
	receive(1, 4000000, 100, 100);
	assert_int_equal(atomic_load(&shards[1].load.own), 128);
}

/* Both have their own connections, whose requests took so much of 4 ms here and so much there. */
static void both_receive(int64_t busy_here_ns, int64_t busy_there_ns)
{
	shards_init();
	begin(0);
	receive(0, busy_here_ns, 100, 0);
	begin(1);
	receive(1, busy_there_ns, 100, 0);
}

/* Of 150 that come at once so many are sent. */
static unsigned sent_beside(int64_t busy_here_ns, int64_t busy_there_ns)
{
	both_receive(busy_here_ns, busy_there_ns);
	return sent(150);
}

static void test_who_is_as_busy_with_its_own_is_sent_none(void **state)
{
	(void)state;
	assert_int_equal(sent_beside(4000000, 4000000), 0);
	assert_in_range(sent_beside(2000000, 2000000), 40, 55); /* those that are 128 more */
	/* There is room: what is too much here is not a difference that passes. */
	assert_in_range(sent_beside(4000000, 2000000), 105, 115);
	assert_in_range(sent_beside(4000000, 1000000), 105, 115);
	assert_in_range(sent_beside(4000000, 3000000), 55, 70); /* 96 more */
	/* Busier than here. */
	assert_int_equal(sent_beside(1000000, 4000000), 0);
}

/* A shard that sleeps tells nothing. */
static void test_what_was_told_long_ago_is_not_known(void **state)
{
	(void)state;
	both_receive(4000000, 4000000);
	now_ns += 19999999;
	assert_int_equal(sent(100), 0);
	both_receive(4000000, 4000000);
	now_ns += 20000000;
	assert_in_range(sent(100), 65, 75);
}

static void waits_here(unsigned count, int64_t each_ns)
{
	both_receive(4000000, 4000000);
	shards[0].queue.new_count = count;
	shards[0].queue.each_ns = each_ns;
	atomic_store(&shards[1].load.queued, 100);
}

static void test_a_long_queue_goes_where_there_is_room(void **state)
{
	(void)state;
	waits_here(255, 50000); /* 12.75 ms of 25 */
	assert_int_equal(sent(1), 1);
	waits_here(255, 49000);
	assert_int_equal(sent(1), 0);
	waits_here(256, 10000);
	assert_int_equal(sent(1), 1);
}

static void test_who_would_be_refused_may_go_where_it_waits_for_less(void **state)
{
	(void)state;
	waits_here(500, 60000);
	assert_true(errand_is_sooner(&shards[0]));
	atomic_store(&shards[1].load.queued, 208); /* 12.48 ms */
	assert_true(errand_is_sooner(&shards[0]));
	atomic_store(&shards[1].load.queued, 209);
	assert_false(errand_is_sooner(&shards[0]));
	waits_here(103, 1000000);
	atomic_store(&shards[1].load.queued, 5);
	atomic_store(&shards[1].load.coming, 5);
	assert_true(errand_is_sooner(&shards[0]));
	atomic_store(&shards[1].load.coming, 8);
	assert_false(errand_is_sooner(&shards[0]));
	/* What was only received here does not wait here. */
	waits_here(101, 1000);
	shards[0].received = 1000;
	assert_false(errand_is_sooner(&shards[0]));
}

UNIT_MAIN(cmocka_unit_test(test_one_stays), cmocka_unit_test(test_who_receives_evaluates_less),
          cmocka_unit_test(test_who_is_as_busy_is_left_alone), cmocka_unit_test(test_load), cmocka_unit_test(test_no_room_no_errand),
          cmocka_unit_test(test_part_of_its_own), cmocka_unit_test(test_who_is_as_busy_with_its_own_is_sent_none),
          cmocka_unit_test(test_what_was_told_long_ago_is_not_known),
          cmocka_unit_test(test_a_long_queue_goes_where_there_is_room),
          cmocka_unit_test(test_who_would_be_refused_may_go_where_it_waits_for_less))
