// SPDX-License-Identifier: PostgreSQL
/*
 * An analysis as one compact text, for comparing in tests:
 *
 *     orders o [need 1 3] | o.status equal = 'done' | join ... | order o.created_at desc limit 10
 */
#ifndef FETTLE_TESTS_SQL_ANALYSIS_DUMP_H
#define FETTLE_TESTS_SQL_ANALYSIS_DUMP_H

#include "base/text.h"
#include "sql/analysis.h"

char *analysis_dump(Arena *arena, const SqlAnalysis *analysis, const SqlCatalog *catalog);

#endif
