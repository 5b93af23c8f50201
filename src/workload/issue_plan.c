// SPDX-License-Identifier: PostgreSQL
#include "workload/characteristic.h"
#include "workload/issue_internal.h"

#include <math.h>
#include <string.h>

#define KEPT_SHARE 0.1         /* of a scan's rows, above which no index would help */
#define ESTIMATE_ROWS_LEAST 10 /* an error among fewer changes no plan */
#define CALLS_LEAST 10         /* whose mean says something */
#define SKEW_MOST 1.25         /* of a column whose mean over all values is that of the values asked for */
#define ROLE_LEAST 0.8         /* of a column that an index could serve: equality, join, IN, range */

/* The sequential scans of one table in a plan: partitions are added up. */
typedef struct TableScan {
    const IssueTable *table; /* the root; NULL: not known */
    const char *name;        /* as the plan tells it */
    const char *filter;
    double rows_read; /* at least, when it is not known how many there are */
    double rows_kept;
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
static TableScan
scan_of(const PlanLook *look, const PlanScan *scan)
{
    const IssueTable *table = issue_table_of_plan(look->work, look->place, scan->table);
    TableScan found = {.table = root_of(look, table),
                       .name = scan->table,
                       .filter = scan->filter,
                       .rows_kept = scan->rows_kept,
                       .rows_read = scan->rows_read};
    if (isnan(found.rows_read) && table != NULL)
        found.rows_read = table->row_count;
    if (look->plan->scans.count == 1 && isnan(scan->rows_read) && !isnan(rows_given(look)))
        found.rows_kept = rows_given(look);
    if (isnan(found.rows_read)) {
        found.rows_read = scan->rows_kept;
        found.is_least = scan->filter != NULL;
    }
    return found;
}

static void
scan_add(PlanLook *look, const PlanScan *scan)
{
    TableScan found = scan_of(look, scan);
    if (isnan(found.rows_read))
        return;
    for (size_t i = 0; i < look->scans.count; i++) {
        TableScan *before = &look->scans.items[i];
        if (before->table != found.table || (found.table == NULL && strcmp(before->name, found.name) != 0))
            continue;
        if (strcmp(before->name, found.name) != 0) {
            before->rows_read += found.rows_read;
            before->rows_kept += found.rows_kept;
            before->is_least = before->is_least || found.is_least;
        } else if (found.rows_read > before->rows_read) {
            *before = found;
        }
        return;
    }
    vector_push(look->work->arena, &look->scans, found);
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
            !plan_condition_names(scan->filter, column->column))
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
    double few = KEPT_SHARE * scan->rows_read;
    if (scan->table == NULL || scan->table->relation == NULL)
        return NULL;
    if (scan->filter != NULL)
        return scan->is_least || scan->rows_kept <= few ? columns_of_filter(look, scan) : NULL;
    return rows_given(look) <= few ? column_of_join(look, scan) : NULL; /* false when it is not known */
}

static const char *
scan_why(const TableScan *scan)
{
    if (scan->table == NULL || scan->table->relation == NULL)
        return "whether an index is there is not known: no schema is kept of it";
    if (scan->filter == NULL)
        return "nothing narrows it down";
    if (!scan->is_least && scan->rows_kept > KEPT_SHARE * scan->rows_read)
        return "its filter keeps so many of them that an index would not help";
    return "no index serves its filter, or the planner uses none";
}

static const char *
scan_remedy(const TableScan *scan)
{
    if (scan->table == NULL || scan->table->relation == NULL)
        return "read the schema (\"fettle workload NAME analyze\"), so that a missing index can be told";
    if (scan->filter == NULL)
        return "ask for fewer rows, page through them by a key, or keep a summary of them";
    return "narrow the condition, or let \"fettle advise\" look for a partial or another kind of index";
}

static void
table_scan_tell(PlanLook *look, const TableScan *scan)
{
    IssueWork *work = look->work;
    Arena *arena = work->arena;
    if (scan->rows_read <= ISSUE_SCAN_ROWS)
        return;
    const char *name = scan->table == NULL ? scan->name : issue_table_name(arena, scan->table);
    const char *columns = columns_without_index(look, scan);
    const char *rows = arena_printf(arena, "%s%s", scan->is_least ? "at least " : "",
                                    text_format_count(arena, round(scan->rows_read)));
    IssueFound found = {.type = columns != NULL ? ISSUE_MISSING_INDEX : ISSUE_FULL_TABLE_SCAN,
                        .severity = issue_severity_above(scan->rows_read, ISSUE_SCAN_ROWS_HIGH),
                        .database_name = look->template->database_name,
                        .object = columns == NULL ? name : arena_printf(arena, "%s (%s)", name, columns),
                        .table = name,
                        .statement = look->place,
                        .figure = "rows read by a sequential scan",
                        .value = scan->rows_read,
                        .threshold = ISSUE_SCAN_ROWS};
    if (columns != NULL) {
        double kept = scan->filter == NULL ? rows_given(look) : scan->rows_kept;
        found.description = arena_printf(
            arena,
            scan->filter == NULL ? "%s rows of %s are read to give out %s: no index leads with %s, by which "
                                   "it is joined"
                                 : "%s rows of %s are read to keep %s of them: no index leads with %s",
            rows, name, text_format_count(arena, round(kept)), columns);
        found.action = arena_printf(arena,
                                    "index %s (%s); \"fettle advise\" finds the index that serves all "
                                    "statements best, and proves it",
                                    name, columns);
    } else {
        found.description = arena_printf(arena, "all %s rows of %s are read: %s", rows, name, scan_why(scan));
        found.action = scan_remedy(scan);
    }
    issue_add(work, &found);
}

static void
index_scan_tell(PlanLook *look, const PlanScan *scan)
{
    IssueWork *work = look->work;
    Arena *arena = work->arena;
    double rows = scan->rows_read;
    if (isnan(rows) && !scan->is_cut)
        rows = issue_index_rows(work->input->catalog, look->template->database_name, scan->index);
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
        .description = arena_printf(
            arena,
            "a scan of the index %s reads %s rows on average, of which the statement's filter keeps %s",
            scan->index, text_format_count(arena, round(rows)),
            text_format_count(arena, round(scan->rows_kept))),
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

/* Whether the plan for any parameters expects what a plan for those that are given would: no bound of a range
 * or pattern among them, which such a plan guesses, and no column that has values which are more frequent
 * than others by much. Without a schema, or statistics, it cannot be told. */
static bool
is_plan_of_any_values(const PlanLook *look)
{
    for (size_t i = 0; i < look->plan->scans.count; i++) {
        const PlanScan *scan = &look->plan->scans.items[i];
        const IssueTable *table = root_of(look, issue_table_of_plan(look->work, look->place, scan->table));
        const SnapshotRelation *relation = table == NULL ? NULL : table->relation;
        if (relation == NULL || (relation->statistics.count == 0 && !table->was_never_analyzed))
            return false;
        const char *conditions[] = {scan->filter, scan->condition};
        for (size_t c = 0; c < FETTLE_COUNT_OF(conditions); c++)
            if (conditions[c] != NULL && strpbrk(conditions[c], "<>~@") != NULL)
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
    for (size_t i = 0; i < look.scans.count; i++)
        table_scan_tell(&look, &look.scans.items[i]);
    nested_loop_tell(&look);
    scan_errors_tell(&look);
    returned_rows_tell(&look);
}
