// SPDX-License-Identifier: PostgreSQL
/*
 * The audit log: one line for every act, insert-only (no role may update or delete; retention drops whole
 * partitions). details never holds a secret: callers pass names and ids.
 */
#ifndef FETTLE_STORE_AUDIT_H
#define FETTLE_STORE_AUDIT_H

#include "pg/connection.h"

typedef struct AuditLine {
    int64_t id;
    int64_t at_us;      /* set by the store */
    const char *actor;  /* user name, "token:NAME", "cli:OSUSER", "fettle" */
    const char *role;   /* NULL: none */
    const char *action; /* "target.create" */
    const char *object; /* "target:17"; NULL: none */
    int64_t target_id;  /* 0: none */
    const char *request_id;
    const char *outcome; /* "ok", "denied", or an error's code word */
    const char *details; /* JSON object text; NULL: none */
} AuditLine;

typedef struct AuditLines {
    AuditLine *items;
    size_t count;
} AuditLines;

typedef struct AuditRange {
    int64_t from_us; /* 0: the beginning */
    int64_t to_us;   /* 0: now */
    const char *actor;
    const char *action;
    int64_t target_id;
    int64_t before_id; /* 0: the newest; for paging */
    size_t most;       /* 1 .. 1000 */
} AuditRange;

bool audit_write(PgConnection *session, const AuditLine *line, Error *error) FETTLE_MUST_USE;
/* Newest first. */
bool audit_read(PgConnection *session, Arena *arena, const AuditRange *range, AuditLines *ret_lines,
                Error *error) FETTLE_MUST_USE;

#endif
