// SPDX-License-Identifier: PostgreSQL
#include "api/handlers/handlers.h"

#define BASE "/api/v1"
#define HEALTH_MS 5000
#define READ_MS 10000
#define WRITE_MS 15000
#define LONG_MS 30000

#define QUICK HTTP_LANE_QUICK
#define LONG HTTP_LANE_LONG
#define PASSWORD HTTP_LANE_PASSWORD
#define NONE API_BODY_NONE
#define BODY API_BODY_REQUIRED

/* clang-format off */
const ApiRoute api_routes[] = {
    /* method, path, operation, role, body, lane, limit, action, handler, immediate */
    {"GET", "/health", "rootHealth", ROLE_NONE, NONE, QUICK, HEALTH_MS, NULL, handle_health_get, true},
    {"GET", "/ready", "rootReady", ROLE_NONE, NONE, QUICK, HEALTH_MS, NULL, handle_ready_get, false},
    {"GET", "/metrics", "rootMetrics", ROLE_NONE, NONE, QUICK, HEALTH_MS, NULL, handle_metrics_get, false},
    {"GET", BASE "/health", "health", ROLE_NONE, NONE, QUICK, HEALTH_MS, NULL, handle_health_get, true},
    {"GET", BASE "/ready", "ready", ROLE_NONE, NONE, QUICK, HEALTH_MS, NULL, handle_ready_get, false},
    {"GET", BASE "/metrics", "metrics", ROLE_NONE, NONE, QUICK, HEALTH_MS, NULL, handle_metrics_get, false},
    {"GET", BASE "/openapi.yaml", "openapi", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_openapi_get, false},

    {"POST", BASE "/auth/login", "login", ROLE_NONE, BODY, PASSWORD, WRITE_MS, "auth.login", handle_login, false},
    {"POST", BASE "/auth/logout", "logout", ROLE_VIEWER, NONE, QUICK, READ_MS, "auth.logout", handle_logout, false},
    {"GET", BASE "/auth/me", "me", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_me_get, false},

    {"GET", BASE "/targets", "targetList", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_targets_list, false},
    {"POST", BASE "/targets", "targetCreate", ROLE_ADMIN, BODY, QUICK, WRITE_MS, "target.create", handle_target_create, false},
    {"POST", BASE "/targets/test", "connectionTest", ROLE_ADMIN, BODY, LONG, LONG_MS, "target.test", handle_connection_test, false},
    {"GET", BASE "/targets/{target_id}", "targetGet", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_target_get, false},
    {"PATCH", BASE "/targets/{target_id}", "targetUpdate", ROLE_ADMIN, BODY, QUICK, WRITE_MS, "target.update", handle_target_update, false},
    {"DELETE", BASE "/targets/{target_id}", "targetDelete", ROLE_ADMIN, NONE, LONG, LONG_MS, "target.delete", handle_target_delete, false},
    {"POST", BASE "/targets/{target_id}/test", "targetTest", ROLE_OPERATOR, NONE, LONG, LONG_MS, "target.test", handle_target_test, false},
    {"GET", BASE "/targets/{target_id}/metrics", "targetMetrics", ROLE_VIEWER, NONE, LONG, READ_MS, NULL, handle_target_metrics, false},
    {"GET", BASE "/targets/{target_id}/activity", "targetActivity", ROLE_VIEWER, NONE, LONG, READ_MS, NULL, handle_target_activity, false},
    {"GET", BASE "/targets/{target_id}/relations", "targetRelations", ROLE_VIEWER, NONE, LONG, READ_MS, NULL, handle_target_relations, false},
    {"GET", BASE "/targets/{target_id}/setting-changes", "targetSettingChanges", ROLE_VIEWER, NONE, LONG, READ_MS, NULL, handle_target_setting_changes, false},
    {"GET", BASE "/targets/{target_id}/queries", "targetQueries", ROLE_VIEWER, NONE, LONG, READ_MS, NULL, handle_target_queries, false},

    {"GET", BASE "/queries/{hash}", "queryGet", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_query_get, false},
    {"GET", BASE "/queries/{hash}/history", "queryHistory", ROLE_VIEWER, NONE, LONG, READ_MS, NULL, handle_query_history, false},
    {"GET", BASE "/queries/{hash}/plans", "queryPlans", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_query_plans, false},

    {"GET", BASE "/settings", "settingList", ROLE_ADMIN, NONE, QUICK, READ_MS, NULL, handle_settings_list, false},
    {"PUT", BASE "/settings/{name}", "settingSet", ROLE_ADMIN, BODY, QUICK, WRITE_MS, "setting.set", handle_setting_set, false},
    {"DELETE", BASE "/settings/{name}", "settingReset", ROLE_ADMIN, NONE, QUICK, WRITE_MS, "setting.reset", handle_setting_reset, false},

    {"GET", BASE "/jobs", "jobList", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_jobs_list, false},
    {"GET", BASE "/jobs/{job_id}", "jobGet", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_job_get, false},

    {"GET", BASE "/users", "userList", ROLE_ADMIN, NONE, QUICK, READ_MS, NULL, handle_users_list, false},
    {"POST", BASE "/users", "userCreate", ROLE_ADMIN, BODY, PASSWORD, WRITE_MS, "user.create", handle_user_create, false},
    {"GET", BASE "/users/{user_id}", "userGet", ROLE_ADMIN, NONE, QUICK, READ_MS, NULL, handle_user_get, false},
    {"PATCH", BASE "/users/{user_id}", "userUpdate", ROLE_ADMIN, BODY, PASSWORD, WRITE_MS, "user.update", handle_user_update, false},
    {"DELETE", BASE "/users/{user_id}", "userDelete", ROLE_ADMIN, NONE, QUICK, WRITE_MS, "user.delete", handle_user_delete, false},

    {"GET", BASE "/tokens", "tokenList", ROLE_VIEWER, NONE, QUICK, READ_MS, NULL, handle_tokens_list, false},
    {"POST", BASE "/tokens", "tokenCreate", ROLE_VIEWER, BODY, QUICK, WRITE_MS, "token.create", handle_token_create, false},
    {"DELETE", BASE "/tokens/{token_id}", "tokenRevoke", ROLE_VIEWER, NONE, QUICK, WRITE_MS, "token.revoke", handle_token_revoke, false},

    {"GET", BASE "/audit", "auditList", ROLE_ADMIN, NONE, QUICK, READ_MS, NULL, handle_audit_list, false},
    {NULL, NULL, NULL, ROLE_NONE, NONE, QUICK, 0, NULL, NULL, false},
};
/* clang-format on */
