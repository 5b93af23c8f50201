// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/candidate.h"
#include "base/text.h"

#include <math.h>
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
    } cases[] = {
        {"select * from orders where customer_id = $1", {"customer_id"}, {"id"}},
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
        /* an expression has no more values than its column, of which status has two */
        {"select * from orders where lower(status) = $1", {NULL}, {"(lower(status))", "status"}},
        {"select * from orders where lower(status) = $1 and customer_id = 2",
         {"customer_id", "customer_id, (lower(status))"},
         {"(lower(status))", "(lower(status)), customer_id"}},
        /* the two values that it has are all rows */
        {"select * from orders where status in ($1, $2)", {NULL}, {"status"}},
        {"select * from orders where customer_id in ($1, $2)", {"customer_id"}, {NULL}},
        {"select * from orders where status || note = $1", {"(status || note)"}, {NULL}},
        {"select * from orders where data @> $1", {"data jsonb_path_ops"}, {"data"}},
        {"select * from orders where data = $1", {NULL}, {"data"}},
        {"select * from orders where id = $1", {NULL}, {"id"}}, /* the primary key has it */
        {"select * from orders where created_at > $1 and created_at < $2 and total > $3",
         {"created_at, total", "total, created_at", "created_at", "total"},
         {NULL}},
        {"select * from orders where customer_id = $1 and (total = 2 or created_at = $2)",
         {"total, customer_id", "customer_id, total", "created_at, customer_id"},
         {"total, created_at"}},
        {"select 1 from \"Odd Näme\" n cross join lateral (select * from orders o where o.customer_id = "
         "n.\"Köl\" and total = 5 order by created_at limit 1) l",
         {"customer_id, total, created_at", "total, customer_id, created_at"},
         {NULL}},
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

static void
no_index_has_more_keys_than_are_allowed(void **state)
{
    (void)state;
    for (size_t most = 0; most <= 2; most++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        const char *statement =
            "select * from orders where customer_id = $1 and created_at > $2 order by total";
        Fixture fixture = memory_workload_of(arena, &statement, 1);
        fixture.context.keys_most = most;
        const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
        size_t widest = 0;
        for (size_t i = 0; i < set->count; i++)
            widest = set->items[i]->key_count > widest ? set->items[i]->key_count : widest;
        assert_true(most == 0 ? widest >= 2 : widest == most);
    }
}

static const char rich_shop[] =
    "@meta key value\nserver_version_num|150004\ncollate|en_US.UTF-8\n"
    "@extensions id name version schema\n90|pg_trgm|1.6|tools\n"
    "@relations id schema name kind relpages reltuples relallvisible\n1|public|jobs|r|5000|100000|4900\n"
    "@columns relation_id attnum name type_name base_type length_bytes\n"
    "1|1|id|integer|integer|4\n1|2|status|text|text|-1\n1|3|owner|integer|integer|4\n"
    "1|4|made_at|timestamp with time zone|timestamp with time zone|8\n1|5|note|text|text|-1\n"
    "1|6|data|jsonb|jsonb|-1\n1|7|tags|text[]|text[]|-1\n1|8|during|tstzrange|tstzrange|-1\n"
    "1|9|host|inet|inet|-1\n1|10|search|tsvector|tsvector|-1\n1|11|closed_at|date|date|4\n"
    "1|12|is_open|boolean|boolean|1\n1|13|spot|point|point|16\n"
    "@sizes id size_blocks\n1|5000\n"
    "@statistics relation_id attnum null_fraction average_width_bytes n_distinct kind1 numbers1 values1 "
    "kind2 "
    "numbers2\n"
    "1|1|0|4|-1|\\N|\\N|\\N|3|{0.99}\n1|2|0|6|3|1|{0.9,0.08,0.02}|{done,open,stuck}|\\N|\\N\n"
    "1|3|0|4|1000|\\N|\\N|\\N|3|{0.1}\n1|4|0|8|-1|\\N|\\N|\\N|3|{-0.97}\n1|5|0|90|-1|\\N|\\N|\\N|\\N|\\N\n"
    "1|6|0|100|-1|\\N|\\N|\\N|\\N|\\N\n1|11|0.95|4|900|\\N|\\N|\\N|\\N|\\N\n"
    "1|12|0|1|2|1|{0.99,0.01}|{f,t}|\\N|\\N\n";

/* All that a statement's candidates say: "btree (a) | gin (b)". */
static char *
texts_of(Arena *arena, const char *statement, Advice **ret_advice)
{
    const MemoryStatement statements[] = {{statement, 1, NAN, NAN, 1000}};
    Fixture fixture = memory_workload(arena, rich_shop, statements, 1);
    const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
    Text text = text_new(arena);
    for (size_t i = 0; i < set->relevant[0].count; i++)
        text_append_format(&text, "%s%s", i == 0 ? "" : " | ", set->items[set->relevant[0].numbers[i]]->text);
    *ret_advice = fixture.advice;
    return text.data;
}

typedef struct FamilyCase {
    const char *statement;
    const char *wanted[2];
    const char *unwanted[2];
} FamilyCase;

static void
families_check(const FamilyCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Advice *advice;
        const char *list = texts_of(arena, cases[i].statement, &advice);
        for (size_t k = 0; k < 2 && cases[i].wanted[k] != NULL; k++)
            if (!has_candidate(list, cases[i].wanted[k]))
                fail_msg("%s: no %s in %s", cases[i].statement, cases[i].wanted[k], list);
        for (size_t k = 0; k < 2 && cases[i].unwanted[k] != NULL; k++)
            if (strstr(list, cases[i].unwanted[k]) != NULL)
                fail_msg("%s: %s in %s", cases[i].statement, cases[i].unwanted[k], list);
    }
}

static void
few_of_a_columns_values_give_a_predicate(void **state)
{
    (void)state;
    static const FamilyCase cases[] = {
        {"select * from jobs where status in ('stuck', 'open') and owner = 5",
         {"btree (owner) WHERE (status IN ('open', 'stuck'))"},
         {NULL}},
        {"select * from jobs where status = any(array['open', 'stuck']) and owner = 5",
         {"btree (owner) WHERE (status IN ('open', 'stuck'))"},
         {NULL}},
        {"select * from jobs where status <> 'done' and owner = 5",
         {"btree (owner) WHERE (status <> 'done')"},
         {NULL}},
        {"select * from jobs where status <> all(array['done', 'open'])",
         {"btree (status) WHERE (status NOT IN ('done', 'open'))"},
         {NULL}},
        {"select * from jobs where status in ('done', 'open') and owner = 5", {"btree (owner)"}, {"WHERE"}},
        {"select * from jobs where status in ('open', $1) and owner = 5", {"btree (owner)"}, {"WHERE"}},
        {"select * from jobs where status <> 'stuck' and owner = 5", {"btree (owner)"}, {"WHERE"}}};
    families_check(cases, FETTLE_COUNT_OF(cases));
}

static void
each_family_offers_its_index(void **state)
{
    (void)state;
    static const FamilyCase cases[] = {
        {"select owner from jobs where id = 1", {"btree (id) INCLUDE (owner)"}, {NULL}},
        {"select * from jobs where id = 1", {"btree (id)"}, {"btree (id) INCLUDE"}},
        {"select owner, note, data from jobs where id = 1", {"btree (id)"}, {"INCLUDE"}},
        {"update jobs set owner = 2 where id = 1", {"btree (id)"}, {"INCLUDE"}},
        {"select count(*), owner from jobs group by owner", {"btree (owner)"}, {NULL}},
        {"select sum(owner) from jobs", {"btree (owner)"}, {NULL}},
        {"select owner from jobs where search @@ $1", {"gin (search)"}, {"INCLUDE"}},
        {"select owner from jobs where data ->> $1 = $2", {NULL}, {"INCLUDE"}},
        {"select * from jobs where status = 'stuck' order by made_at",
         {"btree (made_at) WHERE (status = 'stuck')"},
         {NULL}},
        {"select * from jobs where status = 'done' and owner = 5",
         {"btree (owner)"},
         {"WHERE", "btree (status) |"}},
        {"select * from jobs where status = $1 and owner = 5", {"btree (owner)"}, {"WHERE"}},
        {"select * from jobs where owner = 5 and note = 'x'", {"btree (owner, note)"}, {"WHERE"}},
        {"select * from jobs where is_open and owner = 5", {"btree (owner) WHERE (is_open)"}, {NULL}},
        {"select * from jobs where not is_open and owner = 5", {"btree (owner)"}, {"WHERE"}},
        {"select * from jobs where closed_at is not null and owner = 5",
         {"btree (owner) WHERE (closed_at IS NOT NULL)"},
         {NULL}},
        {"select * from jobs where closed_at is null and owner = 5", {"btree (owner)"}, {"IS NULL"}},
        {"select * from jobs where data @> '{}'", {"gin (data jsonb_path_ops)"}, {"btree"}},
        {"select * from jobs where data ? 'a'", {"gin (data)"}, {"jsonb_path_ops"}},
        {"select * from jobs where data -> 'tags' @> '[1]'",
         {"gin ((data -> 'tags') jsonb_path_ops)"},
         {"btree"}},
        {"select * from jobs where data ->> 'k' = 'v'", {"btree ((data ->> 'k'))"}, {"gin"}},
        {"select * from jobs where data ->> $1 = $2", {NULL}, {"btree"}},
        {"select * from jobs where tags && array['a']", {"gin (tags)"}, {NULL}},
        {"select * from jobs where search @@ to_tsquery('a')", {"gin (search)"}, {NULL}},
        {"select * from jobs where note like '%x%'", {"gin (note tools.gin_trgm_ops)"}, {"btree"}},
        {"select * from jobs where note like $1", {"gin (note tools.gin_trgm_ops)"}, {NULL}},
        {"select * from jobs where during && tstzrange(now(), null)",
         {"gist (during)", "spgist (during)"},
         {NULL}},
        {"select * from jobs where host << '10.0.0.0/8'", {"gist (host inet_ops)", "spgist (host)"}, {NULL}},
        {"select * from jobs where spot <@ box '((0,0),(1,1))'", {"gist (spot)", "spgist (spot)"}, {NULL}},
        {"select * from jobs where made_at > '2024-01-01'",
         {"brin (made_at) WITH (pages_per_range='32')", "btree (made_at)"},
         {NULL}},
        {"select * from jobs where owner > 5", {"btree (owner)"}, {"brin"}},
        {"select * from jobs where note = 'x'", {"hash (note)", "btree (note)"}, {NULL}},
        {"select * from jobs where owner = 5", {"btree (owner)"}, {"hash"}},
        {"select * from jobs where note > 'x'", {"btree (note)"}, {"hash"}},
        {"select * from jobs order by lower(note) limit 5", {"btree ((lower(note)))"}, {NULL}}};
    families_check(cases, FETTLE_COUNT_OF(cases));
}

static void
a_literal_must_be_the_same_in_most_samples_to_be_a_predicate(void **state)
{
    (void)state;
    static const char one[] = "select * from jobs where status = 'stuck' and owner = 5";
    static const char other[] = "select * from jobs where status = 'open' and owner = 6";
    static const char *const alike[] = {one, one, one, one, other};
    static const char *const mixed[] = {one, other, one, other, one};
    static const char *const *const samples[] = {alike, mixed};
    for (size_t i = 0; i < 2; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        const MemoryStatement statements[] = {{one, 1, NAN, NAN, 1000}};
        Fixture fixture = memory_workload(arena, rich_shop, statements, 1);
        SnapshotStatement source = *fixture.workload->statements[0].source;
        source.samples = samples[i];
        source.sample_count = 5;
        fixture.workload->statements[0].source = &source;
        const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
        bool has_partial = false;
        for (size_t k = 0; k < set->count; k++)
            has_partial = has_partial || set->items[k]->predicate != NULL;
        assert_true(has_partial == (i == 0));
    }
}

static bool
is_relevant(const CandidateSet *set, size_t statement, const char *text)
{
    for (size_t i = 0; i < set->relevant[statement].count; i++)
        if (strcmp(set->items[set->relevant[statement].numbers[i]]->text, text) == 0)
            return true;
    return false;
}

static void
a_column_that_some_seek_the_first_of_is_offered_an_index_without_an_order(void **state)
{
    (void)state;
    static const struct {
        const char *other;
        bool is_offered;
    } cases[] = {{"select min(owner) from jobs where made_at > $1", true},
                 {"select id from jobs where made_at > $1 order by owner limit 5", true},
                 {"select j.id from jobs j join jobs k on k.id = j.id order by j.owner limit 5", true},
                 /* all of them, those of one owner, and no first ones */
                 {"select min(owner) from jobs", false},
                 {"select min(owner) from jobs where owner > $1", false},
                 {"select id from jobs where made_at > $1 order by owner", false},
                 {"select id from jobs where made_at > $1 order by status, owner limit 5", false},
                 /* of another column */
                 {"select min(id) from jobs where made_at > $1", false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        const MemoryStatement statements[] = {{"select * from jobs where owner = 5", 1, NAN, NAN, 1000},
                                              {cases[i].other, 1, NAN, NAN, 900}};
        Fixture fixture = memory_workload(arena, rich_shop, statements, 2);
        const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
        if (is_relevant(set, 0, "hash (owner)") != cases[i].is_offered)
            fail_msg("%s", cases[i].other);
        assert_true(is_relevant(set, 0, "btree (owner)"));
    }
}

static void
covering_candidates_of_the_same_keys_are_merged_for_all_their_statements(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement statements[] = {{"select made_at from jobs where owner = 1", 1, NAN, NAN, 1000},
                                          {"select id from jobs where owner = 1", 1, NAN, NAN, 900},
                                          {"select closed_at from jobs where owner = 1", 1, NAN, NAN, 800}};
    Fixture fixture = memory_workload(arena, rich_shop, statements, 3);
    const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
    assert_true(is_relevant(set, 0, "btree (owner) INCLUDE (id, made_at)"));
    assert_true(is_relevant(set, 1, "btree (owner) INCLUDE (id, made_at)"));
    for (size_t q = 0; q < 3; q++)
        assert_true(is_relevant(set, q, "btree (owner) INCLUDE (id, made_at, closed_at)"));
}

static void
a_longer_index_of_another_statement_is_relevant_too(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const MemoryStatement statements[] = {
        {"select * from jobs where owner = 1 order by made_at", 1, NAN, NAN, 1000},
        {"select * from jobs where owner = 1", 1, NAN, NAN, 900}};
    Fixture fixture = memory_workload(arena, rich_shop, statements, 2);
    const CandidateSet *set = candidates_generate(arena, &fixture.context, fixture.advice);
    bool is_shared = false;
    for (size_t i = 0; i < set->relevant[1].count; i++)
        is_shared =
            is_shared || strcmp(set->items[set->relevant[1].numbers[i]]->text, "btree (owner, made_at)") == 0;
    assert_true(is_shared);
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
    (void)candidates_of(arena, "select * from orders where data ->> $1 = $2 || $3", &advice);
    const Rejection *gone = rejection_of(advice, "an expression of data on public.orders");
    assert_non_null(strstr(gone->reason, "workload file"));
    (void)candidates_of(arena, "select * from orders where data ->> 'k' = $1 and coalesce(total, $2) <> 5",
                        &advice);
    assert_int_equal(advice->rejections.count, 0);
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
        cmocka_unit_test(no_index_has_more_keys_than_are_allowed),
        cmocka_unit_test(few_of_a_columns_values_give_a_predicate),
        cmocka_unit_test(each_family_offers_its_index),
        cmocka_unit_test(a_literal_must_be_the_same_in_most_samples_to_be_a_predicate),
        cmocka_unit_test(a_column_that_some_seek_the_first_of_is_offered_an_index_without_an_order),
        cmocka_unit_test(covering_candidates_of_the_same_keys_are_merged_for_all_their_statements),
        cmocka_unit_test(a_longer_index_of_another_statement_is_relevant_too),
        cmocka_unit_test(why_nothing_is_tried_is_told_once),
        cmocka_unit_test(equal_ideas_of_several_statements_are_one_candidate),
        cmocka_unit_test(the_same_workload_gives_the_same_candidates),
        cmocka_unit_test(a_statement_of_many_clauses_stays_within_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
