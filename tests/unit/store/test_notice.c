// SPDX-License-Identifier: PostgreSQL
/* Webhooks and the outbox of notices over a real store. */
#include "fixture.h"

#include "base/text.h"
#include "pg/result.h"
#include "store/notice.h"
#include "store/target.h"
#include "store/webhook.h"

#include <string.h>

static int
clear(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_done(pg_execute_script(fixture->connection,
                                  "DELETE FROM fettle.webhooks; DELETE FROM fettle.notices", NULL, &error),
                &error);
    return store_fixture_clear(state);
}

static int64_t
target_add(StoreFixture *fixture, const char *name)
{
    Error error = {0};
    int64_t id = 0;
    TargetChange change = {.name = name, .dsn = "host=h", .enabled = 1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    return id;
}

static int64_t
webhook_add(StoreFixture *fixture, const WebhookChange *change)
{
    Error error = {0};
    int64_t id = 0;
    assert_done(webhook_create(fixture->store, fixture->connection, change, &id, &error), &error);
    return id;
}

static void
record(StoreFixture *fixture, int64_t target_id, const char *event, const char *once_key)
{
    Error error = {0};
    Notice notice = {.target_id = target_id, .event = event, .payload = "{\"title\": \"t\"}"};
    assert_done(notice_record(fixture->connection, &notice, once_key, &error), &error);
}

static NoticeList
listed(StoreFixture *fixture, const NoticeRange *range)
{
    Error error = {0};
    NoticeList list = {0};
    assert_done(notice_list(fixture->connection, fixture->arena, range, &list, &error), &error);
    return list;
}

static void
the_origin_of_a_url_is_what_may_be_shown(void **state)
{
    StoreFixture *fixture = *state;
    static const char *const sound[][2] = {
        {"https://hooks.example/services/T0/x?y=z", "https://hooks.example"},
        {"http://u:p@h.example:8080", "http://h.example:8080"},
        {"http://u@x:p@h.example/", "http://h.example"},
        {"http://[::1]:9/x", "http://[::1]:9"},
        {"https://h?x=@evil", "https://h"},
    };
    static const char *const refused[] = {
        "",
        "ftp://h",
        "HTTPS://h",
        "https:/h",
        "https://",
        "https:///x",
        "https://@/",
        "https://h:",
        "https://h:x",
        "https://h:123456",
        "https://h\\@evil",
        "https://h#x",
        "https://h /x",
        "https://h/\xc3\xa9",
        "https://[::1",
        "https://[]/",
        "https://[::1]x/",
        "https://h%2eexample/",
        "https://a,b/",
        "https://h/\n",
    };
    const char *origin;
    for (size_t i = 0; i < FETTLE_COUNT_OF(sound); i++) {
        Error error = {0};
        assert_done(webhook_origin(fixture->arena, sound[i][0], &origin, &error), &error);
        assert_string_equal(origin, sound[i][1]);
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(refused); i++) {
        Error error = {0};
        assert_false(webhook_origin(fixture->arena, refused[i], &origin, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
}

static void
a_webhook_keeps_its_url_and_secret_sealed_and_gives_them_to_the_sender(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t shop = target_add(fixture, "shop");
    WebhookChange change = {.name = "ops",
                            .kind = "slack",
                            .url = "https://h.example/hidden",
                            .secret = "sixteen-characters-or-more",
                            .enabled = 1};
    change.target_ids = &shop;
    change.target_count = 1;
    int64_t id = webhook_add(fixture, &change);
    Webhook webhook;
    WebhookAddress address;
    assert_done(webhook_find(fixture->connection, fixture->arena, "ops", &webhook, &error), &error);
    assert_true(webhook.webhook_id == id && webhook.has_secret && webhook.is_enabled &&
                webhook.kind == WEBHOOK_SLACK);
    assert_string_equal(webhook.origin, "https://h.example");
    assert_true(webhook.event_count == 0 && webhook.target_count == 1 && webhook.target_ids[0] == shop);
    assert_done(webhook_address(fixture->store, fixture->connection, fixture->arena, id, &address, &error),
                &error);
    assert_string_equal(address.url, "https://h.example/hidden");
    assert_string_equal(address.secret, "sixteen-characters-or-more");
    assert_string_equal(webhook_kind_word(address.kind), "slack");
    /* a secret alone leaves the URL, a URL alone drops the secret */
    WebhookChange other = {.secret = "another-secret-of-them", .enabled = -1};
    assert_done(webhook_update(fixture->store, fixture->connection, id, &other, &error), &error);
    assert_done(webhook_address(fixture->store, fixture->connection, fixture->arena, id, &address, &error),
                &error);
    assert_string_equal(address.url, "https://h.example/hidden");
    assert_string_equal(address.secret, "another-secret-of-them");
    other = (WebhookChange){.url = "http://i.example", .enabled = 0};
    assert_done(webhook_update(fixture->store, fixture->connection, id, &other, &error), &error);
    assert_done(webhook_address(fixture->store, fixture->connection, fixture->arena, id, &address, &error),
                &error);
    assert_string_equal(address.secret, "");
    assert_done(webhook_get(fixture->connection, fixture->arena, id, &webhook, &error), &error);
    assert_true(!webhook.has_secret && !webhook.is_enabled && webhook.target_count == 1);
    assert_done(webhook_delete(fixture->connection, id, &error), &error);
    assert_false(webhook_delete(fixture->connection, id, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
a_webhook_that_is_none_is_refused(void **state)
{
    StoreFixture *fixture = *state;
    static const char *const events[] = {"index.done"};
    WebhookChange rows[] = {
        {.url = "https://h"},
        {.name = "x"},
        {.name = "a\nb", .url = "https://h"},
        {.name = "x", .url = "https://h", .kind = "mail"},
        {.name = "x", .url = "https://h", .secret = "short"},
        {.name = "x", .url = "https://h", .secret = "with spaces in it, many"},
        {.name = "x", .url = "https://h", .secret = "whsec_**************"},
        {.name = "x", .url = "https://h", .events = events, .event_count = 1},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(rows); i++) {
        Error error = {0};
        int64_t id;
        assert_false(webhook_create(fixture->store, fixture->connection, &rows[i], &id, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
    Error error = {0};
    int64_t id;
    WebhookChange sound = {.name = "x", .url = "https://h", .enabled = 1};
    webhook_add(fixture, &sound);
    assert_false(webhook_create(fixture->store, fixture->connection, &sound, &id, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    for (int i = 1; i < WEBHOOKS_MOST; i++) {
        sound.name = arena_printf(fixture->arena, "x%d", i);
        webhook_add(fixture, &sound);
    }
    sound.name = "one too many";
    assert_false(webhook_create(fixture->store, fixture->connection, &sound, &id, &error));
    WebhookList list;
    error_clear(&error);
    assert_done(webhook_list(fixture->connection, fixture->arena, &list, &error), &error);
    assert_int_equal(list.count, WEBHOOKS_MOST);
}

static void
a_notice_goes_to_whom_it_concerns_and_is_told_once(void **state)
{
    StoreFixture *fixture = *state;
    static const char *const opened[] = {"incident.opened"};
    int64_t shop = target_add(fixture, "shop");
    int64_t other = target_add(fixture, "other");
    webhook_add(fixture, &(WebhookChange){.name = "all", .url = "https://h", .enabled = 1});
    webhook_add(fixture, &(WebhookChange){.name = "off", .url = "https://h", .enabled = 0});
    webhook_add(fixture,
                &(WebhookChange){
                    .name = "opened", .url = "https://h", .enabled = 1, .events = opened, .event_count = 1});
    webhook_add(
        fixture,
        &(WebhookChange){
            .name = "shop", .url = "https://h", .enabled = 1, .target_ids = &shop, .target_count = 1});
    record(fixture, shop, "incident.opened", "incident 1");
    record(fixture, shop, "incident.opened", "incident 1");
    record(fixture, other, "incident.closed", "incident 1");
    record(fixture, 0, "recommendation.new", NULL);
    record(fixture, 0, "recommendation.new", NULL);
    NoticeList list = listed(fixture, &(NoticeRange){.most = NOTICES_MOST});
    assert_int_equal(list.count, 4);
    assert_int_equal(list.items[0].delivery_count, 1);
    assert_int_equal(list.items[2].delivery_count, 1);
    assert_int_equal(list.items[3].delivery_count, 3);
    assert_string_equal(list.items[3].deliveries[1].webhook_name, "opened");
    assert_string_equal(list.items[3].deliveries[2].webhook_name, "shop");
    assert_string_equal(list.items[3].target_name, "shop");
    assert_int_equal(listed(fixture, &(NoticeRange){.most = 1, .target_id = shop}).items[0].id,
                     list.items[3].id);
    assert_int_equal(listed(fixture, &(NoticeRange){.most = 9, .before_id = list.items[1].id}).count, 2);
    assert_int_equal(listed(fixture, &(NoticeRange){.most = 9, .event = "incident.closed"}).count, 1);
    assert_int_equal(
        listed(fixture, &(NoticeRange){.most = 9, .from_us = list.items[0].created_at_us + 1}).count, 0);
    assert_int_equal(listed(fixture, &(NoticeRange){.most = 9, .to_us = list.items[3].created_at_us}).count,
                     0);
    assert_true(notice_event_is_known("index.failed") && !notice_event_is_known("webhook.digest"));
}

static size_t
take(StoreFixture *fixture, int64_t webhook_id, int64_t budget, NoticeMessage **ret_messages)
{
    Error error = {0};
    size_t count = 0;
    NoticeWaiting waiting = {.webhook_id = webhook_id, .budget = budget};
    assert_done(notice_take(fixture->connection, fixture->arena, &waiting, ret_messages, &count, &error),
                &error);
    return count;
}

static size_t
waiting_count(StoreFixture *fixture, int64_t per_minute, int64_t *ret_budget)
{
    Error error = {0};
    NoticeWaiting *waiting;
    size_t count = 0;
    assert_done(notice_waiting(fixture->connection, fixture->arena, per_minute, &waiting, &count, &error),
                &error);
    *ret_budget = count == 0 ? -1 : waiting[0].budget;
    return count;
}

static void
what_is_over_the_budget_is_held_and_told_in_one(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    NoticeMessage *messages;
    int64_t budget;
    int64_t shop = target_add(fixture, "shop");
    int64_t id = webhook_add(fixture, &(WebhookChange){.name = "all", .url = "https://h", .enabled = 1});
    assert_int_equal(waiting_count(fixture, 5, &budget), 0);
    for (int i = 0; i < 30; i++)
        record(fixture, shop, "incident.opened", NULL);
    assert_int_equal(waiting_count(fixture, 2, &budget), 1);
    assert_int_equal(budget, 2);
    assert_int_equal(take(fixture, id, budget, &messages), 2);
    for (int i = 0; i < 2; i++) {
        NoticeAttempt good = {.delivery_id = messages[i].delivery_id, .state = "delivered", .status = 200};
        assert_done(notice_attempt(fixture->connection, &good, &error), &error);
    }
    assert_int_equal(waiting_count(fixture, 2, &budget), 1);
    assert_int_equal(budget, 0);
    assert_int_equal(take(fixture, id, 0, &messages), 0);
    assert_int_equal(take(fixture, id, 2, &messages), 1);
    assert_string_equal(messages[0].notice.event, NOTICE_EVENT_DIGEST);
    assert_non_null(strstr(messages[0].notice.payload, "\"count\": 28"));
    /* it waits like any other message, and is not put into the next digest */
    assert_int_equal(take(fixture, id, 0, &messages), 0);
    assert_int_equal(take(fixture, id, 1, &messages), 1);
    assert_int_equal(listed(fixture, &(NoticeRange){.most = NOTICES_MOST}).count, 30);
}

static void
a_failed_attempt_waits_and_pauses_the_webhook(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    NoticeMessage *messages;
    int64_t budget;
    Webhook webhook;
    int64_t id = webhook_add(fixture, &(WebhookChange){.name = "all", .url = "https://h", .enabled = 1});
    record(fixture, 0, "incident.opened", NULL);
    assert_int_equal(take(fixture, id, 9, &messages), 1);
    NoticeAttempt bad = {.delivery_id = messages[0].delivery_id,
                         .state = "pending",
                         .status = 500,
                         .reason = "the answer was 500",
                         .wait_ms = 60000,
                         .pause_ms = 60000};
    assert_done(notice_attempt(fixture->connection, &bad, &error), &error);
    assert_int_equal(waiting_count(fixture, 9, &budget), 0);
    assert_int_equal(take(fixture, id, 9, &messages), 0);
    assert_done(webhook_get(fixture->connection, fixture->arena, id, &webhook, &error), &error);
    assert_true(webhook.failures == 1 && webhook.waiting == 1 &&
                webhook.paused_until_us > webhook.last_failure_at_us);
    bad.state = "given_up";
    assert_done(notice_attempt(fixture->connection, &bad, &error), &error);
    assert_done(webhook_pause(fixture->connection, id, "no key", 1000, &error), &error);
    assert_done(webhook_get(fixture->connection, fixture->arena, id, &webhook, &error), &error);
    assert_true(webhook.failures == 3 && webhook.given_up == 1 && webhook.waiting == 0);
    assert_string_equal(webhook.last_error, "no key");
    NoticeList list = listed(fixture, &(NoticeRange){.most = 1});
    assert_true(list.items[0].deliveries[0].attempts == 2 && list.items[0].deliveries[0].last_status == 500);
    /* what is over is not tried again */
    assert_done(notice_attempt(fixture->connection, &bad, &error), &error);
    assert_int_equal(listed(fixture, &(NoticeRange){.most = 1}).items[0].deliveries[0].attempts, 2);
}

static void
a_recommendation_is_told_when_its_return_is_high_enough_and_once(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t told = 0;
    target_add(fixture, "shop");
    assert_done(
        pg_execute(fixture->connection,
                   "INSERT INTO fettle.optimization_recommendations (source_type, recommendation_text, "
                   "roi_score) VALUES ('index', 'a', 0.01), ('index', 'b', 0.3), ('index', 'c', 0.2)",
                   &error),
        &error);
    assert_done(notice_recommendations(fixture->connection, 0.2, &told, &error), &error);
    assert_int_equal(told, 2);
    assert_done(notice_recommendations(fixture->connection, 0.2, &told, &error), &error);
    assert_int_equal(told, 0);
    assert_done(notice_recommendations(fixture->connection, 0, &told, &error), &error);
    assert_int_equal(told, 1);
    NoticeList list = listed(fixture, &(NoticeRange){.most = 9, .event = "recommendation.new"});
    assert_int_equal(list.count, 3);
    assert_non_null(strstr(list.items[2].payload, "\"recommendation_text\": \"b\""));
}

static void
old_notices_go_with_their_deliveries_and_those_of_a_target_with_it(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t shop = target_add(fixture, "shop");
    webhook_add(fixture, &(WebhookChange){.name = "all", .url = "https://h", .enabled = 1});
    for (int i = 0; i < 3; i++)
        record(fixture, i == 0 ? shop : 0, "incident.opened", NULL);
    assert_done(target_delete(fixture->connection, shop, &error), &error);
    assert_int_equal(listed(fixture, &(NoticeRange){.most = 9}).count, 2);
    assert_done(pg_execute(fixture->connection,
                           "UPDATE fettle.notices SET created_at = now() - interval '2 h' "
                           "WHERE id = (SELECT min(id) FROM fettle.notices)",
                           &error),
                &error);
    assert_done(notice_expire(fixture->connection, 3600000, &error), &error);
    NoticeList list = listed(fixture, &(NoticeRange){.most = 9});
    assert_true(list.count == 1 && list.items[0].delivery_count == 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_origin_of_a_url_is_what_may_be_shown),
        cmocka_unit_test_setup(a_webhook_keeps_its_url_and_secret_sealed_and_gives_them_to_the_sender, clear),
        cmocka_unit_test_setup(a_webhook_that_is_none_is_refused, clear),
        cmocka_unit_test_setup(a_notice_goes_to_whom_it_concerns_and_is_told_once, clear),
        cmocka_unit_test_setup(what_is_over_the_budget_is_held_and_told_in_one, clear),
        cmocka_unit_test_setup(a_failed_attempt_waits_and_pauses_the_webhook, clear),
        cmocka_unit_test_setup(a_recommendation_is_told_when_its_return_is_high_enough_and_once, clear),
        cmocka_unit_test_setup(old_notices_go_with_their_deliveries_and_those_of_a_target_with_it, clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
