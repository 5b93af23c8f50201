// SPDX-License-Identifier: PostgreSQL
#include "snapshot/catalog.h"

#include "base/text.h"

#include <string.h>

typedef struct CatalogContext {
    Arena *arena;
    const Snapshot *snapshot;
    TextList path;
    Map *relations; /* by id: SqlCatalogRelation, made when first asked for */
    Map *functions; /* by function_key(): the most volatile of the overloads, as a text of one character */
} CatalogContext;

static bool
is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r' ||
           character == '\f';
}

/* One name of a list: quoted as it stands, with "" for a quote; otherwise in lower case. Ends behind the
 * name. */
static const char *
path_name(Arena *arena, const char **at)
{
    Text name = text_new(arena);
    const char *from = *at;
    bool is_quoted = *from == '"';
    from += is_quoted;
    while (*from != '\0' && (is_quoted || (*from != ',' && !is_blank(*from)))) {
        if (is_quoted && *from == '"' && *++from != '"')
            break;
        bool is_upper = !is_quoted && *from >= 'A' && *from <= 'Z';
        text_append_char(&name, is_upper ? (char)(*from + ('a' - 'A')) : *from);
        from++;
    }
    *at = from;
    return name.data;
}

/* The schemas of a search_path, read as the server reads it; "$user" becomes the application role. */
static TextList
search_path_split(Arena *arena, const Snapshot *snapshot)
{
    TextList path = {0};
    for (const char *at = snapshot->search_path; *at != '\0';) {
        if (is_blank(*at) || *at == ',') {
            at++;
            continue;
        }
        const char *name = path_name(arena, &at);
        const char *schema = text_equals(name, "$user") ? snapshot->application_role : name;
        if (schema != NULL && schema[0] != '\0')
            vector_push(arena, &path, schema);
    }
    return path;
}

/* By name alone, or within a schema. \1 stands in no name that a server gives (a false one harms only
 * itself). */
static const char *
function_key(Arena *arena, const char *schema, const char *name)
{
    return schema == NULL ? name : arena_printf(arena, "%s\1%s", schema, name);
}

static void
function_put(Map *functions, const char *key, char volatility)
{
    static const char *const words[] = {"i", "s", "v"};
    const char *known = map_get(functions, key);
    /* 'i' < 's' < 'v'; what is none of them counts as volatile. */
    const char *word = volatility == 'i' ? words[0] : volatility == 's' ? words[1] : words[2];
    if (known == NULL || word[0] > known[0])
        map_put(functions, key, (void *)(uintptr_t)word);
}

static Map *
functions_collect(Arena *arena, const Snapshot *snapshot)
{
    Map *functions = map_new(arena);
    for (size_t i = 0; i < snapshot->object_count; i++) {
        const SnapshotObject *object = &snapshot->objects[i];
        if (object->kind != SNAPSHOT_OBJECT_FUNCTION)
            continue;
        function_put(functions, function_key(arena, NULL, object->name), object->volatility);
        function_put(functions, function_key(arena, object->schema, object->name), object->volatility);
    }
    return functions;
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
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("function name", (size_t)256 << 20);
    const char *own = map_get(context->functions, function_key(scratch, schema, name));
    if (own != NULL)
        return own[0];
    for (size_t i = 0;
         i < FETTLE_COUNT_OF(immutable) && (schema == NULL || text_equals(schema, "pg_catalog")); i++)
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
    context->functions = functions_collect(arena, snapshot);
    return (SqlCatalog){.context = context,
                        .relation_find = catalog_relation_find,
                        .function_volatility = catalog_function_volatility};
}
