// SPDX-License-Identifier: PostgreSQL
#include "cli/report.h"

#include "cli/table.h"

#include <math.h>
#include <string.h>

#define GAINS_SHOWN 5
#define REJECTIONS_SHOWN 10

static bool
is_markdown(const Report *report)
{
    return report->format == REPORT_MARKDOWN;
}

static const char *
bold(const Report *report, const char *text, Arena *arena)
{
    if (is_markdown(report))
        return arena_printf(arena, "**%s**", text);
    return report->is_coloured ? arena_printf(arena, "\033[1m%s\033[0m", text) : text;
}

/* Names may hold line breaks. */
static void
heading(Text *text, const Report *report, int level, const char *title)
{
    title = cli_without_controls(text->arena, title);
    if (is_markdown(report))
        text_append_format(text, "\n%.*s %s\n\n", level, "####", title);
    else
        text_append_format(text, "\n%s\n", bold(report, title, text->arena));
}

/* Whether the line ends within a quoted name or literal, whose line break is part of it. */
static char
quote_after(char quote, const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (quote == '\0' && (line[i] == '"' || line[i] == '\''))
            quote = line[i];
        else if (line[i] == quote)
            quote = '\0';
    }
    return quote;
}

static void
code_block(Text *text, const Report *report, const char *language, const char *code, const char *indent)
{
    if (is_markdown(report)) {
        text_append_format(text, "```%s\n%s%s```\n", language, code, text_ends_with(code, "\n") ? "" : "\n");
        return;
    }
    char quote = '\0';
    for (const char *line = code; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        text_append_format(text, "%s%.*s\n", quote == '\0' ? indent : "", (int)length, line);
        if (strcmp(language, "sql") == 0)
            quote = quote_after(quote, line, length);
        line += length + (line[length] == '\n');
    }
}

static double
share(int64_t part, int64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole * 100;
}

static void
write_fidelity(Text *text, const Report *report)
{
    Arena *arena = text->arena;
    const char *bullet = is_markdown(report) ? "* " : "  ";
    const Fidelity *fidelity = &report->fidelity;
    if (report->has_fidelity)
        text_append_format(text,
                           "%stwin fidelity: same plan for %.1f %% and identical costs for %.1f %% of %lld "
                           "statements compared on the target\n",
                           bullet, share(fidelity->same_shape, fidelity->compared),
                           share(fidelity->identical, fidelity->compared), (long long)fidelity->compared);
    else
        text_append_format(text, "%stwin fidelity: not measured (%s)\n", bullet,
                           report->is_file                          ? "the snapshot is a file"
                           : fidelity->not_explained_reason != NULL ? fidelity->not_explained_reason
                                                                    : "no statement was compared");
    text_append_format(text, "%sstatistics rights: %s; twin on PostgreSQL %d%s, %s in %s\n", bullet,
                       snapshot_rights_word(report->advice->snapshot->rights), report->twin->twin_major,
                       report->twin->method == TWIN_METHOD_SPARSE_FILES ? " by sparse files (no module)" : "",
                       report->twin->was_refreshed ? "refreshed" : "built",
                       text_format_duration_ms(arena, report->twin->build_ms));
    for (size_t i = 0; i < report->twin->losses.count && i < 5; i++)
        text_append_format(text, "%sthe twin lacks %s: %s\n", bullet, report->twin->losses.items[i].object,
                           report->twin->losses.items[i].reason);
}

/* What was not looked into, and why. */
static void
write_unsure(Text *text, const Advice *advice, const char *bullet)
{
    if (advice->unreviewed_index_count > 0)
        text_append_format(
            text,
            "%sof %zu recommended index%s some plans may be far slower than the planner thinks, and "
            "the review ended before a remedy was sought\n",
            bullet, advice->unreviewed_index_count, advice->unreviewed_index_count == 1 ? "" : "es");
    if (advice->unverified_count > 0)
        text_append_format(text,
                           "%sthe time limit ended the verification: the planner was not asked what %zu "
                           "statement%s cost%s with all that is recommended\n",
                           bullet, advice->unverified_count, advice->unverified_count == 1 ? "" : "s",
                           advice->unverified_count == 1 ? "s" : "");
    if (advice->solver_failures > 0)
        text_append_format(
            text,
            "%sthe solver of 0/1 programs failed on %d program%s (%s): there the choice is by exchanges "
            "alone, and nothing is bounded\n",
            bullet, advice->solver_failures, advice->solver_failures == 1 ? "" : "s", advice->solver_reason);
}

/* What a reader would take for the whole, or for the application's. */
static void
write_reading(Text *text, const Report *report, const char *bullet)
{
    const SnapshotGap *hidden = snapshot_gap(report->advice->snapshot, "statements of other roles");
    if (hidden != NULL)
        text_append_format(text, "%sthe statements of other roles are hidden from this one: %s\n", bullet,
                           hidden->remedy);
    const SnapshotGap *unseen = snapshot_gap(report->advice->snapshot, SNAPSHOT_SENT_SUBJECT);
    if (unseen != NULL)
        text_append_format(text, "%sthe constants that sessions send are not all known: %s; %s\n", bullet,
                           unseen->reason,
                           report->is_file ? "a snapshot taken anew may have them" : unseen->remedy);
    if (!report->is_file && report->advice->snapshot->adds_scans)
        text_append_format(
            text,
            "%sthis look at the target counts as scans of its indexes, so that they look used: "
            "\"fettle doctor\" says how it would not\n",
            bullet);
}

static void
write_head(Text *text, const Report *report)
{
    Arena *arena = text->arena;
    const Snapshot *snapshot = report->advice->snapshot;
    const Workload *workload = report->advice->workload;
    const char *bullet = is_markdown(report) ? "* " : "  ";
    const char *title =
        arena_printf(arena, "Advice for %s (PostgreSQL %s)", snapshot->database, snapshot->server_version);
    if (is_markdown(report))
        text_append_format(text, "# %s\n\n", title);
    else
        text_append_format(text, "%s\n", bold(report, title, arena));
    text_append_format(text, "%sworkload: %zu statement%s, %zu costed, %zu not analysed", bullet,
                       workload->count, workload->count == 1 ? "" : "s", workload->costed_count,
                       workload->count - workload->costed_count);
    if (!isnan(workload->covered_time_share))
        text_append_format(text, "; they take %.1f %% of the measured time",
                           workload->covered_time_share * 100);
    text_append_char(text, '\n');
    write_reading(text, report, bullet);
    write_fidelity(text, report);
    text_append_format(text, "%s%lld planner questions, %lld what-if indexes made, in %s", bullet,
                       (long long)report->advice->questions.explains,
                       (long long)report->advice->questions.index_creations,
                       text_format_duration_ms(arena, report->elapsed_ms));
    if (!isnan(report->target_ms))
        text_append_format(text, "; time on the target: %s",
                           text_format_duration_ms(arena, report->target_ms));
    text_append_char(text, '\n');
    if (!isnan(report->advice->gap_percent))
        text_append_format(text,
                           "%sproof: no other set of the indexes considered is better by more than %.2f %%, "
                           "by the planner's costs%s\n",
                           bullet, report->advice->gap_percent,
                           report->advice->is_cautious
                               ? "; caution preferred this one to what those costs alone would choose"
                               : "");
    if (report->advice->unreviewed_count > 0)
        text_append_format(text,
                           "%sthe time limit ended the review: whether new plans may be far slower than the "
                           "planner thinks is not known of %zu statement%s\n",
                           bullet, report->advice->unreviewed_count,
                           report->advice->unreviewed_count == 1 ? "" : "s");
    write_unsure(text, report->advice, bullet);
    if (report->advice->is_stopped_early)
        text_append_format(text, "%sthe time limit ended the search: this is the best answer so far\n",
                           bullet);
}

static void
write_effect(Text *text, const Report *report, const AdviceEffect *effect)
{
    Arena *arena = text->arena;
    double change = (effect->cost_before - effect->cost_after) / effect->cost_before * 100;
    const char *bullet = is_markdown(report) ? "* " : "       ";
    text_append_format(text, "%scost %s to %s (%+.1f %%)", bullet,
                       text_format_count(arena, effect->cost_before),
                       text_format_count(arena, effect->cost_after), -change);
    if (!isnan(effect->statement->source->calls))
        text_append_format(text, ", %s calls", text_format_count(arena, effect->statement->source->calls));
    if (!isnan(effect->saved_ms))
        text_append_format(text, ", about %s %s", text_format_duration_ms(arena, fabs(effect->saved_ms)),
                           effect->saved_ms >= 0 ? "saved" : "lost");
    text_append_format(text, is_markdown(report) ? ": `%s`\n" : ":  %s\n", effect->statement->label);
    if (!report->show_plans && !is_markdown(report))
        return;
    if (effect->plan_before != NULL && effect->plan_after != NULL) {
        text_append_format(text, "%sbefore:\n", is_markdown(report) ? "\n  " : "         ");
        code_block(text, report, "", pg_plan_format(arena, effect->plan_before, true), "           ");
        text_append_format(text, "%safter:\n", is_markdown(report) ? "\n  " : "         ");
        code_block(text, report, "", pg_plan_format(arena, effect->plan_after, true), "           ");
    }
}

static void
write_effects(Text *text, const Report *report, const char *title, const AdviceEffectList *effects)
{
    if (effects->count == 0)
        return;
    text_append_format(text, is_markdown(report) ? "\n%s:\n\n" : "     %s:\n", title);
    for (size_t i = 0; i < effects->count && i < GAINS_SHOWN; i++)
        write_effect(text, report, &effects->items[i]);
    if (effects->count > GAINS_SHOWN)
        text_append_format(text, "%sand %zu more\n", is_markdown(report) ? "* " : "       ",
                           effects->count - GAINS_SHOWN);
}

static void
write_recommendation(Text *text, const Report *report, const Recommendation *recommendation)
{
    Arena *arena = text->arena;
    const char *pad = is_markdown(report) ? "" : "     ";
    heading(text, report, 3,
            arena_printf(arena, is_markdown(report) ? "%d. %s" : "%3d. %s", recommendation->number,
                         recommendation->title));
    text_append_format(text, "%sworkload %+.1f %%", pad, -recommendation->improvement_percent);
    if (!isnan(recommendation->saved_ms))
        text_append_format(text, " (about %s of its measured time)",
                           text_format_duration_ms(arena, recommendation->saved_ms));
    text_append_format(
        text, "; size about %s; write cost %s; risk %s\n",
        isnan(recommendation->size_bytes) ? "unknown" : text_format_bytes(arena, recommendation->size_bytes),
        isnan(recommendation->write_cost_percent)
            ? "unknown"
            : arena_printf(arena, "%.2f %% (%.2f to %.2f)", recommendation->write_cost_percent,
                           recommendation->write_cost_low, recommendation->write_cost_high),
        advice_risk_word(recommendation->risk));
    text_append_format(text, "%s%s\n", pad, recommendation->reason);
    code_block(text, report, "sql", recommendation->statement, "       ");
    text_append_format(text, "%sundo:\n", pad);
    code_block(text, report, "sql", recommendation->undo, "       ");
    write_effects(text, report, "gains", &recommendation->gains);
    write_effects(text, report, "loses", &recommendation->losses);
    for (size_t i = 0; i < recommendation->note_count; i++)
        text_append_format(text, "%snote: %s\n", pad, recommendation->notes[i]);
}

static void
write_rejections(Text *text, const Report *report)
{
    const RejectionList *rejections = &report->advice->rejections;
    if (rejections->count == 0)
        return;
    heading(text, report, 2, "Weighed and not advised");
    for (size_t i = 0; i < rejections->count && i < REJECTIONS_SHOWN; i++)
        text_append_format(text, "%s%s: %s\n", is_markdown(report) ? "* " : "  ",
                           cli_without_controls(text->arena, rejections->items[i].subject),
                           cli_without_controls(text->arena, rejections->items[i].reason));
    if (rejections->count > REJECTIONS_SHOWN)
        text_append_format(text, "%sand %zu more (--json lists all)\n", is_markdown(report) ? "* " : "  ",
                           rejections->count - REJECTIONS_SHOWN);
}

/* The last line: what to do next. */
static void
write_next(Text *text, const Report *report)
{
    const Advice *advice = report->advice;
    size_t count = advice->recommendations.count;
    text_append_char(text, '\n');
    if (count == 0) {
        text_append_format(
            text,
            "Nothing to advise: no further index%s makes the workload cheaper by a margin that "
            "counts.\n",
            report->has_budget ? " that the budget has room for" : "");
        return;
    }
    double gain = advice->cost_before > 0 ? (1 - advice->cost_after / advice->cost_before) * 100 : 0;
    text_append_format(
        text,
        "%zu recommendation%s, %.1f %% off the workload's cost in all. Next: run statement 1%s at a quiet "
        "hour%s.\n",
        count, count == 1 ? "" : "s", gain,
        advice->snapshot->is_standby ? " on the primary (this server is a standby)" : "",
        report->show_plans || is_markdown(report) ? "" : " (--plans shows the plans before and after)");
}

/* Names, statements and plans are a server's words: a terminal must not obey what stands in them. */
static void
blank_controls(char *words, bool is_coloured)
{
    for (char *at = words; *at != '\0'; at++) {
        bool is_ours = is_coloured && (text_starts_with(at, "\033[1m") || text_starts_with(at, "\033[0m"));
        bool is_second_set =
            (unsigned char)*at == 0xC2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xA0;
        if (is_second_set)
            *at++ = '?'; /* U+0080 to U+009F, of two bytes */
        if (is_second_set || (*at != '\n' && !is_ours && ((unsigned char)*at < ' ' || *at == 0x7F)))
            *at = '?';
    }
}

void
report_write(Text *text, const Report *report)
{
    if (report->format == REPORT_JSON) {
        report_write_json(text, report);
        return;
    }
    size_t begin = text->length;
    write_head(text, report);
    const RecommendationList *list = &report->advice->recommendations;
    for (size_t i = 0; i < list->count; i++)
        write_recommendation(text, report, list->items[i]);
    write_rejections(text, report);
    write_next(text, report);
    blank_controls(text->data + begin, report->is_coloured && !is_markdown(report));
}
