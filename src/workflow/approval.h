// SPDX-License-Identifier: PostgreSQL
/*
 * Approval: how much of a kind of action is left to Fettle.
 *
 *   advise   it is recommended, and never carried out: an apply is refused
 *   ask      it is carried out when an operator approves it; what stands where nothing else is said
 *   auto     the service carries it out by itself, too (index_auto.h)
 *
 * A kind's class is the target's own (store/change_policy.h), else the setting approval.create_index,
 * approval.drop_index or approval.replace_index, else what the older settings say: with index.auto_create on,
 * creating is auto; with index.auto_drop on and index.auto_class medium, dropping is; with both, replacing.
 * Whoever wants to know asks here: nothing else reads those settings.
 *
 * What a person orders without a recommendation (fettle index create, POST /indexes/create) is a change of
 * the target like any other, and has the class of its action. An undo needs none.
 */
#ifndef FETTLE_WORKFLOW_APPROVAL_H
#define FETTLE_WORKFLOW_APPROVAL_H

#include "store/change_policy.h"
#include "store/index_change.h"
#include "workflow/index_session.h"

typedef enum ApprovalClass {
    APPROVAL_ADVISE,
    APPROVAL_ASK,
    APPROVAL_AUTO,
} ApprovalClass;

typedef struct Approval {
    ApprovalClass classes[CHANGE_ACTIONS];
    bool is_own[CHANGE_ACTIONS]; /* the target's; else the server's */
} Approval;

const char *approval_class_word(ApprovalClass class);
/* False for what is no class; *ret_class stays as it is. */
bool approval_class_parse(const char *text, ApprovalClass *ret_class);

/* The kind of an index change's action: create, drop, modify. */
ChangeAction approval_action(const char *index_action);

/* The server's classes. ERROR_INPUT: a setting that is no class. */
bool approval_standard(const Settings *settings, Approval *ret_approval, Error *error) FETTLE_MUST_USE;
/* Those of a target: the server's, but for its own. A class of the store that is none counts as advise. */
Approval approval_of_policy(const Approval *standard, const ChangePolicy *policy);

/* Refuses (ERROR_CONFLICT) a change whose class is advise, whoever orders it; never an undo. */
bool approval_check(const Settings *settings, PgConnection *session, Arena *arena, const IndexChange *change,
                    Error *error) FETTLE_MUST_USE;

#endif
