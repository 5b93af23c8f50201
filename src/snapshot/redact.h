// SPDX-License-Identifier: PostgreSQL
/*
 * Redaction: a snapshot without user values.
 *
 * Most common values, histograms, index ends and samples are left out, and statement texts are normalised:
 * literals become $n, in utility statements '?' and 0, and in texts that do not parse "quoted" words go too.
 * Frequencies, correlation, distinct counts, widths and null shares stay. So do names, roles and settings,
 * but not the values of settings of the application's own ("app.key"), nor messages of the server that may
 * quote values.
 *
 * Only what is known to be harmless stays: sections of a later format, and unknown columns of sections that
 * hold values, are left out.
 *
 * Constants in index predicates, defaults, checks, policies, functions and view definitions are schema and
 * stay; *ret_definitions_with_literals says how many definitions hold some.
 */
#ifndef FETTLE_SNAPSHOT_REDACT_H
#define FETTLE_SNAPSHOT_REDACT_H

#include "snapshot/section.h"

SnapshotSections *snapshot_redact(Arena *arena, const SnapshotSections *sections,
                                  size_t *ret_definitions_with_literals);

#endif
