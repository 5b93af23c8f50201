// SPDX-License-Identifier: PostgreSQL
#include "whatif/index_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
only_create_index_begins_as_one(void **state)
{
    (void)state;
    assert_true(index_text_begins("CREATE INDEX a ON public.t (x)"));
    assert_true(index_text_begins("CREATE UNIQUE INDEX a ON public.t (x)"));
    assert_false(index_text_begins("CREATE INDEXES"));
    assert_false(index_text_begins("COMMIT"));
    assert_false(index_text_begins(" DROP TABLE t"));
    assert_false(index_text_begins(""));
}

static void
what_could_hold_another_statement_or_swallow_the_next_is_not_whole(void **state)
{
    (void)state;
    assert_true(
        index_text_is_whole("CREATE INDEX a ON public.t (lower(\"a b\"), (x || 'it''s')) WHERE (y > 1)"));
    static const char *const others[] = {
        "CREATE INDEX a ON t (x); COMMIT",     "CREATE INDEX a ON t (x) -- and more",
        "CREATE INDEX a ON t (x) /* and more", "CREATE INDEX a ON t (x) /* closed */",
        "CREATE INDEX a ON t ((x || 'open))",  "CREATE INDEX a ON t (\"open)",
        "CREATE INDEX a ON t ((x || $$open))", "CREATE INDEX a ON t ((x || E'\\''))"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(index_text_is_whole(others[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_create_index_begins_as_one),
        cmocka_unit_test(what_could_hold_another_statement_or_swallow_the_next_is_not_whole)};
    return cmocka_run_group_tests_name("whatif index_text", tests, NULL, NULL);
}
