// SPDX-License-Identifier: PostgreSQL
#include "base/file.h"
#include "cli/cli.h"
#include "cli/top_frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

extern const CliVerb cli_verb_top;

#define FRAME_BYTES ((size_t)256 * 1024 * 1024)
#define PLAIN_ROWS 20
#define PLAIN_COLUMNS 160
#define HEAD_LINES 7
#define TIME_LEAST_MS 1000
#define TIME_MOST_MS ((int64_t)31 * 24 * 3600 * 1000)

static const CliOption top_options[] = {
    {"window", 'w', "TIME", "what the statements did in so long, up to now: 5min (default), 1h, 1d"},
    {"sort", 's', "ORDER", "time (default), calls, io, mean, rows, temp or wal"},
    {"database", 'd', "NAME", "only the statements of one database"},
    {"interval", 'i', "TIME", "time between two drawings (default: 5s)"},
    {"rows", 'n', "N", "statements to show (default: what fits, or 20)"},
    {"once", '1', NULL, "draw once and end; so it is too when the output is no terminal"},
    {"json", 0, NULL, "once, as JSON"},
    {NULL, 0, NULL, NULL},
};

typedef struct TopView {
    CliInput *input;
    Store *store;
    TopQuestion question;
    int64_t interval_ms;
    bool has_rows; /* told by --rows; else what fits */
} TopView;

static bool
time_option(const CliInput *input, const char *name, int64_t standard_ms, int64_t *ret_ms, Error *error)
{
    const char *text = cli_option(input, name);
    *ret_ms = standard_ms;
    if (text == NULL ||
        (setting_duration_parse(text, ret_ms) && *ret_ms >= TIME_LEAST_MS && *ret_ms <= TIME_MOST_MS))
        return true;
    error_set(error, ERROR_USAGE, "--%s: \"%.40s\" is not a time between 1s and 31d", name, text);
    return error_set_hint(error, "give a time such as 30s, 5min or 1h");
}

static bool
order_option(const CliInput *input, size_t *ret_order, Error *error)
{
    const char *word = cli_option(input, "sort");
    *ret_order = 0;
    while (word != NULL && top_orders[*ret_order].word != NULL &&
           strcmp(top_orders[*ret_order].word, word) != 0)
        (*ret_order)++;
    if (top_orders[*ret_order].word != NULL)
        return true;
    error_set(error, ERROR_USAGE, "\"%.40s\" is not an order", word);
    return error_set_hint(error, "it is time, calls, io, mean, rows, temp or wal");
}

static bool
rows_option(TopView *view, Error *error)
{
    const char *text = cli_option(view->input, "rows");
    int64_t rows = PLAIN_ROWS;
    view->has_rows = text != NULL;
    if (text != NULL && (!text_parse_int64(text, &rows) || rows < 1 || rows > TOP_ROWS_MOST))
        return error_set(error, ERROR_USAGE, "--rows takes a whole number from 1 to %d", TOP_ROWS_MOST);
    view->question.rows = (size_t)rows;
    return true;
}

/* The target that is named, by name or number, or the only one there is. */
static bool
target_choose(TopView *view, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Arena *arena = view->input->arena;
    const char *named = view->input->argument_count > 0 ? view->input->arguments[0] : NULL;
    Target target;
    TargetList list;
    if (!store_session_take(view->store, 0, &session, error))
        return false;
    if (named != NULL && !text_parse_int64(named, &view->question.target_id)) {
        if (!target_find(session.connection, arena, named, &target, error))
            return false;
        view->question.target_id = target.target_id;
    }
    if (named != NULL)
        return true;
    if (!target_list(session.connection, arena, &list, error))
        return false;
    if (list.count == 1) {
        view->question.target_id = list.items[0].target_id;
        return true;
    }
    error_set(error, ERROR_USAGE,
              list.count == 0 ? "there is no target yet" : "there are several targets: name one");
    return error_set_hint(error, list.count == 0 ? "add one with \"fettle target add\""
                                                 : "\"fettle target list\" shows them");
}

static void
terminal_size(size_t *ret_columns, size_t *ret_lines)
{
    struct winsize size = {0};
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *ret_columns = is_known ? size.ws_col : PLAIN_COLUMNS;
    *ret_lines = is_known ? size.ws_row : PLAIN_ROWS + HEAD_LINES;
}

static bool
draw_once(TopView *view, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("top", FRAME_BYTES);
    TopFrame frame;
    if (!top_frame_read(view->store, arena, &view->question, &frame, error))
        return false;
    bool as_json = cli_option(view->input, "json") != NULL;
    const char *text =
        as_json ? top_frame_json(arena, &frame) : top_frame_text(arena, &frame, PLAIN_COLUMNS, false);
    return cli_write(view->input, text, strlen(text), error);
}

/* Home, each line to its end, the rest of the screen: no flicker, and nothing left of a longer drawing. */
static bool
draw_live(TopView *view, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("top", FRAME_BYTES);
    size_t columns;
    size_t lines;
    TopFrame frame;
    terminal_size(&columns, &lines);
    if (!view->has_rows)
        view->question.rows = lines > HEAD_LINES + 1 ? lines - HEAD_LINES : 1;
    if (view->question.rows > TOP_ROWS_MOST)
        view->question.rows = TOP_ROWS_MOST;
    if (!top_frame_read(view->store, arena, &view->question, &frame, error))
        return false;
    Text screen = text_new(arena);
    text_append(&screen, "\033[H");
    for (const char *at = top_frame_text(arena, &frame, columns, true); *at != '\0'; at++)
        text_append(&screen, *at == '\n' ? "\033[K\n" : (char[]){*at, '\0'});
    text_append(&screen, "\033[J");
    return file_write_atomic("-", screen.data, screen.length, 0, error);
}

static void
window_change(TopView *view, bool is_longer)
{
    int64_t window_ms = is_longer ? view->question.window_ms * 2 : view->question.window_ms / 2;
    if (window_ms >= TIME_LEAST_MS && window_ms <= TIME_MOST_MS)
        view->question.window_ms = window_ms;
}

/* Waits for a key or the next drawing; false: quit. */
static bool
key_wait(TopView *view)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, (int)view->interval_ms) <= 0)
        return true;
    char key = 0;
    if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' || key == 3 || key == 27)
        return false;
    if (key == '+' || key == '-')
        window_change(view, key == '+');
    for (size_t i = 0; top_orders[i].word != NULL; i++)
        if (top_orders[i].key == key)
            view->question.order = i;
    return true;
}

static void
terminal_restore(const struct termios *before)
{
    static const char leave[] = "\033[?25h\033[?1049l";
    tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
    ssize_t ignored = write(STDOUT_FILENO, leave, sizeof(leave) - 1);
    (void)ignored;
}

static bool
live_draw(TopView *view, Error *error)
{
    static const char enter[] = "\033[?1049h\033[?25l";
    if (!file_write_atomic("-", enter, sizeof(enter) - 1, 0, error))
        return false;
    do {
        if (!draw_live(view, error))
            return false;
    } while (key_wait(view));
    return true;
}

/* Keys come one by one and unseen, Ctrl-C too, so that the terminal is always given back as it was. */
static bool
live(TopView *view, Error *error)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return error_set_errno(error, errno, "could not read the terminal's state");
    struct termios now = before;
    now.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) != 0)
        return error_set_errno(error, errno, "could not set the terminal");
    bool good = live_draw(view, error);
    terminal_restore(&before);
    return good;
}

static bool
top_run(CliInput *input, int *ret_exit_status, Error *error)
{
    TopView view = {.input = input, .question = {.database = cli_option(input, "database")}};
    FETTLE_CLEANUP(store_close_at) Store *store = NULL;
    if (!time_option(input, "window", 300000, &view.question.window_ms, error) ||
        !time_option(input, "interval", 5000, &view.interval_ms, error) ||
        !order_option(input, &view.question.order, error) || !rows_option(&view, error) ||
        !store_open(&(StoreOptions){.settings = input->settings, .access = STORE_ACCESS_ANY}, &store, error))
        return false;
    view.store = store;
    bool is_live = cli_option(input, "once") == NULL && cli_option(input, "json") == NULL &&
                   isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    *ret_exit_status = CLI_EXIT_NOTHING;
    return target_choose(&view, error) && (is_live ? live(&view, error) : draw_once(&view, error));
}

const CliVerb cli_verb_top = {
    .name = "top",
    .arguments = "[TARGET]",
    .arguments_most = 1,
    .summary = "what a target's statements are doing, live, from the store",
    .description =
        "Shows the statements of a target that took the most time (calls, IO ...) in the last minutes, as "
        "the\n"
        "running \"fettle serve\" collects them; nothing is asked of the target itself. On a terminal it is\n"
        "drawn again and again; q ends it. TARGET is a name or number of \"fettle target list\"; it may be\n"
        "left out when there is only one.",
    .examples = "  fettle top\n"
                "  fettle top shop --window 1h --sort io\n"
                "  fettle top shop --once --rows 5\n"
                "  fettle top shop --json | jq '.queries[0]'\n",
    .options = top_options,
    .run = top_run,
};
