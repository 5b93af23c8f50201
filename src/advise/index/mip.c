// SPDX-License-Identifier: PostgreSQL
#include "advise/index/mip.h"

#include "base/list.h"

#include <coin/Cbc_C_Interface.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <signal.h>

typedef struct MipColumn {
    double low;
    double high;
    double cost;
    bool is_integer;
} MipColumn;

typedef struct MipRow {
    double low;
    double high;
} MipRow;

typedef struct MipTerm {
    int row;
    int column;
    double coefficient;
} MipTerm;

VECTOR_DEFINE(MipColumns, MipColumn);
VECTOR_DEFINE(MipRows, MipRow);
VECTOR_DEFINE(MipTerms, MipTerm);

struct Mip {
    Arena *arena;
    Cbc_Model *model; /* made by mip_solve() */
    MipColumns columns;
    MipRows rows;
    MipTerms terms; /* row by row */
    const double *values;
};

Mip *
mip_new(Arena *arena)
{
    Mip *mip = ARENA_NEW(arena, Mip);
    *mip = (Mip){.arena = arena};
    return mip;
}

void
mip_free(Mip *mip)
{
    if (mip == NULL || mip->model == NULL)
        return;
    Cbc_deleteModel(mip->model);
    mip->model = NULL;
    mip->values = NULL;
}

void
mip_free_at(Mip **mip)
{
    mip_free(*mip);
    *mip = NULL;
}

int
mip_column(Mip *mip, double low, double high, double cost, bool is_integer)
{
    MipColumn column = {.low = low, .high = high, .cost = cost, .is_integer = is_integer};
    fettle_assert(mip->columns.count < INT_MAX);
    vector_push(mip->arena, &mip->columns, column);
    return (int)mip->columns.count - 1;
}

int
mip_column_count(const Mip *mip)
{
    return (int)mip->columns.count;
}

void
mip_row_term(Mip *mip, int column, double coefficient)
{
    fettle_assert(column >= 0 && column < mip_column_count(mip));
    MipTerm term = {.row = (int)mip->rows.count, .column = column, .coefficient = coefficient};
    vector_push(mip->arena, &mip->terms, term);
}

void
mip_row_end(Mip *mip, MipSense sense, double right)
{
    MipRow row = {.low = sense == MIP_AT_MOST ? -DBL_MAX : right,
                  .high = sense == MIP_AT_LEAST ? DBL_MAX : right};
    vector_push(mip->arena, &mip->rows, row);
}

/* The terms column by column, as CBC reads them: those of column c are starts[c] .. starts[c + 1] - 1. */
static void
mip_load_terms(const Mip *mip, CoinBigIndex *starts, int *rows, double *coefficients)
{
    size_t columns = mip->columns.count;
    for (size_t i = 0; i < mip->terms.count; i++)
        starts[mip->terms.items[i].column + 1]++;
    for (size_t c = 0; c < columns; c++)
        starts[c + 1] += starts[c];
    CoinBigIndex *next = arena_memdup(mip->arena, starts, (columns + 1) * sizeof(*starts));
    for (size_t i = 0; i < mip->terms.count; i++) {
        const MipTerm *term = &mip->terms.items[i];
        CoinBigIndex at = next[term->column]++;
        rows[at] = term->row;
        coefficients[at] = term->coefficient;
    }
}

/* In one call: CBC's own buffers for rows and columns that come in turns are not to be relied on. */
static void
mip_load(Mip *mip)
{
    size_t columns = mip->columns.count;
    double *low = ARENA_NEW_ARRAY(mip->arena, double, columns + 1);
    double *high = ARENA_NEW_ARRAY(mip->arena, double, columns + 1);
    double *cost = ARENA_NEW_ARRAY(mip->arena, double, columns + 1);
    double *row_low = ARENA_NEW_ARRAY(mip->arena, double, mip->rows.count + 1);
    double *row_high = ARENA_NEW_ARRAY(mip->arena, double, mip->rows.count + 1);
    CoinBigIndex *starts = ARENA_NEW_ARRAY(mip->arena, CoinBigIndex, columns + 2);
    int *rows = ARENA_NEW_ARRAY(mip->arena, int, mip->terms.count + 1);
    double *coefficients = ARENA_NEW_ARRAY(mip->arena, double, mip->terms.count + 1);
    for (size_t c = 0; c < columns; c++) {
        low[c] = mip->columns.items[c].low;
        high[c] = mip->columns.items[c].high;
        cost[c] = mip->columns.items[c].cost;
    }
    for (size_t r = 0; r < mip->rows.count; r++) {
        row_low[r] = mip->rows.items[r].low;
        row_high[r] = mip->rows.items[r].high;
    }
    mip_load_terms(mip, starts, rows, coefficients);
    Cbc_loadProblem(mip->model, (int)columns, (int)mip->rows.count, starts, rows, coefficients, low, high,
                    cost, row_low, row_high);
    for (size_t c = 0; c < columns; c++)
        if (mip->columns.items[c].is_integer)
            Cbc_setInteger(mip->model, (int)c);
}

static void
mip_run(Cbc_Model *model)
{
    struct sigaction interrupt;
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    sigaction(SIGINT, NULL, &interrupt);
    Cbc_solve(model);
    sigaction(SIGINT, &interrupt, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static bool
mip_has_integers(const Mip *mip)
{
    for (size_t c = 0; c < mip->columns.count; c++)
        if (mip->columns.items[c].is_integer)
            return true;
    return false;
}

bool
mip_solve(Mip *mip, const MipLimits *limits, MipSolution *ret_solution)
{
    *ret_solution = (MipSolution){.objective = INFINITY, .bound = -INFINITY};
    double seconds = limits->deadline == DEADLINE_NEVER ? MIP_SECONDS_MOST
                                                        : (double)deadline_left_ms(limits->deadline) / 1000;
    if (seconds <= 0)
        return false;
    fettle_assert(mip->model == NULL);
    mip->model = Cbc_newModel();
    fettle_assert(mip->model != NULL);
    Cbc_setLogLevel(mip->model, 0);
    Cbc_setObjSense(mip->model, 1);
    mip_load(mip);
    Cbc_setMaximumSeconds(mip->model, seconds < MIP_SECONDS_MOST ? seconds : MIP_SECONDS_MOST);
    Cbc_setMaximumNodes(mip->model, limits->nodes_most);
    Cbc_setAllowableFractionGap(mip->model, limits->gap);
    mip_run(mip->model);
    mip->values = Cbc_bestSolution(mip->model);
    if (!mip_has_integers(mip) && Cbc_isProvenOptimal(mip->model) != 0)
        mip->values = Cbc_getColSolution(mip->model);
    bool is_proven = Cbc_isProvenOptimal(mip->model) != 0;
    bool is_found = mip->values != NULL && Cbc_isProvenInfeasible(mip->model) == 0;
    if (is_found)
        ret_solution->objective = Cbc_getObjValue(mip->model);
    if (Cbc_isAbandoned(mip->model) == 0 && Cbc_isInitialSolveAbandoned(mip->model) == 0)
        ret_solution->bound = Cbc_getBestPossibleObjValue(mip->model);
    if (is_found && is_proven && (ret_solution->bound > ret_solution->objective || !mip_has_integers(mip)))
        ret_solution->bound = ret_solution->objective;
    return is_found;
}

double
mip_value(const Mip *mip, int column)
{
    fettle_assert(mip->values != NULL && column >= 0 && column < mip_column_count(mip));
    return mip->values[column];
}
