/* The one lock. */
#include "double.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unlocked = PTHREAD_COND_INITIALIZER;

void lock(void) {
    pthread_mutex_lock(&mutex);
}

void unlock(void) {
    pthread_cond_broadcast(&unlocked);
    pthread_mutex_unlock(&mutex);
}

void wait_for_other_threads(void) {
    pthread_cond_wait(&unlocked, &mutex);
}
