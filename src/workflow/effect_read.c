// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect_read.h"

#include "base/text.h"
#include "snapshot/file.h"
#include "sql/statement.h"
#include "store/changes_touched.h"
#include "store/query_place.h"
#include "store/sample_work.h"
#include "store/target_snapshot.h"
#include "workflow/effect_internal.h"
#include "workflow/effect_relations.h"

#include <math.h>

#define BUCKET_US (15 * EFFECT_MINUTE_US)
#define STATEMENTS_MOST ((size_t)2000) /* the busiest are looked at */
#define SCRATCH_BYTES ((size_t)2 << 30)
#define SNAPSHOT_BYTES ((size_t)4 << 30) /* as it was taken with */

VECTOR_DEFINE(HashList, int64_t);

/* Who is concerned, and who is a control. */
typedef struct Parties {
    Arena *arena;
    const EffectRequest *request;
    const SampleTotal *totals;
    size_t total_count;
    const char *query_text;   /* NULL unknown */
    const Snapshot *snapshot; /* that is kept of the database; NULL: none is */
    EffectViews *views;       /* of it */
    EffectRelations changed;
    ChangesTouched touched; /* by other changes too: they move for a reason of their own */
    EffectRelations touched_tables;
    HashList others;
    HashList controls;
    size_t touched_count; /* that would be controls */
} Parties;

static bool
is_listed(const HashList *list, int64_t hash)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == hash)
            return true;
    return false;
}

/* Fettle's own question of a table, which none of the application's load is like. */
static bool
is_own(const char *text)
{
    return text_starts_with(text, "select /* fettle */") || text_starts_with(text, "/* fettle */");
}

static bool
is_touched_itself(const Parties *parties, int64_t hash)
{
    for (size_t i = 0; i < parties->touched.count; i++)
        if (parties->touched.items[i].table_name == NULL && parties->touched.items[i].query_hash == hash)
            return true;
    return false;
}

/* Whose list a statement belongs to; NULL: to none. */
static HashList *
list_of(Parties *parties, const SampleTotal *total)
{
    EffectRelations named;
    bool is_partial;
    if (total->query_text == NULL || total->query_hash == parties->request->query_hash ||
        is_own(total->query_text) ||
        !effect_relations_of(parties->arena, total->query_text, parties->views, &named, &is_partial) ||
        named.count == 0)
        return NULL;
    bool is_rewritten = is_touched_itself(parties, total->query_hash);
    if (effect_relations_meet(&named, &parties->changed))
        return is_rewritten ? NULL : &parties->others;
    /* With unknown tables any of them might be concerned. */
    if (parties->changed.count == 0 || is_partial)
        return NULL;
    if (!is_rewritten && !effect_relations_meet(&named, &parties->touched_tables))
        return &parties->controls;
    parties->touched_count++;
    return NULL;
}

/* A view of the changed table is a statement's way to it, a partition is a part of it. */
static void
tables_find(Parties *parties)
{
    const EffectRequest *request = parties->request;
    bool is_partial; /* what is known is concerned all the same */
    EffectRelation table = {.schema = request->schema_name, .name = request->table_name};
    if (request->table_name != NULL)
        vector_push(parties->arena, &parties->changed, table);
    else if (parties->query_text != NULL &&
             !effect_relations_of(parties->arena, parties->query_text, parties->views, &parties->changed,
                                  &is_partial))
        parties->changed.count = 0;
    for (size_t i = 0; i < parties->touched.count; i++) {
        const TouchedThing *item = &parties->touched.items[i];
        EffectRelation touched = {.schema = item->schema_name, .name = item->table_name};
        if (item->table_name != NULL)
            vector_push(parties->arena, &parties->touched_tables, touched);
    }
    if (parties->snapshot == NULL)
        return;
    effect_relations_add_parts(parties->arena, parties->snapshot, &parties->changed);
    effect_relations_add_parts(parties->arena, parties->snapshot, &parties->touched_tables);
}

/* The work of one thread with a deep stack: hundreds of texts are parsed. */
static void
parties_sort(void *context)
{
    Parties *parties = context;
    if (parties->snapshot != NULL)
        parties->views = effect_views_new(parties->arena, parties->snapshot);
    tables_find(parties);
    for (size_t i = 0; i < parties->total_count; i++) {
        HashList *list = list_of(parties, &parties->totals[i]);
        size_t most = list == &parties->others ? EFFECT_OTHERS_MOST : EFFECT_CONTROLS_MOST;
        if (list != NULL && list->count < most)
            vector_push(parties->arena, list, parties->totals[i].query_hash);
    }
}

/* What is kept and cannot be read is as if none were kept: names alone tell less, and a harm has to be seen.
 * The daily look at the workload says that it is damaged. */
static bool
snapshot_find(PgConnection *session, Arena *arena, Parties *parties, Error *error)
{
    TargetSnapshot kept;
    SnapshotSections *sections;
    Error damage = {0};
    const EffectRequest *request = parties->request;
    if (!target_snapshot_read(session, arena, request->target_id, request->database_name, &kept, error))
        return false;
    if (kept.data != NULL && (!snapshot_decode_bytes(arena, kept.data, kept.size_bytes, &sections, &damage) ||
                              !snapshot_decode(arena, sections, &parties->snapshot, &damage)))
        parties->snapshot = NULL;
    return true;
}

static bool
query_text_read(PgConnection *session, Arena *arena, const EffectRequest *request, const char **ret_text,
                Error *error)
{
    QueryPlaces places;
    if (!query_places_read(session, arena, request->target_id, request->query_hash, true, &places, error))
        return false;
    for (size_t i = 0; i < places.count && *ret_text == NULL; i++)
        *ret_text = places.items[i].query_text;
    return true;
}

static bool
parties_read(PgConnection *session, Arena *snapshot_arena, const SampleRange *range, Parties *parties,
             Error *error)
{
    const EffectRequest *request = parties->request;
    SampleTotal *totals = NULL;
    if (request->query_hash != 0 &&
        !query_text_read(session, parties->arena, request, &parties->query_text, error))
        return false;
    ChangesWithin within = {.target_id = request->target_id,
                            .database_name = request->database_name,
                            .from_us = range->from_us,
                            .to_us = range->to_us};
    if (!snapshot_find(session, snapshot_arena, parties, error) ||
        !changes_touched_read(session, parties->arena, &within, &parties->touched, error) ||
        !sample_top_read(session, parties->arena, range, SAMPLE_BY_TIME, STATEMENTS_MOST, &totals,
                         &parties->total_count, error))
        return false;
    parties->totals = totals;
    sql_batch_run(parties_sort, parties);
    return true;
}

/* In whole buckets: from the days before to what is complete by now. */
static EffectWindow
window_of(const EffectRequest *request)
{
    int64_t began = effect_floor_divide(request->change_began_us, BUCKET_US);
    int64_t ended = -effect_floor_divide(-request->change_ended_us, BUCKET_US);
    int64_t last = effect_floor_divide(request->now_us, BUCKET_US);
    int64_t from = began - EFFECT_BEFORE_DAYS * (EFFECT_DAY_US / BUCKET_US);
    last = last < ended ? ended : last;
    int64_t most = ended + EFFECT_AFTER_DAYS_MOST * (EFFECT_DAY_US / BUCKET_US);
    last = last > most ? most : last;
    return (EffectWindow){.from_us = from * BUCKET_US,
                          .bucket_us = BUCKET_US,
                          .bucket_count = (size_t)(last - from),
                          .before_end = (size_t)(began - from),
                          .after_first = (size_t)(ended - from)};
}

static const SampleWork *
work_of(const SampleWork *work, size_t count, int64_t hash)
{
    for (size_t i = 0; i < count; i++)
        if (work[i].query_hash == hash)
            return &work[i];
    return NULL;
}

/* The series of a hash; a query without samples has none. */
static bool
series_add(Arena *arena, const EffectWindow *window, const SampleWork *work, EffectSeries *ret_series)
{
    if (work == NULL)
        return false;
    EffectBucket *buckets = ARENA_NEW_ARRAY(arena, EffectBucket, window->bucket_count);
    for (size_t i = 0; i < window->bucket_count; i++)
        buckets[i] = (EffectBucket){.calls = work->buckets[i].calls,
                                    .time_ms = work->buckets[i].time_ms,
                                    .rows = work->buckets[i].rows,
                                    .blocks = work->buckets[i].blocks};
    *ret_series = (EffectSeries){.query_hash = work->query_hash, .buckets = buckets};
    return true;
}

/* Buckets before the query or one on its table was first called say nothing of noise and would dilute it:
 * the window begins after them. */
static void
window_cut(const Parties *parties, SampleWork *work, size_t work_count, EffectWindow *window)
{
    size_t first = window->before_end;
    for (size_t k = 0; k < work_count; k++) {
        bool is_concerned = work[k].query_hash == parties->request->query_hash ||
                            is_listed(&parties->others, work[k].query_hash);
        for (size_t i = 0; i < first && is_concerned; i++)
            if (work[k].buckets[i].calls > 0)
                first = i;
    }
    if (first == window->before_end)
        return; /* nothing before the change: there is nothing to compare with, and it is said elsewhere */
    for (size_t k = 0; k < work_count; k++)
        work[k].buckets += first;
    window->from_us += (int64_t)first * window->bucket_us;
    window->bucket_count -= first;
    window->before_end -= first;
    window->after_first -= first;
}

static size_t
series_of(Arena *arena, const EffectWindow *window, const SampleWork *work, size_t work_count,
          const HashList *hashes, EffectSeries **ret_series)
{
    size_t count = 0;
    *ret_series = ARENA_NEW_ARRAY(arena, EffectSeries, hashes->count);
    for (size_t i = 0; i < hashes->count; i++)
        count +=
            series_add(arena, window, work_of(work, work_count, hashes->items[i]), &(*ret_series)[count]);
    return count;
}

static HashList
hashes_of(Arena *arena, const Parties *parties)
{
    HashList all = {0};
    if (parties->request->query_hash != 0)
        vector_push(arena, &all, parties->request->query_hash);
    for (size_t i = 0; i < parties->others.count; i++)
        vector_push(arena, &all, parties->others.items[i]);
    for (size_t i = 0; i < parties->controls.count; i++)
        if (!is_listed(&all, parties->controls.items[i]))
            vector_push(arena, &all, parties->controls.items[i]);
    return all;
}

static bool
request_check(const EffectRequest *request, Error *error)
{
    if (request->target_id <= 0 || request->database_name == NULL ||
        (request->query_hash == 0 && request->table_name == NULL))
        return error_set(error, ERROR_INPUT, "an effect needs a target, a database, and a query or a table");
    if (request->change_ended_us < request->change_began_us || request->now_us < request->change_ended_us)
        return error_set(error, ERROR_INPUT, "a change must begin before it ends, and end before now");
    if (request->change_ended_us - request->change_began_us > EFFECT_BUILD_DAYS_MOST * EFFECT_DAY_US)
        return error_set(error, ERROR_INPUT, "the change took more than %d days", EFFECT_BUILD_DAYS_MOST);
    return true;
}

bool
effect_read(PgConnection *session, Arena *arena, const EffectRequest *request, EffectReport *ret_report,
            Error *error)
{
    if (!request_check(request, error))
        return false;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("effect", SCRATCH_BYTES);
    EffectWindow window = window_of(request);
    Parties parties = {.arena = scratch, .request = request};
    SampleRange range = {.target_id = request->target_id,
                         .from_us = window.from_us,
                         .to_us = window.from_us + (int64_t)window.bucket_count * BUCKET_US,
                         .database_name = request->database_name};
    FETTLE_CLEANUP(arena_free_at) Arena *snapshot_arena = arena_new("snapshot of an effect", SNAPSHOT_BYTES);
    if (!parties_read(session, snapshot_arena, &range, &parties, error))
        return error_prefix(error, "could not measure the change");
    HashList hashes = hashes_of(scratch, &parties);
    SampleWork *work = NULL;
    size_t work_count = 0;
    range.step_ms = BUCKET_US / 1000;
    range.query_hashes = hashes.items;
    range.query_hash_count = hashes.count;
    if (hashes.count > 0 && !sample_work_read(session, scratch, &range, &work, &work_count, error))
        return error_prefix(error, "could not measure the change");
    window_cut(&parties, work, work_count, &window);
    EffectSeries query;
    EffectSeries *others;
    EffectSeries *controls;
    EffectCase subject = {.window = window, .harm_limit_percent = request->harm_limit_percent};
    if (series_add(scratch, &window, work_of(work, work_count, request->query_hash), &query))
        subject.query = &query;
    subject.other_count = series_of(scratch, &window, work, work_count, &parties.others, &others);
    subject.control_count = series_of(scratch, &window, work, work_count, &parties.controls, &controls);
    subject.others = others;
    subject.controls = controls;
    subject.touched_count = parties.touched_count;
    effect_measure(arena, &subject, ret_report);
    return true;
}
