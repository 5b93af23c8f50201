// SPDX-License-Identifier: PostgreSQL
/*
 * Notices as people read them: one subject and one body of lines for each, which become an e-mail, a message
 * of Slack, or fields beside the data in a webhook's JSON.
 *
 * What is in a payload comes from databases: names, statements, messages that anyone may have chosen. Nothing
 * of it can break out of where it is put:
 *   - every text is valid UTF-8 without control characters, line and paragraph separators, marks that turn
 * the direction of writing, and characters of no width; a run of them is one space; its length is limited;
 *   - a subject is one line; in an e-mail it is an encoded word (RFC 2047) when it is not plain ASCII;
 *   - for Slack "&", "<" and ">" are escaped, so that no link, mention or <!channel> can be made, and markup,
 *     names and previews are off;
 *   - lines of an e-mail have at most 76 columns where words allow it, and 990 bytes in any case.
 *
 * Pure functions over a Notice; all texts are in the arena.
 */
#ifndef FETTLE_WORKFLOW_NOTICE_TEXT_H
#define FETTLE_WORKFLOW_NOTICE_TEXT_H

#include "base/text.h"
#include "store/notice.h"

#define NOTICE_SUBJECT_BYTES 200
#define NOTICE_VALUE_BYTES 2000

typedef struct NoticeText {
    const char *subject;
    const char *body; /* lines, each ended by a newline */
} NoticeText;

/* A payload that cannot be read leaves what is told by event and target alone. */
NoticeText notice_text(Arena *arena, const Notice *notice);

/* A text made harmless as described above; at most bytes_most bytes, "…" where it was cut. */
char *notice_text_clean(Arena *arena, const char *text, size_t bytes_most);

/* The body of a generic webhook's request, and of Slack's. */
char *notice_text_json(Arena *arena, const Notice *notice, const char *message_id);
char *notice_text_slack(Arena *arena, const Notice *notice);

/* An entry of a mailbox (the format "mboxrd"): its line "From ", the message's headers, a blank line, the
 * body, a blank line. Sender and receiver are left to whoever sends it. */
void notice_text_append_mail(Text *text, const Notice *notice);

#endif
