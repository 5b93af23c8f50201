// SPDX-License-Identifier: PostgreSQL
/*
 * The report of results for a terminal, and as JSON.
 */
#ifndef FETTLE_CLI_RESULT_REPORT_TEXT_H
#define FETTLE_CLI_RESULT_REPORT_TEXT_H

#include "base/text.h"
#include "workflow/result_report.h"

void result_report_append_text(Text *text, const ResultReport *report);
void result_report_append_json(Text *text, const ResultReport *report);

#endif
