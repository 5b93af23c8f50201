// SPDX-License-Identifier: PostgreSQL
/*
 * Notices: what people are told (fettle.notices), and on its way over which webhooks
 * (fettle.notice_deliveries).
 *
 * Whoever does what people should know calls notice_record() in the transaction of the act, or
 * fettle.notice_record() in its statement: so an act without its notice, or a notice of what did not come
 * about, cannot be. The notice gets a delivery for each enabled webhook that wants its event and target at
 * that moment. Long texts in it are cut; nothing in a payload can make the act fail.
 *
 *   pending ──► delivered                      an answer of 200 to 299
 *      │  └──► given_up                         the last attempt failed too, or the answer was 410
 *      └──► held ──► digested                   over the webhook's rate: told together in one message
 *
 * Deliveries are at least once: an attempt is recorded after its answer, so a process that dies in between
 * sends again, with the same message id. They are worked off by one process, the one that holds the lease.
 *
 * Payloads are JSON objects; docs/design/notices.md lists the fields of each event. Those that are there are
 * told to people, others only to programs:
 *
 *     notice_record(session, &(Notice){.target_id = 17, .event = "incident.opened", .payload = json.data},
 *                   "incident 4 opened", error)
 */
#ifndef FETTLE_STORE_NOTICE_H
#define FETTLE_STORE_NOTICE_H

#include "pg/connection.h"

#define NOTICES_MOST 500         /* of a list */
#define NOTICES_KEPT_MOST 100000 /* in the store */

/* X(id, "its word") */
#define NOTICE_EVENTS(X)                                                                                     \
    X(NOTICE_RECOMMENDATION_NEW, "recommendation.new")                                                       \
    X(NOTICE_IMPLEMENTATION_VERDICT, "implementation.verdict")                                               \
    X(NOTICE_IMPLEMENTATION_UNDONE, "implementation.undone")                                                 \
    X(NOTICE_INDEX_COMPLETED, "index.completed")                                                             \
    X(NOTICE_INDEX_FAILED, "index.failed")                                                                   \
    X(NOTICE_INCIDENT_OPENED, "incident.opened")                                                             \
    X(NOTICE_INCIDENT_CLOSED, "incident.closed")

#define NOTICE_EVENT_WORDS                                                                                   \
    "recommendation.new, implementation.verdict, implementation.undone, index.completed, index.failed, "     \
    "incident.opened, incident.closed"
/* Messages that are no notices of their own: of what was held back, and of a person's test. */
#define NOTICE_EVENT_DIGEST "webhook.digest"
#define NOTICE_EVENT_TEST "webhook.test"

bool notice_event_is_known(const char *event);

typedef struct NoticeDelivery {
    int64_t webhook_id;
    const char *webhook_name;
    const char *message_id;
    const char *state;
    int64_t attempts;
    int64_t next_attempt_at_us; /* 0: none will be */
    int64_t last_status;        /* 0: no answer so far */
    const char *last_error;     /* NULL: none */
    int64_t delivered_at_us;    /* 0: not */
} NoticeDelivery;

typedef struct Notice {
    int64_t id;
    int64_t target_id;       /* 0: none */
    const char *target_name; /* NULL: none */
    const char *event;
    const char *payload; /* JSON object text */
    int64_t created_at_us;
    const NoticeDelivery *deliveries; /* by notice_list() */
    size_t delivery_count;
} Notice;

typedef struct NoticeList {
    Notice *items;
    size_t count;
} NoticeList;

/* once_key: what it is told by once only, for as long as notices are kept; NULL: it is told whenever it is
 * recorded. Of the notice, target_id, event and payload are taken. */
bool notice_record(PgConnection *session, const Notice *notice, const char *once_key, Error *error)
    FETTLE_MUST_USE;

typedef struct NoticeRange {
    int64_t from_us;   /* 0: the beginning */
    int64_t to_us;     /* 0: now */
    const char *event; /* NULL: any */
    int64_t target_id; /* 0: any */
    int64_t before_id; /* 0: the newest; for paging */
    size_t most;       /* 1 .. NOTICES_MOST */
} NoticeRange;

/* Newest first, with their deliveries. */
bool notice_list(PgConnection *session, Arena *arena, const NoticeRange *range, NoticeList *ret_list,
                 Error *error) FETTLE_MUST_USE;

/* Tells of recommendations that have not been told and whose return is high enough, the greatest first, at
 * most 100 at a time. Verdicts and undoes of implementations the table tells by itself. */
bool notice_recommendations(PgConnection *session, double least_return, int64_t *ret_told, Error *error)
    FETTLE_MUST_USE;

/* --- for the sender --- */

typedef struct NoticeWaiting {
    int64_t webhook_id;
    int64_t budget; /* messages that it may get now */
} NoticeWaiting;

/* The webhooks that something is due for. */
bool notice_waiting(PgConnection *session, Arena *arena, int64_t per_minute, NoticeWaiting **ret_waiting,
                    size_t *ret_count, Error *error) FETTLE_MUST_USE;

/* Something is to be sent, now or at a time that is set already: it needs no new notice for that. */
bool notice_is_awaited(PgConnection *session, bool *ret_is_awaited, Error *error) FETTLE_MUST_USE;

typedef struct NoticeMessage {
    int64_t delivery_id;
    const char *message_id;
    int64_t attempts; /* so far */
    Notice notice;
} NoticeMessage;

/* What the webhook gets now, in order: what was held back becomes a digest, what is beyond the budget is held
 * back. */
bool notice_take(PgConnection *session, Arena *arena, const NoticeWaiting *waiting,
                 NoticeMessage **ret_messages, size_t *ret_count, Error *error) FETTLE_MUST_USE;

typedef struct NoticeAttempt {
    int64_t delivery_id;
    const char *state;  /* delivered; pending: to be tried again; given_up */
    int64_t status;     /* of the answer; 0: there was none */
    const char *reason; /* of a failure */
    int64_t wait_ms;    /* until the next attempt */
    int64_t pause_ms;   /* in which the webhook is left alone */
} NoticeAttempt;

bool notice_attempt(PgConnection *session, const NoticeAttempt *attempt, Error *error) FETTLE_MUST_USE;
/* Older notices go, and the oldest beyond NOTICES_KEPT_MOST, with their deliveries. */
bool notice_expire(PgConnection *session, int64_t kept_ms, Error *error) FETTLE_MUST_USE;

#endif
