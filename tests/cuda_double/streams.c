/* Streams, events and host work: handles on the queue. */
#include "double.h"

#include <stdlib.h>

static CUevent events; /* all that ever were */

CUstream find_stream(const char *caller, CUstream handle) {
    CUstream stream = streams;
    if (handle == NULL || handle == CU_STREAM_LEGACY)
        return &null_stream;
    while (stream != NULL && stream != handle)
        stream = stream->next;
    if (stream == NULL)
        violation("%s: %p is no stream", caller, (void *)handle);
    if (stream->destroyed)
        violation("%s: the stream %p was destroyed", caller, (void *)handle);
    return stream;
}

static CUevent find_event(const char *caller, CUevent handle) {
    CUevent event = events;
    while (event != NULL && event != handle)
        event = event->next;
    if (event == NULL)
        violation("%s: %p is no event", caller, (void *)handle);
    if (event->destroyed)
        violation("%s: the event %p was destroyed", caller, (void *)handle);
    return event;
}

void release_streams(void) {
    for (CUstream stream = streams; stream != NULL; stream = stream->next)
        if (stream->first != NULL)
            violation("release of the context: work is pending");
    for (CUstream stream = streams; stream != &null_stream; stream = stream->next)
        stream->destroyed = true;
    for (CUevent event = events; event != NULL; event = event->next)
        event->destroyed = true;
}

void count_streams(struct double_counts *counts) {
    for (CUstream stream = streams; stream != NULL; stream = stream->next) {
        counts->streams += stream != &null_stream && !stream->destroyed;
        counts->pending += (long)(stream->submitted - stream->done);
    }
    for (CUevent event = events; event != NULL; event = event->next)
        counts->events += !event->destroyed;
}

CUresult cuStreamCreate(CUstream *handle, unsigned int flags) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUstream stream = calloc(1, sizeof *stream);
        if (stream == NULL)
            violation("the host is out of memory");
        stream->blocking = !(flags & CU_STREAM_NON_BLOCKING);
        stream->next = streams;
        *handle = streams = stream;
    }
    return leave(result);
}

/* What is pending in it still runs. */
CUresult cuStreamDestroy(CUstream handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS)
        find_stream("cuStreamDestroy", handle)->destroyed = true;
    return leave(result);
}

CUresult cuStreamSynchronize(CUstream handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUstream stream = find_stream("cuStreamSynchronize", handle);
        finish(stream, stream->submitted);
    }
    return leave(result);
}

CUresult cuStreamQuery(CUstream handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUstream stream = find_stream("cuStreamQuery", handle);
        run_towards(stream);
        if (stream->first != NULL)
            result = CUDA_ERROR_NOT_READY;
    }
    return leave(result);
}

/* Waits for the latest record so far; an event that was never recorded is not waited for. */
CUresult cuStreamWaitEvent(CUstream stream_handle, CUevent event_handle, unsigned int flags) {
    (void)flags;
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUstream stream = find_stream("cuStreamWaitEvent", stream_handle);
        CUevent event = find_event("cuStreamWaitEvent", event_handle);
        if (event->latest != NULL)
            enqueue_wait(stream, event->latest);
    }
    return leave(result);
}

CUresult double_enqueue_host_work(CUstream handle, int (*function)(void *), void *data) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        struct work *work = new_work(HOST_WORK);
        work->function = function;
        work->data = data;
        enqueue(find_stream("double_enqueue_host_work", handle), work);
    }
    return leave(result);
}

CUresult cuEventCreate(CUevent *handle, unsigned int flags) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUevent event = calloc(1, sizeof *event);
        if (event == NULL)
            violation("the host is out of memory");
        event->timed = !(flags & CU_EVENT_DISABLE_TIMING);
        event->next = events;
        *handle = events = event;
    }
    return leave(result);
}

CUresult cuEventDestroy(CUevent handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUevent event = find_event("cuEventDestroy", handle);
        event->destroyed = true;
        release_record(event->latest);
    }
    return leave(result);
}

CUresult cuEventRecord(CUevent event_handle, CUstream stream_handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUstream stream = find_stream("cuEventRecord", stream_handle);
        CUevent event = find_event("cuEventRecord", event_handle);
        release_record(event->latest);
        event->latest = enqueue_record(stream);
    }
    return leave(result);
}

CUresult cuEventSynchronize(CUevent handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        const struct record *latest = find_event("cuEventSynchronize", handle)->latest;
        if (latest != NULL)
            finish(latest->stream, latest->position);
    }
    return leave(result);
}

CUresult cuEventQuery(CUevent handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        const struct record *latest = find_event("cuEventQuery", handle)->latest;
        if (latest != NULL && !is_reached(latest))
            run_towards(latest->stream);
        if (latest != NULL && !is_reached(latest))
            result = CUDA_ERROR_NOT_READY;
    }
    return leave(result);
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent from_handle, CUevent to_handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS) {
        CUevent from = find_event("cuEventElapsedTime", from_handle);
        CUevent to = find_event("cuEventElapsedTime", to_handle);
        if (!from->timed || !to->timed || from->latest == NULL || to->latest == NULL)
            result = CUDA_ERROR_INVALID_HANDLE;
        else if (!is_reached(from->latest) || !is_reached(to->latest))
            result = CUDA_ERROR_NOT_READY;
        else
            *milliseconds = (float)(to->latest->time - from->latest->time);
    }
    return leave(result);
}
