// SPDX-License-Identifier: PostgreSQL
/*
 * SqlCatalog: what name resolution must know of a database, as an interface.
 *
 * The sql floor resolves names against it without knowing where the facts come from; a Snapshot implements it
 * (snapshot/catalog.h), a unit test may use a table in memory.
 */
#ifndef FETTLE_SQL_CATALOG_H
#define FETTLE_SQL_CATALOG_H

#include "base/attributes.h"

typedef struct SqlCatalogColumn {
    const char *name;
    int attnum;            /* > 0 */
    const char *type_name; /* format_type() without modifier: "integer", "text", "jsonb", "text[]" */
    bool is_not_null;
} SqlCatalogColumn;

typedef struct SqlCatalogRelation {
    uint32_t id; /* oid */
    const char *schema;
    const char *name;
    const SqlCatalogColumn *columns; /* live columns in order */
    size_t column_count;
    const char *view_definition; /* the SELECT behind a view; NULL for tables and materialised views */
} SqlCatalogRelation;

typedef struct SqlCatalog {
    void *context;
    /* The relation that schema.name means, or, with schema NULL, name along the search path; NULL when there
     * is none. */
    const SqlCatalogRelation *(*relation_find)(void *context, const char *schema, const char *name);
    /* Volatility of a function by name: 'i', 's' or 'v'; the most volatile when overloaded; 'v' when unknown.
     * May be NULL. */
    char (*function_volatility)(void *context, const char *schema, const char *name);
} SqlCatalog;

#endif
