// SPDX-License-Identifier: PostgreSQL
#include "store/sample_copy.h"

#include <endian.h>
#include <string.h>

/* 2000-01-01 UTC, where PostgreSQL counts from. */
#define EPOCH_US INT64_C(946684800000000)

static const char signature[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and two int32: flags, extension */

static void
copy_append_int16(SampleCopy *copy, int16_t value)
{
    uint16_t sent = htobe16((uint16_t)value);
    text_append_bytes(&copy->bytes, (const char *)&sent, sizeof(sent));
}

static void
copy_append_int32(SampleCopy *copy, int32_t value)
{
    uint32_t sent = htobe32((uint32_t)value);
    text_append_bytes(&copy->bytes, (const char *)&sent, sizeof(sent));
}

SampleCopy
sample_copy_new(Arena *arena)
{
    SampleCopy copy = {.bytes = text_new(arena)};
    text_append_bytes(&copy.bytes, signature, 19);
    return copy;
}

SampleCopy
sample_copy_new_array(Arena *arena, SampleArrayType type, size_t count)
{
    SampleCopy copy = {.bytes = text_new(arena)};
    fettle_assert(count > 0 && count <= INT32_MAX);
    copy_append_int32(&copy, 1); /* dimension */
    copy_append_int32(&copy, 0); /* no NULLs */
    copy_append_int32(&copy, (int32_t)type);
    copy_append_int32(&copy, (int32_t)count);
    copy_append_int32(&copy, 1); /* the first one's number */
    return copy;
}

void
sample_copy_row(SampleCopy *copy, int columns)
{
    copy_append_int16(copy, (int16_t)columns);
    copy->rows++;
}

void
sample_copy_int32(SampleCopy *copy, int32_t value)
{
    copy_append_int32(copy, sizeof(value));
    copy_append_int32(copy, value);
}

void
sample_copy_int64(SampleCopy *copy, int64_t value)
{
    uint64_t sent = htobe64((uint64_t)value);
    copy_append_int32(copy, sizeof(value));
    text_append_bytes(&copy->bytes, (const char *)&sent, sizeof(sent));
}

void
sample_copy_timestamp(SampleCopy *copy, int64_t at_us)
{
    sample_copy_int64(copy, at_us - EPOCH_US);
}

void
sample_copy_date(SampleCopy *copy, int64_t at_us)
{
    int64_t since_us = sample_time_floor(at_us - EPOCH_US, SAMPLE_DAY_US);
    sample_copy_int32(copy, (int32_t)(since_us / SAMPLE_DAY_US));
}

void
sample_copy_bytes(SampleCopy *copy, SampleBytes bytes)
{
    copy_append_int32(copy, (int32_t)bytes.size);
    text_append_bytes(&copy->bytes, (const char *)bytes.data, bytes.size);
}

bool
sample_copy_send(SampleCopy *copy, PgConnection *session, const char *table, Error *error)
{
    if (copy->rows == 0)
        return true;
    char *statement = arena_printf(copy->bytes.arena, "COPY %s FROM STDIN (FORMAT binary)", table);
    size_t length = copy->bytes.length;
    copy_append_int16(copy, -1);
    bool is_good = pg_copy_in_bytes(session, statement, copy->bytes.data, copy->bytes.length, error);
    text_truncate(&copy->bytes, length);
    return is_good;
}
