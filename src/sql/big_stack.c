// SPDX-License-Identifier: PostgreSQL
#include "sql/statement_internal.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

/* Only touched pages cost memory. 64 kB of text at its deepest needs less than half of it. */
#define BIG_STACK_BYTES ((size_t)256 * 1024 * 1024)

/* Whether this thread is one with a big stack. */
static _Thread_local bool is_big_stack;

typedef struct BigStackWork {
    void (*work)(void *context);
    void *context;
} BigStackWork;

static void *
big_stack_thread(void *opaque)
{
    BigStackWork *work = opaque;
    is_big_stack = true;
    work->work(work->context);
    return NULL;
}

void
sql_batch_run(void (*work)(void *context), void *context)
{
    sql_big_stack_run(work, context);
}

void
sql_big_stack_run(void (*work)(void *context), void *context)
{
    if (is_big_stack) {
        work(context);
        return;
    }
    BigStackWork job = {.work = work, .context = context};
    size_t guard_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *stack = mmap(NULL, guard_bytes + BIG_STACK_BYTES, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    fettle_assert(stack != MAP_FAILED);
    /* The lowest page stays forbidden: running over the end is a fault, never another thread's memory. */
    int result = mprotect(stack + guard_bytes, BIG_STACK_BYTES, PROT_READ | PROT_WRITE);
    fettle_assert(result == 0);
    pthread_attr_t attributes;
    pthread_t thread;
    result = pthread_attr_init(&attributes);
    fettle_assert(result == 0);
    result = pthread_attr_setstack(&attributes, stack + guard_bytes, BIG_STACK_BYTES);
    fettle_assert(result == 0);
    result = pthread_create(&thread, &attributes, big_stack_thread, &job);
    fettle_assert(result == 0);
    result = pthread_join(thread, NULL);
    fettle_assert(result == 0);
    pthread_attr_destroy(&attributes);
    munmap(stack, guard_bytes + BIG_STACK_BYTES);
}
