#include "proto/dmarc/walk.h"

#include "proto/mail/domain.h"

#include <string.h>

#define PREFIX "_dmarc."

/* The target behind `name`: 4.10 step 4, "If x < 8, remove the left-most label ... until 7 labels remain". */
static struct slice target_next(struct slice name)
{
	return domain_label_count(name) > DMARC_WALK_QUERIES_MAX ? domain_suffix(name, DMARC_WALK_QUERIES_MAX - 1)
								 : domain_parent(name);
}

/* 4.10 steps 2 and 6: other records do not count; of several policy records none counts. */
struct selection {
	unsigned policies, usable;
	struct dmarc_record record; /* the last usable one */
};

static void selection_fill(const struct dns_answer *answer, struct selection *selection)
{
	for (size_t i = 0; i < answer->count; i++) {
		int result = dmarc_record_parse(answer->records[i].data, &selection->record);

		selection->policies += result != DMARC_RECORD_OTHER;
		selection->usable += result == DMARC_RECORD_OK;
	}
}

static int selection_read(const struct dns_answer *answer, struct arena *arena, void *object)
{
	(void)arena;
	selection_fill(answer, object);
	return 0;
}

static const struct dns_form selection_form = { sizeof(struct selection), selection_read };

struct slice dmarc_records_name(struct slice name, uint8_t octets[DOMAIN_OCTETS_MAX])
{
	const size_t prefix = sizeof(PREFIX) - 1;

	if (prefix + name.len > DOMAIN_OCTETS_MAX)
		return SLICE_EMPTY;
	memcpy(octets, PREFIX, prefix);
	memcpy(octets + prefix, name.ptr, name.len);
	return slice_of(octets, prefix + name.len);
}

/* A name too long to be asked for cannot exist. */
const struct dns_answer *dmarc_ask_records(struct slice name, const struct ask *ask)
{
	static const struct dns_answer impossible = { .outcome = DNS_NXDOMAIN };
	uint8_t octets[DOMAIN_OCTETS_MAX];
	struct slice question = dmarc_records_name(name, octets);

	return question.len ? ask_dns(ask, question, DNS_TXT, &selection_form) : &impossible;
}

static void step_read(struct dmarc_step *step, const struct dns_answer *answer)
{
	struct selection own = { 0 };
	const struct selection *selection = &own;

	step->outcome = answer->outcome;
	if (dns_is_temporary_error(answer))
		step->state = DMARC_STEP_ERROR;
	if (answer->outcome != DNS_FOUND)
		return;
	if (answer->form == &selection_form)
		selection = answer->object;
	else
		selection_fill(answer, &own);
	if (selection->policies == 1 && selection->usable == 1) {
		step->state = DMARC_STEP_RECORD;
		step->record = selection->record;
	} else {
		step->discarded = selection->policies;
	}
}

/* 4.10.2, "select the Organizational Domain"; steps go from the longest name to the shortest. */
static struct slice organizational_domain(const struct dmarc_walk *walk)
{
	struct slice start = walk->steps[0].name, shortest = start;

	for (size_t i = 0; i < walk->steps_count; i++) {
		const struct dmarc_step *step = &walk->steps[i];

		if (step->state != DMARC_STEP_RECORD)
			continue;
		if (step->record.psd == DMARC_PSD_NO)
			return step->name;
		if (step->record.psd == DMARC_PSD_YES && i > 0)
			return domain_suffix(start, domain_label_count(step->name) + 1);
		shortest = step->name;
	}
	return shortest;
}

/* 4.10.1: at the author domain, else at its organizational domain, else at its public suffix domain. */
static const struct dmarc_step *policy_step(const struct dmarc_walk *walk)
{
	const struct dmarc_step *last = &walk->steps[walk->steps_count - 1];

	if (walk->steps[0].state == DMARC_STEP_RECORD)
		return &walk->steps[0];
	for (size_t i = 1; i < walk->steps_count; i++)
		if (walk->steps[i].state == DMARC_STEP_RECORD &&
		    domain_equal(walk->steps[i].name, walk->organizational_domain))
			return &walk->steps[i];
	return last->state == DMARC_STEP_RECORD && last->record.psd == DMARC_PSD_YES ? last : NULL;
}

static void walk_settle(struct dmarc_walk *walk)
{
	walk->organizational_domain_known = walk->errors == 0;
	if (walk->organizational_domain_known)
		walk->organizational_domain = organizational_domain(walk);
	/* What stands at the author domain applies, whatever stands above it. */
	walk->policy_known = walk->errors == 0 || walk->steps[0].state == DMARC_STEP_RECORD;
	if (walk->policy_known)
		walk->policy = policy_step(walk);
}

int dmarc_walk(struct slice name, const struct ask *ask, struct dmarc_walk *out)
{
	bool blocked = false;

	*out = (struct dmarc_walk){ 0 };
	for (; name.len; name = target_next(name)) {
		const struct dns_answer *answer = dmarc_ask_records(name, ask);
		struct dmarc_step *step = &out->steps[out->steps_count++];

		step->name = name;
		/* Behind a pending answer the rest is asked as well, but what it says must wait. */
		blocked = blocked || !answer;
		if (blocked)
			continue;
		step_read(step, answer);
		out->errors += step->state == DMARC_STEP_ERROR;
		if (step->state == DMARC_STEP_RECORD && step->record.psd != DMARC_PSD_UNKNOWN)
			break;
	}
	if (blocked)
		return ASK_BLOCKED;
	walk_settle(out);
	return 0;
}

struct slice dmarc_walk_highest_candidate(const struct dmarc_walk *walk)
{
	struct slice start = walk->steps[0].name, highest = start;

	for (size_t i = 1; i < walk->steps_count; i++) {
		const struct dmarc_step *step = &walk->steps[i];

		if (step->state == DMARC_STEP_RECORD && step->record.psd == DMARC_PSD_YES)
			return domain_suffix(start, domain_label_count(step->name) + 1);
		if (step->state != DMARC_STEP_NONE)
			highest = step->name;
	}
	return highest;
}
