// SPDX-License-Identifier: PostgreSQL
#include "advise/index/program.h"

#include "advise/index/mip.h"
#include "base/map.h"

#include <math.h>
#include <stdlib.h>

/* CBC holds rows to a tolerance; a choice that is over the budget by it is asked again with a little less. */
#define BUDGET_TRIES 3
#define BUDGET_MARGIN 1e-6
#define COLUMN_NONE (-1)
/* Of the scale: twice what the solver takes off. */
#define BELOW_ROUNDING 2e-6
/* Of an index in a relaxed program. */
#define PART_LEAST 1e-3

/* A statement costs this much at least with all of `with` chosen and none of `unless`. */
typedef struct Cut {
    Bits with; /* no words: none */
    Bits unless;
    double cost;
    size_t number; /* of those of one cost the first comes first */
} Cut;

typedef struct Model {
    Arena *arena;
    const Program *program;
    Mip *mip;
    double scale;    /* objective units of the program to one of the mip */
    int *columns;    /* by index; COLUMN_NONE when it cannot help */
    double constant; /* what is paid whatever is chosen, scaled */
    double budget_factor;
    bool is_relaxed; /* parts of indexes */
    Map *any_of;     /* hash of a set -> column that is 1 only when one of the set is chosen */
} Model;

static double
program_scale(const Program *program)
{
    double sum = 0;
    for (size_t q = 0; q < program->statement_count; q++)
        sum += program->statements[q].cost_without;
    return sum > 0 ? sum : 1;
}

double
program_rounding(const Program *program)
{
    return program_scale(program) * BELOW_ROUNDING;
}

static int
model_index(Model *model, size_t index)
{
    const ProgramIndex *subject = &model->program->indexes[index];
    if (model->columns[index] == COLUMN_NONE)
        model->columns[index] = mip_column(model->mip, 0, subject->is_forbidden ? 0 : 1,
                                           subject->cost / model->scale, !model->is_relaxed);
    return model->columns[index];
}

static double
index_bytes(const ProgramIndex *index)
{
    return isnan(index->size_bytes) ? 0 : index->size_bytes;
}

static void
model_limit(Model *model, const void *table, double limit_bytes)
{
    if (!isfinite(limit_bytes))
        return;
    for (size_t i = 0; i < model->program->index_count; i++) {
        const ProgramIndex *index = &model->program->indexes[i];
        if (model->columns[i] != COLUMN_NONE && (table == NULL || index->table == table))
            mip_row_term(model->mip, model->columns[i], index_bytes(index) / fmax(limit_bytes, 1));
    }
    mip_row_end(model->mip, MIP_AT_MOST, limit_bytes >= 1 ? model->budget_factor : 0);
}

static void
model_budgets(Model *model)
{
    const Program *program = model->program;
    model_limit(model, NULL, program->budget_bytes);
    if (!isfinite(program->table_budget_bytes))
        return;
    for (size_t i = 0; i < program->index_count; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i && is_first; k++)
            is_first = program->indexes[k].table != program->indexes[i].table;
        if (is_first)
            model_limit(model, program->indexes[i].table, program->table_budget_bytes);
    }
}

static void
model_shared(Model *model, const ProgramShared *shared)
{
    int paid = COLUMN_NONE;
    if (shared->cost <= 0)
        return;
    for (size_t i = bits_next(shared->any, 0); i != SIZE_MAX; i = bits_next(shared->any, i + 1)) {
        if (model->columns[i] == COLUMN_NONE || model->program->indexes[i].is_forbidden)
            continue;
        if (paid == COLUMN_NONE)
            paid = mip_column(model->mip, 0, 1, shared->cost / model->scale, false);
        mip_row_term(model->mip, model->columns[i], 1);
        mip_row_term(model->mip, paid, -1);
        mip_row_end(model->mip, MIP_AT_MOST, 0);
    }
}

/* One plan is taken, or none; a plan needs its indexes. */
static void
model_plans(Model *model, const ProgramStatement *statement)
{
    int *plans = ARENA_NEW_ARRAY(model->arena, int, statement->plans.count + 1);
    size_t count = 0;
    model->constant += statement->cost_without / model->scale;
    for (size_t p = 0; p < statement->plans.count; p++) {
        const ProgramPlan *plan = &statement->plans.items[p];
        if (plan->cost >= statement->cost_without)
            continue;
        int column =
            mip_column(model->mip, 0, 1, (plan->cost - statement->cost_without) / model->scale, true);
        plans[count++] = column;
        for (size_t i = bits_next(plan->used, 0); i != SIZE_MAX; i = bits_next(plan->used, i + 1)) {
            int index = model_index(model, i);
            mip_row_term(model->mip, column, 1);
            mip_row_term(model->mip, index, -1);
            mip_row_end(model->mip, MIP_AT_MOST, 0);
        }
    }
    if (count < 2)
        return;
    for (size_t p = 0; p < count; p++)
        mip_row_term(model->mip, plans[p], 1);
    mip_row_end(model->mip, MIP_AT_MOST, 1);
}

static bool
any_is_allowed(const Model *model, Bits set)
{
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        if (!model->program->indexes[i].is_forbidden)
            return true;
    return false;
}

bool
program_may_choose(const Program *program, Bits set)
{
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        if (program->indexes[i].is_forbidden)
            return false;
    return true;
}

/* The column z with z ≤ Σ x over the set; COLUMN_NONE when nothing of it may be chosen. */
static int
model_any_of(Model *model, Bits set)
{
    if (!any_is_allowed(model, set))
        return COLUMN_NONE;
    int *known = map_get_id(model->any_of, bits_hash(set));
    if (known != NULL)
        return *known;
    known = ARENA_NEW(model->arena, int);
    map_put_id(model->any_of, bits_hash(set), known);
    size_t allowed = 0;
    size_t last = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        if (!model->program->indexes[i].is_forbidden) {
            (void)model_index(model, i);
            last = i;
            allowed++;
        }
    if (allowed == 1)
        return *known = model->columns[last];
    *known = mip_column(model->mip, 0, 1, 0, false);
    mip_row_term(model->mip, *known, 1);
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        if (!model->program->indexes[i].is_forbidden)
            mip_row_term(model->mip, model->columns[i], -1);
    mip_row_end(model->mip, MIP_AT_MOST, 0);
    return *known;
}

static int
cut_compare(const void *left, const void *right)
{
    const Cut *a = left;
    const Cut *b = right;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Where the cut says something, the other says as much. */
static bool
cut_follows(const Cut *from, const Cut *cut)
{
    return from->cost >= cut->cost && bits_is_subset(from->unless, cut->unless) &&
           (from->with.words == NULL || (cut->with.words != NULL && bits_is_subset(from->with, cut->with)));
}

static void
cuts_add(Cut *cuts, size_t *count, Cut cut)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (cut_follows(&cuts[i], &cut))
            return;
    for (size_t i = 0; i < *count; i++)
        if (!cut_follows(&cut, &cuts[i]))
            cuts[kept++] = cuts[i];
    cuts[kept++] = cut;
    *count = kept;
}

/* What is known of a statement that does not follow from the rest, cheapest first. */
static Cut *
cuts_collect(const Model *model, const ProgramStatement *statement, size_t *ret_count)
{
    size_t count = statement->harms.count;
    for (size_t c = 0; c < statement->chains.count; c++)
        count += statement->chains.items[c].count;
    Cut *cuts = ARENA_NEW_ARRAY(model->arena, Cut, count + 1);
    *ret_count = 0;
    for (size_t c = 0; c < statement->chains.count; c++)
        for (size_t k = 0; k < statement->chains.items[c].count; k++) {
            const ProgramStep *step = &statement->chains.items[c].steps[k];
            if (step->cost > statement->cost_least)
                cuts_add(cuts, ret_count, (Cut){.unless = step->unless, .cost = step->cost});
        }
    for (size_t i = 0; i < statement->harms.count; i++) {
        const ProgramHarm *harm = &statement->harms.items[i];
        if (harm->cost > statement->cost_least && program_may_choose(model->program, harm->with))
            cuts_add(cuts, ret_count, (Cut){.with = harm->with, .unless = harm->unless, .cost = harm->cost});
    }
    for (size_t k = 0; k < *ret_count; k++)
        cuts[k].number = k;
    if (*ret_count > 1)
        qsort(cuts, *ret_count, sizeof(*cuts), cut_compare);
    return cuts;
}

/* The statement is spared what the cut says only with one of its `unless`, or without one of its `with`. */
static void
model_cut(Model *model, const Cut *cut, int spared)
{
    double right = 0;
    int any = model_any_of(model, cut->unless);
    mip_row_term(model->mip, spared, 1);
    if (any != COLUMN_NONE)
        mip_row_term(model->mip, any, -1);
    for (size_t i = cut->with.words == NULL ? SIZE_MAX : bits_next(cut->with, 0); i != SIZE_MAX;
         i = bits_next(cut->with, i + 1)) {
        mip_row_term(model->mip, model_index(model, i), 1);
        right++;
    }
    mip_row_end(model->mip, MIP_AT_MOST, right);
}

/*
 * A column for each rise from one cost of a cut to the next, 1 when the statement is spared it: then it is
 * spared the dearer ones too, and each cut of that cost or more allows it. Chain by chain, with θ above each,
 * the relaxed program is weaker: it takes the dearest chain as a whole instead of the dearest for each rise,
 * and each part of an index ends all chains.
 */
static void
model_cuts(Model *model, const ProgramStatement *statement)
{
    size_t count;
    Cut *cuts = cuts_collect(model, statement, &count);
    int *spared = ARENA_NEW_ARRAY(model->arena, int, count + 1);
    int theta = mip_column(model->mip, statement->cost_least / model->scale,
                           statement->cost_without / model->scale, 1, false);
    for (size_t k = 0; k < count; k++)
        spared[k] = k > 0 && cuts[k].cost <= cuts[k - 1].cost ? spared[k - 1]
                                                              : mip_column(model->mip, 0, 1, 0, false);
    for (size_t k = 0; k < count; k++) {
        model_cut(model, &cuts[k], spared[k]);
        if (k == 0 || spared[k] == spared[k - 1])
            continue;
        mip_row_term(model->mip, spared[k - 1], 1);
        mip_row_term(model->mip, spared[k], -1);
        mip_row_end(model->mip, MIP_AT_MOST, 0);
    }
    double before = statement->cost_least;
    mip_row_term(model->mip, theta, 1);
    for (size_t k = 0; k < count; k++) {
        if (cuts[k].cost > before)
            mip_row_term(model->mip, spared[k], (cuts[k].cost - before) / model->scale);
        before = cuts[k].cost;
    }
    mip_row_end(model->mip, MIP_AT_LEAST, before / model->scale);
}

double
program_bytes(const Program *program, Bits set, const void *table)
{
    double bytes = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        if (table == NULL || program->indexes[i].table == table)
            bytes += index_bytes(&program->indexes[i]);
    return bytes;
}

double
program_cost_of_having(const Program *program, Bits set)
{
    double cost = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        cost += program->indexes[i].cost;
    for (size_t i = 0; i < program->shared_count; i++)
        if (bits_meet(program->shared[i].any, set))
            cost += program->shared[i].cost;
    return cost;
}

static bool
is_first_of_its_table(const Program *program, Bits chosen, size_t index)
{
    const void *table = program->indexes[index].table;
    size_t first = bits_next(chosen, 0);
    while (first < index && program->indexes[first].table != table)
        first = bits_next(chosen, first + 1);
    return first == index;
}

bool
program_fits(const Program *program, Bits chosen)
{
    bool has_table_budget = isfinite(program->table_budget_bytes);
    if (program_bytes(program, chosen, NULL) > program->budget_bytes)
        return false;
    for (size_t i = bits_next(chosen, 0); i != SIZE_MAX; i = bits_next(chosen, i + 1))
        if (program->indexes[i].is_forbidden ||
            (has_table_budget && is_first_of_its_table(program, chosen, i) &&
             program_bytes(program, chosen, program->indexes[i].table) > program->table_budget_bytes))
            return false;
    return true;
}

typedef struct ProgramWay {
    bool is_from_above;
    bool is_relaxed;
    double budget_factor;
} ProgramWay;

static bool
program_solve_once(Arena *arena, const Program *program, ProgramWay way, ProgramAnswer *ret_answer)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("0/1 program", (size_t)1 << 30);
    Mip *mip = mip_new(scratch);
    Model model = {.arena = scratch,
                   .program = program,
                   .mip = mip,
                   .scale = program_scale(program),
                   .columns = ARENA_NEW_ARRAY(scratch, int, program->index_count + 1),
                   .budget_factor = way.budget_factor,
                   .is_relaxed = way.is_relaxed,
                   .any_of = map_new(scratch)};
    for (size_t i = 0; i < program->index_count; i++)
        model.columns[i] = COLUMN_NONE;
    for (size_t q = 0; q < program->statement_count; q++) {
        if (way.is_from_above)
            model_plans(&model, &program->statements[q]);
        else
            model_cuts(&model, &program->statements[q]);
    }
    for (size_t i = 0; i < program->shared_count; i++)
        model_shared(&model, &program->shared[i]);
    model_budgets(&model);
    MipLimits limits = {.nodes_most = program->nodes_most,
                        .gap = program->gap,
                        .is_quick = program->is_quick && !way.is_relaxed,
                        .is_any_below = program->below > 0 && !way.is_relaxed,
                        .below = program->below / model.scale - model.constant,
                        .deadline = program->deadline};
    MipSolution solution = {.objective = 0, .bound = 0};
    bool is_empty = mip_column_count(mip) == 0;
    bool found = is_empty || mip_solve(mip, program->solver, &limits, &solution);
    /* without an index to choose from there is one solution, whatever it costs */
    found = found && (!limits.is_any_below || solution.objective < limits.below);
    double least = way.is_relaxed ? PART_LEAST : 0.5;
    ret_answer->chosen = bits_new(arena, program->index_count);
    ret_answer->cost = (solution.objective + model.constant) * model.scale;
    ret_answer->bound = (solution.bound + model.constant) * model.scale;
    for (size_t i = 0; found && i < program->index_count; i++)
        if (model.columns[i] != COLUMN_NONE && mip_value(mip, model.columns[i]) > least)
            bits_add(ret_answer->chosen, i);
    return found;
}

static bool
program_solve(Arena *arena, const Program *program, bool from_above, ProgramAnswer *ret_answer)
{
    double bound = INFINITY;
    for (int try = 0; try < BUDGET_TRIES; try++) {
        ProgramWay way = {.is_from_above = from_above, .budget_factor = 1 - try * BUDGET_MARGIN};
        bool found = program_solve_once(arena, program, way, ret_answer);
        /* Only the whole budget bounds what the whole budget can buy. */
        bound = try == 0 ? ret_answer->bound : bound;
        ret_answer->bound = bound;
        if (!found)
            return false;
        if (program_fits(program, ret_answer->chosen))
            return true;
    }
    return false;
}

bool
program_choose(Arena *arena, const Program *program, ProgramAnswer *ret_answer)
{
    return program_solve(arena, program, true, ret_answer);
}

bool
program_bound(Arena *arena, const Program *program, ProgramAnswer *ret_answer)
{
    return program_solve(arena, program, false, ret_answer);
}

bool
program_relax(Arena *arena, const Program *program, ProgramAnswer *ret_answer)
{
    ProgramWay way = {.is_relaxed = true, .budget_factor = 1};
    return program_solve_once(arena, program, way, ret_answer);
}
