// SPDX-License-Identifier: PostgreSQL
#include "pg/query_text.h"

#include <stddef.h>
#include <string.h>

const char *
pg_query_text(const PgQueryText *table, const char *name, int server_major)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0 && server_major >= table->version_low &&
            server_major <= table->version_high)
            return table->text;
    return NULL;
}
