// SPDX-License-Identifier: PostgreSQL
#include "cli/session.h"

#include "base/log.h"
#include "snapshot/file.h"
#include "snapshot/redact.h"

#include <stdio.h>
#include <sys/stat.h>

#define GAPS_SHOWN_MOST 5 /* each table may have one */

extern const CliVerb cli_verb_snapshot;

static const CliOption snapshot_options[] = {
    {"output", 'o', "FILE", "where to write it (default: DATABASE.fettle)"},
    {"redact", 0, NULL, "leave out user values: most common values, histograms, literals of statements"},
    {"watch", 0, "TIME",
     "watch so long which constants sessions send: 10s; 0: not at all (default: advise.watch)"},
    {"role", 0, "ROLE", "the application's role, whose settings and search_path plans are made with"},
    {"workload", 'w', "FILE", "take the workload from a file of SQL statements"},
    {NULL, 0, NULL, NULL},
};

/* Whoever takes the file elsewhere finds out too late else. */
static void
write_gaps(const Snapshot *snapshot)
{
    size_t shown = snapshot->gap_count < GAPS_SHOWN_MOST ? snapshot->gap_count : GAPS_SHOWN_MOST;
    for (size_t i = 0; i < shown; i++) {
        const SnapshotGap *gap = &snapshot->gaps[i];
        fprintf(stderr, "missing: %s: %s%s%s\n", gap->subject, gap->reason,
                gap->remedy[0] == '\0' ? "" : "; ", gap->remedy);
    }
    if (shown < snapshot->gap_count)
        fprintf(stderr, "missing: %zu more; \"fettle doctor\" lists them\n", snapshot->gap_count - shown);
}

static bool
snapshot_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {0};
    if (!session_read(input, &session, error))
        return false;
    const Snapshot *snapshot = session.snapshot;
    const SnapshotSections *sections = snapshot->sections;
    const char *path = cli_option(input, "output");
    if (path == NULL)
        path = arena_printf(input->arena, "%s.fettle", snapshot->database);
    size_t literals = 0;
    bool redact = cli_option(input, "redact") != NULL;
    if (redact)
        sections = snapshot_redact(input->arena, sections, &literals);
    if (!snapshot_file_write(sections, path, error))
        return false;
    progress_clear();
    struct stat status;
    if (!input->is_quiet && stat(path, &status) == 0)
        fprintf(stderr,
                "%s: %zu relations, %zu indexes, %zu column statistics, %zu statements; %s; statistics "
                "rights: %s\n",
                path, snapshot->relation_count, snapshot->index_count, snapshot->statistics_count,
                snapshot->statement_count, text_format_bytes(input->arena, (double)status.st_size),
                snapshot_rights_word(snapshot->rights));
    if (!input->is_quiet)
        write_gaps(snapshot);
    if (redact && literals > 0 && !input->is_quiet)
        fprintf(
            stderr,
            "note: %zu definitions (views, defaults, checks, index predicates) hold literals of their own\n",
            literals);
    *ret_exit_status = CLI_EXIT_NOTHING;
    return true;
}

const CliVerb cli_verb_snapshot = {
    .name = "snapshot",
    .arguments = "TARGET",
    .arguments_most = 1,
    .summary = "what advice needs of a database, in one file; no rows",
    .description = "Reads schema, planner statistics, sizes, settings and workload of a database in one "
                   "read-only transaction\n"
                   "and writes them to a file of mode 0600. It holds no rows; statistics hold sample values "
                   "unless --redact.",
    .examples = "  fettle snapshot postgres://fettle@db/shop -o shop.fettle\n"
                "  fettle snapshot --redact postgres://fettle@db/shop\n"
                "  fettle advise shop.fettle\n",
    .options = snapshot_options,
    .run = snapshot_run,
};
