// SPDX-License-Identifier: PostgreSQL
/*
 * Uri: a request's target, decoded once: the path's segments and the query's parameters.
 *
 * The text is hostile. Escapes that are none, NUL bytes and what is no UTF-8 are not repaired: a segment is
 * NULL then and a query is not valid, and whoever asks for them answers 400. Text in the arena.
 */
#ifndef FETTLE_API_URI_H
#define FETTLE_API_URI_H

#include "base/text.h"

#define URI_SEGMENTS_MOST 12
#define URI_PARAMETERS_MOST 64

typedef struct UriParameter {
    const char *name;
    const char *value; /* "" when there is no "=" */
} UriParameter;

typedef struct Uri {
    const char *segments[URI_SEGMENTS_MOST]; /* between slashes; NULL: cannot be decoded */
    size_t segment_count;
    bool is_path; /* false: it does not begin with a slash, or has too many segments */
    UriParameter parameters[URI_PARAMETERS_MOST];
    size_t parameter_count;
    bool is_query_valid;
} Uri;

void uri_parse(Arena *arena, const char *text, size_t length, Uri *ret_uri);

/* The parameter's value, NULL when it is not there; *ret_is_repeated when it is there more than once. */
const char *uri_parameter(const Uri *uri, const char *name, bool *ret_is_repeated);

#endif
