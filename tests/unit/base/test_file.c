// SPDX-License-Identifier: PostgreSQL
#include "../death.h"
#include "../scratch.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static void
assert_file_is(const char *name, const char *text)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    char *data = NULL;
    size_t size = 0;
    Error error = {0};
    if (!file_read(arena, scratch_path(name), 10000, &data, &size, &error))
        fail_msg("%s", error.message);
    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text);
}

static void
a_file_is_read_to_its_last_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4096, 65535, 65536, 65537, 1000000};
    static char bytes[1000000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 % 256); /* NUL bytes among them */
    for (size_t i = 0; i < FETTLE_COUNT_OF(sizes); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
        scratch_write("data", bytes, sizes[i]);
        char *data = NULL;
        size_t size = 99;
        Error error = {0};
        assert_true(file_read(arena, scratch_path("data"), sizes[i], &data, &size, &error));
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(data, bytes, size);
        assert_int_equal(data[size], '\0');
        if (sizes[i] == 0)
            continue;
        assert_false(file_read(arena, scratch_path("data"), sizes[i] - 1, &data, &size, &error));
        assert_int_equal(error.code, ERROR_LIMIT);
    }
}

static void
what_cannot_be_read_is_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    char *data = NULL;
    size_t size = 7;
    Error error = {0};
    assert_false(file_read(arena, scratch_path("none"), 100, &data, &size, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "/none: No such file or directory"));
    assert_false(file_read(arena, scratch_path(""), 100, &data, &size, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "is a directory"));
    assert_false(file_read(arena, "/dev/zero", 100000, &data, &size, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_true(data == NULL && size == 7);
}

static void
a_file_is_replaced_with_its_permissions_and_nothing_beside_it(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(file_write_atomic(scratch_path("out"), "first", 5, 0600, &error));
    assert_file_is("out", "first");
    assert_true(file_write_atomic(scratch_path("out"), "", 0, 0644, &error));
    assert_file_is("out", "");
    struct stat status;
    assert_int_equal(stat(scratch_path("out"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_int_equal(scratch_count(), 1);
}

static void
a_failed_write_leaves_nothing_behind(void **state)
{
    (void)state;
    Error error = {0};
    assert_false(file_write_atomic(scratch_path("none/out"), "x", 1, 0600, &error));
    assert_non_null(strstr(error.message, "none/out: No such file or directory"));
    assert_int_equal(mkdir(scratch_path("taken"), 0700), 0);
    assert_false(file_write_atomic(scratch_path("taken"), "x", 1, 0600, &error));
    assert_non_null(strstr(error.message, "taken: Is a directory"));
    assert_int_equal(scratch_count(), 1);
    char longest[PATH_MAX + 10];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_false(file_write_atomic(longest, "x", 1, 0600, &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

static void
a_device_is_written_and_not_replaced(void **state)
{
    (void)state;
    Error error = {0};
    struct stat status;
    assert_true(file_write_atomic("/dev/null", "x", 1, 0600, &error));
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
    assert_false(file_write_atomic("/dev/full", "x", 1, 0600, &error));
    assert_int_equal(error.code, ERROR_DISK_FULL);
    assert_true(error.hint[0] != '\0');
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    int reader = open(scratch_path("pipe"), O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_true(file_write_atomic(scratch_path("pipe"), "through", 7, 0600, &error));
    char bytes[10] = "";
    assert_int_equal(read(reader, bytes, sizeof(bytes)), 7);
    assert_string_equal(bytes, "through");
    close(reader);
}

static void
what_a_symbolic_link_names_is_replaced(void **state)
{
    (void)state;
    Error error = {0};
    struct stat status;
    scratch_write("real", "old", 3);
    assert_int_equal(symlink("real", scratch_path("link")), 0);
    assert_true(file_write_atomic(scratch_path("link"), "new", 3, 0600, &error));
    assert_file_is("real", "new");
    assert_int_equal(lstat(scratch_path("link"), &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(symlink("gone/for/good", scratch_path("dangling")), 0);
    assert_false(file_write_atomic(scratch_path("dangling"), "new", 3, 0600, &error));
    assert_non_null(strstr(error.message, "symbolic link"));
}

/* Reads standard input by "-" and writes it to standard output by "-". */
static bool
copy_standard_input(void)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("copy", (size_t)16 << 20);
    char *data;
    size_t size;
    Error error = {0};
    return file_read(arena, "-", 1 << 20, &data, &size, &error) &&
           file_write_atomic("-", data, size, 0, &error);
}

static void
a_dash_means_the_standard_streams(void **state)
{
    (void)state;
    static char bytes[50000];
    memset(bytes, 'y', sizeof(bytes));
    scratch_write("in", bytes, sizeof(bytes));
    int input = open(scratch_path("in"), O_RDONLY);
    int output = open(scratch_path("out"), O_RDWR | O_CREAT, 0600);
    assert_true(input >= 0 && output >= 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(input, 0);
        dup2(output, 1);
        _exit(copy_standard_input() ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    static char copy[60000];
    assert_int_equal(pread(output, copy, sizeof(copy), 0), sizeof(bytes));
    assert_memory_equal(copy, bytes, sizeof(bytes));
    close(input);
    close(output);
}

static void
directories_are_made_with_their_parents(void **state)
{
    (void)state;
    Error error = {0};
    struct stat status;
    assert_true(directory_make(scratch_path("a/b//c/"), 0700, &error));
    assert_int_equal(stat(scratch_path("a/b/c"), &status), 0);
    assert_true(S_ISDIR(status.st_mode) && (status.st_mode & 0777) == 0700);
    assert_int_equal(chmod(scratch_path("a"), 0711), 0);
    assert_true(directory_make(scratch_path("a"), 0700, &error));
    assert_int_equal(stat(scratch_path("a"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0711);
    assert_true(directory_make("/", 0700, &error));
    scratch_write("file", "", 0);
    assert_false(directory_make(scratch_path("file"), 0700, &error));
    assert_non_null(strstr(error.message, "is not a directory"));
    assert_false(directory_make(scratch_path("file/below"), 0700, &error));
    assert_false(directory_make("", 0700, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    char longest[PATH_MAX + 10];
    memset(longest, '/', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_false(directory_make(longest, 0700, &error));
}

static void
a_tree_is_removed_without_following_links(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(directory_make(scratch_path("tree/deep/deeper"), 0700, &error));
    assert_true(directory_make(scratch_path("outside"), 0700, &error));
    scratch_write("outside/precious", "x", 1);
    scratch_write("tree/deep/file", "x", 1);
    assert_int_equal(symlink("../outside", scratch_path("tree/link")), 0);
    assert_int_equal(symlink("/nowhere", scratch_path("tree/deep/dangling")), 0);
    assert_true(directory_remove(scratch_path("tree"), &error));
    assert_false(file_exists(scratch_path("tree")));
    assert_true(file_exists(scratch_path("outside/precious")));
    assert_int_equal(symlink("outside", scratch_path("alias")), 0);
    assert_true(directory_remove(scratch_path("alias"), &error));
    assert_true(file_exists(scratch_path("outside/precious")));
    assert_int_equal(symlink("/nowhere", scratch_path("dangling")), 0);
    assert_true(directory_remove(scratch_path("dangling"), &error));
    assert_true(directory_remove(scratch_path("missing"), &error));
    assert_true(directory_remove(scratch_path("outside/precious"), &error));
    assert_int_equal(scratch_count(), 1);
}

static void
remove_as_nobody(void *path)
{
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        _exit(2);
    Error error = {0};
    if (directory_remove(path, &error) || strstr(error.message, "Permission denied") == NULL)
        _exit(1);
}

static void
what_may_not_be_removed_is_told(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(directory_make(scratch_path("locked/in"), 0700, &error));
    assert_int_equal(chmod(scratch_path("locked/in"), 0), 0);
    assert_int_equal(chmod(scratch_path(""), 0755), 0);
    assert_int_equal(chmod(scratch_path("locked"), 0555), 0);
    char path[200];
    snprintf(path, sizeof(path), "%s", scratch_path("locked"));
    char words[1000];
    standard_error_of(remove_as_nobody, path, words, sizeof(words));
    assert_int_equal(chmod(scratch_path("locked"), 0755), 0);
    assert_int_equal(chmod(scratch_path("locked/in"), 0755), 0);
}

static void
a_path_is_joined_by_one_slash(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 4096);
    assert_string_equal(path_join(arena, "/a", "b"), "/a/b");
    assert_string_equal(path_join(arena, "/a/", "b"), "/a/b");
    assert_string_equal(path_join(arena, "/", "b"), "/b");
    assert_string_equal(path_join(arena, ".", "b/c"), "./b/c");
}

static void
set_or_unset(const char *name, const char *value)
{
    assert_int_equal(value == NULL ? unsetenv(name) : setenv(name, value, 1), 0);
}

static void
find_data_directory_as_nobody(void *ignored)
{
    (void)ignored;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 4096);
    char *path;
    Error error = {0};
    if (geteuid() == 0 && setuid(NOBODY) != 0)
        _exit(2);
    fputs(path_data_directory(arena, &path, &error) ? path : error.hint, stderr);
}

static void
the_data_directory_is_the_users_own(void **state)
{
    (void)state;
    static const struct {
        const char *own, *shared, *home, *path;
    } cases[] = {{"/mine", "/shared", "/h/x", "/mine"},
                 {NULL, "/shared", "/h/x", "/shared/fettle"},
                 {"", "/shared/", "/h/x", "/shared/fettle"},
                 {NULL, "not/absolute", "/h/x", "/h/x/.local/share/fettle"},
                 {NULL, NULL, "/h/x", "/h/x/.local/share/fettle"},
                 {NULL, NULL, "", "set FETTLE_DATA to a directory of your own"},
                 {NULL, NULL, NULL, "set FETTLE_DATA to a directory of your own"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        set_or_unset("FETTLE_DATA", cases[i].own);
        set_or_unset("XDG_DATA_HOME", cases[i].shared);
        set_or_unset("HOME", cases[i].home);
        char words[1000];
        standard_error_of(find_data_directory_as_nobody, NULL, words, sizeof(words));
        assert_string_equal(words, cases[i].path);
    }
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 4096);
    char *path = NULL;
    Error error = {0};
    if (geteuid() != 0)
        return;
    assert_true(path_data_directory(arena, &path, &error));
    assert_string_equal(path, "/var/lib/fettle");
}

static void
what_is_cleaned_up_is_closed_once(void **state)
{
    (void)state;
    int descriptor = open("/dev/null", O_RDONLY);
    int number = descriptor;
    assert_true(descriptor >= 0);
    descriptor_close_at(&descriptor);
    assert_int_equal(descriptor, -1);
    assert_int_equal(fcntl(number, F_GETFD), -1);
    descriptor_close_at(&descriptor);
    FILE *file = fopen("/dev/null", "r");
    assert_non_null(file);
    file_close_at(&file);
    assert_null(file);
    file_close_at(&file);
    assert_false(file_exists(scratch_path("nothing")));
    assert_true(file_exists(scratch_path("")));
}

int
main(void)
{
#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_file_is_read_to_its_last_byte),
        SCRATCH_TEST(what_cannot_be_read_is_told),
        SCRATCH_TEST(a_file_is_replaced_with_its_permissions_and_nothing_beside_it),
        SCRATCH_TEST(a_failed_write_leaves_nothing_behind),
        SCRATCH_TEST(a_device_is_written_and_not_replaced),
        SCRATCH_TEST(what_a_symbolic_link_names_is_replaced),
        SCRATCH_TEST(a_dash_means_the_standard_streams),
        SCRATCH_TEST(directories_are_made_with_their_parents),
        SCRATCH_TEST(a_tree_is_removed_without_following_links),
        SCRATCH_TEST(what_may_not_be_removed_is_told),
        SCRATCH_TEST(a_path_is_joined_by_one_slash),
        SCRATCH_TEST(the_data_directory_is_the_users_own),
        SCRATCH_TEST(what_is_cleaned_up_is_closed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
