// SPDX-License-Identifier: PostgreSQL
/*
 * Redaction: a snapshot without user values.
 *
 * SNAPSHOT_REDACT_VALUES leaves out most common values, histograms, ends and samples, and normalises
 * statement texts (literals become $n); frequencies, correlation, distinct counts, widths and null shares
 * stay. Constants in index predicates, defaults, checks and view definitions are schema and stay; the
 * function says how many such definitions hold literals.
 */
#ifndef FETTLE_SNAPSHOT_REDACT_H
#define FETTLE_SNAPSHOT_REDACT_H

#include "snapshot/section.h"

SnapshotSections *snapshot_redact(Arena *arena, const SnapshotSections *sections,
                                  size_t *ret_definitions_with_literals);

#endif
