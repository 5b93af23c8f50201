// SPDX-License-Identifier: PostgreSQL
/*
 * PgResult: the rows of one statement, as text; and the calls that run statements.
 *
 * pg_query() sends exactly one statement by the extended protocol (parameters never in the text), so a second
 * statement smuggled into a text is refused by the server. Results over the row or byte limit are an error
 * (ERROR_LIMIT), not a cut.
 */
#ifndef FETTLE_PG_RESULT_H
#define FETTLE_PG_RESULT_H

#include "pg/connection.h"

typedef struct PgResult PgResult;

typedef struct PgQuery {
    const char *text;
    const char *const *parameters; /* texts, NULL for SQL NULL; NULL when there are none */
    int parameter_count;
    /* NULL: texts. Else parameters are values in the server's binary format, of so many bytes each; at most
     * 16. */
    const int *parameter_lengths;
    /* Ask for the rows in binary format: whole numbers are read by pg_result_int(), arrays of them by
     * pg_result_ints(), times by pg_result_time_us(), bytes by pg_result_bytes(); nothing else can be read
     * from them. */
    bool is_binary;
    /* Parsed once a session, and planned once when that plan is as good as those for the values. The text
     * must outlive the session: it is known by its address. For sessions that no pooler hands about. */
    bool is_prepared;
    Deadline deadline;  /* 0: the connection's statement timeout plus 5 s */
    int64_t rows_most;  /* 0: 10 million */
    int64_t bytes_most; /* 0: 2 GB */
} PgQuery;

bool pg_query(PgConnection *connection, const PgQuery *query, PgResult **ret_result, Error *error)
    FETTLE_MUST_USE;

/* Shorthand without parameters or limits of its own. */
bool pg_query_simple(PgConnection *connection, const char *text, PgResult **ret_result, Error *error)
    FETTLE_MUST_USE;

/* A statement whose rows do not matter. */
bool pg_execute(PgConnection *connection, const char *text, Error *error) FETTLE_MUST_USE;
bool pg_execute_parameters(PgConnection *connection, const char *text, const char *const *parameters,
                           int parameter_count, Error *error) FETTLE_MUST_USE;

/* Several statements in one simple-protocol round trip, for our own texts only; the last row-returning
 * statement's rows, *ret_result may be NULL when not wanted. A semicolon, a comment or an open quote in
 * foreign words would make other statements of the script. So there are none in it but quoted names and
 * literals, a text that was parsed to be one statement (explain.c), and indexes whose texts were scanned for
 * all of these (index_text_is_whole() of whatif). Of a script that cannot be parsed nothing is run. */
bool pg_execute_script(PgConnection *connection, const char *text, PgResult **ret_result, Error *error)
    FETTLE_MUST_USE;

/* BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY, and its end (ROLLBACK; also right after a failed
 * statement). */
bool pg_transaction_begin_read_only(PgConnection *connection, Error *error) FETTLE_MUST_USE;
bool pg_transaction_end(PgConnection *connection, Error *error) FETTLE_MUST_USE;

/* COPY table FROM STDIN in text format: rows × columns of texts (NULL for SQL NULL). copy_text is the COPY
 * statement. */
bool pg_copy_in(PgConnection *connection, const char *copy_text, const char *const *values, size_t row_count,
                int column_count, Error *error) FETTLE_MUST_USE;

/* COPY FROM STDIN of bytes that are rows already, in the format that copy_text names. */
bool pg_copy_in_bytes(PgConnection *connection, const char *copy_text, const char *data, size_t size,
                      Error *error) FETTLE_MUST_USE;

/* COPY as a stream of bytes in whatever format the statement says, for what is larger than memory. */

/* What a COPY TO STDOUT sends, piece by piece; false from take ends it with take's error. */
typedef bool PgCopyTake(void *context, const char *data, size_t length, Error *error);
bool pg_copy_out(PgConnection *connection, const char *copy_text, PgCopyTake *take, void *context,
                 Error *error) FETTLE_MUST_USE;

/* What a COPY FROM STDIN gets: give fills the buffer, *ret_length 0 is the end; false ends the statement with
 * give's error, and nothing of it stays. */
typedef bool PgCopyGive(void *context, char *buffer, size_t size, size_t *ret_length, Error *error);
bool pg_copy_in_stream(PgConnection *connection, const char *copy_text, PgCopyGive *give, void *context,
                       Error *error) FETTLE_MUST_USE;

void pg_result_free(PgResult *result); /* NULL is allowed */
void pg_result_free_at(PgResult **result);

int64_t pg_result_rows(const PgResult *result);
int pg_result_columns(const PgResult *result);
const char *pg_result_column_name(const PgResult *result, int column);
int pg_result_column_find(const PgResult *result, const char *name); /* -1 when absent */
uint32_t pg_result_column_type(const PgResult *result, int column);  /* type oid */

/* The value as text; NULL for SQL NULL. Lives as long as the result. row and column must exist. */
const char *pg_result_text(const PgResult *result, int64_t row, int column);
size_t pg_result_length(const PgResult *result, int64_t row, int column);
/* The number, or the fallback for NULL and for what is not one. */
/* A timestamptz or a date (its midnight, UTC) that was asked for in binary format, in microseconds since
 * 1970; 0 for SQL NULL and for anything else. */
int64_t pg_result_time_us(const PgResult *result, int64_t row, int column);
/* The bytes of a bytea that was asked for in binary format; NULL for SQL NULL, and when it was not. */
const uint8_t *pg_result_bytes(const PgResult *result, int64_t row, int column, size_t *ret_size);
/* The items of an array of whole numbers or of timestamptz (then as by pg_result_time_us()) that was asked
 * for in binary format, in the arena; false for SQL NULL, for NULLs in it, and for anything else. */
bool pg_result_ints(const PgResult *result, int64_t row, int column, Arena *arena, int64_t **ret_items,
                    size_t *ret_count) FETTLE_MUST_USE;
int64_t pg_result_int(const PgResult *result, int64_t row, int column, int64_t fallback);
double pg_result_double(const PgResult *result, int64_t row, int column, double fallback);
bool pg_result_bool(const PgResult *result, int64_t row, int column); /* "t" */

#endif
