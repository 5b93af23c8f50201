// SPDX-License-Identifier: PostgreSQL
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "store/sample_cache.h"
#include "store/sample_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP_MOST 10000

VECTOR_DEFINE(IdList, int64_t);

/* A statement's sums, of all its users; in the scratch arena. */
typedef struct Group {
    int64_t query_hash;
    int64_t observed_ms;
    SampleSum sum; /* what ranks it; of the groups that are chosen everything, later */
    double key;
    IdList statement_ids;
    SampleTotal *total; /* of the groups that are chosen */
} Group;

/* The counters of which an order is made. */
static uint32_t
order_counters(SampleOrder order)
{
    static const uint32_t temporary = 1U << SAMPLE_TEMP_READ | 1U << SAMPLE_TEMP_WRITTEN;
    switch (order) {
        case SAMPLE_BY_TIME: return 1U << SAMPLE_EXEC_US;
        case SAMPLE_BY_CALLS: return 1U << SAMPLE_CALLS;
        case SAMPLE_BY_IO:
            return 1U << SAMPLE_SHARED_READ | 1U << SAMPLE_SHARED_WRITTEN | 1U << SAMPLE_LOCAL_READ |
                   1U << SAMPLE_LOCAL_WRITTEN | temporary;
        case SAMPLE_BY_MEAN: return 1U << SAMPLE_EXEC_US | 1U << SAMPLE_CALLS;
        case SAMPLE_BY_ROWS: return 1U << SAMPLE_ROWS;
        case SAMPLE_BY_TEMP: return temporary;
        case SAMPLE_BY_WAL: return 1U << SAMPLE_WAL_BYTES;
    }
    fettle_assert(false);
    return 0;
}

static double
order_key(const int64_t *counters, SampleOrder order)
{
    double sum = 0;
    if (order == SAMPLE_BY_MEAN)
        return counters[SAMPLE_CALLS] == 0
                   ? 0
                   : (double)counters[SAMPLE_EXEC_US] / (double)counters[SAMPLE_CALLS];
    for (uint32_t left = order_counters(order); left != 0; left &= left - 1)
        sum += (double)counters[__builtin_ctz(left)];
    return sum;
}

static int
group_compare(const void *a, const void *b)
{
    const Group *left = *(Group *const *)a;
    const Group *right = *(Group *const *)b;
    if (left->key != right->key)
        return left->key > right->key ? -1 : 1;
    return (left->query_hash > right->query_hash) - (left->query_hash < right->query_hash);
}

/* Adds up the window's statements by hash and database. */
static bool
top_group(SampleSource *source, Arena *scratch, Map *groups, Error *error)
{
    SampleStatement statement;
    Error failure = {0};
    while (sample_source_next(source, &statement, &failure)) {
        char key[64];
        snprintf(key, sizeof(key), "%lld %d", (long long)statement.query_hash, (int)statement.database_id);
        Group *group = map_get(groups, key);
        if (group == NULL) {
            group = ARENA_NEW(scratch, Group);
            group->query_hash = statement.query_hash;
            map_put(groups, key, group);
        }
        sample_sum_merge(&group->sum, &statement.buckets[0].sum);
        vector_push(scratch, &group->statement_ids, (int64_t)statement.statement_id);
    }
    if (failure.code != ERROR_NONE)
        *error = failure;
    return failure.code == ERROR_NONE;
}

static int
id_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* What is known of one statement of a group. The newest one's text stands for all; users that differ leave
 * none. */
static void
total_describe(Arena *arena, SampleTotal *total, const PgResult *rows, int64_t row)
{
    int64_t first_us = pg_result_int(rows, row, 6, 0);
    int64_t last_us = pg_result_int(rows, row, 7, 0);
    const char *user = pg_result_text(rows, row, 4);
    bool is_first = total->database_name == NULL;
    if (is_first)
        total->user_name = arena_strdup(arena, user);
    else if (user == NULL || total->user_name == NULL || strcmp(user, total->user_name) != 0)
        total->user_name = NULL;
    if (is_first || first_us < total->first_seen_us)
        total->first_seen_us = first_us;
    if (is_first || total->query_text == NULL || last_us > total->last_seen_us) {
        total->queryid = pg_result_int(rows, row, 1, 0);
        total->fingerprint_hash = pg_result_int(rows, row, 2, 0);
        if (pg_result_text(rows, row, 5) != NULL)
            total->query_text = arena_strdup(arena, pg_result_text(rows, row, 5));
    }
    total->is_text_left_out |= pg_result_bool(rows, row, 8);
    if (is_first || last_us > total->last_seen_us)
        total->last_seen_us = last_us;
    total->database_name = arena_strdup(arena, pg_result_text(rows, row, 3));
}

/* The chosen groups, known by their statements. */
typedef struct Chosen {
    Group **groups;
    size_t count;
    IdList ids;  /* ascending */
    Map *owners; /* statement_id -> Group */
} Chosen;

static Chosen
top_choose(Arena *scratch, const Map *groups, SampleOrder order, size_t most)
{
    size_t count = map_count(groups);
    Chosen chosen = {.groups = ARENA_NEW_ARRAY(scratch, Group *, count), .owners = map_new(scratch)};
    for (size_t i = 0; i < count; i++) {
        chosen.groups[i] = map_value_at(groups, i);
        chosen.groups[i]->key = order_key(chosen.groups[i]->sum.counters, order);
    }
    if (count > 0)
        qsort(chosen.groups, count, sizeof(*chosen.groups), group_compare);
    chosen.count = count < most ? count : most;
    for (size_t i = 0; i < chosen.count; i++) {
        Group *group = chosen.groups[i];
        for (size_t s = 0; s < group->statement_ids.count; s++) {
            vector_push(scratch, &chosen.ids, group->statement_ids.items[s]);
            map_put_id(chosen.owners, (uint64_t)group->statement_ids.items[s], group);
        }
    }
    if (chosen.ids.count > 0)
        qsort(chosen.ids.items, chosen.ids.count, sizeof(*chosen.ids.items), id_compare);
    return chosen;
}

/* Everything of the chosen. */
static bool
top_add_up(SampleSource *source, const Chosen *chosen, Error *error)
{
    SampleStatement statement;
    Error failure = {0};
    for (size_t i = 0; i < chosen->count; i++)
        chosen->groups[i]->sum = (SampleSum){0};
    if (!sample_source_again(source, chosen->ids.items, chosen->ids.count, error))
        return false;
    while (sample_source_next(source, &statement, &failure)) {
        Group *group = map_get_id(chosen->owners, (uint64_t)statement.statement_id);
        const SampleBucket *bucket = &statement.buckets[0];
        fettle_assert(group != NULL);
        sample_sum_merge(&group->sum, &bucket->sum);
        if (bucket->observed_ms > group->observed_ms)
            group->observed_ms = bucket->observed_ms;
    }
    if (failure.code != ERROR_NONE)
        *error = failure;
    return failure.code == ERROR_NONE;
}

static bool
top_describe(PgConnection *session, Arena *arena, Arena *scratch, int64_t target_id, const Chosen *chosen,
             Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber text_bytes = store_number(SAMPLE_TOP_TEXT_BYTES_MOST);
    IdList ids = {0};
    for (size_t i = 0; i < chosen->count; i++)
        for (size_t s = 0; s < chosen->groups[i]->statement_ids.count; s++)
            vector_push(scratch, &ids, chosen->groups[i]->statement_ids.items[s]);
    if (!store_query_prepared(session, "sample_top_statements",
                              STORE_PARAMETERS(target.text,
                                               sample_numbers_text(scratch, ids.items, ids.count),
                                               text_bytes.text),
                              &rows, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        const Group *group = map_get_id(chosen->owners, (uint64_t)pg_result_int(rows, row, 0, 0));
        if (group != NULL)
            total_describe(arena, group->total, rows, row);
    }
    return true;
}

typedef struct Top {
    const SampleRange *range;
    SampleOrder order;
    size_t most;
} Top;

static SampleCacheKey
top_key(const Top *top, const SampleSource *source)
{
    const char *database = top->range->database_name;
    uint64_t question = hash_combine((uint64_t)top->order, (uint64_t)top->most);
    if (database != NULL)
        question = hash_combine(question, hash_text(database));
    return (SampleCacheKey){.target_id = top->range->target_id,
                            .question = question,
                            .signature = sample_source_signature(source)};
}

static void
top_keep(SampleCache *cache, const SampleCacheKey *key, Arena *scratch, const Chosen *chosen)
{
    IdList ids = {0};
    SampleCacheAnswer answer = {.groups = ARENA_NEW_ARRAY(scratch, SampleCacheGroup, chosen->count),
                                .group_count = chosen->count};
    for (size_t i = 0; i < chosen->count; i++) {
        const Group *group = chosen->groups[i];
        SampleCacheGroup *kept = &answer.groups[i];
        *kept = (SampleCacheGroup){.query_hash = group->query_hash,
                                   .observed_ms = group->observed_ms,
                                   .id_count = group->statement_ids.count};
        memcpy(kept->counters, group->sum.counters, sizeof(kept->counters));
        for (size_t s = 0; s < group->statement_ids.count; s++)
            vector_push(scratch, &ids, group->statement_ids.items[s]);
    }
    answer.ids = ids.items;
    answer.id_count = ids.count;
    sample_cache_put(cache, key, &answer);
}

/* The groups of an answer that was kept, in its order. */
static Chosen
top_recall(Arena *scratch, const SampleCacheAnswer *answer)
{
    Chosen chosen = {.groups = ARENA_NEW_ARRAY(scratch, Group *, answer->group_count),
                     .count = answer->group_count,
                     .owners = map_new(scratch)};
    size_t next = 0;
    for (size_t i = 0; i < answer->group_count; i++) {
        const SampleCacheGroup *kept = &answer->groups[i];
        Group *group = chosen.groups[i] = ARENA_NEW(scratch, Group);
        group->query_hash = kept->query_hash;
        group->observed_ms = kept->observed_ms;
        memcpy(group->sum.counters, kept->counters, sizeof(kept->counters));
        for (size_t s = 0; s < kept->id_count; s++, next++) {
            vector_push(scratch, &group->statement_ids, answer->ids[next]);
            map_put_id(chosen.owners, (uint64_t)answer->ids[next], group);
        }
    }
    return chosen;
}

/* Ranks by the counters that the order is made of, then reads all of the first most. */
static bool
top_make(SampleSource *source, Arena *scratch, const Top *top, Chosen *ret_chosen, Error *error)
{
    Map *groups = map_new(scratch);
    if (!sample_source_fetch(source, error) || !top_group(source, scratch, groups, error))
        return false;
    Chosen chosen = top_choose(scratch, groups, top->order, top->most);
    if (chosen.count > 0 && !top_add_up(source, &chosen, error))
        return false;
    for (size_t i = 0; i < chosen.count; i++)
        sample_sum_finish(&chosen.groups[i]->sum);
    *ret_chosen = chosen;
    return true;
}

static bool
top_find(SampleSource *source, Arena *scratch, const Top *top, Chosen *ret_chosen, Error *error)
{
    SampleCache *cache = top->range->cache;
    SampleCacheKey key = top_key(top, source);
    SampleCacheAnswer answer;
    bool may_be_kept = cache != NULL && key.signature != 0;
    if (may_be_kept && sample_cache_get(cache, &key, scratch, &answer)) {
        *ret_chosen = top_recall(scratch, &answer);
        return true;
    }
    if (!top_make(source, scratch, top, ret_chosen, error))
        return false;
    if (may_be_kept)
        top_keep(cache, &key, scratch, ret_chosen);
    return true;
}

static bool
top_read(PgConnection *session, Arena *arena, const Top *top, SampleTotal **ret_totals, size_t *ret_count,
         Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample top", (size_t)8 << 30);
    FETTLE_CLEANUP(sample_source_close_at) SampleSource *source = NULL;
    const SampleRange *range = top->range;
    SampleSourceOptions options = {.range = range,
                                   .step_us = range->to_us - range->from_us,
                                   .buckets_most = SIZE_MAX,
                                   .rank_by = order_counters(top->order)};
    Chosen chosen;
    if (!sample_source_open(session, scratch, &options, &source, error) ||
        !top_find(source, scratch, top, &chosen, error))
        return false;
    *ret_totals = ARENA_NEW_ARRAY(arena, SampleTotal, chosen.count);
    *ret_count = chosen.count;
    for (size_t i = 0; i < chosen.count; i++) {
        Group *group = chosen.groups[i];
        SampleTotal *total = group->total = &(*ret_totals)[i];
        total->query_hash = group->query_hash;
        total->observed_seconds = (double)group->observed_ms / 1000;
        memcpy(total->counters, group->sum.counters, sizeof(total->counters));
    }
    return chosen.count == 0 || top_describe(session, arena, scratch, range->target_id, &chosen, error);
}

bool
sample_top_read(PgConnection *session, Arena *arena, const SampleRange *range, SampleOrder order, size_t most,
                SampleTotal **ret_totals, size_t *ret_count, Error *error)
{
    if (!sample_range_check(range, error))
        return false;
    if (most < 1 || most > TOP_MOST)
        return error_set(error, ERROR_INPUT, "the top has 1 to %d statements", TOP_MOST);
    if (!pg_transaction_begin_read_only(session, error))
        return error_prefix(error, "could not read samples");
    Top top = {.range = range, .order = order, .most = most};
    bool is_good = top_read(session, arena, &top, ret_totals, ret_count, error);
    Error ignored = {0};
    if (!pg_transaction_end(session, is_good ? error : &ignored) || !is_good)
        return error_prefix(error, "could not read samples");
    return true;
}
