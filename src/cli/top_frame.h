// SPDX-License-Identifier: PostgreSQL
/*
 * One drawing of `fettle top`: what a target's statements did in a window, read from the store, as text of a
 * given width and height, or as JSON.
 */
#ifndef FETTLE_CLI_TOP_FRAME_H
#define FETTLE_CLI_TOP_FRAME_H

#include "base/text.h"
#include "store/observation.h"
#include "store/sample_read.h"
#include "store/target.h"

#define TOP_ROWS_MOST 200

typedef struct TopOrder {
    const char *word;
    char key; /* that chooses it on a terminal */
    SampleOrder order;
} TopOrder;

extern const TopOrder top_orders[]; /* ended by word NULL */

typedef struct TopQuestion {
    int64_t target_id;
    const char *database; /* NULL: all */
    int64_t window_ms;
    size_t order; /* in top_orders */
    size_t rows;
} TopQuestion;

typedef struct TopFrame {
    TopQuestion question;
    int64_t now_us;
    Target target;
    SampleTotal *totals;
    size_t count;
    double metrics[METRIC_COUNT]; /* the newest of the last ten minutes; NAN: not known */
} TopFrame;

bool top_frame_read(Store *store, Arena *arena, const TopQuestion *question, TopFrame *ret_frame,
                    Error *error) FETTLE_MUST_USE;

/* Lines of at most columns, none of them with a control character; is_live: with the line of keys. */
char *top_frame_text(Arena *arena, const TopFrame *frame, size_t columns, bool is_live);
char *top_frame_json(Arena *arena, const TopFrame *frame);

#endif
