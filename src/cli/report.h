// SPDX-License-Identifier: PostgreSQL
/*
 * The report of `fettle advise`, as text, markdown or JSON (schema: docs/reference/advice.schema.json).
 */
#ifndef FETTLE_CLI_REPORT_H
#define FETTLE_CLI_REPORT_H

#include "advise/advisor.h"
#include "base/text.h"
#include "whatif/fidelity.h"

typedef enum ReportFormat { REPORT_TEXT, REPORT_MARKDOWN, REPORT_JSON } ReportFormat;

typedef struct Report {
    ReportFormat format;
    const Advice *advice;
    const char *source;
    bool is_file;
    const TwinReport *twin;
    Fidelity fidelity;
    bool has_fidelity;
    double target_ms; /* spent on the target in all; NAN for a file */
    double elapsed_ms;
    bool show_plans;
    bool is_coloured;
    bool has_budget; /* for the new indexes */
} Report;

void report_write(Text *text, const Report *report);

/* report_json.c */
void report_write_json(Text *text, const Report *report);

#endif
