// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <string.h>

const char *
node_string(const Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

static const char *
last_name(Node *const *names, size_t count)
{
    return count == 0 ? NULL : node_string(names[count - 1]);
}

static void
note_function(Analyzer *analyzer, const PgQuery__FuncCall *call)
{
    static const char *const volatile_functions[] = {
        "random", "nextval", "clock_timestamp", "gen_random_uuid", "setval", "timeofday", "pg_sleep"};
    const char *name = last_name(call->funcname, call->n_funcname);
    for (size_t i = 0; name != NULL && i < FETTLE_COUNT_OF(volatile_functions); i++)
        if (strcmp(name, volatile_functions[i]) == 0)
            analyzer->result->has_volatile_function = true;
}

static void walk_message(Analyzer *analyzer, Scope *scope, const ProtobufCMessage *message);

static void
walk_field(Analyzer *analyzer, Scope *scope, const ProtobufCMessage *message,
           const ProtobufCFieldDescriptor *field)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    const char *base = (const char *)message;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
        ProtobufCMessage *const *items =
            *(ProtobufCMessage *const *const *)(const void *)(base + field->offset);
        for (size_t i = 0; i < count; i++)
            walk_message(analyzer, scope, items[i]);
        return;
    }
    bool is_choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (!is_choice || *(const uint32_t *)(const void *)(base + field->quantifier_offset) == field->id)
        walk_message(analyzer, scope, *(ProtobufCMessage *const *)(const void *)(base + field->offset));
}

/* Any part of an expression: columns are resolved, subqueries analysed, everything else descended into. */
static void
walk_message(Analyzer *analyzer, Scope *scope, const ProtobufCMessage *message)
{
    if (message == NULL || !analyzer_enter(analyzer))
        return;
    if (message->descriptor == &pg_query__column_ref__descriptor) {
        (void)scope_resolve(analyzer, scope, (const PgQuery__ColumnRef *)message);
    } else if (message->descriptor == &pg_query__sub_link__descriptor) {
        const PgQuery__SubLink *link = (const PgQuery__SubLink *)message;
        OutputList outputs = {0};
        expression_walk(analyzer, scope, link->testexpr);
        query_analyze(analyzer, scope, link->subselect, &outputs);
    } else {
        if (message->descriptor == &pg_query__func_call__descriptor)
            note_function(analyzer, (const PgQuery__FuncCall *)message);
        for (unsigned i = 0; i < message->descriptor->n_fields; i++)
            walk_field(analyzer, scope, message, &message->descriptor->fields[i]);
    }
    analyzer_leave(analyzer);
}

void
expression_walk(Analyzer *analyzer, Scope *scope, Node *node)
{
    if (node != NULL)
        walk_message(analyzer, scope, &node->base);
}

void
expression_walk_list(Analyzer *analyzer, Scope *scope, Node **nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expression_walk(analyzer, scope, nodes[i]);
}

/* A printed expression over the columns of one relation use; fails (returns false) outside the printable
 * subset. */
typedef struct Printing {
    Analyzer *analyzer;
    Scope *scope;
    Text text;
    TextList columns;
    int use; /* -1 until a column is met */
    bool is_immutable;
} Printing;

static bool print_node(Printing *printing, const Node *node);

static const char *
quoted_name(Arena *arena, const char *name)
{
    bool plain = (name[0] >= 'a' && name[0] <= 'z') || name[0] == '_';
    for (const char *at = name; *at != '\0' && plain; at++)
        plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_';
    if (plain)
        return name;
    Text text = text_new(arena);
    text_append_char(&text, '"');
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '"')
            text_append_char(&text, '"');
        text_append_char(&text, *at);
    }
    text_append_char(&text, '"');
    return text.data;
}

static char *
literal_text(Arena *arena, const PgQuery__AConst *constant)
{
    if (constant->isnull)
        return arena_strdup(arena, "NULL");
    switch (constant->val_case) {
        case PG_QUERY__A__CONST__VAL_IVAL: return arena_printf(arena, "%d", constant->ival->ival);
        case PG_QUERY__A__CONST__VAL_FVAL: return arena_strdup(arena, constant->fval->fval);
        case PG_QUERY__A__CONST__VAL_BOOLVAL:
            return arena_strdup(arena, constant->boolval->boolval ? "true" : "false");
        case PG_QUERY__A__CONST__VAL_SVAL: break;
        default: return NULL;
    }
    Text text = text_new(arena);
    if (strchr(constant->sval->sval, '\\') != NULL)
        text_append_char(&text, 'E');
    text_append_char(&text, '\'');
    for (const char *at = constant->sval->sval; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            text_append_char(&text, *at);
        text_append_char(&text, *at);
    }
    text_append_char(&text, '\'');
    return text.data;
}

static bool
print_column(Printing *printing, const PgQuery__ColumnRef *reference)
{
    ColumnTarget target = scope_resolve(printing->analyzer, printing->scope, reference);
    const SqlCatalogColumn *column = target_column(printing->analyzer, target);
    if (column == NULL || (printing->use >= 0 && printing->use != target.use))
        return false;
    printing->use = target.use;
    vector_push(printing->analyzer->arena, &printing->columns, column->name);
    text_append(&printing->text, quoted_name(printing->analyzer->arena, column->name));
    return true;
}

static bool
print_function(Printing *printing, const PgQuery__FuncCall *call)
{
    const SqlCatalog *catalog = printing->analyzer->catalog;
    const char *name = last_name(call->funcname, call->n_funcname);
    const char *schema = call->n_funcname < 2 ? NULL : node_string(call->funcname[call->n_funcname - 2]);
    if (name == NULL || call->over != NULL || call->agg_star || call->agg_distinct || call->n_agg_order > 0 ||
        call->agg_filter != NULL || call->func_variadic)
        return false;
    const char *asked = text_equals(schema, "pg_catalog") ? NULL : schema;
    if (catalog->function_volatility == NULL ||
        catalog->function_volatility(catalog->context, asked, name) != 'i')
        printing->is_immutable = false;
    if (schema != NULL)
        text_append_format(&printing->text, "%s.", quoted_name(printing->analyzer->arena, schema));
    text_append_format(&printing->text, "%s(", quoted_name(printing->analyzer->arena, name));
    for (size_t i = 0; i < call->n_args; i++) {
        if (i > 0)
            text_append(&printing->text, ", ");
        if (!print_node(printing, call->args[i]))
            return false;
    }
    text_append_char(&printing->text, ')');
    return true;
}

/* Operators between these are immutable for the types they exist for. */
static bool
operator_is_immutable(const char *name)
{
    static const char *const names[] = {"->", "->>", "#>", "#>>", "||"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool
print_operator(Printing *printing, const PgQuery__AExpr *expression)
{
    const char *name = last_name(expression->name, expression->n_name);
    if (expression->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || name == NULL || expression->lexpr == NULL ||
        expression->n_name != 1)
        return false;
    if (!operator_is_immutable(name))
        printing->is_immutable = false;
    text_append_char(&printing->text, '(');
    if (!print_node(printing, expression->lexpr))
        return false;
    text_append_format(&printing->text, " %s ", name);
    if (!print_node(printing, expression->rexpr))
        return false;
    text_append_char(&printing->text, ')');
    return true;
}

static bool
print_cast(Printing *printing, const PgQuery__TypeCast *cast)
{
    const char *type =
        cast->type_name == NULL ? NULL : last_name(cast->type_name->names, cast->type_name->n_names);
    if (type == NULL || cast->type_name->n_typmods > 0 || cast->type_name->n_array_bounds > 0)
        return false;
    /* Casts from text to numbers are immutable; to dates and times they depend on settings. */
    static const char *const immutable[] = {"int2",   "int4", "int8", "numeric",
                                            "float8", "uuid", "text", "bool"};
    bool known = false;
    for (size_t i = 0; i < FETTLE_COUNT_OF(immutable); i++)
        known = known || strcmp(type, immutable[i]) == 0;
    printing->is_immutable = printing->is_immutable && known;
    text_append_char(&printing->text, '(');
    if (!print_node(printing, cast->arg))
        return false;
    text_append_format(&printing->text, ")::%s", quoted_name(printing->analyzer->arena, type));
    return true;
}

static bool
print_node(Printing *printing, const Node *node)
{
    if (node == NULL || !analyzer_enter(printing->analyzer))
        return false;
    bool printed = false;
    const char *literal;
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_COLUMN_REF: printed = print_column(printing, node->column_ref); break;
        case PG_QUERY__NODE__NODE_FUNC_CALL: printed = print_function(printing, node->func_call); break;
        case PG_QUERY__NODE__NODE_A_EXPR: printed = print_operator(printing, node->a_expr); break;
        case PG_QUERY__NODE__NODE_TYPE_CAST: printed = print_cast(printing, node->type_cast); break;
        case PG_QUERY__NODE__NODE_A_CONST:
            literal = literal_text(printing->analyzer->arena, node->a_const);
            printed = literal != NULL;
            if (printed)
                text_append(&printing->text, literal);
            break;
        default: break;
    }
    analyzer_leave(printing->analyzer);
    return printed;
}

/* Casts that keep the value's order and identity for an index: between character types. */
static bool
cast_is_transparent(const Analyzer *analyzer, const PgQuery__TypeCast *cast, ColumnTarget target)
{
    static const char *const texts[] = {"text", "varchar", "character varying"};
    const SqlCatalogColumn *column = target_column(analyzer, target);
    const char *type =
        cast->type_name == NULL ? NULL : last_name(cast->type_name->names, cast->type_name->n_names);
    bool to_text = false;
    bool from_text = false;
    for (size_t i = 0; column != NULL && type != NULL && i < FETTLE_COUNT_OF(texts); i++) {
        to_text = to_text || strcmp(type, texts[i]) == 0;
        from_text = from_text || strcmp(column->type_name, texts[i]) == 0;
    }
    return to_text && from_text;
}

static Operand
operand_constant(Analyzer *analyzer, const PgQuery__AConst *constant)
{
    Operand operand = {.kind = OPERAND_VALUE, .target = {-1, 0}, .other_use = -1};
    operand.constant = literal_text(analyzer->arena, constant);
    if (operand.constant == NULL)
        return operand;
    operand.kind = OPERAND_CONSTANT;
    if (!constant->isnull && constant->val_case == PG_QUERY__A__CONST__VAL_SVAL)
        operand.string = constant->sval->sval;
    return operand;
}

static Operand
operand_cast(Analyzer *analyzer, Scope *scope, Node *node)
{
    Node *inner = node->type_cast->arg;
    if (inner != NULL && inner->node_case == PG_QUERY__NODE__NODE_A_CONST)
        return operand_constant(analyzer, inner->a_const);
    if (inner != NULL && inner->node_case == PG_QUERY__NODE__NODE_PARAM_REF)
        return (Operand){.kind = OPERAND_PARAMETER,
                         .target = {-1, 0},
                         .other_use = -1,
                         .parameter = inner->param_ref->number};
    Operand operand = {.kind = OPERAND_VALUE, .target = {-1, 0}, .other_use = -1};
    if (inner != NULL && inner->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
        ColumnTarget target = scope_resolve(analyzer, scope, inner->column_ref);
        if (cast_is_transparent(analyzer, node->type_cast, target)) {
            operand.kind = OPERAND_COLUMN;
            operand.target = target;
        }
    }
    return operand;
}

Operand
operand_of(Analyzer *analyzer, Scope *scope, Node *node)
{
    Operand operand = {.kind = OPERAND_VALUE, .target = {-1, 0}, .other_use = -1};
    if (node == NULL)
        return operand;
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
        operand.target = scope_resolve(analyzer, scope, node->column_ref);
        operand.kind = operand.target.use >= 0 ? OPERAND_COLUMN : OPERAND_VALUE;
        return operand;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST)
        return operand_constant(analyzer, node->a_const);
    if (node->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
        operand.kind = OPERAND_PARAMETER;
        operand.parameter = node->param_ref->number;
        return operand;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
        operand = operand_cast(analyzer, scope, node);
        if (operand.kind != OPERAND_VALUE)
            return operand;
    }
    Printing printing = {.analyzer = analyzer,
                         .scope = scope,
                         .text = text_new(analyzer->arena),
                         .use = -1,
                         .is_immutable = true};
    if (print_node(&printing, node) && printing.use >= 0) {
        operand.kind = OPERAND_EXPRESSION;
        operand.target = (ColumnTarget){printing.use, 0};
        operand.expression = printing.text.data;
        operand.expression_columns = printing.columns;
        operand.is_immutable = printing.is_immutable;
    } else {
        operand.other_use = printing.use;
        expression_walk(analyzer, scope, node);
    }
    return operand;
}
