// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/worker_pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static atomic_int ran;
static atomic_int discarded;
static sem_t begun;
static sem_t go_on;

static int
counters_clear(void **state)
{
    (void)state;
    ran = 0;
    discarded = 0;
    return sem_init(&begun, 0, 0) == 0 && sem_init(&go_on, 0, 0) == 0 ? 0 : -1;
}

static WorkerPool *
pool_of(int threads, size_t queue_most, WorkerTask discard)
{
    WorkerPool *pool = NULL;
    Error error = {0};
    if (!worker_pool_new(
            &(WorkerPoolOptions){
                .name = "unit test pool", .threads = threads, .queue_most = queue_most, .discard = discard},
            &pool, &error))
        fail_msg("%s", error.message);
    return pool;
}

static void
count_run(void *argument)
{
    ran += *(const int *)argument;
}

static void
count_discarded(void *argument)
{
    discarded += *(const int *)argument;
}

static void
wait_to_go_on(void *argument)
{
    (void)argument;
    sem_post(&begun);
    while (sem_wait(&go_on) != 0)
        ;
    ran++;
}

static void
each_task_runs_once(void **state)
{
    (void)state;
    static const int one = 1;
    WorkerPool *pool = pool_of(4, 64, NULL);
    int taken = 0;
    for (int i = 0; i < 5000;)
        if (worker_pool_submit(pool, count_run, (void *)(uintptr_t)&one)) {
            i++;
            taken++;
        }
    while (worker_pool_state(pool).done < taken)
        sched_yield();
    WorkerPoolState pool_state = worker_pool_state(pool);
    assert_true(pool_state.waiting == 0 && pool_state.running == 0 && pool_state.done == 5000);
    assert_true(worker_pool_stop(pool, DEADLINE_NEVER));
    assert_int_equal(ran, 5000);
}

static void
a_full_queue_is_an_answer(void **state)
{
    (void)state;
    static const int one = 1;
    WorkerPool *pool = pool_of(1, 2, count_discarded);
    assert_true(worker_pool_submit(pool, wait_to_go_on, NULL));
    sem_wait(&begun); /* the thread has it: the queue is empty */
    assert_true(worker_pool_submit(pool, count_run, (void *)(uintptr_t)&one));
    assert_true(worker_pool_submit(pool, count_run, (void *)(uintptr_t)&one));
    assert_false(worker_pool_submit(pool, count_run, (void *)(uintptr_t)&one));
    WorkerPoolState pool_state = worker_pool_state(pool);
    assert_true(pool_state.waiting == 2 && pool_state.running == 1 && pool_state.done == 0);
    sem_post(&go_on);
    while (worker_pool_state(pool).done < 3)
        sched_yield();
    assert_true(worker_pool_stop(pool, deadline_after_ms(60000)));
    assert_int_equal(ran, 3);
    assert_int_equal(discarded, 0);
}

static void *
let_go_on(void *pool)
{
    /* not before the pool is stopping: from then on it takes nothing */
    static const int one = 1;
    while (worker_pool_submit(pool, count_run, (void *)(uintptr_t)&one))
        sched_yield();
    sem_post(&go_on);
    return NULL;
}

static void
stopping_lets_a_task_finish_and_discards_those_that_wait(void **state)
{
    (void)state;
    static const int numbers[] = {1, 10, 100};
    WorkerPool *pool = pool_of(1, 1000000, count_discarded);
    assert_true(worker_pool_submit(pool, wait_to_go_on, NULL));
    sem_wait(&begun);
    for (int i = 0; i < 3; i++)
        assert_true(worker_pool_submit(pool, count_run, (void *)(uintptr_t)&numbers[i]));
    pthread_t helper;
    assert_int_equal(pthread_create(&helper, NULL, let_go_on, pool), 0);
    assert_true(worker_pool_stop(pool, deadline_after_ms(60000)));
    pthread_join(helper, NULL);
    assert_int_equal(ran, 1);
    assert_true(discarded >= 111);
}

static void
a_task_that_runs_on_is_left_at_the_deadline(void **state)
{
    (void)state;
    WorkerPool *pool = pool_of(2, 4, NULL);
    assert_true(worker_pool_submit(pool, wait_to_go_on, NULL));
    sem_wait(&begun);
    int64_t before = clock_monotonic_ms();
    assert_false(worker_pool_stop(pool, deadline_after_ms(50)));
    assert_true(clock_monotonic_ms() - before >= 49);
    assert_false(worker_pool_submit(pool, wait_to_go_on, NULL));
    /* the task ends after all, so the pool can be stopped for good */
    sem_post(&go_on);
    assert_true(worker_pool_stop(pool, deadline_after_ms(60000)));
    assert_true(worker_pool_stop(NULL, 0));
}

static void
note_signals_and_name(void *argument)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof(name));
    *(bool *)argument = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGHUP) == 1 &&
                        strncmp(name, "unit test po", 12) == 0;
    sem_post(&begun);
}

static void
workers_block_signals_and_have_a_name(void **state)
{
    (void)state;
    bool is_good = false;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    WorkerPool *pool = pool_of(1, 1, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
    assert_true(worker_pool_submit(pool, note_signals_and_name, &is_good));
    sem_wait(&begun);
    assert_true(worker_pool_stop(pool, DEADLINE_NEVER));
    assert_true(is_good);
}

static void
make_without_threads(void *ignored)
{
    (void)ignored;
    (void)pool_of(0, 1, NULL);
}

static void
make_with_too_many_threads(void *ignored)
{
    (void)ignored;
    (void)pool_of(129, 1, NULL);
}

static void
make_without_a_queue(void *ignored)
{
    (void)ignored;
    (void)pool_of(1, 0, NULL);
}

static void
a_pool_has_threads_and_a_queue(void **state)
{
    (void)state;
    assert_dies(make_without_threads, NULL, "threads > 0");
    assert_dies(make_with_too_many_threads, NULL, "threads <= 128");
    assert_dies(make_without_a_queue, NULL, "queue_most > 0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_task_runs_once, counters_clear),
        cmocka_unit_test_setup(a_full_queue_is_an_answer, counters_clear),
        cmocka_unit_test_setup(stopping_lets_a_task_finish_and_discards_those_that_wait, counters_clear),
        cmocka_unit_test_setup(a_task_that_runs_on_is_left_at_the_deadline, counters_clear),
        cmocka_unit_test_setup(workers_block_signals_and_have_a_name, counters_clear),
        cmocka_unit_test(a_pool_has_threads_and_a_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
