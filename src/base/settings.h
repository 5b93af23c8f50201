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

/* When a change of a setting takes effect in a running server. */
typedef enum SettingEffect {
    SETTING_RELOAD,  /* at the next reload */
    SETTING_RESTART, /* at the next start */
} SettingEffect;

/* X(id, "section.name", type, "default", low, high, effect, "documentation") */
#define SETTINGS_TABLE(X)                                                                                    \
    X(SETTING_TARGET_CONNECT_TIMEOUT, "target.connect_timeout", SETTING_DURATION, "10s", 100, 600000,        \
      SETTING_RELOAD, "time allowed to open a connection to a target")                                       \
    X(SETTING_TARGET_STATEMENT_TIMEOUT, "target.statement_timeout", SETTING_DURATION, "30s", 100, 3600000,   \
      SETTING_RELOAD, "statement_timeout of every session on a target")                                      \
    X(SETTING_TARGET_LOCK_TIMEOUT, "target.lock_timeout", SETTING_DURATION, "500ms", 1, 600000,              \
      SETTING_RELOAD, "lock_timeout of every session on a target")                                           \
    X(SETTING_TARGET_DEADLINE, "target.deadline", SETTING_DURATION, "5min", 1000, 86400000, SETTING_RELOAD,  \
      "time allowed to read one snapshot of a target, in all")                                               \
    X(SETTING_DATA_DIRECTORY, "data.directory", SETTING_TEXT, "", 0, 0, SETTING_RESTART,                     \
      "where the private clusters live; empty: the user's data directory")                                   \
    X(SETTING_CLUSTER_BINARIES, "cluster.binaries", SETTING_TEXT, "", 0, 0, SETTING_RESTART,                 \
      "directory of PostgreSQL server programs for the private clusters; empty: the best found")             \
    X(SETTING_CLUSTER_SHARED_BUFFERS, "cluster.shared_buffers", SETTING_SIZE, "16MB", 1048576, 17179869184,  \
      SETTING_RESTART, "shared_buffers of the private cluster of the twins")                                 \
    X(SETTING_TWIN_STATEMENT_TIMEOUT, "twin.statement_timeout", SETTING_DURATION, "10s", 100, 3600000,       \
      SETTING_RELOAD, "statement_timeout of every planner question on a twin")                               \
    X(SETTING_SQL_STATEMENT_BYTES, "sql.statement_bytes", SETTING_SIZE, "64kB", 1024, 1048576,               \
      SETTING_RELOAD, "longest statement text that is analysed")                                             \
    X(SETTING_ADVISE_STATEMENTS, "advise.statements", SETTING_INT, "1000", 1, 100000, SETTING_RELOAD,        \
      "statements of the workload to analyse, the costliest first")                                          \
    X(SETTING_ADVISE_TIME, "advise.time", SETTING_DURATION, "6s", 1000, 86400000, SETTING_RELOAD,            \
      "time allowed for the search for indexes; the best answer so far is given")                            \
    X(SETTING_ADVISE_WATCH, "advise.watch", SETTING_DURATION, "2s", 0, 600000, SETTING_RELOAD,               \
      "how long the target's sessions are watched for constants that they send in statements; 0: not at "    \
      "all")                                                                                                 \
    X(SETTING_ADVISE_SESSIONS, "advise.sessions", SETTING_INT, "0", 0, 4, SETTING_RELOAD,                    \
      "sessions on the twin that are asked at once; 0: one for each processor, 4 at most")                   \
    X(SETTING_ADVISE_GAIN_PERCENT, "advise.gain_percent", SETTING_DOUBLE, "5", 0, 100, SETTING_RELOAD,       \
      "smallest gain, in percent of a statement's cost, that counts as a gain")                              \
    X(SETTING_ADVISE_INDEX_PERCENT, "advise.index_percent", SETTING_DOUBLE, "0.1", 0, 100, SETTING_RELOAD,   \
      "what an index must gain, in percent of the workload's cost, to be advised; twice as much when it is " \
      "as large as its table")                                                                               \
    X(SETTING_ADVISE_PROOF_PERCENT, "advise.proof_percent", SETTING_DOUBLE, "0.2", 0, 100, SETTING_RELOAD,   \
      "the search ends when its set is proven to be this near to the best one, in percent; 100: no proof")   \
    X(SETTING_ADVISE_SPARE_PERCENT, "advise.spare_percent", SETTING_DOUBLE, "0.2", 0, 100, SETTING_RELOAD,   \
      "what may be given away, in percent of the workload's cost and no more than the proof leaves open, "   \
      "for indexes of half the size; not with a budget; 0: nothing")                                         \
    X(SETTING_ADVISE_BUDGET, "advise.budget", SETTING_SIZE, "0", 0, 1125899906842624, SETTING_RELOAD,        \
      "space for all new indexes together; 0: no limit")                                                     \
    X(SETTING_ADVISE_TABLE_BUDGET, "advise.table_budget", SETTING_SIZE, "0", 0, 1125899906842624,            \
      SETTING_RELOAD, "space for the new indexes of each table; 0: no limit")                                \
    X(SETTING_STORE_URL, "store.url", SETTING_SECRET, "", 0, 0, SETTING_RESTART,                             \
      "connection string of the store; empty: a private cluster in the data directory")                      \
    X(SETTING_STORE_SESSIONS, "store.sessions", SETTING_INT, "12", 4, 200, SETTING_RESTART,                  \
      "sessions on the store, at most")                                                                      \
    X(SETTING_STORE_SHARED_BUFFERS, "store.shared_buffers", SETTING_SIZE, "32MB", 1048576, 17179869184,      \
      SETTING_RESTART, "shared_buffers of the private cluster of the store")                                 \
    X(SETTING_STORE_KEY_FILE, "store.key_file", SETTING_TEXT, "", 0, 0, SETTING_RESTART,                     \
      "file of mode 0600 with the key that seals passwords of targets; empty: \"key\" in the data "          \
      "directory")                                                                                           \
    X(SETTING_COLLECT_ENABLED, "collect.enabled", SETTING_BOOL, "on", 0, 0, SETTING_RELOAD,                  \
      "off: no target is read")                                                                              \
    X(SETTING_COLLECT_WORKERS, "collect.workers", SETTING_INT, "16", 1, 128, SETTING_RESTART,                \
      "threads that read targets, as many that connect to them; half as many sample what sessions wait for") \
    X(SETTING_COLLECT_INTERVAL, "collect.interval", SETTING_DURATION, "60s", 1000, 3600000, SETTING_RELOAD,  \
      "time between two rounds of statements and metrics of one target")                                     \
    X(SETTING_COLLECT_DEADLINE, "collect.deadline", SETTING_DURATION, "20s", 100, 600000, SETTING_RELOAD,    \
      "time allowed for one round on one target")                                                            \
    X(SETTING_COLLECT_LOAD_PERCENT, "collect.load_percent", SETTING_DOUBLE, "5", 0.01, 100, SETTING_RELOAD,  \
      "share of the interval that a round may take on the target, in percent; beyond it rounds are thinned") \
    X(SETTING_COLLECT_STATEMENTS, "collect.statements", SETTING_INT, "10000", 10, 1000000, SETTING_RELOAD,   \
      "statements read in one round, at most, the busiest first")                                            \
    X(SETTING_COLLECT_ACTIVITY_INTERVAL, "collect.activity_interval", SETTING_DURATION, "1s", 100, 60000,    \
      SETTING_RELOAD, "time between two samples of what sessions wait for")                                  \
    X(SETTING_COLLECT_ACTIVITY, "collect.activity", SETTING_BOOL, "on", 0, 0, SETTING_RELOAD,                \
      "off: waits of sessions are not sampled")                                                              \
    X(SETTING_COLLECT_RESOURCES_INTERVAL, "collect.resources_interval", SETTING_DURATION, "1h", 60000,       \
      86400000, SETTING_RELOAD, "time between two readings of the sizes and use of tables and indexes")      \
    X(SETTING_COLLECT_SETTINGS_INTERVAL, "collect.settings_interval", SETTING_DURATION, "10min", 10000,      \
      86400000, SETTING_RELOAD, "time between two readings of a target's settings")                          \
    X(SETTING_COLLECT_TEXTS_INTERVAL, "collect.texts_interval", SETTING_DURATION, "10min", 1000, 86400000,   \
      SETTING_RELOAD, "shortest time between two readings of statement texts")                               \
    X(SETTING_COLLECT_TEXTS_BYTES, "collect.texts_bytes", SETTING_SIZE, "64MB", 65536, 4294967296,           \
      SETTING_RELOAD, "texts are not read from a target that holds more than this")                          \
    X(SETTING_COLLECT_PLANS_INTERVAL, "collect.plans_interval", SETTING_DURATION, "6h", 1000, 604800000,     \
      SETTING_RELOAD, "time between two plannings of the costliest statements on the twin")                  \
    X(SETTING_COLLECT_PLANS, "collect.plans", SETTING_INT, "20", 0, 1000, SETTING_RELOAD,                    \
      "statements of each target whose plans are kept")                                                      \
    X(SETTING_RETENTION_SAMPLES, "retention.samples", SETTING_DURATION, "30d", 3600000, 315360000000,        \
      SETTING_RELOAD, "how long samples of statements and metrics are kept")                                 \
    X(SETTING_RETENTION_ROLLUPS, "retention.rollups", SETTING_DURATION, "365d", 86400000, 315360000000,      \
      SETTING_RELOAD, "how long hourly roll-ups are kept")                                                   \
    X(SETTING_RETENTION_AUDIT, "retention.audit", SETTING_DURATION, "365d", 86400000, 315360000000,          \
      SETTING_RELOAD, "how long the audit log is kept")                                                      \
    X(SETTING_INDEX_ANALYSIS_ENABLED, "index.analysis_enabled", SETTING_BOOL, "on", 0, 0, SETTING_RELOAD,    \
      "off: the API analyses no indexes")                                                                    \
    X(SETTING_INDEX_AUTO_BENEFIT, "index.auto_benefit", SETTING_DOUBLE, "10", 0, 100, SETTING_RELOAD,        \
      "percent of the workload that an index must gain to be created without being asked")                   \
    X(SETTING_INDEX_AUTO_CLASS, "index.auto_class", SETTING_TEXT, "low", 0, 0, SETTING_RELOAD,               \
      "risk class that is approved for being done unasked: low (create) or medium (drop, replace)")          \
    X(SETTING_INDEX_AUTO_CONFIDENCE, "index.auto_confidence", SETTING_DOUBLE, "0.8", 0, 1, SETTING_RELOAD,   \
      "confidence that a recommendation must have to be carried out without being asked")                    \
    X(SETTING_INDEX_AUTO_CREATE, "index.auto_create", SETTING_BOOL, "off", 0, 0, SETTING_RELOAD,             \
      "on: the service creates recommended indexes without being asked, one at a time")                      \
    X(SETTING_INDEX_AUTO_DROP, "index.auto_drop", SETTING_BOOL, "off", 0, 0, SETTING_RELOAD,                 \
      "on: the service drops indexes that nothing needs without being asked, one at a time")                 \
    X(SETTING_INDEX_AUTO_INTERVAL, "index.auto_interval", SETTING_DURATION, "1d", 60000, 2592000000,         \
      SETTING_RELOAD, "time between two looks at a target for what may be done unasked")                     \
    X(SETTING_INDEX_FREE_SPACE_FLOOR, "index.free_space_floor", SETTING_SIZE, "1GB", 0, 1099511627776.0,     \
      SETTING_RELOAD, "no index is built that would leave less than this free, where that can be known")     \
    X(SETTING_INDEX_LOCK_ATTEMPTS, "index.lock_attempts", SETTING_INT, "5", 1, 100, SETTING_RELOAD,          \
      "how often an index change is tried whose locks are not free in time")                                 \
    X(SETTING_INDEX_LOCK_TIMEOUT, "index.lock_timeout", SETTING_DURATION, "30s", 10, 3600000,                \
      SETTING_RELOAD, "lock_timeout of one attempt to create or drop an index")                              \
    X(SETTING_INDEX_OBSERVATION, "index.observation", SETTING_DURATION, "35d", 604800000, 31536000000,       \
      SETTING_RELOAD, "how long an index must be seen unused before its removal is proposed")                \
    X(SETTING_INDEX_QUIET_HOURS, "index.quiet_hours", SETTING_TEXT, "", 0, 0, SETTING_RELOAD,                \
      "hours in UTC within which unasked changes begin, such as 22:00-05:30; empty: at any time")            \
    X(SETTING_INDEX_RARE_SCANS, "index.rare_scans", SETTING_INT, "10", 0, 1000000000, SETTING_RELOAD,        \
      "an index with fewer scans than this is rarely used")                                                  \
    X(SETTING_INDEX_USAGE_THRESHOLD_RATIO, "index.usage_threshold_ratio", SETTING_DOUBLE, "0.01", 0, 1,      \
      SETTING_RELOAD, "an index with a smaller share of its table's scans than this is rarely used")         \
    X(SETTING_APPROVAL_CREATE_INDEX, "approval.create_index", SETTING_TEXT, "", 0, 0, SETTING_RELOAD,        \
      "whether recommended indexes are created: advise (never), ask (when approved) or auto; empty: auto "   \
      "when index.auto_create is on, else ask")                                                              \
    X(SETTING_APPROVAL_DROP_INDEX, "approval.drop_index", SETTING_TEXT, "", 0, 0, SETTING_RELOAD,            \
      "the same for dropping; empty: auto when index.auto_drop is on and index.auto_class medium, else ask") \
    X(SETTING_APPROVAL_REPLACE_INDEX, "approval.replace_index", SETTING_TEXT, "", 0, 0, SETTING_RELOAD,      \
      "the same for replacing one by another; empty: auto when both are allowed that way, else ask")         \
    X(SETTING_APPROVAL_EXPIRY, "approval.expiry", SETTING_DURATION, "14d", 60000, 31536000000,               \
      SETTING_RELOAD, "how long an approved change waits for its moment before it is given up")              \
    X(SETTING_ANOMALIES_ENABLED, "anomalies.enabled", SETTING_BOOL, "on", 0, 0, SETTING_RELOAD,              \
      "off: no anomalies are looked for")                                                                    \
    X(SETTING_ANOMALIES_INTERVAL, "anomalies.interval", SETTING_DURATION, "5min", 1000, 3600000,             \
      SETTING_RELOAD, "time between two looks at a target for anomalies")                                    \
    X(SETTING_ANOMALIES_STATEMENTS, "anomalies.statements", SETTING_INT, "500", 1, 10000, SETTING_RELOAD,    \
      "statements of a target that have baselines of their own, the costliest of a week first")              \
    X(SETTING_ANOMALIES_Z_LOW, "anomalies.z_low", SETTING_DOUBLE, "1", 0.5, 5, SETTING_RELOAD,               \
      "deviation from the baseline, in its scales, from which an anomaly is low")                            \
    X(SETTING_ANOMALIES_Z_MEDIUM, "anomalies.z_medium", SETTING_DOUBLE, "1.5", 0.5, 5, SETTING_RELOAD,       \
      "the same, medium")                                                                                    \
    X(SETTING_ANOMALIES_Z_HIGH, "anomalies.z_high", SETTING_DOUBLE, "2.5", 0.5, 5, SETTING_RELOAD,           \
      "the same, high")                                                                                      \
    X(SETTING_ANOMALIES_Z_CRITICAL, "anomalies.z_critical", SETTING_DOUBLE, "3", 0.5, 5, SETTING_RELOAD,     \
      "the same, critical")                                                                                  \
    X(SETTING_SERVER_LISTEN, "server.listen", SETTING_TEXT, "127.0.0.1:8080", 0, 0, SETTING_RESTART,         \
      "address and port of the HTTP server")                                                                 \
    X(SETTING_SERVER_TLS_CERTIFICATE, "server.tls_certificate", SETTING_TEXT, "", 0, 0, SETTING_RESTART,     \
      "PEM file of the certificate chain; empty: plain HTTP")                                                \
    X(SETTING_SERVER_TLS_KEY, "server.tls_key", SETTING_TEXT, "", 0, 0, SETTING_RESTART,                     \
      "PEM file of the certificate's key")                                                                   \
    X(SETTING_SERVER_WORKERS, "server.workers", SETTING_INT, "8", 1, 128, SETTING_RESTART,                   \
      "threads that answer requests")                                                                        \
    X(SETTING_SERVER_CONNECTIONS, "server.connections", SETTING_INT, "16384", 16, 100000, SETTING_RESTART,   \
      "connections to the HTTP server, at most")                                                             \
    X(SETTING_SERVER_IDLE_TIMEOUT, "server.idle_timeout", SETTING_DURATION, "30s", 1000, 3600000,            \
      SETTING_RESTART, "an HTTP connection that says nothing for so long is closed")                         \
    X(SETTING_SERVER_STOP_TIMEOUT, "server.stop_timeout", SETTING_DURATION, "20s", 1000, 600000,             \
      SETTING_RELOAD, "time that running rounds and requests get to finish when the server stops")           \
    X(SETTING_API_REQUESTS_PER_SECOND, "api.requests_per_second", SETTING_DOUBLE, "2000", 0.1, 1000000,      \
      SETTING_RELOAD, "requests a second that one token or address may make")                                \
    X(SETTING_API_TOKEN_LIFETIME, "api.token_lifetime", SETTING_DURATION, "12h", 60000, 31536000000,         \
      SETTING_RELOAD, "how long a token from a login lives")                                                 \
    X(SETTING_METRICS_REQUIRE_TOKEN, "metrics.require_token", SETTING_BOOL, "off", 0, 0, SETTING_RELOAD,     \
      "on: /metrics needs a token")                                                                          \
    X(SETTING_NOTICE_ROI_SCORE, "notice.roi_score", SETTING_DOUBLE, "0.001", 0, 1, SETTING_RELOAD,           \
      "return on investment from which on a new recommendation is told over the webhooks")                   \
    X(SETTING_NOTICE_MESSAGES_PER_MINUTE, "notice.messages_per_minute", SETTING_INT, "10", 1, 600,           \
      SETTING_RELOAD, "messages that one webhook gets in a minute; what is more is told together in one")    \
    X(SETTING_NOTICE_TIMEOUT, "notice.timeout", SETTING_DURATION, "10s", 100, 60000, SETTING_RELOAD,         \
      "time allowed for one message to a webhook, its answer included")                                      \
    X(SETTING_NOTICE_CA_FILE, "notice.ca_file", SETTING_TEXT, "", 0, 0, SETTING_RELOAD,                      \
      "PEM file of the authorities that may vouch for webhooks; empty: the system's")                        \
    X(SETTING_PATTERNS_SCHEDULE, "patterns.schedule", SETTING_TEXT, "03:10", 0, 0, SETTING_RELOAD,           \
      "time of day, UTC, from which patterns are detected and workloads analysed anew; empty: never")        \
    X(SETTING_AUTO_REVERT, "auto.revert", SETTING_BOOL, "on", 0, 0, SETTING_RELOAD,                          \
      "on: what Fettle carried out and certainly made queries slower by 5 % or more is undone")              \
    X(SETTING_LOG_LEVEL, "log.level", SETTING_TEXT, "info", 0, 0, SETTING_RELOAD,                            \
      "error, warning, info or debug")

typedef enum SettingId {
#define SETTING_ENUM(id, name, type, standard, low, high, effect, documentation) id,
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
    SettingEffect effect;
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
/* Takes FETTLE_SECTION_NAME variables, and the names that the requirement documents have for some settings
 * (INDEX_ANALYSIS_ENABLED, INDEX_USAGE_THRESHOLD), over which the FETTLE_ ones win. Unknown FETTLE_ variables
 * are ignored (other programs' may exist). */
bool settings_read_environment(Settings *settings, Error *error) FETTLE_MUST_USE;
/* name is the full form. */
bool settings_set(Settings *settings, const char *name, const char *value, Error *error) FETTLE_MUST_USE;

/* As settings_set(), noting where the value comes from: "store". */
bool settings_set_from(Settings *settings, const char *name, const char *value, const char *source,
                       Error *error) FETTLE_MUST_USE;

/* Where a value comes from: "default", "fettle.conf:12", "environment", "command line", "store". */
const char *settings_get_source(const Settings *settings, SettingId id);
/* The value for people: the text it was set with, "***" for a secret that is set. */
const char *settings_get_shown(const Settings *settings, SettingId id);

/* A time or a size as a setting would take it, without a setting's bounds: "5min" is 300000 ms, "2GB" bytes;
 * a number alone is in ms or bytes. False for anything else, negative values too. */
bool setting_duration_parse(const char *text, int64_t *ret_milliseconds) FETTLE_MUST_USE;
bool setting_size_parse(const char *text, int64_t *ret_bytes) FETTLE_MUST_USE;

bool settings_get_bool(const Settings *settings, SettingId id);
int64_t settings_get_int(const Settings *settings, SettingId id); /* int, duration in ms, size in bytes */
double settings_get_double(const Settings *settings, SettingId id);
const char *settings_get_text(const Settings *settings, SettingId id); /* "" when empty */

#endif
