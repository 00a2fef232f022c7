#include "engine/reply_parts.h"

static void count_sealed(struct shard *shard, const struct arc_sealed *sealed)
{
	counter_up(shard->counters, sealed->result == ARC_SEALED ? COUNTER_SEALED : COUNTER_NOT_SEALED);
	counter_reason_up(shard->counters, sealed->reason.id);
}

static int fields_make(const struct arc_sealed *sealed, struct arena *arena, Assay__V1__SealResult *out)
{
	Assay__V1__SealResult__Field *fields = ARENA_NEW_ARRAY(arena, ARC_ADDED, Assay__V1__SealResult__Field);

	out->fields = ARENA_NEW_ARRAY(arena, ARC_ADDED, Assay__V1__SealResult__Field *);
	if (!fields || !out->fields)
		return -ENOMEM;
	for (size_t i = 0; i < ARC_ADDED; i++) {
		assay__v1__seal_result__field__init(&fields[i]);
		fields[i].name = text_of(sealed->fields[i].name);
		fields[i].value = bytes_of(sealed->fields[i].value);
		out->fields[i] = &fields[i];
	}
	out->n_fields = ARC_ADDED;
	return 0;
}

int reply_sealed(const struct reply_to *to, const struct arc_sealed *sealed, struct arena *arena)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__SealResult made;

	assay__v1__seal_result__init(&made);
	if (sealed->result == ARC_SEAL_FAULT) {
		reply_error(to, ASSAY__V1__ERROR__CODE__INTERNAL, "the message could not be signed");
		return 0;
	}
	TRY(reply_reason(&sealed->reason, arena, &made.reason));
	if (sealed->result == ARC_SEALED) {
		TRY(fields_make(sealed, arena, &made));
		made.sealed = true;
		made.instance = sealed->instance;
		made.cv = (Assay__V1__Arc__Result)(sealed->cv + 1);
	}
	response.result_case = ASSAY__V1__RESPONSE__RESULT_SEAL;
	response.seal = &made;
	count_sealed(to->shard, sealed);
	reply_send(to, &response);
	return 0;
}
