// SPDX-License-Identifier: PostgreSQL
#include "base/attributes.h"

#include <stdio.h>
#include <stdlib.h>

void
fettle_assert_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "fettle: internal error: %s does not hold in %s (%s:%d)\n", condition, function, file,
            line);
    abort();
}
