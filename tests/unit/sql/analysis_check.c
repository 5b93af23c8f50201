// SPDX-License-Identifier: PostgreSQL
#include "analysis_check.h"

#include <string.h>

void
analyses_check(const AnalysisCase *cases, size_t count)
{
    SqlCatalog catalog = memory_catalog();
    for (size_t i = 0; i < count; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 28);
        SqlStatement *statement = sql_statement_parse(arena, cases[i].text, strlen(cases[i].text));
        const char *dump = analysis_dump(arena, sql_analyze(arena, statement, &catalog), &catalog);
        if (strcmp(dump, cases[i].expected) != 0)
            print_message("%s\n", cases[i].text);
        assert_string_equal(dump, cases[i].expected);
    }
}
