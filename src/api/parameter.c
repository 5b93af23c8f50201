// SPDX-License-Identifier: PostgreSQL
#include "api/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool
api_parameter_text(ApiRequest *request, const char *name, const char **ret_value)
{
    bool is_repeated;
    const char *value = uri_parameter(&request->uri, name, &is_repeated);
    if (is_repeated)
        return api_refuse(request, 400, "invalid_parameter", "%s is given more than once", name);
    *ret_value = value;
    return true;
}

bool
api_parameter_word(ApiRequest *request, const char *name, const char *const *words, int fallback,
                   int *ret_index)
{
    const char *value;
    if (!api_parameter_text(request, name, &value))
        return false;
    *ret_index = fallback;
    if (value == NULL)
        return true;
    Text known = text_new(request->arena);
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], value) == 0) {
            *ret_index = i;
            return true;
        }
        text_append_format(&known, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    return api_refuse(request, 400, "invalid_parameter", "%s must be one of %s", name, known.data);
}

bool
api_parameter_int(ApiRequest *request, const char *name, int64_t low, int64_t high, int64_t *value)
{
    const char *text;
    int64_t number;
    if (!api_parameter_text(request, name, &text))
        return false;
    if (text == NULL)
        return true;
    if (!text_parse_int64(text, &number) || number < low || number > high)
        return api_refuse(request, 400, "invalid_parameter",
                          "%s must be a whole number from %" PRId64 " to %" PRId64, name, low, high);
    *value = number;
    return true;
}

/* count digits at text as a number, -1 for anything else. */
static int
digits_read(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* "Z", "+01:00", or "-05:30" to the end of the text: seconds east of UTC. */
static bool
offset_parse(const char *text, int *ret_seconds)
{
    *ret_seconds = 0;
    if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0')
        return true;
    if ((text[0] != '+' && text[0] != '-') || strlen(text) != strlen("+00:00") || text[3] != ':')
        return false;
    int hours = digits_read(text + 1, 2);
    int minutes = digits_read(text + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_seconds = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return true;
}

bool
api_time_parse(const char *text, int64_t *ret_wall_us)
{
    static const char shape[] = "0000-00-00T00:00:00";
    if (strlen(text) < strlen(shape) || text[4] != '-' || text[7] != '-' ||
        (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':' || text[16] != ':')
        return false;
    struct tm parts = {.tm_year = digits_read(text, 4) - 1900,
                       .tm_mon = digits_read(text + 5, 2) - 1,
                       .tm_mday = digits_read(text + 8, 2),
                       .tm_hour = digits_read(text + 11, 2),
                       .tm_min = digits_read(text + 14, 2),
                       .tm_sec = digits_read(text + 17, 2)};
    if (parts.tm_year < 70 || parts.tm_mon < 0 || parts.tm_mon > 11 || parts.tm_mday < 1 ||
        parts.tm_mday > 31 || parts.tm_hour < 0 || parts.tm_hour > 23 || parts.tm_min < 0 ||
        parts.tm_min > 59 || parts.tm_sec < 0 || parts.tm_sec > 60)
        return false;
    int day = parts.tm_mday;
    const char *rest = text + strlen(shape);
    int64_t fraction_us = 0;
    if (*rest == '.') {
        int64_t unit_us = 100000;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit_us /= 10)
            fraction_us += (*rest - '0') * unit_us;
        if (rest[-1] == '.')
            return false;
    }
    int offset;
    if (!offset_parse(rest, &offset))
        return false;
    int64_t seconds = timegm(&parts);
    /* timegm() turns 30 February into a day of March. */
    if (parts.tm_mday != day && parts.tm_sec != 60)
        return false;
    *ret_wall_us = (seconds - offset) * 1000000 + fraction_us;
    return true;
}

bool
api_parameter_time(ApiRequest *request, const char *name, int64_t *value_us)
{
    const char *text;
    int64_t time_us;
    if (!api_parameter_text(request, name, &text))
        return false;
    if (text == NULL)
        return true;
    if (!api_time_parse(text, &time_us))
        return api_refuse(request, 400, "invalid_parameter",
                          "%s must be a time as 2026-02-20T14:30:00Z (RFC 3339)", name);
    *value_us = time_us;
    return true;
}

bool
api_parameter_range(ApiRequest *request, int64_t window_ms, int64_t *ret_from_us, int64_t *ret_to_us)
{
    int64_t to_us = clock_wall_us();
    if (!api_parameter_time(request, "to", &to_us))
        return false;
    int64_t from_us = to_us - window_ms * 1000;
    if (!api_parameter_time(request, "from", &from_us))
        return false;
    if (from_us >= to_us)
        return api_refuse(request, 400, "invalid_parameter", "from must be before to");
    *ret_from_us = from_us;
    *ret_to_us = to_us;
    return true;
}
