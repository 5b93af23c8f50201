// SPDX-License-Identifier: PostgreSQL
/* The sender over a real store and a port that nobody listens at; receivers of all kinds are in
 * tests/integration/test_notices.py. */
#include "../store/fixture.h"

#include "jobs/notices.h"
#include "pg/result.h"
#include "store/notice.h"
#include "store/webhook.h"

static bool
goes_on(void *context)
{
    (void)context;
    return false;
}

static bool
stops(void *context)
{
    (void)context;
    return true;
}

static Webhook
webhook_now(StoreFixture *fixture, int64_t id)
{
    Error error = {0};
    Webhook webhook;
    assert_done(webhook_get(fixture->connection, fixture->arena, id, &webhook, &error), &error);
    return webhook;
}

static bool
is_awaited(StoreFixture *fixture)
{
    bool is_awaited = false;
    Error error = {0};
    assert_done(notice_is_awaited(fixture->connection, &is_awaited, &error), &error);
    return is_awaited;
}

static void
a_place_that_nobody_is_at_gets_one_attempt_a_turn_and_a_stop_is_none(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t id = 0;
    WebhookChange change = {.name = "none", .url = "http://127.0.0.1:1/", .enabled = 1};
    assert_done(webhook_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    for (int i = 0; i < 3; i++)
        assert_done(notice_record(fixture->connection, &(Notice){.event = "incident.opened", .payload = "{}"},
                                  NULL, &error),
                    &error);
    assert_true(is_awaited(fixture));
    NoticesRun run = {.store = fixture->store, .settings = fixture->settings, .is_stopping = stops};
    assert_done(notices_send(&run, &error), &error);
    assert_int_equal(webhook_now(fixture, id).failures, 0);
    run.is_stopping = goes_on;
    assert_done(notices_send(&run, &error), &error);
    assert_true(run.sent == 0 && run.failed == 1);
    assert_true(webhook_now(fixture, id).failures == 1 && webhook_now(fixture, id).waiting == 3);
    assert_done(notices_send(&run, &error), &error);
    assert_int_equal(run.failed, 1);
    /* one whose URL cannot be opened any more waits too, and keeps nobody from their turn */
    assert_done(pg_execute(fixture->connection,
                           "UPDATE fettle.webhooks SET origin = 'http://h', paused_until = NULL", &error),
                &error);
    assert_done(notices_send(&run, &error), &error);
    assert_true(run.failed == 1 && webhook_now(fixture, id).failures == 2 &&
                webhook_now(fixture, id).paused_until_us > 0);
    /* paused, it is still to get what waits; switched off, it is not */
    assert_true(run.is_awaited && is_awaited(fixture));
    assert_done(pg_execute(fixture->connection, "UPDATE fettle.webhooks SET enabled = false", &error),
                &error);
    assert_done(notices_send(&run, &error), &error);
    assert_false(run.is_awaited || is_awaited(fixture));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_place_that_nobody_is_at_gets_one_attempt_a_turn_and_a_stop_is_none,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
