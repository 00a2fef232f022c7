/*
 * Goal:   only whole URLs are taken; an address that somebody serves is told as in use; no file is removed but a socket
 *         that nobody serves.
 * Method: URLs as tables, refusals first; then sockets on loopback and in a folder of the test's own.
 */
#include "io/listen.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/assay-listen-XXXXXX";
static char problem[IO_PROBLEM_SIZE];
static const struct io_socket_file plain = IO_SOCKET_FILE_PLAIN;

static void test_urls_refused(void **state)
{
	static const char *const urls[] = {
		"",
		"tcp",
		"tcp://",
		"tcp://:",
		"tcp://:8460",
		"tcp://127.0.0.1",
		"tcp://127.0.0.1:",
		"tcp://127.0.0.1:0",
		"tcp://127.0.0.1:65536",
		"tcp://127.0.0.1:99999",
		"tcp://127.0.0.1:100000",
		"tcp://127.0.0.1:084600",
		"tcp://127.0.0.1:8460/",
		"tcp://127.0.0.1:8460 ",
		"tcp://127.0.0.1: 8460",
		"tcp://127.0.0.1:+8460",
		"tcp://127.0.0.1:-1",
		"tcp://127.0.0.1:0x50",
		"tcp://127.0.0.1:http",
		"tcp://::1:8460",
		"tcp://[::1]",
		"tcp://[::1]8460",
		"tcp://[::1:8460",
		"tcp://::1]:8460",
		"tcp://[]:8460",
		"tcp://[]",
		"TCP://127.0.0.1:8460",
		" tcp://127.0.0.1:8460",
		"udp://127.0.0.1:8460",
		"tls+tcp://127.0.0.1",
		"tls+tcp://",
		"tls+tcp://:8461",
		"tls+tcp:///tcp://127.0.0.1:8461",
		"tls+ipc:///tmp/x",
		"tls://127.0.0.1:8461",
		"http://127.0.0.1:8460",
		"ipc:",
		"ipc://",
		"ipc://relative",
		"ipc://./relative",
		"unix:///tmp/x",
		"/tmp/x",
	};
	char long_url[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		problem[0] = 0;
		if (io_url_check(urls[i], problem) >= 0)
			fail_msg("%s: accepted", urls[i]);
		/* The line for people begins with what they wrote. */
		assert_int_equal(strncmp(problem, urls[i], strlen(urls[i])), 0);
	}
	snprintf(long_url, sizeof(long_url), "ipc:///%0107d", 0);
	assert_true(io_url_check(long_url, problem) < 0);
	snprintf(long_url, sizeof(long_url), "tcp://%0256d:8460", 0);
	assert_true(io_url_check(long_url, problem) < 0);
}

static void test_urls_taken(void **state)
{
	static const char *const urls[] = {
		"tcp://127.0.0.1:8460", "tcp://127.0.0.1:1", "tcp://127.0.0.1:65535", "tcp://[::1]:8460", "tcp://[2001:db8::1]:1",
		"tcp://*:8460",         "tcp://localhost:8460", "ipc:///tmp/x",        "ipc:///run/assay/assayd.sock",
	};
	char long_url[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++)
		if (io_url_check(urls[i], problem) < 0)
			fail_msg("%s: %s", urls[i], problem);
	snprintf(long_url, sizeof(long_url), "ipc:///%0106d", 0);
	assert_int_equal(io_url_check(long_url, problem), 0);
}

/* --- tcp --- */

/* A port that was free a moment ago. */
static unsigned port_pick(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* The port may be taken between choosing and opening it: another one is tried. */
static unsigned tcp_open_anywhere(const char *host, struct io_listener *listener, char url[64])
{
	for (unsigned attempt = 0; attempt < 20; attempt++) {
		unsigned port = port_pick();

		snprintf(url, 64, "tcp://%s:%u", host, port);
		if (io_listener_open(url, true, &plain, listener, problem) == 0)
			return port;
	}
	fail_msg("no port: %s", problem);
	return 0;
}

static bool connects(int family, const char *host, unsigned port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected;

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(family, host, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr), 1);
	connected = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof(v4)) == 0
	                              : connect(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0;
	close(fd);
	return connected;
}

static bool ipv6_is_here(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool here = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return here;
}

static void test_tcp_in_use(void **state)
{
	struct io_listener first, shared, other;
	char url[64];

	(void)state;
	tcp_open_anywhere("127.0.0.1", &first, url);
	assert_false(first.is_ipc);
	/* Another daemon: opens its first socket there. */
	assert_int_equal(io_listener_open(url, true, &plain, &other, problem), -EADDRINUSE);
	assert_non_null(strstr(problem, url));
	assert_non_null(strstr(problem, "in use"));
	/* Another shard of this daemon. */
	assert_int_equal(io_listener_open(url, false, &plain, &shared, problem), 0);
	io_listener_close(&shared);
	io_listener_close(&first);
	assert_int_equal(io_listener_open(url, true, &plain, &first, problem), 0);
	io_listener_close(&first);
}

static void test_tcp_connects(void **state)
{
	struct io_listener listener;
	char url[64];
	unsigned port;

	(void)state;
	port = tcp_open_anywhere("127.0.0.1", &listener, url);
	assert_true(connects(AF_INET, "127.0.0.1", port));
	assert_false(connects(AF_INET, "127.0.0.2", port));
	io_listener_close(&listener);
	assert_int_equal(listener.fd, -1);
	io_listener_close(&listener);
	assert_false(connects(AF_INET, "127.0.0.1", port));
	if (!ipv6_is_here())
		return;
	port = tcp_open_anywhere("[::1]", &listener, url);
	assert_true(connects(AF_INET6, "::1", port));
	io_listener_close(&listener);
}

static void test_tcp_star_is_every_address(void **state)
{
	struct io_listener listener, other;
	char url[64];
	unsigned port;

	(void)state;
	port = tcp_open_anywhere("*", &listener, url);
	assert_true(connects(AF_INET, "127.0.0.1", port));
	assert_true(connects(AF_INET, "127.0.0.2", port));
	if (ipv6_is_here())
		assert_true(connects(AF_INET6, "::1", port));
	assert_int_equal(io_listener_open(url, true, &plain, &other, problem), -EADDRINUSE);
	assert_int_equal(io_listener_open(url, false, &plain, &other, problem), 0);
	io_listener_close(&other);
	io_listener_close(&listener);
}

static void test_tcp_address_of_somebody_else(void **state)
{
	struct io_listener listener;

	(void)state;
	assert_int_equal(io_listener_open("tcp://192.0.2.1:8460", true, &plain, &listener, problem), -EADDRNOTAVAIL);
	assert_non_null(strstr(problem, "tcp://192.0.2.1:8460: "));
}

/* --- ipc --- */

static void ipc_url(const char *name, char url[128], char path[108])
{
	snprintf(path, 108, "%s/%s", folder, name);
	snprintf(url, 128, "ipc://%s", path);
}

static void test_ipc_other_files_are_kept(void **state)
{
	struct io_listener listener;
	char url[128], path[108], text[8] = "";
	int fd;

	(void)state;
	ipc_url("file", url, path);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "keep", 4), 4);
	assert_true(io_listener_open(url, true, &plain, &listener, problem) < 0);
	assert_non_null(strstr(problem, path));
	assert_int_equal(pread(fd, text, sizeof(text), 0), 4);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
	assert_int_equal(unlink(path), 0);

	/* A link is not followed: what it points to may be anybody's. */
	ipc_url("link", url, path);
	assert_int_equal(symlink("/nonexistent/assay", path), 0);
	assert_true(io_listener_open(url, true, &plain, &listener, problem) < 0);
	assert_int_equal(unlink(path), 0);

	ipc_url("folder", url, path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(io_listener_open(url, true, &plain, &listener, problem) < 0);
	assert_int_equal(rmdir(path), 0);
}

static void test_ipc_folder_missing(void **state)
{
	struct io_listener listener;
	char url[128], path[108];

	(void)state;
	ipc_url("none/socket", url, path);
	assert_int_equal(io_listener_open(url, true, &plain, &listener, problem), -ENOENT);
	assert_non_null(strstr(problem, "No such file"));
}

static void test_ipc_in_use(void **state)
{
	struct io_listener first, other;
	char url[128], path[108];

	(void)state;
	ipc_url("in-use", url, path);
	assert_int_equal(io_listener_open(url, true, &plain, &first, problem), 0);
	assert_true(first.is_ipc);
	assert_int_equal(io_listener_open(url, true, &plain, &other, problem), -EADDRINUSE);
	assert_non_null(strstr(problem, "in use"));
	assert_int_equal(access(path, F_OK), 0);
	io_listener_close(&first);
	assert_int_equal(access(path, F_OK), -1);
}

/* Left behind by a process that was killed. */
static void test_ipc_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct io_listener listener;
	char url[128], path[108];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	ipc_url("stale", url, path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
	assert_int_equal(io_listener_open(url, true, &plain, &listener, problem), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	io_listener_close(&listener);
}

static bool connects_to_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	result = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return result == 0;
}

/* Nobody can connect any more, though the descriptor is there; and who comes next has the place to himself. */
static void test_stopped(void **state)
{
	struct io_listener listener, other;
	char url[128], path[108];
	unsigned port;

	(void)state;
	port = tcp_open_anywhere("127.0.0.1", &listener, url);
	assert_true(connects(AF_INET, "127.0.0.1", port));
	io_listener_stop(&listener);
	assert_false(connects(AF_INET, "127.0.0.1", port));
	io_listener_close(&listener);

	ipc_url("stopped", url, path);
	assert_int_equal(io_listener_open(url, true, &plain, &listener, problem), 0);
	assert_true(connects_to_path(path));
	io_listener_stop(&listener);
	assert_false(connects_to_path(path));
	assert_int_equal(io_listener_open(url, true, &plain, &other, problem), 0);
	io_listener_close(&listener);
	assert_true(connects_to_path(path));
	io_listener_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls_refused),
		cmocka_unit_test(test_urls_taken),
		cmocka_unit_test(test_tcp_in_use),
		cmocka_unit_test(test_tcp_connects),
		cmocka_unit_test(test_tcp_star_is_every_address),
		cmocka_unit_test(test_tcp_address_of_somebody_else),
		cmocka_unit_test(test_ipc_other_files_are_kept),
		cmocka_unit_test(test_ipc_folder_missing),
		cmocka_unit_test(test_ipc_in_use),
		cmocka_unit_test(test_ipc_stale_socket_is_replaced),
		cmocka_unit_test(test_stopped),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(folder);
	return failed;
}
