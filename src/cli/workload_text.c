// SPDX-License-Identifier: PostgreSQL
#include "cli/workload_text.h"

#include "base/clock.h"
#include "cli/chart.h"
#include "cli/table.h"

#include <math.h>

#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define LABEL_BYTES 76
#define ARRIVALS_SHOWN 8

static const char *const weekday_words[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static void
heading_append(Text *text, const WorkloadShown *shown, const char *words)
{
    text_append_format(text, shown->is_coloured ? "\033[1m%s\033[0m\n" : "%s\n", words);
}

static const char *
percent_of(Arena *arena, double share)
{
    return isnan(share) ? "-" : arena_printf(arena, "%.1f%%", share * 100);
}

static const char *
number_of(Arena *arena, double value)
{
    if (isnan(value))
        return "-";
    if (fabs(value) >= 100)
        return text_format_count(arena, round(value));
    return arena_printf(arena, fabs(value) >= 10 ? "%.1f" : "%.3g", value);
}

static void
title_append(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    const StudyRange *range = &study->range;
    const char *name = cli_without_controls(text->arena, shown->target_name);
    const char *database = range->database_name == NULL
                               ? ""
                               : arena_printf(text->arena, ", database %s",
                                              cli_without_controls(text->arena, range->database_name));
    heading_append(text, shown,
                   arena_printf(text->arena, "%s%s, the last %d day%s (UTC)", name, database, range->days,
                                range->days == 1 ? "" : "s"));
    text_append_char(text, '\n');
}

static double
most_of(const Profile *profile)
{
    double most = 0;
    for (size_t day = 0; day < SERIES_WEEK_DAYS; day++)
        for (size_t h = 0; h < SERIES_DAY_HOURS; h++)
            most = fmax(most, profile->weekly[day][h]); /* NaN is passed over */
    return most;
}

static void
map_append(Text *text, const Profile *profile, const WorkloadShown *shown)
{
    double most = most_of(profile);
    text_append(text, "UTC    00  02  04  06  08  10  12  14  16  18  20  22\n");
    for (size_t day = 0; day < SERIES_WEEK_DAYS; day++) {
        text_append_format(text, "  %s  ", weekday_words[day]);
        chart_heat(text, profile->weekly[day], SERIES_DAY_HOURS, most, shown->is_coloured);
        text_append_char(text, '\n');
    }
    text_append_format(text, "       the fullest hour has %s calls on average; ·· was not observed\n",
                       text_format_count(text->arena, round(most)));
}

static void
lines_append(Text *text, const HourlySeries *series)
{
    Profile profile = profile_of(series);
    text_append(text, "calls by hour of the day  ");
    chart_bars(text, profile.hourly, SERIES_DAY_HOURS);
    text_append(text, "\n time by hour of the day  ");
    chart_bars(text, profile.hourly_ms, SERIES_DAY_HOURS);
    text_append(text, "\n\n");
}

static void
shifts_append(Text *text, const WorkloadShift *shifts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_append_format(text, "  since %.10s %s %+.0f%% (%s)\n",
                           clock_format_utc(text->arena, shifts[i].day * DAY_US),
                           text_equals(shifts[i].metric, "queries") ? "calls" : "mean time",
                           shifts[i].change * 100, shifts[i].severity);
}

static void
coverage_append(Text *text, const Issues *issues)
{
    if (issues->without_plan > 0)
        text_append_format(text,
                           "  %zu of %zu statements have no plan yet: what only a plan tells is not known of "
                           "them\n",
                           issues->without_plan, issues->statement_count);
    if (issues->without_text > 0)
        text_append_format(text, "  the texts of %zu are not known, or do not parse\n", issues->without_text);
    if (issues->without_schema > 0)
        text_append_format(text,
                           "  no schema is kept of the databases of %zu: \"fettle workload NAME analyze\" "
                           "reads it\n",
                           issues->without_schema);
    if (issues->tables_unknown > 0)
        text_append_format(text, "  when %zu of their tables were analysed is not known\n",
                           issues->tables_unknown);
    if (!issues->has_all_relations)
        text_append(text, "  there are more tables and indexes than are looked at: the smaller ones are left "
                          "out\n");
}

static void
issue_append(Text *text, const WorkloadStudy *study, const Issue *issue, const WorkloadShown *shown)
{
    Arena *arena = text->arena;
    heading_append(
        text, shown,
        arena_printf(arena, "[%s] %s", issue_severity_word(issue->severity), issue_type_word(issue->type)));
    text_append_format(text, "  %s\n", cli_without_controls(arena, issue->description));
    text_append_format(text, "  %s: %s (limit %s)", issue->figure, number_of(arena, issue->value),
                       number_of(arena, issue->threshold));
    if (issue->statement_count > 0)
        text_append_format(text, "; %zu statement%s, %s of the time", issue->statement_count,
                           issue->statement_count == 1 ? "" : "s",
                           percent_of(arena, fmin(issue->time_share, 1)));
    if (issue->database_name != NULL)
        text_append_format(text, "; database %s", cli_without_controls(arena, issue->database_name));
    text_append_char(text, '\n');
    for (size_t i = 0; issue->statement_count > 1 && i < issue->statement_named; i++)
        text_append_format(
            text, "    %s\n",
            template_label(arena, study->templates.items[issue->statements[i]].text, LABEL_BYTES));
    text_append_format(text, "  - %s\n\n", cli_without_controls(arena, issue->action));
}

void
workload_text_issues(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    const Issues *issues = &study->issues;
    title_append(text, study, shown);
    for (size_t i = 0; i < issues->count && i < shown->rows_most; i++)
        issue_append(text, study, &issues->items[i], shown);
    if (issues->found_count > shown->rows_most)
        text_append_format(text, "  %zu of %zu issues; --limit shows more\n", shown->rows_most,
                           issues->found_count);
    if (issues->found_count == 0)
        text_append_format(text, "  nothing is wrong with %zu statement%s, as far as can be told\n",
                           issues->statement_count, issues->statement_count == 1 ? "" : "s");
    coverage_append(text, issues);
}

/* How many of each severity. */
static void
issues_summary_append(Text *text, const Issues *issues)
{
    size_t counts[ISSUE_CRITICAL + 1] = {0};
    bool is_first = true;
    for (size_t i = 0; i < issues->count; i++)
        counts[issues->items[i].severity]++;
    if (issues->found_count == 0)
        return;
    text_append(text, "  issues ");
    for (int severity = ISSUE_CRITICAL; severity >= ISSUE_LOW; severity--) {
        if (counts[severity] == 0)
            continue;
        text_append_format(text, "%s%zu %s", is_first ? "" : ", ", counts[severity],
                           issue_severity_word((IssueSeverity)severity));
        is_first = false;
    }
    text_append(text, "; \"fettle workload NAME issues\" tells which\n\n");
}

void
workload_text_analysis(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    const Overview *overview = &study->overview;
    Arena *arena = text->arena;
    title_append(text, study, shown);
    text_append_format(text, "  kind   %s: %s calls an hour, %s each, %.1f%% of the calls slow\n",
                       workload_type_word(overview->type), number_of(arena, overview->queries_per_hour),
                       text_format_duration_ms(arena, overview->mean_ms), overview->slow_percent);
    for (size_t i = 0; i < overview->insights.count; i++)
        text_append_format(text, "  %s %s\n", i == 0 ? "so    " : "      ",
                           cli_without_controls(arena, overview->insights.items[i]));
    text_append_char(text, '\n');
    lines_append(text, &study->series);
    issues_summary_append(text, &study->issues);
    if (overview->advice.count == 0)
        text_append(text, "  nothing is to be advised from this workload alone\n");
    for (size_t i = 0; i < overview->advice.count; i++) {
        const WorkloadAdvice *advice = &overview->advice.items[i];
        heading_append(
            text, shown,
            arena_printf(arena, "[%s] %s", advice->priority, cli_without_controls(arena, advice->title)));
        text_append_format(text, "  %s\n", cli_without_controls(arena, advice->description));
        for (size_t s = 0; s < advice->steps.count; s++)
            text_append_format(text, "  - %s\n", cli_without_controls(arena, advice->steps.items[s]));
        text_append_format(text, "  worth: %s\n\n", advice->impact);
    }
}

void
workload_text_no_period(Text *text, const Periods *periods, size_t hour_count)
{
    size_t longest = period_longest(hour_count);
    if (periods->verdict != PERIOD_SEARCHED)
        text_append(text, "  too few hours were observed to tell whether the load repeats\n");
    else if (longest >= SERIES_DAY_HOURS * SERIES_WEEK_DAYS)
        text_append(text, "  the load repeats after no fixed time\n");
    else
        text_append_format(
            text, "  no period of up to %zu h shows in %zu days; one of a week would in 18 or more\n",
            longest, hour_count / SERIES_DAY_HOURS);
}

static void
periods_append(Text *text, const HourlySeries *series)
{
    HourlySeries clean = series_clean(text->arena, series, series->from_hour + (int64_t)series->count - 1);
    Periods periods = period_detect(text->arena, clean.calls, clean.count);
    for (size_t i = 0; i < periods.count; i++)
        text_append_format(text, "  the load repeats every %zu h (%.0f%% of its variation)\n",
                           periods.hours[i], periods.share[i] * 100);
    if (periods.count == 0)
        workload_text_no_period(text, &periods, clean.count);
}

void
workload_text_patterns(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    Profile profile = profile_of(&study->series);
    WorkloadShift shifts[2];
    title_append(text, study, shown);
    map_append(text, &profile, shown);
    text_append_char(text, '\n');
    lines_append(text, &study->series);
    periods_append(text, &study->series);
    shifts_append(text, shifts, shifts_find(text->arena, &study->series, shifts));
    for (size_t i = 0; i < shown->patterns->count; i++)
        text_append_format(text, "  %-10s %s (%s)\n", shown->patterns->items[i].pattern_key,
                           cli_without_controls(text->arena, shown->patterns->items[i].description),
                           cli_without_controls(text->arena, shown->patterns->items[i].database_name));
    if (shown->patterns->count == 0)
        text_append(text,
                    "  no pattern is kept; \"fettle patterns analyze\" looks for some, in 7 days or more\n");
}

static void
hot_table_append(Text *text, const WorkloadShown *shown, HotKind kind, const HotObject *objects, size_t count)
{
    static const CliColumn columns[] = {{"SHARE", "share", CLI_TEXT}, {"BEFORE", "before", CLI_TEXT},
                                        {"TIME", "time", CLI_TEXT},   {"BY", "evidence", CLI_TEXT},
                                        {"SHIFT", "shift", CLI_TEXT}, {"NAME", "name", CLI_TEXT}};
    static const char *const headings[HOT_KINDS] = {"Tables", "Columns (time × role)", "Joins", "Statements"};
    Arena *arena = text->arena;
    CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
    heading_append(text, shown, headings[kind]);
    for (size_t i = 0; i < count; i++) {
        const HotObject *object = &objects[i];
        cli_table_text(&table, percent_of(arena, object->share));
        cli_table_text(&table, percent_of(arena, object->share_before));
        cli_table_text(&table, text_format_duration_ms(arena, object->heat_ms));
        cli_table_text(&table, object->evidence);
        cli_table_text(&table,
                       object->severity == NULL
                           ? NULL
                           : arena_printf(arena, "%+.0f%% %s", object->change * 100, object->severity));
        cli_table_text(&table, template_label(arena, object->name, LABEL_BYTES));
    }
    cli_table_append(&table, text, false, "none\n");
    text_append_char(text, '\n');
}

void
workload_text_hot(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    const HotObjects *hot = &study->hot;
    title_append(text, study, shown);
    for (int kind = 0; kind < HOT_KINDS; kind++)
        hot_table_append(text, shown, (HotKind)kind, hot->items[kind], hot->counts[kind]);
    text_append_format(text,
                       "  %s of statement time; the tables of %.0f%% of it are known; the top 5%% of the "
                       "statements take %.0f%%\n",
                       text_format_duration_ms(text->arena, hot->total_ms), hot->covered_share * 100,
                       hot->concentration * 100);
    if (hot->is_guessed)
        text_append(text,
                    "  names are as the statements write them; \"fettle workload NAME analyze\" reads the "
                    "schema\n");
    if (hot->unparsed_count > 0)
        text_append_format(text, "  %zu statements could not be parsed\n", hot->unparsed_count);
    if (hot->unresolved_count > 0)
        text_append_format(text, "  %zu statements have names that were not found\n", hot->unresolved_count);
}

/* "OLTP 12 (80% of the time)" for each word. */
static void
class_summary_append(Text *text, const WorkloadStudy *study, size_t field)
{
    static const char *const words[3][3] = {
        {"OLTP", "OLAP", "MIXED"}, {"LIGHT", "MEDIUM", "HEAVY"}, {"AD_HOC", "SCHEDULED", NULL}};
    const WorkloadTemplates *templates = &study->templates;
    text_append(text, "  ");
    for (size_t w = 0; w < 3 && words[field][w] != NULL; w++) {
        size_t count = 0;
        double time_ms = 0;
        for (size_t i = 0; i < templates->count; i++) {
            const WorkloadClass *class = &study->classes[i];
            const char *values[] = {class->class, class->weight, class->cadence};
            if (!text_equals(values[field], words[field][w]))
                continue;
            count++;
            time_ms += templates->items[i].total_ms;
        }
        text_append_format(text, "%s%s %zu (%.0f%% of the time)", w == 0 ? "" : ", ", words[field][w], count,
                           templates->total_ms > 0 ? time_ms / templates->total_ms * 100 : 0);
    }
    text_append_char(text, '\n');
}

void
workload_text_classes(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    static const CliColumn columns[] = {
        {"CLASS", "class", CLI_TEXT}, {"WEIGHT", "weight", CLI_TEXT}, {"CADENCE", "cadence", CLI_TEXT},
        {"CALLS", "calls", CLI_TEXT}, {"MEAN", "mean", CLI_TEXT},     {"STATEMENT", "statement", CLI_TEXT}};
    Arena *arena = text->arena;
    CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
    title_append(text, study, shown);
    for (size_t field = 0; field < 3; field++)
        class_summary_append(text, study, field);
    text_append_char(text, '\n');
    for (size_t i = 0; i < study->templates.count && i < shown->rows_most; i++) {
        const WorkloadTemplate *template = &study->templates.items[i];
        cli_table_text(&table, study->classes[i].class);
        cli_table_text(&table, study->classes[i].weight);
        cli_table_text(&table, study->classes[i].cadence);
        cli_table_text(&table, text_format_count(arena, template->calls));
        cli_table_text(&table, text_format_duration_ms(arena, template_mean_ms(template)));
        cli_table_text(&table, template_label(arena, template->text, LABEL_BYTES));
    }
    cli_table_append(&table, text, false, "no statements were collected in that time\n");
    if (study->templates.count > shown->rows_most)
        text_append_format(text, "and %zu more statements: --limit\n",
                           study->templates.count - shown->rows_most);
}

static void
arrivals_append(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    heading_append(text, shown, "Statements that come and go together (calls by hour of the day)");
    for (size_t i = 0; i < study->arrivals.count && i < ARRIVALS_SHOWN; i++) {
        const ArrivalCluster *cluster = &study->arrivals.items[i];
        text_append(text, "  ");
        chart_bars(text, cluster->hourly, SERIES_DAY_HOURS);
        text_append_format(
            text, "  %4zu statements, %5.1f%% of the time, as %s\n", cluster->size, cluster->share * 100,
            template_label(text->arena, study->templates.items[cluster->example].text, LABEL_BYTES / 2));
    }
    if (study->arrivals.count == 0)
        text_append(text, "  none: too few hours were observed, or nothing varies\n");
    else if (study->arrivals.count > ARRIVALS_SHOWN)
        text_append_format(text, "  and %zu more: --json\n", study->arrivals.count - ARRIVALS_SHOWN);
}

void
workload_text_clusters(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    const TemplateClusters *clusters = &study->clusters;
    title_append(text, study, shown);
    heading_append(text, shown, "Statements that behave alike");
    for (size_t i = 0; i < clusters->count; i++) {
        const TemplateCluster *cluster = &clusters->items[i];
        text_append_format(
            text, "  %2d  %4zu statements, %5.1f%% of the time: %s\n      as %s\n", (int)cluster->label,
            cluster->size, cluster->share * 100, cluster->profile,
            template_label(text->arena, study->templates.items[cluster->example].text, LABEL_BYTES));
    }
    if (clusters->noise_count > 0)
        text_append_format(text, "      %zu statements are like no others\n", clusters->noise_count);
    if (!isnan(clusters->silhouette))
        text_append_format(text, "  silhouette %.2f (1: far apart, 0: no groups)\n", clusters->silhouette);
    if (clusters->note != NULL)
        text_append_format(text, "  %s\n", clusters->note);
    text_append_char(text, '\n');
    arrivals_append(text, study, shown);
}

static void
evidence_append(Text *text, const Bottleneck *bottleneck)
{
    for (size_t i = 0; i < bottleneck->evidence_count; i++) {
        const BottleneckEvidence *evidence = &bottleneck->evidence[i];
        const char *unit = text_equals(evidence->unit, "1") ? "" : evidence->unit;
        text_append_format(text, "    %-48s %s %s", evidence->figure, number_of(text->arena, evidence->busy),
                           unit);
        if (!isnan(evidence->otherwise))
            text_append_format(text, " (otherwise %s)", number_of(text->arena, evidence->otherwise));
        text_append_char(text, '\n');
    }
}

void
workload_text_bottlenecks(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    const Bottlenecks *bottlenecks = &study->bottlenecks;
    static const char *const bars[] = {"·····", "█····", "██···", "███··", "████·", "█████"};
    title_append(text, study, shown);
    text_append_format(text, "  busy hours: %zu\n", bottlenecks->busy_hours);
    for (int resource = 0; resource < BOTTLENECK_RESOURCES; resource++) {
        double load = bottlenecks->loads[resource];
        const char *bar = isnan(load) ? "     " : bars[(size_t)lround(fmin(fmax(load, 0), 1) * 5)];
        text_append_format(text, "  %-10s %s %6s  bounds from %.0f%%\n",
                           bottleneck_resource_word((BottleneckResource)resource), bar,
                           isnan(load) ? "-" : percent_of(text->arena, load),
                           bottlenecks->limits[resource] * 100);
    }
    text_append_char(text, '\n');
    for (size_t i = 0; i < bottlenecks->count; i++) {
        heading_append(text, shown,
                       arena_printf(text->arena, "[%s] %s", bottlenecks->items[i].severity,
                                    bottlenecks->items[i].description));
        evidence_append(text, &bottlenecks->items[i]);
        text_append_char(text, '\n');
    }
    if (bottlenecks->note != NULL)
        text_append_format(text, "  %s\n", bottlenecks->note);
}

void
workload_text_columns(Text *text, const WorkloadStudy *study, const WorkloadShown *shown)
{
    static const CliColumn columns[] = {
        {"TABLE", "table", CLI_TEXT},       {"COLUMN", "column", CLI_TEXT},
        {"DISTINCT", "distinct", CLI_TEXT}, {"NULL", "null", CLI_TEXT},
        {"SKEW", "skew", CLI_TEXT},         {"CORRELATION", "correlation", CLI_TEXT},
        {"ROWS", "rows", CLI_TEXT},         {"ESTIMATE OFF", "estimate", CLI_TEXT},
    };
    const Characteristics *found = &study->characteristics;
    Arena *arena = text->arena;
    CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
    title_append(text, study, shown);
    for (size_t i = 0; i < found->count && i < shown->rows_most; i++) {
        const ColumnCharacteristic *column = &found->items[i];
        cli_table_text(&table, arena_printf(arena, "%s.%s", column->schema, column->table));
        cli_table_text(&table, column->column);
        cli_table_text(&table, number_of(arena, column->distinct_count));
        cli_table_text(&table, percent_of(arena, column->null_share));
        cli_table_text(&table, number_of(arena, column->skew));
        cli_table_text(&table, number_of(arena, column->correlation));
        cli_table_text(&table, number_of(arena, column->row_count));
        cli_table_text(&table, percent_of(arena, column->estimate_error));
    }
    cli_table_append(&table, text, false,
                     study->catalog_count > 0
                         ? "no column has statistics\n"
                         : "no schema is kept; \"fettle workload NAME analyze\" reads it\n");
    if (found->count > shown->rows_most)
        text_append_format(text, "and %zu more columns: --limit\n", found->count - shown->rows_most);
    if (found->unknown_count > 0)
        text_append_format(text, "%zu columns have no statistics that could be read\n", found->unknown_count);
}
