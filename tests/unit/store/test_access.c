// SPDX-License-Identifier: PostgreSQL
/* Users, tokens, the audit log, jobs and stored settings. */
#include "fixture.h"

#include "pg/result.h"
#include "store/audit.h"
#include "store/job.h"
#include "store/password.h"
#include "store/setting_row.h"
#include "store/token.h"
#include "store/user.h"

#include <string.h>

#define PASSWORD "correct horse battery"

static int64_t
create(StoreFixture *fixture, const char *name, Role role)
{
    Error error = {0};
    int64_t id = 0;
    assert_done(user_create(fixture->connection, name, PASSWORD, role, &id, &error), &error);
    return id;
}

static bool
login(StoreFixture *fixture, const char *name, const char *password)
{
    Error error = {0};
    bool is_right = true;
    User user = {0};
    assert_done(
        user_check_password(fixture->connection, fixture->arena, name, password, &is_right, &user, &error),
        &error);
    return is_right;
}

static void
only_the_right_password_of_an_enabled_user_logs_in(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    (void)create(fixture, "boss", ROLE_ADMIN);
    int64_t id = create(fixture, "ann", ROLE_VIEWER);
    assert_true(login(fixture, "ann", PASSWORD));
    assert_false(login(fixture, "ann", PASSWORD "x"));
    assert_false(login(fixture, "ann", ""));
    assert_false(login(fixture, "bob", PASSWORD));
    assert_false(login(fixture, "'; DROP TABLE fettle.users --", PASSWORD));
    User user;
    assert_done(user_get(fixture->connection, fixture->arena, id, &user, &error), &error);
    assert_true(user.last_login_at_us > 0);
    assert_done(user_update(fixture->connection, id, &(UserChange){.disabled = 1}, &error), &error);
    assert_false(login(fixture, "ann", PASSWORD));
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT bool_and(password_hash LIKE '$argon2id$v=19$m=65536,%')"
                                            "::text FROM fettle.users"),
                        "true");
}

static void
bad_names_and_passwords_are_refused_and_a_taken_name_is_a_conflict(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t id = 0;
    assert_false(user_create(fixture->connection, "", PASSWORD, ROLE_ADMIN, &id, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_false(user_create(fixture->connection, "a b", PASSWORD, ROLE_ADMIN, &id, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_false(user_create(fixture->connection, "ann", "short", ROLE_ADMIN, &id, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    (void)create(fixture, "ann", ROLE_ADMIN);
    assert_false(user_create(fixture->connection, "ann", PASSWORD, ROLE_VIEWER, &id, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
}

static void
the_last_enabled_admin_cannot_be_lowered_disabled_or_removed(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t first = create(fixture, "first", ROLE_ADMIN);
    int64_t second = create(fixture, "second", ROLE_ADMIN);
    assert_done(user_update(fixture->connection, second, &(UserChange){.disabled = 1}, &error), &error);
    assert_false(
        user_update(fixture->connection, first, &(UserChange){.role = ROLE_VIEWER, .disabled = -1}, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_false(user_update(fixture->connection, first, &(UserChange){.disabled = 1}, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_false(user_delete(fixture->connection, first, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error = (Error){0};
    UserChange password = {.password = "another password", .disabled = -1};
    assert_done(user_update(fixture->connection, first, &password, &error), &error);
    assert_true(login(fixture, "first", "another password"));
    assert_done(user_update(fixture->connection, second, &(UserChange){.disabled = 0}, &error), &error);
    assert_done(user_delete(fixture->connection, first, &error), &error);
    assert_false(user_delete(fixture->connection, first, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static int64_t
token(StoreFixture *fixture, const TokenOrder *order, char text[TOKEN_TEXT_BYTES])
{
    Error error = {0};
    int64_t id = 0;
    int64_t expires = 0;
    assert_done(token_create(fixture->connection, order, text, &id, &expires, &error), &error);
    assert_true((order->lifetime_ms > 0) == (expires > 0));
    return id;
}

static bool
is_valid(StoreFixture *fixture, const char *text, Token *ret_token)
{
    Error error = {0};
    bool valid = false;
    assert_done(token_check(fixture->connection, fixture->arena, text, &valid, ret_token, &error), &error);
    return valid;
}

static void
a_token_holds_until_it_expires_or_is_revoked_and_is_kept_as_a_hash(void **state)
{
    StoreFixture *fixture = *state;
    char text[TOKEN_TEXT_BYTES];
    char brief[TOKEN_TEXT_BYTES];
    Token found;
    Error error = {0};
    int64_t id = token(fixture, &(TokenOrder){.name = "ci", .role = ROLE_OPERATOR}, text);
    (void)token(fixture, &(TokenOrder){.name = "brief", .role = ROLE_VIEWER, .lifetime_ms = 1}, brief);
    assert_int_equal(strlen(text), 50);
    assert_true(is_valid(fixture, text, &found));
    assert_true(found.id == id && found.role == ROLE_OPERATOR && found.username == NULL);
    (void)store_fixture_value(fixture, "SELECT pg_sleep(0.01)");
    assert_false(is_valid(fixture, brief, &found));
    text[20] ^= 1;
    assert_false(is_valid(fixture, text, &found));
    text[20] ^= 1;
    static const char *const strange[] = {"", "fettle_", "x",
                                          "fettle_0123456789012345678901234567890123456789'--"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(strange); i++)
        assert_false(is_valid(fixture, strange[i], &found));
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT count(*) FROM fettle.tokens WHERE last_used_at IS NOT "
                                            "NULL"),
                        "1");
    assert_done(token_revoke(fixture->connection, id, &error), &error);
    assert_done(token_revoke(fixture->connection, id, &error), &error);
    assert_false(is_valid(fixture, text, &found));
    assert_false(token_revoke(fixture->connection, id + 1000, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
a_users_token_is_never_above_its_user_and_ends_with_his_password(void **state)
{
    StoreFixture *fixture = *state;
    char text[TOKEN_TEXT_BYTES];
    Token found;
    Error error = {0};
    int64_t id = 0;
    int64_t expires = 0;
    (void)create(fixture, "boss", ROLE_ADMIN);
    int64_t user = create(fixture, "ann", ROLE_OPERATOR);
    TokenOrder order = {.user_id = user, .name = "", .role = ROLE_ADMIN};
    assert_false(token_create(fixture->connection, &order, text, &id, &expires, &error));
    assert_int_equal(error.code, ERROR_PERMISSION);
    error = (Error){0};
    order.role = ROLE_OPERATOR;
    (void)token(fixture, &order, text);
    assert_true(is_valid(fixture, text, &found) && found.role == ROLE_OPERATOR);
    UserChange lower = {.role = ROLE_VIEWER, .disabled = -1};
    assert_done(user_update(fixture->connection, user, &lower, &error), &error);
    assert_true(is_valid(fixture, text, &found) && found.role == ROLE_VIEWER);
    UserChange password = {.password = "another password", .disabled = -1};
    assert_done(user_update(fixture->connection, user, &password, &error), &error);
    assert_false(is_valid(fixture, text, &found));
}

static void
the_audit_log_cannot_be_changed_by_its_owner(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    AuditLine line = {.actor = "cli:me", .action = "test.act", .outcome = "ok", .details = "{\"a\": 1}"};
    assert_done(audit_write(fixture->connection, &line, &error), &error);
    static const char *const attempts[] = {
        "UPDATE fettle.audit_log SET actor = 'x'",
        "DELETE FROM fettle.audit_log",
        "TRUNCATE fettle.audit_log",
        "DO $$BEGIN EXECUTE (SELECT 'DELETE FROM ' || inhrelid::regclass FROM pg_inherits WHERE inhparent = "
        "'fettle.audit_log'::regclass LIMIT 1); END$$",
        "DO $$BEGIN EXECUTE (SELECT 'TRUNCATE ' || inhrelid::regclass FROM pg_inherits WHERE inhparent = "
        "'fettle.audit_log'::regclass LIMIT 1); END$$",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(attempts); i++) {
        error = (Error){0};
        assert_false(pg_execute(fixture->connection, attempts[i], &error));
        assert_int_equal(error.code, ERROR_PERMISSION);
    }
    error = (Error){0};
    AuditLines lines;
    AuditRange range = {.action = "test.act", .most = 10};
    assert_done(audit_read(fixture->connection, fixture->arena, &range, &lines, &error), &error);
    assert_true(lines.count >= 1);
    assert_string_equal(lines.items[0].actor, "cli:me");
    assert_string_equal(lines.items[0].details, "{\"a\": 1}");
}

static void
the_audit_log_pages_backwards_and_drops_whole_months(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    AuditLines lines;
    int64_t before = 0;
    for (int i = 0; i < 5; i++) {
        AuditLine line = {.actor = "pager", .action = "page", .target_id = i, .outcome = "ok"};
        assert_done(audit_write(fixture->connection, &line, &error), &error);
    }
    for (int64_t i = 4; i >= 0; i--) {
        AuditRange range = {.actor = "pager", .before_id = before, .most = 1};
        assert_done(audit_read(fixture->connection, fixture->arena, &range, &lines, &error), &error);
        assert_int_equal(lines.count, 1);
        assert_int_equal(lines.items[0].target_id, i);
        before = lines.items[0].id;
    }
    (void)store_fixture_value(fixture, "SELECT fettle.audit_month_make('2020-02-03')::text");
    int64_t dropped = 0;
    assert_done(audit_drop_old(fixture->connection, (int64_t)365 * 86400000, &dropped, &error), &error);
    assert_int_equal(dropped, 1);
    assert_done(audit_drop_old(fixture->connection, 0, &dropped, &error), &error);
    assert_int_equal(dropped, 0);
}

static void
a_job_that_ran_when_the_server_died_is_failed_at_the_next_start(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Job job;
    JobList list;
    int64_t done = 0;
    int64_t died = 0;
    assert_done(job_begin(fixture->connection, "compact", 0, &done, &error), &error);
    assert_done(job_begin(fixture->connection, "plans", 7, &died, &error), &error);
    assert_done(job_end(fixture->connection, done, NULL, "{\"rows\": 3}", &error), &error);
    assert_false(job_end(fixture->connection, done, "again", NULL, &error));
    error = (Error){0};
    assert_done(job_clean_up(fixture->connection, &error), &error);
    assert_done(job_expire(fixture->connection, 1000000, &error), &error);
    assert_done(job_get(fixture->connection, fixture->arena, died, &job, &error), &error);
    assert_string_equal(job.status, "failed");
    assert_string_equal(job.error_message, "the server stopped");
    assert_done(
        job_list(fixture->connection, fixture->arena, &(Job){.status = "completed"}, 0, 10, &list, &error),
        &error);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].result, "{\"rows\": 3}");
    (void)store_fixture_value(fixture, "SELECT pg_sleep(0.01)");
    assert_done(job_expire(fixture->connection, 1, &error), &error);
    assert_false(job_get(fixture->connection, fixture->arena, done, &job, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
stored_settings_are_checked_and_those_of_places_are_not_taken(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_false(setting_row_set(fixture->connection, "no.such", "1", "me", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(setting_row_set(fixture->connection, "collect.interval", "soon", "me", &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_false(setting_row_set(fixture->connection, "store.url", "host=evil", "me", &error));
    assert_int_equal(error.code, ERROR_PERMISSION);
    error = (Error){0};
    assert_done(setting_row_set(fixture->connection, "collect.interval", "30s", "me", &error), &error);
    assert_done(setting_row_set(fixture->connection, "log.level", "debug", "me", &error), &error);
}

static void
stored_settings_win_over_the_defaults_and_what_does_not_fit_is_skipped(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_done(setting_row_set(fixture->connection, "collect.interval", "30s", "me", &error), &error);
    assert_done(
        pg_execute(
            fixture->connection,
            "INSERT INTO fettle.settings VALUES ('store.url', '\"x\"', 'sql'), ('old.name', '1', 'sql')",
            &error),
        &error);
    Settings *settings = settings_new(fixture->arena);
    int skipped = 0;
    assert_done(setting_rows_apply(fixture->connection, settings, &skipped, &error), &error);
    assert_int_equal(skipped, 2);
    assert_int_equal(settings_get_int(settings, SETTING_COLLECT_INTERVAL), 30000);
    assert_string_equal(settings_get_source(settings, SETTING_COLLECT_INTERVAL), "store");
    assert_string_equal(settings_get_source(settings, SETTING_STORE_URL), "default");
    assert_done(setting_row_reset(fixture->connection, "collect.interval", &error), &error);
    SettingRows rows;
    assert_done(setting_rows_read(fixture->connection, fixture->arena, &rows, &error), &error);
    assert_int_equal(rows.count, 2);
}

static void
each_role_has_a_word_and_no_other_word_is_a_role(void **state)
{
    (void)state;
    static const Role roles[] = {ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN};
    static const char *const words[] = {"viewer", "operator", "admin"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(roles); i++) {
        assert_string_equal(role_word(roles[i]), words[i]);
        assert_int_equal(role_from_word(words[i]), roles[i]);
    }
    static const char *const strange[] = {"", "Admin", "admin ", "none", "superuser"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(strange); i++)
        assert_int_equal(role_from_word(strange[i]), ROLE_NONE);
}

static void
a_password_is_verified_by_its_own_hash_only(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_BYTES];
    char again[PASSWORD_HASH_BYTES];
    Error error = {0};
    assert_done(password_hash(PASSWORD, hash, &error), &error);
    assert_done(password_hash(PASSWORD, again, &error), &error);
    assert_string_not_equal(hash, again);
    assert_null(strstr(hash, PASSWORD));
    assert_true(password_verify(hash, PASSWORD));
    assert_false(password_verify(hash, "Correct horse battery"));
    assert_false(password_verify("no hash", PASSWORD));
    assert_false(password_verify(NULL, PASSWORD));
}

static void
users_are_listed_and_found_by_their_exact_name(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    UserList list;
    User user;
    assert_done(user_list(fixture->connection, fixture->arena, &list, &error), &error);
    assert_int_equal(list.count, 0);
    int64_t boss = create(fixture, "boss", ROLE_ADMIN);
    int64_t ann = create(fixture, "ann", ROLE_VIEWER);
    assert_done(user_update(fixture->connection, ann, &(UserChange){.disabled = 1}, &error), &error);
    assert_done(user_list(fixture->connection, fixture->arena, &list, &error), &error);
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        bool is_boss = list.items[i].id == boss;
        assert_true(is_boss || list.items[i].id == ann);
        assert_string_equal(list.items[i].username, is_boss ? "boss" : "ann");
        assert_int_equal(list.items[i].role, is_boss ? ROLE_ADMIN : ROLE_VIEWER);
        assert_true(list.items[i].is_disabled == !is_boss && list.items[i].last_login_at_us == 0);
    }
    assert_done(user_find(fixture->connection, fixture->arena, "ann", &user, &error), &error);
    assert_int_equal(user.id, ann);
    assert_false(user_find(fixture->connection, fixture->arena, "Ann", &user, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
tokens_are_listed_of_all_or_of_one_user_and_never_with_their_text(void **state)
{
    StoreFixture *fixture = *state;
    char text[TOKEN_TEXT_BYTES];
    Error error = {0};
    TokenList list;
    int64_t ann = create(fixture, "ann", ROLE_OPERATOR);
    (void)token(fixture, &(TokenOrder){.name = "ci", .role = ROLE_VIEWER}, text);
    int64_t own = token(
        fixture, &(TokenOrder){.user_id = ann, .name = "own", .role = ROLE_OPERATOR, .lifetime_ms = 60000},
        text);
    assert_done(token_revoke(fixture->connection, own, &error), &error);
    assert_done(token_list(fixture->connection, fixture->arena, 0, &list, &error), &error);
    assert_int_equal(list.count, 2);
    assert_done(token_list(fixture->connection, fixture->arena, ann, &list, &error), &error);
    assert_int_equal(list.count, 1);
    const Token *found = &list.items[0];
    assert_true(found->id == own && found->user_id == ann && found->role == ROLE_OPERATOR);
    assert_string_equal(found->username, "ann");
    assert_string_equal(found->name, "own");
    assert_true(found->expires_at_us > found->created_at_us && found->revoked_at_us > 0);
    assert_int_equal(found->last_used_at_us, 0);
    assert_done(token_list(fixture->connection, fixture->arena, ann + 1000, &list, &error), &error);
    assert_int_equal(list.count, 0);
}

static void
settings_of_places_and_of_who_can_reach_them_may_not_be_stored(void **state)
{
    (void)state;
    static const SettingId fixed[] = {SETTING_DATA_DIRECTORY, SETTING_STORE_URL, SETTING_STORE_KEY_FILE,
                                      SETTING_SERVER_LISTEN, SETTING_SERVER_TLS_KEY};
    static const SettingId free_ones[] = {SETTING_COLLECT_INTERVAL, SETTING_LOG_LEVEL,
                                          SETTING_RETENTION_SAMPLES};
    for (size_t i = 0; i < FETTLE_COUNT_OF(fixed); i++)
        assert_false(setting_row_is_allowed(fixed[i]));
    for (size_t i = 0; i < FETTLE_COUNT_OF(free_ones); i++)
        assert_true(setting_row_is_allowed(free_ones[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_the_right_password_of_an_enabled_user_logs_in, store_fixture_clear),
        cmocka_unit_test_setup(bad_names_and_passwords_are_refused_and_a_taken_name_is_a_conflict,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_last_enabled_admin_cannot_be_lowered_disabled_or_removed,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_token_holds_until_it_expires_or_is_revoked_and_is_kept_as_a_hash,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_users_token_is_never_above_its_user_and_ends_with_his_password,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_audit_log_cannot_be_changed_by_its_owner, store_fixture_clear),
        cmocka_unit_test_setup(the_audit_log_pages_backwards_and_drops_whole_months, store_fixture_clear),
        cmocka_unit_test_setup(a_job_that_ran_when_the_server_died_is_failed_at_the_next_start,
                               store_fixture_clear),
        cmocka_unit_test_setup(stored_settings_are_checked_and_those_of_places_are_not_taken,
                               store_fixture_clear),
        cmocka_unit_test_setup(stored_settings_win_over_the_defaults_and_what_does_not_fit_is_skipped,
                               store_fixture_clear),
        cmocka_unit_test(each_role_has_a_word_and_no_other_word_is_a_role),
        cmocka_unit_test(a_password_is_verified_by_its_own_hash_only),
        cmocka_unit_test_setup(users_are_listed_and_found_by_their_exact_name, store_fixture_clear),
        cmocka_unit_test_setup(tokens_are_listed_of_all_or_of_one_user_and_never_with_their_text,
                               store_fixture_clear),
        cmocka_unit_test(settings_of_places_and_of_who_can_reach_them_may_not_be_stored),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
