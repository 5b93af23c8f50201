// SPDX-License-Identifier: PostgreSQL
#include "workflow/notice_text.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#define LINE_COLUMNS 76
#define LINE_BYTES_MOST 990
/* An encoded word has at most 75 characters: "=?UTF-8?B?", 60 of base64, "?=". */
#define WORD_BYTES 45

static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool
is_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            return false;
    /* what looks like an encoded word would be decoded */
    return strstr(text, "=?") == NULL;
}

/* The longest part of at most so many bytes that ends between two characters of UTF-8. */
static size_t
whole_characters(const char *text, size_t bytes_most)
{
    size_t length = strlen(text);
    if (length <= bytes_most)
        return length;
    length = bytes_most;
    while (length > 1 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

/* "Subject: ...", folded (RFC 5322, 2.2.3) where words allow it, or as encoded words (RFC 2047). */
static void
append_subject(Text *text, const char *subject)
{
    text_append(text, "Subject:");
    size_t column = strlen("Subject:");
    while (*subject != '\0' && is_plain(subject)) {
        size_t word = strcspn(subject, " ");
        if (column + 1 + word > LINE_COLUMNS && column > strlen("Subject:")) {
            text_append(text, "\n");
            column = 0;
        }
        text_append_char(text, ' ');
        text_append_bytes(text, subject, word);
        column += 1 + word;
        subject += word + (subject[word] == ' ');
        if (*subject == '\0') {
            text_append_char(text, '\n');
            return;
        }
    }
    for (bool is_first = true; *subject != '\0'; is_first = false) {
        char encoded[sodium_base64_ENCODED_LEN(WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];
        size_t length = whole_characters(subject, WORD_BYTES);
        sodium_bin2base64(encoded, sizeof(encoded), (const unsigned char *)subject, length,
                          sodium_base64_VARIANT_ORIGINAL);
        text_append_format(text, "%s =?UTF-8?B?%s?=", is_first ? "" : "\n", encoded);
        subject += length;
    }
    text_append_char(text, '\n');
}

/* Quoted as "mboxrd" wants it: a line that begins with any number of ">" and "From " gets one more ">". */
static void
append_line(Text *text, const char *line, size_t length)
{
    size_t marks = 0;
    while (marks < length && line[marks] == '>')
        marks++;
    if (length - marks >= strlen("From ") && strncmp(line + marks, "From ", strlen("From ")) == 0)
        text_append_char(text, '>');
    text_append_bytes(text, line, length);
    text_append_char(text, '\n');
}

/* Where a line that is too long ends: at the last space that fits, else at the first one, else in a word. */
static size_t
line_break(const char *line, size_t length)
{
    if (length <= LINE_COLUMNS)
        return length;
    size_t at = LINE_COLUMNS;
    while (at > 0 && line[at] != ' ')
        at--;
    for (size_t next = LINE_COLUMNS; at == 0 && next < length && next < LINE_BYTES_MOST; next++)
        at = line[next] == ' ' ? next : 0;
    if (at > 0)
        return at;
    return length < LINE_BYTES_MOST ? length : whole_characters(line, LINE_BYTES_MOST);
}

static void
append_body(Text *text, const char *body)
{
    for (const char *line = body; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *rest = line;
        do {
            size_t part = line_break(rest, length);
            append_line(text, rest, part);
            rest += part;
            length -= part;
            while (length > 0 && *rest == ' ') {
                rest++;
                length--;
            }
        } while (length > 0);
        line = *rest == '\n' ? rest + 1 : rest;
    }
}

void
notice_text_append_mail(Text *text, const Notice *notice)
{
    NoticeText words = notice_text(text->arena, notice);
    time_t seconds = (time_t)(notice->created_at_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    text_append_format(text, "From fettle %s %s %2d %02d:%02d:%02d %d\n", weekdays[parts.tm_wday],
                       months[parts.tm_mon], parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       parts.tm_year + 1900);
    append_subject(text, words.subject);
    text_append_format(text, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\n", weekdays[parts.tm_wday],
                       parts.tm_mday, months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                       parts.tm_sec);
    text_append_format(text, "Message-ID: <notice.%" PRId64 ".%" PRId64 "@fettle.invalid>\n", notice->id,
                       notice->created_at_us);
    text_append_format(text, "X-Fettle-Event: %s\n", notice->event);
    text_append(text, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
                      "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n");
    append_body(text, words.body);
    text_append_char(text, '\n');
}
