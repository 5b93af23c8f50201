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
#define OPTIONAL API_BODY_OPTIONAL

/* Open, with its place at the root and under the base. */
#define OPEN(path, operation, is_immediate, handler)                                                         \
    {                                                                                                        \
        "GET", path, operation, ROLE_NONE, NONE, QUICK, HEALTH_MS, NULL, handle_##handler, is_immediate      \
    }
#define READ(path, operation, role, lane, handler)                                                           \
    {                                                                                                        \
        "GET", BASE path, operation, role, NONE, lane, READ_MS, NULL, handle_##handler, false                \
    }
/* What changes something, or takes long: with its line in the audit log. */
#define ACT(method, path, operation, role, body, lane, action, handler)                                      \
    {                                                                                                        \
        method, BASE path, operation, role, body, lane, (lane) == LONG ? LONG_MS : WRITE_MS, action,         \
            handle_##handler, false                                                                          \
    }
/* What may take a while, but not as long as an analysis. */
#define SLOW_ACT(path, operation, body, action, handler)                                                     \
    {                                                                                                        \
        "POST", BASE path, operation, ROLE_OPERATOR, body, LONG, WRITE_MS, action, handle_##handler, false   \
    }

const ApiRoute api_routes[] = {
    OPEN("/health", "rootHealth", true, health_get),
    OPEN("/ready", "rootReady", false, ready_get),
    OPEN("/metrics", "rootMetrics", false, metrics_get),
    OPEN(BASE "/health", "health", true, health_get),
    OPEN(BASE "/ready", "ready", false, ready_get),
    OPEN(BASE "/metrics", "metrics", false, metrics_get),
    READ("/openapi.yaml", "openapi", ROLE_VIEWER, QUICK, openapi_get),
    ACT("POST", "/auth/login", "login", ROLE_NONE, BODY, PASSWORD, "auth.login", login),
    ACT("POST", "/auth/logout", "logout", ROLE_VIEWER, NONE, QUICK, "auth.logout", logout),
    READ("/auth/me", "me", ROLE_VIEWER, QUICK, me_get),
    READ("/targets", "targetList", ROLE_VIEWER, QUICK, targets_list),
    ACT("POST", "/targets", "targetCreate", ROLE_ADMIN, BODY, QUICK, "target.create", target_create),
    ACT("POST", "/targets/test", "connectionTest", ROLE_ADMIN, BODY, LONG, "target.test", connection_test),
    READ("/targets/{target_id}", "targetGet", ROLE_VIEWER, QUICK, target_get),
    ACT("PATCH", "/targets/{target_id}", "targetUpdate", ROLE_ADMIN, BODY, QUICK, "target.update",
        target_update),
    ACT("DELETE", "/targets/{target_id}", "targetDelete", ROLE_ADMIN, NONE, LONG, "target.delete",
        target_delete),
    ACT("POST", "/targets/{target_id}/test", "targetTest", ROLE_OPERATOR, NONE, LONG, "target.test",
        target_test),
    READ("/targets/{target_id}/change-policy", "changePolicyGet", ROLE_VIEWER, QUICK, change_policy_get),
    ACT("PUT", "/targets/{target_id}/change-policy", "changePolicySet", ROLE_ADMIN, BODY, QUICK,
        "target.change_policy", change_policy_set),
    READ("/targets/{target_id}/metrics", "targetMetrics", ROLE_VIEWER, LONG, target_metrics),
    READ("/targets/{target_id}/activity", "targetActivity", ROLE_VIEWER, LONG, target_activity),
    READ("/targets/{target_id}/relations", "targetRelations", ROLE_VIEWER, LONG, target_relations),
    READ("/targets/{target_id}/setting-changes", "targetSettingChanges", ROLE_VIEWER, LONG,
         target_setting_changes),
    READ("/targets/{target_id}/queries", "targetQueries", ROLE_VIEWER, LONG, target_queries),
    READ("/queries/{hash}", "queryGet", ROLE_VIEWER, QUICK, query_get),
    READ("/queries/{hash}/history", "queryHistory", ROLE_VIEWER, LONG, query_history),
    READ("/queries/{hash}/plans", "queryPlans", ROLE_VIEWER, QUICK, query_plans),
    READ("/settings", "settingList", ROLE_ADMIN, QUICK, settings_list),
    ACT("PUT", "/settings/{name}", "settingSet", ROLE_ADMIN, BODY, QUICK, "setting.set", setting_set),
    ACT("DELETE", "/settings/{name}", "settingReset", ROLE_ADMIN, NONE, QUICK, "setting.reset",
        setting_reset),
    READ("/pauses", "pauseList", ROLE_VIEWER, QUICK, pauses_list),
    ACT("POST", "/pauses", "pauseBegin", ROLE_OPERATOR, BODY, QUICK, "changes.pause", pause_begin),
    ACT("POST", "/pauses/end", "pauseEnd", ROLE_OPERATOR, OPTIONAL, QUICK, "changes.resume", pause_end),
    READ("/jobs", "jobList", ROLE_VIEWER, QUICK, jobs_list),
    READ("/jobs/{job_id}", "jobGet", ROLE_VIEWER, QUICK, job_get),
    READ("/users", "userList", ROLE_ADMIN, QUICK, users_list),
    ACT("POST", "/users", "userCreate", ROLE_ADMIN, BODY, PASSWORD, "user.create", user_create),
    READ("/users/{user_id}", "userGet", ROLE_ADMIN, QUICK, user_get),
    ACT("PATCH", "/users/{user_id}", "userUpdate", ROLE_ADMIN, BODY, PASSWORD, "user.update", user_update),
    ACT("DELETE", "/users/{user_id}", "userDelete", ROLE_ADMIN, NONE, QUICK, "user.delete", user_delete),
    READ("/tokens", "tokenList", ROLE_VIEWER, QUICK, tokens_list),
    ACT("POST", "/tokens", "tokenCreate", ROLE_VIEWER, BODY, QUICK, "token.create", token_create),
    ACT("DELETE", "/tokens/{token_id}", "tokenRevoke", ROLE_VIEWER, NONE, QUICK, "token.revoke",
        token_revoke),
    READ("/audit", "auditList", ROLE_ADMIN, QUICK, audit_list),
    READ("/webhooks", "webhookList", ROLE_ADMIN, QUICK, webhooks_list),
    ACT("POST", "/webhooks", "webhookCreate", ROLE_ADMIN, BODY, QUICK, "webhook.create", webhook_create),
    READ("/webhooks/{webhook_id}", "webhookGet", ROLE_ADMIN, QUICK, webhook_get),
    ACT("PATCH", "/webhooks/{webhook_id}", "webhookUpdate", ROLE_ADMIN, BODY, QUICK, "webhook.update",
        webhook_update),
    ACT("DELETE", "/webhooks/{webhook_id}", "webhookDelete", ROLE_ADMIN, NONE, QUICK, "webhook.delete",
        webhook_delete),
    ACT("POST", "/webhooks/{webhook_id}/test", "webhookTest", ROLE_ADMIN, NONE, LONG, "webhook.test",
        webhook_test),
    READ("/notices", "noticeList", ROLE_VIEWER, QUICK, notices_list),
    ACT("POST", "/workload-patterns/analyze", "workloadPatternAnalyze", ROLE_OPERATOR, BODY, LONG,
        "workload.analyze", workload_patterns_analyze),
    READ("/workload-patterns", "workloadPatternList", ROLE_VIEWER, QUICK, workload_patterns_list),
    READ("/workload/{target_id}/trends", "workloadTrends", ROLE_VIEWER, LONG, workload_trends),
    READ("/workload/{target_id}/analysis", "workloadAnalysis", ROLE_VIEWER, LONG, workload_analysis),
    READ("/workload/{target_id}/patterns", "workloadPatterns", ROLE_VIEWER, LONG, workload_target_patterns),
    READ("/workload/{target_id}/recommendations", "workloadRecommendations", ROLE_VIEWER, LONG,
         workload_recommendations),
    ACT("POST", "/workload/{target_id}/analyze", "workloadAnalyze", ROLE_OPERATOR, NONE, LONG,
        "workload.study", workload_analyze),
    READ("/workload/{target_id}/hot", "workloadHot", ROLE_VIEWER, LONG, workload_hot),
    READ("/workload/{target_id}/classes", "workloadClasses", ROLE_VIEWER, LONG, workload_classes),
    READ("/workload/{target_id}/clusters", "workloadClusters", ROLE_VIEWER, LONG, workload_clusters),
    READ("/workload/{target_id}/bottlenecks", "workloadBottlenecks", ROLE_VIEWER, LONG, workload_bottlenecks),
    READ("/workload/{target_id}/columns", "workloadColumns", ROLE_VIEWER, LONG, workload_columns),
    ACT("POST", "/recommendations/aggregate", "recommendationAggregate", ROLE_OPERATOR, OPTIONAL, LONG,
        "recommendation.aggregate", recommendations_aggregate),
    READ("/optimization-recommendations", "recommendationList", ROLE_VIEWER, QUICK, recommendations_list),
    READ("/optimization-recommendations/{recommendation_id}", "recommendationGet", ROLE_VIEWER, QUICK,
         recommendation_get),
    SLOW_ACT("/optimization-recommendations/{recommendation_id}/implement", "recommendationImplement",
             OPTIONAL, "recommendation.implement", recommendation_implement),
    ACT("POST", "/optimization-recommendations/{recommendation_id}/dismiss", "recommendationDismiss",
        ROLE_OPERATOR, OPTIONAL, QUICK, "recommendation.dismiss", recommendation_dismiss),
    READ("/scheduled-changes", "scheduledChangeList", ROLE_VIEWER, QUICK, scheduled_changes_list),
    ACT("POST", "/scheduled-changes/{scheduled_change_id}/cancel", "scheduledChangeCancel", ROLE_OPERATOR,
        NONE, QUICK, "schedule.cancel", scheduled_change_cancel),
    READ("/optimization-results", "resultList", ROLE_VIEWER, QUICK, results_list),
    READ("/optimization-results/report", "resultReport", ROLE_VIEWER, QUICK, results_report),
    SLOW_ACT("/optimization-results/{implementation_id}/measure", "resultMeasure", NONE, "result.measure",
             result_measure),
    SLOW_ACT("/optimization-results/{implementation_id}/revert", "resultRevert", OPTIONAL, "result.revert",
             result_revert),
    READ("/anomalies", "anomalyList", ROLE_VIEWER, QUICK, anomalies_list),
    READ("/incidents", "incidentList", ROLE_VIEWER, QUICK, incidents_list),
    READ("/indexes/recommendations/{connection_id}", "indexRecommendations", ROLE_VIEWER, QUICK,
         index_recommendations),
    READ("/indexes/unused/{connection_id}", "indexUnused", ROLE_VIEWER, LONG, index_unused),
    READ("/indexes/missing/{connection_id}", "indexMissing", ROLE_VIEWER, LONG, index_missing),
    READ("/indexes/statistics/{connection_id}", "indexStatistics", ROLE_VIEWER, LONG, index_statistics),
    READ("/indexes/history/{connection_id}", "indexHistory", ROLE_VIEWER, QUICK, index_history),
    ACT("POST", "/indexes/create", "indexCreate", ROLE_OPERATOR, BODY, LONG, "index.create", index_create),
    ACT("POST", "/indexes/drop", "indexDrop", ROLE_OPERATOR, BODY, LONG, "index.drop", index_drop),
    ACT("POST", "/indexes/cancel", "indexCancel", ROLE_OPERATOR, BODY, QUICK, "index.cancel", index_cancel),
    ACT("POST", "/indexes/analyze", "indexAnalyze", ROLE_OPERATOR, OPTIONAL, LONG, "index.analyze",
        index_analyze),
    {.method = NULL},
};
