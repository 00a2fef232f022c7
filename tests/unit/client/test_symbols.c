/*
 * Goal:   the static library takes no names of a program's but those of assay.h.
 * Method: this program has functions with names that the library has inside; with one in common it does not link.
 */
#include "unit.h"

#include "client/assay.h"

int link_open(void);
int mail_parse(void);
int heap_new(void);
int arena_init(void);
int assay__v1__request__init(void);

int link_open(void)
{
	return 1;
}

int mail_parse(void)
{
	return 2;
}

int heap_new(void)
{
	return 3;
}

int arena_init(void)
{
	return 4;
}

int assay__v1__request__init(void)
{
	return 5;
}

static void both_are_there(void **state)
{
	struct assay_failure failure;
	struct assay_client *client;

	(void)state;
	assert_int_equal(link_open() + mail_parse() + heap_new() + arena_init() + assay__v1__request__init(), 15);
	assert_int_equal(assay_open("ipc:///nowhere/at/all", NULL, &client, &failure), ASSAY_OK);
	assay_close(client);
}

UNIT_MAIN(cmocka_unit_test(both_are_there))
