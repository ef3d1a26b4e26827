/* A wrong clock for one process: preload the library made of this, and name in WRONG_CLOCK_FILE a file of 8 bytes, the
 * seconds by which the wall clock is to be wrong, as a native integer that may change at any time. The monotonic clock
 * stays right, as on a machine whose time is set by hand.
 *
 * libfaketime is not used: its version 0.9.10 makes Python 3.11's sleeps and waits fail or hang. Deadlines that the
 * program states by the wrong clock are translated before the kernel, which knows the right one, sees them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SURELY_WALL_CLOCK 1000000000 /* seconds: no machine has been up for 30 years */

static int (*right_clock)(clockid_t, struct timespec *);
static const volatile int64_t *offset_seconds;

__attribute__((constructor)) static void begin(void) {
    right_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *name = getenv("WRONG_CLOCK_FILE");
    int file = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        abort(); /* a test that believes the clock to be wrong must not go on with a right one */
    void *content = mmap(NULL, sizeof *offset_seconds, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (content == MAP_FAILED)
        abort();
    offset_seconds = content;
}

static int64_t wrong_by(void) { return offset_seconds == NULL ? 0 : *offset_seconds; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (right_clock == NULL) /* called while the program is being loaded */
        right_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = right_clock(clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += wrong_by();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL)
        *result = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
    if (base != TIME_UTC)
        return 0;
    clock_gettime(CLOCK_REALTIME, now);
    return base;
}

/* Waits of a condition say by their deadline which clock they mean. */
static int wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline) {
    if (deadline->tv_sec < SURELY_WALL_CLOCK)
        return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, deadline);
    struct timespec right = {deadline->tv_sec - wrong_by(), deadline->tv_nsec};
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &right);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline) {
    return wait_until(condition, mutex, deadline);
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict deadline) {
    int failed = wait_until((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, deadline);
    return failed == 0 ? thrd_success : failed == ETIMEDOUT ? thrd_timedout : thrd_error;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
    struct timespec right = {deadline->tv_sec - wrong_by(), deadline->tv_nsec};
    return sem_clockwait(semaphore, CLOCK_REALTIME, &right);
}
