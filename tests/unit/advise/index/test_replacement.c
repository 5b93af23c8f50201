// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/replacement.h"

#include <math.h>
#include <string.h>

static const int four[] = {4};
static const SnapshotIndexColumn columns[] = {{.attnum = 2, .is_default_operator_class = true},
                                              {.attnum = 4, .is_included = true}};
static const SnapshotIndex narrow = {.relation_id = 1,
                                     .method = "btree",
                                     .definition = "CREATE INDEX narrow ON public.orders USING btree "
                                                   "(customer_id)",
                                     .is_valid = true,
                                     .is_ready = true,
                                     .columns = columns,
                                     .column_count = 1};
static const Candidate wide = {.keys = {{.attnum = 2}, {.attnum = 5}}, .key_count = 2};

static void
a_wider_index_replaces_a_plain_one_that_it_begins_with(void **state)
{
    (void)state;
    assert_true(index_is_replaceable(&narrow, &wide));
    const Candidate elsewhere = {.keys = {{.attnum = 5}, {.attnum = 2}}, .key_count = 2};
    assert_false(index_is_replaceable(&narrow, &elsewhere));
    Candidate partial = wide;
    partial.predicate = "status = 'open'";
    assert_false(index_is_replaceable(&narrow, &partial));
    SnapshotIndex covering = narrow;
    covering.column_count = 2;
    assert_false(index_is_replaceable(&covering, &wide));
    Candidate wider = wide;
    wider.included = (CandidateColumns){four, 1};
    assert_true(index_is_replaceable(&covering, &wider));
    Candidate by_key = wide;
    by_key.keys[1].attnum = 4;
    assert_true(index_is_replaceable(&covering, &by_key));
}

static void
an_index_that_something_rests_on_is_not_replaced(void **state)
{
    (void)state;
    SnapshotIndex needed[10];
    for (size_t i = 0; i < 10; i++)
        needed[i] = narrow;
    needed[0].is_unique = true;
    needed[1].is_exclusion = true;
    needed[2].constraint_id = 7;
    needed[3].is_replica_identity = true;
    needed[4].is_clustered = true;
    needed[5].extension_id = 7;
    needed[6].parent_id = 7;
    needed[7].is_valid = false;
    needed[8].options = "fillfactor=50";
    needed[9].predicate = "(status = 'open'::text)";
    for (size_t i = 0; i < 10; i++)
        assert_false(index_is_replaceable(&needed[i], &wide));
}

static void
it_is_made_again_as_it_was_and_its_writes_are_known(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    assert_string_equal(index_create_again(arena, &narrow),
                        "CREATE INDEX CONCURRENTLY narrow ON public.orders USING btree (customer_id);");
    const MemoryStatement insert = {"insert into orders (id) values ($1)", 100, 50, 1000, 10};
    Fixture fixture = memory_workload(arena, memory_shop, &insert, 1);
    WriteCost cost = index_existing_write_cost(&fixture.context, &narrow);
    assert_true(cost.rows == 1000 && fabs(cost.ms - (1000 * 0.004 + 100 * 0.009)) < 1e-9);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wider_index_replaces_a_plain_one_that_it_begins_with),
        cmocka_unit_test(an_index_that_something_rests_on_is_not_replaced),
        cmocka_unit_test(it_is_made_again_as_it_was_and_its_writes_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
