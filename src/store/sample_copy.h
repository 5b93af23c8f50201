// SPDX-License-Identifier: PostgreSQL
/*
 * SampleCopy: values in the server's binary format, built in an arena: rows for COPY ... FROM STDIN (FORMAT
 * binary), or an array for a parameter. Packed samples are bytes: as text they would be twice as long, and
 * the server spends more time on reading such text than on all else. For no other folder.
 *
 *     SampleCopy copy = sample_copy_new(arena);
 *     sample_copy_row(&copy, 3);
 *     sample_copy_int64(&copy, target_id); ...
 *     if (!sample_copy_send(&copy, session, "fettle.sample_blocks (...)", error)) ...
 */
#ifndef FETTLE_STORE_SAMPLE_COPY_H
#define FETTLE_STORE_SAMPLE_COPY_H

#include "base/text.h"
#include "store/sample_internal.h"

/* The server's numbers of types. */
typedef enum SampleArrayType {
    SAMPLE_ARRAY_OF_BYTES = 17,
    SAMPLE_ARRAY_OF_INT64 = 20,
    SAMPLE_ARRAY_OF_INT32 = 23,
    SAMPLE_ARRAY_OF_TIMESTAMPS = 1184,
} SampleArrayType;

typedef struct SampleCopy {
    Text bytes;
    size_t rows;
} SampleCopy;

/* An array of so many values, for a parameter in binary format: the values follow, without rows. */
SampleCopy sample_copy_new_array(Arena *arena, SampleArrayType type, size_t count);

SampleCopy sample_copy_new(Arena *arena);
/* Begins a row; so many values follow. */
void sample_copy_row(SampleCopy *copy, int columns);
void sample_copy_int32(SampleCopy *copy, int32_t value);
void sample_copy_int64(SampleCopy *copy, int64_t value);
void sample_copy_timestamp(SampleCopy *copy, int64_t at_us);
void sample_copy_date(SampleCopy *copy, int64_t at_us);
void sample_copy_bytes(SampleCopy *copy, SampleBytes bytes);

/* Sends the rows; table is its name with its columns. Without rows nothing is sent. May be sent again. */
bool sample_copy_send(SampleCopy *copy, PgConnection *session, const char *table, Error *error)
    FETTLE_MUST_USE;

#endif
