// SPDX-License-Identifier: PostgreSQL
/*
 * The command line: its words, its help, its completion, and the session that verbs begin with.
 */
#include "../death.h"
#include "../scratch.h"

#include "base/file.h"
#include "base/process.h"
#include "cli/cli.h"
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MOST 8

static void
run_main(void *words)
{
    char **arguments = words;
    int count = 0;
    while (arguments[count] != NULL)
        count++;
    fflush(NULL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    int status = cli_main(count, arguments);
    fflush(NULL);
    fprintf(stderr, "[%d]", status);
}

/* What the program says, and its exit status in brackets at the end. */
static const char *
said(const char *const *words)
{
    static char output[100000];
    const char *arguments[WORDS_MOST + 2] = {"fettle"};
    for (size_t i = 0; i < WORDS_MOST && words[i] != NULL; i++)
        arguments[i + 1] = words[i];
    standard_error_of(run_main, (void *)arguments, output, sizeof(output));
    return output;
}

static void
a_wrong_word_is_told_in_one_line_with_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MOST];
        const char *message;
        int status;
    } cases[] = {
        {{"advize"}, "unknown verb \"advize\"", 2},
        {{"--fast"}, "unknown option \"--fast\"", 2},
        {{"advise", "--fast"}, "unknown option \"--fast\"", 2},
        {{"advise", "-Z"}, "unknown option \"-Z\"", 2},
        {{"advise", "-qq"}, "unknown option \"-qq\"", 2},
        {{"advise", "--"}, "", -1},
        {{"snapshot", "a", "--output"}, "option --output needs a value", 2},
        {{"advise", "a", "--quiet=yes"}, "option --quiet takes no value", 2},
        {{"advise", "a", "b"}, "too many arguments", 2},
        {{"version", "--set", "x"}, "--set needs NAME=VALUE", 2},
        {{"version", "--set", "no.such=1"}, "there is no setting called \"no.such\"", 3},
        {{"version", "--set=target.deadline=soon"}, "\"soon\" is not a value for target.deadline", 3},
        {{"version", "--config", "/no/such/file"}, "could not open /no/such/file", 4},
        {{"help", "nosuch"}, "nosuch", 2}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *output = said(cases[i].words);
        if (cases[i].status < 0)
            continue;
        char ending[16];
        snprintf(ending, sizeof(ending), "\n[%d]", cases[i].status);
        const char *hint = strstr(output, "\nhint: ");
        if (strncmp(output, "fettle: ", 8) != 0 || hint == NULL || strstr(output, cases[i].message) == NULL ||
            strcmp(output + strlen(output) - strlen(ending), ending) != 0)
            fail_msg("%s %s: %s", cases[i].words[0], cases[i].words[1], output);
        assert_ptr_equal(strchr(output, '\n'), hint);
    }
}

static void
no_word_of_a_secret_is_repeated(void **state)
{
    (void)state;
    static const char *const cases[][WORDS_MOST] = {
        {"postgres://me:s3cr3t@h/d"},
        {"host=h password=s3cr3t"},
        {"advise", "--dsn=postgres://me:s3cr3t@h/d"},
        {"advise", "--password=s3cr3t"},
        {"advise", "a", "postgres://me:s3cr3t@h/d"},
        {"advise", "postgres://me:s3cr3t"},
        {"index", "postgres://me:s3cr3t@h/d"},
        {"twin", " postgresql://me:s3cr3t@h/d?a-name-that-is-so-long-that-a-message-cuts-it"},
        {"help", "host=h password=s3cr3t"},
        {"apply", "postgres://me:s3cr3t@h/d"},
        {"advise", "--time", "postgres://me:s3cr3t@h/d"},
        {"advise", "postgres://me:s3cr3t@s3cr3t@h/d"},
        {"version", "--set", "store.url postgres://me:s3cr3t@h/d"},
        {"version", "--set", "store.ulr=postgres://me:s3cr3t@h/d"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *output = said(cases[i]);
        if (strstr(output, "s3cr3t") != NULL)
            fail_msg("%s", output);
        assert_int_equal(strncmp(output, "fettle: ", 8), 0);
    }
}

static void
help_is_given_wherever_it_is_asked_for(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    static const char *const asked[][WORDS_MOST] = {{NULL}, {"help"}, {"--help"}, {"-h"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(asked); i++)
        assert_string_equal(said(asked[i]), arena_printf(arena, "%s[0]", cli_help_overview(arena)));
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++) {
        const char *const forms[][WORDS_MOST] = {
            {"help", (*verb)->name}, {(*verb)->name, "--help"}, {(*verb)->name, "x", "-h"}};
        for (size_t i = 0; i < FETTLE_COUNT_OF(forms) - ((*verb)->arguments_most == 0); i++)
            assert_string_equal(said(forms[i]), arena_printf(arena, "%s[0]", cli_help_verb(arena, *verb)));
    }
    static const char *const version[] = {"--version", NULL};
    assert_non_null(strstr(said(version), FETTLE_VERSION));
}

static void
the_verb_table_is_consistent_and_its_help_complete(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const char *overview = cli_help_overview(arena), *man = cli_man_page(arena),
               *completion = cli_completion_bash(arena);
    for (const CliVerb *const *verb = cli_verbs; *verb != NULL; verb++) {
        assert_ptr_equal(cli_verb_find((*verb)->name), *verb);
        assert_true((*verb)->arguments_least <= (*verb)->arguments_most &&
                    (*verb)->arguments_most <= CLI_ARGUMENTS_MOST);
        assert_non_null(strstr(overview, (*verb)->summary));
        assert_non_null(strstr(man, arena_printf(arena, ".SS fettle %s ", (*verb)->name)));
        assert_non_null(strstr(completion, arena_printf(arena, "        %s) ", (*verb)->name)));
        const char *help = cli_help_verb(arena, *verb);
        size_t count = 0;
        for (; (*verb)->options != NULL && (*verb)->options[count].name != NULL; count++) {
            const CliOption *option = &(*verb)->options[count];
            assert_non_null(strstr(help, arena_printf(arena, "--%s", option->name)));
            assert_non_null(strstr(help, option->help));
            for (size_t k = 0; k < count; k++) {
                assert_string_not_equal(option->name, (*verb)->options[k].name);
                assert_true(option->letter == 0 || option->letter != (*verb)->options[k].letter);
            }
            for (size_t k = 0; cli_common_options[k].name != NULL; k++)
                assert_string_not_equal(option->name, cli_common_options[k].name);
        }
        assert_true(count <= CLI_OPTIONS_MOST);
    }
    assert_null(cli_verb_find("nosuch"));
    assert_null(cli_verb_find(""));
    const char *settings = cli_help_settings(arena);
    for (int id = 0; id < SETTING_COUNT; id++) {
        assert_non_null(strstr(settings, setting_info((SettingId)id)->name));
        assert_non_null(strstr(settings, setting_info((SettingId)id)->documentation));
        assert_non_null(strstr(man, setting_info((SettingId)id)->name));
    }
}

static void
the_man_page_has_only_macros_that_it_means(void **state)
{
    (void)state;
    static const char *const macros[] = {".TH ", ".SH ", ".SS ", ".TP", ".B ", ".PP", ".nf", ".fi"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    for (const char *line = cli_man_page(arena); *line != '\0'; line += strcspn(line, "\n") + 1) {
        bool is_known = line[0] != '.' && line[0] != '\'';
        for (size_t i = 0; i < FETTLE_COUNT_OF(macros); i++)
            is_known = is_known || text_starts_with(line, macros[i]);
        if (!is_known)
            fail_msg("%.60s", line);
    }
}

/* bash itself completes. */
static void
the_shell_completes_verbs_and_options(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int at;
        const char *wanted;
    } cases[] = {{"fettle adv", 1, "advise\n"},
                 {"fettle advise --quie", 2, "--quiet\n"},
                 {"fettle nosuchverb", 1, ""},
                 {"fettle snapshot --outp", 2, "--output\n"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const char *completion = cli_completion_bash(arena);
    scratch_write("completion", completion, strlen(completion));
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *script = arena_printf(
            arena, ". %s; COMP_WORDS=(%s); COMP_CWORD=%d; _fettle; printf '%%s\\n' ${COMPREPLY[@]}",
            scratch_path("completion"), cases[i].words, cases[i].at);
        const char *arguments[] = {"bash", "--norc", "-c", script, NULL};
        ProcessResult result;
        Error error = {0};
        assert_true(process_run(
            arena, &(ProcessOptions){.arguments = arguments, .deadline = deadline_after_ms(60000)}, &result,
            &error));
        assert_int_equal(result.exit_status, 0);
        assert_string_equal(result.output[0] == '\n' ? result.output + 1 : result.output, cases[i].wanted);
    }
}

static CliInput
input_of(Arena *arena, const char *verb, const char *argument)
{
    CliInput input = {
        .arena = arena, .settings = settings_new(arena), .verb = cli_verb_find(verb), .is_quiet = true};
    input.arguments[0] = argument;
    input.argument_count = argument != NULL;
    return input;
}

static void
a_duration_is_the_options_within_the_settings_limits_or_the_settings(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    CliInput input = input_of(arena, "advise", "x");
    Error error = {0};
    int64_t ms;
    assert_true(cli_option_duration(&input, "time", SETTING_ADVISE_TIME, &ms, &error));
    assert_int_equal(ms, 6000);
    const char *const *place = cli_option_place(&input, "time");
    assert_null(cli_option_place(&input, "nosuch"));
    input.options[place - input.options] = "2min";
    assert_true(cli_option_duration(&input, "time", SETTING_ADVISE_TIME, &ms, &error));
    assert_int_equal(ms, 120000);
    input.options[place - input.options] = "10ms";
    assert_false(cli_option_duration(&input, "time", SETTING_ADVISE_TIME, &ms, &error));
    assert_int_equal(strncmp(error.message, "--time", 6), 0);
}

static void
ask_for_no_option(void *input)
{
    (void)cli_option(input, "nosuch");
}

static void
a_verb_reads_its_options_and_writes_its_output(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    CliInput input = input_of(arena, "snapshot", "x");
    assert_null(cli_option(&input, "output"));
    for (size_t i = 0; input.verb->options[i].name != NULL; i++)
        if (strcmp(input.verb->options[i].name, "output") == 0)
            input.options[i] = arena_strdup(arena, scratch_path("out"));
    assert_string_equal(cli_option(&input, "output"), scratch_path("out"));
    assert_dies(ask_for_no_option, &input, "verb's table");
    Error error = {0};
    assert_true(cli_write(&input, "words", 5, &error));
    char *data;
    size_t size;
    assert_true(file_read(arena, scratch_path("out"), 100, &data, &size, &error));
    assert_string_equal(data, "words");
}

static void
a_session_without_or_with_a_bad_target_is_refused(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    unsetenv("FETTLE_TARGET");
    scratch_write("damaged.fettle", "FETTLESNx", 9);
    const struct {
        const char *argument;
        ErrorCode code;
    } cases[] = {{NULL, ERROR_USAGE},
                 {"/no/such.fettle", ERROR_NOT_FOUND},
                 {arena_strdup(arena, scratch_path("damaged.fettle")), ERROR_DAMAGED},
                 {"host=/no/such/place dbname=x", ERROR_CONNECTION},
                 {"postgres://me:p@ss@h/d", ERROR_USAGE}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(session_close_at) CliSession session = {0};
        CliInput input = input_of(arena, "advise", cases[i].argument);
        Error error = {0};
        assert_false(session_read(&input, &session, &error));
        if (error.code != cases[i].code)
            fail_msg("%s: %s", cases[i].argument, error.message);
        assert_true(session.target == NULL && session.snapshot == NULL);
    }
    CliSession none = {0};
    CliInput input = input_of(arena, "doctor", "host=/no/such/place");
    Error error = {0};
    assert_false(session_open_target(&input, &none, &error));
    assert_int_equal(error.code, ERROR_CONNECTION);
    session_close(&none);
    session_progress(NULL, "step", 1, 2); /* no terminal: nothing is drawn */
}

static void
a_word_with_a_password_is_told_from_a_name(void **state)
{
    (void)state;
    static const char *const secrets[] = {"postgres://u:p@h/d", "mysql://u:p@h", "host=h password=p",
                                          "PASSWORD = p", "postgres://h/d"};
    static const char *const names[] = {"status=open", "password", "a://b", "idx@1", "", "host=h"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(secrets); i++)
        assert_true(cli_has_secret(secrets[i]));
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        assert_false(cli_has_secret(names[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_word_is_told_in_one_line_with_a_hint),
        cmocka_unit_test(no_word_of_a_secret_is_repeated),
        cmocka_unit_test(a_word_with_a_password_is_told_from_a_name),
        cmocka_unit_test(help_is_given_wherever_it_is_asked_for),
        cmocka_unit_test(the_verb_table_is_consistent_and_its_help_complete),
        cmocka_unit_test(the_man_page_has_only_macros_that_it_means),
        cmocka_unit_test_setup_teardown(the_shell_completes_verbs_and_options, scratch_make, scratch_remove),
        cmocka_unit_test(a_duration_is_the_options_within_the_settings_limits_or_the_settings),
        cmocka_unit_test_setup_teardown(a_verb_reads_its_options_and_writes_its_output, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(a_session_without_or_with_a_bad_target_is_refused, scratch_make,
                                        scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
