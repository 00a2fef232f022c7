#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "assay: assertion failed: %s (%s:%d)\n", condition, file, line);
	abort();
}
