// SPDX-License-Identifier: PostgreSQL
/*
 * What the verbs on the store share: the lists of names on the command line, and what the audit log is told.
 */
#include "../scratch.h"

#include "cli/store_session.h"

#include <string.h>

static Arena *arena;

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new("test", 1 << 20);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void
words_stand_between_commas_without_space_around_them(void **state)
{
    (void)state;
    TextList words = cli_words_split(arena, " shop ,billing,, a b\t,");
    assert_int_equal(words.count, 3);
    assert_string_equal(words.items[0], "shop");
    assert_string_equal(words.items[1], "billing");
    assert_string_equal(words.items[2], "a b");
    assert_int_equal(cli_words_split(arena, "").count, 0);
    assert_int_equal(cli_words_split(arena, " , ,").count, 0);
}

static void
an_act_names_its_subject_and_only_a_target_is_the_audit_lines_target(void **state)
{
    (void)state;
    CliInput input = {.arena = arena};
    CliSubject target = {"target", 7, "sh\"op"};
    CliAct act = cli_subject_act(&input, &target, "enable");
    assert_string_equal(act.action, "target.enable");
    assert_string_equal(act.object, "target:7");
    assert_int_equal(act.target_id, 7);
    assert_string_equal(act.details, "{\"name\":\"sh\\\"op\"}");
    CliSubject webhook = {"webhook", 7, "ops"};
    act = cli_subject_act(&input, &webhook, "delete");
    assert_string_equal(act.object, "webhook:7");
    assert_int_equal(act.target_id, 0);
}

static void
what_could_not_be_made_has_no_number(void **state)
{
    (void)state;
    CliInput input = {.arena = arena};
    CliSubject subject = {"webhook", 0, "ops"};
    assert_string_equal(cli_subject_act(&input, &subject, "create").object, "webhook");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_between_commas_without_space_around_them),
        cmocka_unit_test(an_act_names_its_subject_and_only_a_target_is_the_audit_lines_target),
        cmocka_unit_test(what_could_not_be_made_has_no_number),
    };
    return cmocka_run_group_tests_name("cli store session", tests, set_up, tear_down);
}
