// SPDX-License-Identifier: PostgreSQL
#include "workload/issue_internal.h"

#include "base/hash.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOINS_HIGH 10.0      /* beyond it the planner does not try all orders: from_collapse_limit is 8 */
#define BLOCKS_LEAST 10000.0 /* before a hit ratio says something */
#define SIMILAR_HIGH 100.0

static const char *
hash_object(const IssueWork *work, size_t place)
{
    return arena_printf(work->arena, "%lld", (long long)work->input->templates->items[place].query_hash);
}

static void
joins_tell(IssueWork *work, size_t place)
{
    double joins = work->input->facts[place].shape.join_count;
    if (joins <= ISSUE_JOINS)
        return;
    IssueFound found = {
        .type = ISSUE_SUBOPTIMAL_PATTERN,
        .severity = issue_severity_above(joins, JOINS_HIGH),
        .database_name = work->input->templates->items[place].database_name,
        .object = hash_object(work, place),
        .statement = place,
        .figure = "joins of a statement",
        .value = joins,
        .threshold = ISSUE_JOINS,
        .description = arena_printf(work->arena, "%.0f joins in one statement%s: %s", joins,
                                    joins > JOINS_HIGH ? ", more than the planner tries all orders of" : "",
                                    issue_statement_label(work, place)),
        .action = "leave out tables that nothing is taken from, split what is asked in several steps, or "
                  "keep what is always joined together"};
    issue_add(work, &found);
}

static void
blocks_tell(IssueWork *work, size_t place)
{
    const WorkloadTemplate *template = &work->input->templates->items[place];
    double blocks = template->blocks_hit + template->blocks_read;
    double ratio = blocks > 0 ? template->blocks_hit / blocks : 1;
    if (blocks < BLOCKS_LEAST || ratio >= ISSUE_HIT_RATIO)
        return;
    IssueFound found = {
        .type = ISSUE_HIGH_IO_WORKLOAD,
        .severity = ratio < ISSUE_HIT_RATIO_HIGH ? ISSUE_HIGH : ISSUE_MEDIUM,
        .database_name = template->database_name,
        .object = hash_object(work, place),
        .statement = place,
        .figure = "share of blocks found in shared buffers",
        .value = ratio,
        .threshold = ISSUE_HIT_RATIO,
        .description = arena_printf(
            work->arena, "%s blocks of %s are read from the system, %s a call: %s",
            text_format_count(work->arena, template->blocks_read), text_format_count(work->arena, blocks),
            text_format_count(work->arena, round(template->blocks_read / fmax(template->calls, 1))),
            issue_statement_label(work, place)),
        .action = "index what it reads sequentially, so that it needs fewer blocks; then compare "
                  "shared_buffers with the size of what is read most"};
    issue_add(work, &found);
}

static void
report_tell(IssueWork *work, size_t place)
{
    const WorkloadTemplate *template = &work->input->templates->items[place];
    const StatementFacts *facts = &work->input->facts[place];
    const SqlShape *shape = &facts->shape;
    double mean_ms = template_mean_ms(template);
    bool is_report = facts->kind == SQL_KIND_SELECT &&
                     (shape->has_aggregate || shape->has_group_by || shape->window_count > 0);
    if (!is_report || mean_ms <= ISSUE_REPORT_MS)
        return;
    IssueFound found = {
        .type = ISSUE_INEFFICIENT_REPORTING,
        .severity = issue_severity_above(mean_ms, ISSUE_REPORT_MS_HIGH),
        .database_name = template->database_name,
        .object = hash_object(work, place),
        .statement = place,
        .figure = "milliseconds a call of a report",
        .value = mean_ms,
        .threshold = ISSUE_REPORT_MS,
        .description = arena_printf(
            work->arena, "a report takes %s, %s times: %s", text_format_duration_ms(work->arena, mean_ms),
            text_format_count(work->arena, template->calls), issue_statement_label(work, place)),
        .action = "keep its result (a materialised view, a summary table that is added to), run it on a "
                  "replica, or in the quiet hours"};
    issue_add(work, &found);
}

void
issues_of_statement(IssueWork *work, size_t place)
{
    joins_tell(work, place);
    blocks_tell(work, place);
    report_tell(work, place);
}

static int
text_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

#define LIKENESS_BYTES 33 /* 128 bits in hex */

/* What statements that a program generates have in common: all but what they give out and the length of
 * their lists, as a hash: a text may name hundreds of columns. */
static void
likeness_of(const IssueWork *work, size_t place, char ret_likeness[LIKENESS_BYTES])
{
    const StatementFacts *facts = &work->input->facts[place];
    const SqlShape *shape = &facts->shape;
    size_t count = facts->tables.count + facts->columns.count;
    ArenaMark mark = arena_mark(work->arena);
    const char **parts = ARENA_NEW_ARRAY(work->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        bool is_table = i < facts->tables.count;
        const FactColumn *part =
            is_table ? &facts->tables.items[i] : &facts->columns.items[i - facts->tables.count];
        parts[i] =
            arena_printf(work->arena, "%s.%s.%s", part->schema, part->table, is_table ? "" : part->column);
    }
    qsort(parts, count, sizeof(*parts), text_compare);
    Text likeness = text_new(work->arena);
    text_append_format(&likeness, "%s\001%d %d %d %d %d %d %d",
                       work->input->templates->items[place].database_name, (int)facts->kind,
                       shape->join_count, shape->subquery_count, shape->cte_count, shape->has_aggregate,
                       shape->has_group_by, shape->has_limit);
    for (size_t i = 0; i < count; i++)
        text_append_format(&likeness, "\001%s", parts[i]);
    (void)snprintf(ret_likeness, LIKENESS_BYTES, "%016" PRIx64 "%016" PRIx64,
                   hash_bytes(likeness.data, likeness.length, 0),
                   hash_bytes(likeness.data, likeness.length, 1));
    arena_rewind(work->arena, mark);
}

VECTOR_DEFINE(Places, size_t);

static void
similar_tell(IssueWork *work, const char *likeness, const Places *places)
{
    double count = (double)places->count;
    const WorkloadTemplate *first = &work->input->templates->items[places->items[0]];
    if (count <= ISSUE_SIMILAR_STATEMENTS)
        return;
    IssueFound found = {
        .type = ISSUE_ORM_GENERATED,
        .severity = issue_severity_above(count, SIMILAR_HIGH),
        .database_name = first->database_name,
        .object = likeness,
        .figure = "statements that are alike",
        .value = count,
        .threshold = ISSUE_SIMILAR_STATEMENTS,
        .description = arena_printf(work->arena,
                                    "%.0f statements differ only in their output or the length of a list: %s",
                                    count, issue_statement_label(work, places->items[0])),
        .action = "let the program that generates them ask for one list of columns, and give lists as one "
                  "array parameter (= ANY($1)): each text is planned, and kept by pg_stat_statements, by "
                  "itself"};
    for (size_t i = 0; i < places->count; i++) {
        found.statement = places->items[i];
        issue_add(work, &found);
    }
}

void
issues_of_similar(IssueWork *work)
{
    Map *groups = map_new(work->arena);
    for (size_t i = 0; i < work->input->templates->count; i++) {
        const StatementFacts *facts = &work->input->facts[i];
        char likeness[LIKENESS_BYTES];
        if (facts->tables.count == 0 || facts->kind == SQL_KIND_UNPARSED || facts->is_internal)
            continue;
        likeness_of(work, i, likeness);
        Places *places = map_get(groups, likeness);
        if (places == NULL) {
            places = ARENA_NEW(work->arena, Places);
            map_put(groups, likeness, places);
        }
        vector_push(work->arena, places, i);
    }
    for (size_t i = 0; i < map_count(groups); i++)
        similar_tell(work, map_key_at(groups, i), map_value_at(groups, i));
}
