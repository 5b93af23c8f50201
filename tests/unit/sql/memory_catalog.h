// SPDX-License-Identifier: PostgreSQL
/*
 * A SqlCatalog in memory for tests and fuzzing: a small shop (customers, orders, items, products, events),
 * two views on it, a schema "archive" that is not on the search path, and awkward names.
 */
#ifndef FETTLE_TESTS_SQL_MEMORY_CATALOG_H
#define FETTLE_TESTS_SQL_MEMORY_CATALOG_H

#include "sql/catalog.h"

SqlCatalog memory_catalog(void);

#endif
