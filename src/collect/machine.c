// SPDX-License-Identifier: PostgreSQL
#include "collect/machine.h"

#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_BYTES ((size_t)256 * 1024)
#define ARENA_BYTES ((size_t)4 * 1024 * 1024)
#define SECTOR_BYTES 512.0
/* btime is in whole seconds, and a postmaster states its start a little after it. */
#define START_SLACK_SECONDS 2.5

/* A file of /proc, which states no size. NULL when it is not there. */
static char *
proc_read(Arena *arena, const char *path)
{
    FETTLE_CLEANUP(file_close_at) FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    char *data = arena_alloc(arena, FILE_BYTES);
    size_t length = fread(data, 1, FILE_BYTES - 1, file);
    data[length] = '\0';
    return length == 0 ? NULL : data;
}

/* The number behind a line's first word; NAN when there is no such line. */
static double
line_number(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *line = text; line != NULL && line[0] != '\0';) {
        if (strncmp(line, word, length) == 0 && (line[length] == ' ' || line[length] == ':'))
            return strtod(line + length + (line[length] == ':'), NULL);
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return NAN;
}

/* Field n of /proc/PID/stat, counted from 1 as in proc(5), for fields behind the name. */
static double
stat_field(const char *stat, int field)
{
    const char *at = strrchr(stat, ')');
    if (at == NULL)
        return NAN;
    at++;
    for (int i = 3; i < field && at != NULL; i++)
        at = strchr(at + 1, ' ');
    return at == NULL ? NAN : strtod(at, NULL);
}

static bool
calls_itself_postgres(Arena *arena, const char *proc, int pid)
{
    const char *words = proc_read(arena, arena_printf(arena, "%s/%d/cmdline", proc, pid));
    return words != NULL && text_starts_with(words, "postgres: ");
}

MachineProof
machine_prove(const char *proc, int backend_pid, int64_t postmaster_started_at_us)
{
    MachineProof proof = {0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("machine", ARENA_BYTES);
    const char *backend = proc_read(arena, arena_printf(arena, "%s/%d/stat", proc, backend_pid));
    const char *machine = proc_read(arena, arena_printf(arena, "%s/stat", proc));
    if (backend == NULL || machine == NULL || !calls_itself_postgres(arena, proc, backend_pid))
        return proof;
    double parent = stat_field(backend, 4);
    if (!(parent > 0 && parent < 1e9))
        return proof;
    const char *postmaster = proc_read(arena, arena_printf(arena, "%s/%d/stat", proc, (int)parent));
    if (postmaster == NULL)
        return proof;
    double started =
        line_number(machine, "btime") + stat_field(postmaster, 22) / (double)sysconf(_SC_CLK_TCK);
    double apart = fabs(started - (double)postmaster_started_at_us / 1e6);
    proof.is_local = isfinite(apart) && apart <= START_SLACK_SECONDS;
    proof.postmaster_pid = proof.is_local ? (int)parent : 0;
    return proof;
}

/* "cpu  user nice system idle iowait irq softirq steal ..." of all processors. */
static void
read_processors(const char *text, MachineFigures *figures)
{
    if (text == NULL || !text_starts_with(text, "cpu "))
        return;
    double all = 0, idle = 0;
    char *at = (char *)(uintptr_t)(text + 4);
    for (int field = 0; field < 8 && at[0] != '\n'; field++) {
        double ticks = strtod(at, &at);
        all += ticks;
        idle += field == 3 || field == 4 ? ticks : 0;
    }
    figures->cpu_all_ticks = all;
    figures->cpu_busy_ticks = all - idle;
}

/* "major minor name reads merged sectors ms writes merged sectors ..." */
static void
read_device(const char *text, dev_t device, MachineFigures *figures)
{
    for (const char *line = text; line != NULL && line[0] != '\0';) {
        char *at = NULL;
        unsigned long major_number = strtoul(line, &at, 10);
        unsigned long minor_number = strtoul(at, &at, 10);
        if (major_number == major(device) && minor_number == minor(device)) {
            at += strspn(at, " ");
            at += strcspn(at, " \n");
            double fields[7] = {0};
            for (size_t i = 0; i < FETTLE_COUNT_OF(fields); i++)
                fields[i] = strtod(at, &at);
            figures->disk_read_bytes = fields[2] * SECTOR_BYTES;
            figures->disk_written_bytes = fields[6] * SECTOR_BYTES;
            return;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
}

void
machine_read(const char *proc, const char *directory, MachineFigures *ret_figures)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("machine", ARENA_BYTES);
    MachineFigures figures = {NAN, NAN, NAN, NAN, NAN, NAN};
    read_processors(proc_read(arena, arena_printf(arena, "%s/stat", proc)), &figures);
    const char *memory = proc_read(arena, arena_printf(arena, "%s/meminfo", proc));
    if (memory != NULL)
        figures.memory_available_bytes = line_number(memory, "MemAvailable") * 1024;
    struct statvfs space;
    struct stat status;
    if (directory != NULL && statvfs(directory, &space) == 0)
        figures.disk_free_bytes = (double)space.f_bavail * (double)space.f_frsize;
    if (directory != NULL && stat(directory, &status) == 0)
        read_device(proc_read(arena, arena_printf(arena, "%s/diskstats", proc)), status.st_dev, &figures);
    *ret_figures = figures;
}
