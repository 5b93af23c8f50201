// SPDX-License-Identifier: PostgreSQL
/*
 * Tables of statements and what their analysis says (analysis_dump()) over memory_catalog(). Includes cmocka.
 */
#ifndef FETTLE_TESTS_SQL_ANALYSIS_CHECK_H
#define FETTLE_TESTS_SQL_ANALYSIS_CHECK_H

#include "analysis_dump.h"
#include "memory_catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct AnalysisCase {
    const char *text;
    const char *expected;
} AnalysisCase;

/* Fails the running test at the first difference of any case, with its statement. */
void analyses_check(const AnalysisCase *cases, size_t count);

#endif
