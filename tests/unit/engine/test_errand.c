/*
 * Goal:   a shard gives away what another can do sooner: less than half where it alone receives, nothing where both do.
 * Method: one shard receives; what it keeps is queued, what it sends is noted as on its way. The test is what lies around.
 */
#include "engine/errand.h"
#include "engine/request.h"
#include "unit.h"

static struct shard shards[2];
static const struct engine_config config = { .shards = 2 };
static unsigned posted;

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

/* How many of so many requests, received in one turn, are sent to the other shard, where so much waits. */
static unsigned sent_of(unsigned requests, unsigned waiting_there)
{
	static struct counters counters;
	struct request request = { .shard = &shards[0] };

	memset(shards, 0, sizeof(shards));
	shards[0].config = shards[1].config = &config;
	shards[0].counters = &counters;
	shards[1].index = 1;
	atomic_store(&shards[1].load.queued, waiting_there);
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

UNIT_MAIN(cmocka_unit_test(test_one_stays), cmocka_unit_test(test_who_receives_evaluates_less),
          cmocka_unit_test(test_who_is_as_busy_is_left_alone), cmocka_unit_test(test_load))
