/* The order in which pending work runs, among those that streams and events allow. */
#include "double.h"

#include <stdlib.h>
#include <string.h>

static enum { LAZY, EAGER, RANDOM } order = LAZY;
static uint64_t random_state;
static uint64_t haste; /* so many times out of 6, work that could run unasked does */

/* SplitMix64. */
static uint64_t draw(void) {
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void set_order(const char *name, uint64_t seed) {
    if (strcmp(name, "lazy") == 0)
        order = LAZY;
    else if (strcmp(name, "eager") == 0)
        order = EAGER;
    else if (strcmp(name, "random") == 0)
        order = RANDOM;
    else
        violation("no order is called '%s'", name);
    random_state = seed;
    haste = seed % 4;
}

void double_set_order(const char *name, uint64_t seed) {
    lock();
    set_order(name, seed);
    unlock();
}

void read_order(void) {
    const char *name = getenv("CUDA_DOUBLE_ORDER");
    const char *seed = getenv("CUDA_DOUBLE_SEED");
    if (name != NULL)
        set_order(name, seed == NULL ? 0 : strtoull(seed, NULL, 0));
}

/* The wanted stream, or what it waits for, or what that waits for, and so on. Ends, since a wait
 * is always for what was recorded before. */
static CUstream needed(CUstream wanted) {
    while (!is_ready(wanted)) {
        if (wanted->first == NULL || wanted->running)
            return NULL;
        wanted = wanted->first->record->stream;
    }
    return wanted;
}

static CUstream newest_but(CUstream wanted) {
    CUstream best = NULL;
    for (CUstream s = streams; s != NULL; s = s->next)
        if (s != wanted && is_ready(s) && (best == NULL || s->first->number > best->first->number))
            best = s;
    return best;
}

static CUstream any(void) {
    uint64_t count = 0;
    for (CUstream s = streams; s != NULL; s = s->next)
        count += is_ready(s);
    uint64_t pick = count > 0 ? draw() % count : 0;
    for (CUstream s = streams; s != NULL; s = s->next)
        if (is_ready(s) && pick-- == 0)
            return s;
    return NULL;
}

CUstream choose(CUstream wanted) {
    if (order == RANDOM)
        return any();
    CUstream other = order == EAGER ? newest_but(wanted) : NULL;
    return other != NULL ? other : needed(wanted);
}

CUstream choose_ahead(void) {
    return order == RANDOM && draw() % 6 < haste ? any() : NULL;
}
