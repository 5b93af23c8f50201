// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/hygiene.h"
#include "base/text.h"

#include "../../snapshot/memory_sections.h"

#include <math.h>
#include <string.h>

#define DAY_US ((int64_t)24 * 3600 * 1000000)
#define NOW_US (200 * DAY_US)

/* Tables t and u of 100 pages; each test adds its indexes, columns of indexes, constraints and activity. */
static const char tables[] =
    "@meta key value\nserver_version_num|150004\nblock_bytes|8192\n"
    "@relations id schema name kind relpages reltuples\n1|public|t|r|100|10000\n2|public|u|r|100|10000\n"
    "@columns relation_id attnum name type_name base_type\n"
    "1|1|a|integer|integer\n1|2|b|integer|integer\n1|3|c|text|text\n2|1|a|integer|integer\n";

static HygieneInput
input_of(Arena *arena, const char *more)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    const char *text = arena_printf(arena, "%s%s", tables, more);
    if (!snapshot_decode(arena, memory_sections(arena, text), &snapshot, &error))
        fail_msg("%s", error.message);
    return (HygieneInput){.primary = {.name = "shop", .snapshot = snapshot},
                          .now_us = NOW_US,
                          .observation_us = 35 * DAY_US,
                          .rare_scans = 10,
                          .rare_ratio = 0.01};
}

static const HygieneFinding *
finding_of(const HygieneFindings *findings, const char *name)
{
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->items[i].index->name, name) == 0)
            return &findings->items[i];
    return NULL;
}

static const HygieneFinding *
expect(const HygieneFindings *findings, const char *name, HygieneClass class, bool is_proposed)
{
    const HygieneFinding *finding = finding_of(findings, name);
    if (finding == NULL)
        fail_msg("nothing is found of %s", name);
    if (finding->class != class || finding->is_proposed != is_proposed)
        fail_msg("%s is %s, %sproposed: %s", name, hygiene_class_word(finding->class),
                 finding->is_proposed ? "" : "not ", finding->reason);
    return finding;
}

static Arena *
arena_of_test(void)
{
    return arena_new("test", (size_t)64 << 20);
}

#define INDEXES                                                                                              \
    "@indexes id relation_id schema name method definition is_unique is_valid is_ready predicate "           \
    "is_replica_identity extension_id constraint_id is_clustered\n"
#define COLUMNS                                                                                              \
    "@index_columns id attnum expression operator_class collation is_descending is_nulls_first "             \
    "is_included\n"

static void
of_two_equal_indexes_the_unneeded_one_goes_and_one_stays(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input =
        input_of(arena, INDEXES
                 "10|1|public|one|btree|CREATE INDEX one|f|t|t|\\N|f|\\N|\\N|f\n"
                 "11|1|public|two|btree|CREATE INDEX two|f|t|t|\\N|f|\\N|\\N|f\n"
                 "12|1|public|three|btree|CREATE UNIQUE INDEX three|t|t|t|\\N|f|\\N|\\N|f\n"
                 "13|1|public|ab|btree|CREATE INDEX ab|f|t|t|\\N|f|\\N|\\N|f\n"
                 "14|1|public|abc|btree|CREATE INDEX abc|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
                 "10|1|\\N|int4_ops|\\N|f|f|f\n11|1|\\N|int4_ops|\\N|f|f|f\n12|1|\\N|int4_ops|\\N|f|f|f\n"
                 "13|1|\\N|int4_ops|\\N|f|f|f\n13|2|\\N|int4_ops|\\N|f|f|f\n"
                 "14|1|\\N|int4_ops|\\N|f|f|f\n14|2|\\N|int4_ops|\\N|f|f|f\n14|3|\\N|text_ops|\\N|f|f|t\n");
    HygieneFindings findings = hygiene_review(arena, &input);
    assert_int_equal(findings.count, 3);
    assert_string_equal(expect(&findings, "one", HYGIENE_DUPLICATE, true)->in_its_place->name, "three");
    const HygieneFinding *two = expect(&findings, "two", HYGIENE_DUPLICATE, true);
    assert_string_equal(two->in_its_place->name, "three");
    assert_string_equal(two->act_sql, "DROP INDEX CONCURRENTLY public.two;");
    assert_string_equal(two->undo_sql, "CREATE INDEX two;");
    assert_string_equal(expect(&findings, "ab", HYGIENE_DUPLICATE, true)->in_its_place->name, "abc");
}

static void
a_deferrable_constraint_does_not_stand_for_a_unique_index(void **state)
{
    (void)state;
    static const char *const deferrable[] = {"t", "f"};
    for (size_t i = 0; i < 2; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
        HygieneInput input = input_of(
            arena, arena_printf(arena,
                                INDEXES
                                "10|1|public|of_constraint|btree|CREATE UNIQUE INDEX "
                                "of_constraint|t|t|t|\\N|f|\\N|90|f\n"
                                "11|1|public|plain|btree|CREATE UNIQUE INDEX plain|t|t|t|\\N|f|\\N|\\N|f\n"
                                "12|1|public|lookup|btree|CREATE INDEX lookup|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
                                "10|1|\\N|int4_ops|\\N|f|f|f\n11|1|\\N|int4_ops|\\N|f|f|f\n"
                                "12|1|\\N|int4_ops|\\N|f|f|f\n"
                                "@constraints id relation_id name type columns index_id is_deferrable\n"
                                "90|1|key|u|{1}|10|%s\n",
                                deferrable[i]));
        HygieneFindings findings = hygiene_review(arena, &input);
        const HygieneFinding *plain = finding_of(&findings, "plain");
        bool is_duplicate = plain != NULL && plain->class == HYGIENE_DUPLICATE;
        assert_true(is_duplicate == (i == 1));
        expect(&findings, "lookup", HYGIENE_DUPLICATE, true);
    }
}

static void
what_is_finer_is_no_duplicate(void **state)
{
    (void)state;
    static const struct {
        const char *method, *one, *two;
        bool is_duplicate;
    } cases[] = {{"brin", "(a)", "(a) WITH (pages_per_range='8')", false},
                 {"brin", "(a) WITH (pages_per_range='8')", "(a) WITH (pages_per_range='8')", true},
                 {"gist", "(c gist_trgm_ops (siglen='32'))", "(c gist_trgm_ops (siglen='256'))", false},
                 {"gist", "(c gist_trgm_ops)", "(c gist_trgm_ops)", true},
                 {"btree", "(a)", "(a) WITH (fillfactor='50')", true}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
        HygieneInput input = input_of(
            arena,
            arena_printf(
                arena,
                INDEXES
                "10|1|public|one|%s|CREATE INDEX one ON public.t USING %s %s|f|t|t|\\N|f|\\N|\\N|f\n"
                "11|1|public|two|%s|CREATE INDEX two ON public.t USING %s %s|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
                "10|1|\\N|ops|\\N|f|f|f\n11|1|\\N|ops|\\N|f|f|f\n",
                cases[i].method, cases[i].method, cases[i].one, cases[i].method, cases[i].method,
                cases[i].two));
        HygieneFindings findings = hygiene_review(arena, &input);
        bool is_duplicate = false;
        for (size_t k = 0; k < findings.count; k++)
            is_duplicate = is_duplicate || findings.items[k].class == HYGIENE_DUPLICATE;
        if (is_duplicate != cases[i].is_duplicate)
            fail_msg("%s and %s", cases[i].one, cases[i].two);
    }
}

static void
what_differs_in_anything_that_counts_is_no_duplicate(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"f|t|t|\\N", "1|\\N|int4_ops|\\N|t|t|f"},  /* direction */
        {"f|t|t|\\N", "1|\\N|int4_ops|\\N|f|t|f"},  /* NULLS FIRST */
        {"f|t|t|\\N", "1|\\N|other_ops|\\N|f|f|f"}, /* operator class */
        {"f|t|t|\\N", "1|\\N|int4_ops|C|f|f|f"},    /* collation */
        {"f|t|t|\\N", "2|\\N|int4_ops|\\N|f|f|f"},  /* column */
        {"f|t|t|(b > 0)", "1|\\N|int4_ops|\\N|f|f|f"},
        {"t|t|t|\\N", "1|\\N|int4_ops|\\N|f|f|f\n11|3|\\N|text_ops|\\N|f|f|f"}, /* unique over more */
        {"f|f|t|\\N", "1|\\N|int4_ops|\\N|f|f|f"}, /* invalid: it serves nobody */
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(pairs); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
        const char *more =
            arena_printf(arena,
                         INDEXES "10|1|public|one|btree|CREATE INDEX one|t|t|t|\\N|f|\\N|\\N|f\n"
                                 "11|1|public|two|btree|CREATE INDEX two|%s|f|\\N|\\N|f\n" COLUMNS
                                 "10|1|\\N|int4_ops|\\N|f|f|f\n11|%s\n",
                         pairs[i][0], pairs[i][1]);
        HygieneInput input = input_of(arena, more);
        HygieneFindings findings = hygiene_review(arena, &input);
        const HygieneFinding *one = finding_of(&findings, "one");
        const HygieneFinding *two = finding_of(&findings, "two");
        assert_true(one == NULL || one->class != HYGIENE_DUPLICATE);
        assert_true(two == NULL || (two->class != HYGIENE_DUPLICATE && two->class != HYGIENE_PREFIX));
    }
}

static void
a_prefix_is_needless_only_in_a_b_tree_and_with_its_included_columns(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input =
        input_of(arena, INDEXES
                 "10|1|public|a|btree|CREATE INDEX a|f|t|t|\\N|f|\\N|\\N|f\n"
                 "11|1|public|a_with_c|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
                 "12|1|public|ab|btree|CREATE INDEX ab|f|t|t|\\N|f|\\N|\\N|f\n"
                 "13|2|public|gin_a|gin|CREATE INDEX g|f|t|t|\\N|f|\\N|\\N|f\n"
                 "14|2|public|gin_aa|gin|CREATE INDEX h|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
                 "10|1|\\N|int4_ops|\\N|f|f|f\n11|1|\\N|int4_ops|\\N|f|f|f\n11|3|\\N|\\N|\\N|f|f|t\n"
                 "12|1|\\N|int4_ops|\\N|f|f|f\n12|2|\\N|int4_ops|\\N|f|f|f\n"
                 "13|1|\\N|gin_ops|\\N|f|f|f\n14|1|\\N|gin_ops|\\N|f|f|f\n14|1|\\N|gin_ops|\\N|f|f|f\n");
    HygieneFindings findings = hygiene_review(arena, &input);
    expect(&findings, "a", HYGIENE_DUPLICATE, true); /* of the one that includes c */
    assert_null(finding_of(&findings, "a_with_c"));
    assert_null(finding_of(&findings, "gin_a"));
    const SnapshotIndex *indexes = input.primary.snapshot->indexes;
    bool is_prefix = false;
    assert_true(hygiene_covers(&indexes[2], &indexes[0], &is_prefix) && is_prefix);
    assert_false(hygiene_covers(&indexes[2], &indexes[1], &is_prefix));
    assert_false(hygiene_covers(&indexes[0], &indexes[0], &is_prefix));
}

static const char protected[] =
    INDEXES "10|1|public|pkey|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|5|f\n"
            "11|1|public|identity|btree|CREATE INDEX i|f|t|t|\\N|t|\\N|\\N|f\n"
            "12|1|public|owned|btree|CREATE INDEX i|f|t|t|\\N|f|99|\\N|f\n"
            "13|1|public|lookup|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
            "14|2|public|clustered|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|t\n"
            "15|2|public|free|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
            "10|1|\\N|int4_ops|\\N|f|f|f\n11|2|\\N|int4_ops|\\N|f|f|f\n12|3|\\N|text_ops|\\N|f|f|f\n"
            "13|2|\\N|int4_ops|\\N|f|f|f\n13|3|\\N|text_ops|\\N|f|f|f\n14|1|\\N|int4_ops|\\N|f|f|f\n15|1|\\N|"
            "other_ops|\\N|f|f|f\n"
            "@constraints id relation_id name type definition index_id columns\n"
            "5|1|t_pkey|p|PRIMARY KEY|10|{1}\n6|1|t_fkey|f|FOREIGN KEY|\\N|{3,2}\n"
            "@index_activity id scans\n10|0\n11|0\n12|0\n13|0\n14|0\n15|0\n";

static const HygieneUse idle[] = {{10, DAY_US, 0, NAN, false}, {11, DAY_US, 0, NAN, false},
                                  {12, DAY_US, 0, NAN, false}, {13, DAY_US, 0, NAN, false},
                                  {14, DAY_US, 0, NAN, false}, {15, DAY_US, 0, NAN, false}};

static void
what_something_else_needs_is_never_found_however_idle(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input = input_of(arena, protected);
    input.primary.uses = idle;
    input.primary.use_count = FETTLE_COUNT_OF(idle);
    HygieneFindings findings = hygiene_review(arena, &input);
    expect(&findings, "free", HYGIENE_UNUSED, true);
    assert_int_equal(findings.count, 1);
    static const char *const words[] = {"constraint t_pkey", "replica identity", "extension",
                                        "foreign key t_fkey", "clustered"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++) {
        const SnapshotIndex *index = &input.primary.snapshot->indexes[i];
        const SnapshotRelation *relation = snapshot_relation(input.primary.snapshot, index->relation_id);
        const char *why = hygiene_protection(arena, input.primary.snapshot, relation, index);
        assert_non_null(why);
        if (strstr(why, words[i]) == NULL)
            fail_msg("%s: %s", index->name, why);
    }
}

static void
an_index_is_proposed_only_after_the_whole_time_on_every_server(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input = input_of(arena, protected);
    HygieneUse use = {15, NOW_US - 40 * DAY_US, 0, NAN, false};
    HygieneUse there = {15, NOW_US - 90 * DAY_US, 0, NAN, false};
    HygieneServer replica = {
        .name = "standby", .snapshot = input.primary.snapshot, .uses = &there, .use_count = 1};
    input.primary.uses = &use;
    input.primary.use_count = 1;
    input.replicas = &replica;
    input.replica_count = 1;
    HygieneFindings findings = hygiene_review(arena, &input);
    expect(&findings, "free", HYGIENE_UNUSED, true);
    use.last_used_at_us = NOW_US - 34 * DAY_US; /* a monthly job */
    findings = hygiene_review(arena, &input);
    assert_null(finding_of(&findings, "free"));
    use.last_used_at_us = 0;
    there.last_used_at_us = NOW_US - 20 * DAY_US; /* one on the replica */
    findings = hygiene_review(arena, &input);
    assert_null(finding_of(&findings, "free"));
    there.last_used_at_us = 0;
    use.observed_from_us = NOW_US - 3 * DAY_US; /* made three days ago */
    findings = hygiene_review(arena, &input);
    assert_non_null(strstr(expect(&findings, "free", HYGIENE_UNUSED, false)->reason, "only 3 of 35 days"));
    use.observed_from_us = NOW_US - 40 * DAY_US;
    replica.snapshot = NULL; /* it cannot be reached */
    findings = hygiene_review(arena, &input);
    assert_null(finding_of(&findings, "free"));
}

static void
counters_alone_name_an_unused_index_but_propose_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input = input_of(arena, protected);
    input.primary.statistics_reset_at_us = NOW_US - 100 * DAY_US;
    HygieneFindings findings = hygiene_review(arena, &input);
    const HygieneFinding *finding = expect(&findings, "free", HYGIENE_UNUSED, false);
    assert_non_null(finding->act_sql);
    assert_non_null(strstr(finding->reason, "100 days"));
    input.primary.statistics_reset_at_us = NOW_US - 6 * DAY_US; /* too young to say anything */
    findings = hygiene_review(arena, &input);
    assert_int_equal(findings.count, 0);
}

static void
an_idle_index_on_an_expression_is_told_to_have_statistics(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input =
        input_of(arena, INDEXES "10|1|public|plain|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
                                "11|1|public|lowered|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
                                "10|1|\\N|int4_ops|\\N|f|f|f\n11|0|lower(c)|text_ops|\\N|f|f|f\n"
                                "@index_activity id scans\n10|0\n11|0\n");
    input.primary.statistics_reset_at_us = NOW_US - 100 * DAY_US;
    HygieneFindings findings = hygiene_review(arena, &input);
    assert_non_null(strstr(expect(&findings, "lowered", HYGIENE_UNUSED, false)->reason, "statistics of its"));
    assert_null(strstr(expect(&findings, "plain", HYGIENE_UNUSED, false)->reason, "statistics of its"));
}

static void
of_idle_indexes_one_is_kept_for_a_foreign_key_and_for_a_dropped_duplicate(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input =
        input_of(arena, INDEXES "10|1|public|ab|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
                                "11|1|public|ac|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
                                "12|2|public|busy|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
                                "13|2|public|idle|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
                                "10|1|\\N|int4_ops|\\N|f|f|f\n10|2|\\N|int4_ops|\\N|f|f|f\n"
                                "11|1|\\N|int4_ops|\\N|f|f|f\n11|3|\\N|text_ops|\\N|f|f|f\n"
                                "12|1|\\N|int4_ops|\\N|f|f|f\n13|1|\\N|int4_ops|\\N|f|f|f\n"
                                "@constraints id relation_id name type definition index_id columns\n"
                                "6|1|t_fkey|f|FOREIGN KEY|\\N|{1}\n"
                                "@sizes id size_blocks\n12|50\n13|40\n"
                                "@index_activity id scans\n10|0\n11|0\n12|900\n13|0\n");
    static const HygieneUse uses[] = {{10, DAY_US, 0, NAN, false},
                                      {11, DAY_US, 0, NAN, false},
                                      {12, DAY_US, NOW_US, NAN, false},
                                      {13, DAY_US, 0, NAN, false}};
    input.primary.uses = uses;
    input.primary.use_count = FETTLE_COUNT_OF(uses);
    HygieneFindings findings = hygiene_review(arena, &input);
    const HygieneFinding *ab = finding_of(&findings, "ab");
    const HygieneFinding *ac = finding_of(&findings, "ac");
    assert_true(ab != NULL && ac != NULL && ab->is_proposed != ac->is_proposed);
    assert_string_equal(expect(&findings, "busy", HYGIENE_DUPLICATE, true)->in_its_place->name, "idle");
    expect(&findings, "idle", HYGIENE_UNUSED, false);
}

static void
invalid_bloated_rare_and_oversized_indexes_are_named(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    HygieneInput input =
        input_of(arena, INDEXES
                 "10|1|public|broken|btree|CREATE INDEX i|f|f|t|\\N|f|\\N|\\N|f\n"
                 "14|1|public|begun|btree|CREATE INDEX i|f|f|t|\\N|f|\\N|\\N|f\n"
                 "11|1|public|empty|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
                 "12|1|public|rare|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n"
                 "13|1|public|large|btree|CREATE INDEX i|f|t|t|\\N|f|\\N|\\N|f\n" COLUMNS
                 "10|1|\\N|int4_ops|\\N|f|f|f\n11|2|\\N|int4_ops|\\N|f|f|f\n12|3|\\N|text_ops|\\N|f|f|f\n"
                 "14|1|\\N|int4_ops|\\N|f|f|f\n13|1|\\N|other_ops|\\N|f|f|f\n"
                 "@sizes id size_blocks\n1|100\n10|10\n11|5000\n12|10\n13|9000\n"
                 "@activity relation_id sequential_scans sequential_tuples index_scans\n1|10|1000|100000\n"
                 "@index_activity id scans is_being_built\n10|0|f\n14|0|t\n11|50000|f\n12|3|f\n13|50000|f\n");
    static const HygieneUse uses[] = {{11, DAY_US, NOW_US, 20.0 * 1024 * 1024, true}};
    input.primary.uses = uses;
    input.primary.use_count = FETTLE_COUNT_OF(uses);
    HygieneFindings findings = hygiene_review(arena, &input);
    expect(&findings, "broken", HYGIENE_INVALID, true);
    expect(&findings, "begun", HYGIENE_INVALID, false);
    const HygieneFinding *empty = expect(&findings, "empty", HYGIENE_BLOATED, true);
    assert_string_equal(empty->act_sql, "REINDEX INDEX CONCURRENTLY public.empty;");
    assert_non_null(strstr(empty->reason, "measured"));
    expect(&findings, "rare", HYGIENE_RARELY_USED, false);
    assert_null(expect(&findings, "large", HYGIENE_OVERSIZED, false)->act_sql);
    assert_string_equal(findings.items[0].index->name, "empty");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_equal_indexes_the_unneeded_one_goes_and_one_stays),
        cmocka_unit_test(a_deferrable_constraint_does_not_stand_for_a_unique_index),
        cmocka_unit_test(what_is_finer_is_no_duplicate),
        cmocka_unit_test(what_differs_in_anything_that_counts_is_no_duplicate),
        cmocka_unit_test(a_prefix_is_needless_only_in_a_b_tree_and_with_its_included_columns),
        cmocka_unit_test(what_something_else_needs_is_never_found_however_idle),
        cmocka_unit_test(an_index_is_proposed_only_after_the_whole_time_on_every_server),
        cmocka_unit_test(counters_alone_name_an_unused_index_but_propose_nothing),
        cmocka_unit_test(an_idle_index_on_an_expression_is_told_to_have_statistics),
        cmocka_unit_test(of_idle_indexes_one_is_kept_for_a_foreign_key_and_for_a_dropped_duplicate),
        cmocka_unit_test(invalid_bloated_rare_and_oversized_indexes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
