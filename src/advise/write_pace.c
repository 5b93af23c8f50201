// SPDX-License-Identifier: PostgreSQL
#include "advise/write_pace.h"

#include "advise/hot_updates.h"

#include <math.h>

/* Of logarithms. */
#define DEVIATION_OF_SERVERS 0.7
#define DEVIATION_OF_STATEMENT 0.65
/* Of all of a server's statements alike (triggers, wide rows): more of them do not narrow it. */
#define DEVIATION_SHARED 0.25
/* Farther off than this is a statement that does something else. */
#define RATIO_MOST 10.0

/* The first call of each session loads catalogs and plans. */
#define CALLS_LEAST 50
#define ROWS_A_CALL_LEAST 0.9
#define ROWS_A_CALL_MOST 10.0
/* Of an UPDATE: a look-up by key, in a table that does not stay in the processor's cache. */
#define LOOKUP_COST_MOST 12.0
#define TABLE_PAGES_LEAST 500

/* Among other statements, on the machine of the prices. */
#define INSERT_MS 0.026 /* 12 to 16 µs bare, 27 more with expressions, 4 with an identity */
#define INSERT_ROW_MS 0.002
#define INSERT_ENTRY_MS 0.004
#define INSERT_INDEX_MS 0.009
#define PRIMARY_SHARE 0.5 /* rows come in its order most often */
#define FOREIGN_KEYS_MS 0.020
#define FOREIGN_KEY_MS 0.018
#define UPDATE_MS 0.038
#define UPDATE_ENTRY_MS 0.012

static double
insert_ms(const SnapshotRelation *relation, double rows)
{
    double entries = 0;
    for (size_t i = 0; i < relation->indexes.count; i++)
        entries += relation->indexes.items[i]->is_primary ? PRIMARY_SHARE : 1;
    double foreign_keys = 0;
    for (size_t i = 0; i < relation->constraints.count; i++)
        foreign_keys += relation->constraints.items[i]->type == 'f';
    double checks = foreign_keys > 0 ? FOREIGN_KEYS_MS + rows * foreign_keys * FOREIGN_KEY_MS : 0;
    return INSERT_MS + rows * INSERT_ROW_MS + entries * (rows * INSERT_ENTRY_MS + INSERT_INDEX_MS) + checks;
}

static double
update_ms(const Snapshot *snapshot, const SqlRelationUse *use, const SnapshotRelation *relation, double rows)
{
    double hot = hot_updates_share(snapshot, use, relation, 1);
    return UPDATE_MS + rows * (1 - hot) * (double)relation->indexes.count * UPDATE_ENTRY_MS;
}

/* The prices of entries are those of whole B-trees and hashes. */
static bool
indexes_are_priced(const SnapshotRelation *relation)
{
    for (size_t i = 0; i < relation->indexes.count; i++) {
        const SnapshotIndex *index = relation->indexes.items[i];
        if (index->predicate != NULL ||
            !(text_equals(index->method, "btree") || text_equals(index->method, "hash")))
            return false;
    }
    return true;
}

/* What a call took on the machine of the prices; NAN: the statement is not told by its row alone. */
static double
reference_ms(const Snapshot *snapshot, const WorkloadStatement *statement)
{
    const SqlAnalysis *analysis = statement->analysis;
    bool is_counted = statement->source->query_id != 0; /* not made from another; a file tells no rows */
    if (!is_counted || analysis == NULL || analysis->unresolved_count > 0 || analysis->use_count != 1 ||
        !analysis->uses[0].is_write_target)
        return NAN;
    const SnapshotRelation *relation = snapshot_relation(snapshot, analysis->uses[0].relation_id);
    double rows = statement->source->rows / statement->source->calls;
    if (relation == NULL || relation->kind != 'r' || !indexes_are_priced(relation) ||
        !(rows >= ROWS_A_CALL_LEAST && rows <= ROWS_A_CALL_MOST))
        return NAN;
    if (analysis->kind == SQL_KIND_INSERT)
        return insert_ms(relation, rows);
    bool is_lookup = statement->is_costed && statement->baseline_cost <= LOOKUP_COST_MOST &&
                     relation->relpages >= TABLE_PAGES_LEAST;
    return analysis->kind == SQL_KIND_UPDATE && is_lookup && rows < 2
               ? update_ms(snapshot, &analysis->uses[0], relation, rows)
               : NAN;
}

WritePace
write_pace_measure(const Snapshot *snapshot, const Workload *workload)
{
    WritePace pace = {0};
    double sum = 0;
    for (size_t q = 0; workload->has_times && q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        if (!(statement->source->calls >= CALLS_LEAST) || !(statement->total_ms > 0))
            continue;
        double reference = reference_ms(snapshot, statement);
        if (isnan(reference))
            continue;
        double ratio = statement->total_ms / statement->source->calls / reference;
        sum += log(fmax(1 / RATIO_MOST, fmin(RATIO_MOST, ratio)));
        pace.statement_count++;
    }
    /* two estimates, each as heavy as it is sure */
    double of_servers = 1 / (DEVIATION_OF_SERVERS * DEVIATION_OF_SERVERS);
    double of_statement = 1 / (DEVIATION_OF_STATEMENT * DEVIATION_OF_STATEMENT);
    double weight = of_servers + (double)pace.statement_count * of_statement;
    pace.times = exp(sum * of_statement / weight);
    pace.deviation =
        pace.statement_count == 0 ? DEVIATION_OF_SERVERS : hypot(sqrt(1 / weight), DEVIATION_SHARED);
    return pace;
}

WritePace
write_pace_of(const Workload *workload)
{
    return workload->write_pace.times > 0 ? workload->write_pace
                                          : (WritePace){.times = 1, .deviation = DEVIATION_OF_SERVERS};
}
