// SPDX-License-Identifier: PostgreSQL
#include "advise/index/write_cost.h"

#include "advise/hot_updates.h"
#include "advise/index/column_facts.h"
#include "advise/write_pace.h"

#include <math.h>
#include <string.h>

/* Of a statement for each index that it writes, however many rows: it opens it, and finds the pages cold. */
#define CALL_INSERT_MS 0.009
#define CALL_UPDATE_MS 0.008
#define HOT_LOST_TABLE_MS 0.001
#define HOT_LOST_OTHER_INDEX_MS 0.004
#define HOT_LOST_OTHER_INDEX_WAL_BYTES 110
/* Without measured times the objective is in planner units; a cached simple lookup of 8 units takes about
 * 0.02 ms. */
#define COST_UNITS_PER_MS 400.0
#define TRIGRAM_MS_PER_BYTE 0.0025
#define TRIGRAM_WAL_BYTES_PER_BYTE 50
#define RANGE_MS 0.1
/* Of an entry, where rows come in the index's order: all go to its last page, which the processor has at
 * hand. */
#define APPENDED_SHARE 0.4
#define APPENDED_CORRELATION_LEAST 0.99
/* Values that are not nearly unique tie, and ties count as order: of a constant all is. */
#define APPENDED_DISTINCT_LEAST 0.9
/* Which end of an estimate. */
typedef enum Side { SIDE_LIKELY, SIDE_LOW, SIDE_HIGH, SIDES } Side;

/* Share of the updates on a table whose figures are unknown. */
static const double hot_unknown[SIDES] = {0.5, 0, 1};

/* Of what a B-tree's entries were measured to cost, by type of value, depth and what stands beside. */
#define SIDES_BTREE                                                                                          \
    {                                                                                                        \
        1, 1 / 1.6, 1.6                                                                                      \
    }
/* Of what is lost with HOT. */
static const double hot_times[SIDES] = SIDES_BTREE;
/* How many deviations of the server's pace the sides are off: 90 of 100 servers lie between. */
#define PACE_DEVIATIONS 1.65

/* One entry. The sides are what was measured at the least and at the most on one machine. */
typedef struct EntryCost {
    double insert_ms;
    double remove_ms; /* by vacuum */
    double wal_bytes;
    double times[SIDES];
} EntryCost;

static EntryCost
entry_cost(const Candidate *candidate)
{
    static const EntryCost costs[] = {[CANDIDATE_BTREE] = {0.004, 0.0005, 110, SIDES_BTREE},
                                      [CANDIDATE_HASH] = {0.004, 0.0005, 110, SIDES_BTREE},
                                      [CANDIDATE_GIN] = {0.008, 0.005, 300, {1, 0.4, 2}},
                                      [CANDIDATE_GIST] = {0.006, 0.003, 300, {1, 0.5, 3}},
                                      [CANDIDATE_SPGIST] = {0.006, 0.0005, 230, {1, 0.5, 3}},
                                      [CANDIDATE_BRIN] = {0.0002, 0.00002, 5, {1, 0, 2.5}}};
    EntryCost cost = costs[candidate->method];
    const CandidateKey *key = &candidate->keys[0];
    const SnapshotColumn *column = snapshot_column(candidate->relation, key->attnum);
    if (key->operator_class != NULL && text_ends_with(key->operator_class, "trgm_ops")) {
        double width = column_width_bytes(candidate->relation, key->attnum);
        cost = (EntryCost){width * TRIGRAM_MS_PER_BYTE,
                           width * TRIGRAM_MS_PER_BYTE,
                           width * TRIGRAM_WAL_BYTES_PER_BYTE,
                           {1, 0.6, 2}};
    } else if ((candidate->method == CANDIDATE_GIST || candidate->method == CANDIDATE_SPGIST) &&
               column != NULL && column->base_type != NULL && text_ends_with(column->base_type, "range")) {
        cost.insert_ms = RANGE_MS; /* in order, which is the worst: others are as cheap as a network */
        cost.times[SIDE_LOW] = 0.06;
        cost.times[SIDE_HIGH] = 2;
    }
    return cost;
}

static bool
use_writes_candidate(const SqlRelationUse *use, const Candidate *candidate)
{
    for (size_t i = 0; i < use->written_column_count; i++)
        if (candidate_reads_column(candidate, use->written_columns[i]))
            return true;
    return false;
}

/* The table's rows lie in the order of its first column, so new ones come in it. */
static bool
is_appended(Arena *arena, const Candidate *candidate)
{
    const CandidateKey *key = &candidate->keys[0];
    if (candidate->method != CANDIDATE_BTREE || key->expression != NULL)
        return false;
    ArenaMark mark = arena_mark(arena);
    double correlation = column_correlation(arena, candidate->relation, key->attnum);
    arena_rewind(arena, mark);
    double distinct = column_distinct(candidate->relation, key->attnum);
    return correlation >= APPENDED_CORRELATION_LEAST &&
           distinct >= APPENDED_DISTINCT_LEAST * fmax(candidate->relation->reltuples, 1);
}

typedef struct Written {
    double rows;
    double calls; /* that write a row */
} Written;

static Written
written_by(const WorkloadStatement *statement)
{
    double rows = statement->source->rows;
    if (isnan(rows) || rows <= 0)
        rows = statement->source->calls;
    rows = isnan(rows) || rows < 0 ? 0 : rows;
    return (Written){.rows = rows, .calls = fmin(rows, fmax(0, statement->source->calls))};
}

/* An end of a price as measured, on a server of this pace: the two may be off apart from each other. */
static double
times_at(const double *times, Side side, const WritePace *pace)
{
    if (side == SIDE_LIKELY || times[side] <= 0)
        return times[side] * pace->times;
    double off = hypot(log(times[side]), PACE_DEVIATIONS * pace->deviation);
    return pace->times * exp(side == SIDE_LOW ? -off : off);
}

typedef struct Pricing {
    const Snapshot *snapshot;
    const Candidate *candidate;
    const WriteBeside *beside;
    EntryCost entry;
    WritePace pace;
    Side side;
} Pricing;

/* share: of the rows, those that make an entry. */
static void
entries_add(const Pricing *pricing, Written written, double share, double call_ms, WriteCost *cost)
{
    const EntryCost *entry = &pricing->entry;
    /* most rows find the summary of their range wide enough */
    double of_calls = pricing->candidate->method == CANDIDATE_BRIN ? 0 : written.calls * call_ms;
    cost->rows += written.rows * share;
    cost->ms += share * (written.rows * entry->insert_ms + of_calls) *
                times_at(entry->times, pricing->side, &pricing->pace);
    cost->wal_bytes += written.rows * share * entry->wal_bytes;
}

/* It ends the HOT updates that the use makes. */
static bool
is_ender(const Snapshot *snapshot, const SqlRelationUse *use, const Candidate *candidate)
{
    bool is_transparent = candidate->method == CANDIDATE_BRIN && snapshot->server_major >= HOT_BRIN_MAJOR;
    return candidate->relation->id == use->relation_id && !is_transparent &&
           use_writes_candidate(use, candidate);
}

/* How many of the candidates beside one hold what the update sets, and end its being HOT. */
static size_t
count_enders(const Snapshot *snapshot, const SqlRelationUse *use, const Candidate *candidate,
             const WriteBeside *beside)
{
    size_t count = 0;
    for (size_t i = 0; beside != NULL && i < beside->count; i++) {
        const Candidate *other = beside->items[i];
        count += other != candidate && is_ender(snapshot, use, other);
    }
    return count;
}

/* What the table and its present indexes lose when a share of the rows is no longer HOT. */
static double
lost_ms(const SnapshotRelation *relation, Written written, double share)
{
    double others = (double)relation->indexes.count;
    return share * (written.rows * (HOT_LOST_TABLE_MS + others * HOT_LOST_OTHER_INDEX_MS) +
                    written.calls * others * CALL_UPDATE_MS);
}

static void
update_add(const Pricing *pricing, const SqlRelationUse *use, Written written, WriteCost *cost)
{
    const Snapshot *snapshot = pricing->snapshot;
    const Candidate *candidate = pricing->candidate;
    Side side = pricing->side;
    double held = 1 - candidate->left_out;
    bool is_written = use_writes_candidate(use, candidate);
    size_t enders = count_enders(snapshot, use, candidate, pricing->beside);
    /* what is HOT costs a written index more, and spares another one its entry */
    static const Side other[SIDES] = {SIDE_LIKELY, SIDE_HIGH, SIDE_LOW};
    double unknown = hot_unknown[is_written ? side : other[side]];
    double hot = hot_updates_share(snapshot, use, candidate->relation, unknown);
    double share = is_written || enders > 0 ? 1 : 1 - hot;
    entries_add(pricing, written, held * share, CALL_UPDATE_MS, cost);
    if (!is_ender(snapshot, use, candidate))
        return;
    double others = (double)candidate->relation->indexes.count;
    double lost = hot / (double)(1 + enders); /* each bears its part */
    cost->hot_lost += written.rows * lost;
    cost->ms += lost_ms(candidate->relation, written, lost) * times_at(hot_times, side, &pricing->pace);
    cost->wal_bytes += written.rows * lost * others * HOT_LOST_OTHER_INDEX_WAL_BYTES;
}

static double
objective_of(const AdvisorContext *context, double ms)
{
    return context->workload->has_times ? ms : ms * COST_UNITS_PER_MS;
}

static WriteCost
cost_at(const AdvisorContext *context, const Candidate *candidate, const WriteBeside *beside, Side side)
{
    const Workload *workload = context->workload;
    WriteCost cost = {0};
    double held = 1 - candidate->left_out;
    const Pricing pricing = {.snapshot = context->snapshot,
                             .candidate = candidate,
                             .beside = beside,
                             .entry = entry_cost(candidate),
                             .pace = write_pace_of(workload),
                             .side = side};
    Pricing inserted = pricing;
    double in_order = is_appended(context->arena, candidate) ? APPENDED_SHARE : 1;
    inserted.entry.insert_ms *= in_order;
    for (size_t q = 0; q < workload->count; q++) {
        const SqlAnalysis *analysis = workload->statements[q].analysis;
        Written written = written_by(&workload->statements[q]);
        for (size_t u = 0; u < analysis->use_count; u++) {
            const SqlRelationUse *use = &analysis->uses[u];
            if (!use->is_write_target || use->relation_id != candidate->relation->id)
                continue;
            if (analysis->kind == SQL_KIND_INSERT || analysis->kind == SQL_KIND_MERGE)
                entries_add(&inserted, written, held, CALL_INSERT_MS * in_order, &cost);
            else if (analysis->kind == SQL_KIND_UPDATE)
                update_add(&pricing, use, written, &cost);
            else if (analysis->kind == SQL_KIND_DELETE)
                cost.ms += written.rows * held * pricing.entry.remove_ms *
                           times_at(pricing.entry.times, side, &pricing.pace);
        }
    }
    cost.objective = objective_of(context, cost.ms);
    return cost;
}

WriteCost
index_write_cost_detail(const AdvisorContext *context, const Candidate *candidate, const WriteBeside *beside)
{
    WriteCost cost = cost_at(context, candidate, beside, SIDE_LIKELY);
    cost.objective_low = cost_at(context, candidate, beside, SIDE_LOW).objective;
    cost.objective_high = cost_at(context, candidate, beside, SIDE_HIGH).objective;
    return cost;
}

double
index_write_cost(const AdvisorContext *context, const Candidate *candidate)
{
    return cost_at(context, candidate, NULL, SIDE_LIKELY).objective;
}

/* The interplay of a table whose enders are these, made when there is none. */
static WriteInterplay *
interplay_of(Arena *arena, WriteInterplayList *list, const void *table, Bits enders)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].table == table && bits_equal(list->items[i].enders, enders))
            return &list->items[i];
    WriteInterplay interplay = {.table = table, .enders = enders};
    vector_push(arena, list, interplay);
    return &list->items[list->count - 1];
}

static void
payer_add(Arena *arena, WriteInterplay *interplay, size_t number, double cost)
{
    for (size_t i = 0; i < interplay->payers.count; i++)
        if (interplay->payers.items[i].number == number) {
            interplay->payers.items[i].cost += cost;
            return;
        }
    WritePayer payer = {.number = number, .cost = cost};
    vector_push(arena, &interplay->payers, payer);
}

/* What the candidates pay for one kind of update once it is no longer HOT. */
static void
interplay_add(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates,
              const WorkloadStatement *statement, const SqlRelationUse *use, WriteInterplayList *list)
{
    const Snapshot *snapshot = context->snapshot;
    Bits enders = bits_new(arena, candidates->count);
    const SnapshotRelation *relation = NULL;
    for (size_t i = 0; i < candidates->count; i++) {
        if (!is_ender(snapshot, use, candidates->items[i]))
            continue;
        relation = candidates->items[i]->relation;
        bits_add(enders, i);
    }
    if (relation == NULL)
        return;
    double hot = hot_updates_share(snapshot, use, relation, hot_unknown[SIDE_LIKELY]);
    if (hot <= 0)
        return;
    WriteInterplay *interplay = interplay_of(arena, list, relation, enders);
    Written written = written_by(statement);
    const WritePace pace = write_pace_of(context->workload);
    interplay->shared +=
        objective_of(context, lost_ms(relation, written, hot) * times_at(hot_times, SIDE_LIKELY, &pace));
    for (size_t i = 0; i < candidates->count; i++) {
        const Candidate *candidate = candidates->items[i];
        if (candidate->relation != relation || use_writes_candidate(use, candidate))
            continue;
        const Pricing pricing = {.snapshot = snapshot,
                                 .candidate = candidate,
                                 .entry = entry_cost(candidate),
                                 .pace = pace,
                                 .side = SIDE_LIKELY};
        WriteCost cost = {0};
        entries_add(&pricing, written, hot * (1 - candidate->left_out), CALL_UPDATE_MS, &cost);
        payer_add(arena, interplay, i, objective_of(context, cost.ms));
    }
}

WriteInterplayList
index_write_interplay(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates)
{
    WriteInterplayList list = {0};
    const Workload *workload = context->workload;
    for (size_t q = 0; q < workload->count; q++) {
        const SqlAnalysis *analysis = workload->statements[q].analysis;
        for (size_t u = 0; analysis->kind == SQL_KIND_UPDATE && u < analysis->use_count; u++)
            if (analysis->uses[u].is_write_target)
                interplay_add(arena, context, candidates, &workload->statements[q], &analysis->uses[u],
                              &list);
    }
    return list;
}
