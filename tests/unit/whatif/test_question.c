// SPDX-License-Identifier: PostgreSQL
#include "whatif/whatif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
each_further_table_takes_longer_up_to_a_dozen(void **state)
{
    (void)state;
    double before = 0;
    for (size_t tables = 1; tables <= 12; tables++) {
        WhatIfStatement statement = {.relation_count = tables};
        assert_true(whatif_question_us(&statement) > before);
        before = whatif_question_us(&statement);
    }
    WhatIfStatement many = {.relation_count = 1000};
    assert_true(whatif_question_us(&many) == before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_further_table_takes_longer_up_to_a_dozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
