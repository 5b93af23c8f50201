// SPDX-License-Identifier: PostgreSQL
/* Backups that are whole and yet lie: each is refused, and the store stays as it was. */
#include "fixture.h"

#include "base/file.h"
#include "base/text.h"
#include "pg/result.h"
#include "store/backup.h"
#include "store/backup_file.h"
#include "store/migrate.h"
#include "store/target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Piece {
    char kind;
    const char *data;
} Piece;

static const char *
path_of(StoreFixture *fixture)
{
    return path_join(fixture->arena, fixture->directory, "made.backup");
}

/* A header as this program writes it. */
static const char *
good_header(StoreFixture *fixture)
{
    MigrationStatus status;
    Error error = {0};
    Text text = text_new(fixture->arena);
    assert_done(migration_status_read(fixture->connection, &status, &error), &error);
    text_append(&text, "{\"migrations\": [");
    bool is_first = true;
    for (int version = 1; version <= status.version_known; version++) {
        const char *checksum = migration_checksum(fixture->arena, version);
        if (checksum == NULL)
            continue;
        text_append_format(&text, "%s{\"version\": %d, \"checksum\": \"%s\"}", is_first ? "" : ", ", version,
                           checksum);
        is_first = false;
    }
    text_append(&text, "]}");
    return text.data;
}

static void
write_pieces(StoreFixture *fixture, const Piece *pieces, size_t count)
{
    FETTLE_CLEANUP(backup_writer_close_at) BackupWriter *writer = NULL;
    Error error = {0};
    int64_t bytes = 0;
    assert_done(backup_writer_open(path_of(fixture), &writer, &error), &error);
    for (size_t i = 0; i < count; i++)
        assert_done(backup_writer_put(writer, pieces[i].kind, pieces[i].data, strlen(pieces[i].data), &error),
                    &error);
    assert_done(backup_writer_finish(writer, &bytes, &error), &error);
}

static Error
restore_refused(StoreFixture *fixture)
{
    Error error = {0};
    BackupReport report;
    BackupOptions options = {.path = path_of(fixture)};
    assert_false(backup_restore(fixture->connection, &options, &report, &error));
    assert_string_equal(store_fixture_value(fixture, "SELECT kind FROM fettle.jobs"), "witness");
    assert_false(pg_connection_is_in_transaction(fixture->connection));
    return error;
}

static int
set_up(void **state)
{
    StoreFixture *fixture = *state;
    (void)store_fixture_clear(state);
    (void)store_fixture_value(fixture, "INSERT INTO fettle.jobs (kind) VALUES ('witness') RETURNING 1");
    return 0;
}

#define ONE_COLUMN "\"columns\": [\"kind\"]"

static void
hostile_records_are_refused_and_nothing_is_changed(void **state)
{
    StoreFixture *fixture = *state;
    static const Piece hostile[] = {
        {'T', "{\"table\": \"jobs; DROP TABLE fettle.users\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"Jobs\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"no_such_table\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"v_optimization_results\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"jobs\", \"columns\": []}"},
        {'T', "{\"table\": \"jobs\", \"columns\": [\"kind) FROM STDIN; DROP TABLE x\"]}"},
        {'T', "{\"table\": \"jobs\", \"columns\": [7]}"},
        {'T', "{\"table\": \"jobs\", \"columns\": [\"no_such_column\"]}"},
        {'T', "{\"table\": \"jobs\", " ONE_COLUMN "}"}, /* rows without an end */
        {'T', "{\"table\": \"x\", \"parent\": \"audit_log\", \"bounds\": \"FOR VALUES FROM (now()) TO "
              "('1')\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"x\", \"parent\": \"audit_log\", \"bounds\": \"FOR VALUES FROM ('2020-01-01') TO "
              "('2021-01-01'); "
              "DROP TABLE y\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"x\", \"parent\": \"audit_log\", \"bounds\": \"FOR VALUES FROM ('''||1') TO "
              "('2')\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"x\", \"parent\": \"jobs\", \"bounds\": \"DEFAULT\", " ONE_COLUMN "}"},
        {'T', "{\"table\": \"x\", \"parent\": \"pg_class\", \"bounds\": \"DEFAULT\", " ONE_COLUMN "}"},
        {'T', "[1]"},
        {'T', "not json"},
        {'T', "{\"table\": \"a\", \"table\": \"jobs\"}"},
        {'S', "{\"sequence\": \"no_such_sequence\", \"value\": 1}"},
        {'S', "{\"sequence\": \"jobs_id_seq\", \"value\": -5}"},
        {'D', "rows of no table"},
        {'H', "{}"},
        {'?', ""},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(hostile); i++) {
        const Piece pieces[] = {{'H', good_header(fixture)}, hostile[i], {'Z', ""}};
        write_pieces(fixture, pieces, FETTLE_COUNT_OF(pieces));
        Error error = restore_refused(fixture);
        if (error.code != ERROR_DAMAGED && error.sqlstate[0] == '\0')
            fail_msg("%s: %s", hostile[i].data, error.message);
    }
}

static void
a_header_of_another_program_is_refused(void **state)
{
    StoreFixture *fixture = *state;
    static const struct {
        const char *header;
        ErrorCode code;
    } cases[] = {
        {"{}", ERROR_DAMAGED},
        {"{\"migrations\": []}", ERROR_DAMAGED},
        {"{\"migrations\": [{\"version\": 1}]}", ERROR_DAMAGED},
        {"{\"migrations\": [{\"version\": 1, \"checksum\": \"00\"}]}", ERROR_CONFLICT},
        {"{\"migrations\": [{\"version\": 9999, \"checksum\": \"00\"}]}", ERROR_UNSUPPORTED},
        {"{\"migrations\": [{\"version\": 0, \"checksum\": \"00\"}]}", ERROR_DAMAGED},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const Piece pieces[] = {{'H', cases[i].header}, {'Z', ""}};
        write_pieces(fixture, pieces, FETTLE_COUNT_OF(pieces));
        Error error = restore_refused(fixture);
        assert_int_equal(error.code, cases[i].code);
    }
    const Piece headless[] = {{'Z', ""}};
    write_pieces(fixture, headless, 1);
    assert_int_equal(restore_refused(fixture).code, ERROR_DAMAGED);
    const Piece endless[] = {{'H', good_header(fixture)}};
    write_pieces(fixture, endless, 1);
    assert_int_equal(restore_refused(fixture).code, ERROR_DAMAGED);
}

static void
a_file_is_private_and_appears_only_when_it_is_whole(void **state)
{
    StoreFixture *fixture = *state;
    struct stat status;
    Error error = {0};
    unlink(path_of(fixture));
    {
        FETTLE_CLEANUP(backup_writer_close_at) BackupWriter *writer = NULL;
        assert_done(backup_writer_open(path_of(fixture), &writer, &error), &error);
        assert_done(backup_writer_put(writer, 'H', "{}", 2, &error), &error);
        assert_int_not_equal(stat(path_of(fixture), &status), 0);
    }
    assert_int_not_equal(stat(path_of(fixture), &status), 0);
    const Piece pieces[] = {{'H', "{}"}, {'Z', ""}};
    write_pieces(fixture, pieces, FETTLE_COUNT_OF(pieces));
    assert_int_equal(stat(path_of(fixture), &status), 0);
    assert_int_equal(status.st_mode & 07777U, 0600);
    assert_int_equal(status.st_nlink, 1);
}

static void
what_was_written_comes_back_whatever_its_size(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    BackupReport report;
    BackupOptions options = {.path = path_of(fixture)};
    assert_done(pg_execute(fixture->connection,
                           "INSERT INTO fettle.jobs (kind) SELECT repeat(chr(960) || n, 30000) FROM "
                           "generate_series(1, 20) n",
                           &error),
                &error);
    const char *sum = "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM fettle.jobs t";
    const char *before = store_fixture_value(fixture, sum);
    assert_done(backup_write(fixture->connection, &options, &report, &error), &error);
    assert_true(report.row_bytes > (int64_t)20 * 60000 && report.file_bytes < report.row_bytes / 10);
    assert_done(pg_execute(fixture->connection, "DELETE FROM fettle.jobs", &error), &error);
    assert_done(backup_restore(fixture->connection, &options, &report, &error), &error);
    assert_string_equal(store_fixture_value(fixture, sum), before);
    assert_string_equal(store_fixture_value(fixture,
                                            "INSERT INTO fettle.jobs (kind) VALUES ('next') RETURNING id > "
                                            "20"),
                        "t");
}

static void
records_are_read_as_they_were_written_and_then_no_more(void **state)
{
    StoreFixture *fixture = *state;
    static const Piece pieces[] = {{'H', "{}"}, {'T', ""}, {'D', "rows"}, {'Z', ""}};
    write_pieces(fixture, pieces, FETTLE_COUNT_OF(pieces));
    FETTLE_CLEANUP(backup_reader_close_at) BackupReader *reader = NULL;
    BackupRecord record;
    Error error = {0};
    assert_done(backup_reader_open(path_of(fixture), &reader, &error), &error);
    for (size_t i = 0; i < FETTLE_COUNT_OF(pieces); i++) {
        assert_done(backup_reader_next(reader, &record, &error), &error);
        assert_int_equal(record.kind, pieces[i].kind);
        assert_int_equal(record.length, strlen(pieces[i].data));
        assert_string_equal(record.data, pieces[i].data);
    }
    assert_false(backup_reader_next(reader, &record, &error));
    assert_int_equal(error.code, ERROR_DAMAGED);
    backup_reader_close_at(&reader);
    assert_null(reader);
}

static void
a_file_with_any_byte_changed_or_its_end_cut_is_not_opened(void **state)
{
    StoreFixture *fixture = *state;
    static const Piece pieces[] = {{'H', "{}"}, {'Z', ""}};
    const char *path = path_of(fixture);
    write_pieces(fixture, pieces, FETTLE_COUNT_OF(pieces));
    char *bytes;
    size_t length;
    Error error = {0};
    BackupReader *reader = NULL;
    assert_done(file_read(fixture->arena, path, 1 << 20, &bytes, &length, &error), &error);
    for (size_t at = 0; at <= length; at++) {
        bool is_cut = at == length;
        if (!is_cut)
            bytes[at] ^= 0x10;
        assert_done(file_write_atomic(path, bytes, is_cut ? length - 1 : length, 0600, &error), &error);
        assert_false(backup_reader_open(path, &reader, &error));
        assert_null(reader);
        error = (Error){0};
        if (!is_cut)
            bytes[at] ^= 0x10;
    }
    assert_done(file_write_atomic(path, bytes, length, 0600, &error), &error);
    assert_done(backup_reader_open(path, &reader, &error), &error);
    backup_reader_close_at(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hostile_records_are_refused_and_nothing_is_changed, set_up),
        cmocka_unit_test_setup(a_header_of_another_program_is_refused, set_up),
        cmocka_unit_test_setup(a_file_is_private_and_appears_only_when_it_is_whole, set_up),
        cmocka_unit_test_setup(what_was_written_comes_back_whatever_its_size, set_up),
        cmocka_unit_test(records_are_read_as_they_were_written_and_then_no_more),
        cmocka_unit_test(a_file_with_any_byte_changed_or_its_end_cut_is_not_opened),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
