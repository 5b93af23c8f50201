// SPDX-License-Identifier: PostgreSQL
#include "analysis_dump.h"

#include <math.h>
#include <string.h>

static const char *
column_name(const SqlCatalog *catalog, const SqlRelationUse *use, int attnum)
{
    const SqlCatalogRelation *relation = catalog->relation_find(catalog->context, use->schema, use->name);
    for (size_t i = 0; i < relation->column_count; i++)
        if (relation->columns[i].attnum == attnum)
            return relation->columns[i].name;
    return "?";
}

/* Uses of the same alias are told apart by their position. */
static void
dump_use_name(Text *text, const SqlAnalysis *analysis, int use)
{
    if (use < 0) {
        text_append(text, "-");
        return;
    }
    const SqlRelationUse *named = &analysis->uses[use];
    int same = 0;
    for (int i = 0; i < use; i++)
        same += strcmp(analysis->uses[i].alias, named->alias) == 0;
    text_append(text, named->alias);
    if (same > 0)
        text_append_format(text, "#%d", same + 1);
}

static void
dump_side(Text *text, const SqlAnalysis *analysis, const SqlCatalog *catalog, int use, int column,
          const char *expression)
{
    dump_use_name(text, analysis, use);
    if (use >= 0)
        text_append_format(text, ".%s", column > 0 ? column_name(catalog, &analysis->uses[use], column) : "");
    if (column == 0 && expression != NULL)
        text_append_format(text, "{%s}", expression);
}

static void
dump_use(Text *text, const SqlAnalysis *analysis, const SqlCatalog *catalog, size_t number)
{
    const SqlRelationUse *use = &analysis->uses[number];
    if (strcmp(use->schema, "public") != 0)
        text_append_format(text, "%s.", use->schema);
    text_append_format(text, "%s ", use->name);
    dump_use_name(text, analysis, (int)number);
    text_append_format(text, " L%d%s%s%s [", use->level, use->is_write_target ? " written" : "",
                       use->is_nullable_side ? " nullable" : "", use->needs_all_columns ? " all" : "");
    for (size_t i = 0; i < use->needed_column_count && !use->needs_all_columns; i++)
        text_append_format(text, "%s%s", i > 0 ? " " : "", column_name(catalog, use, use->needed_columns[i]));
    for (size_t i = 0; i < use->written_column_count; i++)
        text_append_format(text, "%s%s", i > 0 ? " " : " set ",
                           column_name(catalog, use, use->written_columns[i]));
    text_append(text, "]");
}

static void
dump_predicate(Text *text, const SqlAnalysis *analysis, const SqlCatalog *catalog,
               const SqlPredicate *predicate)
{
    dump_side(text, analysis, catalog, predicate->use, predicate->column, predicate->expression);
    if (predicate->expression != NULL && !predicate->is_expression_immutable)
        text_append(text, "!");
    text_append_format(text, " %s", sql_predicate_kind_word(predicate->kind));
    if (predicate->operator_name[0] != '\0')
        text_append_format(text, " %s", predicate->operator_name);
    if (predicate->parameter > 0)
        text_append_format(text, " $%d", predicate->parameter);
    if (predicate->constant != NULL)
        text_append_format(text, " %s", predicate->constant);
    bool is_join = predicate->kind == SQL_PREDICATE_JOIN || predicate->kind == SQL_PREDICATE_JOIN_RANGE;
    if (is_join || predicate->join_use >= 0) {
        text_append(text, " ");
        dump_side(text, analysis, catalog, predicate->join_use, predicate->join_column, NULL);
    }
    if (!isnan(predicate->in_list_length))
        text_append_format(text, " #%g", predicate->in_list_length);
    if (predicate->is_under_or)
        text_append_format(text, " or%d", predicate->or_group);
}

static void
dump_sort(Text *text, const SqlAnalysis *analysis, const SqlCatalog *catalog, const SqlSort *sort)
{
    static const char *const words[] = {"order", "group", "distinct", "window"};
    text_append(text, words[sort->kind]);
    for (size_t i = 0; i < sort->key_count; i++) {
        const SqlSortKey *key = &sort->keys[i];
        text_append(text, i > 0 ? ", " : " ");
        dump_side(text, analysis, catalog, key->use, key->column, key->expression);
        text_append(text, key->is_descending ? " desc" : "");
        if (key->is_nulls_first != key->is_descending)
            text_append(text, key->is_nulls_first ? " nulls first" : " nulls last");
    }
    if (sort->has_limit && isnan(sort->limit_rows))
        text_append(text, " limit ?");
    else if (sort->has_limit)
        text_append_format(text, " limit %g", sort->limit_rows);
}

char *
analysis_dump(Arena *arena, const SqlAnalysis *analysis, const SqlCatalog *catalog)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < analysis->use_count; i++) {
        text_append(&text, i > 0 ? "; " : "");
        dump_use(&text, analysis, catalog, i);
    }
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        text_append(&text, " | ");
        dump_predicate(&text, analysis, catalog, &analysis->predicates[i]);
    }
    for (size_t i = 0; i < analysis->sort_count; i++) {
        text_append(&text, " | ");
        dump_sort(&text, analysis, catalog, &analysis->sorts[i]);
    }
    if (analysis->unresolved_count > 0)
        text_append_format(&text, " | unresolved %zu %s", analysis->unresolved_count,
                           analysis->unresolved_first);
    if (analysis->is_partial)
        text_append(&text, " | partial");
    if (analysis->has_volatile_function)
        text_append(&text, " | volatile");
    return text.data;
}
