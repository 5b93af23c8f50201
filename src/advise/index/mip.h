// SPDX-License-Identifier: PostgreSQL
/*
 * Mip: a mixed-integer linear program, minimised by COIN-OR CBC in a process of its own.
 *
 *     FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
 *     Mip *mip = mip_new(arena);
 *     int x = mip_column(mip, 0, 1, 3.0, true);
 *     mip_row_term(mip, x, 1.0);
 *     mip_row_end(mip, MIP_AT_LEAST, 1.0);
 *     if (mip_solve(mip, solver, &limits, &solution)) ... mip_value(mip, x)
 *
 * Values should be of the order of 1. The same program gives the same answer unless the clock stops it.
 *
 * CBC ends its process when an assert of its linear solver fails. So a MipSolver keeps the program
 * fettle-solver beside it (base/companion.h), from mip_solver_begin() or the first program to
 * mip_solver_stop_at(). When that ends, or answers what does not fit the question, it is started again and
 * asked another way; if that fails too, the program has no solution and no bound, and mip_solver_failures()
 * tells. A solver that does not keep to the deadline is killed; after eight ends no more is asked: each
 * further program counts as a failure though it was not tried, and the reason says so. The environment's
 * FETTLE_SOLVER names the program, else it is looked for in ../libexec/fettle beside this one, where it is
 * installed, and last in the build directory by its absolute path. One thread per MipSolver.
 */
#ifndef FETTLE_ADVISE_INDEX_MIP_H
#define FETTLE_ADVISE_INDEX_MIP_H

#include "base/arena.h"
#include "base/clock.h"

typedef struct Mip Mip;

typedef enum MipSense { MIP_AT_MOST, MIP_AT_LEAST, MIP_EQUAL } MipSense;

typedef struct MipLimits {
    int nodes_most;
    double gap;        /* a solution this near to the bound is good enough, as a share */
    bool is_any_below; /* the first solution found of less than below will do; none is looked for that has
                          more */
    double below;
    bool is_quick;     /* by branching alone: faster where few branches do, hopeless where many are needed */
    Deadline deadline; /* DEADLINE_NEVER allows MIP_SECONDS_MOST */
} MipLimits;

#define MIP_SECONDS_MOST 10.0

typedef struct MipSolution {
    double objective;
    double bound; /* no solution is below it */
} MipSolution;

typedef struct MipSolver MipSolver;

MipSolver *mip_solver_new(Arena *arena);
/* Starts it beside whatever comes before the first program, which else waits for it (5 ms, 30 when its
 * libraries are not in memory). Where it does not start, that program tells. */
void mip_solver_begin(MipSolver *solver);
void mip_solver_stop_at(MipSolver **solver);

/* How many programs are unsolved so far because the solver failed, or was killed before the caller's own
 * deadline, those that were not tried any more included; and how it failed last, NULL while there is none. */
int mip_solver_failures(const MipSolver *solver, const char **ret_reason);

Mip *mip_new(Arena *arena);

int mip_column(Mip *mip, double low, double high, double cost, bool is_integer);

int mip_column_count(const Mip *mip);

/* Terms of the row that mip_row_end() ends; a column stands in a row at most once. */
void mip_row_term(Mip *mip, int column, double coefficient);
void mip_row_end(Mip *mip, MipSense sense, double right);

/* Once. False when no solution was found within the limits, the solver failed, or there is none; the bound
 * may hold all the same (below, less rounding, when there is none of less than that), -INFINITY when it does
 * not. */
bool mip_solve(Mip *mip, MipSolver *solver, const MipLimits *limits, MipSolution *ret_solution);

/* Of the solution found. */
double mip_value(const Mip *mip, int column);

#endif
