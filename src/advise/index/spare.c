// SPDX-License-Identifier: PostgreSQL
/*
 * Sparing space: without a budget a proof ends with any set that is near enough to the best one, be it with
 * an index of 6 MB where one of 40 kB serves as well. So each B-tree of the set, the largest first, gives way
 * to the B-tree of its table of half its size at the most that loses least for the space it saves.
 *
 * All of it together may lose as much as the proof may leave open; what each index may is its part of that:
 * a half of it is shared by all alike, a half by their sizes, and of its part an index that saves three
 * quarters may lose three quarters. A loss counts at the planner's word and with caution.
 *
 * Not to another method: of BRIN's pages the planner knows a column's correlation alone, and of 1,000,000
 * rows with 2 % out of order it read all where a B-tree takes .15 ms. Nor to an index of some rows, where the
 * constants are those that sessions were seen to send: others may be sent as well.
 */
#include "advise/index/search_state.h"
#include "snapshot/section.h"

#include <math.h>
#include <stdlib.h>

/* Of an index's size, and in all. */
#define SAVED_SHARE_LEAST 0.5
#define SAVED_BYTES_LEAST 1e6
/* Asked about in place of one index. */
#define OPTIONS_MOST 12

/* Something in the place of an index. */
typedef struct SpareOption {
    size_t number;
    double margin; /* what it may lose, less what it loses at the least */
} SpareOption;

VECTOR_DEFINE(SpareOptionList, SpareOption);

typedef struct Spare {
    Search *search;
    SearchReviewed now; /* of the best set */
    double spared_most; /* of its value */
    double part;        /* of that, for the index at hand */
    bool knows_values;  /* that are sent, all of them */
} Spare;

double
search_spared_most(const Search *search, double value)
{
    double most = settings_get_double(search->context->settings, SETTING_ADVISE_SPARE_PERCENT) / 100;
    return fmin(search_gap_allowed(search), most) * value;
}

/* The share of an index's size that is saved by another one in its place, as far as sizes are known; 0: it is
 * not worth it. */
static double
saved_share(const Spare *spare, size_t index, size_t other)
{
    const Search *search = spare->search;
    const Candidate *candidate = search->candidates->items[other];
    double bytes =
        isnan(candidate->size_bytes) ? oracle_size_least(search->oracle, candidate) : candidate->size_bytes;
    double whole = search->candidates->items[index]->size_bytes;
    return whole - bytes >= SAVED_BYTES_LEAST ? 1 - bytes / whole : 0;
}

/* Can the other do the index's work, by what is known of it? */
static bool
is_option(const Spare *spare, size_t index, size_t other)
{
    const Search *search = spare->search;
    const Candidate *subject = search->candidates->items[index];
    const Candidate *candidate = search->candidates->items[other];
    return candidate->relation == subject->relation && candidate->method == CANDIDATE_BTREE &&
           (candidate->predicate == NULL || spare->knows_values ||
            text_equals(candidate->predicate, subject->predicate)) &&
           !bits_has(search->best, other) && !search->indexes[other].is_forbidden;
}

/* Nobody filled in those that sessions were seen to send. */
static bool
knows_values(const Snapshot *snapshot)
{
    const SnapshotSection *sent =
        snapshot->sections == NULL ? NULL : snapshot_section_find(snapshot->sections, "statements_sent");
    return sent == NULL || sent->row_count == 0;
}

static Bits
set_instead(const Search *search, size_t index, size_t other)
{
    Bits set = bits_copy(search->arena, search->best);
    bits_remove(set, index);
    bits_add(set, other);
    return set;
}

/* What the statements lose at the least, by what is known. */
static double
loss_least(const Spare *spare, size_t index, size_t other)
{
    const Search *search = spare->search;
    const Workload *workload = search->context->workload;
    ArenaMark mark = arena_mark(search->arena);
    Bits set = set_instead(search, index, other);
    Bits moved = bits_new(search->arena, search->candidates->count);
    bits_add(moved, index);
    bits_add(moved, other);
    double loss = search_cost_of_having(search, set) - search_cost_of_having(search, search->best);
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        if (!statement->is_costed || !oracle_concerns(search->oracle, q, moved))
            continue;
        double low = oracle_concerns(search->oracle, q, set) ? oracle_bounds(search->oracle, q, set).low
                                                             : statement->baseline_cost;
        double high = oracle_bounds(search->oracle, q, search->best).high;
        loss +=
            search_value(search->context, statement, low) - search_value(search->context, statement, high);
    }
    arena_rewind(search->arena, mark);
    return loss;
}

static int
option_compare(const void *left, const void *right)
{
    const SpareOption *a = left;
    const SpareOption *b = right;
    if (a->margin != b->margin)
        return a->margin > b->margin ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static void
option_consider(const Spare *spare, size_t index, size_t other, SpareOptionList *options)
{
    double share = saved_share(spare, index, other);
    if (!(share >= SAVED_SHARE_LEAST))
        return;
    SpareOption option = {.number = other, .margin = spare->part * share - loss_least(spare, index, other)};
    if (option.margin >= 0)
        vector_push(spare->search->arena, options, option);
}

/* What could take an index's place, the most promising first. */
static SpareOptionList
options_of(const Spare *spare, size_t index)
{
    const Search *search = spare->search;
    SpareOptionList options = {0};
    for (size_t i = 0; i < search->candidates->count; i++)
        if (is_option(spare, index, i))
            option_consider(spare, index, i, &options);
    if (options.count > 1)
        qsort(options.items, options.count, sizeof(*options.items), option_compare);
    return options;
}

/* By the plan of some statement. */
static bool
is_used(const Search *search, Bits set, size_t index)
{
    const Workload *workload = search->context->workload;
    for (size_t q = 0; q < workload->count; q++) {
        if (!workload->statements[q].is_costed || !oracle_concerns(search->oracle, q, set))
            continue;
        size_t known = oracle_answer_below(search->oracle, q, set);
        if (bits_has(oracle_answer(search->oracle, q, known)->used, index))
            return true;
    }
    return false;
}

/* Asks what it would lose; the margin is below 0 where that is too much, or could not be looked at. */
static bool
option_ask(const Spare *spare, size_t index, size_t other, SearchReviewed *ret_reviewed, double *ret_margin,
           Error *error)
{
    Search *search = spare->search;
    Bits set = set_instead(search, index, other);
    *ret_margin = -1;
    if (!search_review_value(search, set, ret_reviewed, error))
        return false;
    /* its size is known now */
    double share = saved_share(spare, index, other);
    if (ret_reviewed->is_late || !(share >= SAVED_SHARE_LEAST) || search->indexes[other].is_forbidden ||
        !is_used(search, set, other))
        return true;
    *ret_margin = spare->part * share -
                  fmax(ret_reviewed->value - spare->now.value, ret_reviewed->cautious - spare->now.cautious);
    return true;
}

/* Puts the best option in the index's place, if there is one. */
static bool
spare_index(Spare *spare, size_t index, Error *error)
{
    Search *search = spare->search;
    SpareOptionList options = options_of(spare, index);
    SearchReviewed reviewed;
    SearchReviewed best_reviewed = spare->now;
    SpareOption best = {.margin = -1};
    for (size_t i = 0; i < options.count && i < OPTIONS_MOST && options.items[i].margin > best.margin &&
                       !search_out_of_time(search);
         i++) {
        double margin;
        if (!option_ask(spare, index, options.items[i].number, &reviewed, &margin, error))
            return false;
        if (margin < 0 || margin <= best.margin)
            continue;
        best = (SpareOption){.number = options.items[i].number, .margin = margin};
        best_reviewed = reviewed;
    }
    if (best.margin < 0)
        return true;
    search->best = set_instead(search, index, best.number);
    search->best_value = best_reviewed.value;
    spare->now = best_reviewed;
    if (search->harvested.word_count > 0)
        bits_add(search->harvested, best.number);
    return true;
}

/* The largest that is left; SIZE_MAX: none. */
static size_t
largest_of(const Search *search, Bits left)
{
    size_t largest = SIZE_MAX;
    for (size_t i = bits_next(left, 0); i != SIZE_MAX; i = bits_next(left, i + 1))
        if (search->candidates->items[i]->method == CANDIDATE_BTREE &&
            search->candidates->items[i]->size_bytes > 0 &&
            (largest == SIZE_MAX ||
             search->candidates->items[i]->size_bytes > search->candidates->items[largest]->size_bytes))
            largest = i;
    return largest;
}

bool
search_spare(Search *search, Error *error)
{
    /* A budget says what space is worth. */
    if (isfinite(search_size_most(search)) || bits_is_empty(search->best) || search_out_of_time(search) ||
        !(search_spared_most(search, 1) > 0))
        return true;
    Spare spare = {.search = search, .knows_values = knows_values(search->context->snapshot)};
    if (!search_review_value(search, search->best, &spare.now, error))
        return false;
    if (spare.now.is_late)
        return true;
    spare.spared_most = search_spared_most(search, spare.now.value);
    Bits left = bits_copy(search->arena, search->best);
    size_t count = bits_count(left);
    double bytes = search_bytes(search, left);
    for (size_t index = largest_of(search, left); index != SIZE_MAX && !search_out_of_time(search);
         index = largest_of(search, left)) {
        search_progress(search, "sparing space", count - bits_count(left), count);
        bits_remove(left, index);
        double share = search->candidates->items[index]->size_bytes / bytes;
        spare.part = spare.spared_most * (1.0 / (double)count + share) / 2;
        if (!spare_index(&spare, index, error))
            return false;
    }
    return true;
}
