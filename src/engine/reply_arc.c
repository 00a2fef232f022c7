#include "engine/reply_parts.h"

static int property_make(const struct arc_property *property, struct arena *arena, Assay__V1__Arc__Property **out)
{
	Assay__V1__Arc__Property *made = ARENA_NEW(arena, Assay__V1__Arc__Property);
	struct slice name;
	struct text text;

	if (!made)
		return -ENOMEM;
	text_init(&text, arena);
	text_add(&text, property->ptype);
	text_octet(&text, '.');
	text_add(&text, property->property);
	TRY(text_finish(&text, &name));
	assay__v1__arc__property__init(made);
	made->name = bytes_of(name);
	made->value = bytes_of(property->value);
	*out = made;
	return 0;
}

static int method_make(const struct arc_method *method, struct arena *arena, Assay__V1__Arc__Method **out)
{
	Assay__V1__Arc__Method *made = ARENA_NEW(arena, Assay__V1__Arc__Method);
	size_t count = method->properties_count;

	if (!made)
		return -ENOMEM;
	assay__v1__arc__method__init(made);
	made->method = bytes_of(method->method);
	made->result = bytes_of(method->result);
	made->properties = ARENA_NEW_ARRAY(arena, count, Assay__V1__Arc__Property *);
	if (!made->properties)
		return -ENOMEM;
	for (; made->n_properties < count; made->n_properties++)
		TRY(property_make(&method->properties[made->n_properties], arena, &made->properties[made->n_properties]));
	*out = made;
	return 0;
}

static int arc_signature_make(const struct arc_signature *signature, struct arena *arena, Assay__V1__Dkim **out)
{
	TRY(reply_dkim(&signature->as, arena, out));
	if (!signature->looked_at) {
		(*out)->result = ASSAY__V1__DKIM__RESULT__RESULT_UNSPECIFIED;
		(*out)->reason = NULL;
	}
	return 0;
}

static int set_make(const struct arc_set *set, size_t instance, struct arena *arena, Assay__V1__Arc__Set **out)
{
	Assay__V1__Arc__Set *made = ARENA_NEW(arena, Assay__V1__Arc__Set);

	if (!made)
		return -ENOMEM;
	assay__v1__arc__set__init(made);
	made->instance = (uint32_t)instance;
	made->cv = bytes_of(set->cv);
	TRY(arc_signature_make(&set->seal, arena, &made->seal));
	TRY(arc_signature_make(&set->message_signature, arena, &made->message_signature));
	made->authserv_id = bytes_of(set->authserv_id);
	made->believable = set->believable;
	made->methods = ARENA_NEW_ARRAY(arena, set->methods_count, Assay__V1__Arc__Method *);
	if (!made->methods)
		return -ENOMEM;
	for (; made->n_methods < set->methods_count; made->n_methods++)
		TRY(method_make(&set->methods[made->n_methods], arena, &made->methods[made->n_methods]));
	*out = made;
	return 0;
}

int reply_arc(const struct arc_result *arc, struct arena *arena, Assay__V1__Arc **out)
{
	Assay__V1__Arc *made = ARENA_NEW(arena, Assay__V1__Arc);

	if (!made)
		return -ENOMEM;
	assay__v1__arc__init(made);
	made->result = (Assay__V1__Arc__Result)(arc->result + 1);
	made->instance = arc->instance;
	made->evaluated = arc->evaluated;
	made->has_oldest_pass = arc->has_oldest_pass;
	made->oldest_pass = arc->oldest_pass;
	made->sets = ARENA_NEW_ARRAY(arena, arc->sets_count, Assay__V1__Arc__Set *);
	if (!made->sets)
		return -ENOMEM;
	for (; made->n_sets < arc->sets_count; made->n_sets++)
		TRY(set_make(&arc->sets[made->n_sets], made->n_sets + 1, arena, &made->sets[made->n_sets]));
	*out = made;
	return reply_reason(&arc->reason, arena, &made->reason);
}
