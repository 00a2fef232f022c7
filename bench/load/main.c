/*
 * assay-bench - puts load on a daemon and measures what it takes.
 *
 * Exit status: 0 every request got the reply that was expected; 1 some did not; 2 wrong usage; 3 the server was not
 * reached, or something else kept it from running.
 */
#include "corpus/text.h"
#include "load/conn.h"
#include "load/report.h"
#include "load/tls.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define URL_DEFAULT "ipc:///run/assay/assayd.sock"

static const char usage[] =
	"assay-bench check   [OPTIONS] CORPUS   messages of a corpus (see assay-corpus), verdicts compared\n"
	"assay-bench sender  [OPTIONS] CORPUS   their envelopes alone\n"
	"assay-bench status  [OPTIONS]          Status requests\n"
	"assay-bench refused [OPTIONS]          messages that are refused after they were decoded\n"
	"assay-bench echo    [OPTIONS]          octets that mean nothing, for a peer that answers anything\n"
	"assay-bench idle    [OPTIONS]          no server: how late timers are on this machine\n"
	"\n"
	"  -s, --server URL     ipc:///PATH, tcp://HOST:PORT or tls+tcp://HOST:PORT; default\n"
	"                       " URL_DEFAULT "\n"
	"      --certificate F  PEM with certificate and key, to show to a tls+tcp server;\n"
	"                       that server's own is not looked at\n"
	"  -c, --connections N  default 32\n"
	"  -i, --in-flight N    requests at once on each connection; default 8\n"
	"  -r, --rate N         open loop: N requests a second, all connections together,\n"
	"                       latency from when each was due; default: closed loop\n"
	"      --poisson        open loop with random distances\n"
	"      --no-sleep       look for replies and at the clock all the time, on a core of its\n"
	"                       own: how late this program is woken is no latency then\n"
	"  -d, --duration S     seconds measured; default 5\n"
	"  -n, --count N        or so many requests, whichever is over first\n"
	"  -w, --warmup S       seconds before measuring, and one pass over the corpus; default 1\n"
	"      --octets N       size of a request, for status, refused and echo; default 1024\n"
	"      --messages N     only the first N of the corpus\n"
	"      --digest         for check: header and digests of the body instead of the message\n"
	"      --cold PERCENT   of the requests: a message of a sender nobody has seen\n"
	"      --deadline MS    in each request; default 0, the daemon's own\n"
	"      --server-pid PID whose CPU and memory to tell; may be given several times\n"
	"      --allow-temporary OVERLOADED replies and temperror verdicts are counted, not mismatches\n"
	"      --no-check       do not look at the replies\n"
	"      --json           one JSON object, times in nanoseconds unless the name says us\n";

static struct run_options options = {
	.url = URL_DEFAULT,
	.connections = 32,
	.in_flight = 8,
	.duration_ns = INT64_C(5000000000),
	.warmup_ns = INT64_C(1000000000),
	.check = true,
};
static struct request_options request_options = { .octets = 1024 };
static bool json;

static double number(const char *name, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || *end || !(value >= least && value <= most)) {
		fprintf(stderr, "assay-bench: --%s: %g to %g, not \"%s\"\n", name, least, most, text);
		exit(2);
	}
	return value;
}

static void pid_add(const char *text)
{
	if (options.pids_count == RUN_PIDS_MAX) {
		fprintf(stderr, "assay-bench: --server-pid: at most %d\n", RUN_PIDS_MAX);
		exit(2);
	}
	options.pids[options.pids_count++] = (pid_t)number("server-pid", text, 1, 4194304);
}

enum { OPTION_POISSON = 256, OPTION_NO_SLEEP, OPTION_OCTETS, OPTION_MESSAGES, OPTION_COLD, OPTION_DEADLINE, OPTION_PID,
       OPTION_NO_CHECK, OPTION_TEMPORARY, OPTION_CERTIFICATE, OPTION_JSON, OPTION_DIGEST };

static void option_take(int option)
{
	switch (option) {
	case 's': options.url = optarg; break;
	case 'c': options.connections = (unsigned)number("connections", optarg, 1, RUN_CONNECTIONS_MAX); break;
	case 'i': options.in_flight = (unsigned)number("in-flight", optarg, 1, CONN_SLOTS_MAX); break;
	case 'r': options.rate = number("rate", optarg, 0.1, 1e8); break;
	case 'd': options.duration_ns = (int64_t)(number("duration", optarg, 0.01, 1e6) * 1e9); break;
	case 'n': options.count = (uint64_t)number("count", optarg, 1, 1e15); break;
	case 'w': options.warmup_ns = (int64_t)(number("warmup", optarg, 0, 1e5) * 1e9); break;
	case OPTION_POISSON: options.poisson = true; break;
	case OPTION_NO_SLEEP: options.no_sleep = true; break;
	case OPTION_OCTETS: request_options.octets = (size_t)number("octets", optarg, 1, 6e7); break;
	case OPTION_MESSAGES: request_options.messages_max = (size_t)number("messages", optarg, 1, 1e9); break;
	case OPTION_COLD: options.cold_percent = number("cold", optarg, 0, 100); break;
	case OPTION_DEADLINE: request_options.deadline_ms = (uint32_t)number("deadline", optarg, 0, 1e9); break;
	case OPTION_PID: pid_add(optarg); break;
	case OPTION_NO_CHECK: options.check = false; break;
	case OPTION_TEMPORARY: options.allow_temporary = true; break;
	case OPTION_CERTIFICATE: tls_show(optarg); break;
	case OPTION_JSON: json = true; break;
	case OPTION_DIGEST: request_options.digest = true; break;
	case 'h': fputs(usage, stdout); exit(0);
	default: exit(2);
	}
}

static void options_read(int argc, char **argv)
{
	static const struct option names[] = {
		{ "server", required_argument, NULL, 's' },
		{ "connections", required_argument, NULL, 'c' },
		{ "in-flight", required_argument, NULL, 'i' },
		{ "rate", required_argument, NULL, 'r' },
		{ "poisson", no_argument, NULL, OPTION_POISSON },
		{ "no-sleep", no_argument, NULL, OPTION_NO_SLEEP },
		{ "duration", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "warmup", required_argument, NULL, 'w' },
		{ "octets", required_argument, NULL, OPTION_OCTETS },
		{ "messages", required_argument, NULL, OPTION_MESSAGES },
		{ "cold", required_argument, NULL, OPTION_COLD },
		{ "deadline", required_argument, NULL, OPTION_DEADLINE },
		{ "server-pid", required_argument, NULL, OPTION_PID },
		{ "no-check", no_argument, NULL, OPTION_NO_CHECK },
		{ "allow-temporary", no_argument, NULL, OPTION_TEMPORARY },
		{ "certificate", required_argument, NULL, OPTION_CERTIFICATE },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "digest", no_argument, NULL, OPTION_DIGEST },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "s:c:i:r:d:n:w:h", names, NULL)) != -1)
		option_take(option);
}

__attribute__((noreturn)) static void wrong_usage(void)
{
	fputs(usage, stderr);
	exit(2);
}

/* The mode's name stands first; the corpus behind the options. */
static void mode_read(const char *mode, int rest_count, char **rest)
{
	static const char *const modes[] = { "check", "sender", "status", "refused", "echo" };
	bool needs_corpus;
	size_t kind = 0;

	while (kind < sizeof(modes) / sizeof(*modes) && strcmp(modes[kind], mode) != 0)
		kind++;
	if (kind == sizeof(modes) / sizeof(*modes))
		wrong_usage();
	request_options.kind = (enum request_kind)kind;
	needs_corpus = kind <= REQUEST_SENDER;
	if (rest_count != (needs_corpus ? 1 : 0))
		wrong_usage();
	request_options.corpus = needs_corpus ? rest[0] : NULL;
	if (options.cold_percent > 0 && kind != REQUEST_CHECK && kind != REQUEST_SENDER)
		wrong_usage();
	request_options.cold = options.cold_percent > 0;
	/* The label of a cold message is put into its octets, and would change what was hashed. */
	if (request_options.digest && (kind != REQUEST_CHECK || request_options.cold))
		wrong_usage();
}

static bool is_good(const struct run_result *result)
{
	return result->mismatches == 0 && result->unanswered == 0 && result->connections_lost == 0 && result->replies > 0;
}

int main(int argc, char **argv)
{
	static struct run_result result;
	static struct requests requests;
	bool idle;

	if (argc < 2)
		wrong_usage();
	options_read(argc - 1, argv + 1);
	idle = strcmp(argv[1], "idle") == 0;
	if (argv[1][0] == '-') {
		option_take(strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ? 'h' : 0);
	} else if (idle) {
		options.rate = options.rate > 0 ? options.rate : 1000;
		run_idle(&options, &result);
	} else {
		mode_read(argv[1], argc - 1 - optind, argv + 1 + optind);
		requests_make(&request_options, &requests);
		options.warmup_count = requests.count > 1 && options.cold_percent < 100 ? requests.count : 0;
		options.progress = isatty(STDERR_FILENO) && !json;
		run(&options, &requests, &result);
	}
	(json ? report_json : report_text)(argv[1], &options, &result, stdout);
	return is_good(&result) ? 0 : 1;
}
