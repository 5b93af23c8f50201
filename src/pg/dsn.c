// SPDX-License-Identifier: PostgreSQL
#include "pg/connection.h"

#include "base/text.h"

#include <libpq-fe.h>
#include <string.h>

bool
pg_dsn_looks_like(const char *text)
{
    if (text_starts_with(text, "postgres://") || text_starts_with(text, "postgresql://"))
        return true;
    /* "host=db dbname=shop": a name of libpq's before the first "=" */
    size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
    return name > 0 && text[name] == '=' && strchr(text, '/') != text;
}

static const char *
option_value(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val;
    return NULL;
}

char *
pg_dsn_describe(Arena *arena, const char *dsn)
{
    char *ignored = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &ignored);
    PQfreemem(ignored);
    if (options == NULL)
        return arena_strdup(arena, "(unreadable connection string)");
    const char *user = option_value(options, "user");
    const char *host = option_value(options, "host");
    const char *port = option_value(options, "port");
    const char *database = option_value(options, "dbname");
    const char *service = option_value(options, "service");
    Text text = text_new(arena);
    if (service != NULL)
        text_append_format(&text, "service %s ", service);
    if (user != NULL)
        text_append_format(&text, "%s@", user);
    text_append(&text, host != NULL ? host : "local");
    if (port != NULL)
        text_append_format(&text, ":%s", port);
    if (database != NULL)
        text_append_format(&text, "/%s", database);
    PQconninfoFree(options);
    return text.data;
}
