// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/candidate.h"
#include "advise/index/informing.h"
#include "base/text.h"

#include <string.h>

#define KEY(n) ((CandidateKey){.attnum = (n)})
#define DESC(n) ((CandidateKey){.attnum = (n), .is_descending = true, .is_nulls_first = true})

static const Snapshot *
shop(Arena *arena)
{
    return memory_workload_of(arena, NULL, 0).context.snapshot;
}

static void
keys_are_written_as_sql(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *orders = snapshot_relation_named(shop(arena), "public", "orders");
    const SnapshotRelation *odd = snapshot_relation_named(shop(arena), "public", "Odd Näme");
    const struct {
        Candidate candidate;
        const char *keys;
        const char *table;
    } cases[] = {
        {{.relation = orders, .keys = {KEY(2)}, .key_count = 1}, "customer_id", "public.orders"},
        {{.relation = orders, .keys = {KEY(2), DESC(5)}, .key_count = 2},
         "customer_id, created_at DESC",
         "public.orders"},
        {{.relation = orders, .keys = {{.attnum = 5, .is_nulls_first = true}}, .key_count = 1},
         "created_at NULLS FIRST",
         "public.orders"},
        {{.relation = orders, .keys = {{.attnum = 5, .is_descending = true}}, .key_count = 1},
         "created_at DESC NULLS LAST",
         "public.orders"},
        {{.relation = orders, .keys = {{.attnum = 6, .operator_class = "text_pattern_ops"}}, .key_count = 1},
         "note text_pattern_ops",
         "public.orders"},
        {{.relation = orders, .keys = {{.expression = "lower(note)"}, KEY(1)}, .key_count = 2},
         "(lower(note)), id",
         "public.orders"},
        {{.relation = odd, .keys = {KEY(1), KEY(2)}, .key_count = 2},
         "\"Köl\", \"group\"",
         "public.\"Odd Näme\""}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        assert_string_equal(candidate_key_text(arena, &cases[i].candidate), cases[i].keys);
        assert_string_equal(candidate_create_statement(arena, &cases[i].candidate, "My idx", true),
                            arena_printf(arena, "CREATE INDEX CONCURRENTLY \"My idx\" ON %s USING btree (%s)",
                                         cases[i].table, cases[i].keys));
        assert_string_equal(
            candidate_create_statement(arena, &cases[i].candidate, "i", false),
            arena_printf(arena, "CREATE INDEX i ON %s USING btree (%s)", cases[i].table, cases[i].keys));
    }
}

static void
everything_but_keys_is_written_too(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    static const int columns[] = {4, 6};
    const Candidate covering = {.relation = snapshot_relation_named(shop(arena), "public", "orders"),
                                .keys = {KEY(2)},
                                .key_count = 1,
                                .included = {columns, 2},
                                .predicate = "status = 'open'"};
    assert_string_equal(candidate_create_statement(arena, &covering, "i", false),
                        "CREATE INDEX i ON public.orders USING btree (customer_id) INCLUDE (total, note) "
                        "WHERE (status = 'open')");
    const Candidate brin = {.relation = covering.relation,
                            .method = CANDIDATE_BRIN,
                            .keys = {KEY(5)},
                            .key_count = 1,
                            .options = "pages_per_range='32'"};
    assert_string_equal(candidate_text(arena, &brin), "brin (created_at) WITH (pages_per_range='32')");
    static const int restricted[] = {3};
    assert_string_equal(candidate_method_word(CANDIDATE_SPGIST), "spgist");
    assert_true(candidate_columns_have(covering.included, 6));
    Candidate reader = covering;
    reader.restricted = (CandidateColumns){restricted, 1};
    for (int attnum = 1; attnum <= 6; attnum++)
        assert_true(candidate_reads_column(&reader, attnum) == (attnum != 1 && attnum != 5));
}

static void
included_columns_and_predicates_count_for_what_is_covered(void **state)
{
    (void)state;
    static const int four[] = {4};
    static const SnapshotIndexColumn columns[] = {{.attnum = 2, .is_default_operator_class = true},
                                                  {.attnum = 4, .is_included = true}};
    SnapshotIndex index = {.method = "btree", .is_valid = true, .columns = columns, .column_count = 1};
    Candidate covering = {.keys = {KEY(2)}, .key_count = 1, .included = {four, 1}};
    assert_false(candidate_is_covered_by(&covering, &index));
    index.column_count = 2;
    assert_true(candidate_is_covered_by(&covering, &index));
    covering.predicate = "status = 'it''s (open)'";
    assert_false(candidate_is_covered_by(&covering, &index));
    index.predicate = "(status = 'it''s (open)'::text)";
    assert_true(candidate_is_covered_by(&covering, &index));
    index.predicate = "(status = 'it''s open'::text)";
    assert_false(candidate_is_covered_by(&covering, &index));
}

static void
the_columns_of_a_gin_index_serve_in_any_order(void **state)
{
    (void)state;
    static const SnapshotIndexColumn columns[] = {
        {.attnum = 2, .is_default_operator_class = true, .operator_class = "pg_catalog.array_ops"},
        {.attnum = 7, .operator_class = "pg_catalog.jsonb_path_ops"}};
    SnapshotIndex index = {.method = "gin", .is_valid = true, .columns = columns, .column_count = 2};
    Candidate candidate = {
        .method = CANDIDATE_GIN, .keys = {{.attnum = 7, .operator_class = "jsonb_path_ops"}}, .key_count = 1};
    assert_true(candidate_is_covered_by(&candidate, &index));
    candidate.keys[0].operator_class = NULL;
    assert_false(candidate_is_covered_by(&candidate, &index));
    candidate.method = CANDIDATE_GIST;
    assert_false(candidate_is_covered_by(&candidate, &index));
}

static void
an_index_covers_what_its_leading_keys_serve(void **state)
{
    (void)state;
    static const SnapshotIndexColumn columns[] = {
        {.attnum = 2, .operator_class = "pg_catalog.int4_ops", .is_default_operator_class = true},
        {.attnum = 5,
         .operator_class = "pg_catalog.timestamptz_ops",
         .is_default_operator_class = true,
         .is_descending = true,
         .is_nulls_first = true},
        {.attnum = 6, .operator_class = "pg_catalog.text_pattern_ops"},
        {.attnum = 4, .is_included = true}};
    const SnapshotIndex index = {.method = "btree", .is_valid = true, .columns = columns, .column_count = 4};
    static const struct {
        CandidateKey keys[4];
        size_t count;
        bool covered;
    } cases[] = {
        {{{.attnum = 2}}, 1, true},
        {{{.attnum = 2, .is_descending = true, .is_nulls_first = true}}, 1, true}, /* read backwards */
        {{{.attnum = 2, .is_descending = true}}, 1, false},                        /* NULLS differ */
        {{{.attnum = 5}}, 1, false},
        {{{.attnum = 2}, {.attnum = 5, .is_descending = true, .is_nulls_first = true}}, 2, true},
        {{{.attnum = 2, .is_descending = true, .is_nulls_first = true}, {.attnum = 5}}, 2, true},
        {{{.attnum = 2}, {.attnum = 5}}, 2, false},
        {{{.attnum = 2},
          {.attnum = 5, .is_descending = true, .is_nulls_first = true},
          {.attnum = 6, .operator_class = "text_pattern_ops"}},
         3,
         true},
        {{{.attnum = 2}, {.attnum = 5, .is_descending = true, .is_nulls_first = true}, {.attnum = 6}},
         3,
         false},
        {{{.attnum = 2},
          {.attnum = 5, .is_descending = true, .is_nulls_first = true},
          {.attnum = 6, .operator_class = "text_pattern_ops"},
          {.attnum = 4}},
         4,
         false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Candidate candidate = {.key_count = cases[i].count};
        memcpy(candidate.keys, cases[i].keys, sizeof(candidate.keys));
        if (candidate_is_covered_by(&candidate, &index) != cases[i].covered)
            fail_msg("case %zu", i);
    }
}

static void
an_index_that_is_invalid_partial_or_of_another_method_covers_nothing(void **state)
{
    (void)state;
    static const SnapshotIndexColumn column = {.attnum = 2, .is_default_operator_class = true};
    static const SnapshotIndexColumn expression = {.expression = "lower(note)",
                                                   .is_default_operator_class = true};
    const Candidate candidate = {.keys = {KEY(2)}, .key_count = 1};
    const Candidate by_expression = {.keys = {{.expression = "lower(note)"}}, .key_count = 1};
    SnapshotIndex index = {.method = "btree", .is_valid = true, .columns = &column, .column_count = 1};
    assert_true(candidate_is_covered_by(&candidate, &index));
    assert_false(candidate_is_covered_by(&by_expression, &index));
    index.is_valid = false;
    assert_false(candidate_is_covered_by(&candidate, &index));
    index.is_valid = true;
    index.predicate = "(status = 'open')";
    assert_false(candidate_is_covered_by(&candidate, &index));
    index.predicate = NULL;
    index.method = "hash";
    assert_false(candidate_is_covered_by(&candidate, &index));
    index = (SnapshotIndex){.method = "btree", .is_valid = true, .columns = &expression, .column_count = 1};
    assert_true(candidate_is_covered_by(&by_expression, &index));
    const Candidate other = {.keys = {{.expression = "upper(note)"}}, .key_count = 1};
    assert_false(candidate_is_covered_by(&other, &index));
}

static void
a_prefix_is_of_the_same_table_and_keys(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *orders = snapshot_relation_named(shop(arena), "public", "orders");
    const SnapshotRelation *odd = snapshot_relation_named(shop(arena), "public", "Odd Näme");
    const Candidate a = {.relation = orders, .keys = {KEY(2)}, .key_count = 1};
    const Candidate ab = {.relation = orders, .keys = {KEY(2), KEY(3)}, .key_count = 2};
    const Candidate ba = {.relation = orders, .keys = {KEY(3), KEY(2)}, .key_count = 2};
    const Candidate down = {.relation = orders, .keys = {DESC(2)}, .key_count = 1};
    const Candidate elsewhere = {.relation = odd, .keys = {KEY(2)}, .key_count = 1};
    const Candidate pattern = {
        .relation = orders, .keys = {{.attnum = 2, .operator_class = "text_pattern_ops"}}, .key_count = 1};
    assert_true(candidate_is_prefix(&a, &a) && candidate_is_prefix(&a, &ab));
    assert_false(candidate_is_prefix(&ab, &a) || candidate_is_prefix(&a, &ba) ||
                 candidate_is_prefix(&down, &ab));
    assert_false(candidate_is_prefix(&elsewhere, &ab) || candidate_is_prefix(&pattern, &ab));
    static const int included[] = {3};
    Candidate covering = a;
    covering.included = (CandidateColumns){included, 1};
    assert_true(candidate_is_prefix(&a, &covering) && candidate_is_prefix(&covering, &ab));
    assert_false(candidate_is_prefix(&covering, &a));
    Candidate partial = a;
    partial.predicate = "status = 'open'";
    assert_false(candidate_is_prefix(&a, &partial) || candidate_is_prefix(&partial, &a));
}

/* What stands behind the last key that the statement reads, and columns that it does not read, serve nothing.
 */
static void
an_index_serves_as_another_as_far_as_the_statement_asks(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *orders = snapshot_relation_named(shop(arena), "public", "orders");
    const SnapshotRelation *odd = snapshot_relation_named(shop(arena), "public", "Odd Näme");
    static const int reads[] = {2, 3};
    SqlRelationUse use = {.relation_id = orders->id, .needed_columns = reads, .needed_column_count = 2};
    SqlAnalysis analysis = {.uses = &use, .use_count = 1};
    static const int three[] = {3}, five[] = {5};
    const Candidate a = {.relation = orders, .keys = {KEY(2)}, .key_count = 1};
    const Candidate with_five = {.relation = orders, .keys = {KEY(2), KEY(5)}, .key_count = 2};
    const Candidate with_three = {.relation = orders, .keys = {KEY(2), KEY(3)}, .key_count = 2};
    const Candidate holds_three = {
        .relation = orders, .keys = {KEY(2)}, .key_count = 1, .included = {three, 1}};
    const Candidate holds_five = {
        .relation = orders, .keys = {KEY(2)}, .key_count = 1, .included = {five, 1}};
    const Candidate elsewhere = {.relation = odd, .keys = {KEY(2)}, .key_count = 1};
    const Candidate partial = {
        .relation = orders, .keys = {KEY(2)}, .key_count = 1, .predicate = "status = 'open'"};
    const Candidate block = {.relation = orders, .method = CANDIDATE_BRIN, .keys = {KEY(2)}, .key_count = 1};
    const struct {
        const Candidate *candidate, *other;
        bool serves;
    } cases[] = {{&a, &with_five, true},
                 {&with_five, &a, true},
                 {&a, &with_three, false},
                 {&with_three, &a, true},
                 {&a, &holds_five, true},
                 {&a, &holds_three, false},
                 {&with_three, &holds_three, true},
                 {&holds_three, &with_three, false},
                 {&elsewhere, &a, false},
                 {&partial, &a, false},
                 {&block, &a, false},
                 {&block, &block, true}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_true(candidate_serves_as(cases[i].candidate, cases[i].other, &analysis) == cases[i].serves);
    use.needs_all_columns = true;
    assert_false(candidate_serves_as(&a, &with_five, &analysis) ||
                 candidate_serves_as(&a, &holds_five, &analysis));
    use = (SqlRelationUse){.relation_id = odd->id};
    /* behind a view nothing is known of what is read */
    assert_false(candidate_serves_as(&a, &with_five, &analysis));
}

static void
an_index_on_an_expression_tells_of_the_statements_that_ask_of_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    Candidate plain = {.keys = {KEY(2)}, .key_count = 1};
    Candidate lower = {.keys = {KEY(2), {.expression = "lower(note)"}}, .key_count = 2};
    Candidate month = {.keys = {{.expression = "date_trunc('month', at)"}}, .key_count = 1};
    Candidate upper = {.keys = {{.expression = "upper(note)"}}, .key_count = 1};
    Candidate partial = {.keys = {{.expression = "lower(note)"}}, .key_count = 1, .predicate = "id > 5"};
    Candidate *items[] = {&plain, &lower, &month, &upper, &partial};
    const CandidateSet set = {.items = items, .count = FETTLE_COUNT_OF(items)};
    const SqlPredicate predicates[] = {{.column = 2}, {.expression = "lower(note)"}};
    const SqlSortKey key = {.expression = "date_trunc('month', at)"};
    const SqlSort sort = {.keys = &key, .key_count = 1};
    SqlAnalysis analysis = {.predicates = predicates, .predicate_count = 2, .sorts = &sort, .sort_count = 1};
    assert_int_equal(candidates_informing(arena, &set, &analysis).words[0], 1u << 1 | 1u << 2);
    analysis.sort_count = 0;
    assert_int_equal(candidates_informing(arena, &set, &analysis).words[0], 1u << 1);
    assert_true(bits_is_empty(candidates_informing(arena, &set, &(SqlAnalysis){0})));
}

static void
those_with_the_same_first_key_lead_alike(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotRelation *orders = snapshot_relation_named(shop(arena), "public", "orders");
    const SnapshotRelation *odd = snapshot_relation_named(shop(arena), "public", "Odd Näme");
    const Candidate candidate = {.relation = orders, .keys = {KEY(2), KEY(5)}, .key_count = 2};
    const struct {
        Candidate other;
        bool is_alike;
    } cases[] = {{{.relation = orders, .keys = {DESC(2)}, .key_count = 1, .predicate = "id > 5"}, true},
                 {{.relation = orders, .keys = {KEY(5), KEY(2)}, .key_count = 2}, false},
                 {{.relation = odd, .keys = {KEY(2)}, .key_count = 1}, false},
                 {{.relation = orders, .method = CANDIDATE_BRIN, .keys = {KEY(2)}, .key_count = 1}, false},
                 {{.relation = orders, .keys = {{.expression = "lower(note)"}}, .key_count = 1}, false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_true(candidate_leads_alike(&candidate, &cases[i].other) == cases[i].is_alike);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_written_as_sql),
        cmocka_unit_test(everything_but_keys_is_written_too),
        cmocka_unit_test(included_columns_and_predicates_count_for_what_is_covered),
        cmocka_unit_test(the_columns_of_a_gin_index_serve_in_any_order),
        cmocka_unit_test(an_index_covers_what_its_leading_keys_serve),
        cmocka_unit_test(an_index_that_is_invalid_partial_or_of_another_method_covers_nothing),
        cmocka_unit_test(those_with_the_same_first_key_lead_alike),
        cmocka_unit_test(a_prefix_is_of_the_same_table_and_keys),
        cmocka_unit_test(an_index_on_an_expression_tells_of_the_statements_that_ask_of_it),
        cmocka_unit_test(an_index_serves_as_another_as_far_as_the_statement_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
