// SPDX-License-Identifier: PostgreSQL
#include "snapshot/catalog.h"

#include "base/text.h"

#include <string.h>

typedef struct CatalogContext {
    Arena *arena;
    const Snapshot *snapshot;
    TextList path;
    Map *relations; /* by id: SqlCatalogRelation, made when first asked for */
} CatalogContext;

/* Splits a search_path into schema names; "$user" becomes the application role. */
static TextList
search_path_split(Arena *arena, const Snapshot *snapshot)
{
    TextList path = {0};
    Text name = text_new(arena);
    bool quoted = false;
    for (const char *at = snapshot->search_path;; at++) {
        bool ends = *at == '\0' || (*at == ',' && !quoted);
        if (ends && name.length > 0) {
            bool is_user = text_equals(name.data, "$user");
            const char *schema = is_user ? snapshot->application_role : name.data;
            if (schema != NULL)
                vector_push(arena, &path, schema);
            name = text_new(arena);
        }
        if (*at == '\0')
            break;
        if (*at == '"')
            quoted = !quoted;
        else if (!ends && (quoted || *at != ' '))
            text_append_char(&name, *at);
    }
    return path;
}

static const SqlCatalogRelation *
catalog_relation(CatalogContext *context, const SnapshotRelation *relation)
{
    SqlCatalogRelation *made = map_get_id(context->relations, relation->id);
    if (made != NULL)
        return made;
    SqlCatalogColumn *columns = ARENA_NEW_ARRAY(context->arena, SqlCatalogColumn, relation->column_count);
    size_t count = 0;
    for (size_t i = 0; i < relation->column_count; i++) {
        const SnapshotColumn *column = &relation->columns[i];
        if (!column->is_dropped)
            columns[count++] = (SqlCatalogColumn){.name = column->name,
                                                  .attnum = column->attnum,
                                                  .type_name = column->base_type != NULL ? column->base_type
                                                                                         : column->type_name,
                                                  .is_not_null = column->is_not_null};
    }
    made = ARENA_NEW(context->arena, SqlCatalogRelation);
    *made = (SqlCatalogRelation){.id = relation->id,
                                 .schema = relation->schema,
                                 .name = relation->name,
                                 .columns = columns,
                                 .column_count = count,
                                 .view_definition = relation->kind == 'v' ? relation->view_definition : NULL};
    map_put_id(context->relations, relation->id, made);
    return made;
}

static const SqlCatalogRelation *
catalog_relation_find(void *opaque, const char *schema, const char *name)
{
    CatalogContext *context = opaque;
    const SnapshotRelation *relation = NULL;
    if (schema != NULL)
        relation = snapshot_relation_named(context->snapshot, schema, name);
    for (size_t i = 0; schema == NULL && relation == NULL && i < context->path.count; i++)
        relation = snapshot_relation_named(context->snapshot, context->path.items[i], name);
    return relation == NULL ? NULL : catalog_relation(context, relation);
}

static char
catalog_function_volatility(void *opaque, const char *schema, const char *name)
{
    /* Built-in functions that statements compare columns through; all of these are immutable for every
     * overload. */
    static const char *const immutable[] = {"abs",
                                            "btrim",
                                            "ceil",
                                            "floor",
                                            "initcap",
                                            "left",
                                            "length",
                                            "lower",
                                            "ltrim",
                                            "md5",
                                            "mod",
                                            "replace",
                                            "reverse",
                                            "right",
                                            "round",
                                            "rtrim",
                                            "substr",
                                            "substring",
                                            "trunc",
                                            "upper",
                                            "strpos",
                                            "translate",
                                            "jsonb_extract_path_text"};
    const CatalogContext *context = opaque;
    char found = 0;
    for (size_t i = 0; i < context->snapshot->object_count; i++) {
        const SnapshotObject *object = &context->snapshot->objects[i];
        if (object->kind != SNAPSHOT_OBJECT_FUNCTION || strcmp(object->name, name) != 0 ||
            (schema != NULL && strcmp(object->schema, schema) != 0))
            continue;
        /* 'i' < 's' < 'v': the most volatile of the overloads. */
        if (object->volatility > found)
            found = object->volatility;
    }
    if (found != 0)
        return found;
    for (size_t i = 0; i < FETTLE_COUNT_OF(immutable); i++)
        if (strcmp(immutable[i], name) == 0)
            return 'i';
    return 'v';
}

SqlCatalog
snapshot_catalog(Arena *arena, const Snapshot *snapshot)
{
    CatalogContext *context = ARENA_NEW(arena, CatalogContext);
    context->arena = arena;
    context->snapshot = snapshot;
    context->path = search_path_split(arena, snapshot);
    context->relations = map_new(arena);
    return (SqlCatalog){.context = context,
                        .relation_find = catalog_relation_find,
                        .function_volatility = catalog_function_volatility};
}
