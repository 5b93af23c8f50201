// SPDX-License-Identifier: PostgreSQL
/*
 * The private cluster with real server programs: made, started, lost, recovered, removed.
 */
#include "../death.h"
#include "../scratch.h"

#include "base/file.h"
#include "base/text.h"
#include "pg/result.h"
#include "store/cluster.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int
directory_for_all(void **state)
{
    /* as root the cluster is another user's, who must get there */
    return scratch_make(state) == 0 && chmod(scratch_path(""), 0755) == 0 ? 0 : -1;
}

static Cluster *
open_or_fail(void)
{
    Cluster *cluster = NULL;
    Error error = {0};
    if (!cluster_open(&(ClusterOptions){.data_directory = scratch_path("data")}, &cluster, &error))
        fail_msg("%s (%s)", error.message, error.hint);
    return cluster;
}

static int64_t
ask_number(Cluster *cluster, const char *database, const char *user, const char *text)
{
    PgConnection *connection = NULL;
    PgResult *result = NULL;
    Error error = {0};
    if (!cluster_connect(cluster, database, user, &connection, &error) ||
        !pg_query_simple(connection, text, &result, &error))
        fail_msg("%s", error.message);
    int64_t number = pg_result_int(result, 0, 0, -1);
    pg_result_free(result);
    pg_connection_close(connection);
    return number;
}

static void
installations_are_listed_newest_first(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    ClusterBinaries *list = NULL;
    size_t count = 0;
    Error error = {0};
    if (!cluster_binaries_list(arena, &list, &count, &error))
        fail_msg("%s", error.message);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(file_exists(path_join(arena, list[i].directory, "initdb")));
        assert_true(text_starts_with(list[i].version, arena_printf(arena, "%d", list[i].major)));
        assert_true(i == 0 || list[i].major <= list[i - 1].major);
        ClusterBinaries found;
        assert_true(cluster_binaries_find(arena, list[i].major, &found, &error));
        assert_int_equal(found.major, list[i].major);
    }
    ClusterBinaries named;
    assert_true(cluster_binaries_at(arena, list[0].directory, &named, &error));
    assert_string_equal(named.version, list[0].version);
    assert_false(cluster_binaries_at(arena, "/tmp", &named, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    ClusterBinaries nearest;
    assert_true(cluster_binaries_find(arena, 0, &nearest, &error));
    assert_int_equal(nearest.major, list[0].major);
    assert_true(cluster_binaries_find(arena, 99, &nearest, &error)); /* the nearest older */
    assert_int_equal(nearest.major, list[0].major);
    assert_true(cluster_binaries_find(arena, 9, &nearest, &error)); /* the nearest newer */
    assert_int_equal(nearest.major, list[count - 1].major);
}

static bool
is_made(void)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    bool is_made = true;
    Error error = {0};
    if (!cluster_is_made(arena, &(ClusterOptions){.data_directory = scratch_path("data")}, &is_made, &error))
        fail_msg("%s (%s)", error.message, error.hint);
    return is_made;
}

static void
whether_a_cluster_is_made_is_told_without_making_one(void **state)
{
    (void)state;
    assert_false(is_made());
    assert_false(file_exists(scratch_path("data")));
    cluster_close(open_or_fail());
    assert_true(is_made());
}

static void
a_cluster_is_made_private_and_answers(void **state)
{
    (void)state;
    FETTLE_CLEANUP(cluster_close_at) Cluster *cluster = open_or_fail();
    struct stat status;
    assert_int_equal(stat(cluster_socket_directory(cluster), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(stat(cluster_data_directory(cluster), &status), 0);
    assert_int_equal(status.st_mode & 0077, 0);
    assert_int_equal(status.st_uid, cluster_user(cluster));
    assert_true(geteuid() != 0 || cluster_user(cluster) != 0);
    assert_true(file_exists(cluster_binaries_directory(cluster)));
    assert_true(cluster_is_alive(cluster) && cluster_postmaster_pid(cluster) > 1);
    assert_int_equal(ask_number(cluster, "postgres", NULL, "SELECT 6 * 7"), 42);
    assert_int_equal(ask_number(cluster, "postgres", NULL, "SHOW server_version_num") / 10000,
                     cluster_major(cluster));
    /* no port is open */
    assert_int_equal(
        ask_number(cluster, "postgres", NULL,
                   "SELECT count(*) FROM pg_settings WHERE name = 'listen_addresses' AND setting <> ''"),
        0);
    int64_t memory = cluster_memory_bytes(cluster);
    assert_true(memory == -1 || (memory > 1000000 && memory < INT64_C(200000000)));
    PgConnection *connection = NULL;
    Error error = {0};
    assert_false(error_set(&error, ERROR_CONNECTION, "the session was lost"));
    assert_false(cluster_explain_failure(cluster, &error)); /* the disk is not full */
    assert_true(error.code == ERROR_CONNECTION && error.hint[0] == '\0');
    error.code = ERROR_DISK_FULL;
    assert_false(cluster_explain_failure(cluster, &error));
    assert_non_null(strstr(error.hint, scratch_path("data")));
    assert_false(cluster_connect(cluster, "nosuch", NULL, &connection, &error));
    assert_null(connection);
    assert_false(cluster_connect(cluster, "postgres", "nosuch", &connection, &error));
}

static void
what_was_written_is_there_after_closing_and_opening_again(void **state)
{
    (void)state;
    Cluster *cluster = open_or_fail();
    int postmaster = cluster_postmaster_pid(cluster);
    PgConnection *connection = NULL;
    Error error = {0};
    assert_true(cluster_connect(cluster, "postgres", NULL, &connection, &error));
    assert_true(pg_execute(connection, "CREATE TABLE kept AS SELECT generate_series(1, 7)", &error));
    pg_connection_close(connection);
    cluster_close(cluster);
    assert_int_equal(kill(postmaster, 0), -1);
    assert_int_equal(errno, ESRCH);
    FETTLE_CLEANUP(cluster_close_at) Cluster *again = open_or_fail();
    assert_int_equal(ask_number(again, "postgres", NULL, "SELECT count(*) FROM kept"), 7);
}

static void
a_postmaster_that_was_killed_is_recovered(void **state)
{
    (void)state;
    FETTLE_CLEANUP(cluster_close_at) Cluster *cluster = open_or_fail();
    Error error = {0};
    assert_int_equal(kill(cluster_postmaster_pid(cluster), SIGKILL), 0);
    for (int wait = 0; wait < 3000 && cluster_is_alive(cluster); wait++)
        usleep(10000);
    assert_false(cluster_is_alive(cluster));
    PgConnection *connection = NULL;
    assert_false(cluster_connect(cluster, "postgres", NULL, &connection, &error));
    if (!cluster_restart(cluster, &error))
        fail_msg("%s", error.message);
    assert_true(cluster_is_alive(cluster));
    assert_int_equal(ask_number(cluster, "postgres", NULL, "SELECT 1"), 1);
}

static void
open_in_another_process(void *data_directory)
{
    Cluster *cluster = NULL;
    Error error = {0};
    if (cluster_open(&(ClusterOptions){.data_directory = data_directory}, &cluster, &error) ||
        error.code != ERROR_CONFLICT || error.hint[0] == '\0')
        _exit(1);
    fputs(error.message, stderr);
}

static void
a_second_process_is_refused_and_told_of_the_first(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(cluster_close_at) Cluster *cluster = open_or_fail();
    char words[2000];
    standard_error_of(open_in_another_process, arena_strdup(arena, scratch_path("data")), words,
                      sizeof(words));
    assert_non_null(strstr(words, arena_printf(arena, "%d", (int)getpid())));
    assert_true(cluster_is_alive(cluster));
}

static void
what_is_no_data_directory_is_refused_and_left_alone(void **state)
{
    (void)state;
    Cluster *cluster = NULL;
    Error error = {0};
    scratch_write("file", "precious", 8);
    assert_false(cluster_open(&(ClusterOptions){.data_directory = scratch_path("file")}, &cluster, &error));
    assert_true(error.message[0] != '\0');
    assert_false(cluster_open(&(ClusterOptions){.data_directory = scratch_path("data"),
                                                .binaries_directory = scratch_path("nothing")},
                              &cluster, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "nothing holds no server programs"));
    assert_non_null(strstr(error.message, "cluster.binaries"));
    assert_null(cluster);
    struct stat status;
    assert_int_equal(stat(scratch_path("file"), &status), 0);
    assert_int_equal(status.st_size, 8);
    cluster_close(NULL);
}

static void
a_cluster_is_removed_only_when_nobody_has_it_open(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    Cluster *cluster = open_or_fail();
    int major = cluster_major(cluster);
    const char *data = arena_strdup(arena, cluster_data_directory(cluster));
    cluster_close(cluster);
    Error error = {0};
    if (!cluster_destroy(scratch_path("data"), major, &error))
        fail_msg("%s", error.message);
    assert_false(file_exists(data));
    assert_true(cluster_destroy(scratch_path("data"), major, &error)); /* there is none */
}

int
main(void)
{
#define CLUSTER_TEST(name) cmocka_unit_test_setup_teardown(name, directory_for_all, scratch_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(installations_are_listed_newest_first),
        CLUSTER_TEST(whether_a_cluster_is_made_is_told_without_making_one),
        CLUSTER_TEST(a_cluster_is_made_private_and_answers),
        CLUSTER_TEST(what_was_written_is_there_after_closing_and_opening_again),
        CLUSTER_TEST(a_postmaster_that_was_killed_is_recovered),
        CLUSTER_TEST(a_second_process_is_refused_and_told_of_the_first),
        CLUSTER_TEST(what_is_no_data_directory_is_refused_and_left_alone),
        CLUSTER_TEST(a_cluster_is_removed_only_when_nobody_has_it_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
