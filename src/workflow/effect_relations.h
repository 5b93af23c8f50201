// SPDX-License-Identifier: PostgreSQL
/*
 * Which tables a statement names, from its text, and which of them are one: a view is the tables that it
 * reads, and a partition is a part of the tables above it. Both take a kept snapshot to know; without one a
 * view is a name like a table, and a partition stands alone. What a function reads is not seen. Names of WITH
 * queries are not tables. System catalogs are left out.
 */
#ifndef FETTLE_WORKFLOW_EFFECT_RELATIONS_H
#define FETTLE_WORKFLOW_EFFECT_RELATIONS_H

#include "base/list.h"
#include "snapshot/snapshot.h"

typedef struct EffectRelation {
    const char *schema; /* NULL: the statement names none */
    const char *name;
} EffectRelation;

VECTOR_DEFINE(EffectRelations, EffectRelation);

/* The views of a snapshot, each read once; lives in the arena and as long as the snapshot. */
typedef struct EffectViews EffectViews;
EffectViews *effect_views_new(Arena *arena, const Snapshot *snapshot);

/* A view's own name is among them, and the tables that it reads where views (NULL: none) know it. Partial:
 * what a view reads is missing, for its text cannot be read, or they are too many. False when the text is no
 * statement that can be read so: it does not parse, or is a utility's. */
bool effect_relations_of(Arena *arena, const char *text, EffectViews *views, EffectRelations *ret_relations,
                         bool *ret_is_partial);
/* Adds, for each that is there, the tables that it is a part of, to the top, and its parts, to the last: what
 * is done to one of them happens to all of these. Its siblings are none. */
void effect_relations_add_parts(Arena *arena, const Snapshot *snapshot, EffectRelations *relations);
/* True when both lists name a table that may be the same: of equal name, and of equal schema where both say
 * it. */
bool effect_relations_meet(const EffectRelations *left, const EffectRelations *right);

#endif
