/* Goal: assay.h alone is a C++ translation unit. Method: it is compiled. */
#include "client/assay.h"

int main()
{
	assay_failure failure = {};

	return failure.error;
}
