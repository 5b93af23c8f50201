// SPDX-License-Identifier: PostgreSQL
/* Targets; what of a connection string is shown, stored and sealed. */
#include "fixture.h"

#include "base/file.h"
#include "store/seal.h"
#include "store/target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t
create(StoreFixture *fixture, const char *name, const char *dsn)
{
    Error error = {0};
    int64_t id = 0;
    TargetChange change = {.name = name, .dsn = dsn, .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    return id;
}

static Error
create_refused(StoreFixture *fixture, const TargetChange *change)
{
    Error error = {0};
    int64_t id = 0;
    assert_false(target_create(fixture->store, fixture->connection, change, &id, &error));
    return error;
}

static const char *
whole_dsn(StoreFixture *fixture, int64_t id)
{
    const char *dsn = NULL;
    Error error = {0};
    assert_done(target_dsn(fixture->store, fixture->connection, fixture->arena, id, &dsn, &error), &error);
    return dsn;
}

static void
a_password_is_taken_out_of_every_form_of_connection_string(void **state)
{
    StoreFixture *fixture = *state;
    static const char *const dsns[] = {
        "postgres://app:hush%40hush%2F1@db.example:5433/shop?sslmode=require",
        "postgresql://app@db.example/shop?password=hush%40hush%2F1",
        "host=db.example user=app password='hush@hush/1' dbname=shop",
        "postgres://app:hush%40hush%2F1@a.example:1,b.example:2/shop?target_session_attrs=any",
        "host=db.example sslcert=c.pem sslkey=k.pem sslpassword='hush@hush/1'",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(dsns); i++) {
        Target target;
        Error error = {0};
        int64_t id = create(fixture, arena_printf(fixture->arena, "t%zu", i), dsns[i]);
        assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
        assert_null(strstr(target.conninfo, "hush"));
        assert_non_null(strstr(target.conninfo, ".example"));
        assert_true(target.has_password);
        assert_non_null(strstr(whole_dsn(fixture, id), "password='hush@hush/1'"));
    }
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT count(*) FROM fettle.targets WHERE sealed_password::text "
                                            "LIKE '%' || encode('hush', 'hex') || '%'"),
                        "0");
}

static void
quotes_and_backslashes_of_a_password_come_back(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = create(fixture, "awkward", "host=h password='it\\'s\\\\'");
    assert_non_null(strstr(whole_dsn(fixture, id), "password='it\\'s\\\\'"));
    PgDsnParts parts;
    Error error = {0};
    const char *again =
        arena_printf(fixture->arena, "host=h %s", pg_dsn_password_option(fixture->arena, "a'b\\c d"));
    assert_done(pg_dsn_split(fixture->arena, again, &parts, &error), &error);
    assert_string_equal(parts.secrets, "password='a\\'b\\\\c d'");
    assert_string_equal(parts.conninfo, "host='h'");
}

static void
a_multi_host_connection_string_keeps_its_hosts_and_ports(void **state)
{
    StoreFixture *fixture = *state;
    Target target;
    Error error = {0};
    int64_t id = create(fixture, "many", "postgres://app:pw123@a:1,b:2,[::1]:3/shop");
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_non_null(strstr(target.conninfo, "host='a,b,::1'"));
    assert_non_null(strstr(target.conninfo, "port='1,2,3'"));
}

static void
what_is_no_name_or_connection_string_is_refused_without_repeating_it(void **state)
{
    StoreFixture *fixture = *state;
    Error error =
        create_refused(fixture, &(TargetChange){.name = "x", .dsn = "postgres://me:se@cret@host/db"});
    assert_int_equal(error.code, ERROR_INPUT);
    assert_null(strstr(error.message, "cret"));
    error = create_refused(fixture, &(TargetChange){.name = "", .dsn = "host=h"});
    assert_int_equal(error.code, ERROR_INPUT);
    error = create_refused(fixture, &(TargetChange){.name = "a\nb", .dsn = "host=h"});
    assert_int_equal(error.code, ERROR_INPUT);
    error = create_refused(fixture, &(TargetChange){.name = "x", .dsn = "password=only"});
    assert_int_equal(error.code, ERROR_INPUT);
    error = create_refused(fixture, &(TargetChange){.name = "x"});
    assert_int_equal(error.code, ERROR_INPUT);
}

static void
two_targets_of_one_name_are_a_conflict(void **state)
{
    StoreFixture *fixture = *state;
    (void)create(fixture, "twice", "host=h");
    Error error = create_refused(fixture, &(TargetChange){.name = "twice", .dsn = "host=h"});
    assert_int_equal(error.code, ERROR_CONFLICT);
}

static void
a_change_leaves_what_it_does_not_name(void **state)
{
    StoreFixture *fixture = *state;
    static const char *const databases[] = {"shop", "a,\"b\""};
    Error error = {0};
    Target target;
    int64_t id = create(fixture, "before", "host=h password=longsecret");
    TargetChange change = {.name = "after",
                           .databases = databases,
                           .database_count = 2,
                           .sets_databases = true,
                           .enabled = 0,
                           .interval_ms = 5000};
    assert_done(target_update(fixture->store, fixture->connection, id, &change, &error), &error);
    assert_done(target_find(fixture->connection, fixture->arena, "after", &target, &error), &error);
    assert_int_equal(target.database_count, 2);
    assert_string_equal(target.databases[1], "a,\"b\"");
    assert_true(!target.is_enabled && target.interval_ms == 5000 && target.has_password);
    change = (TargetChange){.enabled = -1, .interval_ms = -1};
    assert_done(target_update(fixture->store, fixture->connection, id, &change, &error), &error);
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_true(target.database_count == 2 && target.interval_ms == 5000 && !target.is_enabled);
    assert_false(target_update(fixture->store, fixture->connection, id + 1, &change, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
a_new_connection_string_does_not_inherit_the_password(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Target target;
    int64_t id = create(fixture, "moved", "host=old password=longsecret");
    TargetChange change = {.dsn = "host=new", .enabled = -1, .interval_ms = -1};
    assert_done(target_update(fixture->store, fixture->connection, id, &change, &error), &error);
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_false(target.has_password);
    assert_null(strstr(whole_dsn(fixture, id), "longsecret"));
}

static void
a_sealed_password_opens_beside_its_own_connection_string_only(void **state)
{
    StoreFixture *fixture = *state;
    const char *dsn = NULL;
    Error error = {0};
    int64_t id = create(fixture, "bound", "host=good password=longsecret");
    (void)store_fixture_value(fixture,
                              "UPDATE fettle.targets SET conninfo = 'host=''evil''' WHERE name = 'bound' "
                              "RETURNING name");
    assert_false(target_dsn(fixture->store, fixture->connection, fixture->arena, id, &dsn, &error));
    assert_int_equal(error.code, ERROR_DAMAGED);
}

static void
a_removed_target_takes_all_of_its_rows_but_the_audit_with_it(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t kept = create(fixture, "kept", "host=h");
    int64_t gone = create(fixture, "gone", "host=h");
    for (int i = 0; i < 2; i++)
        (void)store_fixture_value(
            fixture,
            arena_printf(
                fixture->arena,
                "WITH d AS (INSERT INTO fettle.databases VALUES (%lld, 1, 5, 'shop')), "
                "r AS (INSERT INTO fettle.optimization_recommendations (target_id, source_type, "
                "recommendation_text) VALUES (%lld, 'index', 'x') RETURNING id), "
                "a AS (SELECT fettle.audit_write('me', NULL, 'test', NULL, %lld, NULL, 'ok', NULL)) "
                "INSERT INTO fettle.statements (target_id, statement_id, database_id, user_oid, queryid, "
                "query_hash) SELECT %lld, 1, 1, 10, 7, 7 FROM a RETURNING 1",
                (long long)(i == 0 ? kept : gone), (long long)(i == 0 ? kept : gone),
                (long long)(i == 0 ? kept : gone), (long long)(i == 0 ? kept : gone)));
    assert_done(target_delete(fixture->connection, gone, &error), &error);
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT (SELECT count(*) FROM fettle.databases) || ' ' || "
                                            "(SELECT count(*) FROM fettle.statements) || ' ' || "
                                            "(SELECT count(*) FROM fettle.optimization_recommendations)"),
                        "1 1 1");
    assert_string_equal(
        store_fixture_value(fixture, arena_printf(fixture->arena,
                                                  "SELECT count(*) FROM fettle.audit_log WHERE "
                                                  "target_id = %lld",
                                                  (long long)gone)),
        "1");
    assert_false(target_delete(fixture->connection, gone, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
the_sole_target_is_the_default_and_two_are_none(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = create(fixture, "one", "host=h");
    assert_string_equal(store_fixture_value(fixture, "SELECT fettle.sole_target()"),
                        arena_printf(fixture->arena, "%lld", (long long)id));
    (void)create(fixture, "two", "host=h");
    assert_null(store_fixture_value(fixture, "SELECT fettle.sole_target()"));
}

static void
a_round_leaves_its_words_and_keeps_what_it_does_not_know(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Target target;
    int64_t id = create(fixture, "round", "host=h");
    TargetOutcome good = {.notice = "no extension", .server_version = "15.20", .system_identifier = -77};
    TargetOutcome bad = {.failure = "could not connect"};
    assert_done(target_round_record(fixture->connection, id, &good, &error), &error);
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_null(target.last_error);
    assert_string_equal(target.last_notice, "no extension");
    assert_done(target_round_record(fixture->connection, id, &bad, &error), &error);
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_string_equal(target.last_error, "could not connect");
    assert_string_equal(target.last_notice, "no extension");
    assert_string_equal(target.server_version, "15.20");
    assert_true(target.system_identifier == -77 && target.last_round_at_us > 0);
    assert_done(target_round_record(fixture->connection, id, &(TargetOutcome){0}, &error), &error);
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_true(target.last_error == NULL && target.last_notice == NULL);
    assert_string_equal(target.server_version, "15.20");
}

/* The key file of another store on the same cluster, so that the fixture's own stays in use. */
static Store *
open_with_key(StoreFixture *fixture, const char *path)
{
    Error error = {0};
    Store *store = NULL;
    Settings *settings = settings_new(fixture->arena);
    assert_done(settings_set(settings, "data.directory", fixture->directory, &error), &error);
    assert_done(settings_set(settings, "store.key_file", path, &error), &error);
    assert_done(store_open(&(StoreOptions){.settings = settings}, &store, &error), &error);
    return store;
}

static void
a_missing_wrong_or_lax_key_file_is_refused(void **state)
{
    StoreFixture *fixture = *state;
    const char *key = path_join(fixture->arena, fixture->directory, "key");
    const char *other = path_join(fixture->arena, fixture->directory, "other-key");
    const char *dsn = NULL;
    struct stat status;
    int64_t id = create(fixture, "sealed", "host=h password=longsecret");
    assert_int_equal(stat(key, &status), 0);
    assert_int_equal(status.st_mode & 07777U, 0600);
    static const struct {
        const char *content;
        mode_t mode;
        ErrorCode code;
    } cases[] = {
        {NULL, 0, ERROR_NOT_FOUND},
        {"0000000000000000000000000000000000000000000000000000000000000000\n", 0600, ERROR_DAMAGED},
        {"no key\n", 0600, ERROR_DAMAGED},
        {"0000000000000000000000000000000000000000000000000000000000000000\n", 0640, ERROR_PERMISSION},
        {"0000000000000000000000000000000000000000000000000000000000000000\n", 0604, ERROR_PERMISSION},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        unlink(other);
        if (cases[i].content != NULL)
            assert_done(
                file_write_atomic(other, cases[i].content, strlen(cases[i].content), cases[i].mode, &error),
                &error);
        Store *store = open_with_key(fixture, other);
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("key", 1 << 20);
        assert_false(target_dsn(store, fixture->connection, arena, id, &dsn, &error));
        assert_int_equal(error.code, cases[i].code);
        assert_true(error.hint[0] != '\0');
        /* nor is a new key made over the lost one */
        TargetChange change = {
            .name = "new", .dsn = "host=h password=another", .enabled = -1, .interval_ms = -1};
        if (cases[i].content == NULL)
            assert_false(target_create(store, fixture->connection, &change, &id, &error));
        store_close(store);
    }
}

static void
targets_are_listed_disabled_ones_included_and_without_secrets(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    TargetList list;
    assert_done(target_list(fixture->connection, fixture->arena, &list, &error), &error);
    assert_int_equal(list.count, 0);
    int64_t first = create(fixture, "first", "host=a password=longsecret");
    int64_t second = create(fixture, "second", "host=b");
    TargetChange change = {.enabled = 0, .interval_ms = 5000};
    assert_done(target_update(fixture->store, fixture->connection, second, &change, &error), &error);
    assert_done(target_list(fixture->connection, fixture->arena, &list, &error), &error);
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        const Target *target = &list.items[i];
        bool is_first = target->target_id == first;
        assert_true(is_first || target->target_id == second);
        assert_string_equal(target->name, is_first ? "first" : "second");
        assert_true(target->is_enabled == is_first && target->has_password == is_first);
        assert_true(target->interval_ms == (is_first ? 0 : 5000));
        assert_null(strstr(target->conninfo, "longsecret"));
    }
}

static void
what_is_sealed_opens_again_is_never_the_same_twice_and_refuses_a_changed_byte(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Arena *arena = fixture->arena;
    char *sealed = NULL;
    char *again = NULL;
    const char *secrets = NULL;
    assert_done(
        seal_close(fixture->store, fixture->connection, arena, "host='h'", "password='x y'", &sealed, &error),
        &error);
    assert_done(
        seal_close(fixture->store, fixture->connection, arena, "host='h'", "password='x y'", &again, &error),
        &error);
    assert_string_not_equal(sealed, again);
    assert_done(seal_open(fixture->store, arena, "host='h'", sealed, &secrets, &error), &error);
    assert_string_equal(secrets, "password='x y'");
    assert_false(seal_open(fixture->store, arena, "host='i'", sealed, &secrets, &error));
    assert_int_equal(error.code, ERROR_DAMAGED);
    size_t length = strlen(sealed);
    for (size_t at = 0; at < length; at += 7) {
        error = (Error){0};
        char *changed = arena_strdup(arena, sealed);
        changed[at] = changed[at] == '0' ? '1' : '0';
        assert_false(seal_open(fixture->store, arena, "host='h'", changed, &secrets, &error));
        assert_int_equal(error.code, ERROR_DAMAGED);
        assert_null(strstr(error.message, "x y"));
    }
    static const char *const strange[] = {"", "zz", "00",
                                          ("not hexadecimal at all, whatever its length may be, "
                                           "and it is longer than the overhead is, to be sure")};
    for (size_t i = 0; i < FETTLE_COUNT_OF(strange); i++)
        assert_false(seal_open(fixture->store, arena, "host='h'", strange[i], &secrets, &error));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_password_is_taken_out_of_every_form_of_connection_string,
                               store_fixture_clear),
        cmocka_unit_test_setup(quotes_and_backslashes_of_a_password_come_back, store_fixture_clear),
        cmocka_unit_test_setup(a_multi_host_connection_string_keeps_its_hosts_and_ports, store_fixture_clear),
        cmocka_unit_test_setup(what_is_no_name_or_connection_string_is_refused_without_repeating_it,
                               store_fixture_clear),
        cmocka_unit_test_setup(two_targets_of_one_name_are_a_conflict, store_fixture_clear),
        cmocka_unit_test_setup(a_change_leaves_what_it_does_not_name, store_fixture_clear),
        cmocka_unit_test_setup(a_new_connection_string_does_not_inherit_the_password, store_fixture_clear),
        cmocka_unit_test_setup(a_sealed_password_opens_beside_its_own_connection_string_only,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_removed_target_takes_all_of_its_rows_but_the_audit_with_it,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_sole_target_is_the_default_and_two_are_none, store_fixture_clear),
        cmocka_unit_test_setup(a_round_leaves_its_words_and_keeps_what_it_does_not_know, store_fixture_clear),
        cmocka_unit_test_setup(a_missing_wrong_or_lax_key_file_is_refused, store_fixture_clear),
        cmocka_unit_test_setup(targets_are_listed_disabled_ones_included_and_without_secrets,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_is_sealed_opens_again_is_never_the_same_twice_and_refuses_a_changed_byte,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
