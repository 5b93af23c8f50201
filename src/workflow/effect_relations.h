// SPDX-License-Identifier: PostgreSQL
/*
 * Which tables a statement names, from its text alone: no catalog is asked, so a view is a name like a table,
 * and what a function reads is not seen. Names of WITH queries are not tables. System catalogs are left out.
 */
#ifndef FETTLE_WORKFLOW_EFFECT_RELATIONS_H
#define FETTLE_WORKFLOW_EFFECT_RELATIONS_H

#include "base/list.h"

typedef struct EffectRelation {
    const char *schema; /* NULL: the statement names none */
    const char *name;
} EffectRelation;

VECTOR_DEFINE(EffectRelations, EffectRelation);

/* False when the text is no statement that can be read so (it does not parse, or is a utility's). */
bool effect_relations_of(Arena *arena, const char *text, EffectRelations *ret_relations);
/* True when both lists name a table that may be the same: of equal name, and of equal schema where both say
 * it. */
bool effect_relations_meet(const EffectRelations *left, const EffectRelations *right);

#endif
