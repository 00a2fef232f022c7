/*
 * assayd - the daemon: reads the configuration, starts the engine, waits for signals.
 *
 * SIGTERM and SIGINT drain: what is in flight is answered, then the process exits 0. A second one ends the drain. SIGHUP reads
 * the files of the section tls again, for new connections; all else of a changed configuration needs a restart, and that is logged.
 */
#include "daemon/config.h"
#include "daemon/metrics.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CONFIG_PATH "/etc/assay/assayd.conf"
#define DRAIN_LOOK_NS 20000000 /* between two looks at whether the shards have ended */

static void usage(FILE *to)
{
	fprintf(to, "usage: assayd [-t] [-c FILE]\n"
	            "       assayd --version | --help\n\n"
	            "  -c FILE  the configuration (default " CONFIG_PATH ")\n"
	            "  -t       check it and exit: 0 it is usable, 1 it is not\n");
}

static void complain(const char *problem)
{
	fprintf(stderr, "assayd: %s\n", problem);
}

/* One descriptor a connection, a few thousand for queries: the soft limit is for programs that use select(). */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void print_ready(const struct engine_config *config)
{
	char line[4096];
	size_t len = 0;

	for (size_t i = 0; i < config->listen_count && len < sizeof(line); i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s", i ? ", " : "", config->listen[i]);
	fprintf(stderr, "ready: %s (%u shard%s)\n", line, config->shards, config->shards == 1 ? "" : "s");
}

/* Those who are connected stay with what they began with. */
static void tls_reload(struct io_tls *tls)
{
	char problem[IO_PROBLEM_SIZE];

	if (io_tls_reload(tls, problem) == 0)
		complain("SIGHUP: certificate, key and client-ca were read again; the rest takes effect after a restart");
	else
		fprintf(stderr, "assayd: SIGHUP: the old certificate stays: %s\n", problem);
}

/* Also wakes when a shard died: it raises SIGTERM for us. */
static void wait_for_stop(const sigset_t *signals, struct io_tls *tls)
{
	int signal;

	for (;;) {
		if (sigwait(signals, &signal) != 0)
			continue;
		if (signal != SIGHUP)
			return;
		if (tls)
			tls_reload(tls);
		else
			complain("SIGHUP: a changed configuration takes effect after a restart");
	}
}

/* Until all shards have ended; one more signal is one too many to wait for answers. */
static void wait_for_drain(struct engine *engine, const sigset_t *signals)
{
	const struct timespec look = { .tv_nsec = DRAIN_LOOK_NS };

	while (!engine_has_ended(engine)) {
		int signal = sigtimedwait(signals, NULL, &look);

		if (signal != SIGTERM && signal != SIGINT)
			continue;
		complain("stopping at once");
		engine_stop(engine, true);
	}
}

static int serve(struct daemon_config *config)
{
	char problem[IO_PROBLEM_SIZE], kernels[CRYPTO_KERNELS_TEXT_SIZE];
	struct engine *engine;
	struct metrics *metrics = NULL;
	sigset_t signals;
	int result;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	if (config->engine.verdict.shadow.organizational_domain)
		fputs("assayd: dmarc: RFC 7489 is computed for comparison\n", stderr);
	result = engine_start(&config->engine, &engine, problem);
	if (result < 0) {
		complain(problem);
		return 1;
	}
	if (config->public_suffixes)
		fprintf(stderr, "assayd: public suffix list: %s\n", io_public_suffixes_source(config->public_suffixes));
	engine_kernels_describe(engine, kernels);
	fprintf(stderr, "assayd: crypto: %s\n", kernels);
	if (!*config->engine.policies.directory)
		complain("state-directory is not set: MTA-STS policies are forgotten at the end");
	result = metrics_start(config->metrics_listen, engine, &metrics, problem);
	if (result < 0) {
		complain(problem);
	} else {
		print_ready(&config->engine);
		wait_for_stop(&signals, config->engine.tls);
		complain("stopping: answering what is in flight");
	}
	engine_stop(engine, false);
	wait_for_drain(engine, &signals);
	if (engine_join(engine) < 0) {
		complain("a shard's event loop failed");
		result = -EIO;
	}
	metrics_stop(metrics);
	engine_free(engine);
	if (result == 0)
		complain("stopped");
	return result == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct daemon_config config;
	char problem[CONFIG_PROBLEM_SIZE];
	const char *path = CONFIG_PATH;
	bool check_only = false;
	int option, result;

	while ((option = getopt_long(argc, argv, "c:t", longs, NULL)) != -1) {
		switch (option) {
		case 'c': path = optarg; break;
		case 't': check_only = true; break;
		case 'h': usage(stdout); return 0;
		case 'V': puts("assayd " ASSAY_VERSION); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	if (config_read(path, &config, problem) < 0) {
		complain(problem);
		return 1;
	}
	config.engine.version = ASSAY_VERSION;
	result = check_only ? 0 : serve(&config);
	config_free(&config);
	return result;
}
