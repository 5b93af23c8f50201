// SPDX-License-Identifier: PostgreSQL
/*
 * What verbs on the store begin with: the store, one session, and the line of the audit log that every act
 * leaves, whether it succeeded or not.
 */
#ifndef FETTLE_CLI_STORE_SESSION_H
#define FETTLE_CLI_STORE_SESSION_H

#include "base/list.h"
#include "cli/cli.h"
#include "store/store.h"
#include "store/target.h"
#include "store/user.h"

typedef struct CliStore {
    Arena *arena;
    Store *store;
    StoreSession session;
    PgConnection *connection; /* of the session */
    const char *actor;        /* "cli:OSUSER" */
} CliStore;

/* The input's settings are those of the service from then on: with what was changed in the store.
 * without_check: without that, for "fettle store", which also meets stores of other versions. */
bool cli_store_open(CliInput *input, bool without_check, CliStore *ret_store, Error *error) FETTLE_MUST_USE;
void cli_store_close_at(CliStore *store);

typedef struct CliAct {
    const char *action; /* "target.create" */
    const char *object; /* "target:shop" */
    int64_t target_id;
    const char *details; /* JSON object text, or NULL; no secrets */
} CliAct;

/* What a verb acts on, when it has an id and a name: a target, a webhook. */
typedef struct CliSubject {
    const char *kind; /* "target": the first word of the action and of the object, and "target_id" in JSON */
    int64_t id;       /* 0: it could not be made */
    const char *name;
} CliSubject;

/* An act on the subject ("create"), whose details are its name. */
CliAct cli_subject_act(CliInput *input, const CliSubject *subject, const char *action);
/* Says what became of the subject: "target shop (3) removed", or its id and name with --json. */
bool cli_subject_say(CliInput *input, const CliSubject *subject, const char *words, Error *error)
    FETTLE_MUST_USE;

/* The words between commas, without the space around them; empty ones are left out. */
TextList cli_words_split(Arena *arena, const char *text);

/* Writes the audit line of an act that was done, or failed with the error, and returns done; false with an
 * error of its own when the act was done but the line could not be written. */
bool cli_store_audit(CliStore *store, const CliAct *act, bool done, Error *error) FETTLE_MUST_USE;

/* A target or user by name, or by number when nobody has that name. */
bool cli_target_find(const CliStore *store, const char *name, Target *ret_target, Error *error)
    FETTLE_MUST_USE;
bool cli_user_find(const CliStore *store, const char *name, User *ret_user, Error *error) FETTLE_MUST_USE;

/* The action word among those of the table, ended by a NULL name; the words after it are counted. */
typedef struct CliAction {
    const char *name;
    int arguments_least; /* after the word */
    int arguments_most;
    bool (*run)(CliInput *input, Error *error);
} CliAction;

bool cli_action_run(CliInput *input, const CliAction *actions, Error *error) FETTLE_MUST_USE;

#endif
