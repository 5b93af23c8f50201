// SPDX-License-Identifier: PostgreSQL
#include "jobs/plans.h"

#include "base/file.h"
#include "base/map.h"
#include "jobs/plan_cause.h"
#include "snapshot/read.h"
#include "sql/statement.h"
#include "store/incident.h"
#include "store/observation.h"
#include "store/sample_read.h"
#include "store/statement.h"
#include "whatif/explain.h"
#include "whatif/twin.h"
#include "workload/anomaly_plan.h"

#include <string.h>

/* What is kept for the whole call, for one database, for its relations at one time, and for one statement: a
 * plan before may be long, and there are hundreds of statements. */
#define PLANS_ARENA_BYTES ((size_t)1 << 30)
#define DATABASE_ARENA_BYTES ((size_t)4 << 30)
#define RELATIONS_ARENA_BYTES ((size_t)1 << 30)
#define STATEMENT_ARENA_BYTES ((size_t)1 << 30)
#define WINDOW_US ((int64_t)24 * 3600 * 1000000)
#define CLUSTER_START_MS 60000
/* Of incidents, so many more statements are planned. */
#define INCIDENTS_MOST 20
#define INCIDENT_STATEMENTS_MOST 40
#define INCIDENT_TOTALS_MOST 400 /* a statement of several databases is one of each */

/* One call's state. */
typedef struct Planning {
    Arena *arena;
    Store *store;
    const Settings *settings;
    int64_t target_id;
    int64_t now_us;
    const char *dsn;
    SampleTotal *totals;
    size_t total_count;
    Cluster *cluster; /* opened with the first database */
    PlansReport report;
} Planning;

/* One database of it. */
typedef struct PlanningDatabase {
    Planning *planning;
    Arena *arena;
    const char *name;
    const Snapshot *snapshot;
    Explainer explainer;
    Arena *relations_arena;         /* NULL before the first */
    const RelationRound *relations; /* at the time of relations_at_us */
    int64_t relations_at_us;
} PlanningDatabase;

/* One statement of it; what is read for it goes with it. */
typedef struct PlanningStatement {
    PlanningDatabase *database;
    Arena *arena;
    PgConnection *session;
} PlanningStatement;

/* The statements that open incidents are of. */
static bool
incident_statements(const Planning *planning, PgConnection *session, Map *ret_hashes, Error *error)
{
    AnomalyFilter filter = {.target_id = planning->target_id, .most = INCIDENTS_MOST};
    Incidents incidents;
    size_t count = 0;
    if (!incidents_read(session, planning->arena, &filter, &incidents, error))
        return false;
    for (size_t i = 0; i < incidents.count; i++) {
        Incident *incident = &incidents.items[i];
        for (size_t k = 0; anomaly_plan_may_explain(incident) && k < incident->query_hash_count &&
                           count < INCIDENT_STATEMENTS_MOST;
             k++, count++)
            map_put_id(ret_hashes, (uint64_t)incident->query_hashes[k], incident);
    }
    return true;
}

static SampleRange
window_of(const Planning *planning)
{
    return (SampleRange){
        .target_id = planning->target_id, .from_us = planning->now_us - WINDOW_US, .to_us = planning->now_us};
}

static bool
has_total(const SampleTotal *totals, size_t count, const SampleTotal *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (totals[i].query_hash == wanted->query_hash &&
            strcmp(totals[i].database_name, wanted->database_name) == 0)
            return true;
    return false;
}

/* The statements of incidents, however little time they took, before the costliest: their databases are to be
 * among those that are read. */
static bool
incident_totals(Planning *planning, PgConnection *session, const Map *hashes, Error *error)
{
    SampleRange range = window_of(planning);
    int64_t *wanted = ARENA_NEW_ARRAY(planning->arena, int64_t, map_count(hashes));
    SampleTotal *totals;
    size_t count;
    for (size_t i = 0; i < map_count(hashes); i++)
        wanted[i] = (int64_t)map_id_at(hashes, i);
    range.query_hashes = wanted;
    range.query_hash_count = map_count(hashes);
    if (range.query_hash_count == 0)
        return true;
    if (!sample_top_read(session, planning->arena, &range, SAMPLE_BY_TIME, INCIDENT_TOTALS_MOST, &totals,
                         &count, error))
        return false;
    size_t all_count = count;
    SampleTotal *all = ARENA_NEW_ARRAY(planning->arena, SampleTotal, planning->total_count + count);
    for (size_t i = 0; i < count; i++)
        all[i] = totals[i];
    for (size_t i = 0; i < planning->total_count; i++)
        if (!has_total(totals, count, &planning->totals[i]))
            all[all_count++] = planning->totals[i];
    planning->totals = all;
    planning->total_count = all_count;
    return true;
}

/* The costliest statements, and those of incidents. */
static bool
statements_choose(Planning *planning, PgConnection *session, size_t most, Error *error)
{
    SampleRange range = window_of(planning);
    Map *hashes = map_new(planning->arena);
    return incident_statements(planning, session, hashes, error) &&
           sample_top_read(session, planning->arena, &range, SAMPLE_BY_TIME, most, &planning->totals,
                           &planning->total_count, error) &&
           incident_totals(planning, session, hashes, error);
}

static bool
planning_begin(Planning *planning, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    size_t most = (size_t)settings_get_int(planning->settings, SETTING_COLLECT_PLANS);
    if (most == 0)
        return true;
    return store_session_take(planning->store, 0, &session, error) &&
           target_dsn(planning->store, session.connection, planning->arena, planning->target_id,
                      &planning->dsn, error) &&
           statements_choose(planning, session.connection, most, error);
}

static bool
snapshot_take(PlanningDatabase *database, Error *error)
{
    const Planning *planning = database->planning;
    const Settings *settings = planning->settings;
    PgConnectOptions options = {
        .purpose = PG_PURPOSE_TARGET,
        .database = database->name,
        .connect_timeout_ms = (int)settings_get_int(settings, SETTING_TARGET_CONNECT_TIMEOUT),
        .statement_timeout_ms = (int)settings_get_int(settings, SETTING_TARGET_STATEMENT_TIMEOUT),
        .lock_timeout_ms = (int)settings_get_int(settings, SETTING_TARGET_LOCK_TIMEOUT)};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *target = NULL;
    SnapshotReadOptions read = {.without_workload = true,
                                .ends = SNAPSHOT_ENDS_UNCOUNTED,
                                .deadline =
                                    deadline_after_ms(settings_get_int(settings, SETTING_TARGET_DEADLINE))};
    return pg_connection_open(planning->dsn, &options, &target, error) &&
           snapshot_read(database->arena, target, &read, &database->snapshot, error);
}

static bool
planning_open_cluster(Planning *planning, int major, Error *error)
{
    if (planning->cluster != NULL)
        return true;
    const Settings *settings = planning->settings;
    char *directory = arena_strdup(planning->arena, settings_get_text(settings, SETTING_DATA_DIRECTORY));
    if (directory[0] == '\0' && !path_data_directory(planning->arena, &directory, error))
        return false;
    ClusterOptions options = {.data_directory = directory,
                              .binaries_directory = settings_get_text(settings, SETTING_CLUSTER_BINARIES),
                              .preferred_major = major,
                              .shared_buffers_bytes =
                                  settings_get_int(settings, SETTING_CLUSTER_SHARED_BUFFERS),
                              .deadline = deadline_after_ms(CLUSTER_START_MS)};
    return cluster_open(&options, &planning->cluster, error);
}

static void
flags_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    PlanRow *row = context;
    row->has_seq_scan = row->has_seq_scan || strcmp(node->node_type, "Seq Scan") == 0;
    row->has_index_scan = row->has_index_scan || strncmp(node->node_type, "Index", strlen("Index")) == 0;
    row->has_bitmap_scan = row->has_bitmap_scan || strcmp(node->node_type, "Bitmap Heap Scan") == 0;
    row->has_nested_loop = row->has_nested_loop || strcmp(node->node_type, "Nested Loop") == 0;
}

/* What was seen of the database's relations when the plan before was taken. */
static bool
relations_at(PlanningDatabase *database, PgConnection *session, int64_t at_us, Error *error)
{
    if (database->relations_arena != NULL && database->relations_at_us == at_us)
        return true;
    Planning *planning = database->planning;
    DatabaseRows rows;
    RelationRound *rounds = NULL;
    size_t count = 0;
    int32_t database_id = 0;
    arena_free_at(&database->relations_arena);
    database->relations_arena = arena_new("relations before", RELATIONS_ARENA_BYTES);
    database->relations = NULL;
    database->relations_at_us = at_us;
    if (!database_rows_read(session, database->relations_arena, planning->target_id, &rows, error))
        return false;
    for (size_t i = 0; i < rows.count; i++)
        if (strcmp(rows.items[i].database_name, database->name) == 0)
            database_id = rows.items[i].database_id;
    if (database_id == 0)
        return true;
    if (!relation_rounds_read(session, database->relations_arena, planning->target_id, database_id, at_us,
                              &rounds, &count, error))
        return false;
    database->relations = count > 0 ? &rounds[0] : NULL;
    return true;
}

static bool
cause_take(const PlanningStatement *statement, const PgPlan *plan, PlanRow *row, Error *error)
{
    PlanningDatabase *database = statement->database;
    Planning *planning = database->planning;
    Arena *arena = statement->arena;
    PgConnection *session = statement->session;
    PlanRows before;
    PlanRange range = {.target_id = planning->target_id,
                       .query_hash = row->query_hash,
                       .most = 1,
                       .bytes_most = PLANS_BYTES_MOST};
    if (!plan_rows_read(session, arena, &range, &before, error))
        return false;
    if (before.count == 0 || before.items[0].plan_hash == row->plan_hash)
        return true;
    const PlanRow *last = &before.items[0];
    PgPlan *last_plan = NULL;
    Error unreadable = {0};
    /* what was stored by another version may not be readable, what is too long is not read; then the cause is
     * unknown */
    if (last->plan_json == NULL ||
        !pg_plan_parse(arena, last->plan_json, strlen(last->plan_json), &last_plan, &unreadable))
        return true;
    SettingChanges changes;
    if (!setting_changes_read(session, arena, planning->target_id, last->collected_at_us, planning->now_us,
                              &changes, error) ||
        !relations_at(database, session, last->collected_at_us, error))
        return false;
    row->change_cause = plan_cause_find(arena, &(PlanCauseInput){.before = last_plan,
                                                                 .now = plan,
                                                                 .snapshot = database->snapshot,
                                                                 .changes = &changes,
                                                                 .relations_before = database->relations});
    return true;
}

/* Plans it; *ret_plan is NULL when it cannot be planned. */
static bool
statement_plan(const PlanningStatement *planned, const SampleTotal *total, PgPlan **ret_plan, Error *error)
{
    Arena *arena = planned->arena;
    *ret_plan = NULL;
    if (total->query_text == NULL)
        return true;
    SqlStatement *statement = sql_statement_parse(arena, total->query_text, strlen(total->query_text));
    SqlKind kind = sql_statement_kind(statement);
    if (kind == SQL_KIND_UNPARSED || kind == SQL_KIND_UTILITY)
        return true;
    const char *reason = NULL;
    return explainer_ask(&planned->database->explainer, arena, sql_statement_text(statement), ret_plan,
                         &reason, error);
}

static bool
statement_take(PlanningDatabase *database, PgConnection *session, const SampleTotal *total, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("plans of a statement", STATEMENT_ARENA_BYTES);
    Planning *planning = database->planning;
    PlanningStatement statement = {.database = database, .arena = arena, .session = session};
    PgPlan *plan = NULL;
    if (!statement_plan(&statement, total, &plan, error))
        return false;
    if (plan == NULL) {
        planning->report.refused++;
        return true;
    }
    planning->report.planned++;
    PlanRow row = {.target_id = planning->target_id,
                   .database_name = database->name,
                   .query_hash = total->query_hash,
                   .fingerprint_hash = total->fingerprint_hash,
                   .collected_at_us = planning->now_us,
                   .plan_hash = pg_plan_shape_hash(plan),
                   .plan_json = plan->text,
                   .plan_text = pg_plan_format(arena, plan, true),
                   .rows_expected = plan->root->plan_rows,
                   .cost = plan->root->total_cost};
    pg_plan_walk(plan, flags_visit, &row);
    int64_t written = 0;
    if (!cause_take(&statement, plan, &row, error) || !plan_rows_write(session, &row, 1, &written, error))
        return false;
    planning->report.written += written;
    return true;
}

static bool
database_plan(PlanningDatabase *database, Error *error)
{
    FETTLE_CLEANUP(twin_close_at) Twin *twin = NULL;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Planning *planning = database->planning;
    TwinOptions options = {.statement_timeout_ms =
                               (int)settings_get_int(planning->settings, SETTING_TWIN_STATEMENT_TIMEOUT)};
    if (!snapshot_take(database, error) ||
        !planning_open_cluster(planning, database->snapshot->server_major, error) ||
        !twin_open(database->arena, planning->cluster, database->snapshot, &options, &twin, error) ||
        !twin_connect(twin, &connection, error) || !store_session_take(planning->store, 0, &session, error))
        return false;
    database->explainer = explainer_new(database->arena, connection);
    database->explainer.keeps_text = true;
    planning->report.databases++;
    for (size_t i = 0; i < planning->total_count; i++)
        if (strcmp(planning->totals[i].database_name, database->name) == 0 &&
            !statement_take(database, session.connection, &planning->totals[i], error))
            return false;
    return true;
}

static bool
database_take(Planning *planning, const char *name, Error *error)
{
    FETTLE_CLEANUP(arena_free_at)
    Arena *arena = arena_new("plans of a database", DATABASE_ARENA_BYTES);
    PlanningDatabase database = {.planning = planning, .arena = arena, .name = name};
    bool good = database_plan(&database, error);
    arena_free_at(&database.relations_arena);
    return good;
}

static bool
is_first_of_database(const Planning *planning, size_t position)
{
    for (size_t i = 0; i < position; i++)
        if (strcmp(planning->totals[i].database_name, planning->totals[position].database_name) == 0)
            return false;
    return true;
}

/* What was just seen may be why incidents are open. */
static bool
incidents_explain(Planning *planning, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(planning->store, 0, &session, error) &&
           anomaly_plans_explain(session.connection, planning->target_id, planning->now_us,
                                 &planning->report.explained, error);
}

bool
plans_take(Store *store, const Settings *settings, int64_t target_id, PlansReport *ret_report, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("plans", PLANS_ARENA_BYTES);
    Planning planning = {.arena = arena,
                         .store = store,
                         .settings = settings,
                         .target_id = target_id,
                         .now_us = clock_wall_us()};
    bool good = planning_begin(&planning, error);
    for (size_t i = 0; good && i < planning.total_count && planning.report.databases < PLANS_DATABASES_MOST;
         i++)
        if (is_first_of_database(&planning, i))
            good = database_take(&planning, planning.totals[i].database_name, error);
    cluster_close(planning.cluster);
    good = good && incidents_explain(&planning, error);
    if (good)
        *ret_report = planning.report;
    return good;
}
