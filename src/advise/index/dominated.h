// SPDX-License-Identifier: PostgreSQL
/*
 * Dominated indexes: those that the program from below (program.h) need not choose from.
 *
 * An index that ends no step that another does not end too, and is neither smaller nor cheaper, may be
 * exchanged for the other in any choice: it fits and costs no more. Permutations of wide keys are mostly so
 * until the planner was asked about them. Without them the program has the same value and far fewer choices
 * that are the same; a branch that leaves an index out does not find a dozen of its like in its place.
 */
#ifndef FETTLE_ADVISE_INDEX_DOMINATED_H
#define FETTLE_ADVISE_INDEX_DOMINATED_H

#include "advise/index/program.h"

/* The program with dominated indexes, and those that end nothing, forbidden. ret_instead (by index) is what
 * may stand for each: itself, its like, SIZE_MAX when it ends nothing. Where the work would be too much the
 * program is as it was. */
Program program_undominated(Arena *arena, const Program *program, size_t **ret_instead);

#endif
