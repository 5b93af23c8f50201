// SPDX-License-Identifier: PostgreSQL
#include "pg/connection_internal.h"

#include "base/text.h"

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

bool
pg_dsn_check(const char *dsn, Error *error)
{
    char *reason = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &reason);
    if (options != NULL) {
        PQconninfoFree(options);
        return true;
    }
    /* libpq quotes the part it means; what stands before the quote is safe. */
    size_t length = reason == NULL ? 0 : strcspn(reason, "\"\n");
    while (length > 0 && strchr(" :", reason[length - 1]) != NULL)
        length--;
    error_set(error, ERROR_USAGE, "the connection string cannot be read%s%.*s", length > 0 ? ": " : "",
              (int)length, reason == NULL ? "" : reason);
    PQfreemem(reason);
    return error_set_hint(
        error, "write postgres://user@host:port/database or \"host=... dbname=...\"; special characters in "
               "a URI are %%-encoded");
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
