/* Goal: assay.h alone is a C89 translation unit without a warning. Method: it is compiled. */
#include "client/assay.h"

int main(void)
{
	struct assay_failure failure;

	failure.error = ASSAY_OK;
	return (int)failure.error;
}
