#include "load/report.h"

static const double percents[] = { 50, 90, 99, 99.9 };
static const char *const percent_names[] = { "p50", "p90", "p99", "p99.9" };

static double per_reply_us(uint64_t ns, const struct run_result *result)
{
	return result->replies ? (double)ns / (double)result->replies / 1e3 : 0;
}

static double seconds_of(const struct run_result *result)
{
	return (double)result->elapsed_ns / 1e9;
}

static double rate_of(const struct run_result *result)
{
	return result->elapsed_ns ? (double)result->replies / seconds_of(result) : 0;
}

static uint64_t server_ns(const struct run_result *result)
{
	return result->server_after.ns - result->server_before.ns;
}

/* The kernel's part of what the server spent; by ticks, so only over some time. */
static double system_share(const struct run_result *result)
{
	uint64_t user = result->server_after.user - result->server_before.user;
	uint64_t system = result->server_after.system - result->server_before.system;

	return user + system ? (double)system / (double)(user + system) : 0;
}

static void histogram_text(const char *name, const struct histogram *histogram, FILE *out)
{
	if (!histogram->count)
		return;
	fprintf(out, "%-12s", name);
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		fprintf(out, "  %s %.1f", percent_names[i], (double)histogram_percentile(histogram, percents[i]) / 1e3);
	fprintf(out, "  max %.1f  mean %.1f us\n", (double)histogram->most / 1e3, histogram_mean(histogram) / 1e3);
}

void report_text(const char *mode, const struct run_options *options, const struct run_result *result, FILE *out)
{
	fprintf(out, "%-12s%llu replies in %.2f s: %.0f/s, %u connections x %u\n", mode,
	        (unsigned long long)result->replies, seconds_of(result), rate_of(result), options->connections,
	        options->in_flight);
	histogram_text("latency", &result->latency, out);
	histogram_text("cold", &result->cold_latency, out);
	histogram_text("refused", &result->refused_latency, out);
	fprintf(out, "cpu         own %.2f us a request", per_reply_us(result->own_cpu_ns, result));
	if (result->has_server)
		fprintf(out, ", server %.2f us (%.0f %% in the kernel), %.0f %% of a core; rss %.1f MiB, at first %.1f",
		        per_reply_us(server_ns(result), result), 100 * system_share(result),
		        100 * (double)server_ns(result) / (double)result->elapsed_ns,
		        (double)result->server_after.rss_octets / 1048576, (double)result->server_before.rss_octets / 1048576);
	fprintf(out, "\nchecked     %llu, %llu mismatches (%llu errors), %llu unanswered, %llu connections lost\n",
	        (unsigned long long)result->checked, (unsigned long long)result->mismatches,
	        (unsigned long long)result->errors, (unsigned long long)result->unanswered,
	        (unsigned long long)result->connections_lost);
	if (options->allow_temporary)
		fprintf(out, "temporary   %llu refused, %llu deferred\n", (unsigned long long)result->refused,
		        (unsigned long long)result->deferred);
}

static void histogram_json(const char *name, const struct histogram *histogram, FILE *out)
{
	fprintf(out, ",\"%s\":{\"count\":%llu", name, (unsigned long long)histogram->count);
	for (size_t i = 0; histogram->count && i < sizeof(percents) / sizeof(*percents); i++)
		fprintf(out, ",\"%s\":%llu", percent_names[i],
		        (unsigned long long)histogram_percentile(histogram, percents[i]));
	if (histogram->count)
		fprintf(out, ",\"min\":%llu,\"max\":%llu,\"mean\":%.0f", (unsigned long long)histogram->least,
		        (unsigned long long)histogram->most, histogram_mean(histogram));
	fputc('}', out);
}

/* The histogram itself: [upper end of the bucket in ns, count], buckets that are not empty. */
static void buckets_json(const struct histogram *histogram, FILE *out)
{
	const char *between = "";

	fprintf(out, ",\"histogram\":[");
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!histogram->buckets[i])
			continue;
		fprintf(out, "%s[%llu,%llu]", between, (unsigned long long)histogram_bucket_end(i),
		        (unsigned long long)histogram->buckets[i]);
		between = ",";
	}
	fputc(']', out);
}

void report_json(const char *mode, const struct run_options *options, const struct run_result *result, FILE *out)
{
	fprintf(out, "{\"mode\":\"%s\",\"connections\":%u,\"in_flight\":%u,\"rate\":%g,\"seconds\":%.3f", mode,
	        options->connections, options->in_flight, options->rate, seconds_of(result));
	fprintf(out, ",\"replies\":%llu,\"replies_per_second\":%.1f,\"octets_sent\":%llu,\"octets_received\":%llu",
	        (unsigned long long)result->replies, rate_of(result), (unsigned long long)result->octets_sent,
	        (unsigned long long)result->octets_received);
	fprintf(out, ",\"checked\":%llu,\"mismatches\":%llu,\"errors\":%llu,\"unanswered\":%llu,\"connections_lost\":%llu",
	        (unsigned long long)result->checked, (unsigned long long)result->mismatches,
	        (unsigned long long)result->errors, (unsigned long long)result->unanswered,
	        (unsigned long long)result->connections_lost);
	fprintf(out, ",\"refused\":%llu,\"deferred\":%llu", (unsigned long long)result->refused,
	        (unsigned long long)result->deferred);
	fprintf(out, ",\"own_cpu_us\":%.3f", per_reply_us(result->own_cpu_ns, result));
	if (result->has_server)
		fprintf(out, ",\"server_cpu_us\":%.3f,\"server_system_share\":%.3f,\"server_core_share\":%.3f,"
		             "\"server_rss\":%llu,\"server_rss_before\":%llu",
		        per_reply_us(server_ns(result), result), system_share(result),
		        (double)server_ns(result) / (double)result->elapsed_ns,
		        (unsigned long long)result->server_after.rss_octets,
		        (unsigned long long)result->server_before.rss_octets);
	histogram_json("latency_ns", &result->latency, out);
	histogram_json("cold_latency_ns", &result->cold_latency, out);
	histogram_json("refused_latency_ns", &result->refused_latency, out);
	buckets_json(&result->latency, out);
	fputs("}\n", out);
}
