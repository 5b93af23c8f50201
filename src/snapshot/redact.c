// SPDX-License-Identifier: PostgreSQL
#include "snapshot/redact.h"

#include "base/text.h"
#include "sql/statement.h"

#include <string.h>

/* Columns whose cells hold user values; a NULL column ends a row. */
typedef struct RedactRow {
    const char *section;
    const char *columns[8];
} RedactRow;

static const RedactRow redact_rows[] = {
    {"statistics", {"values1", "values2", "values3", "values4", "values5", NULL}},
    {"extended_data", {"mcv_json", "expressions_json", NULL}},
    {"index_ends", {"low_value", "high_value", NULL}},
    {"statement_samples", {"text", NULL}},
};

static const RedactRow definition_rows[] = {
    {"relations", {"view_definition", "partition_bound", NULL}},
    {"indexes", {"predicate", NULL}},
    {"columns", {"default_expression", NULL}},
    {"constraints", {"definition", NULL}},
    {"objects", {"definition", NULL}},
};

static bool
row_has(const RedactRow *row, const char *column)
{
    for (size_t i = 0; row->columns[i] != NULL; i++)
        if (strcmp(row->columns[i], column) == 0)
            return true;
    return false;
}

static const RedactRow *
row_find(const RedactRow *rows, size_t count, const char *section)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].section, section) == 0)
            return &rows[i];
    return NULL;
}

static const char *
statement_redact(Arena *arena, const char *text)
{
    return text == NULL ? NULL
                        : sql_statement_normalized(arena, sql_statement_parse(arena, text, strlen(text)));
}

static size_t
definitions_with_literals(const SnapshotSection *section)
{
    const RedactRow *row = row_find(definition_rows, FETTLE_COUNT_OF(definition_rows), section->name);
    size_t count = 0;
    for (size_t i = 0; row != NULL && i < section->row_count * section->column_count; i++)
        count += section->values[i] != NULL && row_has(row, section->columns[i % section->column_count]) &&
                 strchr(section->values[i], '\'') != NULL;
    return count;
}

/* In statistics a slot without its values is no slot: the planner would refuse it. */
static bool
is_kind_of_values(const char *section, const char *column)
{
    return strcmp(section, "statistics") == 0 && text_starts_with(column, "kind");
}

static const char *
cell_redact(Arena *arena, const SnapshotSection *section, const char *column, const char *value)
{
    const RedactRow *row = row_find(redact_rows, FETTLE_COUNT_OF(redact_rows), section->name);
    if (row != NULL && row_has(row, column))
        return NULL;
    if (strcmp(section->name, "statements") == 0 && strcmp(column, "text") == 0)
        return statement_redact(arena, value);
    if (is_kind_of_values(section->name, column) && value != NULL &&
        (strcmp(value, "1") == 0 || strcmp(value, "2") == 0 || strcmp(value, "4") == 0 ||
         strcmp(value, "7") == 0))
        return "0";
    return value;
}

SnapshotSections *
snapshot_redact(Arena *arena, const SnapshotSections *sections, size_t *ret_definitions_with_literals)
{
    SnapshotSections *redacted = ARENA_NEW(arena, SnapshotSections);
    redacted->items = ARENA_NEW_ARRAY(arena, SnapshotSection, sections->count);
    redacted->count = sections->count;
    *ret_definitions_with_literals = 0;
    for (size_t i = 0; i < sections->count; i++) {
        const SnapshotSection *from = &sections->items[i];
        SnapshotSection *to = &redacted->items[i];
        bool is_reading = strcmp(from->name, "reading") == 0;
        *to = *from;
        *ret_definitions_with_literals += definitions_with_literals(from);
        to->row_count = from->row_count + is_reading;
        to->values = ARENA_NEW_ARRAY(arena, const char *, to->row_count * to->column_count);
        for (size_t k = 0; k < from->row_count * from->column_count; k++)
            to->values[k] = cell_redact(arena, from, from->columns[k % from->column_count], from->values[k]);
        if (is_reading) {
            to->values[from->row_count * 2] = "is_redacted";
            to->values[from->row_count * 2 + 1] = "true";
        }
    }
    return redacted;
}
