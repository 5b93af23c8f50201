// SPDX-License-Identifier: PostgreSQL
/*
 * Several questions at once: the WhatIf's own session takes some of them, a thread with a session of its own
 * each of the others. What is answered goes where whatif_begin() and whatif_cost() look first.
 *
 * A session sees nothing of what another makes, and waits where both make the same name; so each gives its
 * indexes names of its own. An index of a partitioned table makes others whose names the server chooses: it
 * is made by the WhatIf's own session alone.
 *
 * Nothing depends on a further session: what one is refused, or cannot answer, the WhatIf asks by itself.
 */
#include "whatif/whatif_internal.h"

#include "pg/identifier.h"
#include "pg/result.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LANE_ARENA_BYTES ((size_t)4 << 30)
#define ANSWERS_ARENA_BYTES ((size_t)1 << 30)
/* Two that wait for each other would wait long. */
#define LOCK_TIMEOUT_MS 200

/* Part of what it takes: the next questions on that session find it made. */
#define CREATION_US 50

typedef struct LaneQuestion {
    const WhatIfQuestion *question;
    double ask_us; /* without what must be made */
    bool is_answered;
    WhatIfChangeResult *results;
    WhatIfAnswer answer;
} LaneQuestion;

VECTOR_DEFINE(LaneQuestions, LaneQuestion);

typedef struct Lane {
    const WhatIfLanes *lanes;
    WhatIf *whatif; /* the first one's is the owner of the lanes */
    Arena *arena;   /* its session's; NULL of the first */
    Arena *answers; /* of the questions at hand */
    Map *made;      /* key -> anything: indexes that it has made some time */
    LaneQuestions questions;
    double load_us;
    const char *name_prefix;
    bool is_lost; /* it failed once */
    bool is_running;
    pthread_t thread;
} Lane;

struct WhatIfLanes {
    Twin *twin;
    size_t count;
    Lane lanes[WHATIF_SESSIONS_MOST];
};

void
whatif_set_sessions(WhatIf *whatif, int sessions)
{
    whatif->sessions_wanted = sessions;
}

static size_t
lanes_wanted(const WhatIf *whatif)
{
    long wanted = whatif->sessions_wanted > 0 ? whatif->sessions_wanted : sysconf(_SC_NPROCESSORS_ONLN);
    return wanted < 1 ? 1 : wanted > WHATIF_SESSIONS_MOST ? WHATIF_SESSIONS_MOST : (size_t)wanted;
}

static WhatIfLanes *
lanes_new(WhatIf *whatif)
{
    static const char *const prefixes[WHATIF_SESSIONS_MOST] = {"", "b_", "c_", "d_"};
    WhatIfLanes *lanes = ARENA_NEW(whatif->arena, WhatIfLanes);
    lanes->twin = whatif->twin;
    lanes->count = lanes_wanted(whatif);
    for (size_t i = 0; i < lanes->count; i++)
        lanes->lanes[i] = (Lane){.lanes = lanes, .name_prefix = prefixes[i], .made = map_new(whatif->arena)};
    lanes->lanes[0].whatif = whatif;
    whatif->is_shared = lanes->count > 1;
    return lanes;
}

void
whatif_lanes_close(WhatIfLanes *lanes)
{
    for (size_t i = 1; lanes != NULL && i < lanes->count; i++) {
        whatif_close(lanes->lanes[i].whatif);
        arena_free(lanes->lanes[i].arena);
    }
}

void
whatif_lanes_rest(WhatIfLanes *lanes)
{
    for (size_t i = 1; lanes != NULL && i < lanes->count; i++) {
        Lane *lane = &lanes->lanes[i];
        Error error = {0};
        if (lane->whatif != NULL && !lane->is_lost)
            lane->is_lost = !whatif_end(lane->whatif, &error);
        if (map_count(lane->made) > 0)
            lane->made = map_new(lanes->lanes[0].whatif->arena);
    }
}

void
whatif_lanes_count(const WhatIfLanes *lanes, WhatIfStatistics *statistics)
{
    for (size_t i = 1; lanes != NULL && i < lanes->count; i++) {
        if (lanes->lanes[i].whatif == NULL)
            continue;
        WhatIfStatistics own = whatif_statistics(lanes->lanes[i].whatif);
        statistics->explains += own.explains;
        statistics->index_creations += own.index_creations;
        statistics->index_scripts += own.index_scripts;
        statistics->server_ms += own.server_ms;
    }
}

static bool
lane_open(Lane *lane, Error *error)
{
    if (lane->whatif != NULL)
        return true;
    lane->arena = arena_new("further what-if session", LANE_ARENA_BYTES);
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("lock timeout", 4096);
    if (!whatif_session_open(lane->arena, lane->lanes->twin, lane->name_prefix, &lane->whatif, error))
        return false;
    lane->whatif->is_shared = true;
    return pg_execute(lane->whatif->connection,
                      arena_printf(scratch, "SET lock_timeout = %d", LOCK_TIMEOUT_MS), error);
}

static bool
lane_ask(Lane *lane, LaneQuestion *asked, Arena *plans, Error *error)
{
    const WhatIfQuestion *question = asked->question;
    WhatIf *whatif = lane->whatif;
    whatif->explainer.keeps_text = lane->arena != NULL && question->with_plan;
    asked->is_answered =
        whatif_begin(whatif, lane->answers, question->changes, question->change_count, &asked->results,
                     error) &&
        (question->statement == NULL ||
         whatif_answer(whatif, plans, question->statement, question->with_plan, &asked->answer, error));
    return asked->is_answered;
}

/* A further session's questions, by its thread. */
static void *
lane_run(void *context)
{
    Lane *lane = context;
    Error error = {0};
    lane->is_lost = !lane_open(lane, &error);
    for (size_t i = 0; i < lane->questions.count && !lane->is_lost; i++)
        lane->is_lost = !lane_ask(lane, &lane->questions.items[i], lane->answers, &error);
    return NULL;
}

static bool
change_is_for_any_lane(const WhatIfLanes *lanes, const WhatIfChange *change)
{
    const SnapshotRelation *relation = snapshot_relation(twin_snapshot(lanes->twin), change->relation_id);
    return relation != NULL && relation->kind != 'p' &&
           strlen(change->name) + strlen(lanes->lanes[lanes->count - 1].name_prefix) <= PG_IDENTIFIER_BYTES;
}

static double
lane_load_us(const Lane *lane, const LaneQuestion *asked)
{
    const WhatIfQuestion *question = asked->question;
    double load_us = lane->load_us + asked->ask_us;
    for (size_t i = 0; i < question->change_count; i++)
        if (map_get_id(lane->made, whatif_change_key(&question->changes[i])) == NULL)
            load_us += CREATION_US;
    return load_us;
}

/* To the lane that would be done first. */
static void
question_assign(WhatIfLanes *lanes, Arena *arena, const LaneQuestion *asked)
{
    const WhatIfQuestion *question = asked->question;
    bool is_for_any = true;
    for (size_t i = 0; i < question->change_count; i++)
        is_for_any = is_for_any && change_is_for_any_lane(lanes, &question->changes[i]);
    Lane *lane = &lanes->lanes[0];
    double load_us = lane_load_us(lane, asked);
    for (size_t i = 1; i < lanes->count && is_for_any; i++) {
        Lane *other = &lanes->lanes[i];
        double other_us = lane_load_us(other, asked);
        if (other->is_lost || other_us >= load_us)
            continue;
        lane = other;
        load_us = other_us;
    }
    lane->load_us = load_us;
    for (size_t i = 0; i < question->change_count; i++)
        map_put_id(lane->made, whatif_change_key(&question->changes[i]), lane);
    vector_push(arena, &lane->questions, *asked);
}

/* Longest first: what is left over at the end is short. */
static int
question_compare(const void *left, const void *right)
{
    const LaneQuestion *a = left;
    const LaneQuestion *b = right;
    if (a->ask_us != b->ask_us)
        return a->ask_us < b->ask_us ? 1 : -1;
    return (a->question > b->question) - (a->question < b->question);
}

/* Signals are the other threads' business. */
static void
lanes_start(WhatIfLanes *lanes)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (size_t i = 1; i < lanes->count; i++) {
        Lane *lane = &lanes->lanes[i];
        if (lane->questions.count > 0)
            lane->is_running = pthread_create(&lane->thread, NULL, lane_run, lane) == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
lanes_join(WhatIfLanes *lanes)
{
    for (size_t i = 1; i < lanes->count; i++)
        if (lanes->lanes[i].is_running) {
            pthread_join(lanes->lanes[i].thread, NULL);
            lanes->lanes[i].is_running = false;
        }
}

/* The plan in the asker's arena, with the names that the changes gave. */
static PgPlan *
plan_take(const Lane *lane, Arena *arena, const WhatIfAnswer *answer)
{
    PgPlan *taken;
    Error error = {0};
    const PgPlan *plan = answer->plan;
    if (plan == NULL || plan->text == NULL ||
        !pg_plan_parse(arena, plan->text, strlen(plan->text), &taken, &error))
        return NULL;
    for (size_t i = 0; i < answer->used_indexes.count; i++) {
        const char *name = answer->used_indexes.items[i];
        const char *made_name = arena_printf(lane->answers, "%s%s", lane->name_prefix, name);
        if (map_get(lane->whatif->given_names, made_name) != NULL)
            pg_plan_rename_index(taken, made_name, arena_strdup(arena, name));
    }
    return taken;
}

/* What a further session was told, for the first to know; not what it was refused. */
static void
answer_take(WhatIf *whatif, Arena *arena, const Lane *lane, const LaneQuestion *asked)
{
    const WhatIfQuestion *question = asked->question;
    KnownChangeList changes = {0};
    Map *seen = map_new(lane->answers);
    for (size_t i = 0; i < question->change_count; i++) {
        KnownChange *known = whatif_known_change(whatif, &question->changes[i]);
        if (known == NULL && !asked->results[i].is_applied)
            return;
        if (known == NULL)
            known = whatif_learn_change(whatif, &question->changes[i], &asked->results[i]);
        if (known->result.is_applied != asked->results[i].is_applied)
            return;
        whatif_changes_add(lane->answers, seen, &changes, known);
    }
    if (question->statement == NULL || !asked->answer.is_known)
        return;
    WhatIfAnswer answer = asked->answer;
    if (question->with_plan)
        answer.plan = plan_take(lane, arena, &asked->answer);
    if (question->with_plan && answer.plan == NULL)
        return;
    whatif_cache_put(whatif, whatif_question_key(whatif, &changes, question->statement), &answer,
                     question->with_plan);
}

static bool
is_open_question(const WhatIf *whatif, Arena *scratch, const WhatIfQuestion *question)
{
    KnownChangeList changes = {0};
    Map *seen = map_new(scratch);
    for (size_t i = 0; i < question->change_count; i++) {
        KnownChange *known = whatif_known_change(whatif, &question->changes[i]);
        if (known == NULL)
            return true;
        whatif_changes_add(scratch, seen, &changes, known);
    }
    return question->statement != NULL &&
           !whatif_is_cached(whatif, whatif_question_key(whatif, &changes, question->statement),
                             question->with_plan);
}

static void
lanes_run(WhatIfLanes *lanes, Arena *arena)
{
    Lane *own = &lanes->lanes[0];
    Error error = {0};
    lanes_start(lanes);
    for (size_t i = 0; i < own->questions.count; i++)
        if (!lane_ask(own, &own->questions.items[i], arena, &error))
            break;
    lanes_join(lanes);
    for (size_t i = 1; i < lanes->count; i++)
        for (size_t k = 0; k < lanes->lanes[i].questions.count; k++)
            if (lanes->lanes[i].questions.items[k].is_answered)
                answer_take(own->whatif, arena, &lanes->lanes[i], &lanes->lanes[i].questions.items[k]);
}

/* Nothing is wanted any more; what stands is hidden when a question comes. */
static void
wanted_forget(WhatIf *whatif)
{
    whatif->wanted.count = 0;
    whatif->is_mixed = false;
    whatif->is_settled = whatif->standing.count == 0;
}

void
whatif_expect(WhatIf *whatif, Arena *arena, const WhatIfQuestion *questions, size_t count)
{
    wanted_forget(whatif);
    if (whatif->is_sparse || count < 2)
        return;
    if (whatif->lanes == NULL)
        whatif->lanes = lanes_new(whatif);
    WhatIfLanes *lanes = whatif->lanes;
    if (lanes->count < 2)
        return;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("questions at once", ANSWERS_ARENA_BYTES);
    for (size_t i = 0; i < lanes->count; i++) {
        Lane *lane = &lanes->lanes[i];
        lane->questions = (LaneQuestions){0};
        lane->load_us = 0;
        lane->answers = arena_new("answers of a session", ANSWERS_ARENA_BYTES);
    }
    LaneQuestion *asked = ARENA_NEW_ARRAY(scratch, LaneQuestion, count);
    size_t asked_count = 0;
    for (size_t i = 0; i < count; i++)
        if (whatif_are_indexes(questions[i].changes, questions[i].change_count) &&
            is_open_question(whatif, scratch, &questions[i]))
            asked[asked_count++] = (LaneQuestion){
                .question = &questions[i],
                .ask_us = questions[i].statement == NULL ? 0 : whatif_question_us(questions[i].statement)};
    qsort(asked, asked_count, sizeof(*asked), question_compare);
    for (size_t i = 0; i < asked_count; i++)
        question_assign(lanes, scratch, &asked[i]);
    lanes_run(lanes, arena);
    wanted_forget(whatif);
    for (size_t i = 0; i < lanes->count; i++)
        arena_free(lanes->lanes[i].answers);
}
