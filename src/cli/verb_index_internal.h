// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of "fettle index" share.
 *
 *   verb_index.c         the verb, and what only reads: advise, list, unused, history
 *   verb_index_change.c  create, drop, undo, cancel
 *   verb_index_trial.c   trial
 *   verb_index_twin.c    what the twin says at a dry run
 *   verb_apply.c         "fettle apply" and "fettle undo", which carry changes out the same way
 *
 * A target is one that the store knows, by name or number. Where a connection string or a snapshot file will
 * do (advise, list, unused, trial), it does; then there is no history to judge by.
 */
#ifndef FETTLE_CLI_VERB_INDEX_INTERNAL_H
#define FETTLE_CLI_VERB_INDEX_INTERNAL_H

#include "cli/session.h"
#include "cli/store_session.h"
#include "workflow/index_plan.h"
#include "workflow/index_review.h"

/* True when the text names no stored target: a connection string, or a file that exists. */
bool index_target_is_foreign(const char *text);
/* The argument as something that session_read() takes: a stored target becomes its connection string. */
bool index_target_resolve(CliInput *input, const char *text, const char **ret_target, Error *error)
    FETTLE_MUST_USE;

/* Work in the foreground: an interrupt cancels it and cleans up. */
IndexManager index_foreground_manager(const CliInput *input, const CliStore *store);
/* Approval: --yes, or a person who says so at the terminal. */
bool index_plan_is_approved(CliInput *input, const IndexPlan *plan, const char *target_name, Error *error)
    FETTLE_MUST_USE;
/* Runs a recorded change to its end; false also when it ended without success. */
bool index_change_carry_out(CliStore *store, const IndexManager *manager, const IndexPlan *plan, Error *error)
    FETTLE_MUST_USE;

/* Warns of what the twin has against the index that is to be made, where there is a twin. */
void index_twin_ask(CliInput *input, const IndexPlan *plan);

bool index_create_action(CliInput *input, Error *error);
bool index_drop_action(CliInput *input, Error *error);
bool index_undo_action(CliInput *input, Error *error);
bool index_cancel_action(CliInput *input, Error *error);
bool index_trial_run(CliInput *input, int *ret_exit_status, Error *error);

/* "a, b" */
const char *index_columns_text(Arena *arena, const SnapshotRelation *relation, const SnapshotIndex *index);

#endif
