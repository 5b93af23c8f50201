// SPDX-License-Identifier: PostgreSQL
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    char directory[64];
    char data[80];
    char programs[128];
    pid_t process;
} server;

static const char settings[] = "listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\n"
                               "max_connections = 20\nshared_buffers = 16MB\nautovacuum = off\n";

static const char rights[] =
    "local all careful scram-sha-256\nlocal all postgres trust\nlocal all plain trust\n"
    "local all crowded trust\n";

static void
become_unprivileged(void)
{
    if (geteuid() == 0) {
        const struct passwd *user = getpwnam("postgres");
        if (user == NULL)
            user = getpwnam("nobody");
        if (user == NULL || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
            _exit(126);
    }
    /* after the change of user, which would clear it; SIGQUIT tells a postmaster to stop at once */
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

static pid_t
start_program(const char *const *arguments)
{
    pid_t process = fork();
    assert_true(process >= 0);
    if (process > 0)
        return process;
    become_unprivileged();
    int log = open("/dev/null", O_WRONLY);
    if (log < 0 || chdir("/") != 0)
        _exit(126);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static void
write_file(const char *name, const char *format, const char *value)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", server.data, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fprintf(file, format, value);
#pragma GCC diagnostic pop
    assert_int_equal(fclose(file), 0);
}

static bool
find_programs(void)
{
    glob_t found = {0};
    bool any = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0 && found.gl_pathc > 0;
    if (any)
        snprintf(server.programs, sizeof(server.programs), "%.*s",
                 (int)(strlen(found.gl_pathv[found.gl_pathc - 1]) - strlen("/initdb")),
                 found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return any;
}

static void
make_cluster(void)
{
    snprintf(server.directory, sizeof(server.directory), "/tmp/fettle-unit-XXXXXX");
    assert_non_null(mkdtemp(server.directory));
    snprintf(server.data, sizeof(server.data), "%s/data", server.directory);
    const struct passwd *user = getpwnam("postgres") != NULL ? getpwnam("postgres") : getpwnam("nobody");
    if (geteuid() == 0)
        assert_int_equal(chown(server.directory, user->pw_uid, user->pw_gid), 0);
    char program[160];
    snprintf(program, sizeof(program), "%s/initdb", server.programs);
    const char *arguments[] = {program, "-D", server.data, "-U",         "postgres",  "-A",
                               "trust", "-E", "UTF8",      "--locale=C", "--no-sync", NULL};
    int status;
    pid_t process = start_program(arguments);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(status, 0);
    write_file("postgresql.conf", settings, server.directory);
    write_file("pg_hba.conf", "%s", rights);
}

static void
start_postmaster(void)
{
    char program[160];
    snprintf(program, sizeof(program), "%s/postgres", server.programs);
    const char *arguments[] = {program, "-D", server.data, NULL};
    server.process = start_program(arguments);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("server", 65536);
    Deadline deadline = deadline_after_ms(60000);
    for (;;) {
        PgConnection *connection = NULL;
        Error error = {0};
        if (pg_connection_open(test_server_dsn(arena, "postgres", "postgres", ""),
                               &(PgConnectOptions){.purpose = PG_PURPOSE_OWN}, &connection, &error)) {
            pg_connection_close(connection);
            return;
        }
        if (deadline_passed(deadline) || waitpid(server.process, NULL, WNOHANG) != 0)
            fail_msg("the server does not start: %s", error.message);
        usleep(20000);
    }
}

int
test_server_start(void **state)
{
    (void)state;
    if (!find_programs())
        return getenv("CI") == NULL ? 0 : -1;
    make_cluster();
    start_postmaster();
    test_server_run("CREATE ROLE plain LOGIN");
    test_server_run("CREATE ROLE careful LOGIN PASSWORD '" TEST_PASSWORD "'");
    test_server_run("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0");
    test_server_run("CREATE ROLE locked_out LOGIN");
    test_server_run("CREATE DATABASE closed TEMPLATE template0");
    test_server_run("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
    test_server_run(
        "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
    return 0;
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

int
test_server_stop(void **state)
{
    (void)state;
    if (server.process == 0)
        return 0;
    kill(server.process, SIGCONT);
    kill(server.process, SIGQUIT);
    waitpid(server.process, NULL, 0);
    return nftw(server.directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
test_server_directory(void)
{
    if (server.process == 0)
        skip();
    return server.directory;
}

pid_t
test_server_process(void)
{
    return server.process;
}

char *
test_server_dsn(Arena *arena, const char *user, const char *database, const char *more)
{
    return arena_printf(arena, "host=%s user=%s dbname=%s %s", test_server_directory(), user, database, more);
}

PgConnection *
test_server_connect(void)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("server", 65536);
    PgConnection *connection = NULL;
    Error error = {0};
    if (!pg_connection_open(test_server_dsn(arena, "postgres", "postgres", ""),
                            &(PgConnectOptions){.purpose = PG_PURPOSE_OWN}, &connection, &error))
        fail_msg("%s", error.message);
    return connection;
}

void
test_server_run(const char *text)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Error error = {0};
    if (!pg_execute(connection, text, &error))
        fail_msg("%s: %s", text, error.message);
}

char *
test_server_value(Arena *arena, PgConnection *connection, const char *text)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    if (!pg_query_simple(connection, text, &result, &error))
        fail_msg("%s: %s", text, error.message);
    assert_true(pg_result_rows(result) > 0);
    return arena_strdup(arena, pg_result_text(result, 0, 0));
}

Error
test_failed_connect(const char *dsn, const PgConnectOptions *options)
{
    PgConnection *connection = NULL;
    Error error = {0};
    assert_false(pg_connection_open(dsn, options, &connection, &error));
    assert_null(connection);
    assert_int_not_equal(error.code, ERROR_NONE);
    assert_null(strchr(error.message, '\n'));
    return error;
}

void
assert_error_without(const Error *error, const char *text)
{
    if (strstr(error->message, text) != NULL || strstr(error->hint, text) != NULL)
        fail_msg("\"%s\" stands in: %s (%s)", text, error->message, error->hint);
}

void
assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
}
