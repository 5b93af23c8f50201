// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_plan.h"

#include "base/text.h"
#include "pg/identifier.h"
#include "sql/index_statement.h"
#include "sql/statement.h"
#include "workflow/approval.h"
#include "workflow/index_definition.h"
#include "workflow/index_fault.h"
#include "workflow/index_sent.h"

#include <inttypes.h>
#include <string.h>

#define ENTRY_OVERHEAD_BYTES 16 /* of an index tuple and its line pointer */

bool
index_method_is_known(const char *method)
{
    size_t length = strlen(method);
    const char *word = INDEX_METHODS;
    while (strcspn(word, ", ") != length || memcmp(word, method, length) != 0) {
        word += strcspn(word, " ");
        if (*word++ == '\0')
            return false;
    }
    return true;
}

static void
append_names(Text *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_append_format(text, "%s%s", i == 0 ? "" : ", ", pg_identifier_quote(text->arena, names[i]));
}

char *
index_order_statement(Arena *arena, const IndexOrder *order, const char *schema)
{
    Text text = text_new(arena);
    text_append_format(&text, "CREATE %sINDEX %s ON %s USING %s (", order->is_unique ? "UNIQUE " : "",
                       pg_identifier_quote(arena, order->name),
                       pg_identifier_qualify(arena, schema, order->table),
                       pg_identifier_quote(arena, order->method));
    append_names(&text, order->columns, order->column_count);
    text_append_char(&text, ')');
    if (order->included_count > 0) {
        text_append(&text, " INCLUDE (");
        append_names(&text, order->included, order->included_count);
        text_append_char(&text, ')');
    }
    return text.data;
}

bool
index_order_of_recommendation(const IndexRecommendation *recommendation, IndexOrder *ret_order, Error *error)
{
    bool is_drop = text_equals(recommendation->type, "drop");
    bool is_successor = index_recommendation_is_successor(recommendation);
    if (!is_drop && !is_successor && !text_equals(recommendation->type, "create")) {
        error_set(error, ERROR_UNSUPPORTED, "index %s is to be rebuilt, which is done by hand",
                  recommendation->index_name);
        return error_set_hint(error, "run: %s", recommendation->create_statement);
    }
    *ret_order = (IndexOrder){.target_id = recommendation->target_id,
                              .database = recommendation->database_name,
                              .schema = recommendation->schema_name,
                              .table = recommendation->table_name,
                              .name = is_drop ? recommendation->index_name : NULL,
                              .replaced = is_successor ? recommendation->index_name : NULL,
                              .definition = is_drop ? NULL : recommendation->create_statement,
                              .only_invalid = is_drop && recommendation->was_invalid,
                              .recommendation_id = recommendation->id};
    return true;
}

char *
index_drop_statement(Arena *arena, const char *schema, const char *name)
{
    return arena_printf(arena, "DROP INDEX CONCURRENTLY IF EXISTS %s",
                        pg_identifier_qualify(arena, schema, name));
}

const char *
index_first_statement(Arena *arena, const char *text)
{
    TextList statements = sql_split(arena, text, strlen(text), 1);
    return statements.count == 0 ? "" : statements.items[0];
}

TextList
index_marks_of(Arena *arena, const char *text, const char *schema, const char *name)
{
    TextList marks = {0};
    TextList statements = sql_split(arena, text, strlen(text), INDEX_STATEMENTS_MOST);
    for (size_t i = 1; i < statements.count; i++)
        if (sql_index_mark_is(arena, statements.items[i], schema, name))
            vector_push(arena, &marks, statements.items[i]);
    return marks;
}

/* What makes an index, with what its definition does not say. */
static const char *
with_marks(Arena *arena, const char *statement, const char *marks)
{
    return marks == NULL ? statement : arena_printf(arena, "%s;\n%s", statement, marks);
}

typedef struct RoleRights {
    const char *role;
    const char *schema;
    bool is_standby;
    bool is_read_only;
    bool is_owned;
    bool can_use;    /* the schema */
    bool can_create; /* in it */
} RoleRights;

static bool
schema_refuse(Arena *arena, const RoleRights *rights, const char *what, const char *right, Error *error)
{
    const char *schema = pg_identifier_quote(arena, rights->schema);
    error_set(error, ERROR_PERMISSION, "role %s may not %s schema %s", rights->role, what, schema);
    return error_set_hint(error, "GRANT %s ON SCHEMA %s TO %s", right, schema,
                          pg_identifier_quote(arena, rights->role));
}

static bool
role_check(Arena *arena, const RoleRights *rights, const char *what, Error *error)
{
    if (rights->is_standby) {
        error_set(error, ERROR_UNSUPPORTED, "the server is a standby: its indexes come from its primary");
        return error_set_hint(error, "make the change on the primary");
    }
    if (!rights->is_owned) {
        error_set(error, ERROR_PERMISSION, "role %s may not create or drop indexes of %s", rights->role,
                  what);
        return error_set_hint(error, "only the table's owner may: GRANT the owning role TO %s",
                              pg_identifier_quote(arena, rights->role));
    }
    if (!rights->can_use)
        return schema_refuse(arena, rights, "use", "USAGE", error);
    if (!rights->can_create)
        return schema_refuse(arena, rights, "create an index in", "CREATE", error);
    if (!rights->is_read_only)
        return true;
    error_set(error, ERROR_PERMISSION, "role %s may only read: default_transaction_read_only is on for it",
              rights->role);
    return error_set_hint(error,
                          "where changes are wanted: ALTER ROLE %s SET default_transaction_read_only = off",
                          pg_identifier_quote(arena, rights->role));
}

static bool
table_check(Arena *arena, const IndexTable *table, Error *error)
{
    const char *name = pg_identifier_qualify(arena, table->schema, table->name);
    if (table->kind == 'p') {
        error_set(error, ERROR_UNSUPPORTED,
                  "table %s is partitioned: PostgreSQL cannot index it CONCURRENTLY as a whole", name);
        return error_set_hint(error,
                              "create the index on each partition, then ON ONLY the table, then attach "
                              "them; \"fettle advise\" prints such a script");
    }
    if (table->kind != 'r' && table->kind != 'm')
        return error_set(error, ERROR_UNSUPPORTED, "%s is no table that can have an index", name);
    RoleRights rights = {.role = table->role,
                         .schema = table->schema,
                         .is_standby = table->is_standby,
                         .is_read_only = table->is_read_only,
                         .is_owned = table->is_owned,
                         .can_use = table->can_use,
                         .can_create = table->can_create};
    return role_check(arena, &rights, name, error);
}

/* Which passes by itself. */
static bool
refuse_busy(const char *name, Error *error)
{
    error_set(error, ERROR_CONFLICT, "index %s, or another one of its table, is being built at this moment",
              name);
    memcpy(error->sqlstate, INDEX_SQLSTATE_BUSY, sizeof(INDEX_SQLSTATE_BUSY));
    return false;
}

/* What stands under the wanted name already. An expression or a predicate is written by the server in its own
 * words, and only a change that was approved may ask it how: here the same in other words is another one. */
static bool
existing_check(Arena *arena, const IndexFacts *facts, const SqlIndexStatement *wanted, IndexPlan *plan,
               Error *error)
{
    SqlIndexStatement found;
    Error unreadable = {0};
    const char *name = pg_identifier_qualify(arena, facts->schema, facts->name);
    if (facts->table == NULL)
        return error_set(error, ERROR_CONFLICT, "the name %s is taken by something that is no index", name);
    bool is_alike =
        strcmp(facts->table, wanted->table) == 0 &&
        sql_index_statement_parse(arena, facts->definition, &(SqlIndexNames){0}, &found, &unreadable) &&
        strcmp(found.outline, wanted->outline) == 0;
    if (!is_alike || !index_definition_reads_alike(wanted, &found)) {
        error_set(error, ERROR_CONFLICT, "index %s exists with another definition%s", name,
                  is_alike ? ", or with this one in other words" : "");
        return error_set_hint(error, "%s: %s", is_alike ? "PostgreSQL has it as" : "it is",
                              facts->definition);
    }
    if (facts->is_being_built)
        return refuse_busy(name, error);
    plan->is_done = facts->is_valid;
    plan->message = facts->is_valid
                        ? "the index exists with this definition"
                        : "the invalid leftover of a failed build is dropped, and the index built";
    return true;
}

/* PostgreSQL would take it: an index that is wider for nothing. */
static bool
twice_named_check(const IndexOrder *order, Error *error)
{
    const char *names[INDEX_COLUMNS_MOST];
    size_t count = 0;
    fettle_assert(order->column_count + order->included_count <= INDEX_COLUMNS_MOST);
    for (size_t i = 0; i < order->column_count; i++)
        names[count++] = order->columns[i];
    for (size_t i = 0; i < order->included_count; i++)
        names[count++] = order->included[i];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                return error_set(error, ERROR_INPUT, "column %s is named twice in the index", names[i]);
    return true;
}

static bool
statement_make(PgConnection *connection, Arena *arena, const IndexOrder *order, const IndexTable *table,
               SqlIndexStatement *ret_statement, const char **ret_note, Error *error)
{
    const char *text = order->definition;
    SqlIndexNames names = {.schema = table->schema, .name = order->name};
    double width;
    if (text == NULL) {
        text = index_order_statement(arena, order, table->schema);
        if (!twice_named_check(order, error) ||
            !index_columns_check(connection, arena, table, order->columns, order->column_count, &width,
                                 error) ||
            !index_columns_check(connection, arena, table, order->included, order->included_count, &width,
                                 error))
            return false;
    }
    if (!sql_index_statement_parse(arena, text, &names, ret_statement, error))
        return false;
    bool is_its =
        strcmp(ret_statement->table, table->name) == 0 && strcmp(ret_statement->schema, table->schema) == 0;
    if (!is_its)
        return error_set(error, ERROR_INPUT, "the statement makes an index of another table");
    return index_fault_check(connection, arena, table, ret_statement, order->columns,
                             order->definition == NULL ? order->column_count : 0, ret_note, error);
}

/* Errs on the large side: every row, no deduplication. */
static bool
size_estimate(PgConnection *connection, Arena *arena, const IndexOrder *order, const IndexTable *table,
              double *ret_bytes, Error *error)
{
    double width = 32;
    double included = 0;
    if (order->definition == NULL &&
        (!index_columns_check(connection, arena, table, order->columns, order->column_count, &width, error) ||
         !index_columns_check(connection, arena, table, order->included, order->included_count, &included,
                              error)))
        return false;
    *ret_bytes = table->row_count > 0 ? table->row_count * (width + included + ENTRY_OVERHEAD_BYTES)
                                      : (double)table->size_bytes;
    return true;
}

static IndexChange
change_of(const IndexOrder *order, PgConnection *connection, Arena *arena, const SqlIndexStatement *statement)
{
    return (IndexChange){.recommendation_id = order->recommendation_id,
                         .target_id = order->target_id,
                         .database_name = arena_strdup(arena, pg_connection_database(connection)),
                         .schema_name = statement->schema,
                         .table_name = statement->table,
                         .index_name = statement->name,
                         .columns = statement->columns.items,
                         .column_count = statement->columns.count,
                         .index_type = statement->method,
                         .performed_by = order->performed_by};
}

/* The new index finds what the old one finds: its keys begin with the old one's. */
static bool
begins_with(const SqlIndexStatement *wanted, const SqlIndexStatement *former)
{
    bool begins = former->columns.count <= wanted->columns.count;
    for (size_t i = 0; begins && i < former->columns.count; i++)
        begins = strcmp(former->columns.items[i], wanted->columns.items[i]) == 0;
    return begins;
}

/* Of an undo: that the index that goes, as read from the target, is the one that was made; *index becomes
 * that one, which the run looks for. */
static bool
made_check(Arena *arena, const IndexOrder *order, const IndexFacts *facts, SqlIndexStatement *index,
           Error *error)
{
    SqlIndexStatement made;
    if (order->made_by == NULL)
        return true;
    if (!sql_index_statement_parse(arena, order->made_by, &(SqlIndexNames){0}, &made, error))
        return false;
    if (strcmp(made.outline, index->outline) != 0 || strcmp(made.table, index->table) != 0) {
        error_set(error, ERROR_CONFLICT, "index %s was replaced since by another one", facts->name);
        return error_set_hint(error, "it is: %s", facts->definition);
    }
    *index = made;
    return true;
}

/* Makes the plan one to modify: what is to be replaced goes when the new index is there. */
static bool
replacement_plan(PgConnection *connection, Arena *arena, const IndexOrder *order,
                 const SqlIndexStatement *wanted, IndexPlan *plan, Error *error)
{
    IndexFacts facts;
    SqlIndexStatement former;
    bool is_found;
    if (strcmp(order->replaced, wanted->name) == 0)
        return error_set(error, ERROR_INPUT, "index %s cannot replace itself", wanted->name);
    if (!index_facts_find(connection, arena, wanted->schema, order->replaced, &is_found, &facts, error))
        return false;
    if (!is_found && plan->is_done)
        return true;
    const char *name = pg_identifier_qualify(arena, wanted->schema, order->replaced);
    if (!is_found || facts.table == NULL || strcmp(facts.table, wanted->table) != 0)
        return error_set(error, ERROR_INPUT, "table %s has no index %s that could be replaced", wanted->table,
                         name);
    if (!sql_index_statement_parse(arena, facts.definition, &(SqlIndexNames){0}, &former, error))
        return error_prefix(error, "index %s cannot be replaced, for it could not be made again", name);
    if (!made_check(arena, order, &facts, &former, error))
        return false;
    /* looked at once more when the new one is there */
    if (begins_with(wanted, &former))
        facts.lookup = NULL;
    if (order->made_by != NULL)
        index_facts_excuse(&facts);
    if (!index_facts_check_drop(arena, &facts, error))
        return false;
    const char *again = with_marks(arena, former.text, facts.marks);
    plan->change.action = "modify";
    plan->change.sql = arena_printf(arena, "%s;\n%s", plan->change.sql,
                                    index_drop_statement(arena, former.schema, former.name));
    plan->change.undo_sql =
        plan->is_done ? again : arena_printf(arena, "%s;\n%s", again, plan->change.undo_sql);
    plan->message = arena_printf(arena, "the index is there, and %s is dropped", name);
    plan->is_done = false;
    return true;
}

/* Where an undo finds the index made again already: what it had beside its definition. Somebody else may have
 * made it, and the undo of this undo would take theirs, so that it is only told. */
static void
marks_tell(Arena *arena, const IndexOrder *order, const IndexFacts *facts, IndexPlan *plan)
{
    const char *is_said = facts->marks == NULL ? "" : facts->marks;
    TextList wanted = sql_split(arena, order->marks, strlen(order->marks), INDEX_STATEMENTS_MOST);
    TextList found = sql_split(arena, is_said, strlen(is_said), INDEX_STATEMENTS_MOST);
    Text text = text_new(arena);
    for (size_t i = 0; i < wanted.count; i++)
        if (!text_list_contains(&found, wanted.items[i]))
            text_append_format(&text, "%s%s", text.length == 0 ? "" : "; ", wanted.items[i]);
    if (text.length > 0)
        plan->message = arena_printf(
            arena, "%s, without all of what was said of the former one; where that is wanted, run: %s",
            plan->message, text.data);
}

/* It is not refused: a rebuild under another name begins like that. */
static bool
twice_note(PgConnection *connection, Arena *arena, const IndexTable *table, const SqlIndexStatement *wanted,
           const char *replaced, const char **ret_note, Error *error)
{
    const char *there;
    if (!index_definition_find(connection, arena, table, wanted, replaced, &there, error))
        return false;
    *ret_note =
        there == NULL
            ? NULL
            : arena_printf(arena, "index %s is there already and does all that this one would", there);
    return true;
}

bool
index_plan_create(const IndexManager *manager, Arena *arena, const IndexOrder *order, IndexPlan *ret_plan,
                  Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    IndexTable table;
    SqlIndexStatement statement;
    IndexFacts facts;
    IndexPlace place;
    bool is_found;
    double bytes = 0;
    IndexPlan plan = {.free_bytes = -1, .message = "the index is built"};
    if (!index_session_read(manager, arena, order->target_id, order->database, &connection, error) ||
        !index_table_find(connection, arena, order->schema, order->table, &table, error) ||
        !table_check(arena, &table, error) ||
        !statement_make(connection, arena, order, &table, &statement, &plan.note, error) ||
        !index_facts_find(connection, arena, table.schema, statement.name, &is_found, &facts, error))
        return false;
    if (is_found && !existing_check(arena, &facts, &statement, &plan, error))
        return false;
    if (!plan.is_done && (!index_place_find(connection, arena, statement.tablespace, &place, error) ||
                          !size_estimate(connection, arena, order, &table, &bytes, error) ||
                          !index_space_check(manager, &place, bytes, &plan.free_bytes, error)))
        return false;
    if (!plan.is_done && plan.note == NULL &&
        !twice_note(connection, arena, &table, &statement, order->replaced, &plan.note, error))
        return false;
    plan.wanted_bytes = 2 * bytes;
    plan.change = change_of(order, connection, arena, &statement);
    plan.change.action = "create";
    plan.change.sql = with_marks(arena, statement.text, order->marks);
    plan.change.undo_sql = index_drop_statement(arena, statement.schema, statement.name);
    if (order->replaced != NULL && !replacement_plan(connection, arena, order, &statement, &plan, error))
        return false;
    if (plan.is_done && order->marks != NULL)
        marks_tell(arena, order, &facts, &plan);
    if (!plan.is_done && statement.has_expression)
        plan.message =
            arena_printf(arena, "%s; until an ANALYZE of %s the planner has no statistics of its expressions",
                         plan.message, pg_identifier_qualify(arena, table.schema, table.name));
    *ret_plan = plan;
    return true;
}

static bool
clustered_check(Arena *arena, const IndexFacts *facts, const char *name, Error *error)
{
    const char *table = pg_identifier_qualify(arena, facts->schema, facts->table);
    if (!facts->is_clustered)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "index %s is the one that table %s is clustered by", name, table);
    return error_set_hint(error, "where it is not clustered any more: ALTER TABLE %s SET WITHOUT CLUSTER",
                          table);
}

/* Who may drop an index may still not be allowed to make it again. */
static bool
drop_role_check(Arena *arena, const IndexFacts *facts, const char *name, Error *error)
{
    RoleRights rights = {.role = facts->role,
                         .schema = facts->schema,
                         .is_standby = facts->is_standby,
                         .is_read_only = facts->is_read_only,
                         .is_owned = facts->is_owned,
                         .can_use = facts->can_use,
                         .can_create = true};
    if (!role_check(arena, &rights, name, error))
        return false;
    if (!facts->is_valid || (facts->can_create && facts->can_place))
        return true;
    if (!facts->can_create) {
        (void)!schema_refuse(arena, &rights, "create an index in", "CREATE", error);
    } else {
        error_set(error, ERROR_PERMISSION, "role %s may not put an index into its tablespace", facts->role);
        (void)!error_set_hint(error, "GRANT CREATE ON TABLESPACE ... TO %s",
                              pg_identifier_quote(arena, facts->role));
    }
    return error_prefix(error, "index %s cannot be dropped, for it could not be made again", name);
}

void
index_facts_excuse(IndexFacts *facts)
{
    facts->lookup = facts->extension = NULL;
    facts->can_create = facts->can_place = true;
}

static bool
refuse_part(const IndexFacts *facts, const char *name, Error *error)
{
    bool is_whole = facts->kind == 'I' && !facts->is_partition;
    error_set(error, ERROR_UNSUPPORTED, "index %s is %s: PostgreSQL cannot drop it CONCURRENTLY", name,
              facts->kind == 'I' ? "partitioned" : "part of a partitioned index");
    if (!is_whole)
        return error_set_hint(error, "it goes with the partitioned index that it is part of, and not alone");
    return error_set_hint(error,
                          "by hand, at a quiet time: DROP INDEX %s; it drops the parts too, and keeps "
                          "everybody from the table and its partitions until it ends",
                          name);
}

bool
index_facts_check_drop(Arena *arena, const IndexFacts *facts, Error *error)
{
    const char *name = pg_identifier_qualify(arena, facts->schema, facts->name);
    if (facts->table == NULL)
        return error_set(error, ERROR_INPUT, "%s is no index", name);
    if (facts->constraint != NULL)
        return error_set(error, ERROR_UNSUPPORTED, "index %s backs constraint %s", name, facts->constraint);
    if (facts->referenced != NULL)
        return error_set(error, ERROR_UNSUPPORTED, "foreign key %s needs index %s", facts->referenced, name);
    if (facts->is_replica_identity)
        return error_set(error, ERROR_UNSUPPORTED, "index %s is its table's replica identity", name);
    if (facts->lookup != NULL)
        return error_set(error, ERROR_UNSUPPORTED,
                         "index %s is the only one that finds rows for foreign key %s", name, facts->lookup);
    if (facts->extension != NULL)
        return error_set(error, ERROR_UNSUPPORTED, "index %s belongs to extension %s, or depends on it", name,
                         facts->extension);
    if (facts->kind == 'I' || facts->is_partition)
        return refuse_part(facts, name, error);
    if (facts->is_being_built)
        return refuse_busy(name, error);
    return clustered_check(arena, facts, name, error) && drop_role_check(arena, facts, name, error);
}

static bool
drop_find(PgConnection *connection, Arena *arena, const IndexOrder *order, bool *ret_found, IndexFacts *facts,
          Error *error)
{
    IndexTable table = {0};
    if (order->table != NULL &&
        !index_table_find(connection, arena, order->schema, order->table, &table, error))
        return false;
    /* an index is in its table's schema, so the table's name can tell equal names apart */
    const char *schema = order->schema != NULL ? order->schema : table.schema;
    if (!index_facts_find(connection, arena, schema, order->name, ret_found, facts, error))
        return false;
    bool is_others =
        *ret_found && order->table != NULL && facts->table != NULL && strcmp(facts->table, order->table) != 0;
    return !is_others || error_set(error, ERROR_INPUT, "index %s is of table %s, not of %s", facts->name,
                                   facts->table, order->table);
}

static bool
droppable_read(Arena *arena, const IndexOrder *order, IndexFacts *facts, SqlIndexStatement *ret_index,
               Error *error)
{
    if (order->made_by != NULL)
        index_facts_excuse(facts);
    if (!index_facts_check_drop(arena, facts, error))
        return false;
    if (order->only_invalid && facts->is_valid)
        return error_set(error, ERROR_CONFLICT,
                         "index %s was to go because it was invalid, and it is valid now", facts->name);
    if (!sql_index_statement_parse(arena, facts->definition, &(SqlIndexNames){0}, ret_index, error))
        return error_prefix(error, "the index cannot be dropped, for it could not be made again");
    return made_check(arena, order, facts, ret_index, error);
}

bool
index_plan_drop(const IndexManager *manager, Arena *arena, const IndexOrder *order, IndexPlan *ret_plan,
                Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    IndexFacts facts;
    SqlIndexStatement statement;
    bool is_found;
    IndexPlan plan = {.free_bytes = -1, .message = "the index is dropped"};
    if (!index_session_read(manager, arena, order->target_id, order->database, &connection, error) ||
        !drop_find(connection, arena, order, &is_found, &facts, error))
        return false;
    if (!is_found) {
        const char *schema = order->schema == NULL ? "public" : order->schema;
        statement = (SqlIndexStatement){
            .schema = schema, .table = order->table == NULL ? "" : order->table, .name = order->name};
        plan.is_done = true;
        plan.message =
            strpbrk(order->name, ".\"") == NULL
                ? "there is no such index"
                : "there is no such index: its name is given alone, without quotes, and its schema apart";
    } else if (!droppable_read(arena, order, &facts, &statement, error)) {
        return false;
    }
    plan.change = change_of(order, connection, arena, &statement);
    plan.change.action = "drop";
    plan.change.undo_sql = with_marks(arena, statement.text, is_found ? facts.marks : NULL);
    plan.change.sql = index_drop_statement(arena, statement.schema, statement.name);
    *ret_plan = plan;
    return true;
}

/* Of the index that an undo makes again. */
static bool
marks_read(Arena *arena, IndexOrder *order, const IndexChange *change, TextList *ret_marks, Error *error)
{
    SqlIndexStatement statement;
    if (!sql_index_statement_parse(arena, order->definition, &(SqlIndexNames){0}, &statement, error))
        return false;
    *ret_marks = index_marks_of(arena, change->undo_sql, statement.schema, statement.name);
    Text marks = text_new(arena);
    for (size_t i = 0; i < ret_marks->count; i++)
        text_append_format(&marks, "%s%s", i == 0 ? "" : ";\n", ret_marks->items[i]);
    order->marks = ret_marks->count == 0 ? NULL : marks.data;
    return true;
}

static bool
undo_plan(const IndexManager *manager, Arena *arena, const IndexChange *change, const char *performed_by,
          IndexPlan *ret_plan, Error *error)
{
    IndexOrder order = {.target_id = change->target_id,
                        .database = change->database_name,
                        .schema = change->schema_name,
                        .table = change->table_name,
                        .performed_by = performed_by};
    bool is_modify = strcmp(change->action, "modify") == 0;
    /* what modifies may have come to half of it */
    if (change->success != 1 && !(is_modify && change->success == 0))
        return error_set(error, ERROR_CONFLICT, "index change %" PRId64 " is %s: there is nothing to undo",
                         change->id, change->state);
    if (change->success == 0 && !index_sent_create(change))
        return error_set(error, ERROR_CONFLICT,
                         "index change %" PRId64
                         " failed, and it is not recorded that anything was sent: there "
                         "is nothing to undo",
                         change->id);
    if (index_sent_is_doubted(change))
        return error_set(error, ERROR_CONFLICT,
                         "whether index change %" PRId64 " made index %s is not known, so that its undo does "
                         "not drop it: %s",
                         change->id, change->index_name, change->error_message);
    order.made_by = index_first_statement(arena, change->sql);
    if (strcmp(change->action, "create") == 0) {
        order.name = change->index_name;
        return index_plan_drop(manager, arena, &order, ret_plan, error);
    }
    TextList undo = sql_split(arena, change->undo_sql, strlen(change->undo_sql), INDEX_STATEMENTS_MOST);
    if (undo.count == 0)
        return error_set(error, ERROR_DAMAGED, "index change %" PRId64 " has no undo", change->id);
    order.definition = undo.items[0];
    TextList marks = {0};
    if (!marks_read(arena, &order, change, &marks, error))
        return false;
    order.replaced = is_modify && undo.count > 1 + marks.count ? change->index_name : NULL;
    return index_plan_create(manager, arena, &order, ret_plan, error);
}

bool
index_plan_undo(const IndexManager *manager, Arena *arena, const IndexChange *change,
                const char *performed_by, IndexPlan *ret_plan, Error *error)
{
    if (!undo_plan(manager, arena, change, performed_by, ret_plan, error))
        return false;
    /* what takes an undo back makes the change anew: a pause stands against it, and a class */
    ret_plan->change.is_undo = !change->is_undo;
    return true;
}

bool
index_plan_record(const IndexManager *manager, Arena *arena, const IndexPlan *plan, int64_t *ret_id,
                  Error *error)
{
    fettle_assert(!plan->is_done);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(manager->store, 0, &session, error) &&
           approval_check(manager->settings, session.connection, arena, &plan->change, error) &&
           index_change_begin(session.connection, arena, &plan->change, ret_id, error);
}
