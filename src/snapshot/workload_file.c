// SPDX-License-Identifier: PostgreSQL
#include "snapshot/workload_file.h"

#include "base/text.h"
#include "snapshot/section.h"
#include "sql/statement.h"

#include <math.h>
#include <string.h>

#define STATEMENTS_MOST 100000
#define SAMPLES_MOST 16

/* What is known of one template of the file. */
typedef struct FileStatement {
    uint64_t fingerprint;
    const char *text;
    double calls;
    double total_ms; /* NAN when the file gives no mean */
    TextList samples;
} FileStatement;

static const char *const statement_columns[] = {"query_id", "text",     "is_top_level",
                                                "calls",    "total_ms", "mean_ms"};
static const char *const sample_columns[] = {"query_id", "text"};
static const char *const reading_columns[] = {"key", "value"};

/* The number after "name:" in a comment before the statement; NAN when there is none. */
static double
comment_figure(const char *text, const char *name)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        if (strncmp(line, "--", 2) != 0)
            return NAN;
        const char *end = strchr(line, '\n');
        const char *found = strstr(line, name);
        if (found != NULL && (end == NULL || found < end)) {
            char number[64];
            found += strlen(name);
            found += strspn(found, " ");
            size_t length = strspn(found, "0123456789.eE+");
            double value;
            if (length == 0 || length >= sizeof(number))
                return NAN;
            memcpy(number, found, length);
            number[length] = '\0';
            return text_parse_double(number, &value) && value >= 0 ? value : NAN;
        }
    }
    return NAN;
}

static void
statement_add(Arena *arena, Map *templates, const char *text)
{
    SqlStatement *parsed = sql_statement_parse(arena, text, strlen(text));
    uint64_t fingerprint = sql_statement_fingerprint(parsed) & UINT64_C(0x7FFFFFFFFFFFFFFF);
    fingerprint = fingerprint == 0 ? 1 : fingerprint;
    FileStatement *statement = map_get_id(templates, fingerprint);
    if (statement == NULL) {
        statement = ARENA_NEW(arena, FileStatement);
        *statement =
            (FileStatement){.fingerprint = fingerprint, .text = sql_statement_text(parsed), .total_ms = NAN};
        map_put_id(templates, fingerprint, statement);
    }
    double calls = comment_figure(text, "calls:");
    double mean_ms = comment_figure(text, "mean_ms:");
    calls = isnan(calls) ? 1 : calls;
    statement->calls += calls;
    if (!isnan(mean_ms))
        statement->total_ms = (isnan(statement->total_ms) ? 0 : statement->total_ms) + calls * mean_ms;
    bool is_literal =
        sql_statement_parameter_count(parsed) == 0 && sql_statement_kind(parsed) != SQL_KIND_UNPARSED;
    if (is_literal && statement->samples.count < SAMPLES_MOST)
        vector_push(arena, &statement->samples, sql_statement_text(parsed));
}

static const char *
figure_text(Arena *arena, double value)
{
    return isnan(value) ? NULL : arena_printf(arena, "%.17g", value);
}

static SnapshotSection
statements_section(Arena *arena, const Map *templates)
{
    size_t columns = FETTLE_COUNT_OF(statement_columns);
    size_t count = map_count(templates);
    const char **values = ARENA_NEW_ARRAY(arena, const char *, count *columns);
    for (size_t i = 0; i < count; i++) {
        const FileStatement *statement = map_value_at(templates, i);
        const char **row = values + i * columns;
        row[0] = arena_printf(arena, "%llu", (unsigned long long)statement->fingerprint);
        row[1] = statement->text;
        row[2] = "true";
        row[3] = figure_text(arena, statement->calls);
        row[4] = figure_text(arena, statement->total_ms);
        row[5] = figure_text(arena, statement->calls > 0 ? statement->total_ms / statement->calls : NAN);
    }
    return (SnapshotSection){.name = "statements",
                             .columns = statement_columns,
                             .column_count = columns,
                             .values = values,
                             .row_count = count};
}

static SnapshotSection
samples_section(Arena *arena, const Map *templates)
{
    size_t count = 0;
    for (size_t i = 0; i < map_count(templates); i++)
        count += ((const FileStatement *)map_value_at(templates, i))->samples.count;
    const char **values = ARENA_NEW_ARRAY(arena, const char *, count * 2);
    size_t row = 0;
    for (size_t i = 0; i < map_count(templates); i++) {
        const FileStatement *statement = map_value_at(templates, i);
        for (size_t k = 0; k < statement->samples.count; k++, row++) {
            values[row * 2] = arena_printf(arena, "%llu", (unsigned long long)statement->fingerprint);
            values[row * 2 + 1] = statement->samples.items[k];
        }
    }
    return (SnapshotSection){.name = "statement_samples",
                             .columns = sample_columns,
                             .column_count = 2,
                             .values = values,
                             .row_count = count};
}

/* The facts about reading, with the workload now known. */
static SnapshotSection
reading_section(Arena *arena, const SnapshotSections *sections)
{
    const SnapshotSection *older = snapshot_section_find(sections, "reading");
    size_t count = older == NULL ? 0 : older->row_count;
    const char **values = ARENA_NEW_ARRAY(arena, const char *, (count + 1) * 2);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *key = snapshot_section_value(older, i, 0);
        if (text_equals(key, "has_statements"))
            continue;
        values[kept * 2] = key;
        values[kept * 2 + 1] = snapshot_section_value(older, i, 1);
        kept++;
    }
    values[kept * 2] = "has_statements";
    values[kept * 2 + 1] = "true";
    return (SnapshotSection){.name = "reading",
                             .columns = reading_columns,
                             .column_count = 2,
                             .values = values,
                             .row_count = kept + 1};
}

bool
snapshot_with_workload(Arena *arena, const Snapshot *snapshot, const char *text, size_t length,
                       const char *name, const Snapshot **ret_snapshot, Error *error)
{
    TextList texts = sql_split(arena, text, length, STATEMENTS_MOST);
    if (texts.count == 0) {
        error_set(error, ERROR_INPUT, "%s: there is no statement in the workload file", name);
        return error_set_hint(
            error, "write SQL statements separated by \";\", each after an optional line \"-- calls: N\"");
    }
    Map *templates = map_new(arena);
    for (size_t i = 0; i < texts.count; i++)
        statement_add(arena, templates, texts.items[i]);
    static const char *const replaced[] = {"statements", "statement_samples", "statements_info", "reading"};
    SnapshotSections *sections = ARENA_NEW(arena, SnapshotSections);
    sections->items =
        ARENA_NEW_ARRAY(arena, SnapshotSection, snapshot->sections->count + FETTLE_COUNT_OF(replaced));
    for (size_t i = 0; i < snapshot->sections->count; i++) {
        bool is_replaced = false;
        for (size_t k = 0; k < FETTLE_COUNT_OF(replaced); k++)
            is_replaced = is_replaced || text_equals(snapshot->sections->items[i].name, replaced[k]);
        if (!is_replaced)
            sections->items[sections->count++] = snapshot->sections->items[i];
    }
    sections->items[sections->count++] = statements_section(arena, templates);
    sections->items[sections->count++] = samples_section(arena, templates);
    sections->items[sections->count++] = reading_section(arena, snapshot->sections);
    return snapshot_decode(arena, sections, ret_snapshot, error);
}
