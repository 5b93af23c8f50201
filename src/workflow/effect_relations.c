// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect_relations.h"

#include "base/text.h"
#include "sql/analysis.h"

#include <string.h>

#define LEVELS_MOST 64 /* of partitions within partitions */

typedef struct Names {
    Arena *arena;
    const SqlCatalog *catalog; /* or NULL */
    EffectRelations *relations;
} Names;

/* The views of pg_stat_statements are in the schema that its owner chose. */
static bool
is_system(const char *schema, const char *name)
{
    if (schema == NULL || text_starts_with(name, "pg_stat_statements"))
        return text_starts_with(name, "pg_");
    return text_equals(schema, "pg_catalog") || text_equals(schema, "information_schema");
}

/* A catalog that knows no relation but views, and keeps what it was asked for. */
static const SqlCatalogRelation *
name_keep(void *context, const char *schema, const char *name)
{
    Names *names = context;
    EffectRelation relation = {.schema = arena_strdup(names->arena, schema),
                               .name = arena_strdup(names->arena, name)};
    bool is_kept = !is_system(schema, name);
    for (size_t i = 0; i < names->relations->count && is_kept; i++)
        is_kept = !text_equals(names->relations->items[i].name, name) ||
                  !text_equals(names->relations->items[i].schema, schema);
    if (is_kept)
        vector_push(names->arena, names->relations, relation);
    if (names->catalog == NULL)
        return NULL;
    const SqlCatalogRelation *found = names->catalog->relation_find(names->catalog->context, schema, name);
    return found != NULL && found->view_definition != NULL ? found : NULL;
}

bool
effect_relations_of(Arena *arena, const char *text, const SqlCatalog *catalog, EffectRelations *ret_relations)
{
    *ret_relations = (EffectRelations){0};
    Names names = {.arena = arena, .catalog = catalog, .relations = ret_relations};
    SqlCatalog keeper = {.context = &names, .relation_find = name_keep};
    const SqlStatement *statement = sql_statement_parse(arena, text, strlen(text));
    SqlKind kind = sql_statement_kind(statement);
    if (kind == SQL_KIND_UNPARSED || kind == SQL_KIND_UTILITY)
        return false;
    return !sql_analyze(arena, statement, &keeper)->is_partial;
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
