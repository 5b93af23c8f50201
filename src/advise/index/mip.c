// SPDX-License-Identifier: PostgreSQL
#include "advise/index/mip.h"

#include "advise/index/mip_wire.h"
#include "base/companion.h"
#include "base/file.h"
#include "base/list.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the solver's last look at the clock may come late by. */
#define GRACE_MS 1000
/* A solver that ends on a program is asked once more in another way, and then no more of it. */
#define TRIES_MOST 2
#define DEATHS_MOST 8
/* CBC keeps to bounds, and sums, within its tolerances. */
#define VALUE_TOLERANCE 1e-4
#define OBJECTIVE_TOLERANCE 1e-5

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
    MipColumns columns;
    MipRows rows;
    MipTerms terms; /* row by row */
    double *values; /* of the solution; NULL before */
};

struct MipSolver {
    const char *program; /* NULL: not found */
    Companion companion; /* started by the first program, if not before */
    int deaths;          /* or nonsense, or silence */
    int failures;        /* programs that are unsolved for it */
    Error failure;       /* the last, of either */
};

/* Where fettle-solver may be: told by the environment, installed with the program, installed, or in the build
 * that this is. Nothing that others may be able to write to: it may be root who runs it. */
static const char *
solver_find(Arena *arena)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    const char *told = getenv("FETTLE_SOLVER");
    if (told != NULL)
        return arena_strdup(arena, told);
    const char *const directories[] = {path_join(arena, program, "../libexec/fettle"),
                                       FETTLE_LIBEXEC_DIRECTORY, FETTLE_SOLVER_BUILD_DIRECTORY};
    for (size_t i = 0; i < FETTLE_COUNT_OF(directories); i++) {
        const char *path = path_join(arena, directories[i], "fettle-solver");
        if (file_exists(path))
            return path;
    }
    return NULL;
}

MipSolver *
mip_solver_new(Arena *arena)
{
    MipSolver *solver = ARENA_NEW(arena, MipSolver);
    *solver = (MipSolver){.program = solver_find(arena), .companion = COMPANION_NONE};
    return solver;
}

static void
solver_stop(MipSolver *solver)
{
    companion_stop(&solver->companion);
}

void
mip_solver_stop_at(MipSolver **solver)
{
    if (*solver != NULL)
        solver_stop(*solver);
}

int
mip_solver_failures(const MipSolver *solver, const char **ret_reason)
{
    *ret_reason = solver->failures > 0 ? solver->failure.message : NULL;
    return solver->failures;
}

Mip *
mip_new(Arena *arena)
{
    Mip *mip = ARENA_NEW(arena, Mip);
    *mip = (Mip){.arena = arena};
    return mip;
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
    if (mip->terms.count > MIP_TERMS_MOST)
        return; /* too large as it is: it will not be solved */
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

/* The terms column by column, as the solver reads them: those of column c are starts[c] .. starts[c + 1] - 1.
 */
static void
mip_load_terms(const Mip *mip, int32_t *starts, int32_t *rows, double *coefficients)
{
    size_t columns = mip->columns.count;
    for (size_t i = 0; i < mip->terms.count; i++)
        starts[mip->terms.items[i].column + 1]++;
    for (size_t c = 0; c < columns; c++)
        starts[c + 1] += starts[c];
    int32_t *next = arena_memdup(mip->arena, starts, (columns + 1) * sizeof(*starts));
    for (size_t i = 0; i < mip->terms.count; i++) {
        const MipTerm *term = &mip->terms.items[i];
        int32_t at = next[term->column]++;
        rows[at] = term->row;
        coefficients[at] = term->coefficient;
    }
}

/* One piece of a question. */
typedef struct MipPiece {
    const void *data;
    size_t size;
} MipPiece;

VECTOR_DEFINE(MipPieces, MipPiece);

static void
pieces_add(Mip *mip, MipPieces *pieces, const void *data, size_t size)
{
    MipPiece piece = {.data = data, .size = size};
    vector_push(mip->arena, pieces, piece);
}

static void
question_columns(Mip *mip, MipPieces *pieces)
{
    size_t count = mip->columns.count;
    double *low = ARENA_NEW_ARRAY(mip->arena, double, count + 1);
    double *high = ARENA_NEW_ARRAY(mip->arena, double, count + 1);
    double *cost = ARENA_NEW_ARRAY(mip->arena, double, count + 1);
    for (size_t c = 0; c < count; c++) {
        low[c] = mip->columns.items[c].low;
        high[c] = mip->columns.items[c].high;
        cost[c] = mip->columns.items[c].cost;
    }
    pieces_add(mip, pieces, low, count * sizeof(*low));
    pieces_add(mip, pieces, high, count * sizeof(*high));
    pieces_add(mip, pieces, cost, count * sizeof(*cost));
}

static void
question_rows(Mip *mip, MipPieces *pieces)
{
    size_t count = mip->rows.count;
    double *low = ARENA_NEW_ARRAY(mip->arena, double, count + 1);
    double *high = ARENA_NEW_ARRAY(mip->arena, double, count + 1);
    for (size_t r = 0; r < count; r++) {
        low[r] = mip->rows.items[r].low;
        high[r] = mip->rows.items[r].high;
    }
    pieces_add(mip, pieces, low, count * sizeof(*low));
    pieces_add(mip, pieces, high, count * sizeof(*high));
}

/* All but its head. */
static void
question_prepare(Mip *mip, MipPieces *pieces)
{
    size_t columns = mip->columns.count;
    size_t terms = mip->terms.count;
    int32_t *starts = ARENA_NEW_ARRAY(mip->arena, int32_t, columns + 1);
    int32_t *rows = ARENA_NEW_ARRAY(mip->arena, int32_t, terms + 1);
    double *coefficients = ARENA_NEW_ARRAY(mip->arena, double, terms + 1);
    uint8_t *is_integer = ARENA_NEW_ARRAY(mip->arena, uint8_t, columns + 1);
    mip_load_terms(mip, starts, rows, coefficients);
    for (size_t c = 0; c < columns; c++)
        is_integer[c] = mip->columns.items[c].is_integer;
    question_columns(mip, pieces);
    question_rows(mip, pieces);
    pieces_add(mip, pieces, coefficients, terms * sizeof(*coefficients));
    pieces_add(mip, pieces, starts, (columns + 1) * sizeof(*starts));
    pieces_add(mip, pieces, rows, terms * sizeof(*rows));
    pieces_add(mip, pieces, is_integer, columns * sizeof(*is_integer));
}

static bool
is_flag(int32_t value)
{
    return value == 0 || value == 1;
}

/* What comes from another process is believed as far as it fits the question. */
static bool
answer_is_sound(const Mip *mip, const MipAnswer *answer, const double *values)
{
    double sum = 0;
    double scale = 1;
    bool sound = true;
    for (size_t c = 0; sound && c < mip->columns.count; c++) {
        const MipColumn *column = &mip->columns.items[c];
        double value = values[c];
        sound = value >= column->low - VALUE_TOLERANCE && value <= column->high + VALUE_TOLERANCE &&
                (!column->is_integer || fabs(value - round(value)) <= VALUE_TOLERANCE);
        sum += value * column->cost;
        scale += fabs(value * column->cost);
    }
    return sound && fabs(sum - answer->objective) <= OBJECTIVE_TOLERANCE * scale;
}

static double
objective_most(const Mip *mip)
{
    double sum = 0;
    for (size_t c = 0; c < mip->columns.count; c++) {
        const MipColumn *column = &mip->columns.items[c];
        sum += column->cost == 0 ? 0 : fmax(column->cost * column->low, column->cost * column->high);
    }
    return sum;
}

static bool
answer_receive(Mip *mip, const MipSolver *solver, Deadline deadline, MipSolution *ret_solution,
               bool *ret_found, Error *error)
{
    MipAnswer answer;
    if (!companion_receive(&solver->companion, &answer, sizeof(answer), deadline, error))
        return false;
    if (answer.magic != MIP_WIRE_MAGIC || answer.column_count != mip_column_count(mip) ||
        !is_flag(answer.is_found) || !is_flag(answer.is_bounded) || isnan(answer.bound))
        return error_set(error, ERROR_DAMAGED, "the solver's answer does not fit the question");
    if (answer.is_found == 1) {
        size_t count = mip->columns.count;
        double *values = ARENA_NEW_ARRAY(mip->arena, double, count + 1);
        if (!companion_receive(&solver->companion, values, count * sizeof(*values), deadline, error))
            return false;
        if (!answer_is_sound(mip, &answer, values))
            return error_set(error, ERROR_DAMAGED, "the solver's answer does not fit the question");
        mip->values = values;
        ret_solution->objective = answer.objective;
    }
    /* What was found is no less than the least that can be; and nothing that can be costs more than the most.
     */
    if (answer.is_bounded == 1 && (answer.is_found == 1 || answer.bound <= objective_most(mip)))
        ret_solution->bound = fmin(answer.bound, ret_solution->objective);
    *ret_found = answer.is_found == 1;
    return true;
}

static bool
solver_start(MipSolver *solver, Error *error)
{
    if (companion_is_running(&solver->companion))
        return true;
    if (solver->program == NULL)
        return error_set(error, ERROR_MISSING_DEPENDENCY, "fettle-solver was not found");
    return companion_start(&solver->companion, solver->program, error);
}

void
mip_solver_begin(MipSolver *solver)
{
    Error ignored = {0};
    (void)solver_start(solver, &ignored);
}

static bool
solver_ask(MipSolver *solver, Mip *mip, const MipPieces *pieces, Deadline deadline, MipSolution *ret_solution,
           bool *ret_found, Error *error)
{
    if (!solver_start(solver, error))
        return false;
    for (size_t i = 0; i < pieces->count; i++)
        if (!companion_send(&solver->companion, pieces->items[i].data, pieces->items[i].size, deadline,
                            error))
            return false;
    return answer_receive(mip, solver, deadline, ret_solution, ret_found, error);
}

static bool
is_too_large(const Mip *mip)
{
    return mip->columns.count > MIP_COLUMNS_MOST || mip->rows.count > MIP_ROWS_MOST ||
           mip->terms.count > MIP_TERMS_MOST;
}

/* The last end that is waited for tells that no further program is tried. */
static void
solver_note_end(MipSolver *solver, const Error *error)
{
    solver->deaths++;
    solver->failure = *error;
    if (solver->deaths == DEATHS_MOST)
        error_set(&solver->failure, error->code, "%s; after %d such ends no program is tried any more",
                  error->message, DEATHS_MOST);
}

bool
mip_solve(Mip *mip, MipSolver *solver, const MipLimits *limits, MipSolution *ret_solution)
{
    *ret_solution = (MipSolution){.objective = INFINITY, .bound = -INFINITY};
    Deadline deadline =
        deadline_earlier(limits->deadline, deadline_after_ms((int64_t)(MIP_SECONDS_MOST * 1000)));
    fettle_assert(mip->values == NULL);
    if (deadline_passed(deadline) || is_too_large(mip))
        return false;
    MipQuestion question = {.magic = MIP_WIRE_MAGIC,
                            .column_count = mip_column_count(mip),
                            .row_count = (int32_t)mip->rows.count,
                            .term_count = (int32_t)mip->terms.count,
                            .nodes_most = limits->nodes_most,
                            .gap = limits->gap,
                            .is_any_below = limits->is_any_below,
                            .is_quick = limits->is_quick,
                            .below = limits->below};
    MipPieces pieces = {0};
    pieces_add(mip, &pieces, &question, sizeof(question));
    question_prepare(mip, &pieces);
    for (int try = 0; try < TRIES_MOST && solver->deaths < DEATHS_MOST; try++) {
        bool is_found = false;
        Error error = {0};
        question.is_plain = try > 0;
        question.seconds = (double)deadline_left_ms(deadline) / 1000;
        if (solver_ask(solver, mip, &pieces, deadline + GRACE_MS, ret_solution, &is_found, &error))
            return is_found;
        solver_stop(solver);
        if (deadline_passed(limits->deadline))
            return false; /* the caller's time is up: that is no failure */
        solver_note_end(solver, &error);
        if (deadline_passed(deadline))
            break;
    }
    solver->failures++;
    return false;
}

double
mip_value(const Mip *mip, int column)
{
    fettle_assert(mip->values != NULL && column >= 0 && column < mip_column_count(mip));
    return mip->values[column];
}
