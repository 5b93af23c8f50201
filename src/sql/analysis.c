// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <string.h>

bool
analyzer_enter(Analyzer *analyzer)
{
    if (analyzer->depth >= ANALYSIS_DEPTH_MOST || analyzer->steps >= ANALYSIS_STEPS_MOST) {
        analyzer->result->is_partial = true;
        return false;
    }
    analyzer->depth++;
    analyzer->steps++;
    return true;
}

void
analyzer_leave(Analyzer *analyzer)
{
    fettle_assert(analyzer->depth > 0);
    analyzer->depth--;
}

void
analyzer_unresolved(Analyzer *analyzer, const char *name)
{
    analyzer->result->unresolved_count++;
    if (analyzer->result->unresolved_first == NULL)
        analyzer->result->unresolved_first = arena_strdup(analyzer->arena, name);
}

const char *
node_string(const Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

const char *
names_last(Node *const *names, size_t count)
{
    return count == 0 ? NULL : node_string(names[count - 1]);
}

bool
use_set_has(const UseSet *set, int use)
{
    return use >= 0 && (set->words[use / 64] >> (use % 64) & 1) != 0;
}

void
use_set_add(UseSet *set, int use)
{
    fettle_assert(use >= 0 && use < ANALYSIS_USES_MOST);
    set->words[use / 64] |= (uint64_t)1 << (use % 64);
}

/* The attnums that are marked, ascending. */
static const int *
attnums_marked(Arena *arena, const bool *marks, int most, size_t *ret_count)
{
    int *attnums = ARENA_NEW_ARRAY(arena, int, (size_t)most + 1);
    size_t count = 0;
    for (int attnum = 1; attnum <= most; attnum++)
        if (marks[attnum])
            attnums[count++] = attnum;
    *ret_count = count;
    return attnums;
}

static void
analysis_finish(Analyzer *analyzer)
{
    SqlAnalysis *result = analyzer->result;
    SqlRelationUse *uses = ARENA_NEW_ARRAY(analyzer->arena, SqlRelationUse, analyzer->uses.count);
    for (size_t i = 0; i < analyzer->uses.count; i++) {
        const UseState *state = &analyzer->uses.items[i];
        uses[i] = state->use;
        uses[i].needed_columns =
            attnums_marked(analyzer->arena, state->needed, state->attnum_most, &uses[i].needed_column_count);
        uses[i].written_columns = attnums_marked(analyzer->arena, state->written, state->attnum_most,
                                                 &uses[i].written_column_count);
    }
    result->uses = uses;
    result->use_count = analyzer->uses.count;
    result->predicates = analyzer->predicates.items;
    result->predicate_count = analyzer->predicates.count;
    result->sorts = analyzer->sorts.items;
    result->sort_count = analyzer->sorts.count;
}

typedef struct AnalysisWork {
    Analyzer analyzer;
    const SqlStatement *statement;
} AnalysisWork;

static void
analysis_work(void *context)
{
    AnalysisWork *work = context;
    Outputs outputs = {0};
    query_count_names(&work->analyzer, &work->statement->tree->base);
    query_analyze(&work->analyzer, NULL, SCOPE_TOP, work->statement->tree->stmts[0]->stmt, &outputs);
    outputs_need(&work->analyzer, &outputs);
    analysis_finish(&work->analyzer);
}

const SqlAnalysis *
sql_analyze(Arena *arena, const SqlStatement *statement, const SqlCatalog *catalog)
{
    SqlAnalysis *result = ARENA_NEW(arena, SqlAnalysis);
    result->kind = statement->kind;
    if (statement->tree == NULL)
        return result;
    AnalysisWork work = {
        .statement = statement,
        .analyzer = {.arena = arena, .catalog = catalog, .result = result, .name_counts = map_new(arena)}};
    sql_big_stack_run(analysis_work, &work);
    return result;
}

const char *
sql_predicate_kind_word(SqlPredicateKind kind)
{
    static const char *const words[] = {"equal",       "in",        "range",       "not_equal",    "is_null",
                                        "is_not_null", "boolean",   "like_prefix", "like_unknown", "like_any",
                                        "contains",    "full_text", "join",        "join_range",   "other"};
    fettle_assert((size_t)kind < FETTLE_COUNT_OF(words));
    return words[kind];
}
