// SPDX-License-Identifier: PostgreSQL
/*
 * SqlStatement: one SQL text as libpg_query sees it, cleaned, classified, fingerprinted, normalised.
 *
 * Nothing here fails on a bad text: a statement that does not parse (truncated by the server, another
 * dialect, syntax newer than the grammar) is a fact of its own with a reason, so that a workload is analysed
 * whole. The text is hostile: it is capped, comments are blanked before parsing (lengths kept, so locations
 * stay true), and parsing runs on a thread with a stack of its own, so that deep nesting ends as a reason and
 * not as a crash.
 *
 * src/sql is the only folder that knows libpg_query. Thread-safe; results live in the caller's arena.
 */
#ifndef FETTLE_SQL_STATEMENT_H
#define FETTLE_SQL_STATEMENT_H

#include "base/list.h"
#include "base/text.h"

#define SQL_STATEMENT_BYTES_MOST (64 * 1024)

typedef enum SqlKind {
    SQL_KIND_UNPARSED, /* see reason */
    SQL_KIND_SELECT,
    SQL_KIND_INSERT,
    SQL_KIND_UPDATE,
    SQL_KIND_DELETE,
    SQL_KIND_MERGE,
    SQL_KIND_UTILITY, /* anything else: DDL, SET, COPY, BEGIN ... */
} SqlKind;

typedef enum SqlUnparsedReason {
    SQL_REASON_NONE,
    SQL_REASON_EMPTY,     /* only white space and comments */
    SQL_REASON_TOO_LONG,  /* over SQL_STATEMENT_BYTES_MOST */
    SQL_REASON_TOO_DEEP,  /* nesting over the bound */
    SQL_REASON_TRUNCATED, /* the error stands at the end of the text, or a quote is open */
    SQL_REASON_SYNTAX,    /* another dialect, or newer than the grammar */
    SQL_REASON_MULTIPLE,  /* more than one statement */
    SQL_REASON_ENCODING,  /* not UTF-8, or a NUL byte */
} SqlUnparsedReason;

typedef struct SqlStatement SqlStatement;

/* Parses; never NULL. "?" placeholders (as in some drivers' logs) are read as $1, $2 ... */
SqlStatement *sql_statement_parse(Arena *arena, const char *text, size_t length);

SqlKind sql_statement_kind(const SqlStatement *statement);
SqlUnparsedReason sql_statement_reason(const SqlStatement *statement);
/* For people: "the text is cut off after 1,024 bytes", "syntax error at or near \"LIMIT 1, 2\" at byte 45";
 * "" when it parsed. */
const char *sql_statement_reason_text(const SqlStatement *statement);
const char *sql_kind_word(SqlKind kind);

/* The cleaned text that was parsed (comments blanked, placeholders as $n). */
const char *sql_statement_text(const SqlStatement *statement);

/* libpg_query's fingerprint, with the numbers in relations' names, which it leaves out: equal for texts that
 * differ in literals, white space and IN-list lengths only. For an unparsed text: a hash of its tokens with
 * literals removed. Never 0. */
uint64_t sql_statement_fingerprint(const SqlStatement *statement);

/* The text with constants replaced by $n; for unparsed texts the tokens with literals replaced by "?". */
const char *sql_statement_normalized(Arena *arena, const SqlStatement *statement);

/* Highest $n; 0 when there is none. */
int sql_statement_parameter_count(const SqlStatement *statement);

/* True when the statement, or anything in it, writes: DML, DDL, SELECT INTO, FOR UPDATE, data-modifying CTE;
 * true also for what did not parse. */
bool sql_statement_writes(const SqlStatement *statement);

/*
 * Runs work(context), which may call anything of this folder many times, and waits for it. All its calls
 * share one thread with a stack for deep texts, which each would make for itself otherwise. The work runs on
 * that thread: it must hold nothing that belongs to the caller's.
 */
void sql_batch_run(void (*work)(void *context), void *context);

/* Splits a file of statements (";"-separated, comments and quotes understood) into texts. At most limit
 * statements. */
TextList sql_split(Arena *arena, const char *text, size_t length, size_t limit);

#endif
