// SPDX-License-Identifier: PostgreSQL
/*
 * The printer of expressions: columns, functions, operators, casts, constants, COLLATE, COALESCE, arrays of
 * these. It writes parentheses around every operator within another and never trusts precedence; what is
 * outside of the subset has no text. libpg_query's deparser is not used: it changes the meaning of some
 * expressions.
 */
#include "base/text.h"
#include "sql/analysis_internal.h"
#include "sql/function_facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FUNCTION_ARGUMENTS_MOST 16

typedef struct Printing {
    Analyzer *analyzer;
    const Scope *scope;
    Text text;
    Printed printed;
    ValueType type; /* of what was printed last */
} Printing;

static bool print_node(Printing *printing, const Node *node, bool is_inner);

static void
append_name(Text *text, const char *name)
{
    if (!name_needs_quotes(name)) {
        text_append(text, name);
        return;
    }
    text_append_char(text, '"');
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '"')
            text_append_char(text, '"');
        text_append_char(text, *at);
    }
    text_append_char(text, '"');
}

static void
append_string(Text *text, const char *string)
{
    if (strchr(string, '\\') != NULL)
        text_append_char(text, 'E');
    text_append_char(text, '\'');
    for (const char *at = string; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            text_append_char(text, *at);
        text_append_char(text, *at);
    }
    text_append_char(text, '\'');
}

static void
append_number(Text *text, const char *number, bool is_inner)
{
    bool is_negative = number[0] == '-';
    text_append_format(text, is_inner && is_negative ? "(%s)" : "%s", number);
}

/* The element count of '{a,b}' when it is told by its commas. */
static double
array_string_length(const char *string)
{
    if (string[0] != '{' || strpbrk(string + 1, "{\"\\") != NULL)
        return NAN;
    if (string[1] == '}')
        return 0;
    double count = 1;
    for (const char *at = string; *at != '\0'; at++)
        count += *at == ',';
    return count;
}

static bool
print_constant(Printing *printing, const PgQuery__AConst *constant, bool is_inner)
{
    char number[16];
    printing->type = VALUE_LITERAL;
    if (constant->isnull) {
        text_append(&printing->text, "NULL");
        return true;
    }
    switch (constant->val_case) {
        case PG_QUERY__A__CONST__VAL_IVAL:
            (void)snprintf(number, sizeof number, "%d", constant->ival->ival);
            append_number(&printing->text, number, is_inner);
            printing->type = VALUE_NUMBER;
            return true;
        case PG_QUERY__A__CONST__VAL_FVAL:
            append_number(&printing->text, constant->fval->fval, is_inner);
            printing->type = VALUE_NUMBER;
            return true;
        case PG_QUERY__A__CONST__VAL_BOOLVAL:
            text_append(&printing->text, constant->boolval->boolval ? "true" : "false");
            printing->type = VALUE_BOOLEAN;
            return true;
        case PG_QUERY__A__CONST__VAL_SVAL:
            if (strlen(constant->sval->sval) > ANALYSIS_EXPRESSION_BYTES_MOST)
                return false;
            append_string(&printing->text, constant->sval->sval);
            printing->printed.string = constant->sval->sval;
            return true;
        case PG_QUERY__A__CONST__VAL_BSVAL:
            if (constant->bsval->bsval[0] == '\0')
                return false;
            text_append_format(&printing->text, "%c'%s'", constant->bsval->bsval[0],
                               constant->bsval->bsval + 1);
            printing->type = VALUE_UNKNOWN;
            return true;
        default: return false;
    }
}

static bool
print_column(Printing *printing, const PgQuery__ColumnRef *reference)
{
    if (reference_is_star(reference))
        return false;
    Column column = scope_lookup(printing->analyzer, printing->scope, reference);
    if (column.kind == COLUMN_OUTPUT && column.output->reach == REACH_JOIN && column.output->arms == NULL)
        column.target = column.output->target;
    else if (column.kind != COLUMN_BASE)
        return false;
    const SqlCatalogColumn *facts = target_column(printing->analyzer, column.target);
    Printed *printed = &printing->printed;
    if (facts == NULL || (printed->use >= 0 && printed->use != column.target.use))
        return false;
    printed->use = column.target.use;
    printed->attnum = column.target.attnum;
    printed->is_outer = printed->is_outer || column.is_outer;
    printed->is_constant = false;
    if (!text_list_contains(&printed->columns, facts->name))
        vector_push(printing->analyzer->arena, &printed->columns, facts->name);
    append_name(&printing->text, facts->name);
    printing->type = value_type_named(facts->type_name);
    return true;
}

/* EXTRACT(year FROM x): the function behind it has another name in each half of the supported versions. */
static bool
print_extract(Printing *printing, const PgQuery__FuncCall *call)
{
    const Node *field = call->args[0];
    if (field->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        field->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL)
        return false;
    text_append(&printing->text, "EXTRACT(");
    append_name(&printing->text, field->a_const->sval->sval);
    text_append(&printing->text, " FROM ");
    if (!print_node(printing, call->args[1], false))
        return false;
    text_append_char(&printing->text, ')');
    ValueType types[2] = {VALUE_LITERAL, printing->type};
    ValueFact fact = builtin_fact("extract", types, 2);
    printing->printed.is_immutable = printing->printed.is_immutable && fact.is_immutable;
    printing->type = fact.type;
    return true;
}

static void
function_take_fact(Printing *printing, const char *schema, const char *name, const ValueType *types,
                   size_t count)
{
    const SqlCatalog *catalog = printing->analyzer->catalog;
    ValueFact fact = {VALUE_UNKNOWN, false};
    if (schema == NULL)
        fact = builtin_fact(name, types, count);
    bool is_told = fact.is_immutable || fact.type != VALUE_UNKNOWN || catalog->function_volatility == NULL;
    if (!is_told)
        fact.is_immutable = catalog->function_volatility(catalog->context, schema, name) == 'i';
    printing->printed.is_immutable = printing->printed.is_immutable && fact.is_immutable;
    printing->type = fact.type;
}

static bool
print_list(Printing *printing, Node **nodes, size_t count, ValueType *types)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_append(&printing->text, ", ");
        if (!print_node(printing, nodes[i], false))
            return false;
        if (types != NULL)
            types[i] = printing->type;
    }
    return true;
}

static bool
print_function(Printing *printing, const PgQuery__FuncCall *call)
{
    const char *name = names_last(call->funcname, call->n_funcname);
    const char *schema = call->n_funcname < 2 ? NULL : node_string(call->funcname[call->n_funcname - 2]);
    bool is_plain = call->over == NULL && !call->agg_star && !call->agg_distinct && call->n_agg_order == 0 &&
                    call->agg_filter == NULL && !call->func_variadic && call->n_funcname <= 2;
    if (name == NULL || !is_plain || call->n_args > FUNCTION_ARGUMENTS_MOST || function_is_aggregate(name) ||
        function_returns_set(name))
        return false;
    printing->printed.is_constant = false;
    if (text_equals(schema, "pg_catalog"))
        schema = NULL;
    if (schema == NULL && strcmp(name, "extract") == 0 && call->n_args == 2)
        return print_extract(printing, call);
    if (schema != NULL) {
        append_name(&printing->text, schema);
        text_append_char(&printing->text, '.');
    }
    append_name(&printing->text, name);
    text_append_char(&printing->text, '(');
    ValueType types[FUNCTION_ARGUMENTS_MOST];
    if (!print_list(printing, call->args, call->n_args, types))
        return false;
    text_append_char(&printing->text, ')');
    function_take_fact(printing, schema, name, types, call->n_args);
    return true;
}

static bool
print_operator(Printing *printing, const PgQuery__AExpr *expression, bool is_inner)
{
    const char *name = names_last(expression->name, expression->n_name);
    bool is_plain = expression->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP && expression->n_name == 1;
    if (name == NULL || !is_plain)
        return false;
    printing->printed.is_constant = false;
    ValueType left = VALUE_UNKNOWN;
    if (is_inner)
        text_append_char(&printing->text, '(');
    if (expression->lexpr != NULL) {
        if (!print_node(printing, expression->lexpr, true))
            return false;
        left = printing->type;
        text_append_char(&printing->text, ' ');
    }
    text_append_format(&printing->text, "%s ", name);
    if (!print_node(printing, expression->rexpr, true))
        return false;
    if (is_inner)
        text_append_char(&printing->text, ')');
    ValueFact fact = operator_fact(name, expression->lexpr != NULL, left, printing->type);
    printing->printed.is_immutable = printing->printed.is_immutable && fact.is_immutable;
    printing->type = fact.type;
    return true;
}

/* A built-in type as format_type() calls it; NULL for others. */
static const char *
type_sql_name(const char *name)
{
    static const char *const names[][2] = {{"int2", "smallint"},
                                           {"int4", "integer"},
                                           {"int8", "bigint"},
                                           {"float4", "real"},
                                           {"float8", "double precision"},
                                           {"bool", "boolean"},
                                           {"varchar", "character varying"},
                                           {"timestamp", "timestamp without time zone"},
                                           {"timestamptz", "timestamp with time zone"},
                                           {"time", "time without time zone"},
                                           {"timetz", "time with time zone"},
                                           {"numeric", "numeric"},
                                           {"interval", "interval"},
                                           {"text", "text"},
                                           {"date", "date"},
                                           {"uuid", "uuid"},
                                           {"json", "json"},
                                           {"jsonb", "jsonb"},
                                           {"bytea", "bytea"},
                                           {"inet", "inet"},
                                           {"bit", "bit"},
                                           {"bpchar", "bpchar"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        if (strcmp(names[i][0], name) == 0)
            return names[i][1];
    return NULL;
}

static bool
append_type(Text *text, const PgQuery__TypeName *type)
{
    const char *name = names_last(type->names, type->n_names);
    const char *schema = type->n_names < 2 ? NULL : node_string(type->names[type->n_names - 2]);
    const char *known = schema == NULL || text_equals(schema, "pg_catalog") ? type_sql_name(name) : NULL;
    /* Precision stands in the middle of the long names. */
    bool is_time = text_starts_with(name, "time") || strcmp(name, "interval") == 0;
    if (type->setof || type->pct_type || type->n_names > 2 || (is_time && type->n_typmods > 0))
        return false;
    if (schema != NULL && !text_equals(schema, "pg_catalog")) {
        append_name(text, schema);
        text_append_char(text, '.');
    }
    if (known != NULL)
        text_append(text, known);
    else
        append_name(text, name);
    for (size_t i = 0; i < type->n_typmods; i++) {
        const Node *modifier = type->typmods[i];
        if (modifier->node_case != PG_QUERY__NODE__NODE_A_CONST ||
            modifier->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
            return false;
        text_append_format(text, i == 0 ? "(%d" : ", %d", modifier->a_const->ival->ival);
    }
    text_append(text, type->n_typmods > 0 ? ")" : "");
    for (size_t i = 0; i < type->n_array_bounds; i++)
        text_append(text, "[]");
    return true;
}

/* A cast that an index on the column does not mind: to its own type, and between text and varchar. */
static bool
cast_changes_nothing(const Printing *printing, const PgQuery__TypeName *type)
{
    const Printed *printed = &printing->printed;
    if (printed->use < 0 || printed->attnum == 0 || type->n_typmods > 0 || type->n_array_bounds > 0)
        return false;
    const SqlCatalogColumn *column =
        target_column(printing->analyzer, (ColumnTarget){printed->use, printed->attnum});
    const char *name = type_sql_name(names_last(type->names, type->n_names));
    if (column == NULL || name == NULL)
        return false;
    bool from_text =
        strcmp(column->type_name, "text") == 0 || strcmp(column->type_name, "character varying") == 0;
    bool to_text = strcmp(name, "text") == 0 || strcmp(name, "character varying") == 0;
    return strcmp(column->type_name, name) == 0 || (from_text && to_text);
}

static bool
print_cast(Printing *printing, const PgQuery__TypeCast *cast)
{
    if (cast->type_name == NULL || names_last(cast->type_name->names, cast->type_name->n_names) == NULL)
        return false;
    if (!print_node(printing, cast->arg, true))
        return false;
    bool is_column = cast->arg->node_case == PG_QUERY__NODE__NODE_COLUMN_REF ||
                     cast->arg->node_case == PG_QUERY__NODE__NODE_TYPE_CAST;
    if (is_column && cast_changes_nothing(printing, cast->type_name))
        return true;
    /* "::" binds closest of all: no parentheses around the whole. */
    text_append(&printing->text, "::");
    if (!append_type(&printing->text, cast->type_name))
        return false;
    bool is_array = cast->type_name->n_array_bounds > 0;
    ValueType to = is_array ? VALUE_ARRAY
                            : value_type_named(names_last(cast->type_name->names, cast->type_name->n_names));
    bool is_immutable = printing->type == VALUE_LITERAL || cast_is_immutable(printing->type, to);
    printing->printed.is_immutable = printing->printed.is_immutable && is_immutable;
    printing->printed.attnum = 0;
    if (is_array && printing->printed.string != NULL)
        printing->printed.list_length = array_string_length(printing->printed.string);
    printing->type = to;
    return true;
}

static bool
print_collate(Printing *printing, const PgQuery__CollateClause *collate, bool is_inner)
{
    if (is_inner)
        text_append_char(&printing->text, '(');
    if (!print_node(printing, collate->arg, true) || collate->n_collname == 0)
        return false;
    text_append(&printing->text, " COLLATE ");
    for (size_t i = 0; i < collate->n_collname; i++) {
        const char *name = node_string(collate->collname[i]);
        if (name == NULL)
            return false;
        text_append(&printing->text, i > 0 ? "." : "");
        append_name(&printing->text, name);
    }
    if (is_inner)
        text_append_char(&printing->text, ')');
    return true;
}

static bool
print_coalesce(Printing *printing, const PgQuery__CoalesceExpr *coalesce)
{
    ValueType types[FUNCTION_ARGUMENTS_MOST];
    if (coalesce->n_args > FUNCTION_ARGUMENTS_MOST)
        return false;
    text_append(&printing->text, "COALESCE(");
    if (!print_list(printing, coalesce->args, coalesce->n_args, types))
        return false;
    text_append_char(&printing->text, ')');
    printing->printed.is_constant = false;
    /* Literals take the type of the first argument that has one. */
    printing->type = VALUE_LITERAL;
    for (size_t i = 0; i < coalesce->n_args && printing->type == VALUE_LITERAL; i++)
        printing->type = types[i];
    return true;
}

static bool
print_array(Printing *printing, const PgQuery__AArrayExpr *array)
{
    text_append(&printing->text, "ARRAY[");
    if (!print_list(printing, array->elements, array->n_elements, NULL))
        return false;
    text_append_char(&printing->text, ']');
    printing->printed.list_length = (double)array->n_elements;
    printing->printed.string = NULL;
    printing->type = VALUE_ARRAY;
    return true;
}

static bool
print_node(Printing *printing, const Node *node, bool is_inner)
{
    bool is_short = printing->text.length <= ANALYSIS_EXPRESSION_BYTES_MOST;
    if (node == NULL || !is_short || !analyzer_enter(printing->analyzer))
        return false;
    bool printed = false;
    bool keeps_column = false;
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_COLUMN_REF:
            printed = print_column(printing, node->column_ref);
            keeps_column = true;
            break;
        case PG_QUERY__NODE__NODE_TYPE_CAST:
            printed = print_cast(printing, node->type_cast);
            keeps_column = true;
            break;
        case PG_QUERY__NODE__NODE_FUNC_CALL: printed = print_function(printing, node->func_call); break;
        case PG_QUERY__NODE__NODE_A_EXPR: printed = print_operator(printing, node->a_expr, is_inner); break;
        case PG_QUERY__NODE__NODE_A_CONST: printed = print_constant(printing, node->a_const, is_inner); break;
        case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
            printed = print_collate(printing, node->collate_clause, is_inner);
            break;
        case PG_QUERY__NODE__NODE_COALESCE_EXPR:
            printed = print_coalesce(printing, node->coalesce_expr);
            break;
        case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: printed = print_array(printing, node->a_array_expr); break;
        default: break;
    }
    if (!keeps_column)
        printing->printed.attnum = 0;
    analyzer_leave(printing->analyzer);
    return printed;
}

bool
expression_print(Analyzer *analyzer, const Scope *scope, const Node *node, Printed *ret_printed)
{
    Printing printing = {
        .analyzer = analyzer,
        .scope = scope,
        .text = text_new(analyzer->arena),
        .printed = {.use = -1, .is_constant = true, .is_immutable = true, .list_length = NAN}};
    if (!print_node(&printing, node, false) || printing.text.length > ANALYSIS_EXPRESSION_BYTES_MOST)
        return false;
    *ret_printed = printing.printed;
    ret_printed->text = printing.text.data;
    return true;
}
