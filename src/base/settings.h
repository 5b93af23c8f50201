// SPDX-License-Identifier: PostgreSQL
/*
 * Settings: one table declares every setting with its type, default, limits and documentation; the file
 * parser, the environment, `fettle config`, the man page and the reference are generated from it.
 *
 * A settings file is INI: "[section]" lines, "name = value", "#" or ";" comments, values bare or in double
 * quotes (with \" and \\). A name's full form is "section.name". Unknown names, repeated names, bad values
 * and lines over SETTINGS_LINE_BYTES are errors that name file, line and column ("fettle.conf:3:9: ...").
 * Durations take ms s min h d, sizes kB MB GB TB (1024-based); numbers without a unit are in the setting's
 * own unit.
 *
 * Order, the later wins: default, file, environment (FETTLE_SECTION_NAME), command line.
 * Settings is immutable once loaded; threads share it freely.
 */
#ifndef FETTLE_BASE_SETTINGS_H
#define FETTLE_BASE_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"

#define SETTINGS_LINE_BYTES 4096
#define SETTINGS_FILE_BYTES (1024 * 1024)

typedef enum SettingType {
    SETTING_BOOL,
    SETTING_INT,      /* int64 between low and high */
    SETTING_DOUBLE,   /* between low and high */
    SETTING_DURATION, /* milliseconds between low and high */
    SETTING_SIZE,     /* bytes between low and high */
    SETTING_TEXT,
    SETTING_SECRET, /* like text; shown as "***" everywhere */
} SettingType;

/* X(id, "section.name", type, "default", low, high, "documentation") */
#define SETTINGS_TABLE(X)                                                                                    \
    X(SETTING_TARGET_CONNECT_TIMEOUT, "target.connect_timeout", SETTING_DURATION, "10s", 100, 600000,        \
      "time allowed to open a connection to a target")                                                       \
    X(SETTING_TARGET_STATEMENT_TIMEOUT, "target.statement_timeout", SETTING_DURATION, "30s", 100, 3600000,   \
      "statement_timeout of every session on a target")                                                      \
    X(SETTING_TARGET_LOCK_TIMEOUT, "target.lock_timeout", SETTING_DURATION, "500ms", 1, 600000,              \
      "lock_timeout of every session on a target")                                                           \
    X(SETTING_TARGET_DEADLINE, "target.deadline", SETTING_DURATION, "5min", 1000, 86400000,                  \
      "time allowed to read one snapshot of a target, in all")                                               \
    X(SETTING_DATA_DIRECTORY, "data.directory", SETTING_TEXT, "", 0, 0,                                      \
      "where the private cluster and the store live; empty: the user's data directory")                      \
    X(SETTING_CLUSTER_BINARIES, "cluster.binaries", SETTING_TEXT, "", 0, 0,                                  \
      "directory of PostgreSQL server programs for the private cluster; empty: the best found")              \
    X(SETTING_CLUSTER_SHARED_BUFFERS, "cluster.shared_buffers", SETTING_SIZE, "16MB", 1048576, 17179869184,  \
      "shared_buffers of the private cluster")                                                               \
    X(SETTING_TWIN_STATEMENT_TIMEOUT, "twin.statement_timeout", SETTING_DURATION, "10s", 100, 3600000,       \
      "statement_timeout of every planner question on a twin")                                               \
    X(SETTING_SQL_STATEMENT_BYTES, "sql.statement_bytes", SETTING_SIZE, "64kB", 1024, 1048576,               \
      "longest statement text that is analysed")                                                             \
    X(SETTING_ADVISE_STATEMENTS, "advise.statements", SETTING_INT, "1000", 1, 100000,                        \
      "statements of the workload to analyse, the costliest first")                                          \
    X(SETTING_ADVISE_TIME, "advise.time", SETTING_DURATION, "5min", 1000, 86400000,                          \
      "time allowed for the search for indexes; the best answer so far is given")                            \
    X(SETTING_ADVISE_GAIN_PERCENT, "advise.gain_percent", SETTING_DOUBLE, "5", 0, 100,                       \
      "smallest gain, in percent of a statement's cost, that counts as a gain")                              \
    X(SETTING_LOG_LEVEL, "log.level", SETTING_TEXT, "info", 0, 0, "error, warning, info or debug")

typedef enum SettingId {
#define SETTING_ENUM(id, name, type, standard, low, high, documentation) id,
    SETTINGS_TABLE(SETTING_ENUM)
#undef SETTING_ENUM
        SETTING_COUNT
} SettingId;

typedef struct SettingInfo {
    const char *name;
    SettingType type;
    const char *standard; /* the default, as text */
    double low;
    double high;
    const char *documentation;
} SettingInfo;

typedef struct Settings Settings;

const SettingInfo *setting_info(SettingId id);

/* All defaults. */
Settings *settings_new(Arena *arena);

/* Reads one settings text; name is for messages. On failure the settings are unchanged. */
bool settings_parse(Settings *settings, const char *text, size_t length, const char *name, Error *error)
    FETTLE_MUST_USE;
bool settings_read_file(Settings *settings, const char *path, Error *error) FETTLE_MUST_USE;
/* Takes FETTLE_SECTION_NAME variables; unknown FETTLE_ variables are ignored (other programs' may exist). */
bool settings_read_environment(Settings *settings, Error *error) FETTLE_MUST_USE;
/* name is the full form. */
bool settings_set(Settings *settings, const char *name, const char *value, Error *error) FETTLE_MUST_USE;

bool settings_get_bool(const Settings *settings, SettingId id);
int64_t settings_get_int(const Settings *settings, SettingId id); /* int, duration in ms, size in bytes */
double settings_get_double(const Settings *settings, SettingId id);
const char *settings_get_text(const Settings *settings, SettingId id); /* "" when empty */

#endif
