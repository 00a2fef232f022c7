#include "io/listen.h"

#include "base/slice.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 4096
#define HOST_SIZE 256
#define TRIES_MAX 11
#define RETRY_PAUSE_NS 100000000

#define TCP "tcp://"
#define TLS "tls+tcp://"
#define IPC "ipc://"

struct tcp_url {
	char host[HOST_SIZE]; /* empty: every address */
	char port[6];
};

static int refuse(char problem[IO_PROBLEM_SIZE], const char *url, const char *why)
{
	snprintf(problem, IO_PROBLEM_SIZE, "%s: %s", url, why);
	return -EINVAL;
}

static int refuse_errno(char problem[IO_PROBLEM_SIZE], const char *url, int error)
{
	(void)refuse(problem, url, error == EADDRINUSE ? "address already in use" : strerror(error));
	return -error;
}

static int tcp_url_parse(const char *url, struct tcp_url *out, char problem[IO_PROBLEM_SIZE])
{
	const char *host = strstr(url, TCP) + strlen(TCP);
	const char *colon = strrchr(host, ':');
	size_t host_len = colon ? (size_t)(colon - host) : 0;
	uint64_t port;

	if (!colon || !slice_to_u64(slice_of_str(colon + 1), 5, &port) || port == 0 || port > 65535)
		return refuse(problem, url, "wants HOST:PORT");
	if (host_len >= 2 && host[0] == '[' && colon[-1] == ']') {
		host++;
		host_len -= 2;
	} else if (memchr(host, ':', host_len)) {
		return refuse(problem, url, "an IPv6 address wants brackets");
	}
	if (host_len == 0 || host_len >= HOST_SIZE)
		return refuse(problem, url, "wants HOST:PORT");
	if (host_len == 1 && *host == '*')
		host_len = 0;
	snprintf(out->host, sizeof(out->host), "%.*s", (int)host_len, host);
	snprintf(out->port, sizeof(out->port), "%u", (unsigned)port);
	return 0;
}

static int ipc_url_parse(const char *url, const char **path_out, char problem[IO_PROBLEM_SIZE])
{
	const char *path = url + strlen(IPC);

	if (path[0] != '/')
		return refuse(problem, url, "wants ipc:///PATH, an absolute path");
	if (strlen(path) >= IO_PATH_SIZE)
		return refuse(problem, url, "the path is longer than 107 octets");
	*path_out = path;
	return 0;
}

static bool begins_with(const char *url, const char *scheme)
{
	return strncmp(url, scheme, strlen(scheme)) == 0;
}

bool io_url_is_tls(const char *url)
{
	return begins_with(url, TLS);
}

static bool is_tcp(const char *url)
{
	return begins_with(url, TCP) || io_url_is_tls(url);
}

int io_url_check(const char *url, char problem[IO_PROBLEM_SIZE])
{
	struct tcp_url tcp;
	const char *path;

	if (is_tcp(url))
		return tcp_url_parse(url, &tcp, problem);
	if (begins_with(url, IPC))
		return ipc_url_parse(url, &path, problem);
	return refuse(problem, url, "wants tcp://HOST:PORT, tls+tcp://HOST:PORT or ipc:///PATH");
}

/* One socket for every address of IPv6 serves IPv4 too, whatever net.ipv6.bindv6only says. */
static int tcp_socket(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return fd;
}

/* Without SO_REUSEPORT the kernel tells whether somebody else listens here. */
static int tcp_bind_probe(const struct addrinfo *address)
{
	int fd = tcp_socket(address);
	int result;

	if (fd < 0)
		return fd;
	result = bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 1) == 0 ? 0 : -errno;
	close(fd);
	return result;
}

static int tcp_listen(const struct addrinfo *address)
{
	int fd = tcp_socket(address);
	int on = 1, result;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
	    bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

static bool ipv6_is_here(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int tcp_open(const char *url, bool first, struct io_listener *out, char problem[IO_PROBLEM_SIZE])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *addresses;
	struct tcp_url tcp;
	int result;

	TRY(tcp_url_parse(url, &tcp, problem));
	if (!tcp.host[0])
		hints.ai_family = ipv6_is_here() ? AF_INET6 : AF_INET;
	result = getaddrinfo(tcp.host[0] ? tcp.host : NULL, tcp.port, &hints, &addresses);
	if (result)
		return refuse(problem, url, gai_strerror(result));
	result = first ? tcp_bind_probe(addresses) : 0;
	if (result == 0)
		result = tcp_listen(addresses);
	freeaddrinfo(addresses);
	if (result < 0)
		return refuse_errno(problem, url, -result);
	*out = (struct io_listener){ .fd = result, .is_tls = io_url_is_tls(url) };
	return 0;
}

/* A socket file that nobody serves any more (its process was killed) is taken away; any other file stays. */
static int ipc_clear_stale(const struct sockaddr_un *address)
{
	struct stat status;
	int fd, result;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	result = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? EAGAIN : errno;
	close(fd);
	if (result != ECONNREFUSED)
		return result == EAGAIN ? -EADDRINUSE : -result;
	return unlink(address->sun_path) == 0 ? 0 : -errno;
}

/* Before listen(): until then nobody can connect, whatever the mode is. */
static int file_set_up(const char *path, const struct io_socket_file *file)
{
	if ((file->owner != (uid_t)-1 || file->group != (gid_t)-1) && chown(path, file->owner, file->group) < 0)
		return -errno;
	return !file->has_mode || chmod(path, file->mode) == 0 ? 0 : -errno;
}

static int ipc_bind(int fd, const struct sockaddr_un *address, const struct io_socket_file *file)
{
	int result;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	result = file_set_up(address->sun_path, file);
	if (result == 0 && listen(fd, BACKLOG) < 0)
		result = -errno;
	if (result < 0)
		(void)unlink(address->sun_path);
	return result;
}

static int ipc_open(const char *url, const struct io_socket_file *file, struct io_listener *out,
                    char problem[IO_PROBLEM_SIZE])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path;
	int fd, result;

	TRY(ipc_url_parse(url, &path, problem));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	result = ipc_clear_stale(&address);
	if (result < 0)
		return refuse_errno(problem, url, -result);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse_errno(problem, url, errno);
	result = ipc_bind(fd, &address, file);
	if (result < 0) {
		close(fd);
		return refuse_errno(problem, url, -result);
	}
	*out = (struct io_listener){ .fd = fd, .is_ipc = true };
	snprintf(out->path, sizeof(out->path), "%s", path);
	return 0;
}

/*
 * A process that was killed may hold its sockets for a moment longer (the kernel ends an io_uring in the
 * background), and a restart is quick: so an address in use is tried again before it is an error.
 */
int io_listener_open(const char *url, bool first, const struct io_socket_file *file, struct io_listener *out,
                     char problem[IO_PROBLEM_SIZE])
{
	const struct timespec pause = { .tv_nsec = RETRY_PAUSE_NS };
	int result = -EADDRINUSE;

	TRY(io_url_check(url, problem));
	for (unsigned tries = 0; result == -EADDRINUSE && tries < TRIES_MAX; tries++) {
		if (tries)
			(void)nanosleep(&pause, NULL);
		result = is_tcp(url) ? tcp_open(url, first, out, problem) : ipc_open(url, file, out, problem);
	}
	return result;
}

void io_listener_stop(struct io_listener *listener)
{
	if (listener->fd < 0)
		return;
	(void)shutdown(listener->fd, SHUT_RDWR);
	/* Once: a process that takes our place may have made its own file by the time that we close. */
	if (listener->path[0])
		(void)unlink(listener->path);
	listener->path[0] = 0;
}

void io_listener_close(struct io_listener *listener)
{
	if (listener->fd < 0)
		return;
	io_listener_stop(listener);
	close(listener->fd);
	listener->fd = -1;
}
