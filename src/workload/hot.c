// SPDX-License-Identifier: PostgreSQL
#include "workload/hot.h"

#include "base/map.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_LEAST 0.01 /* below it nothing is a shift */
#define RISE_MEDIUM 0.3
#define RISE_HIGH 0.5
#define TOP_SHARE 0.05
#define STATEMENT_BYTES 200
#define TABLES_MOST 512 /* that an analysis tells of one statement */

/* One object's heat while it is summed up; the names are those of the first statement. */
typedef struct Heat {
    const char *database_name;
    const FactColumn *left;
    const FactColumn *right; /* of a pair */
    const WorkloadTemplate *template;
    double heat_ms;
    double statements;
    double by_plan_ms;
} Heat;

typedef struct Heats {
    Arena *arena;
    Map *by_key[HOT_KINDS];
    double total_ms;
    double known_ms;
} Heats;

const char *
hot_kind_word(HotKind kind)
{
    static const char *const words[HOT_KINDS] = {"table", "column", "join", "statement"};
    return words[kind];
}

static Heat *
heat_take(Heats *heats, HotKind kind, Text *key, const WorkloadTemplate *template)
{
    Heat *heat = map_get(heats->by_key[kind], key->data);
    if (heat == NULL) {
        heat = ARENA_NEW(heats->arena, Heat);
        heat->database_name = template->database_name;
        map_put(heats->by_key[kind], key->data, heat);
    }
    return heat;
}

/* \x1f stands in no name that would make two keys one. */
static void
key_begin(Text *key, const WorkloadTemplate *template)
{
    text_truncate(key, 0);
    text_append(key, template->database_name == NULL ? "" : template->database_name);
}

static void
key_add(Text *key, const FactColumn *column)
{
    const char *parts[] = {column->schema, column->table, column->column};
    for (size_t i = 0; i < FETTLE_COUNT_OF(parts) && parts[i] != NULL; i++) {
        text_append_char(key, '\x1f');
        text_append(key, parts[i]);
    }
}

/* The plan's shares of the statement's tables; false when it does not name one of them. */
static bool
plan_shares_of(const StatementFacts *facts, const PlanFacts *plan, double *ret_shares)
{
    double sum = 0;
    if (plan == NULL)
        return false;
    for (size_t t = 0; t < facts->tables.count; t++) {
        ret_shares[t] = 0;
        for (size_t s = 0; s < plan->shares.count; s++)
            if (strcmp(plan->shares.items[s].table, facts->tables.items[t].table) == 0)
                ret_shares[t] = plan->shares.items[s].share;
        sum += ret_shares[t];
    }
    for (size_t t = 0; t < facts->tables.count; t++)
        ret_shares[t] /= sum > 0 ? sum : 1;
    return sum > 0;
}

static void
tables_heat(Heats *heats, Text *key, const WorkloadTemplate *template, const StatementFacts *facts,
            const PlanFacts *plan)
{
    size_t count = facts->tables.count;
    double shares[TABLES_MOST];
    fettle_assert(count <= TABLES_MOST);
    bool has_plan = plan_shares_of(facts, plan, shares);
    double even = 1 / (double)count;
    for (size_t t = 0; t < count; t++) {
        key_begin(key, template);
        key_add(key, &facts->tables.items[t]);
        Heat *heat = heat_take(heats, HOT_TABLE, key, template);
        double part = template->total_ms * (has_plan ? shares[t] : even);
        heat->left = &facts->tables.items[t];
        heat->heat_ms += part;
        heat->by_plan_ms += has_plan ? part : 0;
        heat->statements++;
    }
}

static void
columns_heat(Heats *heats, Text *key, const WorkloadTemplate *template, const StatementFacts *facts)
{
    for (size_t c = 0; c < facts->columns.count; c++) {
        key_begin(key, template);
        key_add(key, &facts->columns.items[c]);
        Heat *heat = heat_take(heats, HOT_COLUMN, key, template);
        heat->left = &facts->columns.items[c];
        heat->heat_ms += template->total_ms * facts->columns.items[c].role;
        heat->statements++;
    }
    for (size_t j = 0; j < facts->joins.count; j++) {
        key_begin(key, template);
        key_add(key, &facts->joins.items[j].left);
        key_add(key, &facts->joins.items[j].right);
        Heat *heat = heat_take(heats, HOT_JOIN, key, template);
        heat->left = &facts->joins.items[j].left;
        heat->right = &facts->joins.items[j].right;
        heat->heat_ms += template->total_ms;
        heat->statements++;
    }
}

static void
statement_heat(Heats *heats, Text *key, const WorkloadTemplate *template)
{
    key_begin(key, template);
    text_append_format(key, "\x1f%" PRId64, template->query_hash);
    Heat *heat = heat_take(heats, HOT_STATEMENT, key, template);
    heat->template = template;
    heat->heat_ms += template->total_ms;
    heat->statements = 1;
}

static Heats
heats_of(Arena *arena, const WorkloadTemplates *templates, const StatementFacts *facts, const PlanBook *plans)
{
    Heats heats = {.arena = arena};
    Text key = text_new(arena);
    for (int kind = 0; kind < HOT_KINDS; kind++)
        heats.by_key[kind] = map_new(arena);
    for (size_t i = 0; i < templates->count; i++) {
        const WorkloadTemplate *template = &templates->items[i];
        if (facts[i].is_internal && facts[i].kind != SQL_KIND_UTILITY)
            continue;
        heats.total_ms += template->total_ms;
        statement_heat(&heats, &key, template);
        if (facts[i].tables.count == 0)
            continue;
        heats.known_ms += template->total_ms;
        const PlanFacts *plan =
            plans == NULL ? NULL : plan_facts_find(plans, template->database_name, template->query_hash);
        tables_heat(&heats, &key, template, &facts[i], plan);
        columns_heat(&heats, &key, template, &facts[i]);
    }
    return heats;
}

static const char *
qualified(Arena *arena, const FactColumn *column)
{
    const char *dot = column->schema[0] == '\0' ? "" : ".";
    if (column->column == NULL)
        return arena_printf(arena, "%s%s%s", column->schema, dot, column->table);
    return arena_printf(arena, "%s%s%s.%s", column->schema, dot, column->table, column->column);
}

static const char *
heat_name(Arena *arena, const Heat *heat)
{
    if (heat->template != NULL)
        return template_label(arena, heat->template->text, STATEMENT_BYTES);
    if (heat->right != NULL)
        return arena_printf(arena, "%s = %s", qualified(arena, heat->left), qualified(arena, heat->right));
    return qualified(arena, heat->left);
}

static HotObject
object_of(Arena *arena, HotKind kind, const Heat *heat, double total_ms)
{
    HotObject object = {.database_name = heat->database_name,
                        .name = heat_name(arena, heat),
                        .heat_ms = heat->heat_ms,
                        .share = total_ms > 0 ? heat->heat_ms / total_ms : 0,
                        .share_before = NAN,
                        .change = NAN,
                        .statements = heat->statements};
    if (kind == HOT_STATEMENT)
        object.query_hash = heat->template->query_hash;
    if (kind != HOT_TABLE)
        return object;
    object.schema = heat->left->schema;
    object.table = heat->left->table;
    object.evidence = heat->by_plan_ms == 0               ? "split evenly"
                      : heat->by_plan_ms == heat->heat_ms ? "plan"
                                                          : "mixed";
    return object;
}

static void
change_set(HotObject *object, const Heat *before, double total_before_ms)
{
    object->share_before = before == NULL ? 0 : before->heat_ms / total_before_ms;
    if (!(object->share_before > 0))
        return;
    object->change = object->share / object->share_before - 1;
    if (object->share < SHARE_LEAST)
        return;
    if (object->change >= RISE_HIGH)
        object->severity = "high";
    else if (object->change >= RISE_MEDIUM)
        object->severity = "medium";
}

typedef struct Ranked {
    const Heat *heat;
    const char *key;
} Ranked;

static int
ranked_compare(const void *a, const void *b)
{
    const Ranked *left = a;
    const Ranked *right = b;
    if (left->heat->heat_ms != right->heat->heat_ms)
        return left->heat->heat_ms > right->heat->heat_ms ? -1 : 1;
    return strcmp(left->key, right->key);
}

static Ranked *
heats_rank(Arena *arena, const Map *map)
{
    Ranked *ranked = ARENA_NEW_ARRAY(arena, Ranked, map_count(map));
    for (size_t i = 0; i < map_count(map); i++)
        ranked[i] = (Ranked){.heat = map_value_at(map, i), .key = map_key_at(map, i)};
    if (map_count(map) > 1)
        qsort(ranked, map_count(map), sizeof(*ranked), ranked_compare);
    return ranked;
}

static void
kind_fill(Arena *arena, HotKind kind, const Heats *heats, const Heats *before, size_t most, HotObjects *hot)
{
    const Map *map = heats->by_key[kind];
    Ranked *ranked = heats_rank(arena, map);
    size_t count = map_count(map) < most ? map_count(map) : most;
    hot->items[kind] = ARENA_NEW_ARRAY(arena, HotObject, count);
    hot->counts[kind] = count;
    for (size_t i = 0; i < count; i++) {
        hot->items[kind][i] = object_of(arena, kind, ranked[i].heat, heats->total_ms);
        if (before != NULL && before->total_ms > 0)
            change_set(&hot->items[kind][i], map_get(before->by_key[kind], ranked[i].key), before->total_ms);
    }
    if (kind != HOT_STATEMENT || map_count(map) == 0)
        return;
    size_t top = (size_t)ceil((double)map_count(map) * TOP_SHARE);
    double sum = 0;
    for (size_t i = 0; i < top; i++)
        sum += ranked[i].heat->heat_ms;
    hot->concentration = heats->total_ms > 0 ? sum / heats->total_ms : 0;
}

void
hot_find(Arena *arena, const HotInput *input, size_t most, HotObjects *ret_hot)
{
    Heats now = heats_of(arena, input->now, input->facts, input->plans);
    Heats before = {0};
    HotObjects hot = {.total_ms = now.total_ms};
    if (input->before != NULL)
        before = heats_of(arena, input->before, input->facts_before, input->plans);
    for (int kind = 0; kind < HOT_KINDS; kind++)
        kind_fill(arena, (HotKind)kind, &now, input->before == NULL ? NULL : &before, most, &hot);
    hot.covered_share = now.total_ms > 0 ? now.known_ms / now.total_ms : 0;
    for (size_t i = 0; i < input->now->count; i++) {
        hot.is_guessed = hot.is_guessed || (input->facts[i].is_guessed && input->facts[i].tables.count > 0);
        hot.unparsed_count += input->facts[i].unparsed != NULL;
        hot.unresolved_count += input->facts[i].unresolved_count > 0;
    }
    *ret_hot = hot;
}
