// SPDX-License-Identifier: PostgreSQL
/*
 * What is known of PostgreSQL's own functions without asking a server, and of the types of small expressions:
 * enough to tell whether an expression may be indexed. Internal to src/sql.
 */
#ifndef FETTLE_SQL_FUNCTION_FACTS_H
#define FETTLE_SQL_FUNCTION_FACTS_H

#include "base/attributes.h"

/* Types that differ in what is immutable over them. */
typedef enum ValueType {
    VALUE_UNKNOWN,
    VALUE_LITERAL, /* a string or NULL that has no type yet */
    VALUE_TEXT,
    VALUE_NUMBER,
    VALUE_BOOLEAN,
    VALUE_DATE,
    VALUE_TIMESTAMP,
    VALUE_TIMESTAMPTZ,
    VALUE_TIME,
    VALUE_INTERVAL,
    VALUE_JSON,
    VALUE_JSONB,
    VALUE_UUID,
    VALUE_INET,
    VALUE_ARRAY,
    VALUE_TSVECTOR,
    VALUE_TSQUERY,
    VALUE_REGCONFIG,
} ValueType;

/* By format_type()'s name or the parser's ("integer", "int4", "timestamp with time zone", "timestamptz"). */
ValueType value_type_named(const char *name);

/* A type and whether what made it is immutable. */
typedef struct ValueFact {
    ValueType type;
    bool is_immutable;
} ValueFact;

bool cast_is_immutable(ValueType from, ValueType to);
/* An operator; left is VALUE_UNKNOWN and has_left false for a prefix operator. */
ValueFact operator_fact(const char *name, bool has_left, ValueType left, ValueType right);
/* A built-in function. is_immutable is false also when the function is not known here. */
ValueFact builtin_fact(const char *name, const ValueType *arguments, size_t count);

bool builtin_is_volatile(const char *name);
bool function_is_aggregate(const char *name);
bool function_returns_set(const char *name);

/* A name as SQL: quoted when it is not plain lower case, or a key word. */
bool name_needs_quotes(const char *name);

#endif
