// SPDX-License-Identifier: PostgreSQL
#include "base/random.h"
#include "workflow/notice_text.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static Arena *arena;

static int
arena_begin(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)256 << 20);
    return 0;
}

static int
arena_end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static Notice
notice_of(const char *event, const char *payload)
{
    return (Notice){.id = 7,
                    .target_id = 1,
                    .target_name = "shop",
                    .event = event,
                    .payload = payload,
                    .created_at_us = INT64_C(1771597800) * 1000000};
}

static const char *
subject_of(const char *event, const char *payload)
{
    Notice notice = notice_of(event, payload);
    return notice_text(arena, &notice).subject;
}

static void
each_event_has_a_subject_that_says_what_happened(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"index.completed",
         "{\"action\": \"create\", \"index_name\": \"i\", \"schema_name\": \"s\", \"table_name\": \"t\"}",
         "shop: index i on s.t was created"},
        {"index.completed",
         "{\"action\": \"drop\", \"index_name\": \"i\", \"schema_name\": \"s\", \"table_name\": \"t\"}",
         "shop: index i on s.t was dropped"},
        {"index.failed",
         "{\"action\": \"create\", \"state\": \"cancelled\", \"index_name\": \"i\", \"schema_name\": \"s\", "
         "\"table_name\": \"t\"}",
         "shop: index i on s.t was not created: it was cancelled"},
        {"index.failed", "{\"action\": \"drop\", \"state\": \"failed\", \"index_name\": null}",
         "shop: index without a name on ?.? could not be dropped"},
        {"index.completed",
         "{\"action\": \"modify\", \"index_name\": \"i\", \"schema_name\": \"s\", \"table_name\": \"t\"}",
         "shop: index i on s.t was changed"},
        {"recommendation.new", "{\"recommendation_text\": \"Create index i\"}",
         "shop: new advice: Create index i"},
        {"implementation.verdict", "{\"recommendation_text\": \"Create index i\", \"status\": \"regressed\"}",
         "shop: it made things worse: Create index i"},
        {"implementation.verdict", "{\"status\": \"another\"}", "shop: another: a recommendation"},
        {"implementation.undone", "{\"recommendation_text\": \"Create index i\"}",
         "shop: undone: Create index i"},
        {"incident.opened", "{\"title\": \"waits for locks\", \"severity\": \"high\"}",
         "shop: high incident: waits for locks"},
        {"incident.closed", "{\"title\": \"waits for locks\"}", "shop: over: waits for locks"},
        {"webhook.test", "{\"name\": \"ops\"}", "shop: a test of webhook ops"},
        {"incident.opened", "not JSON at all", "shop: new incident: an incident"},
        {"incident.opened", "[1]", "shop: new incident: an incident"},
        {"of.tomorrow", "{}", "shop: of.tomorrow"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(rows); i++)
        assert_string_equal(subject_of(rows[i][0], rows[i][1]), rows[i][2]);
}

static void
a_body_has_a_line_for_each_figure_that_is_known(void **state)
{
    (void)state;
    Notice notice =
        notice_of("implementation.verdict",
                  "{\"status\": \"implemented\", \"actual_improvement_percent\": 38.25, \"actual_low\": 30, "
                  "\"actual_high\": null, \"expected_saving_ms_per_hour\": 5000, \"roi_score\": 0.4, "
                  "\"query_hash\": -8000000000000000001, \"undo\": \"DROP INDEX i\", \"of_tomorrow\": 1, "
                  "\"detectable_percent\": 31, \"enough_data_at\": \"2026-02-25T08:00:00Z\"}");
    assert_string_equal(notice_text(arena, &notice).body, "shop: it helped: a recommendation\n\n"
                                                          "Query: -8000000000000000001\n"
                                                          "Expected saving: 5.0 s an hour\n"
                                                          "Measured gain: 38.2 %\n"
                                                          "  at least: 30.0 %\n"
                                                          "A harm that would show by now: 31.0 %\n"
                                                          "Enough data for one of 20 %: "
                                                          "expected at 2026-02-25T08:00:00Z\n"
                                                          "Return: 0.4\n"
                                                          "Undo: DROP INDEX i\n"
                                                          "Target: shop\n"
                                                          "When: 2026-02-20T14:30:00Z\n");
}

static void
enough_data_is_there_is_expected_or_is_out_of_sight(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"detectable_percent\": 18, \"enough_data_at\": \"2026-02-20T14:29:59Z\"}",
         "Enough data for one of 20 %: since 2026-02-20T14:29:59Z\n"},
        {"{\"detectable_percent\": null, \"enough_data_at\": \"2026-03-01T00:00:00Z\"}",
         "Enough data for one of 20 %: expected at 2026-03-01T00:00:00Z\n"},
        {"{\"detectable_percent\": 60, \"enough_data_at\": null}",
         "Enough data for one of 20 %: not within two weeks\n"},
        {"{\"detectable_percent\": null, \"enough_data_at\": null}", NULL},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(rows); i++) {
        Notice notice = notice_of("implementation.verdict", rows[i][0]);
        const char *said = strstr(notice_text(arena, &notice).body, "Enough data");
        assert_true((said == NULL) == (rows[i][1] == NULL));
        assert_true(said == NULL || text_starts_with(said, rows[i][1]));
    }
}

static void
a_digest_names_the_first_and_counts_all(void **state)
{
    (void)state;
    Notice notice = notice_of(
        "webhook.digest",
        "{\"count\": 30, \"by_event\": {\"incident.opened\": 30}, \"notices\": "
        "[{\"event\": \"incident.opened\", \"target\": \"a\", \"data\": {\"title\": \"x\\ny\"}}, 17, {}]}");
    notice.target_name = NULL;
    NoticeText text = notice_text(arena, &notice);
    assert_string_equal(text.subject, "30 notices were held back");
    assert_non_null(strstr(text.body, "incident.opened: 30\n- a: new incident: x y\n"));
    assert_non_null(strstr(text.body, "- and 27 more\n"));
}

static void
a_clean_text_has_nothing_that_steers_and_is_never_longer_than_allowed(void **state)
{
    (void)state;
    assert_string_equal(notice_text_clean(arena,
                                          "  a\r\n\tb\x1b[31m\x7f\xc2\x85"
                                          "c\xe2\x80\xa8"
                                          "d\xe2\x80\xae"
                                          "e\xef\xbb\xbf ",
                                          100),
                        "a b [31m c d e");
    assert_string_equal(notice_text_clean(arena, "\xff\xfe", 100), "\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(notice_text_clean(arena, "\n\r ", 100), "");
    Random random = random_new(5);
    for (int round = 0; round < 20000; round++) {
        char bytes[64];
        size_t length = random_below(&random, sizeof(bytes));
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(1 + random_below(&random, 255));
        bytes[length] = '\0';
        size_t most = 8 + random_below(&random, 40);
        const char *clean = notice_text_clean(arena, bytes, most);
        assert_true(strlen(clean) <= most && text_is_valid_utf8(clean, strlen(clean)));
        for (const char *at = clean; *at != '\0'; at++)
            assert_true((unsigned char)*at >= ' ' && *at != 0x7f);
    }
}

/* One whole JSON object, which the caller lets go of. */
static json_t *
json_parse(const char *text)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(json));
    return json;
}

static void
json_and_slack_bodies_are_one_object_whatever_the_names_are(void **state)
{
    (void)state;
    Notice notice = notice_of("index.failed",
                              "{\"index_name\": \"<!channel>\\\"}\\n&amp; *b*\", \"action\": \"create\"}");
    notice.target_name = "a\"},{\xff";
    json_t *json = json_parse(notice_text_json(arena, &notice, "0-1"));
    assert_string_equal(json_string_value(json_object_get(json, "id")), "0-1");
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "data"), "index_name")),
                        "<!channel>\"}\n&amp; *b*");
    json_decref(json);
    json = json_parse(notice_text_slack(arena, &notice));
    const char *text = json_string_value(json_object_get(json, "text"));
    assert_non_null(strstr(text, "&lt;!channel&gt;\"} &amp;amp; *b*"));
    assert_null(strchr(text, '<'));
    assert_true(json_is_false(json_object_get(json, "mrkdwn")));
    json_decref(json);
    notice.target_id = 0;
    json = json_parse(notice_text_json(arena, &notice, "0-1"));
    assert_true(json_is_null(json_object_get(json, "target")));
    json_decref(json);
}

static const char *
mail_of(const Notice *notice)
{
    Text text = text_new(arena);
    notice_text_append_mail(&text, notice);
    return text.data;
}

static void
a_mail_has_its_headers_and_no_others(void **state)
{
    (void)state;
    Notice notice =
        notice_of("incident.opened", "{\"title\": \"waits\\r\\nBcc: v@x\", \"severity\": \"high\"}");
    assert_string_equal(mail_of(&notice), "From fettle Fri Feb 20 14:30:00 2026\n"
                                          "Subject: shop: high incident: waits Bcc: v@x\n"
                                          "Date: Fri, 20 Feb 2026 14:30:00 +0000\n"
                                          "Message-ID: <notice.7.1771597800000000@fettle.invalid>\n"
                                          "X-Fettle-Event: incident.opened\n"
                                          "Auto-Submitted: auto-generated\n"
                                          "MIME-Version: 1.0\n"
                                          "Content-Type: text/plain; charset=utf-8\n"
                                          "Content-Transfer-Encoding: 8bit\n\n"
                                          "shop: high incident: waits Bcc: v@x\n\n"
                                          "Severity: high\n"
                                          "Target: shop\n"
                                          "When: 2026-02-20T14:30:00Z\n\n");
}

static void
subjects_are_folded_or_encoded_and_lines_are_short(void **state)
{
    (void)state;
    static const char *const titles[] = {
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen",
        "Z\xc3\xbcrich Z\xc3\xbcrich Z\xc3\xbcrich Z\xc3\xbcrich Z\xc3\xbcrich Z\xc3\xbcrich Z\xc3\xbcrich "
        "Z\xc3\xbcrich Z\xc3\xbcrich",
        "=?UTF-8?B?QmNjOiB2QHg=?= looks encoded",
        "short words and then one that is far too long for any line of a header: " /* no space from here on */
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(titles); i++) {
        Notice notice = notice_of("incident.closed", arena_printf(arena, "{\"title\": \"%s\"}", titles[i]));
        const char *mail = mail_of(&notice);
        const char *end = strstr(mail, "\nDate: ");
        assert_non_null(end);
        for (const char *line = strstr(mail, "Subject:"); line < end; line = strchr(line, '\n') + 1) {
            size_t length = strcspn(line, "\n");
            assert_true(length <= 120 && (line[0] == ' ' || line[0] == 'S'));
            for (size_t at = 0; at < length; at++)
                assert_true(line[at] >= ' ' && line[at] <= '~');
        }
    }
    Notice notice = notice_of("incident.closed", "{\"title\": \"=?UTF-8?B?QmNjOiB2QHg=?=\"}");
    assert_non_null(strstr(mail_of(&notice), "Subject: =?UTF-8?B?c2hvcDogb3ZlcjogPT9VVEYt"));
}

static void
a_line_that_begins_with_from_is_quoted_and_long_ones_are_broken(void **state)
{
    (void)state;
    char words[1900];
    for (size_t i = 0; i < sizeof(words) - 1; i++)
        words[i] = 'x';
    words[sizeof(words) - 1] = '\0';
    Notice notice = notice_of("incident.closed", "{\"title\": \"t\"}");
    notice.target_name = "From here";
    const char *mail = mail_of(&notice);
    assert_non_null(strstr(mail, "\n\n>From here: over: t\n"));
    notice.payload =
        arena_printf(arena, "{\"title\": \"t\", \"reason\": \"%s\", \"undo\": \"a b %s\"}", words, words);
    for (const char *line = mail_of(&notice); *line != '\0'; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") < 998);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_has_a_subject_that_says_what_happened),
        cmocka_unit_test(a_body_has_a_line_for_each_figure_that_is_known),
        cmocka_unit_test(enough_data_is_there_is_expected_or_is_out_of_sight),
        cmocka_unit_test(a_digest_names_the_first_and_counts_all),
        cmocka_unit_test(a_clean_text_has_nothing_that_steers_and_is_never_longer_than_allowed),
        cmocka_unit_test(json_and_slack_bodies_are_one_object_whatever_the_names_are),
        cmocka_unit_test(a_mail_has_its_headers_and_no_others),
        cmocka_unit_test(subjects_are_folded_or_encoded_and_lines_are_short),
        cmocka_unit_test(a_line_that_begins_with_from_is_quoted_and_long_ones_are_broken),
    };
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
