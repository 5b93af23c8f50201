// SPDX-License-Identifier: PostgreSQL
/* Tables for people and programs, action words, and secrets that a person gives. */
#include "../scratch.h"

#include "cli/secret_input.h"
#include "cli/store_session.h"
#include "cli/table.h"

#include <locale.h>
#include <string.h>

static const CliColumn columns[] = {{"NAME", "name", CLI_TEXT},
                                    {"ID", "id", CLI_ID},
                                    {NULL, "hidden", CLI_NUMBER},
                                    {"ON", "enabled", CLI_BOOL},
                                    {"SEEN", "seen_at", CLI_TIME}};

static CliTable
table_of(Arena *arena)
{
    CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
    cli_table_text(&table, "a\x1b[2J\nb");
    cli_table_number(&table, 12);
    cli_table_number(&table, 0);
    cli_table_number(&table, 1);
    cli_table_number(&table, 1771597800000000);
    cli_table_text(&table, NULL);
    cli_table_number(&table, 0);
    cli_table_number(&table, -5);
    cli_table_number(&table, 0);
    cli_table_number(&table, 0);
    return table;
}

static void
people_get_aligned_lines_without_control_characters(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    CliTable table = table_of(arena);
    Text text = text_new(arena);
    cli_table_append(&table, &text, false, "none\n");
    assert_string_equal(text.data, "NAME     ID  ON   SEEN\n"
                                   "a [2J b  12  yes  2026-02-20T14:30:00Z\n"
                                   "-        -   no   -\n");
}

static void
control_characters_of_two_bytes_are_left_out_too(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    static const CliColumn column[] = {{"NAME", "name", CLI_TEXT}};
    CliTable table = cli_table_new(arena, column, FETTLE_COUNT_OF(column));
    Text text = text_new(arena);
    /* U+0080, U+009B (of what "ESC [" is made in one), U+009F; U+00A0 and U+00E9 are none */
    cli_table_text(&table, "a\xC2\x80"
                           "b\xC2\x9B"
                           "2J\xC2\x9F\xC2\xA0\xC3\xA9\xC3\x9B");
    cli_table_append(&table, &text, false, "none\n");
    assert_string_equal(text.data, "NAME\na b 2J \xC2\xA0\xC3\xA9\xC3\x9B\n");
}

static void
broken_at(size_t screen_columns, const char *expected)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    static const CliColumn reasons[] = {
        {"INDEX", "name", CLI_TEXT}, {NULL, "hidden", CLI_TEXT}, {"REASON", "reason", CLI_TEXT}};
    CliTable table = cli_table_new(arena, reasons, FETTLE_COUNT_OF(reasons));
    table.screen_columns = screen_columns;
    cli_table_text(&table, "orders_idx");
    cli_table_text(&table, "h");
    cli_table_text(&table,
                   "caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9, and anothers_name_that_is_long does it");
    cli_table_text(&table, "b");
    cli_table_text(&table, "h");
    cli_table_text(&table, "short");
    Text text = text_new(arena);
    cli_table_append(&table, &text, false, "none\n");
    assert_string_equal(text.data, expected);
}

static void
a_long_last_column_is_broken_between_words_at_the_screens_width(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    static const char whole[] = "INDEX       REASON\n"
                                "orders_idx  caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9, and "
                                "anothers_name_that_is_long does it\n"
                                "b           short\n";
    broken_at(0, whole);
    broken_at(12 + 59, whole);
    broken_at(12 + 24, "INDEX       REASON\n"
                       "orders_idx  caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9, and\n"
                       "            anothers_name_that_is_long\n"
                       "            does it\n"
                       "b           short\n");
    /* too little room beside the others */
    broken_at(35, "INDEX\n"
                  "    REASON\n"
                  "orders_idx\n"
                  "    caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9, and\n"
                  "    anothers_name_that_is_long does\n"
                  "    it\n"
                  "b\n"
                  "    short\n");
    broken_at(1,
              "INDEX\n    REASON\norders_idx\n    caf\xC3\xA9\n    caf\xC3\xA9\n    caf\xC3\xA9\n"
              "    caf\xC3\xA9,\n    and\n    anothers_name_that_is_long\n    does\n    it\nb\n    short\n");
}

static void
nothing_in_the_last_column_leaves_nothing_at_the_end(void **state)
{
    (void)state;
    for (size_t screen_columns = 0; screen_columns <= 12; screen_columns += 12) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
        static const CliColumn shown[] = {{"INDEX", "name", CLI_TEXT}, {"REASON", "reason", CLI_TEXT}};
        CliTable table = cli_table_new(arena, shown, FETTLE_COUNT_OF(shown));
        table.screen_columns = screen_columns;
        cli_table_text(&table, "orders_idx");
        cli_table_text(&table, "");
        Text text = text_new(arena);
        cli_table_append(&table, &text, false, "none\n");
        assert_string_equal(text.data, screen_columns == 0 ? "INDEX       REASON\norders_idx\n"
                                                           : "INDEX\n    REASON\norders_idx\n");
    }
}

static void
programs_get_objects_with_null_for_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    CliTable table = table_of(arena);
    Text text = text_new(arena);
    cli_table_append(&table, &text, true, "none\n");
    char *packed = text.data;
    size_t length = 0;
    for (const char *at = text.data; *at != '\0'; at++)
        if (*at != ' ' && *at != '\n')
            packed[length++] = *at;
    packed[length] = '\0';
    assert_string_equal(packed,
                        "[{\"name\":\"a\\u001b[2J\\nb\",\"id\":12,\"hidden\":0,\"enabled\":true,"
                        "\"seen_at\":\"2026-02-20T14:30:00Z\"},"
                        "{\"name\":null,\"id\":null,\"hidden\":-5,\"enabled\":false,\"seen_at\":null}]");
}

static void
a_table_without_rows_is_words_or_an_empty_array(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
    Text text = text_new(arena);
    cli_table_append(&table, &text, false, "there is nothing\n");
    assert_string_equal(text.data, "there is nothing\n");
    text_truncate(&text, 0);
    cli_table_append(&table, &text, true, "there is nothing\n");
    assert_string_equal(text.data, "[]\n");
}

static int listed;

static bool
list_run(CliInput *input, Error *error)
{
    (void)error;
    listed = input->argument_count;
    return true;
}

static bool
show_run(CliInput *input, Error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "no %s", input->arguments[1]);
}

static void
an_action_is_run_by_its_word_and_only_with_its_arguments(void **state)
{
    (void)state;
    static const CliVerb verb = {.name = "thing", .arguments = "list|show NAME"};
    static const CliAction actions[] = {
        {"list", 0, 0, list_run}, {"show", 1, 1, show_run}, {NULL, 0, 0, NULL}};
    CliInput input = {.verb = &verb, .arguments = {"list"}, .argument_count = 1};
    Error error = {0};
    assert_true(cli_action_run(&input, actions, &error));
    assert_int_equal(listed, 1);
    input.argument_count = 2;
    assert_false(cli_action_run(&input, actions, &error));
    assert_string_equal(error.message, "\"fettle thing list\" needs fewer arguments");
    input = (CliInput){.verb = &verb, .arguments = {"show", "x"}, .argument_count = 1};
    assert_false(cli_action_run(&input, actions, &error));
    assert_string_equal(error.message, "\"fettle thing show\" needs more arguments");
    input.argument_count = 2;
    assert_false(cli_action_run(&input, actions, &error));
    assert_string_equal(error.message, "no x");
    input.arguments[0] = "lis";
    assert_false(cli_action_run(&input, actions, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(error.hint, "it takes list|show NAME");
}

static void
a_secret_is_the_first_line_of_its_file(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *secret; /* NULL: refused */
    } cases[] = {{"hush", "hush"}, {"hush\n", "hush"}, {"hush\r\nmore", "hush"}, {" a b \n", " a b "},
                 {"", NULL},       {"\n", NULL},       {"\nhush", NULL}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        char *secret = NULL;
        Error error = {0};
        scratch_write("secret", cases[i].content, strlen(cases[i].content));
        bool good = secret_input_read(arena, scratch_path("secret"), "password", true, &secret, &error);
        assert_true(good == (cases[i].secret != NULL));
        if (good)
            assert_string_equal(secret, cases[i].secret);
        else
            assert_int_equal(error.code, ERROR_INPUT);
    }
    char *secret = NULL;
    Error error = {0};
    assert_false(secret_input_read(arena, scratch_path("absent"), "password", false, &secret, &error));
    char big[SECRET_INPUT_BYTES + 2];
    memset(big, 'x', sizeof(big));
    scratch_write("secret", big, sizeof(big));
    assert_false(secret_input_read(arena, scratch_path("secret"), "password", false, &secret, &error));
    assert_null(secret);
}

static void
an_argument_that_is_taken_is_no_more_where_others_can_see_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    char argument[] = "postgres://me:hush@db";
    char nothing[sizeof(argument)] = {0};
    assert_string_equal(secret_input_take_argument(arena, argument), "postgres://me:hush@db");
    assert_memory_equal(argument, nothing, sizeof(argument));
}

static void
a_text_without_controls_is_one_line_of_letters(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("table", 65536);
    assert_string_equal(cli_without_controls(arena, "a\tb\x1b[31m \xC2\x9B"
                                                    "c\xC3\xA4"),
                        "a b [31m  c\xC3\xA4");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_without_controls_is_one_line_of_letters),
        cmocka_unit_test(people_get_aligned_lines_without_control_characters),
        cmocka_unit_test(control_characters_of_two_bytes_are_left_out_too),
        cmocka_unit_test(a_long_last_column_is_broken_between_words_at_the_screens_width),
        cmocka_unit_test(nothing_in_the_last_column_leaves_nothing_at_the_end),
        cmocka_unit_test(programs_get_objects_with_null_for_nothing),
        cmocka_unit_test(a_table_without_rows_is_words_or_an_empty_array),
        cmocka_unit_test(an_action_is_run_by_its_word_and_only_with_its_arguments),
        cmocka_unit_test_setup_teardown(a_secret_is_the_first_line_of_its_file, scratch_make, scratch_remove),
        cmocka_unit_test(an_argument_that_is_taken_is_no_more_where_others_can_see_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
