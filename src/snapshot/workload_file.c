// SPDX-License-Identifier: PostgreSQL
#include "snapshot/workload_file.h"

#include "base/text.h"
#include "snapshot/section.h"
#include "sql/lexical.h"
#include "sql/statement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENTS_MOST 100000
#define SAMPLES_MOST 16
#define CALLS_MOST 1e15
#define MEAN_MS_MOST 1e12

/* What is known of one template of the file. */
typedef struct FileStatement {
    uint64_t fingerprint;
    size_t position; /* in the file, among the templates */
    const char *text;
    double calls;
    double timed_calls; /* those whose mean the file gives, and their time */
    double timed_ms;
    TextList samples; /* all of them */
} FileStatement;

/* What the comments before a statement say. */
typedef struct FileFigures {
    double calls;
    double mean_ms; /* NAN: not told */
} FileFigures;

typedef struct WorkloadFile {
    Arena *arena;
    const char *text;
    size_t length;
    size_t at; /* behind the statement that was read last */
    const char *name;
    Map *templates; /* FileStatement by fingerprint */
    Error *error;
} WorkloadFile;

static const FileFigures figures_none = {.calls = 1, .mean_ms = NAN};

static const char *const statement_columns[] = {"query_id", "text",     "is_top_level",
                                                "calls",    "total_ms", "mean_ms"};
static const char *const sample_columns[] = {"query_id", "text"};
static const char *const reading_columns[] = {"key", "value"};

static size_t
line_number(const WorkloadFile *file, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += file->text[i] == '\n';
    return line;
}

static size_t
blanks_skip(const char *text, size_t at, size_t end)
{
    while (at < end && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'))
        at++;
    return at;
}

/* A plain number between 0 and most, ended by a blank, a ", " or the comment's end. */
static bool
figure_parse(const char *text, size_t *at, size_t end, double most, double *ret_value)
{
    char number[64];
    size_t length = 0;
    size_t from = blanks_skip(text, *at, end);
    while (from + length < end && strchr("0123456789.eE+-", text[from + length]) != NULL)
        length++;
    if (length == 0 || length >= sizeof(number))
        return false;
    memcpy(number, text + from, length);
    number[length] = '\0';
    double value;
    if (!text_parse_double(number, &value) || !(value >= 0 && value <= most))
        return false;
    size_t behind = from + length;
    bool is_comma = behind < end && (text[behind] == ',' || text[behind] == ';');
    if (behind + is_comma < end && blanks_skip(text, behind + is_comma, end) == behind + is_comma)
        return false;
    *at = behind + is_comma;
    *ret_value = value;
    return true;
}

static bool
word_skip(const char *text, size_t *at, size_t end, const char *word)
{
    size_t length = strlen(word);
    size_t from = blanks_skip(text, *at, end);
    if (end - from < length || memcmp(text + from, word, length) != 0)
        return false;
    *at = from + length;
    return true;
}

/* "-- calls: 1200, mean_ms: 3.5"; other comments say nothing. */
static bool
figures_parse(const WorkloadFile *file, size_t at, size_t end, FileFigures *figures)
{
    size_t start = at;
    while (at < end && file->text[at] == '-')
        at++;
    for (;;) {
        double *figure = word_skip(file->text, &at, end, "calls:")     ? &figures->calls
                         : word_skip(file->text, &at, end, "mean_ms:") ? &figures->mean_ms
                                                                       : NULL;
        if (figure == NULL)
            return true;
        double most = figure == &figures->calls ? CALLS_MOST : MEAN_MS_MOST;
        if (figure_parse(file->text, &at, end, most, figure))
            continue;
        error_set(file->error, ERROR_INPUT, "%s, line %zu: \"%.*s\" gives no number that can be used",
                  file->name, line_number(file, start), (int)(end - start < 60 ? end - start : 60),
                  file->text + start);
        return error_set_hint(file->error, "write \"-- calls: 1200\" or \"-- calls: 1200, mean_ms: 3.5\"");
    }
}

/* A comment that begins its line; one behind a statement belongs to nobody. */
static bool
is_comment_line(const WorkloadFile *file, size_t at)
{
    if (at + 1 >= file->length || file->text[at] != '-' || file->text[at + 1] != '-')
        return false;
    while (at > 0 && (file->text[at - 1] == ' ' || file->text[at - 1] == '\t'))
        at--;
    return at == 0 || file->text[at - 1] == '\n';
}

/*
 * Goes on to where the statement stands in the file, and reads the comments on the way. The splitter gives
 * each statement as it stands there, without the comments before it.
 */
static bool
figures_read(WorkloadFile *file, const char *statement, FileFigures *ret_figures)
{
    FileFigures figures = figures_none;
    size_t length = strlen(statement);
    size_t at = file->at;
    while (at < file->length) {
        Lexeme lexeme = sql_lexeme_at(file->text, at, file->length);
        bool is_here = length <= file->length - at && memcmp(file->text + at, statement, length) == 0;
        if (is_here && lexeme.kind != LEXEME_SPACE)
            break;
        if (lexeme.kind == LEXEME_COMMENT && is_comment_line(file, at)) {
            const char *line_end = memchr(file->text + at, '\n', lexeme.length);
            size_t end = line_end == NULL ? at + lexeme.length : (size_t)(line_end - file->text);
            if (!figures_parse(file, at, end, &figures))
                return false;
        } else if (lexeme.kind == LEXEME_OTHER && file->text[at] == ';') {
            figures = figures_none;
        } else if (lexeme.kind == LEXEME_OTHER && file->text[at] == '\\') {
            /* A line of psql's own commands. */
            const char *line_end = memchr(file->text + at, '\n', file->length - at);
            lexeme.length = line_end == NULL ? file->length - at : (size_t)(line_end - (file->text + at));
        }
        at += lexeme.length;
    }
    file->at = at < file->length ? at + length : file->length;
    *ret_figures = figures;
    return true;
}

/* The cleaned text without the blanks that its comments left; the text itself when nothing else is left of
 * it. */
static const char *
statement_text(Arena *arena, const SqlStatement *parsed, const char *text)
{
    const char *clean = sql_statement_text(parsed);
    clean += strspn(clean, " \t\r\n");
    size_t length = strlen(clean);
    while (length > 0 && strchr(" \t\r\n", clean[length - 1]) != NULL)
        length--;
    return length == 0 ? text : arena_strndup(arena, clean, length);
}

static bool
statement_add(WorkloadFile *file, const char *text)
{
    FileFigures figures;
    if (!figures_read(file, text, &figures))
        return false;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("workload statement", (size_t)1 << 30);
    const SqlStatement *parsed = sql_statement_parse(scratch, text, strlen(text));
    uint64_t fingerprint = sql_statement_fingerprint(parsed) & UINT64_C(0x7FFFFFFFFFFFFFFF);
    fingerprint = fingerprint == 0 ? 1 : fingerprint;
    FileStatement *statement = map_get_id(file->templates, fingerprint);
    const char *clean = statement_text(file->arena, parsed, text);
    if (statement == NULL) {
        statement = ARENA_NEW(file->arena, FileStatement);
        *statement = (FileStatement){
            .fingerprint = fingerprint, .position = map_count(file->templates), .text = clean};
        map_put_id(file->templates, fingerprint, statement);
    }
    statement->calls += figures.calls;
    if (!isnan(figures.mean_ms)) {
        statement->timed_calls += figures.calls;
        statement->timed_ms += figures.calls * figures.mean_ms;
    }
    if (sql_statement_parameter_count(parsed) == 0 && sql_statement_kind(parsed) != SQL_KIND_UNPARSED)
        vector_push(file->arena, &statement->samples, clean);
    return true;
}

/* Calls without a mean of their own are taken to be like those with one. NAN when the file gives none. */
static double
statement_mean_ms(const FileStatement *statement)
{
    return statement->timed_calls > 0 ? statement->timed_ms / statement->timed_calls : NAN;
}

/* The longest in all first; those without a time behind them, the most called first. */
static int
statement_compare(const void *left, const void *right)
{
    const FileStatement *a = *(const FileStatement *const *)left;
    const FileStatement *b = *(const FileStatement *const *)right;
    double a_ms = statement_mean_ms(a) * a->calls;
    double b_ms = statement_mean_ms(b) * b->calls;
    if (isnan(a_ms) != isnan(b_ms))
        return isnan(a_ms) ? 1 : -1;
    if (!isnan(a_ms) && a_ms != b_ms)
        return a_ms < b_ms ? 1 : -1;
    if (a->calls != b->calls)
        return a->calls < b->calls ? 1 : -1;
    return a->position < b->position ? -1 : 1;
}

VECTOR_DEFINE(FileStatementList, const FileStatement *);

static FileStatementList
statements_sorted(const WorkloadFile *file)
{
    FileStatementList list = {0};
    for (size_t i = 0; i < map_count(file->templates); i++)
        vector_push(file->arena, &list, (const FileStatement *)map_value_at(file->templates, i));
    if (list.count > 1)
        qsort(list.items, list.count, sizeof(*list.items), statement_compare);
    return list;
}

static const char *
figure_text(Arena *arena, double value)
{
    return isnan(value) ? NULL : arena_printf(arena, "%.17g", value);
}

static SnapshotSection
statements_section(Arena *arena, const FileStatementList *list)
{
    size_t columns = FETTLE_COUNT_OF(statement_columns);
    const char **values = ARENA_NEW_ARRAY(arena, const char *, list->count *columns);
    for (size_t i = 0; i < list->count; i++) {
        const FileStatement *statement = list->items[i];
        const char **row = values + i * columns;
        row[0] = arena_printf(arena, "%llu", (unsigned long long)statement->fingerprint);
        row[1] = statement->text;
        row[2] = "true";
        row[3] = figure_text(arena, statement->calls);
        row[4] = figure_text(arena, statement_mean_ms(statement) * statement->calls);
        row[5] = figure_text(arena, statement_mean_ms(statement));
    }
    return (SnapshotSection){.name = "statements",
                             .columns = statement_columns,
                             .column_count = columns,
                             .values = values,
                             .row_count = list->count};
}

static SnapshotSection
samples_section(Arena *arena, const FileStatementList *list)
{
    const char **values = ARENA_NEW_ARRAY(arena, const char *, list->count *SAMPLES_MOST * 2);
    size_t row = 0;
    for (size_t i = 0; i < list->count; i++) {
        const TextList *samples = &list->items[i]->samples;
        size_t kept = samples->count < SAMPLES_MOST ? samples->count : SAMPLES_MOST;
        for (size_t k = 0; k < kept; k++, row++) {
            /* From the first to the last, as evenly as can be. */
            size_t position = kept < 2 ? 0 : k * (samples->count - 1) / (kept - 1);
            values[row * 2] = arena_printf(arena, "%llu", (unsigned long long)list->items[i]->fingerprint);
            values[row * 2 + 1] = samples->items[position];
        }
    }
    return (SnapshotSection){.name = "statement_samples",
                             .columns = sample_columns,
                             .column_count = 2,
                             .values = values,
                             .row_count = row};
}

/*
 * The facts about reading, with the workload now known. The role that the older workload told of stays; a
 * snapshot that was redacted has values of the file in it now.
 */
static SnapshotSection
reading_section(Arena *arena, const Snapshot *snapshot)
{
    static const char *const replaced[] = {"has_statements", "application_role", "is_redacted"};
    const SnapshotSection *older = snapshot_section_find(snapshot->sections, "reading");
    int key_column = snapshot_section_column(older, "key");
    int value_column = snapshot_section_column(older, "value");
    size_t count = older == NULL ? 0 : older->row_count;
    const char **values = ARENA_NEW_ARRAY(arena, const char *, (count + 2) * 2);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *key = snapshot_section_value(older, i, key_column);
        bool is_replaced = key == NULL;
        for (size_t k = 0; k < FETTLE_COUNT_OF(replaced) && !is_replaced; k++)
            is_replaced = strcmp(key, replaced[k]) == 0;
        if (is_replaced)
            continue;
        values[kept * 2] = key;
        values[kept++ * 2 + 1] = snapshot_section_value(older, i, value_column);
    }
    values[kept * 2] = "has_statements";
    values[kept++ * 2 + 1] = "true";
    values[kept * 2] = "application_role";
    values[kept++ * 2 + 1] = snapshot->application_role;
    return (SnapshotSection){.name = "reading",
                             .columns = reading_columns,
                             .column_count = 2,
                             .values = values,
                             .row_count = kept};
}

/* Without what was missing of the workload that is replaced. */
static SnapshotSection
gaps_section(Arena *arena, const SnapshotSection *older)
{
    SnapshotSection gaps = *older;
    int subject_column = snapshot_section_column(older, "subject");
    gaps.values = ARENA_NEW_ARRAY(arena, const char *, older->row_count * older->column_count);
    gaps.row_count = 0;
    for (size_t row = 0; row < older->row_count; row++) {
        const char *subject = snapshot_section_value(older, row, subject_column);
        if (text_equals(subject, "pg_stat_statements") || text_equals(subject, "statements of other roles") ||
            text_equals(subject, SNAPSHOT_SENT_SUBJECT))
            continue;
        for (size_t i = 0; i < older->column_count; i++)
            gaps.values[gaps.row_count * older->column_count + i] =
                snapshot_section_value(older, row, (int)i);
        gaps.row_count++;
    }
    return gaps;
}

static SnapshotSections *
sections_with(Arena *arena, const Snapshot *snapshot, const FileStatementList *list)
{
    static const char *const replaced[] = {"statements", "statement_samples", "statements_sent",
                                           "statements_info", "reading"};
    SnapshotSections *sections = ARENA_NEW(arena, SnapshotSections);
    sections->items =
        ARENA_NEW_ARRAY(arena, SnapshotSection, snapshot->sections->count + FETTLE_COUNT_OF(replaced));
    for (size_t i = 0; i < snapshot->sections->count; i++) {
        const SnapshotSection *section = &snapshot->sections->items[i];
        bool is_replaced = false;
        for (size_t k = 0; k < FETTLE_COUNT_OF(replaced); k++)
            is_replaced = is_replaced || text_equals(section->name, replaced[k]);
        if (!is_replaced)
            sections->items[sections->count++] =
                text_equals(section->name, "gaps") ? gaps_section(arena, section) : *section;
    }
    sections->items[sections->count++] = statements_section(arena, list);
    sections->items[sections->count++] = samples_section(arena, list);
    sections->items[sections->count++] = reading_section(arena, snapshot);
    return sections;
}

static bool
encoding_check(const WorkloadFile *file)
{
    for (size_t at = 0; at < file->length;) {
        const char *line_end = memchr(file->text + at, '\n', file->length - at);
        size_t length = line_end == NULL ? file->length - at : (size_t)(line_end - (file->text + at)) + 1;
        if (memchr(file->text + at, '\0', length) != NULL || !text_is_valid_utf8(file->text + at, length)) {
            error_set(file->error, ERROR_INPUT, "%s, line %zu: the text is not UTF-8", file->name,
                      line_number(file, at));
            return error_set_hint(file->error, "convert the workload file to UTF-8");
        }
        at += length;
    }
    return true;
}

bool
snapshot_with_workload(Arena *arena, const Snapshot *snapshot, const char *text, size_t length,
                       const char *name, const Snapshot **ret_snapshot, Error *error)
{
    WorkloadFile file = {.arena = arena,
                         .text = text,
                         .length = length,
                         .name = name,
                         .templates = map_new(arena),
                         .error = error};
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        file.text += 3;
        file.length -= 3;
    }
    if (!encoding_check(&file))
        return false;
    TextList texts = sql_split(arena, file.text, file.length, STATEMENTS_MOST + 1);
    if (texts.count == 0) {
        error_set(error, ERROR_INPUT, "%s: there is no statement in the workload file", name);
        return error_set_hint(
            error, "write SQL statements separated by \";\", each after an optional line \"-- calls: N\"");
    }
    if (texts.count > STATEMENTS_MOST) {
        error_set(error, ERROR_LIMIT, "%s: more than %d statements in the workload file", name,
                  STATEMENTS_MOST);
        return error_set_hint(error, "write each statement once, after a line \"-- calls: N\"");
    }
    for (size_t i = 0; i < texts.count; i++)
        if (!statement_add(&file, texts.items[i]))
            return false;
    FileStatementList list = statements_sorted(&file);
    return snapshot_decode(arena, sections_with(arena, snapshot, &list), ret_snapshot, error);
}
