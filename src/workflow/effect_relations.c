// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect_relations.h"

#include "base/text.h"
#include "snapshot/catalog.h"
#include "sql/analysis.h"

#include <string.h>

#define LEVELS_MOST 64 /* of partitions within partitions */
#define VIEWS_MOST 128 /* that one statement reads, views of views among them */
/* A text of 64 kB takes some MB. */
#define TEXT_BYTES_MOST ((size_t)1 << 30)

/* What a view's own text names, without what views among these read. */
typedef struct ViewNames {
    EffectRelations relations;
    bool is_unknown; /* the text cannot be read */
} ViewNames;

struct EffectViews {
    Arena *arena;
    SqlCatalog catalog;
    Map *names; /* by relation id: ViewNames, made when first asked for */
};

typedef struct Keeper {
    Arena *arena;
    EffectRelations *relations;
} Keeper;

/* The views of pg_stat_statements are in the schema that its owner chose. */
static bool
is_system(const char *schema, const char *name)
{
    if (schema == NULL || text_starts_with(name, "pg_stat_statements"))
        return text_starts_with(name, "pg_");
    return text_equals(schema, "pg_catalog") || text_equals(schema, "information_schema");
}

static void
relation_keep(Arena *arena, EffectRelations *relations, const char *schema, const char *name)
{
    for (size_t i = 0; i < relations->count; i++)
        if (text_equals(relations->items[i].name, name) && text_equals(relations->items[i].schema, schema))
            return;
    EffectRelation relation = {.schema = arena_strdup(arena, schema), .name = arena_strdup(arena, name)};
    vector_push(arena, relations, relation);
}

/* A catalog that knows no relation, and keeps what it was asked for. */
static const SqlCatalogRelation *
name_keep(void *context, const char *schema, const char *name)
{
    Keeper *keeper = context;
    if (!is_system(schema, name))
        relation_keep(keeper->arena, keeper->relations, schema, name);
    return NULL;
}

/* What the text itself names. */
static bool
text_relations(Arena *arena, const char *text, EffectRelations *ret_relations)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("names of a statement", TEXT_BYTES_MOST);
    *ret_relations = (EffectRelations){0};
    Keeper keeper = {.arena = arena, .relations = ret_relations};
    SqlCatalog catalog = {.context = &keeper, .relation_find = name_keep};
    const SqlStatement *statement = sql_statement_parse(scratch, text, strlen(text));
    SqlKind kind = sql_statement_kind(statement);
    if (kind == SQL_KIND_UNPARSED || kind == SQL_KIND_UTILITY)
        return false;
    return !sql_analyze(scratch, statement, &catalog)->is_partial;
}

EffectViews *
effect_views_new(Arena *arena, const Snapshot *snapshot)
{
    EffectViews *views = ARENA_NEW(arena, EffectViews);
    *views =
        (EffectViews){.arena = arena, .catalog = snapshot_catalog(arena, snapshot), .names = map_new(arena)};
    return views;
}

/* NULL: it is no view. */
static const ViewNames *
view_names(EffectViews *views, const EffectRelation *relation)
{
    const SqlCatalogRelation *found =
        views->catalog.relation_find(views->catalog.context, relation->schema, relation->name);
    if (found == NULL || found->view_definition == NULL)
        return NULL;
    ViewNames *names = map_get_id(views->names, found->id);
    if (names != NULL)
        return names;
    names = ARENA_NEW(views->arena, ViewNames);
    names->is_unknown = !text_relations(views->arena, found->view_definition, &names->relations);
    map_put_id(views->names, found->id, names);
    return names;
}

bool
effect_relations_of(Arena *arena, const char *text, EffectViews *views, EffectRelations *ret_relations,
                    bool *ret_is_partial)
{
    size_t view_count = 0;
    *ret_is_partial = false;
    if (!text_relations(arena, text, ret_relations))
        return false;
    /* the list grows by what the views on it read */
    for (size_t i = 0; views != NULL && i < ret_relations->count; i++) {
        const ViewNames *names = view_names(views, &ret_relations->items[i]);
        if (names == NULL)
            continue;
        bool is_read = !names->is_unknown && ++view_count <= VIEWS_MOST;
        *ret_is_partial |= !is_read;
        for (size_t k = 0; is_read && k < names->relations.count; k++)
            relation_keep(arena, ret_relations, names->relations.items[k].schema,
                          names->relations.items[k].name);
    }
    return true;
}

static EffectRelations
relation_alone(const SnapshotRelation *relation, EffectRelation *named)
{
    *named = (EffectRelation){.schema = relation->schema, .name = relation->name};
    return (EffectRelations){.items = named, .count = 1};
}

/* One level of what is above the marked ones, or of what is below them; whether there was any. */
static bool
level_mark(const Snapshot *snapshot, bool is_upward, bool *is_marked)
{
    bool has_grown = false;
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        for (size_t k = 0; k < relation->parent_count; k++) {
            const SnapshotRelation *parent = snapshot_relation(snapshot, relation->parents[k].relation_id);
            if (parent == NULL)
                continue;
            bool *from = &is_marked[is_upward ? i : (size_t)(parent - snapshot->relations)];
            bool *to = &is_marked[is_upward ? (size_t)(parent - snapshot->relations) : i];
            has_grown = has_grown || (*from && !*to);
            *to = *to || *from;
        }
    }
    return has_grown;
}

void
effect_relations_add_parts(Arena *arena, const Snapshot *snapshot, EffectRelations *relations)
{
    EffectRelation named;
    bool *is_below = ARENA_NEW_ARRAY(arena, bool, snapshot->relation_count);
    bool *is_above = ARENA_NEW_ARRAY(arena, bool, snapshot->relation_count);
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        EffectRelations one = relation_alone(&snapshot->relations[i], &named);
        is_below[i] = is_above[i] = effect_relations_meet(relations, &one);
    }
    for (int level = 0; level < LEVELS_MOST && level_mark(snapshot, true, is_above); level++)
        ;
    for (int level = 0; level < LEVELS_MOST && level_mark(snapshot, false, is_below); level++)
        ;
    size_t named_count = relations->count;
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        EffectRelations one = relation_alone(&snapshot->relations[i], &named);
        EffectRelations before = {.items = relations->items, .count = named_count};
        if ((is_above[i] || is_below[i]) && !effect_relations_meet(&before, &one))
            vector_push(arena, relations, named);
    }
}

bool
effect_relations_meet(const EffectRelations *left, const EffectRelations *right)
{
    for (size_t i = 0; i < left->count; i++)
        for (size_t j = 0; j < right->count; j++) {
            const EffectRelation *one = &left->items[i];
            const EffectRelation *other = &right->items[j];
            if (text_equals(one->name, other->name) &&
                (one->schema == NULL || other->schema == NULL || text_equals(one->schema, other->schema)))
                return true;
        }
    return false;
}
