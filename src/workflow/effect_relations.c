// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect_relations.h"

#include "base/text.h"
#include "sql/analysis.h"

#include <string.h>

typedef struct Names {
    Arena *arena;
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

/* A catalog that knows no relation, and keeps what it was asked for. */
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
    return NULL;
}

bool
effect_relations_of(Arena *arena, const char *text, EffectRelations *ret_relations)
{
    *ret_relations = (EffectRelations){0};
    Names names = {.arena = arena, .relations = ret_relations};
    SqlCatalog catalog = {.context = &names, .relation_find = name_keep};
    const SqlStatement *statement = sql_statement_parse(arena, text, strlen(text));
    SqlKind kind = sql_statement_kind(statement);
    if (kind == SQL_KIND_UNPARSED || kind == SQL_KIND_UTILITY)
        return false;
    return !sql_analyze(arena, statement, &catalog)->is_partial;
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
