#include "proto/verdict/seal.h"

int verdict_seal(const struct verdict_input *input, const struct arc_sealer *sealer, struct slice findings,
		 const struct verdict_config *config, const struct ask *ask, struct arena *arena, struct arc_sealed *out)
{
	struct mail_message message;
	const struct arc_seal_input seal = {
		.message = &message,
		.now = input->received_at,
		.authserv_id = input->authserv_id.len ? input->authserv_id : config->authserv_id,
		.findings = findings,
	};
	int parsed = mail_parse(input->message, &config->bounds, arena, &message);

	TRY(parsed);
	if (parsed == MAIL_OK)
		return arc_seal(&seal, sealer, &config->arc, &config->dkim, ask, arena, out);
	/* There may be more of a chain in what was not read. */
	*out = (struct arc_sealed){ .result = ARC_NOT_SEALED, .reason = reason_of(REASON_ARC_SEAL_UNREAD) };
	return 0;
}
