// SPDX-License-Identifier: PostgreSQL
#include "workload/characteristic.h"
#include "workload/issue_internal.h"

#include <math.h>
#include <string.h>

#define KEPT_SHARE 0.1         /* of a scan's rows, above which no index would help */
#define ESTIMATE_ROWS_LEAST 10 /* an error among fewer changes no plan */
#define CALLS_LEAST 10         /* whose mean says something */
#define LIST_MARK "/*, ... */" /* pg_stat_statements 18 writes IN ($1, $2, $3) as IN ($1 LIST_MARK) */
#define SKEW_MOST 1.25         /* of a column whose mean over all values is that of the values asked for */
#define ROLE_LEAST 0.8         /* of a column that an index could serve: equality, join, IN, range */

/* A sequential scan of a table or of one of its partitions; of several of it in a plan, the greatest. */
typedef struct PartScan {
    const char *name; /* as the plan tells it */
    const char *filter;
    double rows_read; /* at least, when it is not known how many there are */
    double rows_kept;
    bool is_unknown;  /* rows_read, and so the share that is kept */
    bool is_expected; /* rows_kept: not what came */
} PartScan;

VECTOR_DEFINE(PartScans, PartScan);

/* The sequential scans of one table in a plan: partitions are added up. */
typedef struct TableScan {
    const IssueTable *table; /* the root; NULL: not known */
    PartScans parts;
    PartScan sum; /* with the name of the first and the filter of the greatest */
    bool is_least;
} TableScan;

VECTOR_DEFINE(TableScans, TableScan);

typedef struct PlanLook {
    IssueWork *work;
    size_t place;
    const WorkloadTemplate *template;
    const StatementFacts *facts;
    const PlanFacts *plan;
    TableScans scans;
} PlanLook;

static const IssueTable *
root_of(const PlanLook *look, const IssueTable *table)
{
    if (table == NULL || table->root == NULL || table->root == table->relation)
        return table;
    const IssueTable *root = issue_table_named(look->work->input->catalog, table->database_name,
                                               table->root->schema, table->root->name);
    return root == NULL ? table : root;
}

/* Rows that a call gives out, where they are rows of its tables and not groups of them, or a part; NAN: not
 * known. */
static double
rows_given(const PlanLook *look)
{
    const SqlShape *shape = &look->facts->shape;
    bool is_plain = look->facts->kind == SQL_KIND_SELECT && !shape->has_aggregate && !shape->has_group_by &&
                    !shape->has_distinct && !shape->has_limit && shape->window_count == 0;
    return is_plain && look->template->calls >= CALLS_LEAST ? template_rows_per_call(look->template) : NAN;
}

/* Rows read: measured, else all that the table has, else those that the plan keeps: it reads no fewer. Rows
 * kept: the plan is for any parameters, so where the scan is all there is, those that came are told. */
static PartScan
scan_of(const PlanLook *look, const PlanScan *scan, const IssueTable *table)
{
    PartScan found = {.name = scan->table,
                      .filter = scan->filter,
                      .rows_kept = scan->rows_kept,
                      .rows_read = scan->rows_read,
                      .is_expected = isnan(scan->rows_read)};
    if (isnan(found.rows_read) && table != NULL)
        found.rows_read = table->row_count;
    if (look->plan->scans.count == 1 && isnan(scan->rows_read) && !isnan(rows_given(look))) {
        found.rows_kept = rows_given(look);
        found.is_expected = false;
    }
    if (isnan(found.rows_read)) {
        found.rows_read = scan->rows_kept;
        found.is_unknown = scan->filter != NULL;
    }
    return found;
}

static void
scan_add(PlanLook *look, const PlanScan *scan)
{
    Arena *arena = look->work->arena;
    const IssueTable *table = issue_table_of_plan(look->work, look->place, scan->table);
    const IssueTable *root = root_of(look, table);
    PartScan found = scan_of(look, scan, table);
    TableScan *whole = NULL;
    if (isnan(found.rows_read))
        return;
    for (size_t i = 0; whole == NULL && i < look->scans.count; i++) {
        TableScan *before = &look->scans.items[i];
        if (before->table == root && (root != NULL || strcmp(before->parts.items[0].name, found.name) == 0))
            whole = before;
    }
    if (whole == NULL) {
        vector_push(arena, &look->scans, ((TableScan){.table = root}));
        whole = &look->scans.items[look->scans.count - 1];
    }
    for (size_t i = 0; i < whole->parts.count; i++) {
        PartScan *before = &whole->parts.items[i];
        if (strcmp(before->name, found.name) != 0)
            continue;
        if (found.rows_read > before->rows_read)
            *before = found;
        return;
    }
    vector_push(arena, &whole->parts, found);
}

static void
parts_sum(const PlanLook *look, TableScan *scan)
{
    PartScan sum = {.name = scan->parts.items[0].name};
    double greatest = -1;
    for (size_t i = 0; i < scan->parts.count; i++) {
        const PartScan *part = &scan->parts.items[i];
        sum.rows_read += part->rows_read;
        sum.rows_kept += part->rows_kept;
        sum.is_unknown = sum.is_unknown || part->is_unknown;
        sum.is_expected = sum.is_expected || part->is_expected;
        if (part->rows_read > greatest) {
            greatest = part->rows_read;
            sum.filter = part->filter;
        }
    }
    scan->sum = sum;
    scan->is_least = sum.is_unknown || look->plan->has_more_scans;
}

static bool
index_leads_with(const SnapshotRelation *relation, const char *column)
{
    const SnapshotColumn *found = snapshot_column_named(relation, column);
    for (size_t i = 0; found != NULL && i < relation->indexes.count; i++) {
        const SnapshotIndex *index = relation->indexes.items[i];
        if (index->is_valid && index->column_count > 0 && index->columns[0].attnum == found->attnum)
            return true;
    }
    return false;
}

static bool
is_of(const FactColumn *column, const IssueTable *table)
{
    return strcmp(column->table, table->name) == 0 && strcmp(column->schema, table->schema) == 0;
}

/* The columns that the filter names and an index could serve, "a, b"; NULL: none, or one of them has one. */
static const char *
columns_of_filter(const PlanLook *look, const TableScan *scan)
{
    Text columns = text_new(look->work->arena);
    for (size_t i = 0; i < look->facts->columns.count; i++) {
        const FactColumn *column = &look->facts->columns.items[i];
        if (column->role < ROLE_LEAST || !is_of(column, scan->table) ||
            !plan_condition_names(scan->sum.filter, column->column))
            continue;
        if (index_leads_with(scan->table->relation, column->column))
            return NULL;
        text_append_format(&columns, columns.length == 0 ? "%s" : ", %s", column->column);
    }
    return columns.length == 0 ? NULL : columns.data;
}

/* The column that the table is joined by, which no index leads with; NULL: there is none, or another has one.
 */
static const char *
column_of_join(const PlanLook *look, const TableScan *scan)
{
    const char *found = NULL;
    for (size_t i = 0; i < look->facts->joins.count; i++) {
        const FactJoin *join = &look->facts->joins.items[i];
        const FactColumn *column = is_of(&join->left, scan->table)    ? &join->left
                                   : is_of(&join->right, scan->table) ? &join->right
                                                                      : NULL;
        if (column == NULL)
            continue;
        if (index_leads_with(scan->table->relation, column->column))
            return NULL;
        if (found == NULL)
            found = column->column;
    }
    return found;
}

/* What an index would have to lead with so that few rows are read; NULL: it would not help, is there, or it
 * cannot be told. */
static const char *
columns_without_index(const PlanLook *look, const TableScan *scan)
{
    double few = KEPT_SHARE * scan->sum.rows_read;
    if (scan->table == NULL || scan->table->relation == NULL)
        return NULL;
    if (scan->sum.filter != NULL)
        return !scan->sum.is_unknown && scan->sum.rows_kept <= few ? columns_of_filter(look, scan) : NULL;
    return rows_given(look) <= few ? column_of_join(look, scan) : NULL; /* false when it is not known */
}

static const char *
scan_why(const TableScan *scan)
{
    if (scan->table == NULL || scan->table->relation == NULL)
        return "whether an index is there is not known: no schema is kept of it";
    if (scan->sum.filter == NULL)
        return "nothing narrows it down";
    if (scan->sum.is_unknown)
        return "how many rows it has, and so whether its filter keeps few of them, is not known";
    if (scan->sum.rows_kept > KEPT_SHARE * scan->sum.rows_read)
        return "its filter keeps so many of them that an index would not help";
    return "no index serves its filter, or the planner uses none";
}

static const char *
scan_remedy(const TableScan *scan)
{
    if (scan->table == NULL || scan->table->relation == NULL)
        return "read the schema (\"fettle workload NAME analyze\"), so that a missing index can be told";
    if (scan->sum.is_unknown)
        return "ANALYZE it, so that its rows are counted";
    if (scan->sum.filter == NULL)
        return "ask for fewer rows, page through them by a key, or keep a summary of them";
    return "narrow the condition, or let \"fettle advise\" look for a partial or another kind of index";
}

static void
table_scan_tell(PlanLook *look, const TableScan *scan)
{
    IssueWork *work = look->work;
    Arena *arena = work->arena;
    if (scan->sum.rows_read <= ISSUE_SCAN_ROWS)
        return;
    const char *name = scan->table == NULL ? scan->sum.name : issue_table_name(arena, scan->table);
    const char *columns = columns_without_index(look, scan);
    const char *rows = arena_printf(arena, "%s%s", scan->is_least ? "at least " : "",
                                    text_format_count(arena, round(scan->sum.rows_read)));
    IssueFound found = {.type = columns != NULL ? ISSUE_MISSING_INDEX : ISSUE_FULL_TABLE_SCAN,
                        .severity = issue_severity_above(scan->sum.rows_read, ISSUE_SCAN_ROWS_HIGH),
                        .database_name = look->template->database_name,
                        .object = columns == NULL ? name : arena_printf(arena, "%s (%s)", name, columns),
                        .table = name,
                        .statement = look->place,
                        .figure = "rows read by a sequential scan",
                        .value = scan->sum.rows_read,
                        .threshold = ISSUE_SCAN_ROWS};
    if (columns != NULL) {
        bool is_joined = scan->sum.filter == NULL;
        double kept = is_joined ? rows_given(look) : scan->sum.rows_kept;
        found.description = arena_printf(
            arena,
            is_joined ? "%s rows of %s are read to give out %s%s: no index leads with %s, by which it is "
                        "joined"
                      : "%s rows of %s are read to keep %s%s of them: no index leads with %s",
            rows, name, !is_joined && scan->sum.is_expected ? "about " : "",
            text_format_count(arena, round(kept)), columns);
        found.action = arena_printf(arena,
                                    "index %s (%s); \"fettle advise\" finds the index that serves all "
                                    "statements best, and proves it",
                                    name, columns);
    } else {
        found.description = arena_printf(arena, "%s%s rows of %s are read: %s", scan->is_least ? "" : "all ",
                                         rows, name, scan_why(scan));
        found.action = scan_remedy(scan);
    }
    issue_add(work, &found);
}

static const char *
index_key(Arena *arena, const char *database_name, const char *index)
{
    return arena_printf(arena, "%s\001%s", database_name == NULL ? "" : database_name, index);
}

void
issue_index_users_find(IssueWork *work)
{
    const WorkloadTemplates *templates = work->input->templates;
    for (size_t place = 0; place < templates->count; place++) {
        const WorkloadTemplate *template = &templates->items[place];
        const PlanFacts *plan =
            plan_facts_find(work->input->plans, template->database_name, template->query_hash);
        for (size_t i = 0; plan != NULL && i < plan->scans.count; i++) {
            if (plan->scans.items[i].index == NULL)
                continue;
            const char *key = index_key(work->arena, template->database_name, plan->scans.items[i].index);
            size_t *user = map_get(work->index_users, key);
            if (user == NULL) {
                user = ARENA_NEW(work->arena, size_t);
                *user = place;
                map_put(work->index_users, key, user);
            } else if (*user != place) {
                *user = ISSUE_NO_STATEMENT;
            }
        }
    }
}

typedef enum IndexRowsSource { INDEX_ROWS_MEASURED, INDEX_ROWS_EXPECTED, INDEX_ROWS_MEAN } IndexRowsSource;

/* Rows that a scan reads by its index: measured, else as the planner expects of a bitmap's, else the mean of
 * the index's counters, where no other statement is known to use it. NAN: not known. */
static double
index_rows_of(const PlanLook *look, const PlanScan *scan, IndexRowsSource *ret_source)
{
    IssueWork *work = look->work;
    *ret_source = INDEX_ROWS_MEASURED;
    if (!isnan(scan->rows_read) || scan->is_cut)
        return scan->rows_read;
    *ret_source = INDEX_ROWS_EXPECTED;
    if (!isnan(scan->rows_of_index))
        return scan->rows_of_index;
    *ret_source = INDEX_ROWS_MEAN;
    ArenaMark mark = arena_mark(work->arena);
    const size_t *user =
        map_get(work->index_users, index_key(work->arena, look->template->database_name, scan->index));
    arena_rewind(work->arena, mark);
    if (user == NULL || *user != look->place)
        return NAN;
    return issue_index_rows(work->input->catalog, look->template->database_name, scan->index);
}

static const char *
index_rows_tell(Arena *arena, const PlanScan *scan, double rows, IndexRowsSource source)
{
    const char *read = text_format_count(arena, round(rows));
    const char *kept = text_format_count(arena, round(scan->rows_kept));
    switch (source) {
        case INDEX_ROWS_MEASURED:
            return arena_printf(
                arena, "a scan of the index %s reads %s rows, of which the statement's filter keeps %s",
                scan->index, read, kept);
        case INDEX_ROWS_EXPECTED:
            return arena_printf(arena,
                                "a scan of the index %s is expected to read about %s rows, of which the "
                                "statement's filter keeps about %s",
                                scan->index, read, kept);
        case INDEX_ROWS_MEAN: break;
    }
    return arena_printf(arena,
                        "a scan of the index %s, of whatever statement, reads %s rows on average; this "
                        "one's filter is expected to keep about %s",
                        scan->index, read, kept);
}

static void
index_scan_tell(PlanLook *look, const PlanScan *scan)
{
    IssueWork *work = look->work;
    Arena *arena = work->arena;
    IndexRowsSource source;
    double rows = index_rows_of(look, scan, &source);
    if (scan->filter == NULL || isnan(rows) || rows <= ISSUE_SCAN_ROWS || isnan(scan->rows_kept) ||
        scan->rows_kept > KEPT_SHARE * rows)
        return;
    const IssueTable *table = root_of(look, issue_table_of_plan(work, look->place, scan->table));
    IssueFound found = {
        .type = ISSUE_INEFFICIENT_INDEX,
        .severity = issue_severity_above(rows, ISSUE_SCAN_ROWS_HIGH),
        .database_name = look->template->database_name,
        .object = scan->index,
        .table = table == NULL ? scan->table : issue_table_name(arena, table),
        .statement = look->place,
        .figure = "rows read by a scan of the index",
        .value = rows,
        .threshold = ISSUE_SCAN_ROWS,
        .description = index_rows_tell(arena, scan, rows, source),
        .action = "put the filter's columns into the index, or make a partial one; \"fettle advise\" proves "
                  "which"};
    issue_add(work, &found);
}

static void
nested_loop_tell(PlanLook *look)
{
    IssueWork *work = look->work;
    Arena *arena = work->arena;
    double rows = look->plan->rows_nested;
    if (rows <= ISSUE_NESTED_ROWS)
        return;
    const char *label = issue_statement_label(work, look->place);
    IssueFound found = {
        .type = ISSUE_POOR_JOIN_STRATEGY,
        .severity = issue_severity_above(rows, ISSUE_NESTED_ROWS_HIGH),
        .database_name = look->template->database_name,
        .object = arena_printf(arena, "%lld", (long long)look->template->query_hash),
        .statement = look->place,
        .figure = "rows of a nested loop",
        .value = rows,
        .threshold = ISSUE_NESTED_ROWS,
        .description = arena_printf(arena, "a nested loop joins %s rows one by one: %s",
                                    text_format_count(arena, round(rows)), label),
        .action = "see whether the planner's row counts are right (ANALYZE, extended statistics), whether "
                  "the joined columns are indexed, and whether work_mem has room for a hash join"};
    issue_add(work, &found);
}

static IssueFound
cardinality_issue(const PlanLook *look, const PlanError *error)
{
    double off = plan_error_of(error);
    return (IssueFound){.type = ISSUE_WRONG_CARDINALITY,
                        .severity = off >= ISSUE_CARDINALITY_ERROR_HIGH ? ISSUE_HIGH : ISSUE_MEDIUM,
                        .database_name = look->template->database_name,
                        .statement = look->place,
                        .figure = "error of the planner's row count",
                        .value = off,
                        .threshold = ISSUE_CARDINALITY_ERROR,
                        .action = "ANALYZE the tables; if it stays, raise the statistics target of the "
                                  "columns, or CREATE STATISTICS on those that are asked for together"};
}

static bool
is_off(const PlanError *error)
{
    return fmax(error->rows_actual, error->rows_expected) >= ESTIMATE_ROWS_LEAST &&
           plan_error_of(error) >= ISSUE_CARDINALITY_ERROR;
}

static void
scan_errors_tell(PlanLook *look)
{
    Arena *arena = look->work->arena;
    for (size_t i = 0; i < look->plan->errors.count; i++) {
        const PlanError *error = &look->plan->errors.items[i];
        if (!is_off(error))
            continue;
        const IssueTable *table = root_of(look, issue_table_of_plan(look->work, look->place, error->table));
        const char *name = table == NULL ? error->table : issue_table_name(arena, table);
        IssueFound found = cardinality_issue(look, error);
        found.object = found.table = name;
        found.description = arena_printf(arena, "the planner expected %s rows of a scan of %s and %s came",
                                         text_format_count(arena, round(error->rows_expected)), name,
                                         text_format_count(arena, round(error->rows_actual)));
        issue_add(look->work, &found);
    }
}

/* Whether the plan for any parameters expects what a plan for those that are given would: columns are
 * compared with one value each, for such a plan guesses the bounds of ranges, the lengths of lists and what a
 * pattern finds (of lists of any length the server keeps one text, with one value), and no column that has
 * values which are more frequent than others by much. Without a schema, or statistics, it cannot be told. */
static bool
is_plan_of_any_values(const PlanLook *look)
{
    if (look->plan->is_guessed || look->plan->has_more_scans ||
        (look->template->text != NULL && strstr(look->template->text, LIST_MARK) != NULL))
        return false;
    for (size_t i = 0; i < look->plan->scans.count; i++) {
        const PlanScan *scan = &look->plan->scans.items[i];
        const IssueTable *table = root_of(look, issue_table_of_plan(look->work, look->place, scan->table));
        const SnapshotRelation *relation = table == NULL ? NULL : table->relation;
        if (relation == NULL || (relation->statistics.count == 0 && !table->was_never_analyzed))
            return false;
        const char *conditions[] = {scan->filter, scan->condition};
        for (size_t c = 0; c < FETTLE_COUNT_OF(conditions); c++)
            if (conditions[c] != NULL && !plan_condition_is_equality(conditions[c]))
                return false;
        for (size_t c = 0; c < look->facts->columns.count; c++) {
            const FactColumn *used = &look->facts->columns.items[c];
            const SnapshotColumn *column =
                is_of(used, table) ? snapshot_column_named(relation, used->column) : NULL;
            if (column != NULL && characteristic_skew(relation, column) > SKEW_MOST) /* false of NaN */
                return false;
        }
    }
    return look->plan->scans.count > 0;
}

/* Where no scan was measured: what the statement returns on average, beside its plan for any parameters. A
 * LIMIT's number is not in the text, so the planner could not know it. */
static void
returned_rows_tell(PlanLook *look)
{
    Arena *arena = look->work->arena;
    PlanError error = {.rows_expected = look->plan->rows_expected,
                       .rows_actual = template_rows_per_call(look->template)};
    if (look->plan->errors.count > 0 || look->facts->kind != SQL_KIND_SELECT ||
        look->facts->shape.has_limit || look->template->calls < CALLS_LEAST || isnan(error.rows_expected) ||
        !is_off(&error) || !is_plan_of_any_values(look))
        return;
    IssueFound found = cardinality_issue(look, &error);
    found.object = arena_printf(arena, "%lld", (long long)look->template->query_hash);
    found.description = arena_printf(arena, "the planner expects %s rows and %s come on average: %s",
                                     text_format_count(arena, round(error.rows_expected)),
                                     text_format_count(arena, round(error.rows_actual)),
                                     issue_statement_label(look->work, look->place));
    issue_add(look->work, &found);
}

void
issues_of_plan(IssueWork *work, size_t place)
{
    const WorkloadTemplate *template = &work->input->templates->items[place];
    PlanLook look = {.work = work,
                     .place = place,
                     .template = template,
                     .facts = &work->input->facts[place],
                     .plan =
                         plan_facts_find(work->input->plans, template->database_name, template->query_hash)};
    for (size_t i = 0; i < look.plan->scans.count; i++) {
        const PlanScan *scan = &look.plan->scans.items[i];
        if (scan->is_sequential && !scan->is_cut)
            scan_add(&look, scan);
        else if (scan->index != NULL)
            index_scan_tell(&look, scan);
    }
    for (size_t i = 0; i < look.scans.count; i++) {
        parts_sum(&look, &look.scans.items[i]);
        table_scan_tell(&look, &look.scans.items[i]);
    }
    nested_loop_tell(&look);
    scan_errors_tell(&look);
    returned_rows_tell(&look);
}
