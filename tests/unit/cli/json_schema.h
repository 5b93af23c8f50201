// SPDX-License-Identifier: PostgreSQL
/*
 * JSON held against a JSON Schema: of its words type, enum, required, properties, additionalProperties, items
 * and $ref to the document's own $defs; any other word that restricts fails the test, so that none is passed
 * over unseen.
 */
#ifndef FETTLE_TESTS_JSON_SCHEMA_H
#define FETTLE_TESTS_JSON_SCHEMA_H

#include <stddef.h>

/* Fails the test with the place that does not fit. */
void assert_json_fits(const char *json, const char *schema_path);

#endif
