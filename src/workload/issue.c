// SPDX-License-Identifier: PostgreSQL
#include "workload/issue_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_BYTES 120
#define CRITICAL_FACTOR 100.0
#define CRITICAL_SHARE 0.25

static const char *const type_words[ISSUE_TYPES] = {
    [ISSUE_MISSING_INDEX] = "missing_index",
    [ISSUE_INEFFICIENT_INDEX] = "inefficient_index",
    [ISSUE_POOR_JOIN_STRATEGY] = "poor_join_strategy",
    [ISSUE_FULL_TABLE_SCAN] = "full_table_scan",
    [ISSUE_SUBOPTIMAL_PATTERN] = "suboptimal_pattern",
    [ISSUE_STALE_STATISTICS] = "stale_statistics",
    [ISSUE_WRONG_CARDINALITY] = "wrong_cardinality",
    [ISSUE_ORM_GENERATED] = "orm_generated",
    [ISSUE_HIGH_IO_WORKLOAD] = "high_io_workload",
    [ISSUE_INEFFICIENT_REPORTING] = "inefficient_reporting",
    [ISSUE_CONFIG_TUNING] = "config_tuning",
};

const char *
issue_type_word(IssueType type)
{
    return type_words[type];
}

const char *
issue_severity_word(IssueSeverity severity)
{
    static const char *const words[] = {"low", "medium", "high", "critical"};
    return words[severity];
}

IssueSeverity
issue_severity_above(double value, double high)
{
    return value > high ? ISSUE_HIGH : ISSUE_MEDIUM;
}

const char *
issue_table_name(Arena *arena, const IssueTable *table)
{
    return arena_printf(arena, "%s.%s", table->schema, table->name);
}

const char *
issue_statement_label(const IssueWork *work, size_t place)
{
    return template_label(work->arena, work->input->templates->items[place].text, LABEL_BYTES);
}

/* Of one issue, while they are found. */
typedef struct IssuePlace {
    size_t place; /* in the list */
    size_t last_statement;
    Map *tables; /* all, once there are more than are named; else NULL */
} IssuePlace;

/* The name is of the arena, from the mark on when it was made for this. */
static void
table_add(IssueWork *work, IssuePlace *place, const char *name, ArenaMark mark)
{
    Issue *issue = &work->list.items[place->place];
    bool is_there = place->tables == NULL ? text_list_contains(&issue->tables, name)
                                          : map_get(place->tables, name) != NULL;
    if (is_there) {
        arena_rewind(work->arena, mark);
        return;
    }
    issue->table_count++;
    if (issue->tables.count < ISSUE_TABLES_MOST) {
        vector_push(work->arena, &issue->tables, name);
        return;
    }
    if (place->tables == NULL) {
        place->tables = map_new(work->arena);
        for (size_t i = 0; i < issue->tables.count; i++)
            map_put(place->tables, issue->tables.items[i], work);
    }
    map_put(place->tables, name, work);
}

static void
tables_add(IssueWork *work, IssuePlace *place, const IssueFound *found)
{
    if (found->table != NULL) {
        table_add(work, place, found->table, arena_mark(work->arena));
        return;
    }
    if (found->statement == ISSUE_NO_STATEMENT)
        return;
    const FactColumns *tables = &work->input->facts[found->statement].tables;
    for (size_t i = 0; i < tables->count; i++) {
        const FactColumn *table = &tables->items[i];
        ArenaMark mark = arena_mark(work->arena);
        const char *name = table->schema[0] == '\0'
                               ? table->table
                               : arena_printf(work->arena, "%s.%s", table->schema, table->table);
        table_add(work, place, name, mark);
    }
}

/* Templates come in the order of their time, so the first ones are the costliest. */
static void
statement_add(IssueWork *work, IssuePlace *place, size_t statement)
{
    const WorkloadTemplates *templates = work->input->templates;
    Issue *issue = &work->list.items[place->place];
    if (place->last_statement == statement)
        return;
    place->last_statement = statement;
    if (issue->statement_named < ISSUE_STATEMENTS_MOST)
        issue->statements[issue->statement_named++] = statement;
    issue->statement_count++;
    if (templates->total_ms > 0)
        issue->time_share += templates->items[statement].total_ms / templates->total_ms;
}

static bool
is_graver(const IssueFound *found, const Issue *issue)
{
    if (found->severity != issue->severity)
        return found->severity > issue->severity;
    return found->value > issue->value;
}

/* The object's issue, new when there was none of the type: *ret_is_new. */
static IssuePlace *
place_take(IssueWork *work, const IssueFound *found, bool *ret_is_new)
{
    ArenaMark mark = arena_mark(work->arena);
    const char *key = arena_printf(work->arena, "%s\001%s\001%s", issue_type_word(found->type),
                                   found->database_name == NULL ? "" : found->database_name, found->object);
    IssuePlace *place = map_get(work->places, key);
    *ret_is_new = place == NULL;
    if (place != NULL) {
        arena_rewind(work->arena, mark);
        return place;
    }
    place = ARENA_NEW(work->arena, IssuePlace);
    *place = (IssuePlace){.place = work->list.count, .last_statement = ISSUE_NO_STATEMENT};
    map_put(work->places, key, place);
    vector_push(work->arena, &work->list,
                ((Issue){.type = found->type, .database_name = found->database_name}));
    return place;
}

void
issue_add(IssueWork *work, const IssueFound *found)
{
    bool is_new;
    IssuePlace *place = place_take(work, found, &is_new);
    Issue *issue = &work->list.items[place->place];
    if (is_new || is_graver(found, issue)) {
        issue->severity = found->severity;
        issue->figure = found->figure;
        issue->value = found->value;
        issue->threshold = found->threshold;
        issue->description = found->description;
        issue->action = found->action;
    }
    tables_add(work, place, found);
    if (found->statement != ISSUE_NO_STATEMENT)
        statement_add(work, place, found->statement);
}

/* Of figures of rows, for which there is a "high". */
static double
high_of(IssueType type)
{
    switch (type) {
        case ISSUE_MISSING_INDEX:
        case ISSUE_FULL_TABLE_SCAN:
        case ISSUE_INEFFICIENT_INDEX: return ISSUE_SCAN_ROWS_HIGH;
        case ISSUE_POOR_JOIN_STRATEGY: return ISSUE_NESTED_ROWS_HIGH;
        case ISSUE_INEFFICIENT_REPORTING: return ISSUE_REPORT_MS_HIGH;
        case ISSUE_SUBOPTIMAL_PATTERN:
        case ISSUE_STALE_STATISTICS:
        case ISSUE_WRONG_CARDINALITY:
        case ISSUE_ORM_GENERATED:
        case ISSUE_HIGH_IO_WORKLOAD:
        case ISSUE_CONFIG_TUNING:
        case ISSUE_TYPES: break;
    }
    return INFINITY;
}

static int
issue_compare(const void *left, const void *right)
{
    const Issue *a = left;
    const Issue *b = right;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    if (a->time_share < b->time_share || a->time_share > b->time_share)
        return a->time_share > b->time_share ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return strcmp(a->description, b->description);
}

static void
statements_look(IssueWork *work)
{
    const IssueInput *input = work->input;
    for (size_t i = 0; i < input->templates->count; i++) {
        const WorkloadTemplate *template = &input->templates->items[i];
        const StatementFacts *facts = &input->facts[i];
        bool is_known = template->text != NULL && facts->kind != SQL_KIND_UNPARSED;
        if (is_known && (facts->is_internal || facts->kind == SQL_KIND_UTILITY))
            continue;
        work->counts.statement_count++;
        if (!is_known)
            work->counts.without_text++;
        else if (facts->is_guessed)
            work->counts.without_schema++;
        if (plan_facts_find(input->plans, template->database_name, template->query_hash) == NULL)
            work->counts.without_plan++;
        else
            issues_of_plan(work, i);
        issues_of_statement(work, i);
    }
}

void
issues_find(Arena *arena, const IssueInput *input, Issues *ret_issues)
{
    IssueWork work = {
        .arena = arena, .input = input, .places = map_new(arena), .index_users = map_new(arena)};
    issue_index_users_find(&work);
    statements_look(&work);
    issues_of_similar(&work);
    issues_of_tables(&work);
    issues_of_settings(&work);
    for (size_t i = 0; i < work.list.count; i++) {
        Issue *issue = &work.list.items[i];
        if (issue->severity == ISSUE_HIGH && issue->time_share >= CRITICAL_SHARE &&
            issue->value > CRITICAL_FACTOR * high_of(issue->type))
            issue->severity = ISSUE_CRITICAL;
    }
    if (work.list.count > 1)
        qsort(work.list.items, work.list.count, sizeof(*work.list.items), issue_compare);
    work.counts.has_all_relations = !input->catalog->is_cut;
    work.counts.items = work.list.items;
    work.counts.found_count = work.list.count;
    work.counts.count = work.list.count < ISSUES_MOST ? work.list.count : ISSUES_MOST;
    *ret_issues = work.counts;
}
