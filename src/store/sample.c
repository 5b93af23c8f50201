// SPDX-License-Identifier: PostgreSQL
/*
 * Rounds into the journal.
 *
 * The common case is one COPY. Where that fails because a round is there already or its partition is not, and
 * where a round is old enough to be packed already, the rounds go through a temporary table, which leaves out
 * what the journal or a block has.
 */
#include "store/sample_copy.h"

#include <string.h>

#define ROUND_COLUMNS 6
#define ROUNDS_BYTES_MOST ((size_t)8 << 30)
#define ROUND_TEXT "(target_id, collected_at, database_id, interval_ms, flags, data)"

const char *
sample_counter_name(SampleCounter counter)
{
    static const char *const names[] = {
#define SAMPLE_NAME(id, name, unit) name,
        SAMPLE_COUNTERS(SAMPLE_NAME)
#undef SAMPLE_NAME
    };
    fettle_assert(counter >= 0 && counter < SAMPLE_COUNTER_COUNT);
    return names[counter];
}

bool
sample_transaction_begin(PgConnection *session, int64_t target_id, bool is_alone, Error *error)
{
    StoreNumber target = store_number(target_id);
    return pg_execute_script(session, "BEGIN; SET LOCAL lock_timeout = '30s'", NULL, error) &&
           store_query(session, is_alone ? "sample_lock_alone" : "sample_lock_shared",
                       STORE_PARAMETERS(target.text), NULL, error);
}

bool
sample_transaction_end(PgConnection *session, bool is_good, Error *error)
{
    if (is_good && pg_execute(session, "COMMIT", error))
        return true;
    Error ignored = {0};
    if (!pg_connection_is_broken(session) && !pg_execute(session, "ROLLBACK", &ignored))
        error_clear(&ignored);
    return false;
}

bool
sample_partition_make(PgConnection *session, const char *table, int64_t at_us, Error *error)
{
    SampleTime at = sample_time_text(at_us);
    return store_query(session, "sample_partition_make", STORE_PARAMETERS(table, at.text), NULL, error);
}

static bool
round_row(Arena *arena, const SampleRound *round, SampleCopy *copy, Error *error)
{
    fettle_assert(round->interval_ms > 0 && round->sample_count <= SAMPLE_ROUND_ROWS_MOST);
    SampleBytes bytes = {.data = (const uint8_t *)"", .size = 0};
    if (round->sample_count > 0) {
        SamplePack pack;
        sample_pack_from_samples(arena, round->samples, round->sample_count, &pack);
        if (!sample_pack_encode(arena, &pack, SAMPLE_STATEMENTS_LIMIT, &bytes, error))
            return false;
    }
    sample_copy_row(copy, ROUND_COLUMNS);
    sample_copy_int64(copy, round->target_id);
    sample_copy_timestamp(copy, round->collected_at_us);
    sample_copy_int32(copy, round->database_id);
    sample_copy_int32(copy, (int32_t)(round->interval_ms > INT32_MAX ? INT32_MAX : round->interval_ms));
    sample_copy_int32(copy, (int32_t)round->flags);
    sample_copy_bytes(copy, bytes);
    return true;
}

/* Locks of targets in the order of the rounds; they are shared, so no two writers wait for each other. */
static bool
rounds_lock(PgConnection *session, const SampleRound *rounds, size_t round_count, Error *error)
{
    if (!pg_execute_script(session, "BEGIN; SET LOCAL lock_timeout = '30s'", NULL, error))
        return false;
    for (size_t i = 0; i < round_count; i++) {
        StoreNumber target = store_number(rounds[i].target_id);
        if ((i == 0 || rounds[i].target_id != rounds[i - 1].target_id) &&
            !store_query(session, "sample_lock_shared", STORE_PARAMETERS(target.text), NULL, error))
            return false;
    }
    int64_t made_us = INT64_MIN;
    for (size_t i = 0; i < round_count; i++) {
        int64_t day_us = sample_time_floor(rounds[i].collected_at_us, SAMPLE_DAY_US);
        if (day_us != made_us && !sample_partition_make(session, "sample_rounds", day_us, error))
            return false;
        made_us = day_us;
    }
    return true;
}

static bool
rounds_stage(PgConnection *session, const SampleRound *rounds, size_t round_count, SampleCopy *copy,
             Error *error)
{
    bool is_good = rounds_lock(session, rounds, round_count, error) &&
                   store_query(session, "sample_staging_make", NULL, 0, NULL, error) &&
                   sample_copy_send(copy, session, "pg_temp.sample_rounds_staging " ROUND_TEXT, error) &&
                   store_query(session, "sample_staging_take", NULL, 0, NULL, error);
    return sample_transaction_end(session, is_good, error);
}

bool
sample_rounds_write(PgConnection *session, const SampleRound *rounds, size_t round_count, Error *error)
{
    if (round_count == 0)
        return true;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("sample rounds", ROUNDS_BYTES_MOST);
    SampleCopy copy = sample_copy_new(arena);
    bool may_be_packed = false;
    for (size_t i = 0; i < round_count; i++) {
        if (!round_row(arena, &rounds[i], &copy, error))
            return error_prefix(error, "could not write samples");
        may_be_packed = may_be_packed || rounds[i].collected_at_us < sample_due_us(clock_wall_us());
    }
    Error failure = {0};
    /* A COPY by itself is a transaction. */
    if (!may_be_packed && sample_copy_send(&copy, session, "fettle.sample_rounds " ROUND_TEXT, &failure))
        return true;
    /* unique_violation: a round is there; check_violation: it has no partition */
    bool is_hopeless = failure.code != ERROR_NONE && strcmp(failure.sqlstate, "23505") != 0 &&
                       strcmp(failure.sqlstate, "23514") != 0;
    if (is_hopeless)
        *error = failure;
    return (!is_hopeless && rounds_stage(session, rounds, round_count, &copy, error)) ||
           error_prefix(error, "could not write samples");
}
