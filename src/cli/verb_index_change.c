// SPDX-License-Identifier: PostgreSQL
/*
 * Creating and dropping an index from the command line, in the foreground. An interrupt (Ctrl-C) cancels the
 * change and cleans up; a second one ends the program, and the next run cleans up.
 */
#include "base/json_writer.h"
#include "base/log.h"
#include "cli/verb_index_internal.h"
#include "pg/identifier.h"
#include "sql/index_statement.h"
#include "store/index_change.h"
#include "workflow/index_plan.h"
#include "workflow/index_run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_bool interrupted;
static atomic_bool is_wish; /* Ctrl-C; another signal comes from a system that ends, too */

static void
on_interrupt(int signal_number)
{
    atomic_store(&is_wish, signal_number == SIGINT);
    atomic_store(&interrupted, true);
    (void)signal(signal_number, SIG_DFL);
}

/* As the server names an index, by included columns too: of the longer part less is kept. */
static const char *
default_name(Arena *arena, const char *table, const TextList *columns, const TextList *included)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < columns->count; i++)
        text_append_format(&text, "%s%s", i == 0 ? "" : "_", columns->items[i]);
    for (size_t i = 0; i < included->count; i++)
        text_append_format(&text, "_%s", included->items[i]);
    size_t room = PG_IDENTIFIER_BYTES - strlen("__idx");
    size_t of_table = strlen(table);
    size_t of_columns = strlen(text.data);
    while (of_table + of_columns > room)
        (*(of_table > of_columns ? &of_table : &of_columns))--;
    return arena_printf(arena, "%s_%s_idx", pg_identifier_cut_to(arena, table, of_table),
                        pg_identifier_cut_to(arena, text.data, of_columns));
}

/* A whole statement in place of table and columns. */
static bool
definition_take(CliInput *input, IndexOrder *order, Error *error)
{
    static const char *const of_columns[] = {"method", "unique", "include"};
    SqlIndexStatement statement;
    if (strpbrk(order->table, " \t\n(") == NULL) {
        error_set(error, ERROR_USAGE, "the columns of the index on %.80s are not given", order->table);
        return error_set_hint(error,
                              "write \"fettle index create TARGET TABLE COLUMN,COLUMN\", or a whole CREATE "
                              "INDEX statement in place of TABLE");
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(of_columns); i++)
        if (cli_option(input, of_columns[i]) != NULL) {
            error_set(error, ERROR_USAGE, "--%s goes with columns, not with a whole statement",
                      of_columns[i]);
            return error_set_hint(error, "say it in the statement");
        }
    SqlIndexNames names = {.schema = order->schema != NULL ? order->schema : "public", .name = order->name};
    if (!sql_index_statement_parse(input->arena, order->table, &names, &statement, error))
        return false;
    order->definition = order->table;
    order->schema = statement.schema;
    order->table = statement.table;
    order->name = statement.name;
    return true;
}

/* What is done with a name is shown and kept: a connection string, which holds a password, would be. */
static bool
name_is_connection_check(const char *name, Error *error)
{
    if (!cli_has_secret(name))
        return true;
    error_set(error, ERROR_USAGE, "a connection string stands where the index's name is wanted");
    return error_set_hint(error, "give the target, then the table or the index: run \"fettle help index\"");
}

/* PostgreSQL would cut a longer name, and then find, or undo, another index. */
static bool
name_check(const char *name, Error *error)
{
    if (name != NULL && !name_is_connection_check(name, error))
        return false;
    if (name == NULL || (name[0] != '\0' && strlen(name) <= PG_IDENTIFIER_BYTES))
        return true;
    return error_set(error, ERROR_USAGE, "--name takes a name of 1 to %d bytes", PG_IDENTIFIER_BYTES);
}

static bool
order_create(CliInput *input, IndexOrder *order, Error *error)
{
    const char *included = cli_option(input, "include");
    const char *method = cli_option(input, "method");
    order->table = input->arguments[2];
    order->name = cli_option(input, "name");
    order->schema = cli_option(input, "schema");
    order->replaced = cli_option(input, "replaces");
    if (!name_check(order->name, error))
        return false;
    if (input->argument_count == 3)
        return definition_take(input, order, error);
    if (method != NULL && !index_method_is_known(method))
        return error_set(error, ERROR_USAGE, "--method takes one of " INDEX_METHODS);
    TextList columns = cli_words_split(input->arena, input->arguments[3]);
    TextList further = cli_words_split(input->arena, included == NULL ? "" : included);
    if (columns.count == 0 || columns.count + further.count > INDEX_COLUMNS_MOST)
        return error_set(error, ERROR_USAGE, "an index has 1 to %d columns", INDEX_COLUMNS_MOST);
    order->columns = columns.items;
    order->column_count = columns.count;
    order->included = further.items;
    order->included_count = further.count;
    order->is_unique = cli_option(input, "unique") != NULL;
    order->method = method == NULL ? "btree" : method;
    if (order->name == NULL)
        order->name = default_name(input->arena, order->table, &columns, &further);
    return true;
}

bool
index_plan_is_approved(CliInput *input, const IndexPlan *plan, const char *target_name, Error *error)
{
    char answer[16] = "";
    if (cli_option(input, "yes") != NULL)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        error_set(error, ERROR_USAGE, "the change needs your approval");
        return error_set_hint(error, "look at it with --dry-run, then approve it with --yes");
    }
    fprintf(stderr, "%s;\non %s of target %s? [y/N] ", plan->change.sql, plan->change.database_name,
            target_name);
    if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return error_set(error, ERROR_CANCELLED, "not approved: nothing was changed");
}

static bool
outcome_write(CliInput *input, const IndexPlan *plan, const char *status, Error *error)
{
    const IndexChange *change = &plan->change;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        json_object_begin(&json);
        json_key(&json, "change_id");
        if (change->id == 0)
            json_write_null(&json);
        else
            json_int(&json, change->id);
        json_key_string(&json, "status", status);
        json_key_string(&json, "message", plan->message);
        json_key_string(&json, "note", plan->note);
        json_key_string(&json, "schema_name", change->schema_name);
        json_key_string(&json, "table_name", change->table_name);
        json_key_string(&json, "index_name", change->index_name);
        json_key_string(&json, "sql", change->sql);
        json_key_string(&json, "undo_sql", change->undo_sql);
        json_object_end(&json);
        text_append_char(&text, '\n');
    } else if (strcmp(status, "planned") == 0) {
        text_append_format(&text, "%s;\n-- to undo it:\n%s%s\n", change->sql,
                           change->undo_sql == NULL ? "-- nothing" : change->undo_sql,
                           change->undo_sql == NULL ? "" : ";");
    } else if (!input->is_quiet) {
        text_append_format(&text, "%s\n", plan->message);
        if (change->id != 0)
            text_append_format(&text, "change %" PRId64 "; to undo it: %s;\n", change->id, change->undo_sql);
    }
    return cli_write(input, text.data, text.length, error);
}

IndexManager
index_foreground_manager(const CliInput *input, const CliStore *store)
{
    return (IndexManager){.store = store->store,
                          .settings = input->settings,
                          .stop = &interrupted,
                          .stop_is_wish = &is_wish,
                          .progress = session_progress};
}

bool
index_change_carry_out(CliStore *store, const IndexManager *manager, const IndexPlan *plan, Error *error)
{
    IndexChange now;
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    bool good = index_run(manager, plan->change.id, error);
    progress_clear();
    if (!good || !index_change_get(store->connection, store->arena, plan->change.id, &now, error))
        return false;
    if (now.success == 1) {
        if (now.error_message != NULL)
            log_write(LOG_LEVEL_WARNING, "%s", now.error_message);
        return true;
    }
    bool is_cancelled = strcmp(now.state, "cancelled") == 0;
    error_set(error, is_cancelled ? ERROR_CANCELLED : ERROR_QUERY, "%s",
              now.error_message == NULL ? "the change failed" : now.error_message);
    return error_set_hint(
        error, "Fettle left nothing invalid on the target; the history keeps it as change %" PRId64, now.id);
}

static bool
plan_carry_out(CliInput *input, CliStore *store, const IndexManager *manager, IndexPlan *plan, Error *error)
{
    if (cli_option(input, "dry-run") != NULL)
        return outcome_write(input, plan, plan->is_done ? "completed" : "planned", error);
    if (plan->is_done)
        return outcome_write(input, plan, "completed", error);
    if (!index_plan_is_approved(input, plan, input->arguments[1], error) ||
        !index_plan_record(manager, input->arena, plan, &plan->change.id, error))
        return false;
    bool done = index_change_carry_out(store, manager, plan, error);
    CliAct act = {.action = arena_printf(input->arena, "index.%s", plan->change.action),
                  .object = arena_printf(input->arena, "index:%s.%s", plan->change.schema_name,
                                         plan->change.index_name),
                  .target_id = plan->change.target_id};
    return cli_store_audit(store, &act, done, error) && outcome_write(input, plan, "completed", error);
}

/* What is to become of a target's indexes. */
typedef struct ChangeWish {
    IndexOrder order;
    bool is_drop;
    int64_t undone_id; /* a change that is taken back, in place of an order; 0: none */
} ChangeWish;

static bool
wish_plan(CliStore *store, const IndexManager *manager, const ChangeWish *wish, IndexPlan *ret_plan,
          Error *error)
{
    IndexChange change;
    if (wish->is_drop)
        return index_plan_drop(manager, store->arena, &wish->order, ret_plan, error);
    if (wish->undone_id == 0)
        return index_plan_create(manager, store->arena, &wish->order, ret_plan, error);
    if (!index_change_get(store->connection, store->arena, wish->undone_id, &change, error))
        return false;
    if (change.target_id != wish->order.target_id)
        return error_set(error, ERROR_NOT_FOUND, "the target has no index change %" PRId64, wish->undone_id);
    return index_plan_undo(manager, store->arena, &change, wish->order.performed_by, ret_plan, error);
}

static bool
change_action(CliInput *input, ChangeWish *wish, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    Target target;
    IndexPlan plan;
    int settled;
    if (!cli_store_open(input, false, &store, error) ||
        !cli_target_find(&store, input->arguments[1], &target, error))
        return false;
    IndexManager manager = index_foreground_manager(input, &store);
    wish->order.target_id = target.target_id;
    wish->order.database = cli_option(input, "database");
    wish->order.performed_by = store.actor;
    if (cli_option(input, "dry-run") == NULL && !index_settle_all(&manager, &settled, error))
        return false;
    progress_show("looking at the target", 0, 0);
    bool planned = wish_plan(&store, &manager, wish, &plan, error);
    progress_clear();
    /* of columns alone the target's own catalogs tell all */
    if (planned && !plan.is_done && wish->order.definition != NULL && cli_option(input, "dry-run") != NULL &&
        wish->order.database == NULL)
        index_twin_ask(input, &plan);
    if (planned && !plan.is_done && plan.note != NULL)
        log_write(LOG_LEVEL_WARNING, "%s", plan.note);
    return planned && plan_carry_out(input, &store, &manager, &plan, error);
}

bool
index_create_action(CliInput *input, Error *error)
{
    ChangeWish wish = {0};
    return order_create(input, &wish.order, error) && change_action(input, &wish, error);
}

bool
index_drop_action(CliInput *input, Error *error)
{
    ChangeWish wish = {.order = {.name = input->arguments[2], .schema = cli_option(input, "schema")},
                       .is_drop = true};
    return name_is_connection_check(wish.order.name, error) && change_action(input, &wish, error);
}

static bool
change_number(const char *text, int64_t *ret_id, Error *error)
{
    if (text_parse_int64(text, ret_id) && *ret_id >= 1)
        return true;
    error_set(error, ERROR_USAGE, "\"%.40s\" is no number of a change", text);
    return error_set_hint(error, "\"fettle index history TARGET\" shows them");
}

bool
index_undo_action(CliInput *input, Error *error)
{
    ChangeWish wish = {0};
    return change_number(input->arguments[2], &wish.undone_id, error) && change_action(input, &wish, error);
}

bool
index_cancel_action(CliInput *input, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    int64_t id;
    if (!change_number(input->arguments[1], &id, error) || !cli_store_open(input, false, &store, error))
        return false;
    bool done = index_change_cancel(store.connection, id, error);
    CliAct act = {.action = "index.cancel",
                  .object = arena_printf(input->arena, "index_change:%" PRId64, id)};
    if (!cli_store_audit(&store, &act, done, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        text_append_format(&text, "{\"change_id\": %" PRId64 "}\n", id);
    else if (!input->is_quiet)
        text_append_format(&text, "change %" PRId64 " was asked to stop; the history tells how it ends\n",
                           id);
    return cli_write(input, text.data, text.length, error);
}
