// SPDX-License-Identifier: PostgreSQL
/*
 * SQL texts from anywhere: parsing, normalising, splitting and analysing must neither crash nor run on.
 *
 *     fuzz_sql fuzz/corpus/sql
 */
#include "../tests/unit/sql/memory_catalog.h"
#include "sql/analysis.h"
#include "sql/constants.h"
#include "sql/names.h"
#include "sql/plannable.h"
#include "sql/shape.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
analysis_check(const SqlAnalysis *analysis)
{
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        fettle_assert(predicate->use >= 0 && (size_t)predicate->use < analysis->use_count);
        fettle_assert(predicate->join_use < (int)analysis->use_count);
        fettle_assert(predicate->operator_name != NULL);
        fettle_assert(predicate->is_under_or == (predicate->or_group > 0));
    }
    for (size_t i = 0; i < analysis->sort_count; i++)
        for (size_t k = 0; k < analysis->sorts[i].key_count; k++)
            fettle_assert(analysis->sorts[i].keys[k].use < (int)analysis->use_count);
    fettle_assert((analysis->unresolved_count == 0) == (analysis->unresolved_first == NULL));
}

/* What was printed as an expression must parse, as one expression. */
static void
expressions_check(Arena *arena, const SqlAnalysis *analysis)
{
    for (size_t i = 0; i < analysis->predicate_count && i < 8; i++) {
        const char *expression = analysis->predicates[i].expression;
        if (expression == NULL)
            continue;
        const char *text = arena_printf(arena, "select (%s)", expression);
        SqlStatement *statement = sql_statement_parse(arena, text, strlen(text));
        fettle_assert(sql_statement_kind(statement) == SQL_KIND_SELECT);
    }
}

/* Constants that are found in a text, filled into its normalised form, are found there again. */
static void
constants_check(Arena *arena, const SqlStatement *statement)
{
    const char *normalized = sql_statement_normalized(arena, statement);
    const char *text = sql_statement_text(statement);
    size_t count = sql_constants_count(normalized);
    SqlConstant constants[SQL_CONSTANTS_MOST];
    const char *literals[SQL_CONSTANTS_MOST];
    SqlConstantPlace places[SQL_CONSTANTS_MOST];
    if (count > SQL_CONSTANTS_MOST || !sql_constants_bind(arena, normalized, text, constants, count))
        return;
    fettle_assert(sql_constants_key(normalized) == sql_constants_key(text));
    sql_constants_places(arena, normalized, places, count);
    /* A negative number is filled in with parentheses, which are no part of a constant. */
    for (size_t i = 0; i < count; i++)
        literals[i] =
            constants[i].literal == NULL || constants[i].literal[0] == '(' ? NULL : constants[i].literal;
    const char *filled = sql_constants_fill(arena, normalized, literals, count);
    fettle_assert(sql_constants_bind(arena, normalized, filled, constants, count));
    for (size_t i = 0; i < count; i++)
        fettle_assert(literals[i] == NULL || strcmp(literals[i], constants[i].literal) == 0);
}

typedef struct Input {
    const uint8_t *data;
    size_t size;
} Input;

static void
input_check(void *context)
{
    const Input *input = context;
    SqlCatalog catalog = memory_catalog();
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)256 << 20);
    const char *text = (const char *)input->data;
    SqlStatement *statement = sql_statement_parse(arena, text, input->size);
    fettle_assert(sql_statement_fingerprint(statement) != 0);
    fettle_assert(sql_statement_normalized(arena, statement) != NULL);
    fettle_assert((sql_statement_kind(statement) == SQL_KIND_UNPARSED) ==
                  (sql_statement_reason(statement) != SQL_REASON_NONE));
    (void)sql_plannable_text(arena, sql_statement_text(statement));
    constants_check(arena, statement);
    const SqlAnalysis *analysis = sql_analyze(arena, statement, &catalog);
    analysis_check(analysis);
    expressions_check(arena, analysis);
    SqlNameGuess *guess = sql_name_guess_new(arena);
    sql_name_guess_add(guess, statement);
    SqlCatalog guessed = sql_name_guess_catalog(guess);
    analysis_check(sql_analyze(arena, statement, &guessed));
    fettle_assert(sql_shape(statement).join_count >= 0);
    TextList split = sql_split(arena, text, input->size, 100);
    fettle_assert(split.count <= 100);
}

/* Every second one as a batch, in which all calls share a thread. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {.data = data, .size = size};
    if (size % 2 == 0)
        input_check(&input);
    else
        sql_batch_run(input_check, &input);
    return 0;
}
