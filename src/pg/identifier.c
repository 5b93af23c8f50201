// SPDX-License-Identifier: PostgreSQL
#include "pg/identifier.h"

#include "base/list.h"

#include <stdlib.h>
#include <string.h>

/* Keywords that must be quoted as a name (all but the unreserved ones), PostgreSQL 13 to 18, sorted. */
static const char *const keywords[] = {"all",
                                       "analyse",
                                       "analyze",
                                       "and",
                                       "any",
                                       "array",
                                       "as",
                                       "asc",
                                       "asymmetric",
                                       "authorization",
                                       "between",
                                       "bigint",
                                       "binary",
                                       "bit",
                                       "boolean",
                                       "both",
                                       "case",
                                       "cast",
                                       "char",
                                       "character",
                                       "check",
                                       "coalesce",
                                       "collate",
                                       "collation",
                                       "column",
                                       "concurrently",
                                       "constraint",
                                       "create",
                                       "cross",
                                       "current_catalog",
                                       "current_date",
                                       "current_role",
                                       "current_schema",
                                       "current_time",
                                       "current_timestamp",
                                       "current_user",
                                       "dec",
                                       "decimal",
                                       "default",
                                       "deferrable",
                                       "desc",
                                       "distinct",
                                       "do",
                                       "else",
                                       "end",
                                       "except",
                                       "exists",
                                       "extract",
                                       "false",
                                       "fetch",
                                       "float",
                                       "for",
                                       "foreign",
                                       "freeze",
                                       "from",
                                       "full",
                                       "grant",
                                       "greatest",
                                       "group",
                                       "grouping",
                                       "having",
                                       "ilike",
                                       "in",
                                       "initially",
                                       "inner",
                                       "inout",
                                       "int",
                                       "integer",
                                       "intersect",
                                       "interval",
                                       "into",
                                       "is",
                                       "isnull",
                                       "join",
                                       "json",
                                       "json_array",
                                       "json_arrayagg",
                                       "json_exists",
                                       "json_object",
                                       "json_objectagg",
                                       "json_query",
                                       "json_scalar",
                                       "json_serialize",
                                       "json_table",
                                       "json_value",
                                       "lateral",
                                       "leading",
                                       "least",
                                       "left",
                                       "like",
                                       "limit",
                                       "localtime",
                                       "localtimestamp",
                                       "merge_action",
                                       "national",
                                       "natural",
                                       "nchar",
                                       "none",
                                       "normalize",
                                       "not",
                                       "notnull",
                                       "null",
                                       "nullif",
                                       "numeric",
                                       "offset",
                                       "on",
                                       "only",
                                       "or",
                                       "order",
                                       "out",
                                       "outer",
                                       "overlaps",
                                       "overlay",
                                       "placing",
                                       "position",
                                       "precision",
                                       "primary",
                                       "real",
                                       "references",
                                       "returning",
                                       "right",
                                       "row",
                                       "select",
                                       "session_user",
                                       "setof",
                                       "similar",
                                       "smallint",
                                       "some",
                                       "substring",
                                       "symmetric",
                                       "system_user",
                                       "table",
                                       "tablesample",
                                       "then",
                                       "time",
                                       "timestamp",
                                       "to",
                                       "trailing",
                                       "treat",
                                       "trim",
                                       "true",
                                       "union",
                                       "unique",
                                       "user",
                                       "using",
                                       "values",
                                       "varchar",
                                       "variadic",
                                       "verbose",
                                       "when",
                                       "where",
                                       "window",
                                       "with",
                                       "xmlattributes",
                                       "xmlconcat",
                                       "xmlelement",
                                       "xmlexists",
                                       "xmlforest",
                                       "xmlnamespaces",
                                       "xmlparse",
                                       "xmlpi",
                                       "xmlroot",
                                       "xmlserialize",
                                       "xmltable"};

static int
keyword_compare(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool
name_is_plain(const char *name)
{
    if (!((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_'))
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_'))
            return false;
    return bsearch(name, keywords, FETTLE_COUNT_OF(keywords), sizeof(*keywords), keyword_compare) == NULL;
}

static void
append_doubled(Text *text, const char *value, char quote)
{
    text_append_char(text, quote);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == quote || (quote == '\'' && *at == '\\'))
            text_append_char(text, *at);
        text_append_char(text, *at);
    }
    text_append_char(text, quote);
}

char *
pg_identifier_quote(Arena *arena, const char *name)
{
    if (name_is_plain(name))
        return arena_strdup(arena, name);
    Text text = text_new(arena);
    append_doubled(&text, name, '"');
    return text.data;
}

char *
pg_identifier_qualify(Arena *arena, const char *schema, const char *name)
{
    if (schema == NULL)
        return pg_identifier_quote(arena, name);
    return arena_printf(arena, "%s.%s", pg_identifier_quote(arena, schema), pg_identifier_quote(arena, name));
}

char *
pg_literal_quote(Arena *arena, const char *value)
{
    Text text = text_new(arena);
    if (strchr(value, '\\') != NULL)
        text_append_char(&text, 'E');
    append_doubled(&text, value, '\'');
    return text.data;
}

char *
pg_array_literal(Arena *arena, const char *const *values, size_t count)
{
    Text text = text_new(arena);
    text_append_char(&text, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_append_char(&text, ',');
        if (values[i] == NULL) {
            text_append(&text, "NULL");
            continue;
        }
        text_append_char(&text, '"');
        for (const char *at = values[i]; *at != '\0'; at++) {
            if (*at == '"' || *at == '\\')
                text_append_char(&text, '\\');
            text_append_char(&text, *at);
        }
        text_append_char(&text, '"');
    }
    text_append_char(&text, '}');
    return text.data;
}

VECTOR_DEFINE(ElementList, const char *);

/* One element from *at, written to *out with its terminator; *at stands on the separator or the closing brace
 * afterwards. */
static bool
array_element_parse(const char **at, char **out, const char **ret_value)
{
    char *value = *out;
    bool quoted = **at == '"';
    const char *end = *at + quoted;
    for (; *end != '\0'; end++) {
        if (quoted ? *end == '"' : (*end == ',' || *end == '}'))
            break;
        if (!quoted && (*end == '{' || *end == '"'))
            return false;
        if (*end == '\\') {
            end++;
            if (*end == '\0')
                return false;
        }
        *(*out)++ = *end;
    }
    if (*end == '\0' || (!quoted && *out == value))
        return false;
    *(*out)++ = '\0';
    *at = end + quoted;
    *ret_value = !quoted && text_equals_ignoring_case(value, "null") ? NULL : value;
    return true;
}

bool
pg_array_parse(Arena *arena, const char *text, const char ***ret_values, size_t *ret_count)
{
    ElementList list = {0};
    if (text == NULL || text[0] != '{')
        return false;
    const char *at = text + 1;
    /* an element takes its text and a terminator, at most what it and its separator took */
    char *out = arena_alloc(arena, strlen(text));
    while (*at != '}') {
        const char *value;
        if (!array_element_parse(&at, &out, &value) || (*at != ',' && *at != '}'))
            return false;
        vector_push(arena, &list, value);
        if (*at == ',' && *++at == '}')
            return false;
    }
    if (at[1] != '\0')
        return false;
    *ret_values = list.items;
    *ret_count = list.count;
    return true;
}

char *
pg_identifier_cut(Arena *arena, const char *name)
{
    return pg_identifier_cut_to(arena, name, PG_IDENTIFIER_BYTES);
}

char *
pg_identifier_cut_to(Arena *arena, const char *name, size_t bytes)
{
    size_t length = strlen(name);
    if (length > bytes) {
        length = bytes;
        while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80)
            length--;
    }
    return arena_strndup(arena, name, length);
}
