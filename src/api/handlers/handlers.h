// SPDX-License-Identifier: PostgreSQL
/*
 * The handlers, one file a resource; each is named in the table of routes (routes.c).
 */
#ifndef FETTLE_API_HANDLERS_HANDLERS_H
#define FETTLE_API_HANDLERS_HANDLERS_H

#include "api/request.h"

/* X(name) */
#define API_HANDLERS(X)                                                                                      \
    X(health_get)                                                                                            \
    X(ready_get)                                                                                             \
    X(metrics_get)                                                                                           \
    X(openapi_get)                                                                                           \
    X(login)                                                                                                 \
    X(logout)                                                                                                \
    X(me_get)                                                                                                \
    X(targets_list)                                                                                          \
    X(target_create)                                                                                         \
    X(target_get)                                                                                            \
    X(target_update)                                                                                         \
    X(target_delete)                                                                                         \
    X(target_test)                                                                                           \
    X(connection_test)                                                                                       \
    X(target_metrics)                                                                                        \
    X(target_activity)                                                                                       \
    X(target_relations)                                                                                      \
    X(target_setting_changes)                                                                                \
    X(target_queries)                                                                                        \
    X(query_get)                                                                                             \
    X(query_history)                                                                                         \
    X(query_plans)                                                                                           \
    X(settings_list)                                                                                         \
    X(setting_set)                                                                                           \
    X(setting_reset)                                                                                         \
    X(pauses_list)                                                                                           \
    X(pause_begin)                                                                                           \
    X(pause_end)                                                                                             \
    X(change_policy_get)                                                                                     \
    X(change_policy_set)                                                                                     \
    X(scheduled_changes_list)                                                                                \
    X(scheduled_change_cancel)                                                                               \
    X(results_report)                                                                                        \
    X(jobs_list)                                                                                             \
    X(job_get)                                                                                               \
    X(users_list)                                                                                            \
    X(user_create)                                                                                           \
    X(user_get)                                                                                              \
    X(user_update)                                                                                           \
    X(user_delete)                                                                                           \
    X(tokens_list)                                                                                           \
    X(token_create)                                                                                          \
    X(token_revoke)                                                                                          \
    X(audit_list)                                                                                            \
    X(webhooks_list)                                                                                         \
    X(webhook_create)                                                                                        \
    X(webhook_get)                                                                                           \
    X(webhook_update)                                                                                        \
    X(webhook_delete)                                                                                        \
    X(webhook_test)                                                                                          \
    X(notices_list)                                                                                          \
    X(anomalies_list)                                                                                        \
    X(incidents_list)                                                                                        \
    X(workload_patterns_analyze)                                                                             \
    X(workload_patterns_list)                                                                                \
    X(workload_trends)                                                                                       \
    X(workload_analysis)                                                                                     \
    X(workload_target_patterns)                                                                              \
    X(workload_recommendations)                                                                              \
    X(workload_analyze)                                                                                      \
    X(workload_hot)                                                                                          \
    X(workload_classes)                                                                                      \
    X(workload_clusters)                                                                                     \
    X(workload_bottlenecks)                                                                                  \
    X(workload_columns)                                                                                      \
    X(recommendations_aggregate)                                                                             \
    X(recommendations_list)                                                                                  \
    X(recommendation_get)                                                                                    \
    X(recommendation_implement)                                                                              \
    X(recommendation_dismiss)                                                                                \
    X(results_list)                                                                                          \
    X(result_measure)                                                                                        \
    X(result_revert)                                                                                         \
    X(index_recommendations)                                                                                 \
    X(index_unused)                                                                                          \
    X(index_missing)                                                                                         \
    X(index_statistics)                                                                                      \
    X(index_create)                                                                                          \
    X(index_drop)                                                                                            \
    X(index_history)                                                                                         \
    X(index_analyze)                                                                                         \
    X(index_cancel)

#define API_HANDLER_DECLARE(name) bool handle_##name(ApiRequest *request, Error *error);
API_HANDLERS(API_HANDLER_DECLARE)
#undef API_HANDLER_DECLARE

/* Forgets all remembered tokens, for they may have ended; as ApiRequest.after. */
void after_tokens_ended(ApiRequest *request);
void after_targets_changed(ApiRequest *request);
void after_settings_changed(ApiRequest *request);

#endif
