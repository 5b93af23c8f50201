// SPDX-License-Identifier: PostgreSQL
#include "memory_sections.h"

#include "base/text.h"
#include "snapshot/redact.h"
#include "snapshot/sent.h"
#include "snapshot/workload_file.h"

#include <string.h>

/* The shop with other statements, of query ids 1, 2 ...; its statuses' common values are secret-mcv and b. */
static const Snapshot *
shop_with(Arena *arena, const char *const *statements)
{
    const char *shop = memory_sections_shop();
    const char *from = strstr(shop, "@statements "), *to = strstr(shop, "@reading ");
    Text text = text_new(arena);
    text_append_bytes(&text, shop, (size_t)(from - shop));
    text_append(&text, "@statements query_id role text is_top_level calls total_ms mean_ms\n");
    for (int i = 0; statements[i] != NULL; i++)
        text_append_format(&text, "%d|app|%s|t|10|500|50\n", i + 1, statements[i]);
    text_append(&text, to);
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, text.data), &snapshot, &error))
        fail_msg("%s", error.message);
    return snapshot;
}

static const Snapshot *
with_sent(Arena *arena, const Snapshot *snapshot, SnapshotSent *sent, size_t count)
{
    SnapshotSentList list = {.items = sent, .count = count};
    const Snapshot *result = NULL;
    Error error = {0};
    if (!snapshot_with_sent(arena, snapshot, &list, &result, &error))
        fail_msg("%s", error.message);
    return result;
}

typedef struct SentCase {
    const char *statement;
    SnapshotSent sent[4];
    const char *expected; /* NULL: as it was */
} SentCase;

static void
texts_are_filled(const SentCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 28);
        const Snapshot *before = shop_with(arena, (const char *const[]){cases[i].statement, NULL});
        SnapshotSent sent[4];
        size_t texts = 0;
        for (; texts < 4 && cases[i].sent[texts].text != NULL; texts++)
            sent[texts] = cases[i].sent[texts];
        const Snapshot *after = with_sent(arena, before, sent, texts);
        assert_int_equal(after->statement_count, 1);
        assert_int_equal(after->statements[0].query_id, 1);
        assert_int_equal(after->statements[0].query_hash, 1);
        assert_string_equal(after->statements[0].text,
                            cases[i].expected == NULL ? cases[i].statement : cases[i].expected);
        if (cases[i].expected == NULL)
            assert_ptr_equal(after, before);
    }
}

static void
a_common_value_that_does_not_vary_is_filled_in(void **state)
{
    (void)state;
    static const char text[] = "select * from orders where status = $1";
    static const SentCase cases[] = {
        {text,
         {{"select * from orders where status = 'b'", 1, 5}},
         "select * from orders where status = 'b'"},
        /* unknown or other query ids, letters' case and batches do not matter */
        {text,
         {{"SELECT * FROM orders WHERE status='b';", 0, 3},
          {"begin; select * from orders where status = $$b$$", 9, 2}},
         "select * from orders where status = 'b'"},
        /* too few */
        {text, {{"select * from orders where status = 'b'", 1, 4}}, NULL},
        /* twice in one text is one execution */
        {text,
         {{"select * from orders where status = 'b'; select * from orders where status = 'b'", 1, 4}},
         NULL},
        /* one that varies, also within one text */
        {text,
         {{"select * from orders where status = 'b'", 1, 99},
          {"select * from orders where status = 'c'", 1, 1}},
         NULL},
        {text,
         {{"select * from orders where status = 'b'; select * from orders where status = 'c'", 1, 99}},
         NULL},
        {text,
         {{"select * from orders where status = 'b'", 1, 99},
          {"select * from orders where status = $1", 1, 1}},
         NULL},
        {text, {{"select * from orders where status = $1", 1, 99}}, NULL},
        /* no common value; one of another column */
        {text, {{"select * from orders where status = 'private'", 1, 99}}, NULL},
        {"select status from orders where total = $1",
         {{"select status from orders where total = 'b'", 1, 99}},
         NULL},
        {"select status from orders where status like $1",
         {{"select status from orders where status like 'b'", 1, 99}},
         NULL},
        {"select * from orders where status in ($1, $2)",
         {{"select * from orders where status in ('b', 'x')", 1, 9}},
         "select * from orders where status in ('b', $1)"},
        {"select status is null = $1, $2 from orders",
         {{"select status is null = true, NULL from orders", 1, 5}},
         "select status is null = true, NULL from orders"},
        {"select status is null = $1 from orders",
         {{"select status is null = true from orders", 1, 4}},
         NULL},
    };
    texts_are_filled(cases, FETTLE_COUNT_OF(cases));
}

static void
names_and_numbers_of_rows_are_filled_in(void **state)
{
    (void)state;
    static const SentCase cases[] = {
        {"select * from orders where id = $1 limit $2",
         {{"select * from orders where id = 7 limit 20", 0, 1}},
         "select * from orders where id = $1 limit 20"},
        {"select * from orders limit $1", {{"select * from orders limit NULL", 0, 9}}, NULL},
        {"select * from orders limit $1",
         {{"select * from orders limit 5", 0, 9}, {"select * from orders limit 6", 0, 9}},
         NULL},
        {"select * from orders limit $1 offset $2",
         {{"select * from orders limit 5 offset 10", 0, 9}},
         "select * from orders limit 5 offset $1"},
        {"select a ->> $1 = $2 from orders",
         {{"select a ->> 'kind' = 'x' from orders", 0, 5}},
         "select a ->> 'kind' = $1 from orders"},
        {"select a ->> $1 = $3, $2 from orders",
         {{"select a ->> 'kind' = 'x', 8 from orders", 0, 5}},
         "select a ->> 'kind' = $2, $1 from orders"},
        {"select a #>> $1 from orders",
         {{"select a #>> '{kind,0}' from orders", 0, 5}},
         "select a #>> '{kind,0}' from orders"},
        {"select extract($1 from a) from orders",
         {{"select extract(year from a) from orders", 0, 1}},
         "select extract(year from a) from orders"},
        /* a key that may be somebody's */
        {"select a -> $1 from orders", {{"select a -> 'kind' from orders", 0, 4}}, NULL},
        {"select a -> $1 from orders", {{"select a -> 'bob@example.com' from orders", 0, 9}}, NULL},
        {"select a -> $1 from orders", {{"select a -> 'a1b2c3d4e5f' from orders", 0, 9}}, NULL},
        {"select a -> $1 from orders", {{"select a -> 'two words' from orders", 0, 9}}, NULL},
        {"select a -> $1 from orders", {{"select a -> 'sk-live-abcdefgh' from orders", 0, 9}}, NULL},
        /* no page is that long */
        {"select * from orders limit $1", {{"select * from orders limit 4111111111111111", 0, 9}}, NULL},
        {"select a -> $1 from orders",
         {{"select a -> 'one' from orders", 0, 5}, {"select a -> 'two' from orders", 0, 5}},
         NULL},
    };
    texts_are_filled(cases, FETTLE_COUNT_OF(cases));
}

static void
a_query_id_tells_statements_of_the_same_text_apart(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 28);
    static const char *const twice[] = {"select 1 from orders limit $1", "select 1 from orders limit $1",
                                        NULL};
    const Snapshot *before = shop_with(arena, twice);
    SnapshotSent known = {"select 1 from orders limit 5", 2, 1};
    const Snapshot *after = with_sent(arena, before, &known, 1);
    assert_string_equal(after->statements[0].text, twice[0]);
    assert_string_equal(after->statements[1].text, "select 1 from orders limit 5");
    SnapshotSent unknown = {"select 1 from orders limit 5", 77, 1};
    after = with_sent(arena, before, &unknown, 1);
    assert_ptr_equal(after, before); /* another statement */
    unknown.query_id = 0;
    after = with_sent(arena, before, &unknown, 1);
    assert_ptr_equal(after, before); /* nobody knows of which */
}

static void
texts_of_any_kind_do_no_harm(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 28);
    static const char *const statements[] = {"select $1 from orders", "select $201 from orders", "broken ($1",
                                             "$1", NULL};
    const Snapshot *before = shop_with(arena, statements);
    assert_true(snapshot_needs_sent(before));
    SnapshotSent sent[] = {
        {"", 1, 9},     {";;;", 1, 9},        {"'", 1, 9}, {"select 'x", 1, 9}, {"broken (true", 3, 9},
        {"true", 4, 9}, {"select /* ", 1, 9}, {"$", 1, 9}};
    const Snapshot *after = with_sent(arena, before, sent, FETTLE_COUNT_OF(sent));
    assert_string_equal(after->statements[2].text, "broken (true");
    assert_string_equal(after->statements[3].text, "true");
    assert_string_equal(after->statements[0].text, statements[0]);
    static const char *const none[] = {"select 1 from orders", NULL};
    assert_false(snapshot_needs_sent(shop_with(arena, none)));
}

static void
what_was_sent_is_replaced_redacted_and_left_out_of_a_files_workload(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 28);
    static const char *const statements[] = {"select a ->> $1 from orders limit $2", NULL};
    SnapshotSent first = {"select a ->> 'kind' from orders limit 5", 1, 5};
    const Snapshot *before = shop_with(arena, statements);
    const Snapshot *after = with_sent(arena, before, &first, 1);
    assert_string_equal(memory_sections_value(after->sections, "statements_sent", "1", "text"), first.text);
    assert_string_equal(memory_sections_value(after->sections, "statements", "1", "text"), statements[0]);

    size_t definitions;
    const Snapshot *redacted = NULL, *other = NULL;
    Error error = {0};
    assert_true(
        snapshot_decode(arena, snapshot_redact(arena, after->sections, &definitions), &redacted, &error));
    assert_string_equal(redacted->statements[0].text, statements[0]);

    static const char file[] = "select 1 from orders";
    assert_true(snapshot_with_workload(arena, after, file, strlen(file), "file", &other, &error));
    assert_null(snapshot_section_find(other->sections, "statements_sent"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_common_value_that_does_not_vary_is_filled_in),
        cmocka_unit_test(names_and_numbers_of_rows_are_filled_in),
        cmocka_unit_test(a_query_id_tells_statements_of_the_same_text_apart),
        cmocka_unit_test(texts_of_any_kind_do_no_harm),
        cmocka_unit_test(what_was_sent_is_replaced_redacted_and_left_out_of_a_files_workload),
    };
    return cmocka_run_group_tests_name("snapshot sent", tests, NULL, NULL);
}
