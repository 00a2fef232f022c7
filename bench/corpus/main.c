/*
 * assay-corpus - writes a corpus of mail for benchmarks; see corpus.h for what is in it.
 *
 * Exit status: 0 written; 2 wrong usage; 3 it could not be written.
 */
#include "corpus/corpus.h"

#include "corpus/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"assay-corpus [OPTIONS] DIRECTORY\n"
	"\n"
	"Writes messages, envelopes, expected verdicts and zones. The same options give the same octets.\n"
	"\n"
	"  --seed N        default 1\n"
	"  --messages N    default 2000\n"
	"  --domains N     author domains, 1 to 100000; default 1000\n"
	"  --zipf S        exponent of their distribution; default 1\n"
	"  --median OCTETS --mean OCTETS   of the log-normal sizes; default 8192 and 25600\n"
	"  --largest OCTETS                default 1048576\n"
	"  --plain         one sound signature a message, rsa-sha256 with 2048 bits, relaxed/relaxed\n"
	"  --opaque        every body application/octet-stream\n"
	"  --eml           also each message as a file of its own\n";

static double number(const char *name, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || *end || !(value >= least && value <= most)) {
		fprintf(stderr, "assay-corpus: --%s: %g to %g, not \"%s\"\n", name, least, most, text);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },    { "messages", required_argument, NULL, 'm' },
		{ "domains", required_argument, NULL, 'd' }, { "zipf", required_argument, NULL, 'z' },
		{ "median", required_argument, NULL, 'e' },  { "mean", required_argument, NULL, 'a' },
		{ "largest", required_argument, NULL, 'l' }, { "eml", no_argument, NULL, 'f' },
		{ "plain", no_argument, NULL, 'p' },         { "opaque", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
	};
	struct corpus_options options = CORPUS_OPTIONS_DEFAULT;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 's': options.seed = (uint64_t)number("seed", optarg, 0, 9e15); break;
		case 'm': options.messages = (unsigned)number("messages", optarg, 1, 1e6); break;
		case 'd': options.domains = (unsigned)number("domains", optarg, 1, 1e5); break;
		case 'z': options.zipf = number("zipf", optarg, 0, 4); break;
		case 'e': options.median = number("median", optarg, 1500, 1e6); break;
		case 'a': options.mean = number("mean", optarg, 1500, 1e6); break;
		case 'l': options.octets_max = (size_t)number("largest", optarg, 2000, 6e7); break;
		case 'f': options.eml = true; break;
		case 'o': options.opaque = true; break;
		case 'p': options.plain = true; break;
		case 'h': fputs(usage, stdout); return 0;
		default: return 2;
		}
	}
	if (optind + 1 != argc || options.mean < options.median) {
		fputs(usage, stderr);
		return 2;
	}
	options.directory = argv[optind];
	corpus_write(&options);
	return 0;
}
