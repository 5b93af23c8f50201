// SPDX-License-Identifier: PostgreSQL
/*
 * ConnectionTest: whether Fettle can look after a server by a connection string, and what it could read
 * there.
 *
 * One session as a collector has, one question; nothing is stored and nothing is changed. That the server
 * cannot be reached is a result, not an error. No part of the result holds a secret.
 */
#ifndef FETTLE_API_CONNECTION_TEST_H
#define FETTLE_API_CONNECTION_TEST_H

#include "base/json_writer.h"
#include "pg/connection.h"

typedef struct ConnectionTestOptions {
    int connect_timeout_ms;
    int statement_timeout_ms;
    int lock_timeout_ms;
    Deadline deadline;
} ConnectionTestOptions;

typedef struct ConnectionCheck {
    const char *name; /* "pg_stat_statements" */
    bool is_good;
    const char *message; /* what was found */
    const char *remedy;  /* what to do; NULL: nothing */
} ConnectionCheck;

#define CONNECTION_CHECKS_MOST 12

typedef struct ConnectionTest {
    bool is_reachable;
    const char *error_message; /* why not; NULL otherwise */
    const char *error_hint;
    double connect_ms;
    const char *server_version; /* NULL: not reached, as below */
    const char *database;
    const char *user_name;
    bool is_standby;
    bool is_superuser;
    bool is_tls;
    ConnectionCheck checks[CONNECTION_CHECKS_MOST];
    size_t check_count;
} ConnectionTest;

void connection_test_run(Arena *arena, const char *dsn, const ConnectionTestOptions *options,
                         ConnectionTest *ret_test);
void connection_test_write(JsonWriter *json, const ConnectionTest *test);

#endif
