/* Pending work: one queue for each stream, and how a piece of work runs. */
#include "double.h"

#include <stdlib.h>
#include <string.h>

struct CUstream_st null_stream = {.blocking = true};
CUstream streams = &null_stream;

struct work *new_work(enum work_kind kind) {
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL)
        violation("the host is out of memory");
    work->kind = kind;
    return work;
}

static void append(CUstream stream, struct work *work) {
    static uint64_t number;
    work->number = ++number;
    if (stream->first == NULL)
        stream->first = work;
    else
        stream->last->next = work;
    stream->last = work;
    stream->submitted++;
}

void release_record(struct record *record) {
    if (record != NULL && --record->holders == 0)
        free(record);
}

bool is_reached(const struct record *record) {
    return record->stream->done >= record->position;
}

static struct record *append_record(CUstream stream) {
    struct work *work = new_work(RECORD);
    struct record *record = calloc(1, sizeof *record);
    if (record == NULL)
        violation("the host is out of memory");
    work->record = record;
    append(stream, work);
    *record = (struct record){.holders = 2, .stream = stream, .position = stream->submitted};
    return record;
}

static void append_wait(CUstream stream, struct record *record) {
    struct work *work = new_work(WAIT);
    work->record = record;
    record->holders++;
    append(stream, work);
}

static void append_wait_for_all_of(CUstream stream, CUstream other) {
    struct record *record = append_record(other);
    append_wait(stream, record);
    release_record(record);
}

/* Work in the null stream waits for all blocking streams, and theirs for the null stream. */
static void take_turns(CUstream stream) {
    if (stream == &null_stream) {
        for (CUstream other = streams; other != NULL; other = other->next)
            if (other != stream && other->blocking && other->first != NULL)
                append_wait_for_all_of(stream, other);
    } else if (stream->blocking && null_stream.first != NULL) {
        append_wait_for_all_of(stream, &null_stream);
    }
}

void enqueue(CUstream stream, struct work *work) {
    take_turns(stream);
    append(stream, work);
}

struct record *enqueue_record(CUstream stream) {
    take_turns(stream);
    return append_record(stream);
}

void enqueue_wait(CUstream stream, struct record *record) {
    take_turns(stream);
    append_wait(stream, record);
}

/* Copies and fills take a microsecond per KiB. */
static double milliseconds(const struct area *area) {
    return (double)(area->width * area->height) / 1024 / 1000;
}

static void run(CUstream stream, const struct work *work) {
    switch (work->kind) {
    case COPY: {
        char *to = area_bytes("pending copy", &work->to);
        const char *from = area_bytes("pending copy", &work->from);
        for (size_t row = 0; row < work->to.height; row++)
            memmove(to + row * work->to.pitch, from + row * work->from.pitch, work->to.width);
        stream->clock += milliseconds(&work->to);
        break;
    }
    case FILL:
        memset(area_bytes("pending fill", &work->to), work->value, work->to.width);
        stream->clock += milliseconds(&work->to);
        break;
    case RECORD:
        work->record->time = stream->clock;
        break;
    case WAIT:
        if (stream->clock < work->record->time)
            stream->clock = work->record->time;
        break;
    case HOST_WORK: {
        unlock();
        int failed = work->function(work->data);
        lock();
        if (failed)
            fail_device();
        stream->clock += 1;
        break;
    }
    }
}

bool is_ready(CUstream stream) {
    const struct work *work = stream->first;
    return work != NULL && !stream->running && (work->kind != WAIT || is_reached(work->record));
}

static void run_first(CUstream stream) {
    struct work *work = stream->first;
    stream->running = true;
    if (!device_failed())
        run(stream, work);
    stream->running = false;
    stream->first = work->next;
    stream->done++;
    release_record(work->record);
    free(work->staged);
    free(work);
}

void finish(CUstream stream, uint64_t position) {
    while (stream->done < position) {
        CUstream next = choose(stream);
        if (next != NULL)
            run_first(next);
        else
            wait_for_other_threads();
    }
}

void finish_all(void) {
    for (CUstream stream = streams; stream != NULL; stream = stream->next)
        finish(stream, stream->submitted);
}

void run_towards(CUstream stream) {
    CUstream next = choose(stream);
    if (next != NULL)
        run_first(next);
}

void run_ahead(void) {
    for (CUstream next = choose_ahead(); next != NULL; next = choose_ahead())
        run_first(next);
}

static bool overlaps(const struct area *area, uintptr_t address, size_t size) {
    return area->address < address + size && address < area->address + extent(area);
}

void check_idle(const char *caller, uintptr_t address, size_t size) {
    for (CUstream stream = streams; stream != NULL; stream = stream->next)
        for (const struct work *work = stream->first; work != NULL; work = work->next)
            if (overlaps(&work->to, address, size) || overlaps(&work->from, address, size))
                violation("%s: work is pending on the memory at %#lx", caller, (long)address);
}
