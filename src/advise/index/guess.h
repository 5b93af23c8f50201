// SPDX-License-Identifier: PostgreSQL
/*
 * Guess: what a program (program.h) would choose, or nearly, without a solver.
 *
 * The proof of the search asks the planner about what the program from below would choose. For all but the
 * last of these questions any choice serves that is not refuted yet; the least one, and that it is the least,
 * is worth a 0/1 program only where no such choice is found otherwise. A guess takes a few milliseconds, a
 * program a hundred and more.
 *
 * From a set that is given, or as much of it as fits: what is not chosen is put in, with what it needs beside
 * it, and what is missed least for its bytes goes out until the budgets hold; or something goes out and what
 * gains most for its bytes comes in. Each as long as it pays. The same for the same program and start; the
 * program's deadline ends it early. It bounds nothing.
 */
#ifndef FETTLE_ADVISE_INDEX_GUESS_H
#define FETTLE_ADVISE_INDEX_GUESS_H

#include "advise/index/program.h"

/* As program_choose() and program_bound() would. The answer's bound is -INFINITY; its cost is INFINITY where
 * the program is too large to guess, and chosen then is start. */
void program_guess_choice(Arena *arena, const Program *program, Bits start, ProgramAnswer *ret_answer);
void program_guess_bound(Arena *arena, const Program *program, Bits start, ProgramAnswer *ret_answer);

#endif
