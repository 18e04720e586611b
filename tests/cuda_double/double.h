/* What the parts of the double share. One lock guards everything; it is held from enter() to
 * leave(), but for the time that host work runs. */
#ifndef CUDA_DOUBLE_H
#define CUDA_DOUBLE_H

#pragma GCC visibility push(default) /* exported: the driver API and control.h */
#include "control.h"
#pragma GCC visibility pop

#include <stdbool.h>

/* A rectangle of bytes in device or host memory. */
struct area {
    enum { DEVICE, HOST } side;
    uintptr_t address;
    size_t pitch, width, height;
};

/* A moment in a stream: after the first `position` pieces of its work. */
struct record {
    int holders;
    CUstream stream;
    uint64_t position;
    double time; /* milliseconds on the stream's clock, once reached */
};

enum work_kind { COPY, FILL, RECORD, WAIT, HOST_WORK };

struct work {
    enum work_kind kind;
    uint64_t number;     /* counts all work of all streams */
    struct area to, from;
    char *staged;        /* the driver's own copy of what `from` was, or NULL */
    unsigned char value; /* to fill with */
    struct record *record;
    int (*function)(void *);
    void *data;
    struct work *next;
};

struct CUstream_st {
    bool blocking; /* takes turns with the null stream */
    bool destroyed;
    bool running;  /* its first piece of work is under way */
    uint64_t submitted, done;
    double clock;  /* milliseconds that its work took so far, waits included */
    struct work *first, *last;
    CUstream next;
};

struct CUevent_st {
    bool timed, destroyed;
    struct record *latest; /* NULL until it is recorded */
    CUevent next;
};

/* lock.c */

void lock(void);
void unlock(void);
void wait_for_other_threads(void); /* until one of them has unlocked */

/* contexts.c */

/* Lock, and check that the device works and its context is current in this thread. */
CUresult enter(void);
/* Unlock; the result, or that the device has failed meanwhile. */
CUresult leave(CUresult result);
void fail_device(void);
bool device_failed(void);
size_t total_memory(void);

/* memory.c */

/* The bytes of an area; ends the process unless all of it lies in one live allocation. Host memory
 * that is not pinned is the program's own affair. */
char *area_bytes(const char *caller, const struct area *area);
bool is_pinned(const struct area *area);
size_t extent(const struct area *area); /* bytes from the first to the last */
void release_memory(void);
void count_memory(struct double_counts *counts);

/* queue.c */

extern struct CUstream_st null_stream;
extern CUstream streams; /* all that ever were, and the null stream */
struct work *new_work(enum work_kind kind);
void enqueue(CUstream stream, struct work *work);
/* Put a record at the end of a stream; the caller holds it. */
struct record *enqueue_record(CUstream stream);
void enqueue_wait(CUstream stream, struct record *record);
void release_record(struct record *record);
bool is_reached(const struct record *record);
bool is_ready(CUstream stream); /* whether its next piece of work can run */
/* Run work until the first `position` pieces of a stream's are done. */
void finish(CUstream stream, uint64_t position);
void finish_all(void);
void run_towards(CUstream stream); /* one piece of work, for someone who asks but does not wait */
void run_ahead(void);              /* work that nobody waits for, where the order wants it */
/* End the process if pending work touches any of `size` bytes. */
void check_idle(const char *caller, uintptr_t address, size_t size);

/* streams.c */

CUstream find_stream(const char *caller, CUstream handle);
void release_streams(void);
void count_streams(struct double_counts *counts);

/* order.c */

void read_order(void);
/* The stream to run a piece of work of, for someone who waits for `wanted`; NULL if none can run
 * that would help. */
CUstream choose(CUstream wanted);
/* The same for nobody; NULL, mostly, if this is not the time. */
CUstream choose_ahead(void);

/* faults.c */

_Noreturn void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool allocation_refused(void);

#endif
