// SPDX-License-Identifier: PostgreSQL
/*
 * A store for a program of unit tests: a private cluster in a new directory under /tmp, as the unprivileged
 * user when the tests run as root, removed at the end. One per program: it takes seconds to make.
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = {cmocka_unit_test_setup(a_sentence, store_fixture_clear), ...};
 *         return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
 *     }
 *
 * A test's state is the StoreFixture.
 */
#ifndef FETTLE_TESTS_STORE_FIXTURE_H
#define FETTLE_TESTS_STORE_FIXTURE_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct StoreFixture {
    Arena *arena;
    Settings *settings;
    const char *directory; /* data.directory */
    Store *store;
    StoreSession session;     /* one for the test's own use */
    PgConnection *connection; /* of it */
} StoreFixture;

int store_fixture_open(void **state);
int store_fixture_close(void **state);
/* Before a test: no targets, users, tokens, jobs or settings. */
int store_fixture_clear(void **state);

/* Fails the test with the error's message when done is false. */
void assert_done(bool done, const Error *error);
/* The one value that a statement answers, as text in the fixture's arena. */
const char *store_fixture_value(StoreFixture *fixture, const char *sql);
/* Where the store's cluster listens: its host for another session, or for a target. */
const char *store_fixture_socket(StoreFixture *fixture);

#endif
