// SPDX-License-Identifier: PostgreSQL
#include "cli/secret_input.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

char *
secret_input_take_argument(Arena *arena, const char *argument)
{
    char *copy = arena_strdup(arena, argument);
    /* what is shown is the memory of argv itself */
    explicit_bzero((char *)argument, strlen(argument));
    return copy;
}

static bool
read_file(Arena *arena, const char *path, char **ret_secret, Error *error)
{
    size_t length;
    char *text;
    if (!file_read(arena, path, SECRET_INPUT_BYTES, &text, &length, error))
        return false;
    text[strcspn(text, "\r\n")] = '\0';
    if (text[0] == '\0')
        return error_set(error, ERROR_INPUT, "there is no password in the first line of %s",
                         strcmp(path, "-") == 0 ? "standard input" : path);
    *ret_secret = text;
    return true;
}

/* Keys until Return; the terminal neither shows them nor makes signals of them. */
static bool
read_keys(int terminal, char line[SECRET_INPUT_BYTES], Error *error)
{
    size_t length = 0;
    for (;;) {
        char key;
        ssize_t count = read(terminal, &key, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 || key == 3 || key == 4)
            return error_set(error, ERROR_CANCELLED, "no password was given");
        if (key == '\n' || key == '\r')
            break;
        if (key == 21)
            length = 0;
        else if (key == 127 || key == 8)
            length -= length > 0 ? 1 : 0;
        else if (length + 1 < SECRET_INPUT_BYTES)
            line[length++] = key;
    }
    line[length] = '\0';
    return true;
}

static bool
ask_once(Arena *arena, int terminal, const char *prompt, char **ret_secret, Error *error)
{
    struct termios before;
    char line[SECRET_INPUT_BYTES];
    if (tcgetattr(terminal, &before) != 0)
        return error_set_errno(error, errno, "could not ask at the terminal");
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    /* first quiet, then asked: whoever answers at once is not shown */
    if (tcsetattr(terminal, TCSAFLUSH, &quiet) != 0 || dprintf(terminal, "%s: ", prompt) < 0)
        return error_set_errno(error, errno, "could not ask at the terminal");
    bool given = read_keys(terminal, line, error);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)dprintf(terminal, "\n");
    if (given)
        *ret_secret = arena_strdup(arena, line);
    explicit_bzero(line, sizeof(line));
    return given;
}

bool
secret_input_read(Arena *arena, const char *path, const char *what, bool twice, char **ret_secret,
                  Error *error)
{
    if (path != NULL)
        return read_file(arena, path, ret_secret, error);
    progress_clear();
    FETTLE_CLEANUP(descriptor_close_at) int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0) {
        error_set(error, ERROR_USAGE, "a password is needed, and there is no terminal to ask at");
        return error_set_hint(error, "give it in a file: --password-file FILE (\"-\" is standard input)");
    }
    char *again = NULL;
    if (!ask_once(arena, terminal, what, ret_secret, error) ||
        (twice && !ask_once(arena, terminal, "once more", &again, error)))
        return false;
    if (twice && strcmp(again, *ret_secret) != 0)
        return error_set(error, ERROR_INPUT, "the two passwords are not the same");
    return (*ret_secret)[0] != '\0' || error_set(error, ERROR_INPUT, "no password was given");
}
