// SPDX-License-Identifier: PostgreSQL
#include "rounds.h"

#include "store/statement.h"

#include <stdlib.h>

int64_t
rounds_target(StoreFixture *fixture, const char *name)
{
    Error error = {0};
    char *sql = arena_printf(
        fixture->arena, "INSERT INTO fettle.targets (name, conninfo) VALUES ('%s', '') RETURNING target_id",
        name);
    int64_t target_id = strtoll(store_fixture_value(fixture, sql), NULL, 10);
    static const DatabaseRow databases[ROUNDS_DATABASES] = {{1, 16384, "shop"}, {2, 16385, "blog"}};
    assert_done(database_rows_write(fixture->connection, target_id, databases, ROUNDS_DATABASES, &error),
                &error);
    StatementRow rows[ROUNDS_DATABASES * ROUNDS_STATEMENTS] = {0};
    for (int i = 0; i < ROUNDS_DATABASES * ROUNDS_STATEMENTS; i++)
        rows[i] = (StatementRow){.statement_id = i + 1,
                                 .database_id = i / ROUNDS_STATEMENTS + 1,
                                 .user_name = "app",
                                 .user_oid = 10,
                                 .queryid = 1001 + i,
                                 .query_hash = 1001 + i,
                                 .is_toplevel = true,
                                 .fingerprint_hash = 77 + i,
                                 .query_text = arena_printf(fixture->arena, "SELECT %d", i + 1)};
    assert_done(statement_rows_write(fixture->connection, target_id, rows, FETTLE_COUNT_OF(rows), &error),
                &error);
    return target_id;
}

static void
sample_make(Random *random, Sample *sample)
{
    int habit = sample->statement_id % 4;
    int64_t calls = 1 + (int64_t)random_below(random, habit == 0 ? 1000 : 5);
    sample->counters[SAMPLE_CALLS] = habit == 3 ? 0 : calls;
    sample->counters[SAMPLE_ROWS] = habit == 1 ? calls : (int64_t)random_below(random, 10000);
    sample->counters[SAMPLE_EXEC_US] = calls * (1000 + (int64_t)random_below(random, 500));
    sample->counters[SAMPLE_EXEC_DEVIATION_US] = (int64_t)random_below(random, 900);
    for (int c = SAMPLE_PLAN_US; c < SAMPLE_COUNTER_COUNT; c++)
        if (random_below(random, 3) == 0)
            sample->counters[c] = (int64_t)random_below(random, (uint64_t)1 << (c + 5));
    sample->counters[SAMPLE_WAL_BYTES] = habit == 3 ? 8 : sample->counters[SAMPLE_WAL_BYTES];
}

SampleRound *
rounds_make(Arena *arena, uint64_t seed, int64_t target_id, int32_t database_id, int64_t from_us,
            int64_t to_us, int64_t step_us, size_t *ret_count)
{
    Random random = random_new(seed);
    size_t most = (size_t)((to_us - from_us) / step_us + 1);
    SampleRound *rounds = ARENA_NEW_ARRAY(arena, SampleRound, most);
    size_t count = 0;
    for (int64_t at = from_us; at < to_us; at += step_us) {
        bool is_missing = random_below(&random, 20) == 0;
        Sample *samples = ARENA_NEW_ARRAY(arena, Sample, ROUNDS_STATEMENTS);
        size_t sample_count = 0;
        for (int32_t s = 1; s <= ROUNDS_STATEMENTS; s++) {
            if (random_below(&random, 3) == 0)
                continue;
            samples[sample_count].statement_id = (database_id - 1) * ROUNDS_STATEMENTS + s;
            sample_make(&random, &samples[sample_count++]);
        }
        if (is_missing)
            continue;
        rounds[count++] = (SampleRound){.target_id = target_id,
                                        .database_id = database_id,
                                        .collected_at_us = at + (int64_t)random_below(&random, 1000000),
                                        .interval_ms = step_us / 1000,
                                        .flags = random_below(&random, 30) == 0 ? SAMPLE_FLAG_RESET : 0,
                                        .samples = samples,
                                        .sample_count = random_below(&random, 15) == 0 ? 0 : sample_count};
    }
    *ret_count = count;
    return rounds;
}
