/*
 * Goal:   what cannot be had ends, once, with a reason; addresses are tried in their order and no others; the bounds on waiting
 *         ones hold; what is dropped is not called back.
 * Method: ports on loopback where nobody listens, or nobody answers. Servers that answer are in tests/e2e/mta_sts.py.
 */
#include "io/https.h"
#include "unit.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 200

static struct io_https *https;
static char problem[IO_PROBLEM_SIZE];
static unsigned done_count;
static enum io_https_outcome last;
static char last_detail[256];

static void on_done(struct io_https_get *get, const struct io_https_result *result)
{
	(void)get;
	done_count++;
	last = result->outcome;
	snprintf(last_detail, sizeof(last_detail), "%s", result->detail);
}

/* A socket that takes connections and never says a word. */
static int silent_listener(const char *address, unsigned *port_out)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port_out) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port_out = ntohs(at.sin_port);
	return fd;
}

static struct {
	unsigned max, address_max, ms_max; /* 0: the usual ones */
} waiting;

static void begin(unsigned port, unsigned time_ms)
{
	const struct io_https_config config = {
		.port = port,
		.connections_max = 2,
		.address_connections_max = 1,
		.waiting_max = waiting.max ? waiting.max : 2,
		.address_waiting_max = waiting.address_max ? waiting.address_max : 2,
		.waiting_ms_max = waiting.ms_max ? waiting.ms_max : 60000,
		.time_ms_max = time_ms,
		.connect_ms_max = time_ms / 2,
		.header_octets_max = 1000,
		.body_octets_max = 1000,
	};

	done_count = 0;
	if (io_https_new(&config, &https, problem) != 0)
		fail_msg("%s", problem);
}

static struct io_https_get get_of(const char *first, const char *second)
{
	struct io_https_get get = { .host = "mta-sts.example", .path = "/", .done = on_done };

	assert_true(ip_parse(slice_of_str(first), &get.addresses[0]));
	get.addresses_count = second ? 2 : 1;
	if (second)
		assert_true(ip_parse(slice_of_str(second), &get.addresses[1]));
	return get;
}

static void run_until(unsigned count)
{
	for (unsigned i = 0; i < RUNS_MAX && done_count < count; i++)
		io_https_run(https, 50);
	assert_int_equal(done_count, count);
	assert_int_equal(io_https_counters(https)->connections, 0);
}

static void test_nobody_listens(void **state)
{
	unsigned port = 0;
	struct io_https_get get = get_of("127.0.0.1", "127.0.0.2");

	(void)state;
	close(silent_listener("127.0.0.1", &port));
	begin(port, 2000);
	assert_int_equal(io_https_start(https, &get), IO_HTTPS_STARTED);
	run_until(1);
	assert_int_equal(last, IO_HTTPS_UNREACHED);
	assert_non_null(strstr(last_detail, "connect"));
	io_https_free(https);
}

static void test_nobody_answers(void **state)
{
	unsigned port = 0;
	int fd = silent_listener("127.0.0.1", &port);
	struct io_https_get get = get_of("127.0.0.1", NULL);

	(void)state;
	begin(port, 300);
	assert_int_equal(io_https_start(https, &get), IO_HTTPS_STARTED);
	run_until(1);
	assert_int_equal(last, IO_HTTPS_LATE);
	io_https_free(https);
	close(fd);
}

/* The first address refuses; the second is connected to, and it is the only other one. */
static void test_the_next_address(void **state)
{
	unsigned port = 0;
	int fd = silent_listener("127.0.0.3", &port), accepted;
	struct io_https_get get = get_of("127.0.0.2", "127.0.0.3");
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	(void)state;
	begin(port, 400);
	assert_int_equal(io_https_start(https, &get), IO_HTTPS_STARTED);
	run_until(1);
	assert_int_equal(last, IO_HTTPS_LATE);
	accepted = accept(fd, (struct sockaddr *)&peer, &len);
	assert_true(accepted >= 0);
	assert_int_equal(io_https_counters(https)->strays, 0);
	assert_int_equal(io_https_counters(https)->connections_most, 1);
	io_https_free(https);
	close(accepted);
	close(fd);
}

static void test_waiting_is_bounded(void **state)
{
	unsigned port = 0;
	int fd = silent_listener("127.0.0.1", &port);
	struct io_https_get gets[5];

	(void)state;
	begin(port, 200);
	for (size_t i = 0; i < 2; i++) {
		gets[i] = get_of("127.0.0.1", NULL);
		assert_int_equal(io_https_start(https, &gets[i]), IO_HTTPS_STARTED);
	}
	gets[2] = get_of("127.0.0.1", NULL);
	assert_int_equal(io_https_start(https, &gets[2]), IO_HTTPS_FULL);
	assert_int_equal(io_https_counters(https)->refused, 1);
	/* One is connected, the address has no more; one waits, and there is room for one more. */
	io_https_run(https, 0);
	assert_int_equal(io_https_counters(https)->waiting, 1);
	assert_int_equal(io_https_start(https, &gets[2]), IO_HTTPS_STARTED);
	run_until(3);
	assert_int_equal(io_https_counters(https)->connections_most, 1);
	io_https_free(https);
	close(fd);
}

static void test_connections_are_bounded(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4" };
	unsigned port = 0;
	int fd = silent_listener("0.0.0.0", &port);
	struct io_https_get gets[4];

	(void)state;
	begin(port, 200);
	for (size_t i = 0; i < 4; i++) {
		gets[i] = get_of(addresses[i], NULL);
		assert_int_equal(io_https_start(https, &gets[i]), IO_HTTPS_STARTED);
		io_https_run(https, 0);
	}
	run_until(4);
	assert_int_equal(io_https_counters(https)->connections_most, 2);
	io_https_free(https);
	close(fd);
}

static void test_dropped(void **state)
{
	unsigned port = 0;
	int fd = silent_listener("127.0.0.1", &port);
	struct io_https_get under_way = get_of("127.0.0.1", NULL), second = get_of("127.0.0.1", NULL);

	(void)state;
	begin(port, 10000);
	assert_int_equal(io_https_start(https, &under_way), IO_HTTPS_STARTED);
	assert_int_equal(io_https_start(https, &second), IO_HTTPS_STARTED);
	io_https_run(https, 20);
	io_https_free(https);
	assert_int_equal(done_count, 0);
	close(fd);
}

/* Three whose first addresses refuse have the same second one, to which one connection may be open. */
static void test_the_bound_of_an_address_that_is_tried_second(void **state)
{
	static const char *const firsts[] = { "127.0.0.2", "127.0.0.3", "127.0.0.4" };
	unsigned port = 0, most = 0;
	int fd = silent_listener("127.0.0.1", &port);
	struct io_https_get gets[3];

	(void)state;
	waiting.max = 3;
	begin(port, 300);
	waiting.max = 0;
	for (size_t i = 0; i < 3; i++) {
		gets[i] = get_of(firsts[i], "127.0.0.1");
		assert_int_equal(io_https_start(https, &gets[i]), IO_HTTPS_STARTED);
	}
	for (unsigned n = 0; n < RUNS_MAX && done_count < 3; n++) {
		unsigned open = 0;

		io_https_run(https, 20);
		for (size_t i = 0; i < 3; i++)
			open += gets[i].transfer && gets[i].address == 1;
		most = open > most ? open : most;
	}
	assert_int_equal(done_count, 3);
	assert_int_equal(most, 1);
	assert_int_equal(io_https_counters(https)->waiting, 0);
	assert_int_equal(io_https_counters(https)->connections, 0);
	io_https_free(https);
	close(fd);
}

static void test_an_address_has_a_share_of_the_queue(void **state)
{
	struct io_https_get gets[3] = { get_of("127.0.0.1", NULL), get_of("127.0.0.1", NULL), get_of("127.0.0.2", NULL) };

	(void)state;
	waiting.address_max = 1;
	begin(1, 200);
	waiting.address_max = 0;
	assert_int_equal(io_https_start(https, &gets[0]), IO_HTTPS_STARTED);
	assert_int_equal(io_https_start(https, &gets[1]), IO_HTTPS_ADDRESS_FULL);
	assert_int_equal(io_https_start(https, &gets[2]), IO_HTTPS_STARTED);
	assert_int_equal(io_https_counters(https)->address_refused, 1);
	assert_int_equal(io_https_counters(https)->refused, 0);
	run_until(2);
	io_https_free(https);
}

static void test_waiting_has_an_end(void **state)
{
	unsigned port = 0;
	int fd = silent_listener("127.0.0.1", &port);
	struct io_https_get first = get_of("127.0.0.1", NULL), second = get_of("127.0.0.1", NULL);

	(void)state;
	waiting.ms_max = 300;
	begin(port, 4000);
	waiting.ms_max = 0;
	assert_int_equal(io_https_start(https, &first), IO_HTTPS_STARTED);
	assert_int_equal(io_https_start(https, &second), IO_HTTPS_STARTED);
	for (unsigned n = 0; n < RUNS_MAX && done_count < 1; n++)
		io_https_run(https, 20);
	assert_int_equal(last, IO_HTTPS_WAITED);
	assert_int_equal(io_https_counters(https)->waited, 1);
	assert_int_equal(io_https_counters(https)->waiting, 0);
	io_https_free(https);
	close(fd);
}

static bool wanted;

static bool is_wanted(const struct io_https_get *get)
{
	(void)get;
	return wanted;
}

/* They make room for others at once, and cost no connection. */
static void test_what_nobody_wants_gives_up_its_place(void **state)
{
	struct io_https_get gets[3] = { get_of("127.0.0.1", NULL), get_of("127.0.0.1", NULL), get_of("127.0.0.1", NULL) };

	(void)state;
	begin(1, 200);
	wanted = true;
	for (size_t i = 0; i < 2; i++) {
		gets[i].is_wanted = is_wanted;
		assert_int_equal(io_https_start(https, &gets[i]), IO_HTTPS_STARTED);
	}
	assert_int_equal(io_https_start(https, &gets[2]), IO_HTTPS_FULL);
	wanted = false;
	assert_int_equal(io_https_start(https, &gets[2]), IO_HTTPS_STARTED);
	assert_int_equal(done_count, 2);
	assert_int_equal(last, IO_HTTPS_UNWANTED);
	assert_int_equal(io_https_counters(https)->unwanted, 2);
	run_until(3);
	gets[0] = get_of("127.0.0.1", NULL);
	gets[0].is_wanted = is_wanted;
	assert_int_equal(io_https_start(https, &gets[0]), IO_HTTPS_STARTED);
	run_until(4);
	assert_int_equal(io_https_counters(https)->unwanted, 3);
	io_https_free(https);
}

static void test_ca_files(void **state)
{
	(void)state;
	assert_false(io_https_check_ca_file("/dev/null", problem));
	assert_false(io_https_check_ca_file("/nonexistent/ca", problem));
	assert_non_null(strstr(problem, "/nonexistent/ca"));
}

UNIT_MAIN(cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_nobody_answers),
          cmocka_unit_test(test_the_next_address), cmocka_unit_test(test_waiting_is_bounded),
          cmocka_unit_test(test_connections_are_bounded), cmocka_unit_test(test_dropped),
          cmocka_unit_test(test_the_bound_of_an_address_that_is_tried_second),
          cmocka_unit_test(test_an_address_has_a_share_of_the_queue), cmocka_unit_test(test_waiting_has_an_end),
          cmocka_unit_test(test_what_nobody_wants_gives_up_its_place),
          cmocka_unit_test(test_ca_files))
