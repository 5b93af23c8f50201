// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <string.h>

bool
analyzer_enter(Analyzer *analyzer)
{
    if (analyzer->depth >= ANALYSIS_DEPTH_MOST) {
        analyzer->result->is_partial = true;
        return false;
    }
    analyzer->depth++;
    return true;
}

void
analyzer_leave(Analyzer *analyzer)
{
    fettle_assert(analyzer->depth > 0);
    analyzer->depth--;
}

void
analyzer_unresolved(Analyzer *analyzer, const char *name)
{
    analyzer->result->unresolved_count++;
    if (analyzer->result->unresolved_first == NULL)
        analyzer->result->unresolved_first = arena_strdup(analyzer->arena, name);
}

Scope *
scope_new(Analyzer *analyzer, Scope *parent)
{
    Scope *scope = ARENA_NEW(analyzer->arena, Scope);
    scope->parent = parent;
    scope->level = analyzer->level_count++;
    return scope;
}

static int
relation_attnum_most(const SqlCatalogRelation *relation)
{
    int most = 0;
    for (size_t i = 0; i < relation->column_count; i++)
        most = relation->columns[i].attnum > most ? relation->columns[i].attnum : most;
    return most;
}

int
scope_add_table(Analyzer *analyzer, Scope *scope, const SqlCatalogRelation *relation,
                const PgQuery__RangeVar *range)
{
    if (analyzer->uses.count >= ANALYSIS_USES_MOST) {
        analyzer->result->is_partial = true;
        return -1;
    }
    int use = (int)analyzer->uses.count;
    bool has_alias = range->alias != NULL && range->alias->aliasname[0] != '\0';
    const char *alias = arena_strdup(analyzer->arena, has_alias ? range->alias->aliasname : relation->name);
    int most = relation_attnum_most(relation);
    UseState state = {.relation = relation,
                      .needed = ARENA_NEW_ARRAY(analyzer->arena, bool, (size_t)most + 1),
                      .attnum_most = most,
                      .use = {.relation_id = relation->id,
                              .schema = relation->schema,
                              .name = relation->name,
                              .alias = alias,
                              .level = scope->level}};
    vector_push(analyzer->arena, &analyzer->uses, state);
    ScopeEntry entry = {.kind = ENTRY_TABLE,
                        .schema = has_alias ? NULL : relation->schema,
                        .alias = alias,
                        .use = use,
                        .relation = relation};
    for (size_t i = 0; has_alias && i < range->alias->n_colnames; i++) {
        const char *name = node_string(range->alias->colnames[i]);
        vector_push(analyzer->arena, &entry.column_aliases, name == NULL ? "" : name);
    }
    vector_push(analyzer->arena, &scope->entries, entry);
    return use;
}

const ScopeCte *
scope_cte_find(const Scope *scope, const char *name)
{
    for (; scope != NULL; scope = scope->parent)
        for (size_t i = scope->ctes.count; i > 0; i--)
            if (strcmp(scope->ctes.items[i - 1].name, name) == 0)
                return &scope->ctes.items[i - 1];
    return NULL;
}

static const char *
entry_column_name(const ScopeEntry *entry, size_t position, const char *name)
{
    return position < entry->column_aliases.count ? entry->column_aliases.items[position] : name;
}

/* use -1 and attnum 1: the name is there, but is no column of a base table; attnum 0: no such name. */
ColumnTarget
scope_entry_column(const ScopeEntry *entry, const char *name)
{
    if (entry->kind == ENTRY_TABLE)
        for (size_t i = 0; i < entry->relation->column_count; i++)
            if (strcmp(entry_column_name(entry, i, entry->relation->columns[i].name), name) == 0)
                return (ColumnTarget){entry->use, entry->relation->columns[i].attnum};
    if (entry->kind == ENTRY_SUBQUERY)
        for (size_t i = 0; i < entry->outputs.count; i++) {
            const Output *output = &entry->outputs.items[i];
            if (strcmp(entry_column_name(entry, i, output->name), name) == 0)
                return output->target.use >= 0 ? output->target : (ColumnTarget){-1, 1};
        }
    return (ColumnTarget){-1, 0};
}

void
use_need(Analyzer *analyzer, ColumnTarget target)
{
    if (target.use < 0)
        return;
    UseState *state = &analyzer->uses.items[target.use];
    if (target.attnum >= 1 && target.attnum <= state->attnum_most)
        state->needed[target.attnum] = true;
}

void
use_need_all(Analyzer *analyzer, int use)
{
    if (use < 0)
        return;
    UseState *state = &analyzer->uses.items[use];
    state->use.needs_all_columns = true;
    for (size_t i = 0; i < state->relation->column_count; i++)
        state->needed[state->relation->columns[i].attnum] = true;
}

const SqlCatalogColumn *
target_column(const Analyzer *analyzer, ColumnTarget target)
{
    if (target.use < 0)
        return NULL;
    const SqlCatalogRelation *relation = analyzer->uses.items[target.use].relation;
    for (size_t i = 0; i < relation->column_count; i++)
        if (relation->columns[i].attnum == target.attnum)
            return &relation->columns[i];
    return NULL;
}

static bool
entry_is_called(const ScopeEntry *entry, const char *schema, const char *alias)
{
    return strcmp(entry->alias, alias) == 0 && (schema == NULL || text_equals(entry->schema, schema));
}

static const char *
name_text(const char *name)
{
    return name == NULL ? "" : name;
}

static bool
is_system_column(const char *name)
{
    static const char *const names[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* t.c, s.t.c: the innermost entry of that name. */
static ColumnTarget
resolve_qualified(Analyzer *analyzer, const Scope *scope, const char *schema, const char *alias,
                  const char *name)
{
    for (; scope != NULL; scope = scope->parent)
        for (size_t i = 0; i < scope->entries.count; i++) {
            const ScopeEntry *entry = &scope->entries.items[i];
            if (!entry_is_called(entry, schema, alias))
                continue;
            ColumnTarget target = scope_entry_column(entry, name);
            if (target.use < 0 && target.attnum == 0 && entry->kind == ENTRY_TABLE && !is_system_column(name))
                analyzer_unresolved(analyzer, name);
            return target;
        }
    analyzer_unresolved(analyzer, arena_printf(analyzer->arena, "%s.%s", alias, name));
    return (ColumnTarget){-1, 0};
}

/* A bare name: a column of the innermost level that has one; else a whole row, else unknown. */
static ColumnTarget
resolve_bare(Analyzer *analyzer, const Scope *scope, const char *name)
{
    bool has_opaque = false;
    for (const Scope *level = scope; level != NULL; level = level->parent)
        for (size_t i = 0; i < level->entries.count; i++) {
            ColumnTarget target = scope_entry_column(&level->entries.items[i], name);
            if (target.attnum != 0)
                return target;
            has_opaque = has_opaque || level->entries.items[i].kind != ENTRY_TABLE;
        }
    for (const Scope *level = scope; level != NULL; level = level->parent)
        for (size_t i = 0; i < level->entries.count; i++)
            if (strcmp(level->entries.items[i].alias, name) == 0) {
                if (level->entries.items[i].kind == ENTRY_TABLE)
                    use_need_all(analyzer, level->entries.items[i].use);
                return (ColumnTarget){-1, 0};
            }
    if (!has_opaque && !is_system_column(name))
        analyzer_unresolved(analyzer, name);
    return (ColumnTarget){-1, 0};
}

static void
resolve_star(Analyzer *analyzer, const Scope *scope, const char *alias)
{
    for (const Scope *level = scope; level != NULL; level = alias == NULL ? NULL : level->parent)
        for (size_t i = 0; i < level->entries.count; i++) {
            const ScopeEntry *entry = &level->entries.items[i];
            if (alias != NULL && strcmp(entry->alias, alias) != 0)
                continue;
            if (entry->kind == ENTRY_TABLE)
                use_need_all(analyzer, entry->use);
        }
}

ColumnTarget
scope_resolve(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference)
{
    ColumnTarget target = {-1, 0};
    if (reference->n_fields == 0)
        return target;
    const Node *last = reference->fields[reference->n_fields - 1];
    const char *before =
        reference->n_fields < 2 ? NULL : node_string(reference->fields[reference->n_fields - 2]);
    if (last->node_case == PG_QUERY__NODE__NODE_A_STAR) {
        resolve_star(analyzer, scope, before);
        return target;
    }
    const char *name = name_text(node_string(last));
    if (before == NULL) {
        target = resolve_bare(analyzer, scope, name);
    } else {
        const char *schema =
            reference->n_fields < 3 ? NULL : node_string(reference->fields[reference->n_fields - 3]);
        target = resolve_qualified(analyzer, scope, schema, before, name);
    }
    use_need(analyzer, target);
    return target;
}
