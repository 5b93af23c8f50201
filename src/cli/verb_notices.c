// SPDX-License-Identifier: PostgreSQL
#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/store_session.h"
#include "cli/table.h"
#include "store/notice.h"
#include "workflow/notice_text.h"

extern const CliVerb cli_verb_notices;

#define SINCE_STANDARD_MS ((int64_t)24 * 3600 * 1000)

static const CliOption notices_options[] = {
    {"json", 0, NULL, "as JSON"},
    {"text", 0, NULL, "as e-mails in a mailbox: subject and text of each, the oldest first"},
    {"since", 0, "TIME", "not older than this, as 30min or 7d (default: 1d)"},
    {"event", 'e', "EVENT", "only this event"},
    {"target", 't', "TARGET", "only this target, by name or number"},
    {NULL, 0, NULL, NULL},
};

static bool
range_read(CliInput *input, const CliStore *store, NoticeRange *range, Error *error)
{
    const char *since = cli_option(input, "since");
    const char *target_name = cli_option(input, "target");
    int64_t since_ms = SINCE_STANDARD_MS;
    Target target;
    if (since != NULL && (!setting_duration_parse(since, &since_ms) || since_ms == 0))
        return error_set(error, ERROR_USAGE, "--since takes a time, as 30min or 7d");
    range->event = cli_option(input, "event");
    if (range->event != NULL && !notice_event_is_known(range->event))
        return error_set(error, ERROR_USAGE, "there is no event \"%.60s\"; there are %s", range->event,
                         NOTICE_EVENT_WORDS);
    int64_t from_us = clock_wall_us() - since_ms * 1000;
    range->from_us = from_us > 1 ? from_us : 1;
    range->most = NOTICES_MOST;
    if (target_name == NULL)
        return true;
    if (!cli_target_find(store, target_name, &target, error))
        return false;
    range->target_id = target.target_id;
    return true;
}

static void
append_table(const CliInput *input, const NoticeList *list, Text *text)
{
    static const CliColumn columns[] = {
        {"ID", "id", CLI_NUMBER},
        {"WHEN", "at", CLI_TIME},
        {"EVENT", "event", CLI_TEXT},
        {"SUBJECT", "subject", CLI_TEXT},
    };
    CliTable table = cli_table_new(text->arena, columns, FETTLE_COUNT_OF(columns));
    table.screen_columns = input->screen_columns;
    for (size_t i = 0; i < list->count; i++) {
        const Notice *notice = &list->items[i];
        cli_table_number(&table, notice->id);
        cli_table_number(&table, notice->created_at_us);
        cli_table_text(&table, notice->event);
        cli_table_text(&table, notice_text(text->arena, notice).subject);
    }
    cli_table_append(&table, text, false, "nothing was told in that time\n");
}

static void
append_json(Text *text, const NoticeList *list)
{
    JsonWriter json = json_writer_new(text, true);
    json_array_begin(&json);
    for (size_t i = 0; i < list->count; i++) {
        const Notice *notice = &list->items[i];
        NoticeText words = notice_text(text->arena, notice);
        json_object_begin(&json);
        json_key_int(&json, "id", notice->id);
        json_key_string(&json, "at", clock_format_utc(text->arena, notice->created_at_us));
        json_key_string(&json, "event", notice->event);
        json_key_string(&json, "target_name", notice->target_name);
        json_key_string(&json, "subject", words.subject);
        json_key_string(&json, "text", words.body);
        json_key(&json, "data");
        json_raw(&json, notice->payload);
        json_object_end(&json);
    }
    json_array_end(&json);
    text_append_char(text, '\n');
}

static bool
notices_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    NoticeRange range = {0};
    NoticeList list;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (cli_option(input, "json") != NULL && cli_option(input, "text") != NULL)
        return error_set(error, ERROR_USAGE, "--json and --text exclude each other");
    if (!cli_store_open(input, false, &store, error) || !range_read(input, &store, &range, error) ||
        !notice_list(store.connection, input->arena, &range, &list, error))
        return false;
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL)
        append_json(&text, &list);
    else if (cli_option(input, "text") != NULL)
        for (size_t i = list.count; i > 0; i--)
            notice_text_append_mail(&text, &list.items[i - 1]);
    else
        append_table(input, &list, &text);
    return cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_notices = {
    .name = "notices",
    .arguments = "",
    .summary = "what people were told: advice, changes, incidents",
    .description = "Shows the notices of the last day, or --since, at most the newest 500; they are kept for "
                   "30 days. With --text\nthey are e-mails without sender and receiver, one after the other "
                   "in a mailbox, for a program that sends mail.\nNothing in a name or a statement of a "
                   "database can add a header or a message to it.",
    .examples = "  fettle notices --since 7d\n"
                "  fettle notices --text --since 1h | formail -s /usr/sbin/sendmail dba@example.com\n"
                "  fettle notices --json --event index.failed\n",
    .options = notices_options,
    .run = notices_run,
};
