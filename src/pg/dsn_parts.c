// SPDX-License-Identifier: PostgreSQL
/*
 * Connection strings taken apart into what may be shown and what must be sealed.
 */
#include "pg/connection_internal.h"

#include "base/text.h"

/* keyword='value', with \' and \\ */
static void
append_option(Text *text, const char *keyword, const char *value)
{
    text_append_format(text, "%s%s='", text->length == 0 ? "" : " ", keyword);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            text_append_char(text, '\\');
        text_append_char(text, *at);
    }
    text_append_char(text, '\'');
}

bool
pg_dsn_split(Arena *arena, const char *dsn, PgDsnParts *ret_parts, Error *error)
{
    PQconninfoOption *options = pg_dsn_parse(dsn, error);
    if (options == NULL)
        return false;
    Text conninfo = text_new(arena);
    Text secrets = text_new(arena);
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
        if (option->val != NULL && option->val[0] != '\0')
            append_option(pg_option_is_secret(option->keyword) ? &secrets : &conninfo, option->keyword,
                          option->val);
    PQconninfoFree(options);
    *ret_parts = (PgDsnParts){.conninfo = conninfo.data, .secrets = secrets.data};
    return true;
}

char *
pg_dsn_password_option(Arena *arena, const char *password)
{
    Text text = text_new(arena);
    append_option(&text, "password", password);
    return text.data;
}
