// SPDX-License-Identifier: PostgreSQL
/*
 * A private PostgreSQL for one test program: made before its tests, gone after them, also when they crash
 * (the kernel tells the postmaster that its parent has died).
 *
 * Roles: postgres (superuser), plain (may log in), careful (password "s3cr3t pass/w@rd"), crowded (CONNECTION
 * LIMIT 0), locked_out (no line in pg_hba.conf). Databases: postgres, closed (plain may not connect), ascii
 * (SQL_ASCII). Only a unix socket.
 *
 *     return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
 *
 * Where no server programs are installed the group's tests skip themselves; with CI set they fail.
 */
#ifndef FETTLE_TESTS_PG_SERVER_H
#define FETTLE_TESTS_PG_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg/connection.h"
#include "pg/result.h"

#include <sys/types.h>

#define TEST_PASSWORD "s3cr3t pass/w@rd"
#define TEST_PASSWORD_ENCODED "s3cr3t%20pass%2Fw%40rd"

int test_server_start(void **state);
int test_server_stop(void **state);

/* The socket directory. */
const char *test_server_directory(void);
/* The backends of a session and the postmaster, for signals. */
pid_t test_server_process(void);

/* "host=... dbname=... user=..." and what is added. */
char *test_server_dsn(Arena *arena, const char *user, const char *database, const char *more);

/* A session that must open, as postgres in postgres; purpose own. */
PgConnection *test_server_connect(void);

/* Statements that must succeed. */
void test_server_run(const char *text);

/* The first value of the first row of a query that must succeed, in the arena. */
char *test_server_value(Arena *arena, PgConnection *connection, const char *text);

/* An attempt that must fail. */
Error test_failed_connect(const char *dsn, const PgConnectOptions *options);

/* Asserts that neither message nor hint holds the text. */
void assert_error_without(const Error *error, const char *text);
void assert_contains(const char *text, const char *part);

#endif
