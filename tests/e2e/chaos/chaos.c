/*
 * chaos.c - asks servers that come and go, and judges every answer.
 *
 *   chaos URLS DEADLINE_MS
 *
 * It asks until its standard input ends. A line "answered" says that every server is connected and was asked, another one,
 * "hedged", that a call went to a second server for the first time: who does things to the servers can wait for them. Half of the calls wait in threads of their own, half are callbacks of an event loop on assay_descriptor(). Each message is
 * made up, of 300 octets to 200 KB, from pass.example or fail.example, whose SPF says so, and each asks for an authserv_id of
 * its own: so a verdict that belongs to another call shows. The last line, of JSON, tells
 * what came of it.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/assay.h"

#define THREADS       6
#define AT_ONCE       24
#define THINK_US      2000
#define BODY_MAX      200000
#define ERRORS        20
#define DIGEST_FROM   20000

struct tally {
	atomic_ulong calls, verdicts, wrong, late, errors[ERRORS];
	atomic_ulong longest_ms;
};

static struct tally tally;
static struct assay_client *client;
static uint32_t deadline_ms;
static atomic_bool is_over; /* no more calls are begun */
static char body[BODY_MAX];

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct question {
	struct assay_mail *mail;
	unsigned seed;
	unsigned long number;
	bool passes, is_free;
	char id[32];
	uint64_t began_ms;
};

static void longest_note(uint64_t ms)
{
	unsigned long longest = atomic_load(&tally.longest_ms);

	while (ms > longest && !atomic_compare_exchange_weak(&tally.longest_ms, &longest, (unsigned long)ms))
		;
}

static bool is_right(const struct question *question, const struct assay_verdict *verdict)
{
	size_t len = strlen(question->id);

	return verdict && verdict->spf && strncmp(verdict->authentication_results.octets, question->id, len) == 0 &&
	       verdict->authentication_results.octets[len] == ';' &&
	       verdict->spf->result == (question->passes ? ASSAY_PASS : ASSAY_FAIL) && verdict->dmarc &&
	       strcmp(verdict->dmarc->from_domain.octets, question->passes ? "pass.example" : "fail.example") == 0;
}

/* Takes the answer. */
static void judge(const struct question *question, struct assay_answer *answer, const struct assay_failure *failure)
{
	uint64_t ms = now_ms() - question->began_ms;

	atomic_fetch_add(&tally.calls, 1);
	longest_note(ms);
	if (ms > deadline_ms)
		atomic_fetch_add(&tally.late, 1);
	if (!answer) {
		atomic_fetch_add(&tally.errors[(unsigned)failure->error % ERRORS], 1);
		return;
	}
	if (is_right(question, assay_answer_verdict(answer)))
		atomic_fetch_add(&tally.verdicts, 1);
	else
		atomic_fetch_add(&tally.wrong, 1);
	assay_answer_free(answer);
}

static void must(enum assay_error error, const struct assay_failure *failure)
{
	if (error == ASSAY_OK)
		return;
	fprintf(stderr, "chaos: %s\n", failure->text);
	exit(3);
}

static void question_begin(struct question *question)
{
	static atomic_ulong numbers;
	struct assay_call call = { .size = sizeof call, .deadline_ms = deadline_ms };
	struct assay_envelope envelope = { .size = sizeof envelope, .client_ip = "192.0.2.1", .helo = "h.example" };
	struct assay_failure failure;
	char header[200];
	size_t left;

	question->number = atomic_fetch_add(&numbers, 1);
	question->passes = question->number % 2;
	snprintf(question->id, sizeof question->id, "mx%lu.example", question->number);
	call.id = question->id;
	envelope.mail_from = question->passes ? "a@pass.example" : "a@fail.example";
	envelope.authserv_id = question->id;
	must(assay_mail_begin(client, &call, &envelope, &question->mail, &failure), &failure);
	snprintf(header, sizeof header, "From: %s\r\nMessage-ID: <%s>\r\n\r\n", envelope.mail_from, question->id);
	must(assay_mail_add(question->mail, header, strlen(header), &failure), &failure);
	left = rand_r(&question->seed) % 4 ? 300 : (size_t)rand_r(&question->seed) % BODY_MAX;
	while (left > 0) {
		size_t part = left < 8000 ? left : 8000;

		must(assay_mail_add(question->mail, body, part, &failure), &failure);
		left -= part;
	}
	question->began_ms = now_ms();
}

static void *wait_often(void *argument)
{
	struct question question = { .seed = (unsigned)(uintptr_t)argument };

	while (!atomic_load(&is_over)) {
		struct assay_answer *answer;
		struct assay_failure failure;

		question_begin(&question);
		(void)assay_mail_check(question.mail, &answer, &failure);
		judge(&question, answer, &failure);
		assay_mail_end(question.mail);
		usleep(THINK_US);
	}
	return NULL;
}

static void on_done(void *arg, struct assay_answer *answer, const struct assay_failure *failure)
{
	struct question *question = arg;

	judge(question, answer, failure);
	assay_mail_end(question->mail);
	question->is_free = true;
}

/* Says once, at the first time, that every server was asked, and that a call was at two of them. */
static void progress_tell(void)
{
	static bool answered, hedged;
	struct assay_server server = { .size = sizeof server };
	bool all_asked = true;
	uint64_t hedges = 0;

	for (unsigned i = 0; !hedged && assay_get_server(client, i, &server) == ASSAY_OK; i++) {
		all_asked = all_asked && server.connected && server.requests > server.in_flight + server.unanswered;
		hedges += server.hedges;
	}
	if (!answered && all_asked) {
		answered = true;
		puts("answered");
	}
	if (!hedged && hedges > 0) {
		hedged = true;
		puts("hedged");
	}
}

static void loop(void)
{
	struct question questions[AT_ONCE];
	struct assay_failure failure;
	unsigned busy = AT_ONCE;

	for (unsigned i = 0; i < AT_ONCE; i++)
		questions[i] = (struct question){ .seed = i + 1000, .is_free = true };
	while (busy > 0) {
		struct pollfd readable[] = { { .fd = assay_descriptor(client), .events = POLLIN },
					     { .fd = STDIN_FILENO, .events = POLLIN } };
		unsigned begun = 0;

		busy = 0;
		for (unsigned i = 0; i < AT_ONCE; i++) {
			if (questions[i].is_free && begun < 2 && !atomic_load(&is_over)) {
				questions[i].is_free = false;
				question_begin(&questions[i]);
				must(assay_mail_start(questions[i].mail, on_done, &questions[i], &failure), &failure);
				begun++;
			}
			busy += !questions[i].is_free;
		}
		(void)poll(readable, atomic_load(&is_over) ? 1 : 2, 2);
		if (readable[1].revents)
			atomic_store(&is_over, true);
		assay_dispatch(client);
		progress_tell();
	}
}

static void report(void)
{
	printf("{\"calls\": %lu, \"verdicts\": %lu, \"wrong\": %lu, \"late\": %lu, \"longest_ms\": %lu, \"errors\": {",
	       atomic_load(&tally.calls), atomic_load(&tally.verdicts), atomic_load(&tally.wrong),
	       atomic_load(&tally.late), atomic_load(&tally.longest_ms));
	for (unsigned i = 0, count = 0; i < ERRORS; i++) {
		if (atomic_load(&tally.errors[i]))
			printf("%s\"%s\": %lu", count++ ? ", " : "", assay_error_text((enum assay_error)i),
			       atomic_load(&tally.errors[i]));
	}
	printf("}, \"servers\": [");
	for (unsigned i = 0;; i++) {
		struct assay_server server = { .size = sizeof server };

		if (assay_get_server(client, i, &server) != ASSAY_OK)
			break;
		printf("%s{\"requests\": %llu, \"hedges\": %llu, \"unanswered\": %llu, \"overloaded\": %llu}", i ? ", " : "",
		       (unsigned long long)server.requests, (unsigned long long)server.hedges,
		       (unsigned long long)server.unanswered, (unsigned long long)server.overloaded);
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	struct assay_options options = {
		.size = sizeof options,
		.connect_ms = 10000,
		.dispatch = 1,
		.digest_from_octets = DIGEST_FROM,
	};
	struct assay_failure failure;
	pthread_t threads[THREADS];

	if (argc != 3)
		return 2;
	deadline_ms = (uint32_t)atoi(argv[2]);
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
	must(assay_open(argv[1], &options, &client, &failure), &failure);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, wait_often, (void *)(uintptr_t)(i + 1)) != 0)
			return 3;
	loop();
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	report();
	assay_close(client);
	return 0;
}
