// SPDX-License-Identifier: PostgreSQL
/*
 * A Snapshot as the catalog that the sql floor resolves names against; search_path as the application role
 * has it.
 */
#ifndef FETTLE_SNAPSHOT_CATALOG_H
#define FETTLE_SNAPSHOT_CATALOG_H

#include "snapshot/snapshot.h"
#include "sql/catalog.h"

/* Lives in the arena and as long as the snapshot. */
SqlCatalog snapshot_catalog(Arena *arena, const Snapshot *snapshot);

#endif
