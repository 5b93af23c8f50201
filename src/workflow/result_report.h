// SPDX-License-Identifier: PostgreSQL
/*
 * ResultReport: how well recommendations did, and whether what was stated was true.
 *
 * By kind of recommendation: how many results there are, the share that succeeded with Wilson's interval,
 * what was predicted and what was measured on average with Student's interval, the mean accuracy and the
 * factor by which the store corrects the kind's confidence. Over all kinds: the calibration curve, which sets
 * the confidence that was stated against the share that held. A recommendation held when its result is
 * "implemented", an improvement that the measurement is sure of; one that was undone did not, whatever it
 * gained. All intervals are of 95 %. Below RESULT_REPORT_ENOUGH results a kind or a bin is_thin: what it
 * shows is no evidence yet, and whoever shows it says so.
 *
 * What failed on the target was not measured, and is only counted.
 *
 *     result_report_read(session, arena, 0, &report, error)
 */
#ifndef FETTLE_WORKFLOW_RESULT_REPORT_H
#define FETTLE_WORKFLOW_RESULT_REPORT_H

#include "base/json_writer.h"
#include "store/implementation.h"

#define RESULT_REPORT_ENOUGH 5
#define RESULT_REPORT_BINS 10

typedef struct ResultShare {
    int64_t count;
    int64_t held;
    double share; /* NAN without any, as below */
    double low;
    double high;
    bool is_thin;
} ResultShare;

typedef struct ResultKind {
    const char *source_type;
    const char *kind; /* "": entered by hand */
    int64_t failed;
    ResultShare success;
    double predicted_percent; /* means of those that have both */
    double actual_percent;
    double actual_low; /* NAN below two */
    double actual_high;
    double accuracy;
    double factor; /* NAN: below five results, or of several targets with factors of their own */
} ResultKind;

typedef struct ResultBin {
    double from; /* of the confidence that was stated; the last one holds 1, too */
    double to;
    double stated; /* mean */
    ResultShare held;
} ResultBin;

typedef struct ResultReport {
    ResultKind *kinds; /* by source and kind */
    size_t kind_count;
    ResultBin bins[RESULT_REPORT_BINS];
    ResultKind all; /* source_type and kind "" */
} ResultReport;

ResultReport result_report_of(Arena *arena, const ImplementationOutcome *outcomes, size_t count);
/* The newest IMPLEMENTATION_OUTCOMES_MOST results; target_id 0: of all targets. */
bool result_report_read(PgConnection *session, Arena *arena, int64_t target_id, ResultReport *ret_report,
                        Error *error) FETTLE_MUST_USE;

/* The members kinds, all and calibration of an object that is open; what is not known is null. */
void result_report_json(JsonWriter *json, const ResultReport *report);

#endif
