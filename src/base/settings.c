// SPDX-License-Identifier: PostgreSQL
#include "base/settings.h"

#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct SettingValue {
    const char *text;
    double number; /* bool 0/1, int, ms, bytes, double */
    const char *source;
} SettingValue;

struct Settings {
    Arena *arena;
    const char *source; /* of what is set now */
    SettingValue values[SETTING_COUNT];
};

static const SettingInfo setting_table[] = {
#define SETTING_ROW(id, name, type, standard, low, high, effect, documentation)                              \
    [id] = {name, type, standard, low, high, effect, documentation},
    SETTINGS_TABLE(SETTING_ROW)
#undef SETTING_ROW
};

typedef struct SettingUnit {
    const char *word;
    double factor;
} SettingUnit;

static const SettingUnit duration_units[] = {{"ms", 1},        {"s", 1000},           {"min", 60000},
                                             {"h", 3600000.0}, {"d", 24 * 3600000.0}, {NULL, 0}};
static const SettingUnit size_units[] = {
    {"B", 1}, {"kB", 1024.0}, {"MB", 1048576.0}, {"GB", 1073741824.0}, {"TB", 1099511627776.0}, {NULL, 0}};

const SettingInfo *
setting_info(SettingId id)
{
    fettle_assert((size_t)id < SETTING_COUNT);
    return &setting_table[id];
}

/* A number with an optional unit; false when it is neither. */
static bool
number_parse(const char *text, const SettingUnit *units, double *ret_number)
{
    size_t digits = strspn(text, "+-0123456789.eE");
    /* "5e" cannot happen for a unit: no unit starts with e */
    char number[64];
    if (digits == 0 || digits >= sizeof(number))
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    const char *unit = text + digits;
    while (*unit == ' ')
        unit++;
    double value;
    if (!text_parse_double(number, &value) || !isfinite(value))
        return false;
    if (*unit == '\0') {
        *ret_number = value;
        return true;
    }
    for (size_t i = 0; units != NULL && units[i].word != NULL; i++)
        if (strcmp(units[i].word, unit) == 0) {
            *ret_number = value * units[i].factor;
            return true;
        }
    return false;
}

static bool
whole_parse(const char *text, const SettingUnit *units, int64_t *ret_value)
{
    double number;
    /* doubles hold whole numbers exactly up to 2^53 */
    if (!number_parse(text, units, &number) || number < 0 || number > 9007199254740992.0)
        return false;
    *ret_value = (int64_t)number;
    return true;
}

bool
setting_duration_parse(const char *text, int64_t *ret_milliseconds)
{
    return whole_parse(text, duration_units, ret_milliseconds);
}

bool
setting_size_parse(const char *text, int64_t *ret_bytes)
{
    return whole_parse(text, size_units, ret_bytes);
}

static bool
bool_parse(const char *text, double *ret_number)
{
    static const char *const yes[] = {"on", "true", "yes", "1"};
    static const char *const no[] = {"off", "false", "no", "0"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(yes); i++) {
        if (text_equals_ignoring_case(text, yes[i])) {
            *ret_number = 1;
            return true;
        }
        if (text_equals_ignoring_case(text, no[i])) {
            *ret_number = 0;
            return true;
        }
    }
    return false;
}

static const SettingUnit *
units_of(SettingType type)
{
    return type == SETTING_DURATION ? duration_units : type == SETTING_SIZE ? size_units : NULL;
}

/* In the greatest unit that says it in a whole number: as a person would write it. */
static const char *
limit_text(Arena *arena, SettingType type, double limit)
{
    const SettingUnit *units = units_of(type);
    const SettingUnit *best = units;
    for (size_t i = 0; units != NULL && limit != 0 && units[i].word != NULL; i++)
        if (fmod(limit, units[i].factor) == 0)
            best = &units[i];
    return best == NULL || limit == 0 ? arena_printf(arena, "%.15g", limit)
                                      : arena_printf(arena, "%.15g%s", limit / best->factor, best->word);
}

static const char *
setting_type_words(SettingType type)
{
    static const char *const words[] = {"on or off",
                                        "a whole number",
                                        "a number",
                                        "a time such as 500ms, 10s or 5min",
                                        "a size such as 64kB or 1GB",
                                        "a text",
                                        "a text"};
    return words[type];
}

/* NULL: the text is one that the setting takes; else what it takes. */
static const char *
choice_refusal(const SettingInfo *info, const char *text)
{
    static const char *const classes[] = {"", "advise", "ask", "auto"};
    bool is_class = info == &setting_table[SETTING_APPROVAL_CREATE_INDEX] ||
                    info == &setting_table[SETTING_APPROVAL_DROP_INDEX] ||
                    info == &setting_table[SETTING_APPROVAL_REPLACE_INDEX];
    bool is_taken = !is_class;
    for (size_t i = 0; i < FETTLE_COUNT_OF(classes); i++)
        is_taken |= strcmp(text, classes[i]) == 0;
    return is_taken ? NULL : "advise, ask or auto; empty: by index.auto_create and the like";
}

static bool
value_parse(Arena *arena, const SettingInfo *info, const char *text, SettingValue *ret_value, Error *error)
{
    double number = 0;
    bool is_text = info->type == SETTING_TEXT || info->type == SETTING_SECRET;
    bool good = is_text;
    if (info->type == SETTING_BOOL)
        good = bool_parse(text, &number);
    else if (!is_text)
        good = number_parse(text, units_of(info->type), &number);
    if (good && info->type == SETTING_INT && number != floor(number))
        good = false;
    if (!good) {
        error_set(error, ERROR_INPUT, "\"%s\" is not a value for %s",
                  info->type == SETTING_SECRET ? "***" : text, info->name);
        return error_set_hint(error, "it takes %s", setting_type_words(info->type));
    }
    const char *refusal = is_text ? choice_refusal(info, text) : NULL;
    if (refusal != NULL) {
        error_set(error, ERROR_INPUT, "\"%.40s\" is not a value for %s", text, info->name);
        return error_set_hint(error, "it takes %s", refusal);
    }
    if (!is_text && info->type != SETTING_BOOL && (number < info->low || number > info->high)) {
        error_set(error, ERROR_INPUT, "%s must be between %s and %s", info->name,
                  limit_text(arena, info->type, info->low), limit_text(arena, info->type, info->high));
        if (units_of(info->type) == duration_units && text[strspn(text, "+-0123456789.eE ")] == '\0')
            return error_set_hint(error, "a number without a unit is milliseconds; it takes %s",
                                  setting_type_words(info->type));
        return error_set_hint(error, "its default is %s; run \"fettle help settings\" for more",
                              info->standard);
    }
    *ret_value = (SettingValue){.text = arena_strdup(arena, text), .number = number};
    return true;
}

Settings *
settings_new(Arena *arena)
{
    Settings *settings = ARENA_NEW(arena, Settings);
    settings->arena = arena;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        Error error = {0};
        bool good =
            value_parse(arena, &setting_table[i], setting_table[i].standard, &settings->values[i], &error);
        fettle_assert(good);
        settings->values[i].source = "default";
    }
    settings->source = "command line";
    return settings;
}

bool
settings_set(Settings *settings, const char *name, const char *value, Error *error)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(setting_table[i].name, name) != 0)
            continue;
        if (!value_parse(settings->arena, &setting_table[i], value, &settings->values[i], error))
            return false;
        settings->values[i].source = settings->source;
        return true;
    }
    error_set(error, ERROR_INPUT, "there is no setting called \"%.100s\"", name);
    return error_set_hint(error, "run \"fettle help settings\" for the list");
}

bool
settings_set_from(Settings *settings, const char *name, const char *value, const char *source, Error *error)
{
    const char *former = settings->source;
    settings->source = arena_strdup(settings->arena, source);
    bool set = settings_set(settings, name, value, error);
    settings->source = former;
    return set;
}

static char *
trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

/* Takes the quotes off in place; false when they are not closed, or something follows them. */
static bool
unquote(char *value)
{
    if (value[0] != '"')
        return true;
    char *out = value;
    char *at = value + 1;
    for (; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        *out++ = *at;
    }
    bool closed = *at == '"' && at[1] == '\0';
    *out = '\0';
    return closed;
}

/* Help and messages name a setting "section.name": in a file the section stands on a line of its own. */
static bool
refuse_outside(const char *name, Error *error)
{
    const char *dot = strchr(name, '.');
    error_set(error, ERROR_INPUT, "\"%.100s\" stands before the first [section]", name);
    if (dot == NULL || dot == name)
        return error_set_hint(error, "write the section in brackets on a line before it");
    return error_set_hint(error, "write [%.*s] on a line, and below it: %.100s = ...", (int)(dot - name),
                          name, dot + 1);
}

/* One "name = value" line of a section. *fault is where a failure lies. */
static bool
settings_parse_pair(Settings *settings, bool *seen, const char *section, char *line, const char **fault,
                    Error *error)
{
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        /* not the whole line: it may be a secret whose = is missing */
        return error_set(error, ERROR_INPUT, "the line \"%.*s\" is neither a [section] nor a name = value",
                         (int)strcspn(line, " \t:/@"), line);
    }
    *equals = '\0';
    char *value = trim(equals + 1);
    *fault = value;
    if (!unquote(value))
        return error_set(error, ERROR_INPUT, "the quoted value does not end at the end of the line");
    if (section[0] == '\0') {
        *fault = line;
        return refuse_outside(trim(line), error);
    }
    char *name = arena_printf(settings->arena, "%s.%s", section, trim(line));
    size_t id = 0;
    while (id < SETTING_COUNT && strcmp(setting_table[id].name, name) != 0)
        id++;
    if (id == SETTING_COUNT || seen[id])
        *fault = line;
    if (id < SETTING_COUNT && seen[id])
        return error_set(error, ERROR_INPUT, "%s is set twice", name);
    if (id < SETTING_COUNT)
        seen[id] = true;
    return settings_set(settings, name, value, error);
}

static bool
settings_parse_line(Settings *settings, bool *seen, char *section, char *line, const char **fault,
                    Error *error)
{
    char *text = trim(line);
    *fault = text;
    if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
        return true;
    if (text[0] != '[')
        return settings_parse_pair(settings, seen, section, text, fault, error);
    size_t length = strlen(text);
    if (text[length - 1] != ']' || length < 3 || length > 64)
        return error_set(error, ERROR_INPUT, "\"%.60s\" is not a [section]", text);
    memcpy(section, text + 1, length - 2);
    section[length - 2] = '\0';
    return true;
}

/* "fettle.conf:12" for a line that may set something. */
static const char *
line_source(Arena *arena, const char *line, const char *name, int number)
{
    return strchr(line, '=') == NULL ? name : arena_printf(arena, "%s:%d", name, number);
}

bool
settings_parse(Settings *settings, const char *text, size_t length, const char *name, Error *error)
{
    Settings trial = *settings;
    bool seen[SETTING_COUNT] = {false};
    char section[80] = "";
    size_t at = 0;
    for (int number = 1; at < length; number++) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t line_length = end == NULL ? length - at : (size_t)(end - (text + at));
        if (line_length > SETTINGS_LINE_BYTES || memchr(text + at, '\0', line_length) != NULL)
            return error_set(error, ERROR_INPUT, "%s:%d:1: the line is too long or holds a NUL byte", name,
                             number);
        char *line = arena_strndup(settings->arena, text + at, line_length);
        trial.source = line_source(settings->arena, line, name, number);
        const char *fault;
        if (!settings_parse_line(&trial, seen, section, line, &fault, error))
            return error_prefix(error, "%s:%d:%d", name, number, (int)(fault - line) + 1);
        at += line_length + 1;
    }
    trial.source = settings->source;
    *settings = trial;
    return true;
}

bool
settings_read_file(Settings *settings, const char *path, Error *error)
{
    char *text;
    size_t length;
    return file_read(settings->arena, path, SETTINGS_FILE_BYTES, &text, &length, error) &&
           settings_parse(settings, text, length, path, error);
}

/* Names that the requirement documents have for some settings. */
static const struct {
    const char *variable;
    const char *name;
} document_names[] = {
    {"INDEX_ANALYSIS_ENABLED", "index.analysis_enabled"},
    {"INDEX_AUTO_CREATE", "index.auto_create"},
    {"INDEX_AUTO_DROP", "index.auto_drop"},
    {"INDEX_USAGE_THRESHOLD", "index.usage_threshold_ratio"},
};

static bool
document_names_read(Settings *settings, Error *error)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(document_names); i++) {
        const char *value = getenv(document_names[i].variable);
        if (value != NULL &&
            !settings_set_from(settings, document_names[i].name, value, "environment", error))
            return error_prefix(error, "environment variable %s", document_names[i].variable);
    }
    return true;
}

bool
settings_read_environment(Settings *settings, Error *error)
{
    if (!document_names_read(settings, error))
        return false;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char *variable = arena_printf(settings->arena, "FETTLE_%s", setting_table[i].name);
        for (char *at = variable; *at != '\0'; at++)
            *at = *at == '.' ? '_' : (char)toupper((unsigned char)*at);
        const char *value = getenv(variable);
        if (value != NULL && !settings_set_from(settings, setting_table[i].name, value, "environment", error))
            return error_prefix(error, "environment variable %s", variable);
    }
    return true;
}

bool
settings_get_bool(const Settings *settings, SettingId id)
{
    fettle_assert(setting_info(id)->type == SETTING_BOOL);
    return settings->values[id].number != 0;
}

int64_t
settings_get_int(const Settings *settings, SettingId id)
{
    return (int64_t)settings->values[id].number;
}

double
settings_get_double(const Settings *settings, SettingId id)
{
    return settings->values[id].number;
}

const char *
settings_get_text(const Settings *settings, SettingId id)
{
    return settings->values[id].text;
}

const char *
settings_get_source(const Settings *settings, SettingId id)
{
    return settings->values[id].source;
}

const char *
settings_get_shown(const Settings *settings, SettingId id)
{
    const char *text = settings->values[id].text;
    return setting_info(id)->type == SETTING_SECRET && text[0] != '\0' ? "***" : text;
}
