// SPDX-License-Identifier: PostgreSQL
#include "snapshot/redact.h"

#include "base/list.h"
#include "base/text.h"
#include "sql/lexical.h"
#include "sql/statement.h"

#include <string.h>

/*
 * What may stay. A section that is not named here is left out, since a later Fettle may hold values in it. Of
 * sections that may hold values only the columns that are named stay; `columns` NULL: all of the section is
 * schema or figures.
 */
typedef struct RedactRule {
    const char *section;
    const char *columns; /* " a b c " */
} RedactRule;

static const RedactRule redact_rules[] = {
    {"meta", NULL},
    {"reading", NULL},
    {"settings", NULL},
    {"role_settings", NULL},
    {"schemas", NULL},
    {"extensions", NULL},
    {"objects", NULL},
    {"relations", NULL},
    {"parents", NULL},
    {"columns", NULL},
    {"sizes", NULL},
    {"indexes", NULL},
    {"index_columns", NULL},
    {"heights", NULL},
    {"constraints", NULL},
    {"policies", NULL},
    {"activity", NULL},
    {"index_activity", NULL},
    {"extended_statistics", NULL},
    {"statements_info", NULL},
    {"statements",
     " query_id role text is_top_level calls total_ms mean_ms stddev_ms min_ms max_ms plan_ms rows "
     "shared_hit_blocks shared_read_blocks shared_dirtied_blocks temp_read_blocks "
     "temp_written_blocks read_ms write_ms wal_bytes "},
    {"gaps", " subject reason remedy "},
    {"extended_data", " id is_inherited ndistinct dependencies mcv_json expressions_json "},
    {"statistics",
     " relation_id attnum column_name is_inherited null_fraction average_width_bytes n_distinct "
     "kind1 kind2 kind3 kind4 kind5 operator1 operator2 operator3 operator4 operator5 "
     "collation1 collation2 collation3 collation4 collation5 "
     "numbers1 numbers2 numbers3 numbers4 numbers5 values1 values2 values3 values4 values5 "},
    /* The rows are the values: the section stays, without rows. */
    {"index_ends", ""},
    {"statement_samples", ""},
    {"statements_sent", ""},
};

/* Definitions, that stay and may hold literals. */
static const RedactRule definition_rules[] = {
    {"relations", " view_definition partition_key partition_bound "},
    {"indexes", " predicate "},
    {"index_columns", " expression "},
    {"columns", " default_expression "},
    {"constraints", " definition "},
    {"objects", " definition "},
    {"policies", " using_expression check_expression "},
    {"extended_statistics", " definition "},
};

static const RedactRule *
rule_find(const RedactRule *rules, size_t count, const char *section)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].section, section) == 0)
            return &rules[i];
    return NULL;
}

static bool
rule_names(const RedactRule *rule, const char *column)
{
    size_t length = strlen(column);
    const char *at = rule->columns;
    for (at = strstr(at, column); length > 0 && at != NULL; at = strstr(at + 1, column))
        if (at > rule->columns && at[-1] == ' ' && at[length] == ' ')
            return true;
    return false;
}

/* numeric(10,2): a number after these and a "(" is a modifier. */
static bool
word_has_modifier(const char *text, size_t at, Lexeme lexeme)
{
    static const char *const types[] = {"numeric",     "decimal", "varying", "varchar", "character",
                                        "char",        "bpchar",  "bit",     "varbit",  "timestamp",
                                        "timestamptz", "time",    "timetz",  "interval"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(types); i++)
        if (sql_lexeme_is(text, at, lexeme, types[i]))
            return true;
    return false;
}

/* True when a literal stands in it. The name of a sequence and the modifier of a type are none; the $-quoted
 * body of a function is looked into, one within another as one. */
static bool
definition_has_literal(const char *text, size_t length, bool is_body)
{
    enum { AFTER_ELSE, AFTER_TYPE, AFTER_NEXTVAL, WITHIN_PARENTHESES } after = AFTER_ELSE;
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        bool is_body_text = lexeme.kind == LEXEME_STRING && text[at] == '$' && !is_body;
        if (is_body_text) {
            const char *start = memchr(text + at + 1, '$', lexeme.length - 1);
            size_t tag = start == NULL ? 0 : (size_t)(start + 1 - (text + at));
            if (definition_has_literal(text + at + tag, lexeme.length > 2 * tag ? lexeme.length - 2 * tag : 0,
                                       true))
                return true;
        } else if ((lexeme.kind == LEXEME_STRING || lexeme.kind == LEXEME_NUMBER) &&
                   after != WITHIN_PARENTHESES) {
            return true;
        }
        if (lexeme.kind == LEXEME_WORD)
            after = sql_lexeme_is(text, at, lexeme, "nextval") ? AFTER_NEXTVAL
                    : word_has_modifier(text, at, lexeme)      ? AFTER_TYPE
                                                               : AFTER_ELSE;
        else if (lexeme.kind == LEXEME_OTHER && text[at] == '(' && after != AFTER_ELSE)
            after = WITHIN_PARENTHESES;
        else if (lexeme.kind == LEXEME_OTHER && text[at] != ',')
            after = AFTER_ELSE;
        at += lexeme.length;
    }
    return false;
}

static size_t
definitions_with_literals(const SnapshotSection *section)
{
    const RedactRule *rule = rule_find(definition_rules, FETTLE_COUNT_OF(definition_rules), section->name);
    size_t count = 0;
    for (size_t row = 0; rule != NULL && row < section->row_count; row++) {
        bool has_literal = false;
        for (size_t column = 0; column < section->column_count && !has_literal; column++) {
            const char *value = snapshot_section_value(section, row, (int)column);
            has_literal = value != NULL && rule_names(rule, section->columns[column]) &&
                          definition_has_literal(value, strlen(value), false);
        }
        count += has_literal;
    }
    return count;
}

/*
 * Literals that are left after normalising: those of utility statements, which libpg_query keeps, and of
 * texts that do not parse, whose "quoted" words may be literals of another dialect.
 */
static const char *
literals_blank(Arena *arena, const char *text, SqlKind kind)
{
    bool is_parsed_query = kind != SQL_KIND_UTILITY && kind != SQL_KIND_UNPARSED;
    Text blank = text_new(arena);
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        if (lexeme.kind == LEXEME_STRING)
            text_append(&blank, "'?'");
        else if (lexeme.kind == LEXEME_NUMBER && !is_parsed_query)
            text_append(&blank, "0");
        else if (lexeme.kind == LEXEME_NAME && kind == SQL_KIND_UNPARSED)
            text_append(&blank, "\"?\"");
        else if (lexeme.kind == LEXEME_COMMENT)
            text_append(&blank, " ");
        else
            text_append_bytes(&blank, text + at, lexeme.length);
        at += lexeme.length;
    }
    return blank.data;
}

static const char *
statement_redact(Arena *arena, const char *text)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("redact statement", (size_t)1 << 30);
    const SqlStatement *statement = sql_statement_parse(scratch, text, strlen(text));
    return literals_blank(arena, sql_statement_normalized(scratch, statement), sql_statement_kind(statement));
}

/* A server's message may quote values; what begins in these ways only names objects and settings. */
static const char *
reason_redact(const char *reason)
{
    static const char *const harmless[] = {"permission denied",
                                           "no SELECT right",
                                           "the extension is not installed",
                                           "their texts are hidden",
                                           "canceling statement due to",
                                           "could not obtain lock",
                                           "must be",
                                           "pg_stat_statements must be loaded"};
    const char *message = reason;
    if (text_starts_with(message, "could not read ") && strstr(message, ": ") != NULL)
        message = strstr(message, ": ") + 2;
    for (size_t i = 0; i < FETTLE_COUNT_OF(harmless); i++)
        if (text_starts_with(message, harmless[i]))
            return reason;
    return "the server's message is left out, since it may hold values";
}

/* Settings of the application's own ("app.key") are its data; those of known modules are not. */
static bool
setting_is_foreign(const char *name)
{
    static const char *const known[] = {"pg_stat_statements.", "auto_explain.", "plpgsql.", "pg_hint_plan."};
    for (size_t i = 0; i < FETTLE_COUNT_OF(known); i++)
        if (text_starts_with(name, known[i]))
            return false;
    return strchr(name, '.') != NULL;
}

typedef struct RedactCell {
    Arena *arena;
    const SnapshotSection *section;
    const RedactRule *rule;
    size_t row;
    const char *column;
    const char *value; /* not NULL */
} RedactCell;

/* The kind in the same slot as "numbers3" is. */
static const char *
statistics_kind(const RedactCell *cell)
{
    char column[] = "kind0";
    column[4] = cell->column[strlen(cell->column) - 1];
    const char *kind =
        snapshot_section_value(cell->section, cell->row, snapshot_section_column(cell->section, column));
    return kind == NULL ? "0" : kind;
}

static bool
is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/*
 * Kinds of pg_statistic's slots: 3 correlation, 5 count of distinct elements, 6 length and emptiness of
 * ranges have figures of use alone. 1 most common values and 4 most common elements keep their frequencies,
 * but a slot without its values is none to the planner, which would refuse it. Numbers of other kinds
 * (PostGIS's are coordinates) go.
 */
static const char *
statistics_redact(const RedactCell *cell)
{
    static const char *const useful[] = {"0", "3", "5", "6"};
    static const char *const numbered[] = {"1", "3", "4", "5", "6"};
    if (text_starts_with(cell->column, "values"))
        return NULL;
    if (text_starts_with(cell->column, "kind"))
        return is_one_of(cell->value, useful, FETTLE_COUNT_OF(useful)) ? cell->value : "0";
    if (text_starts_with(cell->column, "numbers"))
        return is_one_of(statistics_kind(cell), numbered, FETTLE_COUNT_OF(numbered)) ? cell->value : NULL;
    return cell->value;
}

static const char *
setting_redact(const RedactCell *cell)
{
    bool is_value = strcmp(cell->column, "value") == 0 || strcmp(cell->column, "boot_value") == 0;
    const char *name =
        snapshot_section_value(cell->section, cell->row, snapshot_section_column(cell->section, "name"));
    return is_value && (name == NULL || setting_is_foreign(name)) ? "" : cell->value;
}

static const char *
cell_redact(const RedactCell *cell)
{
    const char *section = cell->section->name;
    if (cell->rule->columns != NULL && !rule_names(cell->rule, cell->column))
        return NULL;
    if (strcmp(section, "statistics") == 0)
        return statistics_redact(cell);
    if (strcmp(section, "extended_data") == 0)
        return text_ends_with(cell->column, "_json") ? NULL : cell->value;
    if (strcmp(section, "settings") == 0 || strcmp(section, "role_settings") == 0)
        return setting_redact(cell);
    if (strcmp(section, "statements") == 0 && strcmp(cell->column, "text") == 0)
        return statement_redact(cell->arena, cell->value);
    if (strcmp(section, "gaps") == 0 && strcmp(cell->column, "reason") == 0)
        return reason_redact(cell->value);
    return cell->value;
}

static SnapshotSection
section_redact(Arena *arena, const SnapshotSection *from, const RedactRule *rule)
{
    SnapshotSection to = *from;
    to.row_count = rule->columns != NULL && rule->columns[0] == '\0' ? 0 : from->row_count;
    to.values = ARENA_NEW_ARRAY(arena, const char *, to.row_count *to.column_count);
    RedactCell cell = {.arena = arena, .section = from, .rule = rule};
    for (size_t i = 0; i < to.row_count * to.column_count; i++) {
        cell.row = i / from->column_count;
        cell.column = from->columns[i % from->column_count];
        cell.value = from->values[i];
        to.values[i] = cell.value == NULL ? NULL : cell_redact(&cell);
    }
    return to;
}

/* The facts about reading, with the one that values are left out; made when there are none. */
static SnapshotSection
reading_redact(Arena *arena, const SnapshotSection *from)
{
    static const char *const columns[] = {"key", "value"};
    size_t count = from == NULL ? 0 : from->row_count;
    int key = snapshot_section_column(from, "key");
    int value = snapshot_section_column(from, "value");
    SnapshotSection to = {.name = "reading",
                          .columns = columns,
                          .column_count = 2,
                          .values = ARENA_NEW_ARRAY(arena, const char *, (count + 1) * 2)};
    for (size_t row = 0; row < count; row++) {
        const char *name = snapshot_section_value(from, row, key);
        if (name == NULL || strcmp(name, "is_redacted") == 0)
            continue;
        to.values[to.row_count * 2] = name;
        to.values[to.row_count * 2 + 1] = snapshot_section_value(from, row, value);
        to.row_count++;
    }
    to.values[to.row_count * 2] = "is_redacted";
    to.values[to.row_count * 2 + 1] = "true";
    to.row_count++;
    return to;
}

SnapshotSections *
snapshot_redact(Arena *arena, const SnapshotSections *sections, size_t *ret_definitions_with_literals)
{
    SnapshotSections *redacted = ARENA_NEW(arena, SnapshotSections);
    redacted->items = ARENA_NEW_ARRAY(arena, SnapshotSection, sections->count + 1);
    size_t definitions = 0;
    for (size_t i = 0; i < sections->count; i++) {
        const SnapshotSection *from = &sections->items[i];
        const RedactRule *rule = rule_find(redact_rules, FETTLE_COUNT_OF(redact_rules), from->name);
        if (rule == NULL || strcmp(from->name, "reading") == 0)
            continue;
        definitions += definitions_with_literals(from);
        redacted->items[redacted->count++] = section_redact(arena, from, rule);
    }
    redacted->items[redacted->count++] = reading_redact(arena, snapshot_section_find(sections, "reading"));
    *ret_definitions_with_literals = definitions;
    return redacted;
}
