// SPDX-License-Identifier: PostgreSQL
/*
 * SnapshotSections: the raw layer of a snapshot: named tables of texts.
 *
 * Each section has a name, columns and rows of nullable UTF-8 texts, in a fixed order (the reading query's
 * ORDER BY), so that equal databases give equal bytes. The list of sections and their columns is one table in
 * section.c; a section that is absent counts as empty, an unknown section or column (of a later minor format)
 * is kept and ignored.
 */
#ifndef FETTLE_SNAPSHOT_SECTION_H
#define FETTLE_SNAPSHOT_SECTION_H

#include "base/arena.h"
#include "base/error.h"

#define SNAPSHOT_SECTIONS_MOST 64
#define SNAPSHOT_COLUMNS_MOST 64
#define SNAPSHOT_ROWS_MOST 5000000
#define SNAPSHOT_VALUES_MOST 100000000 /* of all sections of a file together */
#define SNAPSHOT_TEXT_BYTES_MOST (64 * 1024 * 1024)

typedef struct SnapshotSection {
    const char *name;
    const char *const *columns;
    size_t column_count;
    const char **values; /* row_count × column_count, row by row; NULL for SQL NULL */
    size_t row_count;
} SnapshotSection;

struct SnapshotSections {
    SnapshotSection *items;
    size_t count;
};

typedef struct SnapshotSections SnapshotSections;

/* NULL when absent. */
const SnapshotSection *snapshot_section_find(const SnapshotSections *sections, const char *name);
int snapshot_section_column(const SnapshotSection *section, const char *name); /* -1 when absent */
const char *snapshot_section_value(const SnapshotSection *section, size_t row,
                                   int column); /* NULL for column -1 */

bool snapshot_sections_equal(const SnapshotSections *a, const SnapshotSections *b);
uint64_t snapshot_section_hash(const SnapshotSection *section);

#endif
