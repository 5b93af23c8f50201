// SPDX-License-Identifier: PostgreSQL
/*
 * Telling people: what waits in fettle.notice_deliveries is sent to the webhooks (store/notice.h,
 * workflow/webhook_send.h).
 *
 * One webhook after the other, the one that heard least lately first; each gets what its rate allows, and a
 * failure ends its turn and pauses it, so that one that hangs costs one time limit and not one for each
 * notice. No session of the store is held while a webhook is waited for.
 *
 * After a failure the message waits 1 min, 5 min, 30 min, 2 h, 8 h, 24 h, or as long as the receiver asked
 * for (Retry-After, a day at most); then it is given up, at once when the answer is 410 Gone.
 */
#ifndef FETTLE_JOBS_NOTICES_H
#define FETTLE_JOBS_NOTICES_H

#include "store/store.h"

#define NOTICES_KEPT_MS ((int64_t)30 * 24 * 3600 * 1000)

typedef struct NoticesRun {
    Store *store;
    const Settings *settings;
    bool (*is_stopping)(void *context); /* asked between messages, and while one is sent */
    void *context;
    int64_t sent; /* out */
    int64_t failed;
    bool is_awaited; /* there is something to send at a later time: come again, also if nothing is written */
} NoticesRun;

/* False when the store failed; a webhook that fails is no failure. */
bool notices_send(NoticesRun *run, Error *error) FETTLE_MUST_USE;

#endif
