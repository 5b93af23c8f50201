// SPDX-License-Identifier: PostgreSQL
#include "snapshot/section.h"

#include "base/hash.h"
#include "base/text.h"

#include <string.h>

const SnapshotSection *
snapshot_section_find(const SnapshotSections *sections, const char *name)
{
    for (size_t i = 0; i < sections->count; i++)
        if (strcmp(sections->items[i].name, name) == 0)
            return &sections->items[i];
    return NULL;
}

int
snapshot_section_column(const SnapshotSection *section, const char *name)
{
    for (size_t i = 0; section != NULL && i < section->column_count; i++)
        if (strcmp(section->columns[i], name) == 0)
            return (int)i;
    return -1;
}

const char *
snapshot_section_value(const SnapshotSection *section, size_t row, int column)
{
    fettle_assert(section != NULL && row < section->row_count && column < (int)section->column_count);
    return column < 0 ? NULL : section->values[row * section->column_count + (size_t)column];
}

static bool
section_equals(const SnapshotSection *a, const SnapshotSection *b)
{
    if (strcmp(a->name, b->name) != 0 || a->column_count != b->column_count || a->row_count != b->row_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (strcmp(a->columns[i], b->columns[i]) != 0)
            return false;
    for (size_t i = 0; i < a->row_count * a->column_count; i++)
        if (!text_equals(a->values[i], b->values[i]))
            return false;
    return true;
}

bool
snapshot_sections_equal(const SnapshotSections *a, const SnapshotSections *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!section_equals(&a->items[i], &b->items[i]))
            return false;
    return true;
}

uint64_t
snapshot_section_hash(const SnapshotSection *section)
{
    uint64_t hash = hash_text(section->name);
    for (size_t i = 0; i < section->column_count; i++)
        hash = hash_combine(hash, hash_text(section->columns[i]));
    for (size_t i = 0; i < section->row_count * section->column_count; i++)
        hash = hash_combine(hash, section->values[i] == NULL ? 1 : hash_text(section->values[i]));
    return hash;
}
