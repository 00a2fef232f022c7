/*
 * Goal:   what cannot be had ends, once, with a reason; addresses are tried in their order and no others; the bound on waiting
 *         ones holds; what is dropped is not called back.
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

static void begin(unsigned port, unsigned time_ms)
{
	const struct io_https_config config = {
		.port = port,
		.connections_max = 2,
		.address_connections_max = 1,
		.waiting_max = 2,
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
	assert_true(io_https_start(https, &get));
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
	assert_true(io_https_start(https, &get));
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
	assert_true(io_https_start(https, &get));
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
		assert_true(io_https_start(https, &gets[i]));
	}
	gets[2] = get_of("127.0.0.1", NULL);
	assert_false(io_https_start(https, &gets[2]));
	assert_int_equal(io_https_counters(https)->refused, 1);
	/* One is connected, the address has no more; one waits, and there is room for one more. */
	io_https_run(https, 0);
	assert_int_equal(io_https_counters(https)->waiting, 1);
	assert_true(io_https_start(https, &gets[2]));
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
		assert_true(io_https_start(https, &gets[i]));
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
	struct io_https_get under_way = get_of("127.0.0.1", NULL), waiting = get_of("127.0.0.1", NULL);

	(void)state;
	begin(port, 10000);
	assert_true(io_https_start(https, &under_way) && io_https_start(https, &waiting));
	io_https_run(https, 20);
	io_https_free(https);
	assert_int_equal(done_count, 0);
	close(fd);
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
          cmocka_unit_test(test_ca_files))
