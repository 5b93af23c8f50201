// SPDX-License-Identifier: PostgreSQL
#include "workflow/approval.h"

#include "base/clock.h"

#include <string.h>

static const char *const class_words[] = {
    [APPROVAL_ADVISE] = "advise", [APPROVAL_ASK] = "ask", [APPROVAL_AUTO] = "auto"};

const char *
approval_class_word(ApprovalClass class)
{
    fettle_assert(class <= APPROVAL_AUTO);
    return class_words[class];
}

bool
approval_class_parse(const char *text, ApprovalClass *ret_class)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(class_words); i++)
        if (strcmp(text, class_words[i]) == 0) {
            *ret_class = (ApprovalClass)i;
            return true;
        }
    return false;
}

ChangeAction
approval_action(const char *index_action)
{
    return strcmp(index_action, "drop") == 0     ? CHANGE_DROP_INDEX
           : strcmp(index_action, "modify") == 0 ? CHANGE_REPLACE_INDEX
                                                 : CHANGE_CREATE_INDEX;
}

/* What the older settings make automatic. */
static bool
derived_read(const Settings *settings, bool ret_is_auto[CHANGE_ACTIONS], Error *error)
{
    const char *class = settings_get_text(settings, SETTING_INDEX_AUTO_CLASS);
    bool is_medium = strcmp(class, "medium") == 0;
    if (!is_medium && strcmp(class, "low") != 0) {
        error_set(error, ERROR_INPUT, "index.auto_class: \"%.40s\" is no class", class);
        return error_set_hint(error, "it is low (create) or medium (drop and replace, too)");
    }
    ret_is_auto[CHANGE_CREATE_INDEX] = settings_get_bool(settings, SETTING_INDEX_AUTO_CREATE);
    ret_is_auto[CHANGE_DROP_INDEX] = settings_get_bool(settings, SETTING_INDEX_AUTO_DROP) && is_medium;
    ret_is_auto[CHANGE_REPLACE_INDEX] = ret_is_auto[CHANGE_CREATE_INDEX] && ret_is_auto[CHANGE_DROP_INDEX];
    return true;
}

/* What the server states; what it does not is left. */
static void
stated_read(const Settings *settings, Approval *approval)
{
    static const SettingId stated[CHANGE_ACTIONS] = {
        [CHANGE_CREATE_INDEX] = SETTING_APPROVAL_CREATE_INDEX,
        [CHANGE_DROP_INDEX] = SETTING_APPROVAL_DROP_INDEX,
        [CHANGE_REPLACE_INDEX] = SETTING_APPROVAL_REPLACE_INDEX,
    };
    for (int action = 0; action < CHANGE_ACTIONS; action++) {
        const char *text = settings_get_text(settings, stated[action]);
        bool is_known = text[0] == '\0' || approval_class_parse(text, &approval->classes[action]);
        fettle_assert(is_known); /* the setting takes nothing else */
    }
}

bool
approval_standard(const Settings *settings, Approval *ret_approval, Error *error)
{
    Approval approval = {0};
    bool is_auto[CHANGE_ACTIONS];
    if (!derived_read(settings, is_auto, error))
        return false;
    for (int action = 0; action < CHANGE_ACTIONS; action++)
        approval.classes[action] = is_auto[action] ? APPROVAL_AUTO : APPROVAL_ASK;
    stated_read(settings, &approval);
    *ret_approval = approval;
    return true;
}

Approval
approval_of_policy(const Approval *standard, const ChangePolicy *policy)
{
    Approval approval = *standard;
    for (int action = 0; action < CHANGE_ACTIONS; action++) {
        approval.is_own[action] = policy->classes[action] != NULL;
        if (approval.is_own[action] &&
            !approval_class_parse(policy->classes[action], &approval.classes[action]))
            approval.classes[action] = APPROVAL_ADVISE;
    }
    return approval;
}

bool
approval_check(const Settings *settings, PgConnection *session, Arena *arena, const IndexChange *change,
               Error *error)
{
    /* what the older settings would make automatic is allowed to people in any case, whatever they say */
    Approval approval = {.classes = {APPROVAL_ASK, APPROVAL_ASK, APPROVAL_ASK}};
    ChangePolicy policy;
    if (change->is_undo)
        return true;
    if (!change_policy_read(session, arena, change->target_id, clock_wall_us(), &policy, error))
        return false;
    stated_read(settings, &approval);
    ChangeAction action = approval_action(change->action);
    approval = approval_of_policy(&approval, &policy);
    if (approval.classes[action] != APPROVAL_ADVISE)
        return true;
    const char *word = change_action_word(action);
    error_set(error, ERROR_CONFLICT, "%s is only advised %s: Fettle does not carry it out", word,
              approval.is_own[action] ? "on this target" : "here");
    return approval.is_own[action]
               ? error_set_hint(error, "its class is the target's own; see \"fettle policy\"")
               : error_set_hint(error, "its class is the setting approval.%s", word);
}
