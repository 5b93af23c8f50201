// SPDX-License-Identifier: PostgreSQL
#include "base/list.h"
#include "sql/statement.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static SqlStatement *
parse(Arena *arena, const char *text)
{
    return sql_statement_parse(arena, text, strlen(text));
}

static Arena *
arena_of_test(void)
{
    return arena_new("test", (size_t)1 << 30);
}

static void
each_statement_has_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        SqlKind kind;
        const char *word;
    } cases[] = {{"select 1", SQL_KIND_SELECT, "select"},
                 {"values (1)", SQL_KIND_SELECT, "select"},
                 {"table t", SQL_KIND_SELECT, "select"},
                 {"with x as (select 1) select * from x", SQL_KIND_SELECT, "select"},
                 {"insert into t values (1)", SQL_KIND_INSERT, "insert"},
                 {"update t set a = 1", SQL_KIND_UPDATE, "update"},
                 {"delete from t", SQL_KIND_DELETE, "delete"},
                 {"merge into t using s on t.a = s.a when matched then do nothing", SQL_KIND_MERGE, "merge"},
                 {"create table t (a int)", SQL_KIND_UTILITY, "utility"},
                 {"begin", SQL_KIND_UTILITY, "utility"},
                 {"explain select 1", SQL_KIND_UTILITY, "utility"},
                 {"selec 1", SQL_KIND_UNPARSED, "unparsed"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        SqlStatement *statement = parse(arena, cases[i].text);
        assert_int_equal(sql_statement_kind(statement), cases[i].kind);
        assert_string_equal(sql_kind_word(sql_statement_kind(statement)), cases[i].word);
        assert_true((sql_statement_reason(statement) == SQL_REASON_NONE) ==
                    (cases[i].kind != SQL_KIND_UNPARSED));
    }
}

static void
a_text_that_does_not_parse_has_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        SqlUnparsedReason reason;
        const char *reason_text;
    } cases[] = {
        {"", SQL_REASON_EMPTY, "there is no statement in it"},
        {"  -- nothing\n/* at all */ ;", SQL_REASON_EMPTY, "there is no statement in it"},
        {"select 1; select 2", SQL_REASON_MULTIPLE, "there is more than one statement in it"},
        {"select * from orders where", SQL_REASON_TRUNCATED, "the text is cut off after 26 bytes"},
        {"select * from orders where note = 'abc", SQL_REASON_TRUNCATED,
         "the text is cut off after 38 bytes"},
        {"select * from orders /* why", SQL_REASON_TRUNCATED, "the text is cut off after 27 bytes"},
        {"select \"na", SQL_REASON_TRUNCATED, "the text is cut off after 10 bytes"},
        {"select $x$ab", SQL_REASON_TRUNCATED, "the text is cut off after 12 bytes"},
        {"select * fro", SQL_REASON_TRUNCATED, "the text is cut off after 12 bytes"},
        {"select a, (select b from", SQL_REASON_TRUNCATED, "the text is cut off after 24 bytes"},
        {"select * from t limit 1, 2", SQL_REASON_SYNTAX, "LIMIT #,# syntax is not supported at byte 17"},
        {"select `a` from t where b = 1", SQL_REASON_SYNTAX, "syntax error at or near \"from\" at byte 12"},
        {"select 'é' frm x y", SQL_REASON_SYNTAX, "syntax error at or near \"x\" at byte 17"},
        {"select 1 'hidden' from t", SQL_REASON_SYNTAX,
         "syntax error at or near a string constant at byte 10"},
        {"select 1 as from_here", SQL_REASON_NONE, ""},
        {"select 1_000 from t", SQL_REASON_SYNTAX, NULL}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        SqlStatement *statement = parse(arena, cases[i].text);
        if (sql_statement_reason(statement) != cases[i].reason)
            print_message("%s -> %s\n", cases[i].text, sql_statement_reason_text(statement));
        assert_int_equal(sql_statement_reason(statement), cases[i].reason);
        if (cases[i].reason_text != NULL)
            assert_string_equal(sql_statement_reason_text(statement), cases[i].reason_text);
        assert_true(sql_statement_fingerprint(statement) != 0);
    }
}

static void
a_text_over_the_size_bound_is_too_long_and_keeps_whole_characters(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    Text text = text_new(arena);
    text_append(&text, "select ");
    while (text.length <= SQL_STATEMENT_BYTES_MOST)
        text_append(&text, "éé"); /* an odd start: the bound falls within a character */
    SqlStatement *statement = sql_statement_parse(arena, text.data, text.length);
    assert_int_equal(sql_statement_reason(statement), SQL_REASON_TOO_LONG);
    const char *kept = sql_statement_text(statement);
    assert_true(text_is_valid_utf8(kept, strlen(kept)));
    assert_true(strlen(kept) <= SQL_STATEMENT_BYTES_MOST && strlen(kept) > SQL_STATEMENT_BYTES_MOST - 4);
}

static void
a_text_that_is_not_utf8_or_has_a_nul_is_an_encoding_fact(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    SqlStatement *bad = sql_statement_parse(arena, "select '\xff'", 10);
    SqlStatement *nul = sql_statement_parse(arena, "select \0 1", 10);
    assert_int_equal(sql_statement_reason(bad), SQL_REASON_ENCODING);
    assert_int_equal(sql_statement_reason(nul), SQL_REASON_ENCODING);
    assert_true(sql_statement_fingerprint(bad) != sql_statement_fingerprint(nul));
    assert_string_equal(sql_statement_text(bad), "");
}

static const char *
repeated(Arena *arena, const char *start, const char *unit, const char *end, size_t length)
{
    Text text = text_new(arena);
    text_append(&text, start);
    while (text.length + strlen(unit) + strlen(end) <= length)
        text_append(&text, unit);
    text_append(&text, end);
    return text.data;
}

static void
deep_nesting_is_a_reason_and_never_a_crash(void **state)
{
    (void)state;
    static const struct {
        const char *start, *unit, *end;
        SqlUnparsedReason reason;
    } cases[] = {{"", "(", "", SQL_REASON_TOO_DEEP},
                 {"select ", "(select ", "", SQL_REASON_TOO_DEEP},
                 {"select 1", "+1", "", SQL_REASON_TOO_DEEP},
                 {"select 1", "::int", "", SQL_REASON_TOO_DEEP},
                 {"select ", "not ", "true", SQL_REASON_TOO_DEEP},
                 {"select ", "- ", "1", SQL_REASON_TOO_DEEP},
                 {"select array", "[", "", SQL_REASON_TOO_DEEP},
                 {"select case when ", "case when ", "", SQL_REASON_TOO_DEEP},
                 {"select * from t", " join t on true", "", SQL_REASON_TOO_DEEP},
                 {"select 1 where a = 1", " or a = 1", "", SQL_REASON_NONE},
                 {"select 1 where a in (1", ",1", ")", SQL_REASON_NONE},
                 {"select 1", " union all select 1", "", SQL_REASON_NONE},
                 {"select 1", "", "", SQL_REASON_NONE}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *text = cases[i].unit[0] == '\0'
                               ? cases[i].start
                               : repeated(arena, cases[i].start, cases[i].unit, cases[i].end, 65536);
        SqlStatement *statement = parse(arena, text);
        assert_int_equal(sql_statement_reason(statement), cases[i].reason);
        assert_non_null(sql_statement_normalized(arena, statement));
    }
}

typedef struct Batch {
    Arena *arena;
    const char *const *texts;
    SqlStatement **statements;
    const char **normalized;
    size_t count;
    pthread_t thread;
} Batch;

static void
batch_parse(void *context)
{
    Batch *batch = context;
    batch->thread = pthread_self();
    for (size_t i = 0; i < batch->count; i++) {
        batch->statements[i] = parse(batch->arena, batch->texts[i]);
        batch->normalized[i] = sql_statement_normalized(batch->arena, batch->statements[i]);
    }
}

static void
batch_within(void *context)
{
    pthread_t outer = pthread_self();
    sql_batch_run(batch_parse, context);
    /* one thread for all of them */
    assert_true(pthread_equal(outer, ((Batch *)context)->thread));
}

/* Deep texts between ordinary ones and such as do not parse: none leaves anything to those after it. */
static void
texts_of_one_batch_share_a_thread_and_are_read_as_each_alone(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    const char *const texts[] = {
        "select a from t where b = 7",
        repeated(arena, "select 1", "+1", "", 65536),
        "select 'open",
        repeated(arena, "", "(", "", 65536),
        "alter role x password 'secret'",
        repeated(arena, "select 1 where a = 1", " or a = 1", "", 65536),
        "select a from t where b = 8",
    };
    SqlStatement *statements[FETTLE_COUNT_OF(texts)];
    const char *normalized[FETTLE_COUNT_OF(texts)];
    Batch batch = {.arena = arena,
                   .texts = texts,
                   .statements = statements,
                   .normalized = normalized,
                   .count = FETTLE_COUNT_OF(texts)};
    sql_batch_run(batch_within, &batch);
    assert_false(pthread_equal(batch.thread, pthread_self()));
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++) {
        SqlStatement *alone = parse(arena, texts[i]);
        assert_int_equal(sql_statement_kind(statements[i]), sql_statement_kind(alone));
        assert_int_equal(sql_statement_reason(statements[i]), sql_statement_reason(alone));
        assert_true(sql_statement_fingerprint(statements[i]) == sql_statement_fingerprint(alone));
        assert_string_equal(normalized[i], sql_statement_normalized(arena, alone));
    }
}

static void
comments_are_blanked_with_lengths_kept(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *clean;
    } cases[] = {
        {"select /* a */ 1 -- b\n, 2", "select         1     \n, 2"},
        {"select /* a /* b */ c */ 1", "select                   1"},
        {"select a not/**/in (1) from t", "select a not    in (1) from t"},
        {"select a from t order by a nulls /* x */ first", "select a from t order by a nulls         first"},
        {"select '-- no', \"/* no */\", $$-- no$$, E'\\'--no', 1-2", NULL},
        {"select a$b$c, b$b$--d\n from t", "select a$b$c, b$b$   \n from t"},
        {"select a from t where u&\"d!0061\" /*c*/ uescape '!' = 1",
         "select a from t where u&\"d!0061\"       uescape '!' = 1"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        SqlStatement *statement = parse(arena, cases[i].text);
        const char *expected = cases[i].clean == NULL ? cases[i].text : cases[i].clean;
        assert_string_equal(sql_statement_text(statement), expected);
        assert_int_equal(strlen(sql_statement_text(statement)), strlen(cases[i].text));
        assert_int_equal(sql_statement_kind(statement), SQL_KIND_SELECT);
    }
}

static void
question_marks_are_placeholders_where_a_value_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *read_as;
        int parameters;
    } cases[] = {
        {"select * from t where a = ?", "select * from t where a = $1", 1},
        {"select * from t where a = ? and b in (?, ?)", "select * from t where a = $1 and b in ($2, $3)", 3},
        {"select * from t where a=?-1", "select * from t where a=$1-1", 1},
        {"select * from t where a = ? - 5", "select * from t where a = $1 - 5", 1},
        {"select * from t limit ? offset ?", "select * from t limit $1 offset $2", 2},
        {"select * from t where d ? 'k'", "select * from t where d ? 'k'", 0},
        {"select * from t where d ?| array['k']", "select * from t where d ?| array['k']", 0},
        {"select * from t where d ? 'k' and a = ?", "select * from t where d ?  'k' and a = $1", 1},
        {"select * from t where d ? ?", "select * from t where d ?  $1", 1},
        {"select * from t where d ?? 'k' and a = ?", "select * from t where d ?  'k' and a = $1", 1},
        {"select * from t where d ??| ?", "select * from t where d ?|  $1", 1},
        {"select * from t where (d -> 'a') ?& ?", "select * from t where (d -> 'a') ?&  $1", 1},
        {"select * from t where a = ?1 and b = ?2 and c = ?1",
         "select * from t where a = $1 and b = $2 and c = $1", 2},
        {"select * from t where a = $2 and b = ?", "select * from t where a = $2 and b = $3", 3},
        {"select * from t where a = ?and b = ?", "select * from t where a = $1 and b = $2", 2},
        {"select '?' from t where a like ?", "select '?' from t where a like $1", 1},
        {"select * from t where a between ? and ?", "select * from t where a between $1 and $2", 2},
        {"insert into t (a, b) values (?, ?)", "insert into t (a, b) values ($1, $2)", 2},
        {"update t set a = ? where b = ?", "update t set a = $1 where b = $2", 2},
        {"select ?::int, ? as x", "select $1::int, $2 as x", 2},
        {"select * from t where d @? '$.a'", "select * from t where d @? '$.a'", 0}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        SqlStatement *statement = parse(arena, cases[i].text);
        assert_string_equal(sql_statement_text(statement), cases[i].read_as);
        assert_int_equal(sql_statement_parameter_count(statement), cases[i].parameters);
        assert_int_equal(sql_statement_reason(statement), SQL_REASON_NONE);
    }
}

static void
fingerprints_are_equal_for_texts_that_differ_in_values_only(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {{"select * from t where a = 1", "SELECT  *\nFROM t -- c\nWHERE a = 42", true},
                 {"select * from t where a = 1", "select * from t where a = $1", true},
                 {"select * from t where a = ?", "select * from t where a = $1", true},
                 {"select * from t where a in (1, 2)", "select * from t where a in (1, 2, 3, 4)", true},
                 {"select * from t where a = 1", "select * from t where b = 1", false},
                 {"select * from t where a = 1", "select * from t where a > 1", false},
                 {"select a from t", "select a from u", false},
                 {"select a from logs_2025", "select a from logs_2026", false},
                 {"select a from logs_2025 where b = 1", "select a from logs_2025 where b = 2", true},
                 {"update s.t10 set a = 1", "update s.t11 set a = 1", false},
                 {"select frm t x = 1", "SELECT frm t x  = 'abc'", true},
                 {"select top 5 x in (1, 2) y z", "select top 9 x in (1, 2, 3, 4) y z", true},
                 {"select top 5 x from t", "select top 5 y from t", false}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        uint64_t a = sql_statement_fingerprint(parse(arena, cases[i].a));
        uint64_t b = sql_statement_fingerprint(parse(arena, cases[i].b));
        assert_true(a != 0 && b != 0);
        assert_true((a == b) == cases[i].equal);
    }
}

static void
normalizing_takes_the_values_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *normalized;
    } cases[] = {{"select * from t where a = 'x' and b > 5", "select * from t where a = $1 and b > $2"},
                 {"select * from t where a = $1 and b > 5", "select * from t where a = $1 and b > $2"},
                 {"selec 'secret', 5 frm T.x >= 1.5e-3", "selec ?, ... frm t . x >= ?"},
                 {"select a from t where b = 'open", "select a from t where b = ?"},
                 {"select x in (1, 'b', $3) from from", "select x in ( ?, ... ) from from"},
                 {"", ""}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(sql_statement_normalized(arena, parse(arena, cases[i].text)),
                            cases[i].normalized);
}

static void
a_statement_writes_when_anything_in_it_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool writes;
    } cases[] = {{"select 1", false},
                 {"select * into x from t", true},
                 {"select * from t for update", true},
                 {"select * from (select * from t for share) s", true},
                 {"with d as (delete from t returning *) select * from d", true},
                 {"insert into t values (1)", true},
                 {"explain select 1", false},
                 {"explain analyze delete from t", true},
                 {"show work_mem", false},
                 {"set work_mem = '1MB'", false},
                 {"begin", false},
                 {"prepare p as select 1", false},
                 {"prepare p as delete from t", true},
                 {"execute p", true},
                 {"copy t to stdout", false},
                 {"copy t to '/x'", true},
                 {"copy t from stdin", true},
                 {"create table t as select 1", true},
                 {"vacuum t", true},
                 {"not sql", true},
                 {"", true}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_true(sql_statement_writes(parse(arena, cases[i].text)) == cases[i].writes);
}

static void
a_file_splits_into_its_statements(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t limit;
        const char *joined; /* with " | " between */
    } cases[] = {{"select 1; select 2;", 100, "select 1 | select 2"},
                 {"select 1;\n\n;; select 2", 100, "select 1 | select 2"},
                 {"select ';', \";\", $$;$$, $x$;$$;$x$ /* ; */; select 2 -- ;\n", 100,
                  "select ';', \";\", $$;$$, $x$;$$;$x$ | select 2"},
                 {"-- only a comment\n", 100, ""},
                 {"", 100, ""},
                 {"\\set n 1\nselect :n;\n\\echo x", 100, "select :n"},
                 {"select 1; select 2; select 3", 2, "select 1 | select 2"},
                 {"create rule r as on insert to t do (select 1; select 2); select 3", 100,
                  "create rule r as on insert to t do (select 1; select 2) | select 3"},
                 {"create function f() returns int begin atomic select case when true then 1 end; select 2; "
                  "end; select 3",
                  100,
                  "create function f() returns int begin atomic select case when true then 1 end; select 2; "
                  "end | select 3"},
                 {"begin; select 1; end; select 2", 100, "begin | select 1 | end | select 2"},
                 {"select (1; select 2", 100, "select (1 | select 2"},
                 {"select 'open; select 2", 100, "select 'open; select 2"},
                 {"select 1; select 2", 0, ""}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        TextList list = sql_split(arena, cases[i].text, strlen(cases[i].text), cases[i].limit);
        Text joined = text_new(arena);
        for (size_t k = 0; k < list.count; k++) {
            text_append(&joined, k == 0 ? "" : " | ");
            text_append(&joined, list.items[k]);
        }
        assert_string_equal(joined.data, cases[i].joined);
    }
}

static void
any_bytes_are_split_and_parsed_without_harm(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_of_test();
    uint32_t seed = 7;
    for (int round = 0; round < 300; round++) {
        char bytes[64];
        size_t length = seed % sizeof bytes;
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = "\0(')\"$;a?-/*1 \\eE\xc3\xa9,."[(seed >> 16) % 22];
        }
        SqlStatement *statement = sql_statement_parse(arena, bytes, length);
        assert_non_null(sql_statement_normalized(arena, statement));
        (void)sql_split(arena, bytes, length, 100);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_statement_has_its_kind),
        cmocka_unit_test(a_text_that_does_not_parse_has_a_reason),
        cmocka_unit_test(a_text_over_the_size_bound_is_too_long_and_keeps_whole_characters),
        cmocka_unit_test(a_text_that_is_not_utf8_or_has_a_nul_is_an_encoding_fact),
        cmocka_unit_test(deep_nesting_is_a_reason_and_never_a_crash),
        cmocka_unit_test(texts_of_one_batch_share_a_thread_and_are_read_as_each_alone),
        cmocka_unit_test(comments_are_blanked_with_lengths_kept),
        cmocka_unit_test(question_marks_are_placeholders_where_a_value_is_wanted),
        cmocka_unit_test(fingerprints_are_equal_for_texts_that_differ_in_values_only),
        cmocka_unit_test(normalizing_takes_the_values_out),
        cmocka_unit_test(a_statement_writes_when_anything_in_it_does),
        cmocka_unit_test(a_file_splits_into_its_statements),
        cmocka_unit_test(any_bytes_are_split_and_parsed_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
