// SPDX-License-Identifier: PostgreSQL
/*
 * Rounds into the journal.
 *
 * The common case is one COPY, which costs the server half of an INSERT. Where that fails because a round is
 * there already or its partition is not, and where a round is old enough to be packed already, the rounds go
 * as arrays into an INSERT that leaves out what the journal or a block has.
 */
#include "store/sample_copy.h"

#include <string.h>

#define ROUND_COLUMNS 6
#define ROUNDS_BYTES_MOST ((size_t)8 << 30)
#define ROUND_TEXT "(target_id, collected_at, database_id, interval_ms, flags, data)"
#define ROUNDS_SENT_MOST ((size_t)1 << 29)

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

/* The rounds' packs; empty: without activity. */
static bool
rounds_pack(Arena *arena, const SampleRound *rounds, size_t round_count, SampleBytes *ret_packs, Error *error)
{
    for (size_t i = 0; i < round_count; i++) {
        SamplePack pack;
        fettle_assert(rounds[i].interval_ms > 0 && rounds[i].sample_count <= SAMPLE_ROUND_ROWS_MOST);
        ret_packs[i] = (SampleBytes){.data = (const uint8_t *)""};
        if (rounds[i].sample_count == 0)
            continue;
        sample_pack_from_samples(arena, rounds[i].samples, rounds[i].sample_count, &pack);
        if (!sample_pack_encode(arena, &pack, SAMPLE_STATEMENTS_LIMIT, &ret_packs[i], error))
            return false;
    }
    return true;
}

/* The values of a round, in the order of ROUND_TEXT: into one COPY, or each into the array of its column. */
static void
round_put(const SampleRound *round, SampleBytes pack, SampleCopy *const columns[ROUND_COLUMNS])
{
    int64_t interval_ms = round->interval_ms > INT32_MAX ? INT32_MAX : round->interval_ms;
    sample_copy_int64(columns[0], round->target_id);
    sample_copy_timestamp(columns[1], round->collected_at_us);
    sample_copy_int32(columns[2], round->database_id);
    sample_copy_int32(columns[3], (int32_t)interval_ms);
    sample_copy_int32(columns[4], (int32_t)round->flags);
    sample_copy_bytes(columns[5], pack);
}

static bool
rounds_copy(PgConnection *session, Arena *arena, const SampleRound *rounds, const SampleBytes *packs,
            size_t round_count, Error *error)
{
    SampleCopy copy = sample_copy_new(arena);
    for (size_t i = 0; i < round_count; i++) {
        sample_copy_row(&copy, ROUND_COLUMNS);
        round_put(&rounds[i], packs[i],
                  (SampleCopy *const[ROUND_COLUMNS]){&copy, &copy, &copy, &copy, &copy, &copy});
    }
    return sample_copy_send(&copy, session, "fettle.sample_rounds " ROUND_TEXT, error);
}

static bool
rounds_insert(PgConnection *session, Arena *arena, const SampleRound *rounds, const SampleBytes *packs,
              size_t round_count, Error *error)
{
    static const SampleArrayType types[ROUND_COLUMNS] = {SAMPLE_ARRAY_OF_INT64, SAMPLE_ARRAY_OF_TIMESTAMPS,
                                                         SAMPLE_ARRAY_OF_INT32, SAMPLE_ARRAY_OF_INT32,
                                                         SAMPLE_ARRAY_OF_INT32, SAMPLE_ARRAY_OF_BYTES};
    SampleCopy arrays[ROUND_COLUMNS];
    SampleCopy *columns[ROUND_COLUMNS];
    const char *parameters[ROUND_COLUMNS];
    int lengths[ROUND_COLUMNS];
    for (int c = 0; c < ROUND_COLUMNS; c++) {
        arrays[c] = sample_copy_new_array(arena, types[c], round_count);
        columns[c] = &arrays[c];
    }
    for (size_t i = 0; i < round_count; i++)
        round_put(&rounds[i], packs[i], columns);
    for (int c = 0; c < ROUND_COLUMNS; c++) {
        if (arrays[c].bytes.length > ROUNDS_SENT_MOST)
            return error_set(error, ERROR_LIMIT, "the rounds are more than %zu bytes", ROUNDS_SENT_MOST);
        parameters[c] = arrays[c].bytes.data;
        lengths[c] = (int)arrays[c].bytes.length;
    }
    PgQuery query = {.text = store_query_text("sample_rounds_insert"),
                     .parameters = parameters,
                     .parameter_count = ROUND_COLUMNS,
                     .parameter_lengths = lengths};
    return pg_query(session, &query, NULL, error);
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

bool
sample_rounds_write(PgConnection *session, const SampleRound *rounds, size_t round_count, Error *error)
{
    if (round_count == 0)
        return true;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("sample rounds", ROUNDS_BYTES_MOST);
    SampleBytes *packs = ARENA_NEW_ARRAY(arena, SampleBytes, round_count);
    if (!rounds_pack(arena, rounds, round_count, packs, error))
        return error_prefix(error, "could not write samples");
    int64_t due_us = sample_due_us(clock_wall_us());
    bool may_be_packed = false;
    for (size_t i = 0; i < round_count; i++)
        may_be_packed = may_be_packed || rounds[i].collected_at_us < due_us;
    Error failure = {0};
    /* A COPY by itself is a transaction. */
    if (!may_be_packed && rounds_copy(session, arena, rounds, packs, round_count, &failure))
        return true;
    /* unique_violation: a round is there; check_violation: it has no partition */
    if (failure.code != ERROR_NONE && strcmp(failure.sqlstate, "23505") != 0 &&
        strcmp(failure.sqlstate, "23514") != 0) {
        *error = failure;
        return error_prefix(error, "could not write samples");
    }
    bool is_good = rounds_lock(session, rounds, round_count, error) &&
                   rounds_insert(session, arena, rounds, packs, round_count, error);
    return sample_transaction_end(session, is_good, error) || error_prefix(error, "could not write samples");
}
