// SPDX-License-Identifier: PostgreSQL
/*
 * What decode.c and decode_relation.c share: reading cells of a section by column name, with fallbacks that
 * are honest (NAN, -1, NULL), and the building snapshot.
 */
#ifndef FETTLE_SNAPSHOT_DECODE_INTERNAL_H
#define FETTLE_SNAPSHOT_DECODE_INTERNAL_H

#include "base/text.h"
#include "snapshot/section.h"
#include "snapshot/snapshot.h"

#include <string.h>

#define DECODE_ATTNUM_MOST 1664

typedef struct Decode {
    Arena *arena;
    const SnapshotSections *sections;
    Snapshot *snapshot;
    Error *error;
} Decode;

/* One row at hand. */
typedef struct DecodeRow {
    const SnapshotSection *section;
    size_t row;
} DecodeRow;

size_t decode_rows(const Decode *decode, const char *section, DecodeRow *ret_row);
const char *decode_text(DecodeRow row, const char *column);
int64_t decode_int(DecodeRow row, const char *column, int64_t fallback);
double decode_double(DecodeRow row, const char *column); /* NAN when absent or not a number */
bool decode_bool(DecodeRow row, const char *column);     /* "t" or "true" */
char decode_char(DecodeRow row, const char *column);     /* first byte, or 0 */
uint32_t decode_id(DecodeRow row, const char *column);   /* 0 when absent or not an OID */

/* Fails with ERROR_DAMAGED, naming section and row. */
bool decode_damaged(const Decode *decode, DecodeRow row, const char *what);

bool decode_relations(Decode *decode);

/* The key of relations_by_name. With its length before it, a dot within a name does not make two names one.
 */
static inline char *
decode_name_key(Arena *arena, const char *schema, const char *name)
{
    return arena_printf(arena, "%zu.%s.%s", strlen(schema), schema, name);
}

#endif
