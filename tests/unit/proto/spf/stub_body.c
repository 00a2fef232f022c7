/*
 * What tests/support/world.c needs of src/proto/dkim, for a tree without it. SPF asks for no body digests.
 */
#include "proto/dkim/body.h"

void dkim_body_init(struct dkim_body *body, enum canonicalization canon)
{
	*body = (struct dkim_body){ .canon = canon };
}

void dkim_body_feed(struct dkim_body *body, struct slice chunk)
{
	(void)body;
	(void)chunk;
}

void dkim_body_finish(struct dkim_body *body)
{
	(void)body;
}

bool dkim_body_next(struct dkim_body *body, struct slice *out)
{
	(void)body;
	(void)out;
	return false;
}
