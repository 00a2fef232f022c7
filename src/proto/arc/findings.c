#include "proto/arc/findings.h"

#include "proto/arc/limits.h"
#include "proto/authres/reader.h"
#include "proto/mail/domain.h"

/* Methods under way, with room for their bounds. */
struct findings {
	struct arc_method methods[ARC_METHODS_MAX];
	struct arc_property properties[ARC_METHODS_MAX][ARC_PROPERTIES_MAX];
	size_t count;
};

static void item_take(struct findings *findings, const struct authres_item *item)
{
	struct arc_method *method = findings->count ? &findings->methods[findings->count - 1] : NULL;

	if (item->kind == AUTHRES_RESULT) {
		findings->methods[findings->count++] = (struct arc_method){ .method = item->method, .result = item->value };
	} else if (item->kind == AUTHRES_PROPERTY && method && method->properties_count < ARC_PROPERTIES_MAX) {
		findings->properties[findings->count - 1][method->properties_count++] =
			(struct arc_property){ item->ptype, item->property, item->value };
	}
}

static int properties_copy(struct arc_method *method, const struct arc_property *from, struct arena *arena)
{
	struct arc_property *properties = ARENA_NEW_ARRAY(arena, method->properties_count, struct arc_property);

	if (!properties)
		return -ENOMEM;
	for (size_t i = 0; i < method->properties_count; i++)
		properties[i] = from[i];
	method->properties = properties;
	return 0;
}

static int methods_copy(const struct findings *findings, struct arena *arena, struct arc_set *out)
{
	struct arc_method *methods = ARENA_NEW_ARRAY(arena, findings->count, struct arc_method);

	if (!methods)
		return -ENOMEM;
	for (size_t i = 0; i < findings->count; i++) {
		methods[i] = findings->methods[i];
		TRY(properties_copy(&methods[i], findings->properties[i], arena));
	}
	out->methods = methods;
	out->methods_count = findings->count;
	return 0;
}

int arc_findings_read(struct slice payload, struct arena *arena, struct arc_set *out)
{
	struct authres_reader reader;
	struct authres_item item = { .kind = AUTHRES_NONE };
	struct findings findings = { .count = 0 };
	int result = authres_read(&reader, payload, arena);

	TRY(result);
	if (result == AUTHRES_UNREADABLE)
		return 0;
	out->authserv_id = reader.authserv_id;
	while (item.kind != AUTHRES_END) {
		result = authres_next(&reader, &item);
		TRY(result);
		if (result == AUTHRES_UNREADABLE || (item.kind == AUTHRES_RESULT && findings.count == ARC_METHODS_MAX))
			break;
		item_take(&findings, &item);
	}
	return methods_copy(&findings, arena, out);
}
