// SPDX-License-Identifier: PostgreSQL
/*
 * fettle-solver: solves the 0/1 programs of mip.h by COIN-OR CBC, each that comes on standard input, until
 * that ends. A process of its own, for CBC ends the one it runs in when an assert of its linear solver fails,
 * and takes SIGINT for itself.
 */
#include "advise/index/mip_wire.h"

#include <coin/Cbc_C_Interface.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NUMBER_TEXT_BYTES 32
/* What CBC holds a solution to be better by, and what rounding may hide of a bound that comes of it. */
#define INCREMENT_TEXT "1e-7"
#define BELOW_ROUNDING 1e-6
/* Of the time allowed: whoever took more of it may have been cut, and told something else. */
#define IN_TIME_SHARE 0.9
/* The largest question is 0.3 GB; the rest is CBC's. */
#define MEMORY_BYTES_MOST ((rlim_t)4 << 30)

typedef struct Problem {
    MipQuestion question;
    double *low;
    double *high;
    double *cost;
    double *row_low;
    double *row_high;
    double *coefficients;
    CoinBigIndex *starts;
    int *rows;
    unsigned char *is_integer;
} Problem;

_Static_assert(sizeof(CoinBigIndex) == sizeof(int32_t) && sizeof(int) == sizeof(int32_t),
               "the question's numbers are CBC's own");

static bool
read_all(void *data, size_t size)
{
    char *bytes = data;
    for (size_t done = 0; done < size;) {
        ssize_t count = read(STDIN_FILENO, bytes + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

static bool
write_all(const void *data, size_t size)
{
    const char *bytes = data;
    for (size_t done = 0; done < size;) {
        ssize_t count = write(STDOUT_FILENO, bytes + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

/* An array that follows the question; NULL when it does not come. */
static void *
read_array(int count, size_t size)
{
    void *data = calloc((size_t)count + 1, size);
    if (data == NULL || read_all(data, (size_t)count * size))
        return data;
    free(data);
    return NULL;
}

static void
problem_clear(Problem *problem)
{
    free(problem->low);
    free(problem->high);
    free(problem->cost);
    free(problem->row_low);
    free(problem->row_high);
    free(problem->coefficients);
    free(problem->starts);
    free(problem->rows);
    free(problem->is_integer);
}

static bool
problem_is_sound(const Problem *problem)
{
    const MipQuestion *question = &problem->question;
    bool sound = problem->starts[0] == 0 && problem->starts[question->column_count] == question->term_count;
    for (int c = 0; sound && c < question->column_count; c++)
        sound = problem->starts[c] <= problem->starts[c + 1];
    for (int i = 0; sound && i < question->term_count; i++)
        sound = problem->rows[i] >= 0 && problem->rows[i] < question->row_count;
    return sound;
}

static bool
is_within(int count, int most)
{
    return count >= 0 && count <= most;
}

static bool
problem_read(Problem *problem)
{
    MipQuestion *question = &problem->question;
    if (!read_all(question, sizeof(*question)) || question->magic != MIP_WIRE_MAGIC ||
        !is_within(question->column_count, MIP_COLUMNS_MOST) ||
        !is_within(question->row_count, MIP_ROWS_MOST) || !is_within(question->term_count, MIP_TERMS_MOST))
        return false;
    return (problem->low = read_array(question->column_count, sizeof(double))) != NULL &&
           (problem->high = read_array(question->column_count, sizeof(double))) != NULL &&
           (problem->cost = read_array(question->column_count, sizeof(double))) != NULL &&
           (problem->row_low = read_array(question->row_count, sizeof(double))) != NULL &&
           (problem->row_high = read_array(question->row_count, sizeof(double))) != NULL &&
           (problem->coefficients = read_array(question->term_count, sizeof(double))) != NULL &&
           (problem->starts = read_array(question->column_count + 1, sizeof(int32_t))) != NULL &&
           (problem->rows = read_array(question->term_count, sizeof(int32_t))) != NULL &&
           (problem->is_integer = read_array(question->column_count, 1)) != NULL && problem_is_sound(problem);
}

/* One solution below is enough. */
static void
problem_load_below(const MipQuestion *question, Cbc_Model *model)
{
    char below[NUMBER_TEXT_BYTES];
    if (question->is_any_below == 0)
        return;
    (void)snprintf(below, sizeof(below), "%.15g", question->below);
    Cbc_setParameter(model, "increment", INCREMENT_TEXT);
    Cbc_setParameter(model, "cutoff", below);
    Cbc_setParameter(model, "maxSolutions", "1");
}

/* In one call: CBC's own buffers for rows and columns that come in turns are not to be relied on. */
static void
problem_load(const Problem *problem, Cbc_Model *model)
{
    const MipQuestion *question = &problem->question;
    char seconds[NUMBER_TEXT_BYTES];
    Cbc_setLogLevel(model, 0);
    Cbc_setObjSense(model, 1);
    Cbc_loadProblem(model, question->column_count, question->row_count, problem->starts, problem->rows,
                    problem->coefficients, problem->low, problem->high, problem->cost, problem->row_low,
                    problem->row_high);
    for (int c = 0; c < question->column_count; c++)
        if (problem->is_integer[c] != 0)
            Cbc_setInteger(model, c);
    Cbc_setMaximumNodes(model, question->nodes_most);
    Cbc_setAllowableFractionGap(model, question->gap);
    /* whoever waits looks at the clock, not at the CPU's time */
    (void)snprintf(seconds, sizeof(seconds), "%.3f", question->seconds);
    Cbc_setParameter(model, "timeMode", "elapsed");
    Cbc_setParameter(model, "seconds", seconds);
    /* These programs are small, and more rounds of cuts take longer than the branching that they save. */
    Cbc_setParameter(model, "passCuts", "1");
    problem_load_below(question, model);
    /* Where nothing is below they look in vain, and that is to be shown more often than not. */
    if (question->is_quick != 0 || question->is_any_below != 0)
        Cbc_setParameter(model, "heuristicsOnOff", "off");
    if (question->is_plain == 0 && question->is_quick == 0)
        return;
    Cbc_setParameter(model, "presolve", "off");
    Cbc_setParameter(model, "preprocess", "off");
    Cbc_setParameter(model, "cuts", "off");
}

static bool
has_integers(const Problem *problem)
{
    for (int c = 0; c < problem->question.column_count; c++)
        if (problem->is_integer[c] != 0)
            return true;
    return false;
}

/* is_cut: the time allowed was over, or nearly. CBC then may call infeasible what it only did not look at to
 * the end, and nothing that it says of what cannot be is believed. */
static bool
problem_answer(const Problem *problem, Cbc_Model *model, bool is_cut)
{
    MipAnswer answer = {.magic = MIP_WIRE_MAGIC, .column_count = problem->question.column_count};
    bool is_whole = has_integers(problem);
    bool is_proven = Cbc_isProvenOptimal(model) != 0;
    bool is_infeasible = Cbc_isProvenInfeasible(model) != 0;
    const double *values = Cbc_bestSolution(model);
    if (!is_whole && is_proven)
        values = Cbc_getColSolution(model);
    answer.is_found = values != NULL && !is_infeasible;
    if (answer.is_found != 0)
        answer.objective = Cbc_getObjValue(model);
    answer.is_bounded =
        Cbc_isAbandoned(model) == 0 && Cbc_isInitialSolveAbandoned(model) == 0 && !(is_infeasible && is_cut);
    if (answer.is_bounded != 0)
        answer.bound = Cbc_getBestPossibleObjValue(model);
    /* That nothing is below is what CBC calls infeasible. */
    if (problem->question.is_any_below != 0 && is_infeasible && !is_cut) {
        answer.is_bounded = 1;
        answer.bound = problem->question.below - BELOW_ROUNDING;
    }
    if (answer.is_found != 0 && is_proven && (answer.bound > answer.objective || !is_whole)) {
        answer.is_bounded = 1;
        answer.bound = answer.objective;
    }
    return write_all(&answer, sizeof(answer)) &&
           (answer.is_found == 0 || write_all(values, (size_t)answer.column_count * sizeof(double)));
}

static double
seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool
solve_next(void)
{
    Problem problem = {.low = NULL};
    bool is_answered = false;
    if (problem_read(&problem)) {
        Cbc_Model *model = Cbc_newModel();
        double begin = seconds_now();
        problem_load(&problem, model);
        Cbc_solve(model);
        bool is_cut = seconds_now() - begin > IN_TIME_SHARE * problem.question.seconds;
        is_answered = problem_answer(&problem, model, is_cut);
        Cbc_deleteModel(model);
    }
    problem_clear(&problem);
    return is_answered;
}

int
main(void)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    const struct rlimit memory = {.rlim_cur = MEMORY_BYTES_MOST, .rlim_max = MEMORY_BYTES_MOST};
    /* Where CBC gives up nobody wants a dump; and nobody waits for an answer once whoever asked is gone. One
     * that takes all memory would end others than itself. */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_AS, &memory);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (solve_next())
        continue;
    return 0;
}
