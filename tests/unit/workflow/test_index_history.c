// SPDX-License-Identifier: PostgreSQL
/*
 * Generated histories: indexes of known habits are observed for months on a primary and its replica, with
 * counters that are reset now and then; the rounds go into a real store, and what hygiene then proposes is
 * compared with what is true.
 */
#include "../snapshot/memory_sections.h"
#include "../store/fixture.h"

#include "advise/index/hygiene.h"
#include "base/random.h"
#include "base/text.h"
#include "store/index_use.h"
#include "store/observation.h"
#include "store/statement.h"
#include "store/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US ((int64_t)24 * 3600 * 1000000)
#define DAYS 100
#define INDEXES 120
#define FIRST_OID 20000

typedef enum Habit {
    HABIT_DEAD, /* nobody needs it: the only one that may go */
    HABIT_DAILY,
    HABIT_WEEKLY,
    HABIT_MONTHLY,
    HABIT_MONTHLY_ON_REPLICA,
    HABIT_YOUNG, /* made in the last weeks, not used yet */
    HABIT_COUNT
} Habit;

typedef struct History {
    StoreFixture *fixture;
    int64_t targets[2]; /* primary, replica */
    int64_t begin_us;
    Habit habits[INDEXES];
    int phases[INDEXES];  /* the day of its week or month */
    int made_on[INDEXES]; /* day; 0: before the history */
    int64_t scans[2][INDEXES];
    int64_t reset_us[2];
} History;

static void
history_begin(History *history, uint64_t seed)
{
    Random random = random_new(seed);
    Error error = {0};
    static const char *const names[] = {"primary", "replica"};
    DatabaseRow database = {.database_id = 1, .database_oid = 5, .database_name = "shop"};
    for (int i = 0; i < 2; i++) {
        TargetChange change = {.name = names[i], .dsn = "host=h", .enabled = 1, .interval_ms = -1};
        assert_done(target_create(history->fixture->store, history->fixture->connection, &change,
                                  &history->targets[i], &error),
                    &error);
        assert_done(
            database_rows_write(history->fixture->connection, history->targets[i], &database, 1, &error),
            &error);
        history->reset_us[i] = history->begin_us - DAY_US;
    }
    for (int i = 0; i < INDEXES; i++) {
        history->habits[i] = (Habit)random_below(&random, HABIT_COUNT);
        history->phases[i] = (int)random_below(&random, 30);
        history->made_on[i] =
            history->habits[i] == HABIT_YOUNG ? DAYS - 1 - (int)random_below(&random, 30) : 0;
    }
}

static bool
is_used(const History *history, int server, int index, int day)
{
    int phase = history->phases[index];
    switch (history->habits[index]) {
        case HABIT_DAILY: return server == 0;
        case HABIT_WEEKLY: return server == 0 && day % 7 == phase % 7;
        case HABIT_MONTHLY: return server == 0 && day % 30 == phase;
        case HABIT_MONTHLY_ON_REPLICA: return server == 1 && day % 30 == phase;
        default: return false;
    }
}

static void
round_write(const History *history, int server, int64_t at_us, int day)
{
    static RelationRow rows[INDEXES];
    size_t count = 0;
    Error error = {0};
    for (int i = 0; i < INDEXES; i++)
        if (day >= history->made_on[i])
            rows[count++] = (RelationRow){.relation_oid = (uint32_t)(FIRST_OID + i),
                                          .table_oid = 1,
                                          .schema_name = "public",
                                          .relation_name = "i",
                                          .kind = 'i',
                                          .size_bytes = 8192,
                                          .scans = history->scans[server][i],
                                          .bloat_bytes = NAN};
    RelationRound round = {.target_id = history->targets[server],
                           .database_id = 1,
                           .collected_at_us = at_us,
                           .statistics_reset_at_us = history->reset_us[server],
                           .rows = rows,
                           .row_count = count};
    assert_done(relation_round_write(history->fixture->connection, &round, &error), &error);
}

/* A day has a round after its work; on some days the counters are reset behind it, and a round follows. */
static void
history_run(History *history, uint64_t seed)
{
    Random random = random_new(seed + 1);
    for (int day = 0; day < DAYS; day++)
        for (int server = 0; server < 2; server++) {
            int64_t at_us = history->begin_us + day * DAY_US + DAY_US / 2;
            for (int i = 0; i < INDEXES; i++)
                history->scans[server][i] += is_used(history, server, i, day) ? 3 : 0;
            round_write(history, server, at_us, day);
            if (random_below(&random, 25) != 0)
                continue;
            history->reset_us[server] = at_us + 1000000;
            memset(history->scans[server], 0, sizeof(history->scans[server]));
            round_write(history, server, at_us + DAY_US / 24, day);
        }
}

static const Snapshot *
snapshot_of(const History *history, Arena *arena, int server)
{
    Text text = text_new(arena);
    Text columns = text_new(arena);
    Text activity = text_new(arena);
    text_append(&text, "@meta key value\nserver_version_num|150004\nblock_bytes|8192\n"
                       "@relations id schema name kind relpages reltuples\n1|public|t|r|100|10000\n"
                       "@columns relation_id attnum name type_name base_type\n1|1|a|integer|integer\n"
                       "@indexes id relation_id schema name method definition is_unique is_valid is_ready\n");
    text_append(&columns, "@index_columns id attnum expression operator_class\n");
    text_append(&activity, "@index_activity id scans\n");
    for (int i = 0; i < INDEXES; i++) {
        int oid = FIRST_OID + i;
        text_append_format(&text, "%d|1|public|i%d|btree|CREATE INDEX i%d|f|t|t\n", oid, i, i);
        /* an operator class of its own each, so that none is a duplicate */
        text_append_format(&columns, "%d|1|\\N|ops_%d\n", oid, i);
        text_append_format(&activity, "%d|%lld\n", oid, (long long)history->scans[server][i]);
    }
    text_append(&text, columns.data);
    text_append(&text, activity.data);
    const Snapshot *snapshot = NULL;
    Error error = {0};
    assert_done(snapshot_decode(arena, memory_sections(arena, text.data), &snapshot, &error), &error);
    return snapshot;
}

static HygieneServer
server_of(const History *history, Arena *arena, int server, const char *name)
{
    IndexUses uses;
    Error error = {0};
    assert_done(index_uses_read(history->fixture->connection, arena, history->targets[server], "shop", 0,
                                &uses, &error),
                &error);
    HygieneUse *list = ARENA_NEW_ARRAY(arena, HygieneUse, uses.count);
    for (size_t i = 0; i < uses.count; i++)
        list[i] = (HygieneUse){.index_id = uses.items[i].index_oid,
                               .observed_from_us = uses.items[i].observed_from_us,
                               .last_used_at_us = uses.items[i].last_used_at_us,
                               .bloat_bytes = uses.items[i].bloat_bytes};
    return (HygieneServer){.name = name,
                           .snapshot = snapshot_of(history, arena, server),
                           .uses = list,
                           .use_count = uses.count,
                           .statistics_reset_at_us = history->reset_us[server]};
}

typedef struct Score {
    int proposed;
    int right;
    int dead;
    int named; /* unused by class, proposed or not */
} Score;

static void
history_judge(const History *history, Score *score)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("judge", (size_t)256 << 20);
    HygieneServer replica = server_of(history, arena, 1, "replica");
    HygieneInput input = {.primary = server_of(history, arena, 0, "primary"),
                          .replicas = &replica,
                          .replica_count = 1,
                          .now_us = history->begin_us + DAYS * DAY_US,
                          .observation_us = 35 * DAY_US,
                          .rare_scans = 10,
                          .rare_ratio = 0.01};
    HygieneFindings findings = hygiene_review(arena, &input);
    for (int i = 0; i < INDEXES; i++)
        score->dead += history->habits[i] == HABIT_DEAD;
    for (size_t i = 0; i < findings.count; i++) {
        Habit habit = history->habits[findings.items[i].index->id - FIRST_OID];
        score->named += findings.items[i].class == HYGIENE_UNUSED;
        if (!findings.items[i].is_proposed)
            continue;
        score->proposed++;
        score->right += habit == HABIT_DEAD;
        if (habit != HABIT_DEAD)
            print_message("# seed's index %u of habit %d is proposed: %s\n", findings.items[i].index->id,
                          habit, findings.items[i].reason);
    }
}

static void
nothing_is_proposed_that_a_job_or_a_replica_needs_and_most_of_the_dead_is(void **state)
{
    Score score = {0};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        History *history = calloc(1, sizeof(*history));
        assert_non_null(history);
        store_fixture_clear(state);
        history->fixture = *state;
        history->begin_us = clock_wall_us() / DAY_US * DAY_US - DAYS * DAY_US;
        history_begin(history, seed);
        history_run(history, seed);
        history_judge(history, &score);
        free(history);
    }
    print_message("# proposed %d, of them right %d; dead in truth %d\n", score.proposed, score.right,
                  score.dead);
    assert_true(score.proposed > 0);
    assert_true(score.right >= score.proposed * 0.95);
    assert_int_equal(score.proposed, score.right); /* zero of a monthly job, a replica, or a young index */
    assert_true(score.proposed >= score.dead * 0.9);
}

static void
an_unknown_database_has_no_history(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    IndexUses uses = {.count = 7};
    Error error = {0};
    assert_done(index_uses_read(fixture->connection, arena, 99, "nowhere", 0, &uses, &error), &error);
    assert_int_equal(uses.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_proposed_that_a_job_or_a_replica_needs_and_most_of_the_dead_is),
        cmocka_unit_test(an_unknown_database_has_no_history),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
