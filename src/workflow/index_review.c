// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_review.h"

#include "base/log.h"
#include "snapshot/read.h"
#include "store/index_use.h"
#include "store/target.h"
#include "workflow/workflow_internal.h"

#include <stdlib.h>
#include <string.h>

/* Use of tables and indexes is read each hour. */
#define OBSERVED_LATELY_US (INT64_C(24) * 3600 * 1000000)
#define HISTORY_FACTOR 3 /* times the observation: so far back an index's last use is looked for */
#define REPLICAS_MOST 32
#define WATCH_SHARE 4
#define MISSING_SCANS 1000
#define MISSING_ROWS 100000

typedef struct ReviewTake {
    const IndexManager *manager;
    Arena *arena;
    const IndexReviewOptions *options;
    Target target;
    TargetList targets;
    int64_t now_us;
    int64_t observation_us;
} ReviewTake;

static bool
uses_take(const ReviewTake *take, int64_t target_id, const char *database, HygieneServer *server,
          Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    IndexUses uses;
    if (!store_session_take(take->manager->store, 0, &session, error) ||
        !index_uses_read(session.connection, take->arena, target_id, database,
                         take->now_us - HISTORY_FACTOR * take->observation_us, &uses, error))
        return false;
    HygieneUse *list = ARENA_NEW_ARRAY(take->arena, HygieneUse, uses.count);
    for (size_t i = 0; i < uses.count; i++) {
        /* What was not looked at lately may have been used since. */
        bool is_old = take->now_us - uses.items[i].observed_until_us > OBSERVED_LATELY_US;
        list[i] = (HygieneUse){.index_id = uses.items[i].index_oid,
                               .observed_from_us = is_old ? INT64_MAX : uses.items[i].observed_from_us,
                               .last_used_at_us = uses.items[i].last_used_at_us,
                               .bloat_bytes = uses.items[i].bloat_bytes,
                               .bloat_is_measured = uses.items[i].bloat_is_measured};
    }
    server->uses = list;
    server->use_count = uses.count;
    return true;
}

/* Of the time that a request has, the search needs the most. */
static int64_t
watch_ms_of(const ReviewTake *take)
{
    int64_t wanted_ms = settings_get_int(take->manager->settings, SETTING_ADVISE_WATCH);
    if (take->options->deadline == 0)
        return wanted_ms;
    int64_t share_ms = (take->options->deadline - clock_monotonic_ms()) / WATCH_SHARE;
    return wanted_ms < share_ms ? wanted_ms : share_ms;
}

/* Snapshot and counters' age of one server. */
static bool
server_read(const ReviewTake *take, int64_t target_id, const char *database, bool with_workload,
            HygieneServer *server, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const Settings *settings = take->manager->settings;
    Deadline deadline = take->options->deadline;
    SnapshotReadOptions reading = {
        .without_workload = !with_workload,
        .ends = with_workload ? SNAPSHOT_ENDS_UNCOUNTED : SNAPSHOT_ENDS_NONE,
        .statements_most = settings_get_int(settings, SETTING_ADVISE_STATEMENTS),
        .watch_ms = watch_ms_of(take),
        .deadline = deadline != 0 ? deadline
                                  : deadline_after_ms(settings_get_int(settings, SETTING_TARGET_DEADLINE))};
    if (!index_session_read(take->manager, take->arena, target_id, database, &connection, error))
        return false;
    pg_connection_set_deadline(connection, reading.deadline);
    if (!workflow_query(connection, "index_server", NULL, 0, &rows, error) ||
        !snapshot_read(take->arena, connection, &reading, &server->snapshot, error))
        return false;
    server->statistics_reset_at_us = pg_result_rows(rows) == 0 ? 0 : pg_result_int(rows, 0, 0, 0);
    return true;
}

static bool
is_replica(const ReviewTake *take, const Target *other)
{
    return other->target_id != take->target.target_id && other->is_enabled && other->system_identifier != 0 &&
           other->system_identifier == take->target.system_identifier;
}

/* A replica that is not read is one of which nothing is known: it stands in the way of every proposal. */
static bool
replicas_take(const ReviewTake *take, const char *database, HygieneInput *input, Error *error)
{
    HygieneServer *replicas = ARENA_NEW_ARRAY(take->arena, HygieneServer, take->targets.count);
    for (size_t i = 0; i < take->targets.count; i++) {
        const Target *other = &take->targets.items[i];
        if (!is_replica(take, other))
            continue;
        HygieneServer *replica = &replicas[input->replica_count++];
        Error failure = {0};
        replica->name = other->name;
        if (input->replica_count > REPLICAS_MOST) {
            replica->failure = arena_printf(take->arena, "no more than %d replicas are", REPLICAS_MOST);
            continue;
        }
        if (!server_read(take, other->target_id, database, false, replica, &failure))
            replica->failure = arena_strdup(take->arena, failure.message);
        if (!uses_take(take, other->target_id, database, replica, error))
            return false;
    }
    for (size_t i = 0; i < input->replica_count; i++)
        if (replicas[i].failure != NULL)
            log_write(LOG_LEVEL_WARNING,
                      "no index of %s is proposed as unused: those of its replica %s were not read: %s",
                      take->target.name, replicas[i].name, replicas[i].failure);
    input->replicas = replicas;
    return true;
}

static bool
targets_take(ReviewTake *take, int64_t target_id, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(take->manager->store, 0, &session, error) &&
           target_get(session.connection, take->arena, target_id, &take->target, error) &&
           target_list(session.connection, take->arena, &take->targets, error);
}

bool
index_review_take(const IndexManager *manager, Arena *arena, int64_t target_id,
                  const IndexReviewOptions *options, IndexReview *ret_review, Error *error)
{
    const Settings *settings = manager->settings;
    ReviewTake take = {.manager = manager,
                       .arena = arena,
                       .options = options,
                       .now_us = clock_wall_us(),
                       .observation_us = settings_get_int(settings, SETTING_INDEX_OBSERVATION) * 1000};
    IndexReview review = {.target_id = target_id};
    if (!targets_take(&take, target_id, error))
        return false;
    review.input = (HygieneInput){
        .primary = {.name = take.target.name},
        .now_us = take.now_us,
        .observation_us = take.observation_us,
        .rare_scans = options->rare_scans >= 0 ? options->rare_scans
                                               : settings_get_int(settings, SETTING_INDEX_RARE_SCANS),
        .rare_ratio = settings_get_double(settings, SETTING_INDEX_USAGE_THRESHOLD_RATIO)};
    if (!server_read(&take, target_id, options->database, options->with_workload, &review.input.primary,
                     error))
        return false;
    review.snapshot = review.input.primary.snapshot;
    review.database = review.snapshot->database;
    if (!uses_take(&take, target_id, review.database, &review.input.primary, error) ||
        !replicas_take(&take, review.database, &review.input, error))
        return false;
    review.findings = hygiene_review(arena, &review.input);
    *ret_review = review;
    return true;
}

static int
missing_compare(const void *left, const void *right)
{
    const IndexMissing *a = left;
    const IndexMissing *b = right;
    if (a->sequential_tuples != b->sequential_tuples)
        return a->sequential_tuples < b->sequential_tuples ? 1 : -1;
    return (a->relation->id > b->relation->id) - (a->relation->id < b->relation->id);
}

size_t
index_missing_find(Arena *arena, const Snapshot *snapshot, IndexMissing **ret_missing)
{
    IndexMissing *missing = ARENA_NEW_ARRAY(arena, IndexMissing, snapshot->relation_count);
    size_t count = 0;
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        const SnapshotActivity *activity = &relation->activity;
        if (activity->is_known && activity->sequential_scans > MISSING_SCANS &&
            activity->sequential_tuples > MISSING_ROWS && activity->index_scans < activity->sequential_scans)
            missing[count++] = (IndexMissing){.relation = relation,
                                              .sequential_scans = activity->sequential_scans,
                                              .sequential_tuples = activity->sequential_tuples,
                                              .index_scans = activity->index_scans};
    }
    if (count > 1)
        qsort(missing, count, sizeof(*missing), missing_compare);
    *ret_missing = missing;
    return count;
}
