/*
 * Goal:   no octets make the field ungrammatical or add a result to it.
 * Method: the input is cut at each LF; the pieces become the authserv-id, then reason, property and address in turn; a
 *         strict reader counts what comes out.
 */
#include "../unit/proto/authres/checker.h"
#include "proto/authres/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size), field;
	struct authres_writer writer;
	struct checker checker;
	struct arena arena;
	unsigned methods = 0;

	arena_init(&arena, (size_t)64 << 20);
	authres_begin(&writer, &arena, slice_cut(&rest, '\n'));
	for (; rest.ptr && methods < 1000; methods++) {
		authres_method(&writer, "dkim", "pass");
		authres_reason(&writer, slice_sub(slice_cut(&rest, '\n'), 0, 400));
		authres_property(&writer, "header.b", slice_cut(&rest, '\n'));
		authres_property_address(&writer, "header.i", slice_cut(&rest, '\n'));
	}
	ASSERT(authres_finish(&writer, &field) == 0);
	checker = checker_run(field);
	ASSERT(!checker.breach && checker.methods == methods);
	arena_deinit(&arena);
	return 0;
}
