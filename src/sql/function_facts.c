// SPDX-License-Identifier: PostgreSQL
/*
 * The lists follow pg_proc and the key word list of PostgreSQL 15; a name is listed as immutable when every
 * overload of it is. They are sorted, for bsearch().
 */
#include "sql/function_facts.h"

#include <stdlib.h>
#include <string.h>

static int
name_compare(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

#define NAME_IS_IN(name, list)                                                                               \
    (bsearch((name), (list), FETTLE_COUNT_OF(list), sizeof *(list), name_compare) != NULL)

/* One name per line would be far too long. */
// clang-format off
static const char *const functions_of_text[] = {
    "btrim", "chr", "encode", "initcap", "left", "lower", "lpad", "ltrim", "md5", "normalize", "overlay",
    "regexp_replace", "repeat", "replace", "reverse", "right", "rpad", "rtrim", "split_part", "substr",
    "substring", "to_hex", "translate", "upper"};
static const char *const functions_of_numbers[] = {
    "abs", "array_length", "ascii", "bit_length", "cardinality", "cbrt", "ceil", "ceiling", "char_length",
    "character_length", "degrees", "div", "exp", "factorial", "floor", "gcd", "json_array_length",
    "jsonb_array_length", "lcm", "ln", "log", "mod", "octet_length", "position", "pow", "power", "radians",
    "round", "scale", "sign", "sqrt", "strpos", "trunc", "width_bucket"};
static const char *const functions_immutable[] = {
    "array_append", "array_cat", "array_position", "array_remove", "array_to_tsvector", "date_bin",
    "decode", "host", "hostmask", "isfinite", "json_extract_path", "json_extract_path_text", "json_typeof",
    "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_path_exists", "jsonb_path_query_array",
    "jsonb_path_query_first", "jsonb_typeof", "make_date", "make_time", "make_timestamp", "masklen",
    "num_nonnulls", "num_nulls", "point", "regexp_split_to_array", "setweight", "sha224", "sha256",
    "starts_with", "string_to_array", "strip"};
static const char *const functions_volatile[] = {
    "clock_timestamp", "currval", "gen_random_uuid", "lastval", "lo_create", "lo_export", "lo_import",
    "lo_unlink", "nextval", "pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_unlock",
    "pg_advisory_unlock_all", "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_cancel_backend",
    "pg_notify", "pg_reload_conf", "pg_sleep", "pg_sleep_for", "pg_sleep_until", "pg_stat_reset",
    "pg_switch_wal", "pg_terminate_backend", "pg_try_advisory_lock", "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared", "query_to_xml", "random", "set_config",
    "setseed", "setval", "timeofday", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4"};
static const char *const aggregates[] = {
    "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr", "count", "covar_pop",
    "covar_samp", "every", "json_agg", "json_object_agg", "jsonb_agg", "jsonb_object_agg", "max", "min",
    "mode", "percentile_cont", "percentile_disc", "range_agg", "range_intersect_agg", "regr_avgx",
    "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy",
    "regr_syy", "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum", "var_pop", "var_samp",
    "variance", "xmlagg"};
static const char *const functions_of_sets[] = {
    "generate_series", "generate_subscripts", "json_array_elements", "json_array_elements_text",
    "json_each", "json_each_text", "json_object_keys", "json_populate_recordset", "jsonb_array_elements",
    "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text", "jsonb_object_keys", "jsonb_path_query",
    "jsonb_populate_recordset", "regexp_matches", "regexp_split_to_table", "string_to_table", "unnest"};
/* All key words but the unreserved ones, of PostgreSQL 13 to 18. */
static const char *const keywords[] = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
    "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check",
    "coalesce", "collate", "collation", "column", "concurrently", "constraint", "create", "cross",
    "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc", "distinct",
    "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float", "for", "foreign",
    "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having", "ilike", "in",
    "initially", "inner", "inout", "int", "integer", "intersect", "interval", "into", "is", "isnull",
    "join", "json", "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg",
    "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral", "leading",
    "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national", "natural",
    "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric", "offset", "on", "only",
    "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position", "precision", "primary",
    "real", "references", "returning", "right", "row", "select", "session_user", "setof", "similar",
    "smallint", "some", "substring", "symmetric", "system_user", "table", "tablesample", "then", "time",
    "timestamp", "to", "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values",
    "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat",
    "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize",
    "xmltable"};
// clang-format on

ValueType
value_type_named(const char *name)
{
    static const struct {
        const char *name;
        ValueType type;
    } types[] = {{"text", VALUE_TEXT},
                 {"character varying", VALUE_TEXT},
                 {"varchar", VALUE_TEXT},
                 {"integer", VALUE_NUMBER},
                 {"int4", VALUE_NUMBER},
                 {"bigint", VALUE_NUMBER},
                 {"int8", VALUE_NUMBER},
                 {"smallint", VALUE_NUMBER},
                 {"int2", VALUE_NUMBER},
                 {"numeric", VALUE_NUMBER},
                 {"real", VALUE_NUMBER},
                 {"float4", VALUE_NUMBER},
                 {"double precision", VALUE_NUMBER},
                 {"float8", VALUE_NUMBER},
                 {"boolean", VALUE_BOOLEAN},
                 {"bool", VALUE_BOOLEAN},
                 {"date", VALUE_DATE},
                 {"timestamp without time zone", VALUE_TIMESTAMP},
                 {"timestamp", VALUE_TIMESTAMP},
                 {"timestamp with time zone", VALUE_TIMESTAMPTZ},
                 {"timestamptz", VALUE_TIMESTAMPTZ},
                 {"time without time zone", VALUE_TIME},
                 {"time", VALUE_TIME},
                 {"interval", VALUE_INTERVAL},
                 {"json", VALUE_JSON},
                 {"jsonb", VALUE_JSONB},
                 {"uuid", VALUE_UUID},
                 {"inet", VALUE_INET},
                 {"tsvector", VALUE_TSVECTOR},
                 {"tsquery", VALUE_TSQUERY},
                 {"regconfig", VALUE_REGCONFIG}};
    size_t length = strlen(name);
    if (length > 2 && strcmp(name + length - 2, "[]") == 0)
        return VALUE_ARRAY;
    for (size_t i = 0; i < FETTLE_COUNT_OF(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return VALUE_UNKNOWN;
}

bool
cast_is_immutable(ValueType from, ValueType to)
{
    if (from == VALUE_UNKNOWN || to == VALUE_UNKNOWN)
        return false;
    if (from == to || from == VALUE_LITERAL)
        return true;
    switch (from) {
        case VALUE_TEXT:
            return to == VALUE_NUMBER || to == VALUE_BOOLEAN || to == VALUE_UUID || to == VALUE_JSON ||
                   to == VALUE_JSONB || to == VALUE_INET;
        case VALUE_NUMBER: return to == VALUE_TEXT || to == VALUE_BOOLEAN;
        case VALUE_BOOLEAN: return to == VALUE_TEXT || to == VALUE_NUMBER;
        case VALUE_JSON: return to == VALUE_TEXT || to == VALUE_JSONB;
        case VALUE_JSONB:
            return to == VALUE_TEXT || to == VALUE_JSON || to == VALUE_NUMBER || to == VALUE_BOOLEAN;
        case VALUE_UUID:
        case VALUE_INET: return to == VALUE_TEXT;
        case VALUE_DATE: return to == VALUE_TIMESTAMP;
        case VALUE_TIMESTAMP: return to == VALUE_DATE || to == VALUE_TIME;
        case VALUE_TIME: return to == VALUE_INTERVAL;
        default: return false;
    }
}

static ValueFact
arithmetic_fact(const char *name, ValueType left, ValueType right)
{
    static const struct {
        const char *names;
        ValueType left, right, result;
    } facts[] = {{"+-", VALUE_DATE, VALUE_NUMBER, VALUE_DATE},
                 {"-", VALUE_DATE, VALUE_DATE, VALUE_NUMBER},
                 {"+-", VALUE_DATE, VALUE_INTERVAL, VALUE_TIMESTAMP},
                 {"+-", VALUE_TIMESTAMP, VALUE_INTERVAL, VALUE_TIMESTAMP},
                 {"-", VALUE_TIMESTAMP, VALUE_TIMESTAMP, VALUE_INTERVAL},
                 {"-", VALUE_TIMESTAMPTZ, VALUE_TIMESTAMPTZ, VALUE_INTERVAL},
                 {"+-", VALUE_INTERVAL, VALUE_INTERVAL, VALUE_INTERVAL},
                 {"*/", VALUE_INTERVAL, VALUE_NUMBER, VALUE_INTERVAL}};
    bool is_number =
        (left == VALUE_NUMBER || left == VALUE_LITERAL) && (right == VALUE_NUMBER || right == VALUE_LITERAL);
    if (is_number)
        return (ValueFact){VALUE_NUMBER, true};
    for (size_t i = 0; i < FETTLE_COUNT_OF(facts); i++)
        if (strchr(facts[i].names, name[0]) != NULL && facts[i].left == left && facts[i].right == right)
            return (ValueFact){facts[i].result, true};
    return (ValueFact){VALUE_UNKNOWN, false};
}

static bool
is_textual(ValueType type)
{
    return type == VALUE_TEXT || type == VALUE_LITERAL;
}

static ValueFact
concatenation_fact(ValueType left, ValueType right)
{
    /* Of text and anything else it goes through an output function, which is only stable. */
    if (is_textual(left) && is_textual(right))
        return (ValueFact){VALUE_TEXT, true};
    bool is_same = left == right || left == VALUE_LITERAL || right == VALUE_LITERAL;
    ValueType type = left == VALUE_LITERAL ? right : left;
    if (is_same && (type == VALUE_JSONB || type == VALUE_ARRAY || type == VALUE_TSVECTOR))
        return (ValueFact){type, true};
    return (ValueFact){VALUE_UNKNOWN, false};
}

ValueFact
operator_fact(const char *name, bool has_left, ValueType left, ValueType right)
{
    static const char *const comparisons[] = {"=", "<", "<=", ">", ">=", "<>", "!="};
    static const char *const matches[] = {"~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*"};
    static const char *const contains[] = {"@>", "<@", "&&", "?", "?|", "?&"};
    if (strcmp(name, "->") == 0 || strcmp(name, "#>") == 0)
        return (ValueFact){left == VALUE_JSON || left == VALUE_JSONB ? left : VALUE_UNKNOWN, true};
    if (strcmp(name, "->>") == 0 || strcmp(name, "#>>") == 0)
        return (ValueFact){VALUE_TEXT, true};
    if (strcmp(name, "||") == 0)
        return concatenation_fact(left, right);
    if (!has_left)
        return (ValueFact){right == VALUE_NUMBER ? VALUE_NUMBER : VALUE_UNKNOWN, right == VALUE_NUMBER};
    if (strlen(name) == 1 && strchr("+-*/%^&|#", name[0]) != NULL)
        return arithmetic_fact(name, left, right);
    /* Of a plain text it goes through the default text search configuration. */
    if (strcmp(name, "@@") == 0)
        return (ValueFact){VALUE_BOOLEAN,
                           left == VALUE_TSVECTOR || left == VALUE_TSQUERY || left == VALUE_JSONB};
    bool is_known = left != VALUE_UNKNOWN && right != VALUE_UNKNOWN;
    bool is_same = left == right || left == VALUE_LITERAL || right == VALUE_LITERAL;
    for (size_t i = 0; i < FETTLE_COUNT_OF(comparisons); i++)
        if (strcmp(name, comparisons[i]) == 0)
            return (ValueFact){VALUE_BOOLEAN, is_known && is_same};
    for (size_t i = 0; i < FETTLE_COUNT_OF(matches); i++)
        if (strcmp(name, matches[i]) == 0)
            return (ValueFact){VALUE_BOOLEAN, is_textual(left) && is_textual(right)};
    for (size_t i = 0; i < FETTLE_COUNT_OF(contains); i++)
        if (strcmp(name, contains[i]) == 0)
            return (ValueFact){VALUE_BOOLEAN, is_known};
    return (ValueFact){VALUE_UNKNOWN, false};
}

/* Functions of which some overloads are only stable: those over a time zone or the default text search. */
static bool
overloaded_fact(const char *name, const ValueType *arguments, size_t count, ValueFact *ret_fact)
{
    ValueType last = count == 0 ? VALUE_UNKNOWN : arguments[count - 1];
    bool is_zoneless =
        last == VALUE_TIMESTAMP || last == VALUE_DATE || last == VALUE_TIME || last == VALUE_INTERVAL;
    if (strcmp(name, "date_trunc") == 0) {
        /* Of a date it is that of timestamptz. */
        bool is_immutable = count == 2 && (last == VALUE_TIMESTAMP || last == VALUE_INTERVAL);
        *ret_fact = (ValueFact){last == VALUE_DATE ? VALUE_TIMESTAMPTZ : last, is_immutable};
    } else if (strcmp(name, "extract") == 0 || strcmp(name, "date_part") == 0) {
        *ret_fact = (ValueFact){VALUE_NUMBER, count == 2 && is_zoneless};
    } else if (strcmp(name, "timezone") == 0) {
        bool is_zoned = last == VALUE_TIMESTAMPTZ;
        *ret_fact =
            (ValueFact){is_zoned ? VALUE_TIMESTAMP : VALUE_TIMESTAMPTZ,
                        count == 2 && is_textual(arguments[0]) && (is_zoned || last == VALUE_TIMESTAMP)};
    } else if (strcmp(name, "date") == 0) {
        *ret_fact = (ValueFact){VALUE_DATE, count == 1 && last == VALUE_TIMESTAMP};
    } else if (strcmp(name, "to_timestamp") == 0) {
        *ret_fact = (ValueFact){VALUE_TIMESTAMPTZ, count == 1 && last == VALUE_NUMBER};
    } else if (strcmp(name, "to_tsvector") == 0 || strstr(name, "to_tsquery") != NULL) {
        bool has_language = count == 2 && (arguments[0] == VALUE_LITERAL || arguments[0] == VALUE_REGCONFIG);
        *ret_fact = (ValueFact){strcmp(name, "to_tsvector") == 0 ? VALUE_TSVECTOR : VALUE_TSQUERY,
                                has_language && last != VALUE_UNKNOWN};
    } else if (strcmp(name, "int4range") == 0 || strcmp(name, "int8range") == 0 ||
               strcmp(name, "numrange") == 0) {
        /* Of one argument it is a cast, through an input function that is only stable. */
        *ret_fact = (ValueFact){VALUE_UNKNOWN, count >= 2};
    } else if (strcmp(name, "length") == 0) {
        *ret_fact = (ValueFact){VALUE_NUMBER, count == 1};
    } else {
        return false;
    }
    return true;
}

ValueFact
builtin_fact(const char *name, const ValueType *arguments, size_t count)
{
    ValueFact fact = {VALUE_UNKNOWN, false};
    if (overloaded_fact(name, arguments, count, &fact))
        return fact;
    if (NAME_IS_IN(name, functions_of_text)) {
        /* lower() and upper() of a range are its bounds. */
        bool is_text = count > 0 &&
                       (is_textual(arguments[0]) || strcmp(name, "chr") == 0 || strcmp(name, "to_hex") == 0);
        return (ValueFact){is_text ? VALUE_TEXT : VALUE_UNKNOWN, true};
    }
    if (NAME_IS_IN(name, functions_of_numbers))
        return (ValueFact){VALUE_NUMBER, true};
    return (ValueFact){VALUE_UNKNOWN, NAME_IS_IN(name, functions_immutable)};
}

bool
builtin_is_volatile(const char *name)
{
    return NAME_IS_IN(name, functions_volatile);
}

bool
function_is_aggregate(const char *name)
{
    return NAME_IS_IN(name, aggregates);
}

bool
function_returns_set(const char *name)
{
    return NAME_IS_IN(name, functions_of_sets);
}

bool
name_needs_quotes(const char *name)
{
    bool is_plain = (name[0] >= 'a' && name[0] <= 'z') || name[0] == '_';
    for (const char *at = name; *at != '\0' && is_plain; at++)
        is_plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_';
    return !is_plain || NAME_IS_IN(name, keywords);
}
