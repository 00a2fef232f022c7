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
static int64_t now_ns;

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

/* The other one has received so many requests of 40 us in 4 ms, and all are done. */
static void receive_there(unsigned requests)
{
	shards_init();
	shards[1].queue.each_ns = 40000;
	errand_load_publish(&shards[1], now_ns);
	shards[1].received = requests;
	now_ns += 4000000;
	errand_load_publish(&shards[1], now_ns);
	atomic_store(&shards[1].load.queued, 0);
}

static void test_who_has_its_own_is_left_alone(void **state)
{
	(void)state;
	receive_there(100);
	assert_int_equal(atomic_load(&shards[1].load.own_by), 256);
	assert_int_equal(sent(150), 0);
	receive_there(1000);
	assert_int_equal(atomic_load(&shards[1].load.own_by), 256);
	receive_there(25);
	assert_int_equal(atomic_load(&shards[1].load.own_by), 64);
	assert_in_range(sent(150), 60, 80);
	shards[1].received = 0;
	now_ns += 4000000;
	errand_load_publish(&shards[1], now_ns);
	assert_int_equal(atomic_load(&shards[1].load.own_by), 0);
	receive_there(0);
	assert_in_range(sent(150), 100, 115);
}

/* A shard that sleeps tells nothing. */
static void test_what_was_told_long_ago_is_not_known(void **state)
{
	(void)state;
	receive_there(100);
	now_ns += 19999999;
	assert_int_equal(sent(100), 0);
	receive_there(100);
	now_ns += 20000000;
	assert_in_range(sent(100), 65, 75);
}

static void test_a_long_queue_goes_where_there_is_room(void **state)
{
	(void)state;
	receive_there(100);
	shards[0].queue.new_count = 255;
	shards[1].load.queued = 100;
	assert_false(errand_is_wanted(&shards[0]));
	shards[0].queue.each_ns = 50000; /* 12.75 ms of 25 */
	assert_true(errand_is_wanted(&shards[0]));
	shards[0].queue.each_ns = 10000;
	assert_false(errand_is_wanted(&shards[0]));
	shards[0].queue.new_count = 256;
	assert_true(errand_is_wanted(&shards[0]));
	shards[1].load.queued = 255;
	assert_false(errand_is_wanted(&shards[0]));
}

UNIT_MAIN(cmocka_unit_test(test_one_stays), cmocka_unit_test(test_who_receives_evaluates_less),
          cmocka_unit_test(test_who_is_as_busy_is_left_alone), cmocka_unit_test(test_load),
          cmocka_unit_test(test_who_has_its_own_is_left_alone),
          cmocka_unit_test(test_what_was_told_long_ago_is_not_known),
          cmocka_unit_test(test_a_long_queue_goes_where_there_is_room))
