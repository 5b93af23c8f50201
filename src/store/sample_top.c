// SPDX-License-Identifier: PostgreSQL
#include "base/list.h"
#include "base/map.h"
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
    SampleSum sum;
    double key;
    IdList statement_ids;
    SampleTotal *total; /* of the groups that are chosen */
} Group;

static double
sum_of(const int64_t *counters, const SampleCounter *which, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)counters[which[i]];
    return sum;
}

static double
order_key(const int64_t *counters, SampleOrder order)
{
    static const SampleCounter io[] = {SAMPLE_SHARED_READ,   SAMPLE_SHARED_WRITTEN, SAMPLE_LOCAL_READ,
                                       SAMPLE_LOCAL_WRITTEN, SAMPLE_TEMP_READ,      SAMPLE_TEMP_WRITTEN};
    static const SampleCounter temporary[] = {SAMPLE_TEMP_READ, SAMPLE_TEMP_WRITTEN};
    switch (order) {
        case SAMPLE_BY_TIME: return (double)counters[SAMPLE_EXEC_US];
        case SAMPLE_BY_CALLS: return (double)counters[SAMPLE_CALLS];
        case SAMPLE_BY_IO: return sum_of(counters, io, FETTLE_COUNT_OF(io));
        case SAMPLE_BY_MEAN:
            return counters[SAMPLE_CALLS] == 0
                       ? 0
                       : (double)counters[SAMPLE_EXEC_US] / (double)counters[SAMPLE_CALLS];
        case SAMPLE_BY_ROWS: return (double)counters[SAMPLE_ROWS];
        case SAMPLE_BY_TEMP: return sum_of(counters, temporary, FETTLE_COUNT_OF(temporary));
        case SAMPLE_BY_WAL: return (double)counters[SAMPLE_WAL_BYTES];
    }
    fettle_assert(false);
    return 0;
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
top_group(PgConnection *session, Arena *scratch, const SampleRange *range, Map *groups, Error *error)
{
    FETTLE_CLEANUP(sample_source_close_at) SampleSource *source = NULL;
    SampleSourceOptions options = {
        .range = range, .step_us = range->to_us - range->from_us, .buckets_most = SIZE_MAX};
    SampleStatement statement;
    Error failure = {0};
    if (!sample_source_open(session, scratch, &options, &source, error))
        return false;
    while (sample_source_next(source, &statement, &failure)) {
        char key[64];
        snprintf(key, sizeof(key), "%lld %d", (long long)statement.query_hash, (int)statement.database_id);
        Group *group = map_get(groups, key);
        if (group == NULL) {
            group = ARENA_NEW(scratch, Group);
            group->query_hash = statement.query_hash;
            map_put(groups, key, group);
        }
        const SampleBucket *bucket = &statement.buckets[0];
        sample_sum_merge(&group->sum, &bucket->sum);
        group->observed_ms =
            bucket->observed_ms > group->observed_ms ? bucket->observed_ms : group->observed_ms;
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
    if (is_first || last_us > total->last_seen_us)
        total->last_seen_us = last_us;
    total->database_name = arena_strdup(arena, pg_result_text(rows, row, 3));
}

static bool
top_describe(PgConnection *session, Arena *arena, Arena *scratch, int64_t target_id, Group **groups,
             size_t count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    IdList ids = {0};
    Map *owners = map_new(scratch);
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; s < groups[i]->statement_ids.count; s++) {
            vector_push(scratch, &ids, groups[i]->statement_ids.items[s]);
            map_put_id(owners, (uint64_t)groups[i]->statement_ids.items[s], groups[i]->total);
        }
    if (ids.count > 0)
        qsort(ids.items, ids.count, sizeof(*ids.items), id_compare);
    if (!store_query(session, "sample_top_statements",
                     STORE_PARAMETERS(target.text, sample_numbers_text(scratch, ids.items, ids.count)), &rows,
                     error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        SampleTotal *total = map_get_id(owners, (uint64_t)pg_result_int(rows, row, 0, 0));
        if (total != NULL)
            total_describe(arena, total, rows, row);
    }
    return true;
}

static bool
top_read(PgConnection *session, Arena *arena, const SampleRange *range, SampleOrder order, size_t most,
         SampleTotal **ret_totals, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample top", (size_t)8 << 30);
    Map *groups = map_new(scratch);
    if (!top_group(session, scratch, range, groups, error))
        return false;
    size_t count = map_count(groups);
    Group **ordered = ARENA_NEW_ARRAY(scratch, Group *, count);
    for (size_t i = 0; i < count; i++) {
        ordered[i] = map_value_at(groups, i);
        sample_sum_finish(&ordered[i]->sum);
        ordered[i]->key = order_key(ordered[i]->sum.counters, order);
    }
    if (count > 0)
        qsort(ordered, count, sizeof(*ordered), group_compare);
    count = count < most ? count : most;
    SampleTotal *totals = ARENA_NEW_ARRAY(arena, SampleTotal, count);
    for (size_t i = 0; i < count; i++) {
        totals[i].query_hash = ordered[i]->query_hash;
        totals[i].observed_seconds = (double)ordered[i]->observed_ms / 1000;
        memcpy(totals[i].counters, ordered[i]->sum.counters, sizeof(totals[i].counters));
        ordered[i]->total = &totals[i];
    }
    if (!top_describe(session, arena, scratch, range->target_id, ordered, count, error))
        return false;
    *ret_totals = totals;
    *ret_count = count;
    return true;
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
    bool is_good = top_read(session, arena, range, order, most, ret_totals, ret_count, error);
    Error ignored = {0};
    if (!pg_transaction_end(session, is_good ? error : &ignored) || !is_good)
        return error_prefix(error, "could not read samples");
    return true;
}
