// SPDX-License-Identifier: PostgreSQL
/*
 * Measures clustering, classes and hot objects on sets of known truth; bench/study.py runs it.
 *
 *     study_bench kmeans FILE COUNT WIDTH CLUSTERS    labels on standard output, times on the last line
 *     study_bench choose FILE COUNT WIDTH             the number of clusters by silhouette
 *     study_bench dbscan FILE COUNT WIDTH RADIUS LEAST
 *     study_bench classify                            a generated mix: classes right, and changed without
 * cause study_bench hot                                 ten thousand statements: the hottest tables found,
 * and time
 *
 * FILE holds COUNT × WIDTH doubles, row by row. Seeds are odd: even ones are for tuning.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "math/dbscan.h"
#include "workload/class.h"
#include "workload/hot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)8 << 30)
#define HOURS ((size_t)336)
#define FROM_HOUR INT64_C(490008) /* 2025-11-25 00:00 UTC */
#define MIX_STATEMENTS ((size_t)300)
#define MIX_ROUNDS 30
#define MIX_SEEDS 10
#define HOT_STATEMENTS ((size_t)10000)
#define HOT_TABLES 400

/* --- clustering --- */

static MathRows
rows_read(Arena *arena, char **arguments)
{
    size_t count = (size_t)strtoull(arguments[3], NULL, 10);
    size_t width = (size_t)strtoull(arguments[4], NULL, 10);
    double *values = ARENA_NEW_ARRAY(arena, double, count *width);
    FILE *file = fopen(arguments[2], "rb");
    if (file == NULL || fread(values, sizeof(*values), count * width, file) != count * width) {
        perror(arguments[2]);
        exit(1);
    }
    fclose(file);
    return (MathRows){values, count, width};
}

static void
labels_print(const int32_t *labels, size_t count, size_t clusters, double fit, double spent_ms)
{
    for (size_t i = 0; i < count; i++)
        printf("%d\n", (int)labels[i]);
    printf("{\"clusters\": %zu, \"silhouette\": %.4f, \"cpu_ms\": %.1f}\n", clusters, isnan(fit) ? 0 : fit,
           spent_ms);
}

static void
measure_clusters(int count, char **arguments)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("study bench", ARENA_BYTES);
    MathRows rows = rows_read(arena, arguments);
    double started = clock_own_cpu_ms();
    if (strcmp(arguments[1], "dbscan") == 0 && count > 6) {
        Dbscan found;
        dbscan(arena, &rows, strtod(arguments[5], NULL), (size_t)strtoull(arguments[6], NULL, 10), &found);
        labels_print(found.labels, rows.count, found.clusters, NAN, clock_own_cpu_ms() - started);
        return;
    }
    Kmeans found;
    double fit = NAN;
    if (strcmp(arguments[1], "choose") == 0)
        kmeans_choose(arena, &rows, 1, &found, &fit);
    else
        kmeans(arena, &rows,
               &(KmeansOptions){.clusters = (size_t)strtoull(arguments[5], NULL, 10), .seed = 1}, &found);
    labels_print(found.labels, rows.count, found.clusters, fit, clock_own_cpu_ms() - started);
}

/* --- classes --- */

/* A kind of statement whose class is known by what it is for. */
typedef struct MixKind {
    const char *text; /* %d: a number of its own */
    double calls_per_hour;
    double mean_ms;
    double spread; /* of the mean, from statement to statement */
    double rows_per_call;
    double temp_share; /* of its statements that write temporary files */
    QueryClass class;
    QueryCadence cadence;
    int each_hours; /* of a scheduled one: once in so many hours; 0: by users, day and night */
} MixKind;

static const MixKind kinds[] = {
    {"SELECT * FROM t%d WHERE id = $1", 4000, 0.3, 2, 1, 0, QUERY_OLTP, QUERY_AD_HOC, 0},
    {"SELECT a, b FROM t%d WHERE owner = $1 LIMIT 10", 900, 4, 2, 8, 0, QUERY_OLTP, QUERY_AD_HOC, 0},
    {"UPDATE t%d SET a = $1 WHERE id = $2", 700, 1, 2, 1, 0, QUERY_OLTP, QUERY_AD_HOC, 0},
    {"INSERT INTO t%d (a, b) VALUES ($1, $2)", 1500, 0.5, 2, 1, 0, QUERY_OLTP, QUERY_AD_HOC, 0},
    {"DELETE FROM t%d WHERE id = $1", 130, 1, 2, 1, 0, QUERY_OLTP, QUERY_AD_HOC, 0},
    {"SELECT x.a, sum(y.b) FROM t%d x JOIN u y ON y.t = x.id JOIN v z ON z.u = y.id JOIN w ON w.v = z.id "
     "GROUP BY x.a",
     4, 5000, 1.6, 2000, 0.5, QUERY_OLAP, QUERY_AD_HOC, 0},
    {"SELECT date_trunc($1, a), count(*) FROM t%d GROUP BY 1 ORDER BY 1", 9, 3000, 1.6, 700, 0.3, QUERY_OLAP,
     QUERY_AD_HOC, 0},
    {"SELECT a, rank() OVER (PARTITION BY b ORDER BY c) FROM t%d", 2, 9000, 1.6, 50000, 0.9, QUERY_OLAP,
     QUERY_AD_HOC, 0},
    {"SELECT a, sum(b) FROM t%d WHERE day = $1 GROUP BY a", 200, 4000, 1.5, 3000, 0.8, QUERY_OLAP,
     QUERY_SCHEDULED, 24},
    {"UPDATE t%d SET seen = $1 WHERE id = $2", 400, 2, 2, 1, 0, QUERY_OLTP, QUERY_SCHEDULED, 6},
    {"INSERT INTO t%d SELECT * FROM s WHERE id = $1", 300, 3, 2, 1, 0, QUERY_OLTP, QUERY_SCHEDULED, 12},
};

/* What a statement of the mix always has; the noise of a week is drawn anew. */
typedef struct MixStatement {
    const MixKind *kind;
    const char *text;
    double calls_per_hour;
    double mean_ms;
    double phase;
    bool has_temporary;
} MixStatement;

static void
mix_make(Arena *arena, Random *random, MixStatement *statements)
{
    for (size_t i = 0; i < MIX_STATEMENTS; i++) {
        const MixKind *kind = &kinds[i % FETTLE_COUNT_OF(kinds)];
        const char *number = strstr(kind->text, "%d");
        statements[i] = (MixStatement){
            .kind = kind,
            .text = arena_printf(arena, "%.*s%zu%s", (int)(number - kind->text), kind->text, i, number + 2),
            .calls_per_hour = kind->calls_per_hour * (0.8 + 0.9 * random_unit(random)),
            .mean_ms = kind->mean_ms * pow(kind->spread, 2 * random_unit(random) - 1),
            .phase = (double)random_below(random, 24),
            .has_temporary = random_unit(random) < kind->temp_share};
    }
}

static double
calls_at(const MixStatement *statement, Random *random, int64_t hour)
{
    double noise = fmax(0, 1 + 0.15 * random_normal(random));
    int each = statement->kind->each_hours;
    if (each > 0)
        return (hour + (int64_t)statement->phase) % each == 0 ? round(statement->calls_per_hour * noise) : 0;
    double day = 1 + 0.7 * cos(2 * M_PI * ((double)(hour % 24) - 14) / 24);
    return floor(statement->calls_per_hour * day * noise + random_unit(random));
}

static void
week_draw(Arena *arena, Random *random, const MixStatement *statements, WorkloadTemplates *templates)
{
    for (size_t i = 0; i < MIX_STATEMENTS; i++) {
        const MixStatement *statement = &statements[i];
        float *hours = ARENA_NEW_ARRAY(arena, float, HOURS);
        double calls = 0;
        for (size_t h = 0; h < HOURS; h++) {
            hours[h] =
                random_unit(random) < 0.01 ? NAN : (float)calls_at(statement, random, FROM_HOUR + (int64_t)h);
            calls += isnan(hours[h]) ? 0 : (double)hours[h];
        }
        templates->items[i] = (WorkloadTemplate){.database_name = "mix",
                                                 .query_hash = (int64_t)i + 1,
                                                 .text = statement->text,
                                                 .observed_seconds = (double)HOURS * 3600,
                                                 .calls = calls,
                                                 .total_ms = calls * statement->mean_ms *
                                                             fmax(0.2, 1 + 0.05 * random_normal(random)),
                                                 .rows = calls * statement->kind->rows_per_call,
                                                 .temp_blocks = statement->has_temporary ? calls * 100 : 0,
                                                 .hours = hours};
    }
}

static void
measure_classes(uint64_t seed)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("study bench", ARENA_BYTES);
    Random random = random_new(seed);
    MixStatement statements[MIX_STATEMENTS];
    WorkloadTemplates templates = {.items = ARENA_NEW_ARRAY(arena, WorkloadTemplate, MIX_STATEMENTS),
                                   .count = MIX_STATEMENTS,
                                   .hour_count = HOURS,
                                   .from_hour = FROM_HOUR};
    WorkloadClass *kept = ARENA_NEW_ARRAY(arena, WorkloadClass, MIX_STATEMENTS);
    StatementFacts *facts = NULL;
    size_t right_class = 0;
    size_t right_cadence = 0;
    size_t flips = 0;
    mix_make(arena, &random, statements);
    double started = clock_own_cpu_ms();
    for (int round = 0; round < MIX_ROUNDS; round++) {
        week_draw(arena, &random, statements, &templates);
        if (facts == NULL)
            facts_read(arena, &templates, NULL, 0, &facts);
        for (size_t i = 0; i < MIX_STATEMENTS; i++) {
            ClassEvidence evidence = {.facts = &facts[i], .reads_much = -1, .scans_sequentially = -1};
            ClassFound found = class_find(arena, &templates.items[i], &templates, &evidence);
            WorkloadClass settled = class_settle(round == 0 ? NULL : &kept[i], &templates.items[i], &found);
            flips += round > 0 && (strcmp(settled.class, kept[i].class) != 0 ||
                                   strcmp(settled.cadence, kept[i].cadence) != 0);
            kept[i] = settled;
            right_class += found.class == statements[i].kind->class;
            right_cadence += found.cadence == statements[i].kind->cadence;
        }
    }
    printf("{\"seed\": %llu, \"statements\": %zu, \"analyses\": %d, \"right_class\": %zu, \"right_cadence\": "
           "%zu, "
           "\"flips\": %zu, \"cpu_ms\": %.1f}\n",
           (unsigned long long)seed, MIX_STATEMENTS, MIX_ROUNDS, right_class, right_cadence, flips,
           clock_own_cpu_ms() - started);
}

/* --- hot objects --- */

typedef struct TableHeat {
    int table;
    double heat;
} TableHeat;

static int
heat_compare(const void *a, const void *b)
{
    const TableHeat *left = a;
    const TableHeat *right = b;
    return (left->heat < right->heat) - (left->heat > right->heat);
}

/* A statement over one to four tables, with a plan that says what part each has. */
static void
hot_statement(Arena *arena, Random *random, size_t number, WorkloadTemplate *template, PlanBook *plans,
              double *heat)
{
    Text text = text_new(arena);
    Text plan = text_new(arena);
    int tables = 1 + (int)random_below(random, 4);
    double parts[4];
    int chosen[4];
    double sum = 0;
    text_append(&text, "SELECT t0.a FROM ");
    text_append(&plan, "[{\"Plan\": {\"Node Type\": \"Nested Loop\", \"Total Cost\": 1, \"Plans\": [");
    for (int t = 0; t < tables; t++) {
        /* a few tables are in most statements */
        chosen[t] = (int)(pow(random_unit(random), 3) * HOT_TABLES / 4) * 4 + t;
        parts[t] = pow(random_unit(random), 2) + 0.01;
        sum += parts[t];
        if (t == 0)
            text_append_format(&text, "r%d t0", chosen[0]);
        else
            text_append_format(&text, " JOIN r%d t%d ON t%d.x = t%d.y", chosen[t], t, t, t - 1);
        text_append_format(
            &plan, "%s{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"r%d\", \"Total Cost\": %.6f}",
            t == 0 ? "" : ",", chosen[t], parts[t] * 1000);
    }
    text_append_format(&text, " WHERE t0.k = $1 AND t0.n > %zu", number);
    text_append(&plan, "]}}]");
    double ms = exp(2.5 * random_normal(random)) * 100;
    *template = (WorkloadTemplate){.database_name = "hot",
                                   .query_hash = (int64_t)number + 1,
                                   .text = text.data,
                                   .observed_seconds = 86400,
                                   .calls = 10,
                                   .total_ms = ms};
    for (int t = 0; t < tables; t++)
        heat[chosen[t]] += ms * parts[t] / sum;
    if (plans != NULL)
        plan_book_add(plans, "hot", (int64_t)number + 1, plan.data);
}

static size_t
overlap_of(const HotObjects *hot, const double *heat)
{
    TableHeat order[HOT_TABLES + 4];
    size_t same = 0;
    for (int t = 0; t < HOT_TABLES + 4; t++)
        order[t] = (TableHeat){t, heat[t]};
    qsort(order, HOT_TABLES + 4, sizeof(*order), heat_compare);
    for (size_t i = 0; i < hot->counts[HOT_TABLE]; i++)
        for (size_t k = 0; k < HOT_MOST; k++)
            same += strtol(hot->items[HOT_TABLE][i].table + 1, NULL, 10) == order[k].table;
    return same;
}

static void
measure_hot(uint64_t seed, bool with_plans)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("study bench", ARENA_BYTES);
    Random random = random_new(seed);
    WorkloadTemplates templates = {.items = ARENA_NEW_ARRAY(arena, WorkloadTemplate, HOT_STATEMENTS),
                                   .count = HOT_STATEMENTS};
    PlanBook plans = {.plans = map_new(arena), .arena = arena};
    double heat[HOT_TABLES + 4] = {0};
    StatementFacts *facts;
    HotObjects hot;
    for (size_t i = 0; i < HOT_STATEMENTS; i++)
        hot_statement(arena, &random, i, &templates.items[i], with_plans ? &plans : NULL, heat);
    double started = clock_own_cpu_ms();
    facts_read(arena, &templates, NULL, 0, &facts);
    double read_ms = clock_own_cpu_ms() - started;
    HotInput input = {
        .now = &templates, .facts = facts, .before = &templates, .facts_before = facts, .plans = &plans};
    started = clock_own_cpu_ms();
    hot_find(arena, &input, HOT_MOST, &hot);
    printf("{\"seed\": %llu, \"with_plans\": %s, \"overlap\": %zu, \"covered\": %.4f, \"cpu_ms\": %.1f, "
           "\"parse_cpu_ms\": %.1f}\n",
           (unsigned long long)seed, with_plans ? "true" : "false", overlap_of(&hot, heat), hot.covered_share,
           clock_own_cpu_ms() - started, read_ms);
}

int
main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "classify") == 0) {
        for (uint64_t seed = 1; seed < 2 * MIX_SEEDS; seed += 2)
            measure_classes(seed);
    } else if (count == 2 && strcmp(arguments[1], "hot") == 0) {
        for (uint64_t seed = 1; seed < 10; seed += 2) {
            measure_hot(seed, true);
            measure_hot(seed, false);
        }
    } else if (count >= 5) {
        measure_clusters(count, arguments);
    } else {
        fprintf(stderr, "usage: study_bench kmeans|choose|dbscan FILE COUNT WIDTH ... | classify | hot\n");
        return 2;
    }
    return 0;
}
