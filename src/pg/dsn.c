// SPDX-License-Identifier: PostgreSQL
/*
 * Connection strings: told from file names, described without secrets, refused when they are misread.
 */
#include "pg/connection_internal.h"

#include "base/text.h"

#include <string.h>

bool
pg_dsn_looks_like(const char *text)
{
    text += strspn(text, " \t\n");
    if (text_starts_with(text, "postgres://") || text_starts_with(text, "postgresql://"))
        return true;
    /* "host=db dbname=shop": a name like libpq's before the first "=" */
    size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
    return name > 0 && text[name + strspn(text + name, " \t\n")] == '=';
}

/* What libpq says, in words that repeat nothing of the string. */
static const struct {
    const char *sign;
    const char *reason;
} parse_reasons[] = {
    {"missing \"=\" after", "a word has no \"=\" after it"},
    {"invalid connection option", "an option has a name that is not known"},
    {"unterminated quoted string", "a quote is not closed"},
    {"invalid percent-encoded token", "a % is not followed by two hexadecimal digits"},
    {"forbidden value %00", "%00 is not allowed"},
    {"missing key/value separator", "a parameter after the ? has no \"=\""},
    {"extra key/value separator", "a parameter after the ? has two \"=\""},
    {"invalid URI query parameter", "a parameter after the ? has a name that is not known"},
    {"end of string reached when looking for matching \"]\"", "a [ is not closed"},
    {"IPv6 host address may not be empty", "the address between [ and ] is empty"},
    {"unexpected character", "after the address in [ ] comes neither : nor /"},
};

static bool
dsn_refuse(Error *error, const char *reason)
{
    error_set(error, ERROR_USAGE, "the connection string cannot be read%s%s", reason == NULL ? "" : ": ",
              reason == NULL ? "" : reason);
    return error_set_hint(
        error, "write postgres://user@host:port/database or \"host=... dbname=...\"; in a URI the characters "
               "@ : / ? # %% of a password are written %%40 %%3A %%2F %%3F %%23 %%25");
}

static bool
dsn_refuse_as_libpq(Error *error, const char *message)
{
    for (size_t i = 0; message != NULL && i < FETTLE_COUNT_OF(parse_reasons); i++)
        if (strstr(message, parse_reasons[i].sign) != NULL)
            return dsn_refuse(error, parse_reasons[i].reason);
    return dsn_refuse(error, NULL);
}

/*
 * A password with a bare @ or / in it is read as part of host, port or database, and would be shown as such:
 * "postgres://me:p@ss@host", "postgres://me:12/ss@host". So no @ may follow where the host begins.
 */
static bool
uri_has_stray_at(const char *dsn)
{
    const char *scheme = strstr(dsn, "://");
    if (scheme == NULL || !pg_dsn_looks_like(dsn) || memchr(dsn, '=', (size_t)(scheme - dsn)) != NULL)
        return false;
    const char *host = scheme + strlen("://");
    size_t user_length = strcspn(host, "@/");
    if (host[user_length] == '@')
        host += user_length + 1;
    return host[strcspn(host, "@?")] == '@';
}

static bool
ports_are_numbers(const PQconninfoOption *options)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, "port") == 0 && options->val != NULL &&
            options->val[strspn(options->val, "0123456789, ")] != '\0')
            return false;
    return true;
}

PQconninfoOption *
pg_dsn_parse(const char *dsn, Error *error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &message);
    if (options == NULL)
        (void)dsn_refuse_as_libpq(error, message);
    PQfreemem(message);
    if (options == NULL)
        return NULL;
    /* "postgres://me:secret" without a host: the password stands where a port is read */
    const char *reason = uri_has_stray_at(dsn)         ? "a @ or / stands where none is expected"
                         : !ports_are_numbers(options) ? "the port is not a number"
                                                       : NULL;
    if (reason == NULL)
        return options;
    PQconninfoFree(options);
    (void)dsn_refuse(error, reason);
    return NULL;
}

bool
pg_dsn_check(const char *dsn, Error *error)
{
    PQconninfoOption *options = pg_dsn_parse(dsn, error);
    PQconninfoFree(options);
    return options != NULL;
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
    Error ignored = {0};
    PQconninfoOption *options = pg_dsn_parse(dsn, &ignored);
    if (options == NULL)
        return arena_strdup(arena, "(unreadable connection string)");
    const char *user = option_value(options, "user");
    const char *host = option_value(options, "host");
    if (host == NULL)
        host = option_value(options, "hostaddr");
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
    /* libpq takes a whole connection string there, with its password */
    if (database != NULL)
        text_append_format(&text, "/%s", pg_dsn_looks_like(database) ? "***" : database);
    PQconninfoFree(options);
    return text.data;
}
