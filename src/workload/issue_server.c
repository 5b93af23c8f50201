// SPDX-License-Identifier: PostgreSQL
#include "workload/issue_internal.h"

#include <math.h>
#include <string.h>

#define DAY_US (24 * 3600 * 1e6)
#define BLOCKS_LEAST 10000.0   /* before a share of them says something */
#define CHANGED_SHARE_HIGH 0.2 /* of a table's rows: twice what autovacuum waits for */
#define ROWS_NEVER_HIGH 10000.0
#define ROWS_NEVER_LEAST 50.0 /* autovacuum_analyze_threshold: it never analyses a table of fewer changes */

/* The statements that use each table, by its root's place in the catalog. */
typedef struct TableUse {
    const IssueTable *table;
    size_t *places;
    size_t count;
    size_t capacity;
} TableUse;

static IssueSeverity
stale_severity(const IssueTable *table)
{
    bool is_small = !(table->row_count > ROWS_NEVER_LEAST); /* true when no row of it was ever counted */
    if (table->was_never_analyzed)
        return is_small ? ISSUE_LOW : table->row_count > ROWS_NEVER_HIGH ? ISSUE_HIGH : ISSUE_MEDIUM;
    if (table->changed_rows <= 0)
        return ISSUE_LOW;
    return table->changed_rows > CHANGED_SHARE_HIGH * table->row_count ? ISSUE_HIGH : ISSUE_MEDIUM;
}

static void
statistics_tell(IssueWork *work, const IssueTable *table, const size_t *places, size_t count)
{
    Arena *arena = work->arena;
    double days =
        table->was_never_analyzed ? NAN : (double)(work->input->now_us - table->analyzed_at_us) / DAY_US;
    if (days <= ISSUE_STATISTICS_DAYS)
        return;
    const char *name = issue_table_name(arena, table);
    const char *changed = "";
    if (!isnan(table->changed_rows))
        changed = arena_printf(arena, "; %s rows had changed since when its schema was read",
                               text_format_count(arena, table->changed_rows));
    IssueFound found = {.type = ISSUE_STALE_STATISTICS,
                        .severity = stale_severity(table),
                        .database_name = table->database_name,
                        .object = name,
                        .table = name,
                        .statement = ISSUE_NO_STATEMENT,
                        .figure = "days since the table was analysed",
                        .value = days,
                        .threshold = ISSUE_STATISTICS_DAYS};
    found.description =
        table->was_never_analyzed
            ? arena_printf(arena, "%s was never analysed: the planner guesses its rows and values", name)
            : arena_printf(arena, "the statistics of %s are %.0f days old%s", name, days, changed);
    found.action =
        arena_printf(arena, "ANALYZE %s%s", name,
                     table->relation != NULL && table->relation->kind == 'p'
                         ? "; autovacuum does not analyse a partitioned table, so do it by a schedule"
                         : "; and see why autovacuum does not");
    for (size_t i = 0; i < count; i++) {
        found.statement = places[i];
        issue_add(work, &found);
    }
}

static void
unknown_add(Arena *arena, Map *unknown, const char *database_name, const FactColumn *used)
{
    ArenaMark mark = arena_mark(arena);
    const char *key = arena_printf(arena, "%s\001%s.%s", database_name, used->schema, used->table);
    if (map_get(unknown, key) == NULL)
        map_put(unknown, key, unknown);
    else
        arena_rewind(arena, mark);
}

static void
use_add(Arena *arena, Map *uses, const IssueTable *table, size_t place)
{
    ArenaMark mark = arena_mark(arena);
    const char *key = arena_printf(arena, "%s\001%s.%s", table->database_name, table->schema, table->name);
    TableUse *use = map_get(uses, key);
    if (use == NULL) {
        use = ARENA_NEW(arena, TableUse);
        use->table = table;
        map_put(uses, key, use);
    } else {
        arena_rewind(arena, mark);
    }
    if (use->count == use->capacity)
        use->places = vector_grow(arena, use->places, use->count, &use->capacity, sizeof(*use->places));
    use->places[use->count++] = place;
}

void
issues_of_tables(IssueWork *work)
{
    const IssueInput *input = work->input;
    Map *uses = map_new(work->arena);
    Map *unknown = map_new(work->arena);
    for (size_t i = 0; i < input->templates->count; i++)
        for (size_t t = 0; t < input->facts[i].tables.count; t++) {
            const FactColumn *used = &input->facts[i].tables.items[t];
            const char *database_name = input->templates->items[i].database_name;
            const IssueTable *table =
                issue_table_named(input->catalog, database_name, used->schema, used->table);
            if (table == NULL || (table->analyzed_at_us == 0 && !table->was_never_analyzed))
                unknown_add(work->arena, unknown, database_name, used);
            else
                use_add(work->arena, uses, table, i);
        }
    work->counts.tables_unknown = map_count(unknown);
    for (size_t i = 0; i < map_count(uses); i++) {
        const TableUse *use = map_value_at(uses, i);
        statistics_tell(work, use->table, use->places, use->count);
    }
}

/* Of all statements. */
typedef struct BlockSums {
    double hit;
    double read;
    double temporary;
} BlockSums;

static void
work_mem_tell(IssueWork *work, const BlockSums *sums)
{
    Arena *arena = work->arena;
    const IssueInput *input = work->input;
    double all = sums->hit + sums->read + sums->temporary;
    double share = all > 0 ? sums->temporary / all : 0;
    if (all < BLOCKS_LEAST || share <= ISSUE_TEMP_SHARE)
        return;
    const char *now =
        isnan(input->work_mem_bytes)
            ? ""
            : arena_printf(arena, "; it is %s", text_format_bytes(arena, input->work_mem_bytes));
    const char *temporary = isnan(input->block_bytes)
                                ? arena_printf(arena, "%s blocks", text_format_count(arena, sums->temporary))
                                : text_format_bytes(arena, sums->temporary * input->block_bytes);
    IssueFound found = {
        .type = ISSUE_CONFIG_TUNING,
        .severity = ISSUE_MEDIUM,
        .object = "work_mem",
        .figure = "share of blocks that are of temporary files",
        .value = share,
        .threshold = ISSUE_TEMP_SHARE,
        .description = arena_printf(arena,
                                    "%s were written and read in temporary files: work_mem is too small "
                                    "for these statements%s",
                                    temporary, now),
        .action = "raise work_mem for the role or the session that runs them, not for all: each sort and "
                  "hash of each session may take as much"};
    for (size_t i = 0; i < input->templates->count; i++)
        if (input->templates->items[i].temp_blocks > 0) {
            found.statement = i;
            issue_add(work, &found);
        }
}

static void
shared_buffers_tell(IssueWork *work, const BlockSums *sums)
{
    Arena *arena = work->arena;
    const IssueInput *input = work->input;
    double all = sums->hit + sums->read;
    double ratio = all > 0 ? sums->hit / all : 1;
    double size_bytes = input->catalog->size_bytes;
    bool is_smaller = input->shared_buffers_bytes < size_bytes; /* false when one is not known */
    if (all < BLOCKS_LEAST || ratio >= ISSUE_HIT_RATIO || !is_smaller)
        return;
    IssueFound found = {
        .type = ISSUE_CONFIG_TUNING,
        .severity = ratio < ISSUE_HIT_RATIO_HIGH ? ISSUE_HIGH : ISSUE_MEDIUM,
        .object = "shared_buffers",
        .statement = ISSUE_NO_STATEMENT,
        .figure = "share of blocks found in shared buffers",
        .value = ratio,
        .threshold = ISSUE_HIT_RATIO,
        .description = arena_printf(
            arena, "only %.0f%% of the blocks are found in shared_buffers, which is %s beside %s of data",
            ratio * 100, text_format_bytes(arena, input->shared_buffers_bytes),
            text_format_bytes(arena, size_bytes)),
        .action = "first index what is read sequentially; then give shared_buffers up to a quarter of the "
                  "machine's memory"};
    issue_add(work, &found);
}

void
issues_of_settings(IssueWork *work)
{
    const WorkloadTemplates *templates = work->input->templates;
    BlockSums sums = {0};
    for (size_t i = 0; i < templates->count; i++) {
        sums.hit += templates->items[i].blocks_hit;
        sums.read += templates->items[i].blocks_read;
        sums.temporary += templates->items[i].temp_blocks;
    }
    work_mem_tell(work, &sums);
    shared_buffers_tell(work, &sums);
}
