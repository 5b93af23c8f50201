// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/candidate.h"
#include "base/text.h"

#include <string.h>

/* The candidates of one statement, in their order: "customer_id | status, customer_id | ...". */
static char *
candidates_of(Arena *arena, const char *statement, Advice **ret_advice)
{
    Fixture fixture = memory_workload_of(arena, &statement, 1);
    const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
    Text text = text_new(arena);
    for (size_t i = 0; i < set->relevant[0].count; i++)
        text_append_format(&text, "%s%s", i == 0 ? "" : " | ",
                           set->items[set->relevant[0].numbers[i]]->key_text);
    *ret_advice = fixture.advice;
    return text.data;
}

static bool
has_candidate(const char *list, const char *keys)
{
    size_t length = strlen(keys);
    for (const char *at = strstr(list, keys); at != NULL; at = strstr(at + 1, keys)) {
        bool begins = at == list || (at - list >= 3 && memcmp(at - 3, " | ", 3) == 0);
        if (begins && (at[length] == '\0' || memcmp(at + length, " | ", 3) == 0))
            return true;
    }
    return false;
}

static void
clauses_give_their_keys(void **state)
{
    (void)state;
    static const struct {
        const char *statement;
        const char *wanted[4];
        const char *unwanted[3];
    } cases[] = {{"select * from orders where customer_id = $1", {"customer_id"}, {"id"}},
                 {"select * from orders where customer_id = $1 and created_at > $2",
                  {"customer_id, created_at", "customer_id", "created_at"},
                  {"created_at, customer_id"}},
                 {"select * from orders where customer_id = $1 order by created_at desc limit 5",
                  {"customer_id, created_at", "customer_id", "created_at"},
                  {"created_at DESC"}},
                 {"select * from orders order by customer_id, created_at desc limit 5",
                  {"customer_id, created_at DESC"},
                  {NULL}},
                 {"select * from orders where customer_id = 1 or total = 2",
                  {"customer_id", "total"},
                  {"customer_id, total"}},
                 {"select * from orders where note like 'abc%'", {"note text_pattern_ops"}, {"note"}},
                 {"select * from orders where note like '%abc'", {NULL}, {"note", "note text_pattern_ops"}},
                 {"select * from orders where lower(note) = $1", {"(lower(note))"}, {"note"}},
                 {"select * from orders where data @> $1", {"data jsonb_path_ops"}, {"data"}},
                 {"select * from orders where data = $1", {NULL}, {"data"}},
                 {"select * from orders where id = $1", {NULL}, {"id"}}, /* the primary key has it */
                 {"select * from orders where id = $1 and customer_id = $2", {"customer_id"}, {"id"}},
                 {"select customer_id, count(*) from orders group by customer_id", {"customer_id"}, {NULL}},
                 {"select * from orders o join \"Odd Näme\" n on n.\"Köl\" = o.customer_id",
                  {"customer_id", "\"Köl\""},
                  {NULL}},
                 {"update orders set total = 1 where customer_id = $1", {"customer_id"}, {"total"}},
                 {"delete from orders where created_at < $1", {"created_at"}, {NULL}},
                 {"select * from events where kind = $1", {"kind"}, {NULL}},
                 {"insert into orders values (1)", {NULL}, {NULL}},
                 {"select * from nosuch where x = 1", {NULL}, {NULL}}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Advice *advice;
        const char *list = candidates_of(arena, cases[i].statement, &advice);
        for (size_t k = 0; k < 4 && cases[i].wanted[k] != NULL; k++)
            if (!has_candidate(list, cases[i].wanted[k]))
                fail_msg("%s: no %s in %s", cases[i].statement, cases[i].wanted[k], list);
        for (size_t k = 0; k < 3 && cases[i].unwanted[k] != NULL; k++)
            if (has_candidate(list, cases[i].unwanted[k]))
                fail_msg("%s: %s in %s", cases[i].statement, cases[i].unwanted[k], list);
        if (cases[i].wanted[0] == NULL && list[0] != '\0')
            fail_msg("%s: %s", cases[i].statement, list);
    }
}

static const Rejection *
rejection_of(const Advice *advice, const char *subject)
{
    for (size_t i = 0; i < advice->rejections.count; i++)
        if (strcmp(advice->rejections.items[i].subject, subject) == 0)
            return &advice->rejections.items[i];
    fail_msg("no rejection of %s", subject);
    return NULL;
}

static void
why_nothing_is_tried_is_told_once(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Advice *advice;
    assert_string_equal(
        candidates_of(arena, "select * from small a, small b where a.x = 1 and b.x = 2", &advice), "");
    assert_int_equal(advice->rejections.count, 1);
    const Rejection *small = rejection_of(advice, "public.small");
    assert_non_null(strstr(small->reason, "5 pages"));
    assert_true(small->weight > 0 && small->weight <= 1);
    (void)candidates_of(arena, "select * from orders where status = 'done'", &advice);
    assert_non_null(strstr(rejection_of(advice, "btree (status) on public.orders")->reason, "50 %"));
}

static void
equal_ideas_of_several_statements_are_one_candidate(void **state)
{
    (void)state;
    static const char *const texts[] = {"select * from orders where customer_id = 1",
                                        "select total from orders where customer_id = $1 and status = $2",
                                        "delete from orders where customer_id = $1"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Fixture fixture = memory_workload_of(arena, texts, 3);
    const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
    for (size_t i = 0; i < set->count; i++) {
        assert_int_equal(set->items[i]->number, i);
        assert_true(text_starts_with(set->items[i]->whatif_statement, "CREATE INDEX fettle_whatif_"));
        for (size_t k = 0; k < i; k++)
            assert_true(strcmp(set->items[i]->key_text, set->items[k]->key_text) != 0 ||
                        set->items[i]->relation != set->items[k]->relation);
    }
    assert_int_equal(set->relevant[0].numbers[0], set->relevant[2].numbers[0]);
    assert_string_equal(set->items[set->relevant[0].numbers[0]]->key_text, "customer_id");
}

static void
the_same_workload_gives_the_same_candidates(void **state)
{
    (void)state;
    static const char statement[] =
        "select * from orders o where customer_id = 1 and status = 'x' and total > 5 and "
        "created_at between $1 and $2 and note in ('a', 'b') order by total, created_at";
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Advice *advice;
    const char *first = candidates_of(arena, statement, &advice);
    assert_string_equal(first, candidates_of(arena, statement, &advice));
}

static void
a_statement_of_many_clauses_stays_within_the_limits(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    Text text = text_new(arena);
    text_append(&text, "select * from orders o where true");
    static const char *const columns[] = {"customer_id", "status", "total", "created_at", "note"};
    for (int i = 0; i < 200; i++)
        text_append_format(&text, " and %s %s $%d", columns[i % 5], i % 3 == 0 ? ">" : "=", i + 1);
    text_append(&text, " and (false");
    for (int i = 0; i < 100; i++)
        text_append_format(&text, " or %s = %d", columns[i % 3], i);
    text_append(&text, ") order by 1, 2, 3, 4, 5");
    const char *statement = text.data;
    Fixture fixture = memory_workload_of(arena, &statement, 1);
    const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
    assert_true(set->count > 0 && set->count <= CANDIDATES_MOST);
    assert_true(set->relevant[0].count <= CANDIDATES_PER_STATEMENT_MOST);
    for (size_t i = 0; i < set->count; i++)
        assert_true(set->items[i]->key_count >= 1 && set->items[i]->key_count <= CANDIDATE_KEYS_MOST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clauses_give_their_keys),
        cmocka_unit_test(why_nothing_is_tried_is_told_once),
        cmocka_unit_test(equal_ideas_of_several_statements_are_one_candidate),
        cmocka_unit_test(the_same_workload_gives_the_same_candidates),
        cmocka_unit_test(a_statement_of_many_clauses_stays_within_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
