// SPDX-License-Identifier: PostgreSQL
#include "whatif/fidelity.h"

#include "pg/result.h"
#include "snapshot/catalog.h"
#include "snapshot/read.h"
#include "sql/analysis.h"
#include "whatif/explain.h"
#include "whatif/twin_internal.h"

#include <string.h>

typedef struct Measuring {
    Arena *arena;
    Twin *twin;
    SqlCatalog catalog;
    Explainer target;
    Explainer local;
    Fidelity *fidelity;
} Measuring;

/* First node, parents first, at which two plans part. */
static bool
first_difference(const PgPlanNode *a, const PgPlanNode *b, const PgPlanNode **ret_a, const PgPlanNode **ret_b)
{
    bool same = text_equals(a->node_type, b->node_type) && text_equals(a->relation, b->relation) &&
                text_equals(a->index, b->index) && a->children.count == b->children.count;
    for (size_t i = 0; same && i < a->children.count; i++)
        if (first_difference(a->children.items[i], b->children.items[i], ret_a, ret_b))
            return true;
    bool figures = a->startup_cost == b->startup_cost && a->total_cost == b->total_cost &&
                   a->plan_rows == b->plan_rows && a->plan_width == b->plan_width;
    if (same && figures)
        return false;
    *ret_a = a;
    *ret_b = b;
    return true;
}

/* What the snapshot lacks that could explain a difference. */
static const char *
likely_lack(const Snapshot *snapshot)
{
    if (snapshot->rights <= SNAPSHOT_RIGHTS_PARTIAL)
        return "; column statistics are hidden from the reading role";
    if (snapshot->rights <= SNAPSHOT_RIGHTS_FUNCTION)
        return "; tree heights, index end points or extended statistics are hidden from the reading role";
    return "";
}

static const char *
difference_cause(const Measuring *measuring, const PgPlan *target, const PgPlan *local)
{
    const PgPlanNode *a = target->root;
    const PgPlanNode *b = local->root;
    if (!first_difference(target->root, local->root, &a, &b))
        return "only details that do not matter for the choice of the plan";
    const char *where = a->relation != NULL ? a->relation : "the plan";
    if (!text_equals(a->node_type, b->node_type) || !text_equals(a->index, b->index))
        return arena_printf(measuring->arena, "%s: %s%s%s on the target, %s%s%s on the twin%s", where,
                            a->node_type, a->index == NULL ? "" : " using ", a->index == NULL ? "" : a->index,
                            b->node_type, b->index == NULL ? "" : " using ", b->index == NULL ? "" : b->index,
                            likely_lack(twin_snapshot(measuring->twin)));
    if (a->plan_rows != b->plan_rows)
        return arena_printf(measuring->arena,
                            "%s of %s: %.0f rows expected on the target, %.0f on the twin%s", a->node_type,
                            where, a->plan_rows, b->plan_rows, likely_lack(twin_snapshot(measuring->twin)));
    return arena_printf(measuring->arena, "%s of %s: cost %.2f..%.2f on the target, %.2f..%.2f on the twin%s",
                        a->node_type, where, a->startup_cost, a->total_cost, b->startup_cost, b->total_cost,
                        likely_lack(twin_snapshot(measuring->twin)));
}

static void
compare_plans(Measuring *measuring, const SnapshotStatement *statement, const PgPlan *target,
              const PgPlan *local)
{
    Fidelity *fidelity = measuring->fidelity;
    fidelity->compared++;
    bool same_shape = pg_plan_shape_hash(target) == pg_plan_shape_hash(local);
    fidelity->same_shape += same_shape;
    if (pg_plan_is_identical(target, local)) {
        fidelity->identical++;
        return;
    }
    FidelityDifference difference = {.query_hash = statement->query_hash,
                                     .text = statement->text,
                                     .is_same_shape = same_shape,
                                     .cost_target = target->root->total_cost,
                                     .cost_twin = local->root->total_cost,
                                     .cause = difference_cause(measuring, target, local)};
    vector_push(measuring->arena, &fidelity->differences, difference);
}

/* One statement on one side, in a savepoint on the target's open transaction; on the twin it needs none. */
static bool
ask_target(Measuring *measuring, const char *text, PgPlan **ret_plan, const char **ret_reason, Error *error)
{
    PgConnection *target = measuring->target.connection;
    if (!pg_execute(target, "SAVEPOINT fettle", error) ||
        !explainer_ask(&measuring->target, measuring->arena, text, ret_plan, ret_reason, error))
        return false;
    return pg_execute(target, *ret_plan != NULL ? "RELEASE SAVEPOINT fettle" : "ROLLBACK TO SAVEPOINT fettle",
                      error);
}

static bool
measure_text(Measuring *measuring, const SnapshotStatement *statement, const char *text, Error *error)
{
    SqlStatement *parsed = sql_statement_parse(measuring->arena, text, strlen(text));
    SqlKind kind = sql_statement_kind(parsed);
    /* Statements over system catalogs alone say nothing: a twin's catalogs are its own. */
    if (kind == SQL_KIND_UNPARSED || kind == SQL_KIND_UTILITY ||
        sql_analyze(measuring->arena, parsed, &measuring->catalog)->use_count == 0)
        return true;
    const char *clean = sql_statement_text(parsed);
    PgPlan *target = NULL;
    PgPlan *local = NULL;
    const char *target_reason = NULL;
    const char *local_reason = NULL;
    if (!ask_target(measuring, clean, &target, &target_reason, error) ||
        !explainer_ask(&measuring->local, measuring->arena, clean, &local, &local_reason, error))
        return false;
    if (target != NULL && local != NULL) {
        compare_plans(measuring, statement, target, local);
        return true;
    }
    Fidelity *fidelity = measuring->fidelity;
    fidelity->not_explained++;
    if (fidelity->not_explained_reason == NULL)
        fidelity->not_explained_reason =
            target == NULL ? arena_printf(measuring->arena, "on the target: %s", target_reason)
                           : arena_printf(measuring->arena, "on the twin: %s", local_reason);
    return true;
}

/*
 * A statement counts once for each text it is known by: its samples, and its template when that is another
 * text (with parameters, so by its generic plan). A quick measurement takes the first of them.
 */
static bool
measure_statement(Measuring *measuring, const SnapshotStatement *statement, bool is_quick, Error *error)
{
    bool is_sample = false;
    for (size_t i = 0; i < statement->sample_count; i++) {
        if (!measure_text(measuring, statement, statement->samples[i], error))
            return false;
        if (is_quick)
            return true;
        is_sample = is_sample || text_equals(statement->samples[i], statement->text);
    }
    return is_sample || measure_text(measuring, statement, statement->text, error);
}

static bool
measure_all(Measuring *measuring, int64_t statements_most, Error *error)
{
    const Snapshot *snapshot = twin_snapshot(measuring->twin);
    size_t count = snapshot->statement_count;
    if (statements_most > 0 && (size_t)statements_most < count)
        count = (size_t)statements_most;
    for (size_t i = 0; i < count; i++) {
        twin_progress(measuring->twin, "comparing plans", (int64_t)i, (int64_t)count);
        if (!measure_statement(measuring, &snapshot->statements[i], statements_most > 0, error))
            return false;
    }
    return true;
}

/* Planning looks up the ends of indexes, which the server counts as uses of them. */
static bool
counting_stop(PgConnection *target, Error *error)
{
    bool may = false;
    return snapshot_may_stop_counting(target, &may, error) &&
           (!may || pg_execute(target, "SET LOCAL track_counts = off", error));
}

bool
fidelity_measure(Arena *arena, Twin *twin, PgConnection *target, int64_t statements_most,
                 Fidelity *ret_fidelity, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *local = NULL;
    Fidelity fidelity = {0};
    int64_t start_us = pg_connection_server_time_us(target);
    if (!twin_connect(twin, &local, error) || !twin_settings_apply(twin_snapshot(twin), target, error) ||
        !pg_transaction_begin_read_only(target, error) || !counting_stop(target, error))
        return false;
    Measuring measuring = {.arena = arena,
                           .twin = twin,
                           .catalog = snapshot_catalog(arena, twin_snapshot(twin)),
                           .target = explainer_new(arena, target),
                           .local = explainer_new(arena, local),
                           .fidelity = &fidelity};
    if (!measure_all(&measuring, statements_most, error))
        return false;
    fidelity.target_ms = (double)(pg_connection_server_time_us(target) - start_us) / 1000;
    if (!pg_transaction_end(target, error))
        return false;
    *ret_fidelity = fidelity;
    return true;
}
