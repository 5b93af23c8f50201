// SPDX-License-Identifier: PostgreSQL
#include "base/text.h"
#include "sql/analysis_internal.h"

#include <string.h>

#define TOUCH_NAMES_MOST 16

Scope *
scope_new(Analyzer *analyzer, Scope *parent, ScopeKind kind)
{
    Scope *scope = ARENA_NEW(analyzer->arena, Scope);
    scope->parent = parent;
    scope->names_parent = parent;
    scope->kind = kind;
    scope->level = analyzer->level_count++;
    scope->depth = parent == NULL ? 0 : parent->depth + 1;
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
    const char *alias = has_alias ? range->alias->aliasname : relation->name;
    int most = relation_attnum_most(relation);
    UseState state = {.relation = relation,
                      .needed = ARENA_NEW_ARRAY(analyzer->arena, bool, (size_t)most + 1),
                      .stamps = ARENA_NEW_ARRAY(analyzer->arena, unsigned, (size_t)most + 1),
                      .written = ARENA_NEW_ARRAY(analyzer->arena, bool, (size_t)most + 1),
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

bool
reference_is_star(const PgQuery__ColumnRef *reference)
{
    return reference->n_fields > 0 &&
           reference->fields[reference->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

/* A bound on name comparisons as a whole: hostile texts can ask for entries times columns times references.
 */
static bool
may_compare(Analyzer *analyzer, size_t count)
{
    analyzer->comparisons += count + 1;
    if (analyzer->comparisons < ANALYSIS_COMPARISONS_MOST)
        return true;
    analyzer->result->is_partial = true;
    return false;
}

static const char *
entry_column_name(const ScopeEntry *entry, size_t position, const char *name)
{
    return position < entry->column_aliases.count ? entry->column_aliases.items[position] : name;
}

static Column
entry_column(Analyzer *analyzer, const ScopeEntry *entry, const char *name)
{
    size_t count = entry->kind == ENTRY_TABLE ? entry->relation->column_count : entry->outputs.count;
    if (!may_compare(analyzer, count))
        return (Column){.kind = COLUMN_UNKNOWN};
    for (size_t i = 0; entry->kind == ENTRY_TABLE && i < count; i++)
        if (strcmp(entry_column_name(entry, i, entry->relation->columns[i].name), name) == 0)
            return (Column){.kind = COLUMN_BASE,
                            .target = {entry->use, entry->relation->columns[i].attnum},
                            .entry = entry};
    for (size_t i = 0; entry->kind != ENTRY_TABLE && i < count; i++)
        if (strcmp(entry_column_name(entry, i, entry->outputs.items[i].name), name) == 0)
            return (Column){.kind = COLUMN_OUTPUT, .output = &entry->outputs.items[i], .entry = entry};
    for (size_t i = count; i < entry->column_aliases.count; i++)
        if (strcmp(entry->column_aliases.items[i], name) == 0)
            return (Column){.kind = COLUMN_VALUE, .entry = entry};
    return (Column){.kind = COLUMN_UNKNOWN};
}

Column
scope_lookup_within(Analyzer *analyzer, const Scope *scope, size_t first, size_t past, const char *name)
{
    for (size_t i = 0; i < scope->merges.count; i++) {
        const ScopeMerge *merge = &scope->merges.items[i];
        if (merge->first_entry >= first && merge->past_entry <= past && strcmp(merge->output.name, name) == 0)
            return (Column){.kind = COLUMN_OUTPUT, .output = &merge->output, .scope = scope};
    }
    for (size_t i = first; i < past; i++) {
        if (scope->entries.items[i].is_hidden)
            continue;
        Column column = entry_column(analyzer, &scope->entries.items[i], name);
        if (column.kind != COLUMN_UNKNOWN) {
            column.scope = scope;
            return column;
        }
    }
    return (Column){.kind = COLUMN_UNKNOWN};
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

/* Walks outward through the levels: how it was crossed decides whether an outer column can take part in a
 * join. */
typedef struct LevelWalk {
    const Scope *at;
    bool is_outer;
    bool is_pulled;
} LevelWalk;

static void
level_outward(LevelWalk *walk)
{
    const Scope *next = walk->at->names_parent;
    walk->is_outer = true;
    /* The names of the levels between are not seen, but they are crossed all the same. */
    for (const Scope *crossed = walk->at; crossed != NULL && crossed != next; crossed = crossed->parent)
        walk->is_pulled = walk->is_pulled && (crossed->kind == SCOPE_SEMIJOIN || crossed->kind == SCOPE_FROM);
    walk->at = next;
}

static Column
column_at(Column column, const LevelWalk *walk)
{
    column.scope = walk->at;
    column.is_outer = walk->is_outer;
    column.is_pulled = walk->is_pulled;
    return column;
}

/* t.c, s.t.c: of the innermost entry that is called so. */
static Column
lookup_qualified(Analyzer *analyzer, const Scope *scope, const char *schema, const char *alias,
                 const char *name)
{
    for (LevelWalk walk = {.at = scope, .is_pulled = true}; walk.at != NULL; level_outward(&walk)) {
        if (!may_compare(analyzer, walk.at->entries.count))
            return (Column){.kind = COLUMN_UNKNOWN};
        for (size_t i = walk.at->first_visible; i < walk.at->entries.count; i++) {
            const ScopeEntry *entry = &walk.at->entries.items[i];
            bool is_called = !entry->is_hidden && strcmp(entry->alias, alias) == 0 &&
                             (schema == NULL || text_equals(entry->schema, schema));
            if (!is_called)
                continue;
            Column column = entry_column(analyzer, entry, name);
            if (column.kind == COLUMN_UNKNOWN && is_system_column(name))
                column = (Column){.kind = COLUMN_SYSTEM, .entry = entry};
            if (column.kind == COLUMN_UNKNOWN && (entry->kind == ENTRY_OPAQUE || entry->outputs.is_open))
                column = (Column){.kind = COLUMN_VALUE, .entry = entry};
            return column_at(column, &walk);
        }
    }
    return (Column){.kind = COLUMN_UNKNOWN};
}

static Column
lookup_row(const Scope *scope, const char *name)
{
    for (LevelWalk walk = {.at = scope, .is_pulled = true}; walk.at != NULL; level_outward(&walk))
        for (size_t i = walk.at->first_visible; i < walk.at->entries.count; i++) {
            const ScopeEntry *entry = &walk.at->entries.items[i];
            if (!entry->is_hidden && strcmp(entry->alias, name) == 0)
                return column_at((Column){.kind = COLUMN_ROW, .entry = entry}, &walk);
        }
    return (Column){.kind = COLUMN_UNKNOWN};
}

/* A bare name: a column of the innermost level that has one, else a whole row. */
static Column
lookup_bare(Analyzer *analyzer, const Scope *scope, const char *name)
{
    for (LevelWalk walk = {.at = scope, .is_pulled = true}; walk.at != NULL; level_outward(&walk)) {
        const Scope *level = walk.at;
        Column column =
            scope_lookup_within(analyzer, level, level->first_visible, level->entries.count, name);
        if (column.kind != COLUMN_UNKNOWN)
            return column_at(column, &walk);
        for (size_t i = level->first_visible; i < level->entries.count; i++) {
            const ScopeEntry *entry = &level->entries.items[i];
            /* The columns of this one are not known: going on outward would be a guess. */
            if (entry->is_open && strcmp(entry->alias, name) != 0)
                return column_at((Column){.kind = COLUMN_VALUE, .entry = entry}, &walk);
        }
        if (level->entries.count > 0 && is_system_column(name))
            return column_at((Column){.kind = COLUMN_SYSTEM}, &walk);
    }
    return lookup_row(scope, name);
}

Column
scope_lookup(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference)
{
    size_t count = reference->n_fields;
    const char *name = names_last(reference->fields, count);
    if (name == NULL)
        return (Column){.kind = COLUMN_UNKNOWN};
    if (count == 1)
        return lookup_bare(analyzer, scope, name);
    const char *alias = node_string(reference->fields[count - 2]);
    const char *schema = count < 3 ? NULL : node_string(reference->fields[count - 3]);
    return alias == NULL ? (Column){.kind = COLUMN_UNKNOWN}
                         : lookup_qualified(analyzer, scope, schema, alias, name);
}

void
use_need(Analyzer *analyzer, ColumnTarget target)
{
    if (target.use < 0)
        return;
    UseState *state = &analyzer->uses.items[target.use];
    if (target.attnum < 1 || target.attnum > state->attnum_most)
        return;
    if (analyzer->collection == NULL) {
        state->needed[target.attnum] = true;
    } else if (state->stamps[target.attnum] != analyzer->collection_number) {
        state->stamps[target.attnum] = analyzer->collection_number;
        vector_push(analyzer->arena, analyzer->collection, target);
    }
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

void
entry_need_all(Analyzer *analyzer, const ScopeEntry *entry)
{
    if (entry->kind == ENTRY_TABLE)
        use_need_all(analyzer, entry->use);
    else
        outputs_need(analyzer, &entry->outputs);
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

static void
touch_target(Analyzer *analyzer, Touch *touch, ColumnTarget target)
{
    use_set_add(&touch->uses, target.use);
    const SqlCatalogColumn *column = target_column(analyzer, target);
    if (column != NULL && touch->names.count < TOUCH_NAMES_MOST &&
        !text_list_contains(&touch->names, column->name))
        vector_push(analyzer->arena, &touch->names, column->name);
}

/* Notes a read in every expression that it belongs to: one within a subquery may read a level further out. */
static void
touch_note(Analyzer *analyzer, const Column *column)
{
    for (Touch *touch = analyzer->touch; touch != NULL && column->scope != NULL; touch = touch->outer) {
        if (touch->depth < column->scope->depth)
            break;
        analyzer->steps++;
        bool is_outer = column->scope->depth < touch->depth;
        if (is_outer) {
            touch->is_pulled = (touch->is_pulled || !touch->is_outer) && column->is_pulled;
            touch->is_outer = true;
        }
        Reach reach = column->kind == COLUMN_BASE     ? REACH_JOIN
                      : column->kind == COLUMN_OUTPUT ? column->output->reach
                                                      : REACH_NONE;
        touch->reach = reach < touch->reach ? reach : touch->reach;
        if (column->kind == COLUMN_BASE)
            touch_target(analyzer, touch, column->target);
        else if (column->kind == COLUMN_OUTPUT && reach == REACH_JOIN && column->output->target.use >= 0)
            touch_target(analyzer, touch, column->output->target);
        else if (column->kind == COLUMN_OUTPUT && column->output->expression != NULL)
            use_set_add(&touch->uses, column->output->expression->target.use);
        else if (column->kind != COLUMN_SYSTEM)
            touch->is_derived = true;
    }
}

static void
star_read(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference)
{
    const char *alias =
        reference->n_fields < 2 ? NULL : node_string(reference->fields[reference->n_fields - 2]);
    for (const Scope *level = scope; level != NULL; level = alias == NULL ? NULL : level->names_parent)
        for (size_t i = 0; i < level->entries.count; i++)
            if (alias == NULL || strcmp(level->entries.items[i].alias, alias) == 0)
                entry_need_all(analyzer, &level->entries.items[i]);
}

/* "alias.name", as the statement has it. */
static const char *
reference_text(Analyzer *analyzer, const PgQuery__ColumnRef *reference)
{
    Text text = text_new(analyzer->arena);
    for (size_t i = 0; i < reference->n_fields; i++) {
        const char *field = node_string(reference->fields[i]);
        text_append(&text, i > 0 ? "." : "");
        text_append(&text, field == NULL ? "" : field);
    }
    return text.data;
}

void
scope_read(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference)
{
    if (reference_is_star(reference)) {
        star_read(analyzer, scope, reference);
        return;
    }
    Column column = scope_lookup(analyzer, scope, reference);
    switch (column.kind) {
        case COLUMN_UNKNOWN:
            /* Past a bound, what is not found may only not have been looked at. */
            if (!analyzer->result->is_partial)
                analyzer_unresolved(analyzer, reference_text(analyzer, reference));
            return;
        case COLUMN_BASE: use_need(analyzer, column.target); break;
        case COLUMN_OUTPUT: output_need(analyzer, column.output); break;
        case COLUMN_ROW: entry_need_all(analyzer, column.entry); break;
        default: break;
    }
    touch_note(analyzer, &column);
}
