// SPDX-License-Identifier: PostgreSQL
/*
 * Jobs: longer pieces of work that the service did, does or will do (fettle.jobs). A job that was running
 * when the server died is marked failed at the next start ("the server stopped").
 */
#ifndef FETTLE_STORE_JOB_H
#define FETTLE_STORE_JOB_H

#include "pg/connection.h"

typedef struct Job {
    int64_t id;
    const char *kind;   /* "compact", "plans", "retention", "backup" ... */
    const char *status; /* pending, running, completed, failed, cancelled */
    int64_t target_id;  /* 0: none */
    const char *error_message;
    const char *result; /* JSON object text; NULL: none */
    int64_t created_at_us;
    int64_t started_at_us;   /* 0: not yet */
    int64_t completed_at_us; /* 0: not yet */
} Job;

typedef struct JobList {
    Job *items;
    size_t count;
} JobList;

bool job_begin(PgConnection *session, const char *kind, int64_t target_id, int64_t *ret_id, Error *error)
    FETTLE_MUST_USE;
/* failure NULL: completed. result: JSON object text or NULL. */
bool job_end(PgConnection *session, int64_t id, const char *failure, const char *result, Error *error)
    FETTLE_MUST_USE;
bool job_get(PgConnection *session, Arena *arena, int64_t id, Job *ret_job, Error *error) FETTLE_MUST_USE;
/* Newest first; kind, status NULL and target_id 0: any; before_id 0: the newest; most 1 .. 1000. */
bool job_list(PgConnection *session, Arena *arena, const Job *like, int64_t before_id, size_t most,
              JobList *ret_list, Error *error) FETTLE_MUST_USE;
/* At start: what was running fails; old ones go. */
bool job_clean_up(PgConnection *session, int64_t kept_ms, Error *error) FETTLE_MUST_USE;

#endif
