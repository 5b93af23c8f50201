// SPDX-License-Identifier: PostgreSQL
#include "advise/index/mip.h"

#include "base/list.h"

#include <coin/Cbc_C_Interface.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>

VECTOR_DEFINE(MipColumns, int);
VECTOR_DEFINE(MipCoefficients, double);

struct Mip {
    Arena *arena;
    Cbc_Model *model;
    int columns;
    int rows;
    MipColumns row_columns; /* of the row being made */
    MipCoefficients row_coefficients;
    const double *values;
};

Mip *
mip_new(Arena *arena)
{
    Mip *mip = ARENA_NEW(arena, Mip);
    *mip = (Mip){.arena = arena, .model = Cbc_newModel()};
    fettle_assert(mip->model != NULL);
    Cbc_setLogLevel(mip->model, 0);
    Cbc_setObjSense(mip->model, 1);
    return mip;
}

void
mip_free(Mip *mip)
{
    if (mip == NULL || mip->model == NULL)
        return;
    Cbc_deleteModel(mip->model);
    mip->model = NULL;
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
    char name[32];
    snprintf(name, sizeof(name), "c%d", mip->columns);
    Cbc_addCol(mip->model, name, low, high, cost, (char)is_integer, 0, NULL, NULL);
    return mip->columns++;
}

int
mip_column_count(const Mip *mip)
{
    return mip->columns;
}

void
mip_row_begin(Mip *mip)
{
    mip->row_columns.count = mip->row_coefficients.count = 0;
}

void
mip_row_term(Mip *mip, int column, double coefficient)
{
    fettle_assert(column >= 0 && column < mip->columns);
    vector_push(mip->arena, &mip->row_columns, column);
    vector_push(mip->arena, &mip->row_coefficients, coefficient);
}

void
mip_row_end(Mip *mip, MipSense sense, double right)
{
    static const char senses[] = {[MIP_AT_MOST] = 'L', [MIP_AT_LEAST] = 'G', [MIP_EQUAL] = 'E'};
    char name[32];
    snprintf(name, sizeof(name), "r%d", mip->rows++);
    Cbc_addRow(mip->model, name, (int)mip->row_columns.count, mip->row_columns.items,
               mip->row_coefficients.items, senses[sense], right);
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

bool
mip_solve(Mip *mip, const MipLimits *limits, MipSolution *ret_solution)
{
    *ret_solution = (MipSolution){.objective = INFINITY, .bound = -INFINITY};
    double seconds = limits->deadline == DEADLINE_NEVER ? MIP_SECONDS_MOST
                                                        : (double)deadline_left_ms(limits->deadline) / 1000;
    if (seconds <= 0)
        return false;
    Cbc_setMaximumSeconds(mip->model, seconds < MIP_SECONDS_MOST ? seconds : MIP_SECONDS_MOST);
    Cbc_setMaximumNodes(mip->model, limits->nodes_most);
    Cbc_setAllowableFractionGap(mip->model, limits->gap);
    mip_run(mip->model);
    mip->values = Cbc_bestSolution(mip->model);
    bool is_proven = Cbc_isProvenOptimal(mip->model) != 0;
    bool is_found = mip->values != NULL && Cbc_isProvenInfeasible(mip->model) == 0;
    if (is_found)
        ret_solution->objective = Cbc_getObjValue(mip->model);
    if (Cbc_isAbandoned(mip->model) == 0 && Cbc_isInitialSolveAbandoned(mip->model) == 0)
        ret_solution->bound = Cbc_getBestPossibleObjValue(mip->model);
    if (is_found && is_proven && ret_solution->bound > ret_solution->objective)
        ret_solution->bound = ret_solution->objective;
    return is_found;
}

double
mip_value(const Mip *mip, int column)
{
    fettle_assert(mip->values != NULL && column >= 0 && column < mip->columns);
    return mip->values[column];
}
