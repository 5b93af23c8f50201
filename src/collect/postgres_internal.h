// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the PostgreSQL driver share; for no other file.
 *
 *   postgres_session.c     opening, what the server has, texts of queries filled in from the catalogue
 *   postgres_statements.c  pg_stat_statements: counters, texts, users
 *   postgres_metrics.c     levels and counters of the server, of the machine when it is ours
 *   postgres_activity.c    what sessions wait for
 *   postgres_relations.c   tables and indexes: use, sizes, bloat
 *   postgres_settings.c    settings
 *
 * Columns are chosen from what the views of this server have (pg_attribute, read at the opening), never from
 * its version: extensions lag behind servers, and forks differ.
 */
#ifndef FETTLE_COLLECT_POSTGRES_INTERNAL_H
#define FETTLE_COLLECT_POSTGRES_INTERNAL_H

#include "base/map.h"
#include "base/text.h"
#include "collect/machine.h"
#include "collect/source.h"
#include "pg/connection.h"
#include "pg/result.h"
#include "store/statement.h"

typedef struct PostgresSession {
    SourceSession base;
    Arena *arena; /* lives as long as the session */
    PgConnection *connection;
    Deadline deadline; /* of the round or question that runs */
    SourceServer server;
    Map *columns;                  /* "view.column" that this server has */
    const char *statements_schema; /* quoted; NULL: no pg_stat_statements to read */
    bool has_statements_info;
    bool sees_all;                  /* a member of pg_read_all_stats */
    int64_t statements_most;        /* pg_stat_statements.max; 0: not known */
    const char *databases;          /* array literal of SourceOptions.databases; NULL: all */
    const char *pgstattuple;        /* quoted schema; NULL: not there or not allowed */
    bool may_stat_files;            /* pg_stat_file is allowed */
    const char *data_directory;     /* NULL: not shown */
    MachineProof machine;           /* of a target on this machine */
    int64_t texts_refused_until_us; /* monotonic */
    int64_t texts_measured_until_us;
    bool is_direct;         /* no pooler between: what the session parses once stays */
    const char *state_text; /* filled queries; NULL: not filled yet */
    const char *statements_text;
    const char *busiest_text;
    const char *metrics_text;
    const char *activity_text;
} PostgresSession;

/* X in "@X@" of a query: the text. */
typedef struct PostgresFill {
    const char *name;
    const char *text;
} PostgresFill;

/* The named query with its marks filled in; every "@name@" must be in fills (ended by a NULL name). */
const char *postgres_query_text(PostgresSession *session, Arena *arena, const char *name,
                                const PostgresFill *fills);

bool postgres_has(const PostgresSession *session, const char *view_and_column);
/* The text when the view has the column, else the other. */
const char *postgres_choose(const PostgresSession *session, const char *view_and_column, const char *text,
                            const char *other);

typedef struct PostgresQuestion {
    const char *text;
    bool is_repeated; /* the text lives as long as the session, and is asked again and again */
    const char *const *parameters;
    int parameter_count;
    int64_t rows_most;
    int64_t bytes_most;
} PostgresQuestion;

/* Runs one statement within the session's deadline. */
bool postgres_ask(PostgresSession *session, const PostgresQuestion *question, PgResult **ret_result,
                  Error *error);

/* As postgres_ask() inside a savepoint, for what the target may refuse: *ret_result is NULL then, reason is
 * filled, and the transaction goes on. False only when the round cannot go on. */
bool postgres_ask_optional(PostgresSession *session, const PostgresQuestion *question, PgResult **ret_result,
                           Error *reason, Error *error);

/* A copy in the arena, valid UTF-8, at most bytes_most; NULL for NULL. */
const char *postgres_text(Arena *arena, const PgResult *result, int64_t row, int column, size_t bytes_most);

/* A float of seconds since 1970 as microseconds; 0 for NULL. */
int64_t postgres_time_us(const PgResult *result, int64_t row, int column);

bool postgres_statements_read(SourceSession *base, Arena *arena, size_t most,
                              SourceStatements *ret_statements, Error *error);
bool postgres_texts_read(SourceSession *base, Arena *arena, const int64_t *queryids, size_t count,
                         int64_t bytes_most, SourceTexts *ret_texts, Error *error);
bool postgres_users_read(SourceSession *base, Arena *arena, SourceUsers *ret_users, Error *error);
bool postgres_metrics_read(SourceSession *base, Arena *arena, bool with_sizes, SourceMetrics *ret_metrics,
                           Error *error);
bool postgres_settings_read(SourceSession *base, Arena *arena, SourceSettings *ret_settings, Error *error);
bool postgres_activity_read(SourceSession *base, Arena *arena, Deadline deadline,
                            SourceActivities *ret_activities, Error *error);
bool postgres_relations_read(SourceSession *base, Arena *arena, Deadline deadline,
                             SourceRelations *ret_relations, Error *error);

#endif
